//! Echoes close to each other, now and then: rounds are too far apart to show answers that come twice, or
//! overtake each other.
//!
//! Bursts go one after the other, and never while something else loads the line on purpose. What does
//! not fit into a run has its turn in the next.

use std::time::Duration;

use proto::limits::BURST_ECHOES;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::super::due::Due;
use super::super::packets::Packets;
use super::super::statistics::Echo;
use super::link::Key;
use crate::os::Address;

/// Echoes of one burst.
pub(super) const ECHOES: u32 = 20;

/// Between two of them: more than one takes on a line of 64 kbit/s, so that they queue nowhere.
const SPACING: Duration = Duration::from_millis(20);

/// How long one may take that was asked for.
pub(super) fn longest(limit: Duration) -> Duration {
    SPACING * BURST_ECHOES + limit * 2
}

/// A burst to one link.
pub(super) struct Burst {
    pub(super) link: Key,
    /// When it should have been.
    pub(super) due: Due,
    /// How many echoes.
    pub(super) count: u32,
    /// Whether the collector wants it.
    pub(super) is_asked: bool,
    pub(super) address: Address,
    pub(super) interface: Option<String>,
    /// In the order of sending.
    pub(super) echoes: Vec<Echo>,
}

/// Sends these, those that are asked for and then the most overdue first, and returns those that were over by the deadline. An answer is
/// waited for as long as in a round: both are counted as one.
pub(super) async fn send(
    mut bursts: Vec<Burst>,
    heavy: &Semaphore,
    limit: Duration,
    deadline: Instant,
) -> Vec<Burst> {
    bursts.sort_by_key(|burst| (!burst.is_asked, burst.due));
    let mut sent = Vec::new();
    let _ = timeout_at(deadline, async {
        for mut burst in bursts {
            let turn = heavy.acquire().await;
            // Closed after it: a socket for bursts alone would hear all that comes for others.
            let packets = Packets::new(burst.interface.clone());
            // Where it cannot be sent at all, the next attempt is the next burst.
            let came = packets
                .burst(&burst.address, burst.count, SPACING, limit)
                .await;
            drop(turn);
            let echoes = (0..)
                .zip(came.unwrap_or_default())
                .map(|(number, echo)| Echo {
                    sent: SPACING * number,
                    rtt: echo.rtt,
                    duplicates: echo.duplicates,
                });
            burst.echoes = echoes.collect();
            sent.push(burst);
        }
    })
    .await;
    sent
}
