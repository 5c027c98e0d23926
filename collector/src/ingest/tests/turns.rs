//! What agents say of their comings and goings, when it was by a true clock, and what of it is refused.

use diagnosis::record::{Goodbye, Hello, Kind, Record};
use proto::limits::TURNS_PER_HELLO;
use proto::wire::turn::Kind as Word;
use proto::wire::{Clock, Recorded, Turn};
use tokio::sync::broadcast::Receiver;

use super::stream::{Collector, collector_for};
use super::*;
use crate::clocks::Reading;

const MINUTE: i64 = 60_000;

/// As an agent whose clock is a year ahead says it.
const WRONG: i64 = 365 * 24 * 60 * MINUTE;

fn clock(unix_ms: i64, up_ms: i64) -> Clock {
    Clock {
        wall_unix_ms: unix_ms + WRONG,
        monotonic_ms: u64::try_from(up_ms).unwrap(),
    }
}

fn turn(kind: Word, clock: Clock) -> Turn {
    Turn {
        kind: kind.into(),
        at: Some(Recorded {
            boot_id: "a boot".into(),
            clock: Some(clock),
        }),
    }
}

/// The turns of an agent whose machine has been up for ten minutes, told now.
fn say(collector: &Collector, turns: &[Turn], now: Timestamp) {
    let (stream, _agents) = collector.stream_of(&collector.agent);
    let clock = clock(now.as_millisecond(), 10 * MINUTE);
    let sent = Reading::new(stream.boot, clock);
    let heard = |clocks: &mut crate::clocks::Clocks| clocks.exchanged(sent, now.as_millisecond());
    stream.account.with_clocks(heard);
    stream.turns(turns, clock, now);
}

fn heard(told: &mut Receiver<Arc<Record>>) -> Vec<(i64, Kind)> {
    let mut heard = Vec::new();
    while let Ok(record) = told.try_recv() {
        let what = record.what.clone().unwrap();
        #[allow(clippy::cast_possible_truncation, reason = "a moment")]
        heard.push(((what.t * 1_000.0) as i64, what.kind));
    }
    heard
}

#[tokio::test]
async fn turns_are_told_at_their_true_times_however_often_they_are_said() {
    let collector = collector_for(&[]).await;
    let mut told = collector.comings().subscribe();
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    let began = now.as_millisecond() - 10 * MINUTE;
    let turns = [
        turn(Word::PowerLossBoot, clock(began, 0)),
        turn(Word::FellAsleep, clock(began + MINUTE, MINUTE)),
        turn(Word::Wake, clock(began + 5 * MINUTE, 5 * MINUTE)),
    ];
    let expected = [
        (began, Kind::Hello(Hello::PowerLossBoot)),
        (began + MINUTE, Kind::Goodbye(Goodbye::Sleep)),
        (began + 5 * MINUTE, Kind::Hello(Hello::Wake)),
    ];
    // The welcome of the first was lost, and the second travelled for longer.
    for delay in [0, 700] {
        say(&collector, &turns, now + Duration::from_millis(delay));
        assert_eq!(heard(&mut told), expected, "{delay} ms later");
    }
    let device = collector.device();
    let came = crate::latest::lock(&device).last_came();
    assert_eq!(came, Some((Hello::Wake, began + 5 * MINUTE)));
}

#[tokio::test]
async fn turns_without_a_plausible_time_or_a_word_are_refused_and_counted_and_many_are_bounded() {
    let collector = collector_for(&[]).await;
    let mut told = collector.comings().subscribe();
    let now = Timestamp::now();
    let another_boot = |at: i64| Turn {
        kind: Word::ShutDown.into(),
        at: Some(Recorded {
            boot_id: "nobody heard of it".into(),
            clock: Some(clock(at, 0)),
        }),
    };
    let soon = now.as_millisecond() + 60 * MINUTE;
    let long_ago = now.as_millisecond() - 30 * 24 * 60 * MINUTE;
    let unknown = Turn {
        kind: 77,
        ..another_boot(now.as_millisecond() - 20 * MINUTE)
    };
    say(
        &collector,
        &[another_boot(soon), another_boot(long_ago), unknown],
        now,
    );
    assert_eq!(heard(&mut told), []);
    let refused = collector.own().turns.with_label_values(&["refused"]);
    assert_eq!(refused.get(), 3);
    let many = vec![another_boot(now.as_millisecond() - 20 * MINUTE); 10 * TURNS_PER_HELLO];
    say(&collector, &many, now);
    assert_eq!(heard(&mut told).len(), TURNS_PER_HELLO);
}
