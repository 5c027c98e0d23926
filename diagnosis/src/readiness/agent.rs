//! What one agent showed lately: when it was heard, and what its packets met, with what is older than a few minutes
//! fading.

use serde::{Deserialize, Serialize};

use crate::record::{DnsWord, Measured, Medium, Place};

/// After how long a count has faded to a third, seconds.
const FADES: f64 = 180.0;

/// An agent that reports each minute is missed after two and a half of them; who reports more often, sooner.
const PATIENCE: f64 = 2.5;
const LEAST_PATIENCE: f64 = 60.0;
const MOST_PATIENCE: f64 = 180.0;

/// Echoes and their answers, fading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Echoes {
    /// Sent.
    pub(super) sent: f64,
    /// Of them lost.
    pub(super) lost: f64,
    /// Answers whose time is known.
    timed: f64,
    /// Sum of their times, milliseconds.
    milliseconds: f64,
}

impl Echoes {
    /// Adds a round of one address.
    pub(super) fn add(&mut self, sent: u32, received: u32, rtt_ms: Option<f64>) {
        let received = received.min(sent);
        self.sent += f64::from(sent);
        self.lost += f64::from(sent - received);
        if let Some(rtt) = rtt_ms.filter(|rtt| (0.0..1e6).contains(rtt)) {
            self.timed += f64::from(received);
            self.milliseconds += f64::from(received) * rtt;
        }
    }

    /// Adds those of another.
    pub(super) fn join(&mut self, other: &Self) {
        self.sent += other.sent;
        self.lost += other.lost;
        self.timed += other.timed;
        self.milliseconds += other.milliseconds;
    }

    fn fade(&mut self, factor: f64) {
        self.sent *= factor;
        self.lost *= factor;
        self.timed *= factor;
        self.milliseconds *= factor;
    }

    /// The share that was lost; nothing without echoes.
    pub(super) fn loss(&self) -> Option<f64> {
        (self.sent > 0.0).then(|| self.lost / self.sent)
    }

    /// The mean of their times, milliseconds.
    pub(super) fn delay(&self) -> Option<f64> {
        (self.timed > 0.0).then(|| self.milliseconds / self.timed)
    }
}

/// One agent, lately.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Agent {
    /// When anything of it arrived last: that moment its machine, its network and its line worked.
    pub(super) heard: f64,
    /// How far apart its reports usually are, seconds.
    interval: f64,
    /// Whether it said goodbye since.
    pub(super) gone: bool,
    /// When it measured what is below.
    measured: f64,
    /// To the router.
    pub(super) gateway: Echoes,
    /// Beyond the router, to what answers reliably.
    pub(super) outside: Echoes,
    /// Questions in a row that its usual resolver did not answer.
    pub(super) dns_failed: u16,
    /// When one was answered last, or asked first.
    dns_asked: bool,
    /// Whether it is on its battery, where it told.
    pub(super) on_battery: Option<bool>,
    /// Whether it is on Wi-Fi.
    pub(super) wifi: bool,
    /// How far its clock is off, seconds.
    pub(super) clock_offset: f64,
}

impl Agent {
    /// Something of it arrived.
    pub(super) fn hear(&mut self, arrived: f64) {
        let since = arrived - self.heard;
        if since <= 0.0 {
            return;
        }
        // Pauses are no interval; several lines of one report are none either.
        if (5.0..=MOST_PATIENCE).contains(&since) {
            let first = self.interval == 0.0;
            self.interval += (since - self.interval) * if first { 1.0 } else { 0.2 };
        }
        self.heard = arrived;
        self.gone = false;
    }

    /// Whether it was there at a moment.
    pub(super) fn is_live(&self, now: f64) -> bool {
        let interval = if self.interval > 0.0 {
            self.interval
        } else {
            60.0
        };
        let patience = (interval * PATIENCE).clamp(LEAST_PATIENCE, MOST_PATIENCE);
        !self.gone && now - self.heard <= patience && self.heard <= now + LEAST_PATIENCE
    }

    /// Takes what it measured just now.
    pub(super) fn measure(&mut self, t: f64, measured: &Measured) {
        let passed = t - self.measured;
        if passed > 0.0 {
            let factor = (-passed / FADES).exp();
            self.gateway.fade(factor);
            self.outside.fade(factor);
            self.measured = t;
        }
        for link in &measured.links {
            let echoes = match link.segment {
                Place::Gateway => &mut self.gateway,
                Place::Collector | Place::Anchor => &mut self.outside,
                Place::Lan | Place::Hop | Place::Other => continue,
            };
            echoes.add(link.sent, link.received, link.rtt_ms);
        }
        self.ask(measured);
        if let Some(nic) = &measured.nic
            && let Some(medium) = nic.medium
        {
            self.wifi = medium == Medium::Wifi;
        }
        if let Some(host) = &measured.host {
            self.on_battery = host.on_battery.or(self.on_battery);
            self.clock_offset = host.clock_offset_s.unwrap_or(self.clock_offset);
        }
    }

    /// Any resolver of its own that answers is enough: a PC may have more than one. A public one, which is asked to
    /// compare, helps nobody whose machine does not use it.
    fn ask(&mut self, measured: &Measured) {
        if measured.dns.is_empty() {
            return;
        }
        self.dns_asked = true;
        // That a name does not exist is an answer too.
        let answered = |word| matches!(word, DnsWord::Answered | DnsWord::Nxdomain);
        let usual = measured
            .dns
            .iter()
            .filter(|round| round.resolver != "public");
        let mut usual = usual.peekable();
        let good = if usual.peek().is_some() {
            usual.any(|round| answered(round.outcome))
        } else {
            measured.dns.iter().any(|round| answered(round.outcome))
        };
        self.dns_failed = if good {
            0
        } else {
            self.dns_failed.saturating_add(1)
        };
    }

    /// Whether it asks for names, and no question was answered for so many rounds.
    pub(super) fn finds_no_names(&self, rounds: u16) -> bool {
        self.dns_asked && self.dns_failed >= rounds
    }

    /// Whether it asks for names and gets answers.
    pub(super) fn finds_names(&self) -> bool {
        self.dns_asked && self.dns_failed == 0
    }
}
