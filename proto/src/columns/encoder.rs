//! Rounds → bytes.

use super::model::Model;
use super::range_coder::Writer;
use super::{Lane, Rounds};

/// The sending side's state of one stream, or, fresh, that of one record.
#[derive(Debug, Default)]
pub struct Encoder {
    model: Model,
}

impl Encoder {
    /// Codes rounds as the next message of this lane.
    #[must_use]
    pub fn encode(&mut self, lane: Lane, rounds: &Rounds) -> Vec<u8> {
        let mut writer = Writer::new();
        self.model.begin(&mut writer, lane, rounds.len());
        for round in rounds.iter() {
            let (_, samples) = self.model.round(&mut writer, lane, round);
            samples.for_each(drop);
        }
        writer.finish()
    }
}
