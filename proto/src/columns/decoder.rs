//! Bytes → rounds.

use super::model::Model;
use super::range_coder::Reader;
use super::{Lane, Round, Rounds};

/// Bytes that no encoder wrote. The stream they came on is to be given up, since the two sides no
/// longer know the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no coded measurements; give up their stream and open another")]
pub struct Malformed;

/// The receiving side's state of one stream, or, fresh, that of one record.
#[derive(Debug, Default)]
pub struct Decoder {
    model: Model,
}

impl Decoder {
    /// Decodes the next message of this lane into `rounds`, whose content is replaced and whose
    /// memory is used again.
    ///
    /// # Errors
    ///
    /// When no encoder wrote the bytes after those before; `rounds` is then of no use.
    pub fn decode(
        &mut self,
        lane: Lane,
        bytes: &[u8],
        rounds: &mut Rounds,
    ) -> Result<(), Malformed> {
        rounds.clear();
        let mut reader = Reader::new(bytes);
        let count = self.model.begin(&mut reader, lane, 0);
        for _ in 0..count {
            let (time_unix_ms, samples) = self.model.round(&mut reader, lane, Round::default());
            rounds.push(time_unix_ms, samples).map_err(|_| Malformed)?;
            if reader.is_exhausted() {
                return Err(Malformed);
            }
        }
        reader.is_at_end().then_some(()).ok_or(Malformed)
    }
}
