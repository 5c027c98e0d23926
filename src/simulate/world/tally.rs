//! What was measured since the last line, and the line that says it.

use diagnosis::record::{
    DnsRound, DnsWord, HostState, LinkRound, Measured, Medium, MtuRound, NicState, ServiceRound,
    ServiceWord,
};

use super::conditions::Conditions;
use super::places::{Machine, Place, SERVICES};
use super::probes::{DNS_BIT, MTU_BIT, Round, SERVICE_BIT, Target, bit, hundredths};

const RESOLVERS: [&str; 2] = ["isp", "public"];

/// Echoes to one target.
#[derive(Debug, Clone, Default)]
pub(super) struct Echoes {
    pub(super) sent: u32,
    pub(super) received: u32,
    pub(super) rtt_sum: f64,
    pub(super) slowest: f64,
}

/// Attempts at one service.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    pub(super) made: u32,
    pub(super) failed: u32,
    pub(super) worst: Option<(ServiceWord, &'static str)>,
    pub(super) took: Option<f64>,
}

/// What was measured since the last line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(super) links: Vec<Echoes>,
    pub(super) dns: [Option<(DnsWord, f64)>; RESOLVERS.len()],
    pub(super) services: [Attempts; SERVICES.len()],
    pub(super) large_packets: Option<bool>,
    pub(super) rounds: f64,
    pub(super) cpu: f64,
    pub(super) lag_ms: f64,
    pub(super) errors: f64,
    pub(super) flow: f64,
}

impl Tally {
    /// The bits of what was tried in a round.
    pub(super) fn tried(&self, round: &Round<'_>) -> u32 {
        let mut tried = (1 << DNS_BIT) - 1;
        for (number, dns) in self.dns.iter().enumerate() {
            tried |= if dns.is_some() {
                bit(DNS_BIT, number)
            } else {
                0
            };
        }
        for (number, service) in self.services.iter().enumerate() {
            tried |= if service.made > 0 {
                bit(SERVICE_BIT, number)
            } else {
                0
            };
        }
        tried
            | if round.number == round.of {
                bit(MTU_BIT, 0)
            } else {
                0
            }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rounds < 0.5
    }

    /// Adds a round to what was measured before it.
    pub(crate) fn add(&mut self, round: Self) {
        if self.is_empty() {
            *self = round;
            return;
        }
        for (sum, echoes) in self.links.iter_mut().zip(round.links) {
            sum.sent += echoes.sent;
            sum.received += echoes.received;
            sum.rtt_sum += echoes.rtt_sum;
            sum.slowest = sum.slowest.max(echoes.slowest);
        }
        for (sum, dns) in self.dns.iter_mut().zip(round.dns) {
            *sum = dns.or(*sum);
        }
        for (sum, attempts) in self.services.iter_mut().zip(round.services) {
            sum.made += attempts.made;
            sum.failed += attempts.failed;
            sum.worst = attempts.worst.or(sum.worst);
            sum.took = attempts.took.or(sum.took);
        }
        self.large_packets = round.large_packets.or(self.large_packets);
        self.rounds += round.rounds;
        self.cpu += round.cpu;
        self.lag_ms = self.lag_ms.max(round.lag_ms);
        self.errors += round.errors;
        self.flow += round.flow;
    }

    /// The line that says it.
    pub(crate) fn line(
        &self,
        place: &Place,
        machine: &Machine,
        targets: &[Target],
        now: &Conditions,
        is_used: bool,
    ) -> Measured {
        let links = targets.iter().zip(&self.links).map(|(target, echoes)| {
            let answered = echoes.received > 0;
            LinkRound {
                segment: target.segment,
                target: target.name.clone(),
                hop: target.hop,
                sent: echoes.sent,
                received: echoes.received,
                rtt_ms: answered.then(|| hundredths(echoes.rtt_sum / f64::from(echoes.received))),
                rtt_p95_ms: answered.then(|| hundredths(echoes.slowest)),
            }
        });
        let dns = RESOLVERS
            .iter()
            .zip(&self.dns)
            .filter_map(|(resolver, asked)| {
                let (outcome, ms) = (*asked)?;
                let ms = (outcome == DnsWord::Answered).then(|| hundredths(ms));
                Some(DnsRound {
                    resolver: (*resolver).to_owned(),
                    outcome,
                    ms,
                })
            });
        let services = SERVICES
            .iter()
            .zip(&self.services)
            .filter(|(_, attempts)| attempts.made > 0);
        let services = services.map(|(name, attempts)| ServiceRound {
            service: (*name).to_owned(),
            outcome: attempts
                .worst
                .map_or(ServiceWord::Answered, |(word, _)| word),
            phase: attempts.worst.map(|(_, phase)| phase.to_owned()),
            total_ms: attempts.took.map(f64::round),
            attempts: attempts.made,
            failed: attempts.failed,
        });
        Measured {
            links: links.collect(),
            dns: dns.collect(),
            services: services.collect(),
            mtu: self
                .large_packets
                .map(|ok| MtuRound {
                    target: "anchor-1".to_owned(),
                    ok,
                })
                .into_iter()
                .collect(),
            nic: Some(NicState {
                up: Some(now.link_up),
                medium: Some(if machine.is_wired {
                    Medium::Wired
                } else {
                    Medium::Wifi
                }),
                speed_mbps: now.link_up.then_some(machine.speed_mbps),
                full_duplex: (now.link_up && machine.is_wired).then_some(!now.is_half_duplex),
                errors: Some(self.errors.round()),
            }),
            host: Some(HostState {
                cpu: Some(hundredths(self.cpu / self.rounds.max(1.0))),
                lag_ms: Some(self.lag_ms.round()),
                on_battery: machine.is_laptop.then_some(now.on_battery),
                active_user: Some(is_used),
                rx_bps: Some((self.flow / self.rounds.max(1.0) * place.capacity_bps).round()),
                tx_bps: Some(
                    (self.flow / self.rounds.max(1.0) * place.capacity_bps * 0.12).round(),
                ),
                clock_offset_s: Some(hundredths(now.clock)),
            }),
        }
    }
}
