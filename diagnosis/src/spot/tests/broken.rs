//! One machine's view of every fault that can be told on the spot, and the name it must get.

use super::centre::{fails, late, link, lossy, ms, resolver, services, silent_from, well};
use crate::Fault;
use crate::evidence::{Clock, DnsOutcome, Evidence, Medium, Place, Rtt, ServiceOutcome};

pub(super) type Broken = (&'static str, Fault, fn(&mut Evidence));

pub(super) fn of(broken: &Broken) -> Evidence {
    let mut evidence = well();
    broken.2(&mut evidence);
    evidence
}

fn nic(evidence: &mut Evidence) -> &mut crate::evidence::Nic {
    evidence.nic.as_mut().unwrap()
}

fn of_neighbours(evidence: &mut Evidence, present: Option<bool>) {
    let links = evidence.links.iter_mut();
    for link in links.filter(|link| link.place == Place::Lan) {
        link.present = present;
    }
}

pub(super) fn beyond_gateway(place: Place) -> bool {
    !matches!(place, Place::Gateway | Place::Lan)
}

fn beyond_line(place: Place) -> bool {
    beyond_gateway(place) && place != Place::Hop(1)
}

pub(super) const BROKEN: &[Broken] = &[
    ("cable out", Fault::PcLinkDown, |evidence| {
        silent_from(evidence, |_| true);
        evidence.links.clear();
        evidence.has_route = Some(false);
        nic(evidence).up = Some(false);
    }),
    ("no card", Fault::PcLinkDown, |evidence| {
        *evidence = Evidence {
            has_route: Some(false),
            ..Evidence::default()
        };
    }),
    ("weak Wi-Fi", Fault::PcWifiLossy, |evidence| {
        lossy(evidence, 9, |_| true);
        nic(evidence).medium = Some(Medium::Wifi);
    }),
    ("damaged frames", Fault::PcNicErrors, |evidence| {
        lossy(evidence, 9, |_| true);
        nic(evidence).errors = 120;
    }),
    (
        "clock in 2001, all certificates refused",
        Fault::PcClockWrong,
        |evidence| {
            services(evidence, ServiceOutcome::ClockWrong);
            evidence.host.clock = Some(Clock {
                ahead: -789_000_000.0,
                witnesses: 1,
            });
        },
    ),
    (
        "clock ten minutes fast, nobody refuses yet",
        Fault::PcClockWrong,
        |evidence| {
            let clock = evidence.host.clock.as_mut().unwrap();
            clock.ahead = 600.0;
        },
    ),
    (
        "nobody tells the time, no certificate is valid yet",
        Fault::PcClockWrong,
        |evidence| {
            services(evidence, ServiceOutcome::CertificateNotYetValid);
            evidence.host.clock = None;
        },
    ),
    ("a busy machine", Fault::PcOverloaded, |evidence| {
        evidence.host.cpu = Some(0.99);
        evidence.host.lag = Some(ms(700));
        late(evidence, 300, |_| true);
    }),
    ("no address", Fault::GatewayDown, |evidence| {
        silent_from(evidence, |_| true);
        evidence.links.clear();
        evidence.has_route = Some(false);
    }),
    (
        "router off, neighbours on",
        Fault::GatewayDown,
        |evidence| {
            silent_from(evidence, |_| true);
            evidence.links.push(link(Place::Lan, "pc-02", 1));
        },
    ),
    (
        "router off, nobody else known",
        Fault::GatewayDown,
        |evidence| {
            silent_from(evidence, |_| true);
        },
    ),
    ("switch off", Fault::LanDown, |evidence| {
        evidence.links.push(link(Place::Lan, "pc-02", 1));
        silent_from(evidence, |_| true);
        of_neighbours(evidence, Some(false));
    }),
    (
        "router off, neighbours answer no echoes but are there",
        Fault::GatewayDown,
        |evidence| {
            evidence.links.push(link(Place::Lan, "pc-02", 1));
            silent_from(evidence, |_| true);
            of_neighbours(evidence, Some(true));
        },
    ),
    (
        "router off, or the switch: neighbours answer no echoes",
        Fault::Unknown,
        |evidence| {
            evidence.links.push(link(Place::Lan, "pc-02", 1));
            silent_from(evidence, |_| true);
        },
    ),
    ("bad switch", Fault::LanLossy, |evidence| {
        lossy(evidence, 10, |_| true)
    }),
    ("busy router", Fault::GatewayOverloaded, |evidence| {
        late(evidence, 120, |_| true)
    }),
    ("login page", Fault::CaptivePortal, |evidence| {
        silent_from(evidence, beyond_gateway);
        services(evidence, ServiceOutcome::Captive);
    }),
    (
        "login page behind https",
        Fault::CaptivePortal,
        |evidence| {
            silent_from(evidence, beyond_gateway);
            services(evidence, ServiceOutcome::CertificateUntrusted);
        },
    ),
    ("line dead", Fault::LineDown, |evidence| {
        silent_from(evidence, beyond_gateway)
    }),
    (
        "line dead, router answers no echoes",
        Fault::LineDown,
        |evidence| {
            silent_from(evidence, |_| true);
            evidence.links[0].present = Some(true);
        },
    ),
    (
        "line dead, no router in between",
        Fault::LineDown,
        |evidence| {
            silent_from(evidence, |_| true);
            evidence.links.remove(0);
        },
    ),
    ("line loses a fifth", Fault::LineLossy, |evidence| {
        lossy(evidence, 10, beyond_gateway)
    }),
    (
        "line loses, its far end answers no echoes",
        Fault::LineLossy,
        |evidence| {
            evidence
                .links
                .retain(|link| !matches!(link.place, Place::Hop(_)));
            lossy(evidence, 6, beyond_gateway);
        },
    ),
    (
        "line loses, router answers no echoes",
        Fault::LineLossy,
        |evidence| {
            lossy(evidence, 50, |place| place == Place::Gateway);
            lossy(evidence, 10, beyond_gateway);
        },
    ),
    ("line full", Fault::LineSaturated, |evidence| {
        late(evidence, 400, beyond_gateway);
        for link in evidence.links.iter_mut().skip(1) {
            let rtt = link.rtt.unwrap();
            link.rtt = Some(Rtt {
                min: rtt.min - ms(380),
                ..rtt
            });
        }
    }),
    ("line long", Fault::LineSlow, |evidence| {
        late(evidence, 400, beyond_gateway)
    }),
    ("ISP dead", Fault::IspDown, |evidence| {
        silent_from(evidence, beyond_line)
    }),
    ("ISP loses", Fault::IspDegraded, |evidence| {
        lossy(evidence, 10, beyond_line)
    }),
    ("ISP late", Fault::IspDegraded, |evidence| {
        late(evidence, 300, beyond_line)
    }),
    ("large packets vanish", Fault::MtuBlackhole, |evidence| {
        evidence.mtu[0].ok = false;
        services(evidence, ServiceOutcome::Timeout);
    }),
    ("resolver dead", Fault::DnsDown, |evidence| {
        evidence.dns[0].outcome = DnsOutcome::Timeout;
        services(evidence, ServiceOutcome::DnsFailed);
    }),
    ("all resolvers dead", Fault::DnsDown, |evidence| {
        for resolver in &mut evidence.dns {
            resolver.outcome = DnsOutcome::ServFail;
        }
        services(evidence, ServiceOutcome::DnsFailed);
    }),
    (
        "one of two resolvers dead, names not found",
        Fault::DnsDown,
        |evidence| {
            evidence.dns.push(resolver("192.168.1.2", true));
            evidence.dns[0].outcome = DnsOutcome::Timeout;
            services(evidence, ServiceOutcome::DnsFailed);
        },
    ),
    ("no resolver at all", Fault::DnsDown, |evidence| {
        evidence.dns.remove(0);
        services(evidence, ServiceOutcome::DnsFailed);
    }),
    ("resolver lies", Fault::DnsDown, |evidence| {
        evidence.dns[0].outcome = DnsOutcome::Wrong;
        services(evidence, ServiceOutcome::CertificateName);
        evidence.services[0].outcome = ServiceOutcome::HttpError;
    }),
    ("a firewall", Fault::RouteBlocked, |evidence| {
        services(evidence, ServiceOutcome::Timeout)
    }),
    (
        "a firewall that refuses all but echoes of routers",
        Fault::RouteBlocked,
        |evidence| {
            silent_from(evidence, beyond_line);
            services(evidence, ServiceOutcome::Refused);
        },
    ),
    (
        "the one server of all services down",
        Fault::ServiceDown,
        |evidence| {
            services(evidence, ServiceOutcome::Refused);
            for service in &mut evidence.services {
                service.address = None;
            }
        },
    ),
    ("portal down", Fault::ServiceDown, |evidence| {
        fails(&mut evidence.services[0], ServiceOutcome::Timeout);
    }),
    ("portal's name gone", Fault::ServiceDown, |evidence| {
        fails(&mut evidence.services[0], ServiceOutcome::DnsFailed);
    }),
    ("portal slow", Fault::ServiceSlow, |evidence| {
        evidence.services[0].phases.first_byte = Some(ms(3_000));
    }),
    ("portal broken", Fault::ServiceError, |evidence| {
        fails(&mut evidence.services[0], ServiceOutcome::HttpError);
    }),
    (
        "portal's certificate expired",
        Fault::CertificateExpired,
        |evidence| {
            fails(
                &mut evidence.services[0],
                ServiceOutcome::CertificateExpired,
            );
        },
    ),
    ("collector down", Fault::CollectorDown, |evidence| {
        lossy(evidence, 50, |place| place == Place::Collector);
    }),
    (
        "router late behind Wi-Fi: either",
        Fault::Unknown,
        |evidence| {
            nic(evidence).medium = Some(Medium::Wifi);
            late(evidence, 120, |_| true);
        },
    ),
    ("nothing was measured", Fault::Unknown, |evidence| {
        *evidence = Evidence::default()
    }),
];
