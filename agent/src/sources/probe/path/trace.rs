//! Which routers a packet passes: packets that may go one hop, two hops and so on, until the target
//! answers.
//!
//! All packets of a trace belong to one flow (see [`super::super::packets`]), a few are on their way at
//! a time, and each hop is asked again: twice for a good round-trip time, once more where it is silent.
//! Routers answer such packets when they have nothing better to do, or never: a silent hop is not loss.
//! Where nothing answers beyond a hop, or a firewall rejects what goes on, UDP and then TCP go on from
//! there, since some let pass one and not the other.
//!
//! It cannot know of routers that hide by not counting hops (MPLS, some firewalls), nor of the way back.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};

use super::super::packets::{Came, Carrier, Packets, Probe, USUAL_BYTES, Unreachable};
use crate::os::Address;

/// The farthest hop that is asked.
pub(crate) const MOST_HOPS: u8 = 24;

/// Silent hops behind the last answer, after which nothing more is expected.
const SILENT: usize = 4;

/// Between two packets.
const SPACING: Duration = Duration::from_millis(50);

/// For one answer.
const LIMIT: Duration = Duration::from_secs(1);

/// The way to a target, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traced {
    /// The first is one hop away, the last is one that answered; `None` for silent ones in between.
    pub(crate) hops: Vec<Option<Seen>>,
    /// How it ended.
    pub(crate) end: End,
}

/// A hop that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) address: IpAddr,
    /// The shortest of those measured.
    pub(crate) rtt: Duration,
    /// What it answered.
    pub(crate) carrier: Carrier,
}

/// How a trace ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing answers beyond the last hop.
    #[default]
    Silent,
    /// The last hop is the target.
    Arrived,
    /// The last hop says that there is no way on.
    Blocked,
}

/// Traces the way to a target, `most` hops at most. `port` is one where it takes TCP connections.
/// `progress` is called with the number of each hop in order, and again where a later attempt finds more.
///
/// # Errors
/// When no kind of packet could be sent.
pub(crate) async fn trace(
    packets: &Packets,
    to: &Address,
    port: u16,
    most: u8,
    mut progress: impl FnMut(u8, Option<Seen>),
) -> io::Result<Traced> {
    let mut traced = Traced::default();
    let mut rejected = None;
    let mut problem = None;
    for carrier in [Carrier::Echo, Carrier::Udp, Carrier::Tcp(port)] {
        let tracer = Tracer {
            packets,
            to,
            carrier,
            most,
        };
        match tracer.go_on(&mut traced, &mut progress).await {
            Ok(by) => {
                problem = None;
                let known = traced.hops.len();
                rejected = by.map(|by| (known, by)).or(rejected);
            }
            Err(error) => problem = Some(problem.unwrap_or(error)),
        }
        if traced.end != End::Silent {
            break;
        }
    }
    if let Some((known, by)) = rejected
        && traced.end == End::Silent
        && traced.hops.len() == known
    {
        traced.end = End::Blocked;
        if !traced.is_last(by) {
            traced.push(Some(by), &mut progress);
        }
    }
    match problem {
        Some(error) if traced.hops.is_empty() => Err(error),
        _ => Ok(traced),
    }
}

struct Tracer<'a> {
    packets: &'a Packets,
    to: &'a Address,
    carrier: Carrier,
    most: u8,
}

/// How hops are asked by one kind of packet.
struct Manner {
    at_a_time: u8,
    attempts: u32,
    /// As [`SILENT`].
    silent: usize,
}

impl Manner {
    fn of(carrier: Carrier) -> Self {
        match carrier {
            Carrier::Echo => Self {
                at_a_time: 5,
                attempts: 3,
                silent: SILENT,
            },
            // Of these one is on its way at a time, and each silent one takes a second.
            Carrier::Udp | Carrier::Tcp(_) => Self {
                at_a_time: 2,
                attempts: 2,
                silent: SILENT / 2,
            },
        }
    }
}

/// What is known of one hop.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    seen: Option<Seen>,
    how: How,
}

/// What a hop said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum How {
    /// That the packet expired there, or nothing.
    #[default]
    Goes,
    /// That this kind of packet may not pass.
    Rejects,
    Ends(End),
}

impl Traced {
    fn push(&mut self, seen: Option<Seen>, progress: &mut impl FnMut(u8, Option<Seen>)) {
        self.hops.push(seen);
        progress(u8::try_from(self.hops.len()).unwrap_or(u8::MAX), seen);
    }

    /// Whether this is the last hop that answered.
    fn is_last(&self, seen: Seen) -> bool {
        let last = self.hops.iter().rev().flatten().next();
        last.is_some_and(|last| last.address == seen.address)
    }
}

impl Tracer<'_> {
    /// Traces beyond the last hop that is known; returns who rejects what goes on from there.
    async fn go_on(
        &self,
        traced: &mut Traced,
        progress: &mut impl FnMut(u8, Option<Seen>),
    ) -> io::Result<Option<Seen>> {
        let manner = Manner::of(self.carrier);
        loop {
            let known = u8::try_from(traced.hops.len()).unwrap_or(self.most);
            let last = known.saturating_add(manner.at_a_time).min(self.most);
            let asked = self.ask(known + 1..=last, manner.attempts).await;
            let mut is_over = asked.as_ref().map_or(true, Vec::is_empty);
            let mut rejected = None;
            for Asked { seen, how } in asked.iter().flatten() {
                is_over |= *how != How::Goes;
                match how {
                    How::Goes => traced.push(*seen, progress),
                    How::Rejects => rejected = *seen,
                    How::Ends(end) => {
                        traced.end = *end;
                        // It says so of packets that would go on, and answers those that end at it.
                        let is_known = seen.is_some_and(|seen| traced.is_last(seen));
                        if *end != End::Blocked || !is_known {
                            traced.push(*seen, progress);
                        }
                    }
                }
            }
            let trail = traced.hops.iter().rev();
            let trail = trail.take_while(|hop| hop.is_none()).count();
            if is_over || trail >= manner.silent {
                traced.hops.truncate(traced.hops.len() - trail);
                return asked.map(|_| rejected);
            }
        }
    }

    /// Asks hops at the same time; the answers end with the first that is the last of the way.
    async fn ask(
        &self,
        ttls: std::ops::RangeInclusive<u8>,
        attempts: u32,
    ) -> io::Result<Vec<Asked>> {
        let mut hops: Vec<(u8, Asked)> = ttls.map(|ttl| (ttl, Asked::default())).collect();
        for attempt in 0..attempts {
            let begin = Instant::now();
            let due = hops
                .iter_mut()
                .filter(|(_, asked)| attempt < 2 || asked.seen.is_none());
            let asking = due.zip(0..).map(|((ttl, asked), number)| async move {
                sleep_until(begin + SPACING * number).await;
                let probe = Probe {
                    to: self.to.clone(),
                    carrier: self.carrier,
                    ttl: Some(*ttl),
                    bytes: USUAL_BYTES,
                };
                let came = self.packets.send(&probe, LIMIT).await?;
                asked.learn(came, self.to.ip, self.carrier);
                Ok(())
            });
            let outcomes: Vec<io::Result<()>> = join_all(asking).await;
            outcomes.into_iter().collect::<io::Result<()>>()?;
            if let Some(last) = hops.iter().position(|(_, asked)| asked.how != How::Goes) {
                hops.truncate(last + 1);
            }
        }
        Ok(hops.into_iter().map(|(_, asked)| asked).collect())
    }
}

impl Asked {
    /// Of two addresses at one distance the first stays, with its own times.
    fn learn(&mut self, came: Came, target: IpAddr, carrier: Carrier) {
        let (address, rtt, how) = match came {
            Came::Reply { rtt } | Came::Refused { rtt } => (target, rtt, How::Ends(End::Arrived)),
            Came::Expired { from, rtt } => (from, rtt, How::Goes),
            Came::Unreachable {
                from: Some(from),
                what: Unreachable::Prohibited | Unreachable::Port,
                rtt,
            } => (from, rtt, How::Rejects),
            Came::Unreachable {
                from: Some(from),
                rtt,
                ..
            } => (from, rtt, How::Ends(End::Blocked)),
            Came::Unreachable { from: None, .. } | Came::TooBig { .. } | Came::Nothing => return,
        };
        match &mut self.seen {
            Some(seen) if seen.address == address => seen.rtt = seen.rtt.min(rtt),
            Some(_) => {}
            None => {
                self.seen = Some(Seen {
                    address,
                    rtt,
                    carrier,
                });
                self.how = how;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9));
    const ROUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn rtt(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_hop_keeps_its_first_address_and_its_shortest_time() {
        let mut hop = Asked::default();
        let expired = |from, milliseconds| Came::Expired {
            from,
            rtt: rtt(milliseconds),
        };
        hop.learn(Came::Nothing, TARGET, Carrier::Echo);
        assert!(hop.seen.is_none());
        for came in [expired(ROUTER, 9), expired(OTHER, 1), expired(ROUTER, 7)] {
            hop.learn(came, TARGET, Carrier::Echo);
        }
        let seen = hop.seen.unwrap();
        assert_eq!((seen.address, seen.rtt), (ROUTER, rtt(7)));
        assert_eq!(hop.how, How::Goes);
    }

    #[test]
    fn the_way_ends_where_the_target_answers_or_a_router_says_so() {
        let check = |came, expected: Option<IpAddr>, how| {
            let mut hop = Asked::default();
            hop.learn(came, TARGET, Carrier::Udp);
            assert_eq!(hop.seen.map(|seen| seen.address), expected, "{came:?}");
            assert_eq!(hop.how, how, "{came:?}");
        };
        let unreachable = |from, what| Came::Unreachable {
            from,
            what,
            rtt: rtt(1),
        };
        let (router, host) = (Some(ROUTER), Unreachable::Host);
        let arrived = How::Ends(End::Arrived);
        check(Came::Reply { rtt: rtt(1) }, Some(TARGET), arrived);
        check(Came::Refused { rtt: rtt(1) }, Some(TARGET), arrived);
        check(unreachable(router, host), router, How::Ends(End::Blocked));
        check(unreachable(None, host), None, How::Goes);
        for what in [Unreachable::Prohibited, Unreachable::Port] {
            check(unreachable(router, what), router, How::Rejects);
        }
    }
}
