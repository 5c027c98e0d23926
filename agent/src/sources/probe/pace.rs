//! When things happen within one interval of a probe. Pure.

use std::time::Duration;

/// Echoes of one round.
pub(super) const ECHOES: u32 = 5;

/// What a run reads has one time, that of its end: the rounds are not spread farther than this.
const WINDOW: Duration = Duration::from_secs(10);

/// When things happen within one interval. All fits into nine tenths of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
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
    /// For this interval between rounds.
    pub(super) fn of(interval: Duration) -> Self {
        let lookup = Duration::from_secs(2).min(interval / 5);
        let spacing = Duration::from_millis(200).min(interval / 20);
        let timeout = Duration::from_secs(3).min(interval / 4);
        let round = spacing * (ECHOES - 1) + timeout;
        Self {
            lookup,
            window: (interval * 9 / 10)
                .saturating_sub(lookup + round)
                .min(WINDOW),
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
}

#[cfg(test)]
mod tests {
    use proto::limits::INTERVAL;

    use super::*;

    #[test]
    fn a_round_fits_into_every_interval() {
        let seconds = [1, 2, 5, 15, 60, 3600];
        for interval in seconds.map(Duration::from_secs) {
            assert!(INTERVAL.contains(&interval));
            let pace = Pace::of(interval);
            let whole = pace.lookup + pace.window + pace.spacing * (ECHOES - 1) + pace.timeout;
            assert!(whole <= interval * 9 / 10, "{pace:?} in {interval:?}");
            assert!(pace.window > Duration::ZERO, "{pace:?} in {interval:?}");
            assert!(
                whole <= Duration::from_secs(16),
                "{pace:?} in {interval:?}: its first readings are too old at its end"
            );
        }
        let usual = Pace::of(Duration::from_secs(15));
        assert_eq!(usual.spacing, Duration::from_millis(200));
        assert_eq!(usual.timeout, Duration::from_secs(3));
    }
}
