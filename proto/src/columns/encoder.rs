//! Rounds → bytes.

use super::{Lane, Rounds};

/// The sending side's state of one stream, or, fresh, that of one record.
#[derive(Debug, Default)]
pub struct Encoder {}

impl Encoder {
    /// Codes rounds as the next message of this lane.
    #[must_use]
    pub fn encode(&mut self, _lane: Lane, rounds: &Rounds) -> Vec<u8> {
        let mut bytes = Vec::new();
        for round in rounds.iter() {
            bytes.extend(round.time_unix_ms.to_le_bytes());
            bytes.extend((round.series.len() as u64).to_le_bytes());
            for (id, value) in round.samples() {
                bytes.extend(id.to_le_bytes());
                bytes.extend(value.to_bits().to_le_bytes());
            }
        }
        bytes
    }
}
