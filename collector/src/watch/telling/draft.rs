//! What one machine measured in one minute, while it is put together.

use diagnosis::record::{
    DnsRound, DnsWord, HostState, LinkRound, Measured, MtuRound, Place, ServiceRound, ServiceWord,
};

use super::counts::whole;
use super::nic::Leading;
use super::roles::{Names, Phase};

/// A minute that is put together.
#[derive(Debug)]
pub(super) struct Draft {
    first_ms: i64,
    pub(super) last_ms: i64,
    links: Vec<LinkDraft>,
    dns: Vec<(u8, DnsWord, Option<f64>)>,
    services: Vec<ServiceDraft>,
    mtu: Vec<(u8, bool)>,
    cpu: Option<(f64, f64)>,
    lag: Option<(f64, f64)>,
    pub(super) has_card: bool,
    pub(super) on_battery: Option<bool>,
}

#[derive(Debug)]
struct LinkDraft {
    link: u8,
    sent: f64,
    received: f64,
    medians: Vec<f64>,
    longest: Option<f64>,
}

#[derive(Debug)]
struct ServiceDraft {
    service: u8,
    attempts: u32,
    failed: u32,
    /// Of the attempt that failed last.
    failure: Option<(ServiceWord, Option<Phase>)>,
    total: Option<f64>,
}

/// What belongs together in a round, whatever its order.
#[derive(Debug, Default)]
pub(super) struct InRound {
    dns: Vec<(u8, Question)>,
    services: Vec<(u8, Attempt)>,
}

/// How questions to a resolver ended, and how long they took.
type Question = (Option<DnsWord>, Option<f64>);

/// One attempt to use a service.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    pub(super) word: Option<ServiceWord>,
    last: Option<Phase>,
    total: f64,
}

impl Attempt {
    pub(super) fn phase(&mut self, phase: Phase, took: f64) {
        self.total += took;
        let order = |phase: Phase| match phase {
            Phase::Dns => 0,
            Phase::Connect => 1,
            Phase::Tls => 2,
            Phase::FirstByte => 3,
            Phase::Transfer => 4,
        };
        if self.last.is_none_or(|last| order(last) < order(phase)) {
            self.last = Some(phase);
        }
    }

    /// The phase that it did not get through.
    fn failed_in(&self, word: ServiceWord) -> Option<Phase> {
        match word {
            ServiceWord::Answered | ServiceWord::Other => None,
            ServiceWord::DnsFailed => Some(Phase::Dns),
            ServiceWord::Refused | ServiceWord::Unreachable => Some(Phase::Connect),
            ServiceWord::TlsFailed | ServiceWord::CertificateExpired => Some(Phase::Tls),
            ServiceWord::HttpError | ServiceWord::Captive => Some(Phase::FirstByte),
            ServiceWord::Timeout => Some(match self.last {
                None | Some(Phase::Dns) => Phase::Connect,
                Some(Phase::Connect) => Phase::Tls,
                Some(Phase::Tls | Phase::FirstByte | Phase::Transfer) => Phase::FirstByte,
            }),
        }
    }
}

impl InRound {
    pub(super) fn dns(&mut self, resolver: u8) -> &mut Question {
        of(&mut self.dns, resolver)
    }

    pub(super) fn service(&mut self, service: u8) -> &mut Attempt {
        of(&mut self.services, service)
    }
}

fn of<T: Default>(list: &mut Vec<(u8, T)>, number: u8) -> &mut T {
    let place = list.iter().position(|(known, _)| *known == number);
    let place = place.unwrap_or_else(|| {
        list.push((number, T::default()));
        list.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "it is there")]
    &mut list[place].1
}

impl Draft {
    pub(super) fn begin(at: i64) -> Self {
        Self {
            first_ms: at,
            last_ms: at,
            links: Vec::new(),
            dns: Vec::new(),
            services: Vec::new(),
            mtu: Vec::new(),
            cpu: None,
            lag: None,
            has_card: false,
            on_battery: None,
        }
    }

    /// Whether a moment is near enough to be in it.
    pub(super) fn covers(&self, at: i64, length: i64) -> bool {
        at.abs_diff(self.first_ms) < length.unsigned_abs()
    }

    pub(super) fn reach(&mut self, at: i64) {
        self.last_ms = self.last_ms.max(at);
    }

    fn link(&mut self, link: u8) -> &mut LinkDraft {
        let place = self.links.iter().position(|known| known.link == link);
        let place = place.unwrap_or_else(|| {
            self.links.push(LinkDraft {
                link,
                sent: 0.0,
                received: 0.0,
                medians: Vec::new(),
                longest: None,
            });
            self.links.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it is there")]
        &mut self.links[place]
    }

    pub(super) fn sent(&mut self, link: u8, grew: Option<f64>) {
        self.link(link).sent += grew.unwrap_or(0.0);
    }

    pub(super) fn received(&mut self, link: u8, grew: Option<f64>) {
        self.link(link).received += grew.unwrap_or(0.0);
    }

    pub(super) fn median(&mut self, link: u8, seconds: f64) {
        self.link(link).medians.push(seconds);
    }

    pub(super) fn longest(&mut self, link: u8, seconds: f64) {
        let longest = &mut self.link(link).longest;
        *longest = Some(longest.map_or(seconds, |before| before.max(seconds)));
    }

    pub(super) fn mtu(&mut self, target: u8, ok: bool) {
        self.mtu.push((target, ok));
    }

    pub(super) fn cpu(&mut self, ratio: f64) {
        let (sum, count) = self.cpu.unwrap_or_default();
        self.cpu = Some((sum + ratio, count + 1.0));
    }

    pub(super) fn lag(&mut self, seconds: f64) {
        let (sum, count) = self.lag.unwrap_or_default();
        self.lag = Some((sum + seconds, count + 1.0));
    }

    /// Adds what belonged together.
    pub(super) fn round_ended(&mut self, here: InRound) {
        for (resolver, (word, took)) in here.dns {
            if let Some(word) = word {
                self.dns.push((resolver, word, took));
            }
        }
        for (number, attempt) in here.services {
            let Some(word) = attempt.word else { continue };
            let place = self
                .services
                .iter()
                .position(|known| known.service == number);
            let place = place.unwrap_or_else(|| {
                self.services.push(ServiceDraft {
                    service: number,
                    attempts: 0,
                    failed: 0,
                    failure: None,
                    total: None,
                });
                self.services.len() - 1
            });
            let Some(service) = self.services.get_mut(place) else {
                continue;
            };
            service.attempts += 1;
            if word == ServiceWord::Answered {
                service.total = Some(attempt.total);
            } else {
                service.failed += 1;
                service.failure = Some((word, attempt.failed_in(word)));
            }
        }
    }

    /// What was measured, if anything was.
    pub(super) fn close(
        self,
        names: &Names,
        leading: Option<Leading>,
        clock_offset: Option<f64>,
    ) -> Option<Measured> {
        let name = |names: &[Box<str>], number: u8| {
            names
                .get(usize::from(number))
                .map(|name| (**name).to_owned())
        };
        let links = self.links.into_iter().filter_map(|link| link.close(names));
        let dns = self
            .dns
            .into_iter()
            .filter_map(|(resolver, outcome, took)| {
                Some(DnsRound {
                    resolver: name(&names.resolvers, resolver)?,
                    outcome,
                    ms: took.map(milliseconds),
                })
            });
        let services = self.services.into_iter().filter_map(|service| {
            Some(ServiceRound {
                service: name(&names.services, service.service)?,
                outcome: service
                    .failure
                    .map_or(ServiceWord::Answered, |(word, _)| word),
                phase: service
                    .failure
                    .and_then(|(_, phase)| Some(word_of(phase?).to_owned())),
                total_ms: service.total.map(milliseconds),
                attempts: service.attempts,
                failed: service.failed,
            })
        });
        let mtu = self.mtu.into_iter().filter_map(|(target, ok)| {
            let target = name(&names.targets, target)?;
            Some(MtuRound { target, ok })
        });
        let host = HostState {
            cpu: self.cpu.map(|(sum, count)| sum / count),
            lag_ms: self.lag.map(|(sum, count)| milliseconds(sum / count)),
            on_battery: self.on_battery,
            rx_bps: leading.as_ref().and_then(|leading| leading.received_bps),
            tx_bps: leading.as_ref().and_then(|leading| leading.sent_bps),
            clock_offset_s: clock_offset,
            ..HostState::default()
        };
        let measured = Measured {
            links: links.collect(),
            dns: dns.collect(),
            services: services.collect(),
            mtu: mtu.collect(),
            nic: leading.map(|leading| leading.nic),
            host: (host != HostState::default()).then_some(host),
        };
        (measured != Measured::default()).then_some(measured)
    }
}

impl LinkDraft {
    /// `None` where nothing is known to have been sent.
    fn close(mut self, names: &Names) -> Option<LinkRound> {
        let (place, segment, target) = names.links.get(usize::from(self.link))?;
        let sent = whole(self.sent);
        if sent == 0 {
            return None;
        }
        self.medians.sort_by(f64::total_cmp);
        let middle = self.medians.get(self.medians.len() / 2).copied();
        Some(LinkRound {
            segment: *place,
            target: (**target).to_owned(),
            hop: (*place == Place::Hop).then(|| names.hop_of(segment, target)),
            sent,
            received: whole(self.received).min(sent),
            rtt_ms: middle.map(milliseconds),
            rtt_p95_ms: self.longest.map(milliseconds),
        })
    }
}

/// With as many digits as say something.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

fn word_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "dns",
        Phase::Connect => "connect",
        Phase::Tls => "tls",
        Phase::FirstByte | Phase::Transfer => "first_byte",
    }
}
