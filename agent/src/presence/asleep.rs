//! That the machine slept, seen when it wakes: one clock counts sleep and another does not, and what one gained on
//! the other is how long. Where a system has one of them alone, nothing is seen.

use std::time::Duration;

use super::{Moment, Presence};
use crate::clock;

/// How often to look: so much too early a sleep may seem to have begun.
const LOOK: Duration = Duration::from_secs(5);

/// Less is not sleep but the two clocks read one after the other.
const SLEEP: Duration = Duration::from_secs(2);

/// Tells of every sleep, for as long as the agent runs.
pub async fn watch(presence: Presence) {
    let mut before = (clock::asleep(), Moment::of(clock::now()));
    loop {
        tokio::time::sleep(LOOK).await;
        let now = (clock::asleep(), Moment::of(clock::now()));
        let slept = is_sleep(before.0, now.0);
        let (_, from) = std::mem::replace(&mut before, now.clone());
        if slept {
            presence.slept(from, now.1).await;
        }
    }
}

/// Whether the machine slept between two looks at how long it has been asleep since it started.
fn is_sleep(before: Duration, now: Duration) -> bool {
    now.saturating_sub(before) >= SLEEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_is_told_from_clocks_read_one_after_the_other() {
        let ms = Duration::from_millis;
        let check = |before, now, expected| {
            assert_eq!(is_sleep(ms(before), ms(now)), expected, "{before} {now}");
        };
        check(0, 0, false);
        check(0, 1_000, false);
        check(5_000, 4_000, false);
        check(60_000, 62_000, true);
        check(0, 36_000_000, true);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_that_is_awake_gains_no_sleep() {
        let before = clock::asleep();
        std::hint::spin_loop();
        assert!(!is_sleep(before, clock::asleep()));
    }
}
