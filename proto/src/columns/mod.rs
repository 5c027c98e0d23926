//! The codec of measurements: [`Rounds`] ↔ few bytes, with state kept between the messages of a
//! stream.

mod decoder;
mod encoder;
mod rounds;

pub use decoder::{Decoder, Malformed};
pub use encoder::Encoder;
pub use rounds::{Round, Rounds, Unfit};

/// Which of the two interleaved sequences of a stream a message continues. Each has its own previous
/// times and values, so that the gap between now and the backlog is not paid for at every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What was measured just now.
    Live,
    /// What waited for the line.
    Backlog,
}
