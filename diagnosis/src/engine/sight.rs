//! What one machine saw in one round or minute, reduced to what the engine weighs.
//!
//! Echoes are counted by stretch of the way. Several targets of one stretch count together, but where they differ much
//! the best alone: an anchor that is itself in trouble, or a router that answers seldom, says nothing of the way to it.
//! To take the best of any two would hide what little is lost on the way.

use crate::record::{DnsWord, Measured, Medium, Place, ServiceWord};

/// Targets of one stretch whose loss differs by more are not lossy for the same reason.
const DIFFERENT: f64 = 0.4;

/// Echoes to one stretch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Count {
    pub(super) sent: u32,
    pub(super) received: u32,
    /// Median round trip of the last that was answered, milliseconds.
    pub(super) rtt: Option<f32>,
}

impl Count {
    pub(super) fn lost(self) -> u32 {
        self.sent.saturating_sub(self.received)
    }

    pub(super) fn loss(self) -> f64 {
        f64::from(self.lost()) / f64::from(self.sent.max(1))
    }

    /// Asked often enough, and nothing came back.
    pub(super) fn is_dead(self) -> bool {
        self.sent >= 2 && self.received == 0
    }

    pub(super) fn answers(self) -> bool {
        self.received > 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
        self.rtt = other.rtt.or(self.rtt);
    }

    /// Two targets of a stretch: both, or the one that says more for it where they are too different to be chance.
    fn beside(self, other: Self) -> Self {
        if self.sent == 0 || other.sent == 0 {
            return if self.sent == 0 { other } else { self };
        }
        let (good, bad) = if other.loss() < self.loss() {
            (other, self)
        } else {
            (self, other)
        };
        if bad.loss() - good.loss() > DIFFERENT {
            return good;
        }
        Self {
            sent: good.sent.saturating_add(bad.sent),
            received: good.received.saturating_add(bad.received),
            rtt: good.rtt.or(bad.rtt),
        }
    }
}

/// The stretches that echoes measure, outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stretch {
    Gateway,
    Line,
    Isp,
    Far,
}

impl Stretch {
    pub(super) const ALL: [Self; 4] = [Self::Gateway, Self::Line, Self::Isp, Self::Far];
}

/// Attempts to use one service.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attempt {
    pub(super) service: String,
    pub(super) word: ServiceWord,
    pub(super) attempts: u32,
    pub(super) failed: u32,
    pub(super) total_ms: Option<f32>,
}

/// Names and how they were answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) resolver: String,
    pub(super) word: DnsWord,
    pub(super) ms: Option<f32>,
}

/// What one machine saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sight {
    pub(super) t: f64,
    pub(super) ways: [Count; 4],
    pub(super) collector: Count,
    /// All peers together, and how many of them answered, or did not.
    pub(super) lan: Count,
    pub(super) peers_there: u16,
    pub(super) peers_gone: u16,
    pub(super) questions: Vec<Question>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) large_pass: u16,
    pub(super) large_vanish: u16,
    pub(super) up: Option<bool>,
    pub(super) wifi: Option<bool>,
    pub(super) half_duplex: bool,
    pub(super) errors: f32,
    pub(super) cpu: Option<f32>,
    pub(super) lag_ms: f32,
    pub(super) on_battery: Option<bool>,
    pub(super) active_user: bool,
    pub(super) bps: Option<f32>,
    pub(super) clock: Option<f32>,
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits are enough")]
fn short(value: f64) -> f32 {
    value as f32
}

impl Sight {
    pub(super) fn of(t: f64, measured: &Measured) -> Self {
        let mut sight = Self {
            t,
            ..Self::default()
        };
        for link in &measured.links {
            let count = Count {
                sent: link.sent,
                received: link.received.min(link.sent),
                rtt: link.rtt_ms.map(short),
            };
            sight.echo(link.segment, link.hop, count);
        }
        sight.questions = measured.dns.iter().map(question).collect();
        sight.attempts = measured.services.iter().map(attempt).collect();
        for mtu in &measured.mtu {
            let which = if mtu.ok {
                &mut sight.large_pass
            } else {
                &mut sight.large_vanish
            };
            *which = which.saturating_add(1);
        }
        if let Some(nic) = &measured.nic {
            sight.up = nic.up;
            sight.wifi = nic.medium.map(|medium| medium == Medium::Wifi);
            sight.half_duplex = nic.full_duplex == Some(false);
            sight.errors = nic.errors.map_or(0.0, short);
        }
        if let Some(host) = &measured.host {
            sight.cpu = host.cpu.map(short);
            sight.lag_ms = host.lag_ms.map_or(0.0, short);
            sight.on_battery = host.on_battery;
            sight.active_user = host.active_user == Some(true);
            sight.bps = host
                .rx_bps
                .or(host.tx_bps)
                .map(|_| short(host.rx_bps.unwrap_or(0.0).max(host.tx_bps.unwrap_or(0.0))));
            sight.clock = host.clock_offset_s.map(short);
        }
        sight
    }

    fn echo(&mut self, place: Place, hop: Option<u8>, count: Count) {
        let stretch = match (place, hop) {
            (Place::Lan, _) => {
                self.lan.add(count);
                self.peers_there += u16::from(count.answers());
                self.peers_gone += u16::from(count.is_dead());
                return;
            }
            (Place::Collector, _) => {
                self.collector.add(count);
                return;
            }
            (Place::Other, _) => return,
            (Place::Gateway, _) | (Place::Hop, Some(0)) => Stretch::Gateway,
            (Place::Hop, Some(1) | None) => Stretch::Line,
            (Place::Hop, Some(_)) => Stretch::Isp,
            (Place::Anchor, _) => Stretch::Far,
        };
        let [gateway, line, isp, far] = &mut self.ways;
        let way = match stretch {
            Stretch::Gateway => gateway,
            Stretch::Line => line,
            Stretch::Isp => isp,
            Stretch::Far => far,
        };
        *way = way.beside(count);
    }

    /// Whether services were tried.
    pub(super) fn tried(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// Whether a service answered each time.
    pub(super) fn answers(&self, service: &str) -> bool {
        let mut tried = self.attempts.iter().filter(|one| one.service == service);
        tried.next().is_some_and(|one| one.failed == 0)
    }

    pub(super) fn way(&self, stretch: Stretch) -> Count {
        let [gateway, line, isp, far] = self.ways;
        match stretch {
            Stretch::Gateway => gateway,
            Stretch::Line => line,
            Stretch::Isp => isp,
            Stretch::Far => far,
        }
    }

    /// Whether anything at or behind this stretch answered: then the way to it is there.
    pub(super) fn reaches(&self, stretch: Stretch) -> bool {
        let ways = Stretch::ALL.into_iter().filter(|way| *way >= stretch);
        let echoes = ways.map(|way| self.way(way)).any(Count::answers);
        echoes || self.collector.answers() || self.attempts.iter().any(Attempt::proves_the_way)
    }

    /// Whether the machine was cut off from this stretch and all behind it: that is no loss, and no failing service.
    pub(super) fn is_cut_off(&self, stretch: Stretch) -> bool {
        self.asked(stretch) && !self.reaches(stretch)
    }

    /// Whether something behind this stretch was asked by echoes. A service that fails says nothing of the way to it: it is
    /// told at once, before the next round of echoes.
    pub(super) fn asked(&self, stretch: Stretch) -> bool {
        let mut ways = Stretch::ALL.into_iter().filter(|way| *way >= stretch);
        ways.any(|way| self.way(way).sent >= 2) || self.collector.sent >= 2
    }
}

impl Attempt {
    /// Whether it got to somebody far away.
    fn proves_the_way(&self) -> bool {
        use ServiceWord::{Answered, CertificateExpired, HttpError};
        self.failed < self.attempts
            || matches!(self.word, Answered | CertificateExpired | HttpError)
    }

    /// Share of the attempts that failed.
    pub(super) fn failing(&self) -> f64 {
        f64::from(self.failed) / f64::from(self.attempts.max(1))
    }
}

fn question(round: &crate::record::DnsRound) -> Question {
    Question {
        resolver: round.resolver.clone(),
        word: round.outcome,
        ms: round.ms.map(short),
    }
}

fn attempt(round: &crate::record::ServiceRound) -> Attempt {
    let attempts = round.attempts.max(1);
    let failed = if round.attempts == 0 {
        u32::from(round.outcome != ServiceWord::Answered)
    } else {
        round.failed.min(attempts)
    };
    Attempt {
        service: round.service.clone(),
        word: round.outcome,
        attempts,
        failed,
        total_ms: round.total_ms.map(short),
    }
}
