//! When things happen within one interval of a probe. Pure.

use std::time::Duration;

/// What a run reads has one time, that of its end: rounds are over within this after they began.
const SPREAD: Duration = Duration::from_secs(11);

/// When things happen within one interval. All fits into nine tenths of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// Of one round.
    pub(super) echoes: u32,
    /// For names without address.
    pub(super) lookup: Duration,
    /// Within which the rounds of all links start.
    pub(super) window: Duration,
    /// Between two echoes.
    pub(super) spacing: Duration,
    /// For one answer.
    pub(super) timeout: Duration,
}

impl Pace {
    /// For rounds of so many echoes with this interval between them.
    pub(super) fn of(interval: Duration, echoes: u32) -> Self {
        let lookup = Duration::from_secs(2).min(interval / 5);
        let timeout = Duration::from_secs(3).min(interval / 4);
        let free = (interval * 9 / 10).saturating_sub(lookup + timeout);
        let free = free.min(SPREAD);
        // Links need different phases more than echoes need distance.
        let gaps = echoes.saturating_sub(1).max(1);
        let spacing = Duration::from_millis(200).min(free / 2 / gaps);
        Self {
            echoes,
            lookup,
            window: free.saturating_sub(spacing * gaps),
            spacing,
            timeout,
        }
    }

    /// The first round of all does not keep a person waiting.
    pub(super) fn first(self) -> Self {
        Self {
            window: self.window.min(Duration::from_millis(500)),
            ..self
        }
    }

    /// With no more echoes than this, farther apart where they can be.
    pub(super) fn at_most(self, echoes: u32) -> Self {
        let whole = self.spacing * self.echoes.saturating_sub(1);
        let echoes = self.echoes.min(echoes);
        let gaps = echoes.saturating_sub(1).max(1);
        let spacing = Duration::from_millis(200).min(whole / gaps);
        Self {
            echoes,
            spacing: self.spacing.max(spacing),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::limits::{ECHOES, INTERVAL};

    use super::*;

    #[test]
    fn a_round_fits_into_every_interval() {
        let seconds = [1, 2, 5, 15, 60, 3600];
        let echoes = [*ECHOES.start(), 2, 5, 20, *ECHOES.end()];
        for interval in seconds.map(Duration::from_secs) {
            assert!(INTERVAL.contains(&interval));
            for pace in echoes.map(|echoes| Pace::of(interval, echoes)) {
                for pace in [pace, pace.at_most(5)] {
                    let round = pace.spacing * (pace.echoes - 1) + pace.timeout;
                    let whole = pace.lookup + pace.window + round;
                    assert!(whole <= interval * 9 / 10, "{pace:?} in {interval:?}");
                    assert!(pace.window > Duration::ZERO, "{pace:?} in {interval:?}");
                    assert!(pace.spacing > Duration::ZERO, "{pace:?} in {interval:?}");
                    assert!(
                        whole <= Duration::from_secs(16),
                        "{pace:?} in {interval:?}: its first readings are too old at its end"
                    );
                }
            }
        }
        let usual = Pace::of(Duration::from_secs(15), 5);
        assert_eq!(usual.spacing, Duration::from_millis(200));
        assert_eq!(usual.timeout, Duration::from_secs(3));
        let dense = Pace::of(Duration::from_secs(15), 100);
        assert_eq!(dense.at_most(5).spacing, usual.spacing);
        assert_eq!(usual.at_most(20), usual);
    }
}
