//! What is said on one stream once it is open, from the Welcome to the Goodbye.

use proto::limits::PROTOCOL;
use proto::wire::{Ack, FromCollector, Goodbye, Welcome, from_agent, from_collector, goodbye};
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;
use tracing::debug;

use super::ended::Ended;
use super::outgoing::Outgoing;
use super::{GOODBYE_TIMEOUT, Line, within};
use crate::clock;
use crate::presence::Leaving;

/// What the collector says.
pub(super) trait Incoming: Stream<Item = Result<FromCollector, Status>> + Unpin {}

impl<S: Stream<Item = Result<FromCollector, Status>> + Unpin> Incoming for S {}

/// What the collector says first. Nothing of it is believed in another protocol.
pub(super) async fn welcome(incoming: &mut impl Incoming) -> Result<Welcome, Ended> {
    let first = within(next(incoming)).await??;
    let Some(from_collector::Kind::Welcome(welcome)) = first.kind else {
        return Err(Ended::NoWelcome);
    };
    if welcome.protocol != PROTOCOL {
        let theirs = welcome.protocol;
        return Err(Ended::OtherProtocol { theirs });
    }
    Ok(welcome)
}

async fn next(incoming: &mut impl Incoming) -> Result<FromCollector, Ended> {
    Ok(incoming.next().await.ok_or(Ended::Closed)??)
}

impl Line<'_> {
    /// Sends what there is and hears what comes back, until the stream breaks or, `Ok`, the agent is to
    /// stop.
    pub(super) async fn converse(
        &mut self,
        mut incoming: impl Incoming,
        mut outgoing: Outgoing,
    ) -> Result<(), Ended> {
        let stop = self.stop.clone();
        loop {
            let more_at = tokio::select! {
                filled = outgoing.fill(&self.queue, &mut self.budget) => filled?,
                // The disk may hang.
                () = stop.cancelled() => break,
            };
            tokio::select! {
                // An answer that is there counts before the time that ran out meanwhile.
                biased;
                () = stop.cancelled() => break,
                message = next(&mut incoming) => {
                    let received = self.received(message?, &mut outgoing);
                    tokio::select! {
                        () = received => {}
                        // What was acknowledged goes out again, and is known.
                        () = stop.cancelled() => break,
                    }
                }
                () = until(self.plans.due()) => self.plans.put_into_force(),
                () = self.queue.appended() => {}
                // Whoever was at the other end gave this one up, or will; and is to be told.
                () = self.presence.woke() => return Err(Ended::Woke),
                Ok(()) = self.found.changed(), if outgoing.has_room_for_found() => {
                    let found = self.found.borrow_and_update().clone();
                    self.found_told = Some(Instant::now());
                    let bytes = outgoing.send_found(found)?;
                    self.budget.spend_live(bytes);
                }
                () = until(more_at) => {}
                () = until(outgoing.patience_ends()) => return Err(Ended::Silent),
            }
        }
        self.say_goodbye(incoming, outgoing).await;
        Ok(())
    }

    async fn received(&mut self, message: FromCollector, outgoing: &mut Outgoing) {
        match message.kind {
            Some(from_collector::Kind::Ack(ack)) => self.acknowledged(&ack, outgoing).await,
            Some(from_collector::Kind::Plan(plan)) => self.plans.sent(plan),
            Some(from_collector::Kind::Burst(burst)) => self.bursts.ask(&burst),
            // A second welcome, or a message kind this agent is too old to know.
            Some(from_collector::Kind::Welcome(_)) | None => {}
        }
    }

    async fn acknowledged(&mut self, ack: &Ack, outgoing: &mut Outgoing) {
        self.heard_time(ack.server_time_unix_ms);
        if ack.rejected_samples > 0 {
            let rejected_samples = ack.rejected_samples;
            debug!(rejected_samples, "The collector refused samples.");
        }
        // Whatever it could keep, the collector is there.
        self.backoff.reset();
        if outgoing.acknowledged(ack, &self.queue).await {
            let offset_ms = -*self.shared.server_offset_ms.borrow();
            self.shared.status.send_modify(|status| {
                status.last_ack_unix_ms = Some(clock::wall_unix_ms());
                status.clock_offset_ms = Some(offset_ms);
            });
        }
    }

    /// Sends what was measured last, and that the silence to come is intended. What is not
    /// acknowledged in time is on disk, and so is what waited behind it.
    async fn say_goodbye(&mut self, mut incoming: impl Incoming, mut outgoing: Outgoing) {
        let settle = async {
            outgoing.send_newest(&self.queue).await?;
            while !outgoing.is_settled() {
                let message = next(&mut incoming).await?;
                if let Some(from_collector::Kind::Ack(ack)) = message.kind {
                    outgoing.acknowledged(&ack, &self.queue).await;
                }
            }
            Ok(())
        };
        if let Ok(Err(ended)) = tokio::time::timeout(GOODBYE_TIMEOUT, settle).await {
            let problem = crate::chain(&ended as &Ended);
            debug!(problem, "There was nobody to say goodbye to.");
            return;
        }
        let why = self.presence.leaving().unwrap_or(Leaving::Stop);
        let goodbye = Goodbye {
            reason: goodbye::Reason::from(why).into(),
        };
        let said = outgoing.send(from_agent::Kind::Goodbye(goodbye));
        // Ends this side; the collector closes its own when it has heard it.
        drop(outgoing);
        let heard = async {
            loop {
                if let Err(ended) = next(&mut incoming).await {
                    break matches!(ended, Ended::Closed);
                }
            }
        };
        let heard = tokio::time::timeout(GOODBYE_TIMEOUT, heard).await;
        let heard = said.is_ok() && heard == Ok(true);
        if heard {
            self.presence.said_goodbye();
        }
        debug!(?why, heard, "Goodbye.");
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
