//! What a simulated machine measured → the readings its agent would have made of it.
//!
//! A record tells what happened in a stretch of time; agents tell counters and the state of things. So each record becomes
//! a round at the beginning of its stretch, with the counters as they were, and rounds at its end, one for each attempt to
//! use a service. Packed by the agent's own recorder.

use std::collections::{BTreeSet, HashMap};

use agent::record::Recorder;
use agent::sources::Readings;
use diagnosis::record::{
    DnsRound, DnsWord, LinkRound, Measured, Medium, NicState, Place, ServiceRound, ServiceWord,
};
use prost::Message as _;
use proto::metrics;
use proto::stream;
use proto::wire;

/// More attempts of one service in one stretch are told as so many.
const MOST_ATTEMPTS: u32 = 6;

/// What the collector is called among the links.
const COLLECTOR: &str = "collector";

/// The way of which routers are told.
const TOWARDS: &str = "anchor-1";

/// What one machine's agent has told so far.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// Machines of the centre as the simulation and as the collector call them.
    names: HashMap<String, String>,
    /// Sent and received, by target.
    links: HashMap<String, [f64; 2]>,
    /// Bytes received and sent, damaged frames.
    card: [f64; 3],
    /// How questions and attempts ended so far, by resolver and service.
    outcomes: HashMap<String, BTreeSet<&'static str>>,
}

/// When a record was measured, by the machine's own wall clock, Unix milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

impl Teller {
    /// Of a machine in a centre whose machines have these names.
    pub(super) fn new(names: HashMap<String, String>) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }

    /// The readings of one record.
    pub(super) fn tell(&mut self, measured: &Measured, when: Stretch) -> Option<stream::Measured> {
        let mut recorder = Recorder::default();
        // Only their difference counts within a batch, and what it is, is told beside it.
        let clock = |wall_unix_ms: i64| wire::Clock {
            wall_unix_ms,
            monotonic_ms: u64::try_from(wall_unix_ms - when.from_ms + 1_000).unwrap_or(0),
        };
        recorder.add(clock(when.from_ms), &self.before(measured).taken);
        let attempts = measured.services.iter().map(|service| service.attempts);
        let rounds = attempts.max().unwrap_or(1).clamp(1, MOST_ATTEMPTS);
        let step = (when.to_ms - when.from_ms) / i64::from(rounds + 1);
        for round in 0..rounds {
            let mut readings = Readings::default();
            for service in &measured.services {
                self.attempt(service, round, &mut readings);
            }
            let left = rounds - 1 - round;
            if left == 0 {
                self.rest(measured, when, &mut readings);
            }
            recorder.add(clock(when.to_ms - step * i64::from(left)), &readings.taken);
        }
        let recorded = recorder.take(1).next()?;
        let batch = wire::Batch::decode(&recorded.bytes[..]).ok()?;
        stream::Measured::unpack(&batch).ok()
    }

    /// Counters as they were.
    fn before(&mut self, measured: &Measured) -> Readings {
        let mut readings = Readings::default();
        for link in &measured.links {
            let (segment, target) = self.link(link);
            let counts = *self.links.entry(target.clone()).or_default();
            push_counts(&mut readings, segment, &target, counts);
        }
        if let Some(nic) = &measured.nic {
            push_card(&mut readings, interface(nic), self.card);
        }
        readings
    }

    /// Everything but the services.
    fn rest(&mut self, measured: &Measured, when: Stretch, readings: &mut Readings) {
        for link in &measured.links {
            self.echoes(link, readings);
        }
        for dns in &measured.dns {
            self.question(dns, readings);
        }
        for mtu in &measured.mtu {
            let vanish = if mtu.ok { 0.0 } else { 1.0 };
            readings.push(&metrics::PATH_MTU_BLACKHOLE, &[&mtu.target], vanish);
        }
        if let Some(host) = &measured.host {
            if let Some(cpu) = host.cpu {
                readings.push(&metrics::DEVICE_CPU_USAGE, &[], cpu);
            }
            let seconds = diagnosis_seconds(when.to_ms - when.from_ms);
            let [received, sent, _] = &mut self.card;
            *received += (host.rx_bps.unwrap_or(0.0) / 8.0 * seconds).round();
            *sent += (host.tx_bps.unwrap_or(0.0) / 8.0 * seconds).round();
        }
        if let Some(nic) = &measured.nic {
            self.nic(nic, readings);
        }
    }

    fn nic(&mut self, nic: &NicState, readings: &mut Readings) {
        let interface = interface(nic);
        let [_, _, errors] = &mut self.card;
        *errors += nic.errors.unwrap_or(0.0);
        push_card(readings, interface, self.card);
        if let Some(up) = nic.up {
            readings.push(&metrics::DEVICE_INTERFACE_UP, &[interface], flag(up));
        }
        if let Some(speed) = nic.speed_mbps {
            readings.push(&metrics::DEVICE_INTERFACE_SPEED, &[interface], speed * 1e6);
        }
        if let Some(full) = nic.full_duplex {
            readings.push(
                &metrics::DEVICE_INTERFACE_FULL_DUPLEX,
                &[interface],
                flag(full),
            );
        }
    }

    fn echoes(&mut self, link: &LinkRound, readings: &mut Readings) {
        let (segment, target) = self.link(link);
        let counts = self.links.entry(target.clone()).or_default();
        let [sent, received] = counts;
        *sent += f64::from(link.sent);
        *received += f64::from(link.received);
        push_counts(readings, segment, &target, *counts);
        if link.sent > 0 {
            let lost = 1.0 - f64::from(link.received) / f64::from(link.sent);
            readings.push(&metrics::LINK_LOSS, &[segment, &target], lost);
        }
        if let Some(ms) = link.rtt_ms {
            readings.push(&metrics::LINK_RTT_MEDIAN, &[segment, &target], ms / 1e3);
        }
        if let Some(ms) = link.rtt_p95_ms {
            readings.push(&metrics::LINK_RTT_MAX, &[segment, &target], ms / 1e3);
        }
        if let Some(hop) = link.hop {
            // Agents count from the gateway as 1.
            let away = (hop + 1).to_string();
            readings.push(&metrics::PATH_HOP_INFO, &[TOWARDS, &away, &target], 1.0);
        }
    }

    /// The labels of a link.
    fn link(&self, link: &LinkRound) -> (&'static str, String) {
        let target = || link.target.clone();
        match link.segment {
            Place::Lan => {
                let known = self.names.get(&link.target);
                ("lan", known.cloned().unwrap_or_else(target))
            }
            Place::Gateway => ("gateway", target()),
            Place::Hop if link.hop == Some(1) => ("line", target()),
            Place::Hop => ("isp", target()),
            Place::Collector => ("core", COLLECTOR.to_owned()),
            Place::Anchor | Place::Other => ("core", target()),
        }
    }

    fn question(&mut self, dns: &DnsRound, readings: &mut Readings) {
        let word = dns_word(dns.outcome);
        let known = self.outcomes.entry(format!("dns {}", dns.resolver));
        for (outcome, is_so) in ended(known.or_default(), word) {
            readings.push(&metrics::DNS_OUTCOME, &[&dns.resolver, outcome], is_so);
        }
        if let Some(ms) = dns.ms {
            readings.push(&metrics::DNS_DURATION, &[&dns.resolver], ms / 1e3);
        }
    }

    /// The attempt of this round: those that failed came first.
    fn attempt(&mut self, service: &ServiceRound, round: u32, readings: &mut Readings) {
        if round >= service.attempts.max(1) {
            return;
        }
        let name = service.service.as_str();
        let has_failed = round < service.failed;
        let word = if has_failed {
            service_word(service.outcome)
        } else {
            "answered"
        };
        let known = self.outcomes.entry(format!("service {name}"));
        for (outcome, is_so) in ended(known.or_default(), word) {
            readings.push(&metrics::PROBE_OUTCOME, &[name, outcome], is_so);
        }
        readings.push(&metrics::PROBE_SUCCESS, &[name], flag(!has_failed));
        let total = service.total_ms.unwrap_or(0.0) / 1e3;
        let failed_in = service.phase.as_deref().filter(|_| has_failed);
        for (phase, share) in PHASES {
            if failed_in == Some(phase) {
                break;
            }
            let took = if has_failed { 0.02 } else { total * share };
            readings.push(&metrics::PROBE_PHASE, &[name, phase], took);
        }
    }
}

/// The phases of an attempt, and their usual shares of it.
const PHASES: [(&str, f64); 4] = [
    ("dns", 0.05),
    ("connect", 0.15),
    ("tls", 0.25),
    ("first_byte", 0.55),
];

/// 1 for how something ended, and 0 for how it ended before.
fn ended(known: &mut BTreeSet<&'static str>, word: &'static str) -> Vec<(&'static str, f64)> {
    known.insert(word);
    known.iter().map(|one| (*one, flag(*one == word))).collect()
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn interface(nic: &NicState) -> &'static str {
    match nic.medium {
        Some(Medium::Wifi) => "wlan0",
        _ => "eth0",
    }
}

fn push_counts(readings: &mut Readings, segment: &str, target: &str, counts: [f64; 2]) {
    let [sent, received] = counts;
    readings.push(&metrics::LINK_SENT, &[segment, target], sent);
    readings.push(&metrics::LINK_RECEIVED, &[segment, target], received);
}

fn push_card(readings: &mut Readings, interface: &str, counts: [f64; 3]) {
    let [received, sent, errors] = counts;
    let card = &[interface];
    readings.push(&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, card, received);
    readings.push(&metrics::DEVICE_INTERFACE_TRANSMIT_BYTES, card, sent);
    readings.push(&metrics::DEVICE_INTERFACE_RECEIVE_ERRORS, card, errors);
}

/// A length of time in seconds.
fn diagnosis_seconds(ms: i64) -> f64 {
    f64::from(i32::try_from(ms).unwrap_or(i32::MAX)) / 1e3
}

fn dns_word(word: DnsWord) -> &'static str {
    match word {
        DnsWord::Answered => "answered",
        DnsWord::Timeout => "timeout",
        DnsWord::Servfail => "servfail",
        DnsWord::Nxdomain => "nxdomain",
        DnsWord::Wrong | DnsWord::Other => "wrong",
    }
}

fn service_word(word: ServiceWord) -> &'static str {
    match word {
        ServiceWord::Answered => "answered",
        ServiceWord::DnsFailed => "dns_failed",
        ServiceWord::Refused => "refused",
        ServiceWord::Timeout => "timeout",
        ServiceWord::Unreachable => "unreachable",
        ServiceWord::TlsFailed => "tls_failed",
        ServiceWord::CertificateExpired => "certificate_expired",
        ServiceWord::Captive => "captive",
        ServiceWord::HttpError | ServiceWord::Other => "http_error",
    }
}
