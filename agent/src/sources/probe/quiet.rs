//! Silence for a transfer, which fills the line on purpose: what other probes found out meanwhile would be
//! its doing. Runs that are under way are over before it begins, and none begins before it is over; it is
//! left out, as if it had not been its time.
//!
//! What would load the line itself is not kept silent here: such probes take turns with transfers
//! ([`Context::heavy`](super::super::Context)).

use std::sync::Arc;
use std::time::Duration;

use proto::plan::Plan;
use tokio::sync::{Notify, RwLock};
use tokio::time::timeout;

use super::super::{Phase, Readings, Sampling, Source};

/// What is under way for longer waits itself, for somebody who does not answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Shared by a transfer, which has it alone, and by the runs of all that it would disturb.
#[derive(Debug, Clone, Default)]
pub(super) struct Quiet(Arc<RwLock<()>>);

/// A source that has silent times.
struct Silenced<S> {
    source: S,
    quiet: Quiet,
}

impl Quiet {
    /// This source, with runs left out during silence.
    pub(super) fn silences(&self, source: impl Source + 'static) -> Box<dyn Source> {
        Box::new(Silenced {
            source,
            quiet: self.clone(),
        })
    }

    /// Silence, for as long as the result is kept: returns when nothing is under way, or what is has no end.
    pub(super) async fn begin(&self) -> impl Sized + Send + use<> {
        let mut silence = Box::pin(Arc::clone(&self.0).write_owned());
        let all_ended = timeout(PATIENCE, &mut silence).await.ok();
        // Who waits for it keeps new runs from beginning as well.
        (all_ended, silence)
    }
}

impl<S: Source> Source for Silenced<S> {
    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn interval(&self, plan: &Plan) -> Duration {
        self.source.interval(plan)
    }

    fn timeout(&self, plan: &Plan) -> Duration {
        self.source.timeout(plan)
    }

    fn phase(&self) -> Phase {
        self.source.phase()
    }

    fn soon(&self) -> Option<Arc<Notify>> {
        self.source.soon()
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(async {
            match self.quiet.0.try_read() {
                Ok(_under_way) => self.source.sample(readings).await,
                Err(_) => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use futures_util::FutureExt as _;
    use proto::metrics;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Measures something, and takes so long.
    struct Takes(Duration);

    impl Source for Takes {
        fn name(&self) -> &'static str {
            "takes"
        }

        fn interval(&self, plan: &Plan) -> Duration {
            plan.link_interval
        }

        fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
            Box::pin(async {
                sleep(self.0).await;
                readings.push(&metrics::LINK_LOSS, &["line", "x"], 0.0);
                Ok(())
            })
        }
    }

    async fn measured(source: &mut Box<dyn Source>) -> usize {
        let mut readings = Readings::default();
        source.sample(&mut readings).await.unwrap();
        readings.taken.len()
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_is_not_measured_during_a_transfer() {
        let quiet = Quiet::default();
        let mut link = quiet.silences(Takes(Duration::from_secs(4)));
        let mut other = quiet.silences(Takes(Duration::ZERO));
        // Both at a time are nobody's business.
        assert_eq!(
            tokio::join!(measured(&mut link), measured(&mut other)),
            (1, 1)
        );
        let mut under_way = Box::pin(measured(&mut link));
        assert_eq!((&mut under_way).now_or_never(), None);
        let began = Instant::now();
        let (silence, finished, left_out) = tokio::join!(
            quiet.begin(),
            under_way,
            // While it is waited for, nothing new begins.
            sleep(Duration::from_secs(1)).then(|()| measured(&mut other)),
        );
        assert_eq!((finished, left_out), (1, 0));
        assert_eq!(
            began.elapsed(),
            Duration::from_secs(4),
            "what was under way"
        );
        assert_eq!(measured(&mut link).await, 0);
        drop(silence);
        assert_eq!(measured(&mut link).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_end_is_not_waited_for_and_silence_comes_all_the_same() {
        let quiet = Quiet::default();
        let mut endless = quiet.silences(Takes(Duration::MAX));
        let mut link = quiet.silences(Takes(Duration::ZERO));
        let mut under_way = Box::pin(measured(&mut endless));
        assert_eq!((&mut under_way).now_or_never(), None);
        let began = Instant::now();
        let silence = quiet.begin().await;
        assert_eq!(began.elapsed(), PATIENCE);
        assert_eq!(measured(&mut link).await, 0);
        drop(silence);
        assert_eq!(measured(&mut link).await, 1);
    }
}
