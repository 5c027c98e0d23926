//! When something that is done seldom is done again.

use std::time::Duration;

use tokio::time::Instant;

/// Its next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due(Instant);

impl Due {
    /// At once.
    pub(super) fn now() -> Self {
        Self::after(Duration::ZERO)
    }

    /// When this has passed.
    pub(super) fn after(interval: Duration) -> Self {
        Self(Instant::now() + interval)
    }

    /// Whether it is time. A plan that wants it more often than before is heeded.
    pub(super) fn is_now(&mut self, interval: Duration) -> bool {
        *self = (*self).min(Self::after(interval));
        self.0 <= Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_time_when_the_interval_is_over_or_a_plan_wants_it_sooner() {
        let minutes = Duration::from_mins;
        assert!(Due::now().is_now(minutes(10)));
        let mut due = Due::after(minutes(10));
        tokio::time::advance(minutes(5)).await;
        assert!(
            !due.is_now(minutes(60)),
            "a plan that wants it later has it next time"
        );
        assert!(!due.is_now(minutes(2)), "two minutes from now");
        tokio::time::advance(minutes(2)).await;
        assert!(due.is_now(minutes(60)));
    }
}
