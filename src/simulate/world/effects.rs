//! What faults and weather do to the way of one machine: the physics of every kind of fault, in one place.

use std::sync::Arc;

use diagnosis::record::{DnsWord, ServiceWord};

use super::chance::steady;
use super::class::Class;
use super::conditions::{Conditions, Hurt, Resolver, Service};
use super::fault::Fault;
use super::people::{Session, stretch};
use super::places::{Machine, Place, SERVICES};
use super::weather::{Kind, Weather};

/// How long a router needs to be back after the electricity is, seconds.
const ROUTER_BOOT: f64 = 60.0;

/// A centre and everything that will happen in it.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) place: Place,
    /// When each machine is on.
    pub(crate) sessions: Vec<Vec<Session>>,
    /// When the mains are off, for whatever reason.
    pub(crate) dark: Vec<(f64, f64)>,
    pub(crate) weather: Weather,
    /// In order of their start.
    pub(crate) faults: Vec<Arc<Fault>>,
}

/// How one machine is cut off from the others of its LAN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// It reaches nobody.
    pub(crate) alone: bool,
    /// It is on the other side of a dead switch.
    pub(crate) other_side: bool,
}

impl Town {
    /// The faults that are felt now.
    pub(crate) fn felt(&self, t: f64) -> impl Iterator<Item = &Fault> {
        let faults = self.faults.iter().map(AsRef::as_ref);
        faults.filter(move |fault: &&Fault| fault.is_felt(t))
    }

    pub(crate) fn is_dark(&self, t: f64) -> bool {
        self.dark.iter().any(|(from, to)| *from <= t && t < *to)
    }

    /// Whether the router is off or starting.
    pub(crate) fn is_router_off(&self, t: f64) -> bool {
        self.dark
            .iter()
            .any(|(from, to)| *from <= t && t < *to + ROUTER_BOOT)
    }

    pub(crate) fn cut(&self, machine: usize, t: f64) -> Cut {
        let mut cut = Cut::default();
        for fault in self.felt(t) {
            match fault.class {
                Class::LanDown => cut.alone = true,
                Class::PcLinkDown | Class::AccessPointDead | Class::NoLease => {
                    cut.alone |= fault.machines.contains(&machine);
                }
                Class::LanPartial => cut.other_side |= fault.machines.contains(&machine),
                _ => {}
            }
        }
        cut
    }

    /// How things stand for one machine; `load` is how much is going on in the centre.
    pub(crate) fn conditions(
        &self,
        number: usize,
        machine: &Machine,
        load: f64,
        t: f64,
    ) -> Conditions {
        let mut now = usual(&self.place, machine, load);
        let noise = steady(machine.phase.to_bits(), stretch(t));
        now.flow = load * 0.25 * noise
            / (1.0 + 0.2 * f64::from(u32::try_from(self.place.machines.len()).unwrap_or(1)));
        now.cpu = 0.05 + 0.35 * load * noise;
        for kind in self.weather.at(t) {
            match kind {
                Kind::Loss(share) => now.line.lose(share),
                Kind::Queue(ms) => now.line.slow(ms, ms * 0.5),
                Kind::Busy(busy) if busy == number => {
                    now.cpu = 0.92;
                    now.lag_ms += 50.0;
                }
                Kind::Busy(_) | Kind::NoPaper(_) => {}
            }
        }
        if self.is_dark(t) {
            // Only laptops are still there to see it.
            now.on_battery = true;
            now.link_up = false;
            now.card.die();
            now.gateway.die();
        } else if self.is_router_off(t) {
            now.gateway.die();
        }
        for fault in self.felt(t) {
            apply(fault, number, machine, load, t, &mut now);
        }
        now
    }
}

/// Without weather and faults.
fn usual(place: &Place, machine: &Machine, load: f64) -> Conditions {
    let card = if machine.is_wired {
        Hurt::of(0.0, 0.1)
    } else {
        Hurt {
            loss: machine.chronic_loss,
            delay: 2.0,
            jitter: 2.5,
        }
    };
    let line = Hurt {
        loss: place.loss,
        delay: place.line_rtt + load * load * 4.0,
        jitter: 0.4 + load * load * 5.0,
    };
    let resolver = |delay| Resolver {
        fails: 0.0,
        word: DnsWord::Answered,
        delay,
    };
    Conditions {
        link_up: true,
        on_battery: false,
        card,
        lan: Hurt::of(place.lan_rtt, 0.2),
        uplink: Hurt::default(),
        gateway: Hurt::of(0.3, 0.2),
        behind_gateway: Hurt::default(),
        line,
        aggregation: Hurt::of(1.2, 0.2),
        backbone: Hurt::of(place.backbone_rtt, 0.4),
        collector: Hurt::of(3.0, 0.3),
        internet: Hurt {
            loss: 0.0005,
            delay: 8.0,
            jitter: 0.8,
        },
        is_blocked: false,
        resolvers: [resolver(2.0), resolver(6.0)],
        services: std::array::from_fn(|number| Service {
            fails: 0.0005,
            word: ServiceWord::Timeout,
            phase: "connect",
            takes: SERVICES.get(number).map_or(0.0, |name| {
                60.0 + 25.0 * f64::from(u8::try_from(name.len()).unwrap_or(0))
            }) + 60.0 * load,
        }),
        large_packets_pass: true,
        cpu: 0.1,
        lag_ms: 2.0,
        errors: 0.0,
        is_half_duplex: false,
        clock: machine.clock_offset,
        flow: 0.0,
    }
}

/// One fault that is felt now.
fn apply(fault: &Fault, number: usize, machine: &Machine, load: f64, t: f64, now: &mut Conditions) {
    let is_hit = fault.machines.contains(&number);
    match fault.class {
        Class::PcLinkDown
        | Class::PcWifiLossy
        | Class::PcOverloaded
        | Class::PcNicErrors
        | Class::PcClockWrong => {
            if is_hit {
                in_machine(fault, now);
            }
        }
        Class::LanDown
        | Class::LanPartial
        | Class::LanLossy
        | Class::BroadcastStorm
        | Class::AccessPointDead
        | Class::NoLease
        | Class::GatewayAddressTaken => in_lan(fault, machine, is_hit, now),
        Class::LineDown
        | Class::LineLossy
        | Class::LineSaturated
        | Class::LineSlow
        | Class::LineDegrading
        | Class::DuplexMismatch
        | Class::OneWayLoss
        | Class::FlappingLine => in_line(fault, is_hit, load, t, now),
        Class::GatewayDown => now.gateway.die(),
        Class::GatewayOverloaded => {
            let ms = 30.0 + fault.severity * 300.0;
            now.gateway.slow(ms, ms * 0.6);
            now.gateway.lose(0.02 + fault.strength * 0.5);
        }
        Class::IspAreaDown => now.aggregation.die(),
        Class::IspDown => now.backbone.die(),
        Class::IspDegraded => {
            now.backbone.slow(30.0 + 150.0 * fault.severity, 25.0);
            now.backbone.lose(fault.strength * 0.6);
        }
        Class::CollectorDown | Class::CollectorPathDown => now.collector.die(),
        Class::DnsDown | Class::DnsIspDown | Class::SlowResolver | Class::HalfResolver => {
            in_resolver(fault, now)
        }
        // Without electricity; Town::is_dark says the rest.
        Class::PowerOutage | Class::AreaPowerOutage | Class::Brownout | Class::PrinterFault => {}
        _ => in_services(fault, now),
    }
}

fn in_machine(fault: &Fault, now: &mut Conditions) {
    match fault.class {
        Class::PcLinkDown => {
            now.link_up = false;
            now.card.die();
        }
        Class::PcWifiLossy => {
            now.card.lose(fault.strength);
            now.card.slow(5.0 + 40.0 * fault.severity, 20.0);
        }
        Class::PcOverloaded => {
            now.cpu = 0.94 + 0.06 * fault.variant;
            now.lag_ms += 150.0 + fault.severity * 1800.0;
            now.card.slow(2.0, 5.0 + fault.severity * 40.0);
        }
        Class::PcNicErrors => {
            now.errors = 30.0 + fault.severity * 600.0;
            now.is_half_duplex = fault.variant < 0.3;
            now.card.lose(fault.strength * 0.7);
        }
        _ => {
            let sign = if fault.variant < 0.5 { -1.0 } else { 1.0 };
            // From two minutes to years.
            now.clock += sign * 120.0 * 10_f64.powf(fault.severity * 6.0);
        }
    }
}

fn in_lan(fault: &Fault, machine: &Machine, is_hit: bool, now: &mut Conditions) {
    match fault.class {
        Class::LanDown => {
            // A switch without power takes the links with it; one that hangs does not.
            now.link_up &= !(machine.is_wired && fault.variant < 0.4);
            now.lan.die();
        }
        Class::LanPartial if is_hit => now.uplink.die(),
        Class::LanLossy => now.lan.lose(fault.strength),
        Class::BroadcastStorm => {
            now.lan.lose(0.2 + fault.strength);
            now.lan.slow(40.0 + 150.0 * fault.severity, 60.0);
            now.cpu = (now.cpu + 0.2).min(1.0);
        }
        Class::AccessPointDead if is_hit => {
            now.link_up = fault.variant < 0.4;
            now.card.die();
        }
        Class::NoLease if is_hit => now.card.die(),
        Class::GatewayAddressTaken if is_hit => now.behind_gateway.die(),
        _ => {}
    }
}

fn in_line(fault: &Fault, is_hog: bool, load: f64, t: f64, now: &mut Conditions) {
    match fault.class {
        Class::LineDown | Class::FlappingLine => now.line.die(),
        Class::LineLossy => now.line.lose(fault.strength),
        Class::LineSlow => now.line.slow(fault.strength, 8.0),
        Class::LineSaturated => {
            let ms = fault.strength * (0.7 + 0.3 * steady(7, stretch(t)));
            now.line.slow(ms, ms * 0.35);
            now.line.lose(0.005 + 0.05 * fault.severity);
            now.flow = if is_hog { 0.9 } else { now.flow * 0.2 };
        }
        Class::LineDegrading => {
            let progress = fault.progress(t);
            if progress >= 1.0 {
                now.line.die();
            } else {
                now.line.lose(fault.strength * progress.powf(1.3));
                now.line.slow(80.0 * progress * progress, 30.0 * progress);
            }
        }
        Class::DuplexMismatch => {
            now.line.lose((fault.strength * (0.3 + load)).min(0.6));
            now.line.slow(10.0 * load, 15.0 * load);
        }
        _ => {
            now.line.lose(fault.strength);
            for service in &mut now.services {
                service.takes *= 1.0 + 6.0 * fault.strength;
            }
        }
    }
}

fn in_resolver(fault: &Fault, now: &mut Conditions) {
    let [isp, _] = &mut now.resolvers;
    match fault.class {
        Class::SlowResolver => isp.delay += 700.0 + 2200.0 * fault.severity,
        Class::HalfResolver => {
            (isp.fails, isp.word) = (0.35 + 0.4 * fault.severity, DnsWord::Servfail)
        }
        _ => {
            isp.fails = 1.0;
            isp.word = if fault.variant < 0.7 {
                DnsWord::Timeout
            } else {
                DnsWord::Servfail
            };
        }
    }
}

fn in_services(fault: &Fault, now: &mut Conditions) {
    use ServiceWord::{
        Captive, CertificateExpired, HttpError, Refused, Timeout, TlsFailed, Unreachable,
    };
    match fault.class {
        Class::MtuBlackhole => {
            now.large_packets_pass = false;
            now.is_blocked |= fault.blocks_collector();
        }
        Class::CaptivePortal if fault.blocks_collector() => {
            now.is_blocked = true;
            now.internet.die();
            now.collector.die();
        }
        Class::TranslationTableFull => {
            for resolver in &mut now.resolvers {
                (resolver.fails, resolver.word) = (0.3, DnsWord::Timeout);
            }
        }
        _ => {}
    }
    for (number, service) in now.services.iter_mut().enumerate() {
        let is_hit = fault.services.contains(&number);
        match fault.class {
            // Through a black hole the handshake starts, and its certificate never comes.
            Class::MtuBlackhole => service.fail(
                0.95,
                if fault.variant < 0.5 {
                    TlsFailed
                } else {
                    Timeout
                },
                "tls",
            ),
            Class::CaptivePortal => service.fail(1.0, Captive, "first_byte"),
            Class::TranslationTableFull => {
                service.fail(0.4 + 0.5 * fault.severity, Timeout, "connect")
            }
            _ if !is_hit => {}
            Class::ServiceDown => match fault.variant {
                part if part < 0.4 => service.fail(1.0, Timeout, "connect"),
                part if part < 0.8 => service.fail(1.0, Refused, "connect"),
                _ => service.fail(1.0, Unreachable, "connect"),
            },
            Class::ServiceSlow => {
                service.takes *= fault.strength;
                service.fail(0.25 * fault.severity, Timeout, "first_byte");
            }
            Class::ServiceError => {
                service.fail(0.5 + 0.5 * fault.severity, HttpError, "first_byte")
            }
            Class::CertificateExpired => service.fail(1.0, CertificateExpired, "tls"),
            Class::RouteBlocked | Class::RouteLeak => {
                service.fail(
                    1.0,
                    if fault.variant < 0.7 {
                        Timeout
                    } else {
                        Refused
                    },
                    "connect",
                );
            }
            Class::ProxyBlocks => service.fail(1.0, HttpError, "first_byte"),
            _ => {}
        }
    }
}
