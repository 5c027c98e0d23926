//! What one machine measures in a round: echoes to its targets, questions to resolvers, attempts at services.

use diagnosis::record::{DnsWord, Place as Segment, ServiceWord};
use rand::rngs::StdRng;

use super::chance::{between, happens, lost};
use super::conditions::{Conditions, Hurt};
use super::places::Place;
use super::tally::{Attempts, Echoes, Tally};

/// What takes longer has failed, milliseconds.
const PATIENCE: f64 = 10_000.0;

/// Where a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Another machine, by number.
    Peer(usize),
    /// What is always on in the LAN.
    Fixed,
    Gateway,
    FirstHop,
    SecondHop,
    ThirdHop,
    Collector,
    Anchor,
}

/// An address that is echoed.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) reach: Reach,
    pub(super) segment: Segment,
    pub(super) name: String,
    pub(super) hop: Option<u8>,
}

/// The addresses a machine echoes. What never answered is not among them.
pub(crate) fn targets(place: &Place, centre: usize, number: usize) -> Vec<Target> {
    let mut all = Vec::new();
    let mut add = |reach, segment, name: String, hop| {
        all.push(Target {
            reach,
            segment,
            name,
            hop,
        })
    };
    let peer = (number + 1) % place.machines.len().max(1);
    if let Some(machine) = place.machines.get(peer).filter(|_| peer != number) {
        add(Reach::Peer(peer), Segment::Lan, machine.name.clone(), None);
    }
    if place.fixed {
        add(Reach::Fixed, Segment::Lan, "192.168.1.2".to_owned(), None);
    }
    if place.gateway_answers {
        add(
            Reach::Gateway,
            Segment::Gateway,
            "192.168.1.1".to_owned(),
            None,
        );
    }
    let isp = place.isp + 1;
    if place.first_hop_answers {
        add(
            Reach::FirstHop,
            Segment::Hop,
            format!("10.{isp}.{}.{}", centre / 250, centre % 250 + 1),
            Some(1),
        );
    }
    add(
        Reach::SecondHop,
        Segment::Hop,
        format!("10.{isp}.254.{}", place.area + 1),
        Some(2),
    );
    if place.has_third_hop {
        add(
            Reach::ThirdHop,
            Segment::Hop,
            format!("10.{isp}.255.1"),
            Some(3),
        );
    }
    add(
        Reach::Collector,
        Segment::Collector,
        "203.0.113.10".to_owned(),
        None,
    );
    add(Reach::Anchor, Segment::Anchor, "anchor-1".to_owned(), None);
    add(Reach::Anchor, Segment::Anchor, "anchor-2".to_owned(), None);
    all
}

/// One machine's round.
pub(crate) struct Round<'a> {
    pub(crate) now: &'a Conditions,
    pub(crate) targets: &'a [Target],
    pub(crate) echoes: u32,
    /// Echoes a second hop leaves unanswered although it is well.
    pub(crate) hop_limit: f64,
    /// The way to the other machine, as far as it is the other's.
    pub(crate) peer: Hurt,
    /// Which round of the line it is, and of how many.
    pub(crate) number: u32,
    pub(crate) of: u32,
    pub(crate) services: usize,
    /// What failed before is tried in every round.
    pub(crate) failing: u32,
}

pub(super) const DNS_BIT: u32 = 16;
pub(super) const SERVICE_BIT: u32 = 20;
pub(super) const MTU_BIT: u32 = 30;

/// The bit of one thing that may fail.
pub(super) fn bit(from: u32, number: usize) -> u32 {
    1 << (from + u32::try_from(number).unwrap_or(0)).min(31)
}

impl Round<'_> {
    /// Measures; and what fails now, a bit each.
    pub(crate) fn measure(&self, rng: &mut StdRng) -> (Tally, u32) {
        let mut tally = Tally {
            rounds: 1.0,
            ..Tally::default()
        };
        let mut failing = 0;
        for (number, target) in self.targets.iter().enumerate() {
            let echoes = self.echo(target.reach, rng);
            // Hops may leave echoes unanswered while all is well: they alone are no news.
            if target.hop.is_none() && echoes.received * 5 <= echoes.sent * 3 {
                failing |= bit(0, number);
            }
            tally.links.push(echoes);
        }
        for (number, resolver) in tally.dns.iter_mut().enumerate() {
            let is_due = self.number == 1 || self.failing & bit(DNS_BIT, number) != 0;
            if is_due {
                let (word, ms) = self.ask(number, rng);
                failing |= if word == DnsWord::Answered {
                    0
                } else {
                    bit(DNS_BIT, number)
                };
                *resolver = Some((word, ms));
            }
        }
        for (number, attempts) in tally.services.iter_mut().enumerate().take(self.services) {
            let turn = u32::try_from(number).unwrap_or(0) % self.of + 1;
            if self.number == turn || self.failing & bit(SERVICE_BIT, number) != 0 {
                self.try_service(number, attempts, rng);
                failing |= if attempts.failed > 0 {
                    bit(SERVICE_BIT, number)
                } else {
                    0
                };
            }
        }
        let anchor = self.now.to_internet();
        if self.number == self.of && !anchor.is_dead() {
            tally.large_packets = Some(self.now.large_packets_pass);
            failing |= if self.now.large_packets_pass {
                0
            } else {
                bit(MTU_BIT, 0)
            };
        }
        tally.cpu = (self.now.cpu + between(rng, -0.03, 0.03)).clamp(0.01, 1.0);
        tally.lag_ms = self.now.lag_ms * between(rng, 0.7, 1.4);
        tally.errors = self.now.errors * between(rng, 0.6, 1.4) / f64::from(self.of);
        tally.flow = self.now.flow * between(rng, 0.85, 1.08);
        // What is not tried in this round is as it was.
        let tried = tally.tried(self);
        (tally, failing | (self.failing & !tried))
    }

    fn echo(&self, reach: Reach, rng: &mut StdRng) -> Echoes {
        let now = self.now;
        let mut way = match reach {
            Reach::Peer(_) => now.to_lan().then(self.peer),
            Reach::Fixed => now.to_lan().then(now.uplink),
            Reach::Gateway => now.to_gateway(),
            Reach::FirstHop => now.to_first_hop(),
            Reach::SecondHop => now.to_second_hop(),
            Reach::ThirdHop => now.to_isp(),
            Reach::Collector => now.to_collector(),
            Reach::Anchor => now.to_internet(),
        };
        if reach == Reach::SecondHop {
            way.lose(self.hop_limit);
        }
        let received = self.echoes - lost(rng, self.echoes, way.loss);
        let rtt = way.delay * between(rng, 0.97, 1.03) + way.jitter * between(rng, 0.0, 0.4);
        Echoes {
            sent: self.echoes,
            received,
            rtt_sum: rtt * f64::from(received),
            slowest: if received > 0 {
                rtt + way.jitter * between(rng, 0.8, 2.2)
            } else {
                0.0
            },
        }
    }

    fn ask(&self, number: usize, rng: &mut StdRng) -> (DnsWord, f64) {
        let way = if number == 0 {
            self.now.to_isp()
        } else {
            self.now.to_internet()
        };
        let Some(resolver) = self.now.resolvers.get(number) else {
            return (DnsWord::Timeout, 0.0);
        };
        if lost(rng, 2, way.loss) == 2 {
            return (DnsWord::Timeout, 0.0);
        }
        if happens(rng, resolver.fails) {
            return (resolver.word, 0.0);
        }
        (
            DnsWord::Answered,
            way.delay
                + way.jitter * between(rng, 0.0, 1.5)
                + resolver.delay * between(rng, 0.8, 1.5),
        )
    }

    fn try_service(&self, number: usize, attempts: &mut Attempts, rng: &mut StdRng) {
        attempts.made += 1;
        match self.use_service(number, rng) {
            Ok(took) => attempts.took = Some(took),
            Err(why) => {
                attempts.failed += 1;
                attempts.worst = Some(why);
            }
        }
    }

    /// Names, connects, shakes hands, asks; each may fail.
    fn use_service(
        &self,
        number: usize,
        rng: &mut StdRng,
    ) -> Result<f64, (ServiceWord, &'static str)> {
        let timeout = |phase| Err((ServiceWord::Timeout, phase));
        if !self.now.link_up {
            return Err((ServiceWord::Unreachable, "connect"));
        }
        let (named, mut took) = self.ask(0, rng);
        if named != DnsWord::Answered {
            return Err((ServiceWord::DnsFailed, "dns"));
        }
        let way = self.now.to_internet();
        let Some(service) = self.now.services.get(number) else {
            return timeout("connect");
        };
        // A login page answers for everybody who asks, whether the way behind it works or not.
        let is_far = service.word != ServiceWord::Captive;
        if is_far && lost(rng, 3, way.loss) == 3 {
            return timeout("connect");
        }
        if happens(rng, service.fails) {
            return Err((service.word, service.phase));
        }
        // A dozen packets, each sent again after a while when it is lost.
        let again = f64::from(lost(rng, 12, way.loss));
        took += 4.0 * way.delay
            + way.jitter * between(rng, 0.0, 3.0)
            + again * between(rng, 200.0, 700.0);
        took += service.takes * between(rng, 0.8, 1.5) + self.now.lag_ms * 1.5;
        if took > PATIENCE {
            timeout("first_byte")
        } else {
            Ok(took)
        }
    }
}

pub(crate) fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
