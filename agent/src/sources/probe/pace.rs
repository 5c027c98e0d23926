//! When things happen within one interval of a probe. Pure.

use std::time::Duration;

/// What a run reads has one time, that of its end: rounds are over within this after they began.
const SPREAD: Duration = Duration::from_secs(11);

/// Between the echoes of different links. An echo takes as long on a line of 64 kbit/s, so that none
/// waits behind another; and a processor that is woken again this soon still has at hand what it needs.
const SLOT: Duration = Duration::from_millis(10);

/// Between two echoes of one link.
const SPACING: Duration = Duration::from_millis(200);

/// When things happen within one interval. All fits into nine tenths of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// Of one round.
    pub(super) echoes: u32,
    /// For names without address.
    pub(super) lookup: Duration,
    /// Within which all links send their first echo.
    pub(super) window: Duration,
    /// Between two echoes.
    pub(super) spacing: Duration,
    /// For one answer.
    pub(super) timeout: Duration,
}

impl Pace {
    /// For rounds of so many echoes, with this interval between them, to so many links that take turns.
    pub(super) fn of(interval: Duration, echoes: u32, links: usize) -> Self {
        let links = u32::try_from(links).unwrap_or(u32::MAX).max(1);
        let lookup = Duration::from_secs(2).min(interval / 5);
        let timeout = Duration::from_secs(3).min(interval / 4);
        let free = (interval * 9 / 10).saturating_sub(lookup + timeout);
        let most = free.min(SPREAD) / echoes.max(1);
        let spacing = SPACING.max(SLOT.saturating_mul(links)).min(most);
        Self {
            echoes,
            lookup,
            window: SLOT.saturating_mul(links).min(spacing),
            spacing,
            timeout,
        }
    }

    /// From the first echo of all to the last answer.
    pub(super) fn whole(self) -> Duration {
        self.spacing * self.echoes + self.timeout
    }

    /// With no more echoes than this, farther apart where they can be.
    pub(super) fn at_most(self, echoes: u32) -> Self {
        let whole = self.spacing * self.echoes.saturating_sub(1);
        let echoes = self.echoes.min(echoes);
        let gaps = echoes.saturating_sub(1).max(1);
        let spacing = SPACING.min(whole / gaps);
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
            let paces =
                echoes.map(|echoes| [1, 3, 32].map(|links| Pace::of(interval, echoes, links)));
            for pace in paces.into_iter().flatten() {
                let told = format!("{pace:?} in {interval:?}");
                let whole = pace.lookup + pace.whole();
                assert!(whole <= interval * 9 / 10, "{told}");
                assert!(whole <= Duration::from_secs(16), "{told}: old at its end");
                assert!(pace.window > Duration::ZERO, "{told}");
                let few = pace.at_most(5);
                assert!(few.spacing * (few.echoes - 1) <= pace.spacing * pace.echoes);
            }
        }
    }

    #[test]
    fn links_take_turns() {
        let pace = |echoes, links| Pace::of(Duration::from_secs(15), echoes, links);
        let usual = pace(5, 3);
        assert_eq!((usual.spacing, usual.window), (SPACING, 3 * SLOT));
        let many = pace(5, 32);
        assert_eq!((many.spacing, many.window), (32 * SLOT, 32 * SLOT));
        let dense = pace(100, 32);
        assert!(dense.spacing < SPACING && dense.window <= dense.spacing);
        assert_eq!(dense.at_most(5).spacing, SPACING);
        assert_eq!(usual.at_most(20), usual);
    }
}
