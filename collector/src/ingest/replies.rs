//! What is said to one agent, on its way to gRPC.
//!
//! A channel has room for 32 messages as soon as it has one, and the largest kind of message decides
//! how much room that is. Each agent has a channel and is told something every few minutes, so
//! messages travel in boxes.

use std::pin::Pin;
use std::task::{Context, Poll};

use proto::wire::FromCollector;
use tokio::sync::mpsc;
use tonic::Status;

/// A message, or the stream's end.
pub(super) type Reply = Box<Result<FromCollector, Status>>;

/// Messages to an agent that wait to be sent.
const WAITING: usize = 8;

/// The messages of one stream, for gRPC.
#[derive(Debug)]
pub struct Replies(mpsc::Receiver<Reply>);

/// A way to one agent.
pub(super) fn channel() -> (mpsc::Sender<Reply>, Replies) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (sender, Replies(receiver))
}

impl tokio_stream::Stream for Replies {
    type Item = Result<FromCollector, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0
            .poll_recv(context)
            .map(|reply| reply.map(|reply| *reply))
    }
}
