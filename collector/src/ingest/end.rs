//! How a stream ends, and what ends it from outside, whatever it is doing.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::directory::Agents;
use crate::registry::Agent;

/// Why a stream ended: a word for the metric, and what the agent is told.
#[derive(Debug)]
pub(super) struct End(pub(super) &'static str, pub(super) Option<Status>);

pub(super) fn revoked() -> Status {
    Status::permission_denied(
        "this agent is not known here or was revoked: enrol this machine again with a new token",
    )
}

pub(super) fn malformed(why: impl Into<String>) -> End {
    End("malformed", Some(Status::invalid_argument(why)))
}

pub(super) fn replaced() -> End {
    let status = Status::aborted(
        "the same agent opened a newer stream: is its folder copied to two machines?",
    );
    End("replaced", Some(status))
}

/// What ends a stream from outside, whatever it is doing.
pub(super) struct Watch {
    pub(super) agents: watch::Receiver<Agents>,
    pub(super) replaced: CancellationToken,
    pub(super) stop: CancellationToken,
}

impl Watch {
    pub(super) async fn ended(mut self, agent: &Agent) -> End {
        tokio::select! {
            () = self.stop.cancelled() => {
                End("shutdown", Some(Status::unavailable("the collector stops: try again soon")))
            }
            () = self.replaced.cancelled() => replaced(),
            end = no_longer_welcome(&mut self.agents, agent) => end,
        }
    }
}

async fn no_longer_welcome(agents: &mut watch::Receiver<Agents>, agent: &Agent) -> End {
    loop {
        match agents.borrow_and_update().get(&agent.key) {
            None => return End("revoked", Some(revoked())),
            Some(known) if (&known.centre, &known.device) != (&agent.centre, &agent.device) => {
                let status =
                    Status::unavailable("this machine belongs elsewhere now: connect again");
                return End("moved", Some(status));
            }
            Some(_) => {}
        }
        if agents.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
