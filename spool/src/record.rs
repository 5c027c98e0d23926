//! One record, in memory and as bytes of a chunk. The layout is in the crate's documentation.

use std::fmt;

/// The most bytes one record may have.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

pub(crate) const HEADER_BYTES: usize = 36;
const HEADER_WITHOUT_CHECKSUM: usize = HEADER_BYTES - 4;

/// Stands for a time that nobody knows.
const UNKNOWN_TIME: i64 = i64::MIN;

/// Starts each record, so that the next one can be found behind a damaged one.
const MARK: [u8; 4] = *b"\xf5rec";

/// The number of a record: increasing in the order of appending, never given out twice by one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record that waits in the spool, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub sequence: Sequence,
    /// Time of its oldest sample, in Unix milliseconds, where its owner knows it.
    pub time_unix_ms: Option<i64>,
    /// Its number of samples.
    pub weight: u32,
    /// Length of its bytes.
    pub length: u32,
}

impl Entry {
    /// Header and bytes.
    pub(crate) fn size(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.length)
    }
}

/// A record with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// Time of its oldest sample, in Unix milliseconds, where its owner knows it.
    pub time_unix_ms: Option<i64>,
    /// Its number of samples.
    pub weight: u32,
    /// What was appended.
    pub bytes: Vec<u8>,
}

/// Adds a record to the end of `out`.
pub(crate) fn encode(entry: &Entry, bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&entry.length.to_le_bytes());
    out.extend_from_slice(&entry.sequence.0.to_le_bytes());
    out.extend_from_slice(&written_time(entry.time_unix_ms).to_le_bytes());
    out.extend_from_slice(&entry.weight.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded<'b> {
    /// A record, whole.
    Good(Entry, &'b [u8]),
    /// A record whose header is right and whose bytes are not.
    Damaged(Entry),
    /// A right header, and fewer bytes than it promises.
    Short,
    /// No record.
    Nothing,
}

pub(crate) fn decode(input: &[u8]) -> Decoded<'_> {
    let Some((entry, checksum)) = decode_header(input) else {
        return Decoded::Nothing;
    };
    let end = HEADER_BYTES + entry.length as usize;
    match input.get(HEADER_BYTES..end) {
        None => Decoded::Short,
        Some(bytes) if crc32fast::hash(bytes) == checksum => Decoded::Good(entry, bytes),
        Some(_) => Decoded::Damaged(entry),
    }
}

/// A time as it is written.
pub(crate) fn written_time(time_unix_ms: Option<i64>) -> i64 {
    time_unix_ms.unwrap_or(UNKNOWN_TIME)
}

/// The time that was written.
pub(crate) fn known_time(written: i64) -> Option<i64> {
    (written != UNKNOWN_TIME).then_some(written)
}

/// Where the next header might be, at or after `from`.
pub(crate) fn find_mark(input: &[u8], from: usize) -> Option<usize> {
    let rest = input.get(from..)?;
    let at = rest.windows(MARK.len()).position(|window| window == MARK)?;
    Some(from + at)
}

fn decode_header(input: &[u8]) -> Option<(Entry, u32)> {
    let checked = input.get(..HEADER_WITHOUT_CHECKSUM)?;
    let mut rest = input;
    if take(&mut rest)? != MARK {
        return None;
    }
    let entry = Entry {
        length: u32::from_le_bytes(take(&mut rest)?),
        sequence: Sequence(u64::from_le_bytes(take(&mut rest)?)),
        time_unix_ms: known_time(i64::from_le_bytes(take(&mut rest)?)),
        weight: u32::from_le_bytes(take(&mut rest)?),
    };
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    let is_right = u32::from_le_bytes(take(&mut rest)?) == crc32fast::hash(checked)
        && entry.length as usize <= MAX_RECORD_BYTES;
    is_right.then_some((entry, checksum))
}

/// The next `N` bytes.
pub(crate) fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const ENTRY: Entry = Entry {
        sequence: Sequence(7),
        time_unix_ms: Some(-5),
        weight: 3,
        length: 5,
    };

    #[test]
    fn a_record_is_what_was_encoded() {
        let mut out = b"before".to_vec();
        encode(&ENTRY, b"bytes", &mut out);
        assert_eq!(out.len() as u64, 6 + ENTRY.size());
        assert_eq!(decode(&out[6..]), Decoded::Good(ENTRY, b"bytes"));
        assert_eq!(decode(&out), Decoded::Nothing);
        assert_eq!(find_mark(&out, 0), Some(6));
        assert_eq!(find_mark(&out, 7), None);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let mut good = Vec::new();
        encode(&ENTRY, b"bytes", &mut good);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < HEADER_BYTES {
                Decoded::Nothing
            } else {
                Decoded::Damaged(ENTRY)
            };
            assert_eq!(decode(&bad), expected, "bit {bit}");
        }
        for end in 0..good.len() {
            let expected = if end < HEADER_BYTES {
                Decoded::Nothing
            } else {
                Decoded::Short
            };
            assert_eq!(decode(&good[..end]), expected, "cut at {end}");
        }
    }
}
