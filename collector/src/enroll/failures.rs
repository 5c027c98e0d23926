//! Slows down addresses that fail too often: a bucket of failures per address, which drains.
//!
//! Failures alone count, because a whole centre enrols from behind one address on the day its image
//! is rolled out; for the same reason the bucket is generous. It protects the collector's time, not
//! the tokens, whose secrets cannot be guessed at any speed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::listen::network;

/// Failures in a row before an address has to wait.
const BURST: u32 = 30;

/// One failure is forgiven in this time.
const DRAIN: Duration = Duration::from_secs(2);

/// Addresses remembered at a time. When so many fail at once, the newest go unpunished.
const ADDRESSES: usize = 10_000;

/// Who failed lately.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// When each address will be forgiven all of its failures.
    forgiven: Mutex<HashMap<IpAddr, Instant>>,
}

impl Failures {
    /// How long this address must wait before it may try again, if it must.
    pub(crate) fn wait(&self, address: IpAddr) -> Option<Duration> {
        let forgiven = *self.lock().get(&network(address))?;
        let wait = forgiven
            .saturating_duration_since(Instant::now())
            .saturating_sub(DRAIN * (BURST - 1));
        (!wait.is_zero()).then_some(wait)
    }

    /// Notes a failure.
    pub(crate) fn count(&self, address: IpAddr) {
        let now = Instant::now();
        let mut all = self.lock();
        if all.len() >= ADDRESSES {
            all.retain(|_, forgiven| *forgiven > now);
        }
        if all.len() < ADDRESSES || all.contains_key(&network(address)) {
            let forgiven = all.entry(network(address)).or_insert(now);
            *forgiven = (*forgiven).max(now) + DRAIN;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.forgiven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_waits_after_many_failures_and_is_forgiven() {
        let failures = Failures::default();
        let (bad, good) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..BURST {
            assert_eq!(failures.wait(bad), None);
            failures.count(bad);
        }
        assert_eq!(failures.wait(bad), Some(DRAIN));
        assert_eq!(failures.wait(good), None);
        tokio::time::advance(DRAIN).await;
        assert_eq!(failures.wait(bad), None);
        failures.count(bad);
        assert_eq!(failures.wait(bad), Some(DRAIN));
    }

    #[tokio::test(start_paused = true)]
    async fn neighbours_of_one_network_are_one() {
        let failures = Failures::default();
        for _ in 0..BURST {
            failures.count(address("2001:db8::1"));
        }
        assert_eq!(failures.wait(address("2001:db8::2")), Some(DRAIN));
        assert_eq!(failures.wait(address("2001:db8:0:1::2")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded() {
        let failures = Failures::default();
        let many = u32::try_from(ADDRESSES).expect("small");
        for number in 0..many + 5 {
            failures.count(IpAddr::from(number.to_be_bytes()));
        }
        assert_eq!(failures.lock().len(), ADDRESSES);
        tokio::time::advance(DRAIN).await;
        failures.count(address("192.0.2.1"));
        assert_eq!(failures.lock().len(), 1);
    }
}
