//! Counters of an agent as what they grew by.

/// A counter that was not told for longer says nothing: what it grew by may come on another way, or came.
const LONGEST_GAP_MS: i64 = 150_000;

/// What a counter was when it was last told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    last: Option<(i64, f64)>,
}

impl Counted {
    /// How much it grew since, and in how many milliseconds. `None` for the first value, an older one, and
    /// after too long. One that is less than before began again at 0.
    pub(super) fn grew(&mut self, time_unix_ms: i64, value: f64) -> Option<(f64, i64)> {
        let before = self.last.replace((time_unix_ms, value));
        let (before_ms, before) = before?;
        let gap = time_unix_ms.saturating_sub(before_ms);
        let grew = if value < before {
            value
        } else {
            value - before
        };
        (1..=LONGEST_GAP_MS).contains(&gap).then_some((grew, gap))
    }
}

/// A count as the diagnosis has it: an agent may say anything.
pub(super) fn whole(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and a million"
    )]
    let count = value.clamp(0.0, 1e6).round() as u32;
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_tells_what_it_grew_by_and_nothing_it_cannot_know() {
        let mut counted = Counted::default();
        assert_eq!(counted.grew(0, 100.0), None, "the first");
        assert_eq!(counted.grew(15_000, 105.0), Some((5.0, 15_000)));
        assert_eq!(
            counted.grew(30_000, 3.0),
            Some((3.0, 15_000)),
            "it began again"
        );
        assert_eq!(counted.grew(30_000, 3.0), None, "the same again");
        assert_eq!(counted.grew(10_000, 1.0), None, "older");
        assert_eq!(counted.grew(25_000, 3.0), Some((2.0, 15_000)));
        assert_eq!(counted.grew(600_000, 90.0), None, "after too long");
    }
}
