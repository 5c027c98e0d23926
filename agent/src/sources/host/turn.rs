//! How late a program gets its turn on this machine: the longest of some short sleeps, less what it was to be.
//!
//! People call that "the PC hangs", whatever the processors are busy with; a share of processor time does not tell it.
//! Rests between the sleeps cost nothing, and a machine that slept in between shows no lag: its monotonic clock stood.
//! Deliberately absent: the reason, which the other readings tell.

use std::time::Duration;

use proto::metrics;
use proto::plan::Plan;
use tokio::time::{Instant, sleep_until};

use super::super::{Readings, Sampling, Source};

/// Sleeps of one run: enough to meet the turn of others, and not worth a wake-up more.
const SLEEPS: u32 = 5;

/// How long each is to be.
const SLEEP: Duration = Duration::from_millis(20);

/// The source.
pub(super) struct Turn;

impl Turn {
    async fn run(readings: &mut Readings) {
        let mut longest = Duration::ZERO;
        for _ in 0..SLEEPS {
            let due = Instant::now() + SLEEP;
            sleep_until(due).await;
            longest = longest.max(due.elapsed());
        }
        // Timers round up to a millisecond, which is nobody's lag.
        let lag = (longest.as_secs_f64() * 1e3).floor() / 1e3;
        readings.push(&metrics::DEVICE_TURN_DELAY, &[], lag);
    }
}

impl Source for Turn {
    fn name(&self) -> &'static str {
        "turn"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        plan.host_interval
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(async {
            Self::run(readings).await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(readings: &Readings) -> Vec<f64> {
        readings.taken.iter().map(|reading| reading.value).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_gets_its_turn_in_time_is_not_late() {
        let mut readings = Readings::default();
        Turn::run(&mut readings).await;
        assert_eq!(said(&readings).len(), 1);
        assert!(
            said(&readings).iter().all(|lag| *lag <= 0.001),
            "{readings:?}"
        );
    }

    #[tokio::test]
    async fn who_is_kept_from_its_turn_says_how_long() {
        let mut readings = Readings::default();
        // Takes the only thread while the first sleep ends.
        let hog = tokio::spawn(async {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(300) {
                std::hint::spin_loop();
            }
        });
        Turn::run(&mut readings).await;
        hog.await.expect("it ends");
        assert!(
            said(&readings).iter().all(|lag| *lag >= 0.2),
            "{readings:?}"
        );
    }
}
