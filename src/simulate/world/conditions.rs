//! How things stand on the way from one machine at one moment: what each stretch loses and adds.
//!
//! The one law of the simulation: a probe crosses stretches, and fails with 1 − Π(1 − q) over them. What a probe sees
//! follows from that alone, so that loss behind a lossy line is there at every hop behind it and at none before it.

use diagnosis::record::{DnsWord, ServiceWord};

use super::places::SERVICES;

/// What one stretch does to packets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Hurt {
    /// The share that is lost.
    pub(crate) loss: f64,
    /// Added to each round trip, milliseconds.
    pub(crate) delay: f64,
    /// How much that varies, milliseconds.
    pub(crate) jitter: f64,
}

impl Hurt {
    pub(crate) fn of(delay: f64, jitter: f64) -> Self {
        Self {
            loss: 0.0,
            delay,
            jitter,
        }
    }

    /// This stretch and the next.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            loss: 1.0 - (1.0 - self.loss) * (1.0 - next.loss),
            delay: self.delay + next.delay,
            jitter: self.jitter + next.jitter,
        }
    }

    pub(crate) fn lose(&mut self, share: f64) {
        self.loss = 1.0 - (1.0 - self.loss) * (1.0 - share.clamp(0.0, 1.0));
    }

    pub(crate) fn slow(&mut self, delay: f64, jitter: f64) {
        self.delay += delay;
        self.jitter += jitter;
    }

    pub(crate) fn die(&mut self) {
        self.loss = 1.0;
    }

    /// Whether hardly anything gets through: a connection over it breaks.
    pub(crate) fn is_dead(self) -> bool {
        self.loss > 0.8
    }
}

/// How a resolver answers whoever reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Resolver {
    /// The share of questions that fail.
    pub(crate) fails: f64,
    pub(crate) word: DnsWord,
    pub(crate) delay: f64,
}

/// How a service answers whoever reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Service {
    /// The share of attempts that fail.
    pub(crate) fails: f64,
    pub(crate) word: ServiceWord,
    pub(crate) phase: &'static str,
    /// How long it takes by itself, milliseconds.
    pub(crate) takes: f64,
}

impl Service {
    pub(crate) fn fail(&mut self, share: f64, word: ServiceWord, phase: &'static str) {
        if share > self.fails {
            (self.fails, self.word, self.phase) = (share, word, phase);
        }
    }
}

/// Everything that matters to one machine at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conditions {
    pub(crate) link_up: bool,
    pub(crate) on_battery: bool,
    pub(crate) card: Hurt,
    pub(crate) lan: Hurt,
    /// From the machine's part of the LAN to the router.
    pub(crate) uplink: Hurt,
    pub(crate) gateway: Hurt,
    /// Between a router that answers and everything behind it, for this machine.
    pub(crate) behind_gateway: Hurt,
    pub(crate) line: Hurt,
    pub(crate) aggregation: Hurt,
    pub(crate) backbone: Hurt,
    /// From the ISP to the collector.
    pub(crate) collector: Hurt,
    /// From the ISP to everywhere else.
    pub(crate) internet: Hurt,
    /// Connections to the collector fail though packets arrive.
    pub(crate) is_blocked: bool,
    pub(crate) resolvers: [Resolver; 2],
    pub(crate) services: [Service; SERVICES.len()],
    pub(crate) large_packets_pass: bool,
    pub(crate) cpu: f64,
    pub(crate) lag_ms: f64,
    /// Damaged frames in a minute.
    pub(crate) errors: f64,
    pub(crate) is_half_duplex: bool,
    pub(crate) clock: f64,
    /// Share of the line this machine fills.
    pub(crate) flow: f64,
}

impl Conditions {
    pub(crate) fn to_lan(&self) -> Hurt {
        self.card.then(self.lan)
    }

    pub(crate) fn to_gateway(&self) -> Hurt {
        self.to_lan().then(self.uplink).then(self.gateway)
    }

    pub(crate) fn to_first_hop(&self) -> Hurt {
        self.to_gateway().then(self.behind_gateway).then(self.line)
    }

    pub(crate) fn to_second_hop(&self) -> Hurt {
        self.to_first_hop().then(self.aggregation)
    }

    pub(crate) fn to_isp(&self) -> Hurt {
        self.to_second_hop().then(self.backbone)
    }

    pub(crate) fn to_collector(&self) -> Hurt {
        self.to_isp().then(self.collector)
    }

    pub(crate) fn to_internet(&self) -> Hurt {
        self.to_isp().then(self.internet)
    }

    /// Whether a line written now reaches the collector.
    pub(crate) fn is_connected(&self) -> bool {
        !self.is_blocked && !self.to_collector().is_dead()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_lose_as_one_minus_the_product() {
        let half = Hurt {
            loss: 0.5,
            delay: 3.0,
            jitter: 1.0,
        };
        let both = half.then(half);
        assert_eq!(
            both,
            Hurt {
                loss: 0.75,
                delay: 6.0,
                jitter: 2.0
            }
        );
        let mut hurt = half;
        hurt.lose(0.5);
        assert!((hurt.loss - 0.75).abs() < 1e-12 && !hurt.is_dead());
        hurt.die();
        assert!(hurt.then(Hurt::default()).is_dead());
    }
}
