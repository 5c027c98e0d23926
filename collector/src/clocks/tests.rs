//! Clocks that step, die, sleep and lie.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use proto::wire::Clock;

use super::*;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// The true time at which these stories begin.
const NOW: i64 = 1_790_000_000_000;

/// A machine in one of its boots.
#[derive(Clone, Copy)]
struct Machine {
    boot: u64,
    /// True time.
    began: i64,
    /// Of its wall clock.
    error: i64,
}

impl Machine {
    fn read(self, at: i64) -> Reading {
        let clock = Clock {
            wall_unix_ms: at + self.error,
            monotonic_ms: u64::try_from(at - self.began).unwrap(),
        };
        Reading::new(Some(Boot(self.boot)), clock)
    }

    fn stepped(self, step: i64) -> Self {
        let error = self.error + step;
        Self { error, ..self }
    }

    fn rebooted(self, at: i64, error: i64) -> Self {
        Self {
            boot: self.boot + 1,
            began: at,
            error,
        }
    }
}

fn machine(error: i64) -> Machine {
    Machine {
        boot: 1,
        began: NOW - HOUR,
        error,
    }
}

/// What becomes of a sample that `before` took at one time and `after` sends at another, in seconds
/// beside the truth.
fn check(clocks: &mut Clocks, (before, at): (Machine, i64), (after, then): (Machine, i64)) -> i64 {
    let sent = after.read(then);
    clocks.exchanged(sent, then);
    let recorded = before.read(at);
    let correction = clocks.correction(recorded, sent, then).unwrap();
    (recorded.wall_unix_ms + correction - at) / SECOND
}

#[test]
fn steps_between_measuring_and_sending_are_undone() {
    for error in [0, 5 * SECOND, -7 * HOUR, 9 * YEAR, -17 * YEAR] {
        for step in [0, HOUR, -HOUR, 10 * YEAR, -10 * YEAR, 30 * SECOND] {
            let before = machine(error);
            let after = before.stepped(step);
            let off = check(
                &mut Clocks::default(),
                (before, NOW),
                (after, NOW + 10 * 60 * SECOND),
            );
            assert_eq!(off, 0, "{error} {step}");
        }
    }
}

#[test]
fn a_suspend_changes_nothing() {
    let mut clocks = Clocks::default();
    let sleeper = machine(-3 * HOUR);
    assert_eq!(check(&mut clocks, (sleeper, NOW), (sleeper, NOW)), 0);
    let morning = NOW + 10 * HOUR;
    assert_eq!(check(&mut clocks, (sleeper, NOW), (sleeper, morning)), 0);
    assert_eq!(
        check(&mut clocks, (sleeper, morning), (sleeper, morning)),
        0
    );
}

#[test]
fn a_dead_battery_costs_no_boot_that_was_heard_once() {
    // It says 2009 after each start, and nobody sets it.
    let mut clocks = Clocks::default();
    let in_2009 = |at: i64| 1_230_768_000_000 - at;
    let first = machine(0).rebooted(NOW, in_2009(NOW));
    check(&mut clocks, (first, NOW + SECOND), (first, NOW + SECOND));
    let second = first.rebooted(NOW + 2 * HOUR, in_2009(NOW + 2 * HOUR));
    let cut = NOW + HOUR;
    let back = NOW + 2 * HOUR + 60 * SECOND;
    assert_eq!(check(&mut clocks, (first, cut), (second, back)), 0);
    assert_eq!(check(&mut clocks, (second, back), (second, back)), 0);
}

#[test]
fn a_boot_that_was_never_heard_is_guessed_or_refused() {
    let check = |before: Machine, at: i64, after: Machine, then: i64| {
        let mut clocks = Clocks::default();
        let sent = after.read(then);
        clocks.exchanged(sent, then);
        let recorded = before.read(at);
        let correction = clocks.correction(recorded, sent, then);
        correction.map(|correction| (recorded.wall_unix_ms + correction - at) / SECOND)
    };
    let (reboot, then) = (NOW + HOUR, NOW + 2 * HOUR);
    let before = |error| machine(error);
    let after = |error| machine(0).rebooted(reboot, error);
    // A wrong time zone stays what it is over a reboot.
    let zone = 7 * HOUR;
    assert_eq!(check(before(zone), NOW, after(zone), then), Ok(0));
    assert_eq!(check(before(0), NOW, after(0), then), Ok(0));
    // It was right, and came back from the reboot in 2009.
    assert_eq!(check(before(0), NOW, after(-17 * YEAR), then), Ok(0));
    // It was years off, and nobody knows how far: set right meanwhile, or off in another way.
    let refused = check(before(-17 * YEAR), NOW, after(0), then);
    assert_eq!(refused, Err(Reject::TooOld));
    let refused = check(before(9 * YEAR), NOW, after(0), then);
    assert_eq!(refused, Err(Reject::InFuture));
    // By its own clock it was measured after the boot that followed.
    let refused = check(before(90 * 60 * SECOND), NOW, after(0), then);
    assert_eq!(refused, Err(Reject::InFuture));
}

#[test]
fn the_time_axis_does_not_wobble_with_the_line() {
    let mut clocks = Clocks::default();
    let slow = machine(-HOUR);
    let mut seen = Vec::new();
    for (minute, delay) in [0, 900, 1_900, 20, 60_000, 30_000, 3, 1_500]
        .iter()
        .enumerate()
    {
        let at = NOW + i64::try_from(minute).unwrap() * 60 * SECOND;
        let sent = slow.read(at);
        clocks.exchanged(sent, at + delay);
        seen.push(clocks.correction(sent, sent, at + delay).unwrap());
    }
    assert_eq!(seen, [HOUR; 8]);
}

#[test]
fn small_errors_are_left_alone() {
    let mut clocks = Clocks::default();
    for error in [0, 500, -500, 1_400, -1_999] {
        let machine = machine(error);
        let sent = machine.read(NOW);
        clocks.exchanged(sent, NOW);
        assert_eq!(clocks.correction(sent, sent, NOW), Ok(0), "{error}");
    }
}

#[test]
fn a_first_message_that_was_delayed_is_put_right_by_the_next() {
    let mut clocks = Clocks::default();
    let good = machine(0);
    clocks.exchanged(good.read(NOW), NOW + 5 * SECOND);
    let at = NOW + 6 * SECOND;
    assert_eq!(check(&mut clocks, (good, NOW), (good, at)), 0);
}

#[test]
fn a_monotonic_clock_that_lags_is_followed() {
    // As one that stands still while the machine sleeps would.
    let mut clocks = Clocks::default();
    let lagging = |lag: i64, error: i64| Machine {
        began: NOW - HOUR + lag,
        ..machine(error)
    };
    let first = lagging(0, HOUR);
    check(&mut clocks, (first, NOW), (first, NOW));
    let woken = lagging(8 * HOUR, HOUR);
    let mut at = NOW + 8 * HOUR;
    for expected in [-8 * 3600, -8 * 3600, -8 * 3600, 0, 0] {
        assert_eq!(check(&mut clocks, (woken, at), (woken, at)), expected);
        at += 60 * SECOND;
    }
    // Where the wall clock vouches for it, at once.
    let woken = lagging(24 * HOUR, 0);
    at += 16 * HOUR;
    assert_eq!(check(&mut clocks, (woken, at), (woken, at)), 0);
}

#[test]
fn the_last_boots_are_known_after_a_restart_of_the_collector() {
    let mut clocks = Clocks::default();
    let mut machine = machine(-2 * YEAR);
    let mut boots = Vec::new();
    for boot in 0..10 {
        let at = NOW + boot * HOUR;
        machine = machine.rebooted(at, -2 * YEAR - boot * DAY);
        boots.push((machine, at));
        check(&mut clocks, (machine, at), (machine, at));
    }
    let mut clocks = Clocks::restore(clocks.known());
    assert_eq!(clocks.known().count(), BOOTS);
    let last = boots[9];
    for before in &boots[6..] {
        assert_eq!(check(&mut clocks, *before, last), 0);
    }
}

#[test]
fn a_boot_without_a_name_has_the_offset_of_now() {
    let mut clocks = Clocks::default();
    for error in [0, 9 * YEAR, -40 * YEAR] {
        let clock = Clock {
            wall_unix_ms: NOW + error,
            monotonic_ms: 5,
        };
        let sent = Reading::new(Boot::of(""), clock);
        clocks.exchanged(sent, NOW);
        assert_eq!(clocks.correction(sent, sent, NOW), Ok(-error));
    }
    assert_eq!(clocks.known().count(), 0);
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let wall = prop_oneof![
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        Just(-1),
        Just(4_102_444_800_000_i64),
        (NOW - 30 * DAY)..(NOW + 30 * DAY),
    ];
    let monotonic = prop_oneof![any::<u64>(), 0..(30 * 86_400_000_u64), Just(u64::MAX)];
    (prop::option::of(0..6_u64), wall, monotonic).prop_map(|(boot, wall_unix_ms, monotonic_ms)| {
        let clock = Clock {
            wall_unix_ms,
            monotonic_ms,
        };
        Reading::new(boot.map(Boot), clock)
    })
}

proptest! {
    #[test]
    fn nothing_an_agent_says_overflows(
        exchanges in prop::collection::vec((any_reading(), any_reading()), 0..40)
    ) {
        let mut clocks = Clocks::default();
        for (sent, recorded) in exchanges {
            clocks.exchanged(sent, NOW);
            prop_assert!(clocks.known().count() <= BOOTS);
            // A guess is plausible; what a known boot says is for the caller to judge.
            if let Ok(correction) = clocks.correction(recorded, sent, NOW) {
                let time_unix_ms = recorded.wall_unix_ms.saturating_add(correction);
                let known = recorded.place().is_some_and(|(boot, _)| clocks.began(boot).is_some());
                prop_assert!(known || recorded == sent || timely(time_unix_ms, NOW).is_ok());
            }
        }
    }

    #[test]
    fn any_errors_and_steps_within_heard_boots_are_undone(
        boots in prop::collection::vec((-30 * YEAR..30 * YEAR, -YEAR..YEAR, 1..5 * HOUR), 1..4)
    ) {
        let mut clocks = Clocks::default();
        let mut machine = machine(0);
        let mut taken = Vec::new();
        let mut now = NOW;
        for (error, step, length) in boots {
            machine = machine.rebooted(now, error);
            clocks.exchanged(machine.read(now), now);
            taken.push((machine, now + length / 2));
            now += length;
            machine = machine.stepped(step);
            taken.push((machine, now));
        }
        for (before, at) in taken {
            prop_assert!(check(&mut clocks, (before, at), (machine, now)).abs() <= 2);
        }
    }
}
