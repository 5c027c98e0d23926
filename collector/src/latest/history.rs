//! The last hour of a series, minute by minute, for the page's small charts.

/// Minutes of history that the page can draw.
pub const HISTORY_MINUTES: usize = 60;

/// Means per minute in a ring.
#[derive(Debug)]
pub(super) struct History {
    minutes: [(i64, f32, u16); HISTORY_MINUTES],
}

impl Default for History {
    fn default() -> Self {
        Self {
            minutes: [(i64::MIN, 0.0, 0); HISTORY_MINUTES],
        }
    }
}

impl History {
    pub(super) fn add(&mut self, time_unix_ms: i64, value: f64) {
        let minute = time_unix_ms.div_euclid(60_000);
        let Some((kept, mean, count)) = self.minutes.get_mut(position_of(minute)) else {
            return;
        };
        if *kept < minute {
            (*kept, *mean, *count) = (minute, 0.0, 0);
        }
        if *kept == minute {
            *count = count.saturating_add(1);
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a picture needs no more digits"
            )]
            let value = value as f32;
            *mean += (value - *mean) / f32::from(*count);
        }
    }

    /// Whether there is anything of the last hour.
    pub(super) fn reaches(&self, now_unix_ms: i64) -> bool {
        self.until(now_unix_ms).iter().any(Option::is_some)
    }

    pub(super) fn until(&self, now_unix_ms: i64) -> Vec<Option<f32>> {
        let now = now_unix_ms.div_euclid(60_000);
        let length = i64::try_from(HISTORY_MINUTES).unwrap_or(i64::MAX);
        (now - length + 1..=now)
            .map(|minute| match self.minutes.get(position_of(minute)) {
                Some((kept, mean, _)) if *kept == minute => Some(*mean),
                _ => None,
            })
            .collect()
    }
}

fn position_of(minute: i64) -> usize {
    let length = i64::try_from(HISTORY_MINUTES).unwrap_or(i64::MAX);
    usize::try_from(minute.rem_euclid(length)).unwrap_or(0)
}
