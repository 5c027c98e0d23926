//! The search for the largest packet that arrives: halving, led by what routers tell.

use std::io;
use std::time::Duration;

use super::super::packets::{Came, Carrier, MOST_BYTES, Packets, Probe, USUAL_BYTES};
use crate::os::Address;

/// For one answer, where it is not known how long one takes.
const LIMIT: Duration = Duration::from_secs(1);

/// Small packets that are answered while every large one is lost, before these count as vanished. With a
/// share p of all echoes lost that happens by chance to a size that passes in (p / (1 + p))^7 of searches:
/// at a third in one of sixteen thousand.
const EVIDENCE: u32 = 7;

/// Packets of one size, small ones not counted: enough for that evidence where every third is lost.
const ATTEMPTS: u32 = 20;

/// Sizes that are tried before it is given up: more than halving needs.
const SIZES: u32 = 24;

/// What arrives at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The largest packet.
    Known(u16),
    /// Larger ones vanish, and no router says so.
    BlackHole { largest: u16 },
    /// It answers no echoes, or too few to say.
    Unanswered,
}

/// Finds the largest packet that arrives.
///
/// # Errors
/// When this machine cannot send echoes.
pub(crate) async fn path_mtu(packets: &Packets, to: &Address) -> io::Result<Outcome> {
    let mut search = Search {
        packets,
        to,
        limit: LIMIT,
    };
    search.run().await
}

struct Search<'a> {
    packets: &'a Packets,
    to: &'a Address,
    /// A few times what a small packet takes.
    limit: Duration,
}

/// What became of packets of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passed,
    TooBig(u16),
    Vanished,
    Unclear,
}

impl Search<'_> {
    async fn run(&mut self) -> io::Result<Outcome> {
        let Some(rtt) = self.small().await? else {
            return Ok(Outcome::Unanswered);
        };
        // A line that is idle may take longer under load, but not this much.
        self.limit = (rtt * 4).clamp(Duration::from_millis(200), LIMIT);
        let mut sizes = Sizes::new();
        for _ in 0..SIZES {
            let Some(size) = sizes.next() else {
                return Ok(sizes.outcome());
            };
            match self.fate(size).await? {
                Fate::Unclear => return Ok(Outcome::Unanswered),
                fate => sizes.learn(size, fate),
            }
        }
        Ok(Outcome::Unanswered)
    }

    /// Sends packets of one size until it is clear what becomes of them.
    async fn fate(&self, size: u16) -> io::Result<Fate> {
        let mut evidence = 0;
        for _ in 0..ATTEMPTS {
            match self.echo(size).await? {
                Came::Reply { .. } => return Ok(Fate::Passed),
                Came::TooBig { mtu, .. } => return Ok(Fate::TooBig(mtu)),
                Came::Nothing => {}
                // Somebody says that there is no way at all just now.
                Came::Refused { .. } | Came::Expired { .. } | Came::Unreachable { .. } => continue,
            }
            if matches!(self.echo(USUAL_BYTES).await?, Came::Reply { .. }) {
                evidence += 1;
            }
            if evidence == EVIDENCE {
                return Ok(Fate::Vanished);
            }
        }
        Ok(Fate::Unclear)
    }

    /// The round-trip time of a small packet, one of several.
    async fn small(&self) -> io::Result<Option<Duration>> {
        for _ in 0..8 {
            if let Came::Reply { rtt } = self.echo(USUAL_BYTES).await? {
                return Ok(Some(rtt));
            }
        }
        Ok(None)
    }

    async fn echo(&self, bytes: u16) -> io::Result<Came> {
        let probe = Probe {
            to: self.to.clone(),
            carrier: Carrier::Echo,
            ttl: None,
            bytes,
        };
        self.packets.send(&probe, self.limit).await
    }
}

/// Which size is tried next. Pure.
#[derive(Debug)]
struct Sizes {
    /// The largest that passed.
    passed: u16,
    /// The smallest that did not.
    failed: u16,
    /// What a router said would fit.
    told: Option<u16>,
    is_black_hole: bool,
}

impl Sizes {
    fn new() -> Self {
        Self {
            passed: USUAL_BYTES,
            failed: MOST_BYTES + 1,
            told: Some(MOST_BYTES),
            is_black_hole: false,
        }
    }

    /// `None` when it is found.
    fn next(&self) -> Option<u16> {
        let between = self.passed + 1..self.failed;
        let middle = self.passed.midpoint(self.failed);
        let told = self.told.filter(|told| between.contains(told));
        (!between.is_empty()).then(|| told.unwrap_or(middle))
    }

    fn learn(&mut self, size: u16, fate: Fate) {
        self.told = None;
        match fate {
            Fate::Passed => self.passed = self.passed.max(size),
            Fate::TooBig(mtu) => {
                self.failed = self.failed.min(size);
                if (self.passed..self.failed).contains(&mtu) {
                    self.failed = mtu + 1;
                    self.told = Some(mtu);
                }
            }
            Fate::Vanished => {
                self.failed = self.failed.min(size);
                self.is_black_hole = true;
            }
            Fate::Unclear => {}
        }
    }

    fn outcome(&self) -> Outcome {
        match self.is_black_hole {
            true => Outcome::BlackHole {
                largest: self.passed,
            },
            false => Outcome::Known(self.passed),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Searches a way on which packets up to a size pass, and larger ones meet this fate.
    fn check(passes: u16, beyond: impl Fn(u16) -> Fate, expected: Outcome, most_sizes: usize) {
        let mut sizes = Sizes::new();
        let mut tried = Vec::new();
        while let Some(size) = sizes.next() {
            tried.push(size);
            let fate = if size <= passes {
                Fate::Passed
            } else {
                beyond(size)
            };
            sizes.learn(size, fate);
            assert!(tried.len() <= 24, "{tried:?}");
        }
        assert_eq!(sizes.outcome(), expected, "{tried:?}");
        assert!(tried.len() <= most_sizes, "{tried:?}");
    }

    #[test]
    fn a_router_that_tells_is_believed_and_tried() {
        let own = |size| Fate::TooBig(if size > 1500 { 1500 } else { 1420 });
        check(9_000, |_| Fate::Vanished, Outcome::Known(9_000), 1);
        check(1_500, |_| Fate::TooBig(1500), Outcome::Known(1_500), 2);
        check(1_420, own, Outcome::Known(1_420), 3);
    }

    #[test]
    fn nonsense_of_a_router_does_not_mislead() {
        for nonsense in [0, 10, 9_000, u16::MAX] {
            check(1_400, |_| Fate::TooBig(nonsense), Outcome::Known(1_400), 16);
        }
        // It tells more than passes, and nobody tells of the rest.
        let hole = |size| match size {
            1_501.. => Fate::TooBig(1_500),
            _ => Fate::Vanished,
        };
        check(1_400, hole, Outcome::BlackHole { largest: 1_400 }, 14);
    }

    #[test]
    fn a_black_hole_is_measured_to_the_byte() {
        for largest in [84, 576, 1_279, 1_472, 8_999] {
            check(
                largest,
                |_| Fate::Vanished,
                Outcome::BlackHole { largest },
                15,
            );
        }
    }

    #[cfg(target_os = "linux")]
    mod on_the_road {
        use super::super::super::super::road::{Icmp, Road, SERVER, V6, Who, address};
        use super::*;

        async fn check(target: &str, expected: Outcome) {
            let packets = Packets::new(None);
            let outcome = path_mtu(&packets, &address(target)).await.unwrap();
            assert_eq!(outcome, expected, "{target}");
        }

        #[tokio::test]
        async fn the_smallest_link_is_found_over_both_families() {
            let Some(road) = Road::new(Icmp::Datagram) else {
                return;
            };
            for mtu in [1_500, 1_400] {
                road.narrow(mtu);
                check(SERVER, Outcome::Known(mtu)).await;
                check(V6[2], Outcome::Known(mtu)).await;
            }
        }

        #[tokio::test]
        async fn a_router_that_says_nothing_is_a_black_hole() {
            let Some(road) = Road::new(Icmp::Datagram) else {
                return;
            };
            road.narrow(1_400);
            let silence = "icmp type destination-unreachable drop\nicmpv6 type packet-too-big drop";
            road.filter(Who::Gateway, "output", silence);
            check(SERVER, Outcome::BlackHole { largest: 1_400 }).await;
            check(V6[2], Outcome::BlackHole { largest: 1_400 }).await;
        }

        #[tokio::test]
        async fn a_lossy_line_is_no_black_hole() {
            let Some(road) = Road::new(Icmp::Datagram) else {
                return;
            };
            // Every third, and all but every third, from wherever in their turn a search begins.
            for lost in ["0", "{ 0, 1 }"] {
                let drop = format!("icmp type echo-request numgen inc mod 3 {lost} drop");
                road.filter(Who::Router, "forward", &drop);
                for _ in 0..3 {
                    check(SERVER, Outcome::Known(1_500)).await;
                }
            }
            road.filter(Who::Router, "forward", "drop");
            check(SERVER, Outcome::Unanswered).await;
        }
    }
}
