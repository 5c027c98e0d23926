//! How fast the way to the collector is, each way, and how long echoes take while it is full.
//!
//! A transfer loads a line that people use. So it is small and short, comes every few hours, and the collector
//! lets one machine of a centre do it at a time; whoever is refused stays silent until the next interval. This
//! machine's other probes are silent meanwhile (`quiet.rs`); its neighbours' are not, and may see longer round
//! trips for that moment: the transfer's own readings say which it was. It never comes at a start of the agent: the first has a random moment within the interval. An agent whose
//! line is paid for by the byte, or whose bytes are bounded, has no such source at all.
//!
//! `rhythm` is when, `transfer` how and what is told.

mod rhythm;
mod transfer;

use std::time::Duration;

use proto::plan::Plan;
use proto::throughput::LOOKS;
use tokio::time::Instant;

use self::rhythm::Rhythm;
use self::transfer::NotMeasured;
use super::super::{Access, Context, Readings, Sampling, Source, Unmeasurable};
use super::quiet::Quiet;

/// Everything together, waiting for the line to be free of other probes included.
const PATIENCE: Duration = Duration::from_mins(3);

/// The source.
pub(super) struct Transfers {
    context: Context,
    access: Access,
    quiet: Quiet,
    rhythm: Rhythm,
}

impl Transfers {
    /// Silences what `quiet` wraps.
    pub(super) fn new(context: Context, access: Access, quiet: Quiet) -> Self {
        Self {
            context,
            access,
            quiet,
            rhythm: Rhythm::default(),
        }
    }

    async fn run(&mut self, readings: &mut Readings) -> Result<(), Unmeasurable> {
        let planned = self.context.plan.borrow().throughput;
        let looked = Instant::now();
        let Some(planned) = self.rhythm.due(planned, looked) else {
            return Ok(());
        };
        // Nobody closes it.
        let _alone = self.context.heavy.acquire().await;
        let _silence = self.quiet.begin().await;
        match transfer::measure(&self.access, planned.bytes, readings).await {
            Ok(()) | Err(NotMeasured::Refused) => self.rhythm.done(planned, looked),
            // Tried again at the next look.
            Err(NotMeasured::NotNow) => {}
            Err(NotMeasured::Failed(problem)) => return Err(problem),
        }
        Ok(())
    }
}

impl Source for Transfers {
    fn name(&self) -> &'static str {
        "throughput"
    }

    fn interval(&self, plan: &Plan) -> Duration {
        // Where none is asked for, as often as anything seldom: `/metrics` shows for as long how it went.
        plan.throughput
            .map_or(plan.path_interval, |throughput| throughput.interval / LOOKS)
    }

    fn timeout(&self, _: &Plan) -> Duration {
        PATIENCE
    }

    fn sample<'a>(&'a mut self, readings: &'a mut Readings) -> Sampling<'a> {
        Box::pin(self.run(readings))
    }
}
