//! The last hour of a series, minute by minute, for the page's small charts.

/// Minutes of history that the page can draw.
pub const HISTORY_MINUTES: usize = 60;

/// [`HISTORY_MINUTES`], to reckon with.
const MINUTES: i64 = 60;

/// Means per minute in a ring.
#[derive(Debug)]
pub(super) struct History {
    /// The newest minute that has a place; the others are those before it.
    newest: i64,
    means: [f32; HISTORY_MINUTES],
    /// How many samples each mean is of; none where nothing was measured.
    counts: [u8; HISTORY_MINUTES],
}

impl Default for History {
    fn default() -> Self {
        Self {
            newest: i64::MIN,
            means: [0.0; HISTORY_MINUTES],
            counts: [0; HISTORY_MINUTES],
        }
    }
}

impl History {
    pub(super) fn add(&mut self, time_unix_ms: i64, value: f64) {
        let minute = time_unix_ms.div_euclid(60_000);
        if minute > self.newest {
            self.advance(minute);
        }
        if !self.has(minute) {
            return;
        }
        let place = place_of(minute);
        if let (Some(mean), Some(count)) = (self.means.get_mut(place), self.counts.get_mut(place)) {
            *count = count.saturating_add(1);
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a picture needs no more digits"
            )]
            let value = value as f32;
            *mean += (value - *mean) / f32::from(*count);
        }
    }

    /// Makes room for a new minute, and for those without a sample before it.
    fn advance(&mut self, minute: i64) {
        let first = minute
            .saturating_sub(MINUTES - 1)
            .max(self.newest.saturating_add(1));
        for emptied in first..=minute {
            let place = place_of(emptied);
            if let (Some(mean), Some(count)) =
                (self.means.get_mut(place), self.counts.get_mut(place))
            {
                (*mean, *count) = (0.0, 0);
            }
        }
        self.newest = minute;
    }

    /// Whether a minute is among those that have a place.
    fn has(&self, minute: i64) -> bool {
        minute <= self.newest && minute > self.newest.saturating_sub(MINUTES)
    }

    /// Whether there is anything of the last hour.
    pub(super) fn reaches(&self, now_unix_ms: i64) -> bool {
        self.minutes_until(now_unix_ms).any(|mean| mean.is_some())
    }

    pub(super) fn until(&self, now_unix_ms: i64) -> Vec<Option<f32>> {
        self.minutes_until(now_unix_ms).collect()
    }

    fn minutes_until(&self, now_unix_ms: i64) -> impl Iterator<Item = Option<f32>> {
        let now = now_unix_ms.div_euclid(60_000);
        (now - MINUTES + 1..=now).map(|minute| {
            let place = place_of(minute);
            let measured =
                self.has(minute) && self.counts.get(place).is_some_and(|count| *count > 0);
            measured.then(|| self.means.get(place).copied()).flatten()
        })
    }
}

fn place_of(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(MINUTES)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds samples, as (minute, value), and looks back from a minute: what is there, oldest first.
    fn check(samples: &[(i64, f64)], from: i64, expected: &[(i64, f32)]) {
        let mut history = History::default();
        for (minute, value) in samples {
            history.add(minute * 60_000 + 59_999, *value);
        }
        let shown: Vec<_> = (from - MINUTES + 1..=from)
            .zip(history.until(from * 60_000))
            .filter_map(|(minute, mean)| Some((minute, mean?)))
            .collect();
        assert_eq!(shown, expected);
        assert_eq!(history.reaches(from * 60_000), !expected.is_empty());
    }

    #[test]
    fn an_hour_is_kept_in_means_per_minute() {
        check(&[], 100, &[]);
        check(&[(100, 1.0), (100, 2.0)], 100, &[(100, 1.5)]);
        check(
            &[(40, 1.0), (41, 2.0), (100, 3.0)],
            100,
            &[(41, 2.0), (100, 3.0)],
        );
        check(&[(100, 1.0)], 159, &[(100, 1.0)]);
        check(&[(100, 1.0)], 160, &[]);
        check(&[(100, 1.0)], 99, &[]);
        check(&[(-1, 1.0), (0, 2.0)], 0, &[(-1, 1.0), (0, 2.0)]);
    }

    #[test]
    fn what_comes_late_finds_its_minute_or_none() {
        check(
            &[(100, 1.0), (41, 2.0), (100, 2.0)],
            100,
            &[(41, 2.0), (100, 1.5)],
        );
        check(&[(100, 1.0), (40, 2.0)], 100, &[(100, 1.0)]);
    }

    #[test]
    fn a_place_that_is_used_again_starts_empty() {
        check(&[(40, 9.0), (100, 1.0)], 100, &[(100, 1.0)]);
        check(
            &[(40, 9.0), (99, 1.0), (101, 3.0)],
            101,
            &[(99, 1.0), (101, 3.0)],
        );
        check(&[(40, 9.0), (1_000, 1.0)], 1_000, &[(1_000, 1.0)]);
    }
}
