//! Bytes → rounds.

use super::{Lane, Rounds};

/// Bytes that no encoder wrote. The stream they came on is to be given up, since the state of the
/// two sides differs from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these are no coded measurements")]
pub struct Malformed;

/// The receiving side's state of one stream, or, fresh, that of one record.
#[derive(Debug, Default)]
pub struct Decoder {}

impl Decoder {
    /// Decodes the next message of this lane into `rounds`, whose content is replaced and whose
    /// memory is used again.
    ///
    /// # Errors
    ///
    /// When no encoder wrote the bytes, or the messages before them are not the same.
    pub fn decode(
        &mut self,
        _lane: Lane,
        bytes: &[u8],
        rounds: &mut Rounds,
    ) -> Result<(), Malformed> {
        fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
            let (taken, left) = rest.split_first_chunk().ok_or(Malformed)?;
            *rest = left;
            Ok(*taken)
        }
        rounds.clear();
        let mut rest = bytes;
        while !rest.is_empty() {
            let time_unix_ms = i64::from_le_bytes(take(&mut rest)?);
            let count = u64::from_le_bytes(take(&mut rest)?);
            let mut samples = Vec::new();
            for _ in 0..count {
                let id = u32::from_le_bytes(take(&mut rest)?);
                let value = f64::from_bits(u64::from_le_bytes(take(&mut rest)?));
                samples.push((id, value));
            }
            rounds.push(time_unix_ms, samples).map_err(|_| Malformed)?;
        }
        Ok(())
    }
}
