//! Who asks, as the poller sees it, and what it makes of answers that do not count.
//!
//! A trait of our own stands between, so that what the poller does with slow, silent and odd devices is
//! shown without any.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use proto::plan::{Device, Mac};

use crate::os::{self, Root};
use crate::sources::device::ask::{self, Apart, Asked, Attempt, Question};
use crate::sources::device::said::{Origin, Said};
use crate::sources::device::snmp::{Budget, Transport};

/// Nothing came in time.
const TIMEOUT: &str = "timeout";

/// Somebody else answers at its address.
const OTHER_DEVICE: &str = "other_device";

/// The longest wait for the answer to one request: a printer that sleeps wakes up within.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests of one poll: a switch of 52 ports takes a tenth, some devices tell one value at a time.
const REQUESTS: u32 = 1_500;

/// Values of one poll.
const VALUES: usize = 6_000;

/// Asks devices.
pub(super) trait Ask: Send + Sync + 'static {
    /// Asks one of everything, once, for at most this long.
    fn ask<'a>(
        &'a self,
        device: &'a Device,
        limit: Duration,
        expect: Expect,
    ) -> BoxFuture<'a, Apart>;

    /// Whose an address is on the local network, where this machine knows.
    fn mac(&self, address: IpAddr) -> Option<Mac>;
}

/// What whoever asks expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// It answered before, or was never asked: a lost packet is no silence.
    Answer,
    /// It did not answer last time: few requests are enough to see that it is back.
    Silence,
}

impl Ask for Transport {
    fn ask<'a>(
        &'a self,
        device: &'a Device,
        limit: Duration,
        expect: Expect,
    ) -> BoxFuture<'a, Apart> {
        let budget = expect.budget(limit);
        async move { ask::ask(self, &Question::about(device), budget).await }.boxed()
    }

    fn mac(&self, address: IpAddr) -> Option<Mac> {
        let mut there = os::neighbours(&Root::default()).into_iter();
        there.find(|one| one.ip == address)?.mac
    }
}

impl Expect {
    /// What a poll of at most this long may take.
    fn budget(self, limit: Duration) -> Budget {
        Budget {
            timeout: PATIENCE.min(limit / 4),
            retries: match self {
                Self::Answer => 2,
                Self::Silence => 1,
            },
            // What was said until then is told: this ends before the poll is given up.
            whole: limit - limit / 16,
            requests: REQUESTS,
            values: VALUES,
        }
    }
}

/// Of a device that was given up.
pub(super) fn none(device: &Device, took: Duration) -> Apart {
    let by = [
        (Origin::Snmp, device.snmp.is_some()),
        (Origin::Ipp, device.ipp.is_some()),
    ];
    let attempt = |protocol| Attempt {
        protocol,
        outcome: TIMEOUT,
        took,
        problem: Some("it does not answer in time".to_owned()),
    };
    let asked = by.into_iter().filter(|(_, is_asked)| *is_asked);
    Apart {
        attempts: asked.map(|(protocol, _)| attempt(protocol)).collect(),
        ..Apart::default()
    }
}

/// Somebody else said it: nothing of it counts.
pub(super) fn disown(asked: &mut Asked, why: &str) {
    asked.said = Said::default();
    for attempt in asked.attempts.iter_mut().filter(|one| one.is_answered()) {
        attempt.outcome = OTHER_DEVICE;
        attempt.problem = Some(why.to_owned());
    }
}
