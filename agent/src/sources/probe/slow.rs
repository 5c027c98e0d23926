//! A call that may not return for minutes: made once at a time, waited for only so long.

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// At most one call in flight.
#[derive(Debug)]
pub(super) struct Slow<T> {
    pending: Option<JoinHandle<T>>,
}

impl<T> Default for Slow<T> {
    fn default() -> Self {
        Self { pending: None }
    }
}

impl<T> Slow<T> {
    /// Makes the call, unless the one before has not returned.
    pub(super) fn start(&mut self, call: impl FnOnce() -> JoinHandle<T>) {
        if self.pending.is_none() {
            self.pending = Some(call());
        }
    }

    /// What the call returned, once, if it does so in time. A call that panicked returned nothing.
    pub(super) async fn returned(&mut self, deadline: Instant) -> Option<T> {
        let pending = self.pending.as_mut()?;
        let outcome = timeout_at(deadline, pending).await.ok()?;
        self.pending = None;
        outcome.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_in_flight_is_not_made_again_and_is_picked_up_later() {
        let mut slow = Slow::default();
        let takes = |duration: Duration, value: u8| {
            move || {
                tokio::spawn(async move {
                    tokio::time::sleep(duration).await;
                    value
                })
            }
        };
        let within = |duration| Instant::now() + duration;
        let second = Duration::from_secs(1);

        slow.start(takes(5 * second, 1));
        assert_eq!(slow.returned(within(second)).await, None);
        slow.start(takes(second, 2));
        assert_eq!(slow.returned(within(10 * second)).await, Some(1));
        assert_eq!(slow.returned(within(second)).await, None, "told once");
        slow.start(takes(second, 3));
        assert_eq!(slow.returned(within(10 * second)).await, Some(3));
    }
}
