//! One link as a check knows it: echoes so far, and what is there although it answers none.
//!
//! A point that answers no echoes is knocked at: whoever takes or refuses a connection is there. Echoes of
//! TCP connections alone are too few, and too much to ask of others, to judge loss by.

use std::time::Duration;

use diagnosis::evidence::{Link, Place, Rtt};
use futures_util::future::join_all;

use super::tools::Tools;
use crate::os::Address;
use crate::sources::Unmeasurable;
use crate::sources::probe::packets::{Came, Carrier, Packets, Probe, USUAL_BYTES};
use crate::sources::probe::round::{Round, Wanted};

/// Where routers and servers likely take connections.
pub(super) const PORTS: [u16; 3] = [53, 443, 80];

/// For one knock.
const KNOCK_LIMIT: Duration = Duration::from_secs(1);

/// So many echoes, so far apart.
#[derive(Clone, Copy)]
pub(super) struct Burst(u32, Duration);

/// Is anybody there?
pub(super) const FIRST: Burst = Burst(6, Duration::from_millis(100));

/// Is anything lost?
pub(super) const LONG: Burst = Burst(50, Duration::from_millis(50));

/// Something was: how much?
pub(super) const LONGER: Burst = Burst(100, Duration::from_millis(40));

/// A link and what is known of it so far.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) link: Link,
    pub(super) address: Address,
    pub(super) method: Option<&'static str>,
    pub(super) limitation: Option<Unmeasurable>,
    pub(super) interface: Option<String>,
    rtts: Vec<Duration>,
}

impl Measured {
    pub(super) fn new(
        place: Place,
        target: &str,
        address: Address,
        interface: Option<String>,
    ) -> Self {
        Self {
            link: Link {
                place,
                target: target.to_owned(),
                sent: 0,
                received: 0,
                rtt: None,
                present: None,
                network: None,
            },
            address,
            method: None,
            limitation: None,
            interface,
            rtts: Vec::new(),
        }
    }

    /// Through a network of its own.
    pub(super) fn through(mut self, network: Option<String>) -> Self {
        self.link.network = network;
        self
    }

    pub(super) async fn send(&mut self, tools: &Tools, Burst(echoes, spacing): Burst) {
        let [port, ..] = PORTS;
        let wanted = Wanted {
            interface: self.interface.as_deref(),
            port,
            echoes,
            spacing,
        };
        match tools.rounds.round(&self.address, wanted).await {
            Ok(round) => self.add(round),
            Err(problem) => self.limitation = Some(problem),
        }
    }

    pub(super) fn add(&mut self, round: Round) {
        let Round {
            sent,
            rtts,
            method,
            limitation,
        } = round;
        self.method = Some(method);
        self.limitation = limitation;
        self.link.sent += sent;
        self.rtts.extend(rtts);
        self.rtts.sort_unstable();
        self.link.received = u32::try_from(self.rtts.len()).unwrap_or(u32::MAX);
        self.link.rtt = spread(&self.rtts);
    }

    /// What is there although it answers no echoes.
    pub(super) async fn knock(&mut self) {
        let packets = Packets::new(self.interface.clone());
        let to = &self.address;
        // On port 80 anybody on the way may answer.
        let far = self.link.place == Place::Anchor;
        let ports = PORTS.into_iter().filter(|port| !far || *port != 80);
        let carriers = ports.map(Carrier::Tcp).chain([Carrier::Udp]);
        let knocks = carriers.map(|carrier| {
            let probe = Probe {
                to: to.clone(),
                carrier,
                ttl: None,
                bytes: USUAL_BYTES,
            };
            let packets = &packets;
            async move { packets.send(&probe, KNOCK_LIMIT).await }
        });
        let answered = join_all(knocks)
            .await
            .into_iter()
            .find_map(|came| match came {
                Ok(Came::Reply { rtt } | Came::Refused { rtt }) => Some(rtt),
                _ => None,
            });
        if let Some(rtt) = answered {
            self.link.present = Some(true);
            if self.link.place == Place::Anchor {
                // It counts as one answer to one question; the echoes it does not want do not.
                (self.link.sent, self.rtts) = (0, Vec::new());
                self.add(Round {
                    sent: 1,
                    rtts: vec![rtt],
                    method: "tcp_connect",
                    limitation: None,
                });
            }
        }
    }

    pub(super) fn is_icmp(&self) -> bool {
        self.method.is_some_and(|method| method.starts_with("icmp"))
    }

    /// Whether there were enough echoes to judge loss by.
    pub(super) fn is_long(&self) -> bool {
        let Burst(long, _) = LONG;
        self.is_icmp() && self.link.answers() && self.link.sent >= long
    }

    /// More than one echo that any line may lose.
    pub(super) fn loses(&self) -> bool {
        self.link.answers() && self.link.received + 1 < self.link.sent
    }
}

/// Of sorted times.
fn spread(rtts: &[Duration]) -> Option<Rtt> {
    let at = |share: usize| rtts.get((rtts.len() * share / 100).min(rtts.len().saturating_sub(1)));
    Some(Rtt {
        min: *rtts.first()?,
        median: *at(50)?,
        p95: *at(95)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_of_sorted_times() {
        let ms = Duration::from_millis;
        let times: Vec<Duration> = (1..=100).map(ms).collect();
        let expected = Rtt {
            min: ms(1),
            median: ms(51),
            p95: ms(96),
        };
        assert_eq!(spread(&times), Some(expected));
        let one = Rtt {
            min: ms(7),
            median: ms(7),
            p95: ms(7),
        };
        assert_eq!(spread(&[ms(7)]), Some(one));
        assert_eq!(spread(&[]), None);
    }
}
