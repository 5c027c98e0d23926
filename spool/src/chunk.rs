//! A chunk as bytes: its header, and finding every good record in it whatever happened to the rest.

use crate::{
    FORMAT_VERSION,
    record::{self, Decoded, Entry, HEADER_BYTES, MAX_RECORD_BYTES, take},
};

pub(crate) const FILE_HEADER_BYTES: usize = 16;

/// No chunk is larger; a file that is, is none of ours.
pub(crate) const MAX_CHUNK_BYTES: u64 =
    (FILE_HEADER_BYTES + HEADER_BYTES + MAX_RECORD_BYTES) as u64;

/// What a file of the folder is, said in its first bytes.
pub(crate) type Kind = [u8; 8];
pub(crate) const CHUNK: Kind = *b"dwchunk\n";
pub(crate) const STATE: Kind = *b"dwstate\n";
pub(crate) const MEMORY: Kind = *b"dwmemory";

/// The first bytes of a file of this kind.
pub(crate) fn file_header(kind: Kind) -> [u8; FILE_HEADER_BYTES] {
    let mut header = [0; FILE_HEADER_BYTES];
    let checksum = {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&kind);
        hasher.update(&FORMAT_VERSION.to_le_bytes());
        hasher.finalize().to_le_bytes()
    };
    let parts = kind
        .into_iter()
        .chain(FORMAT_VERSION.to_le_bytes())
        .chain(checksum);
    for (to, from) in header.iter_mut().zip(parts) {
        *to = from;
    }
    header
}

/// The format version of a file of this kind; `None` when its header is damaged or of another kind.
pub(crate) fn version(input: &[u8], kind: Kind) -> Option<u32> {
    let checked = input.get(..FILE_HEADER_BYTES - 4)?;
    let mut rest = input;
    let found: Kind = take(&mut rest)?;
    let version = u32::from_le_bytes(take(&mut rest)?);
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    (found == kind && checksum == crc32fast::hash(checked)).then_some(version)
}

/// Where in a chunk a record starts. Chunks are far smaller than this can say.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Everything found in a chunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Good records and where they start.
    pub(crate) good: Vec<(Entry, u32)>,
    /// Records whose header is right and whose bytes are not.
    pub(crate) damaged: Vec<Entry>,
    /// Something before the tail is not as it was written.
    pub(crate) is_corrupt: bool,
    /// Where the last known record ends: what follows is a torn tail.
    pub(crate) end: u64,
}

pub(crate) fn scan(input: &[u8]) -> Scan {
    let mut found = Scan {
        is_corrupt: input.len() >= FILE_HEADER_BYTES && version(input, CHUNK).is_none(),
        end: FILE_HEADER_BYTES.min(input.len()) as u64,
        ..Scan::default()
    };
    let mut at = FILE_HEADER_BYTES;
    let mut skipped = false;
    while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
        let entry = match record::decode(rest) {
            Decoded::Good(entry, _) => {
                found.good.push((entry, offset(at)));
                entry
            }
            Decoded::Damaged(entry) => {
                found.damaged.push(entry);
                found.is_corrupt = true;
                entry
            }
            Decoded::Short => break,
            Decoded::Nothing => match record::find_mark(input, at + 1) {
                Some(next) => {
                    at = next;
                    skipped = true;
                    continue;
                }
                None => break,
            },
        };
        at += HEADER_BYTES + entry.length as usize;
        found.end = at as u64;
        found.is_corrupt |= skipped;
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::Sequence;

    fn chunk(payloads: &[&[u8]]) -> (Vec<u8>, Vec<(Entry, u32)>) {
        let mut bytes = file_header(CHUNK).to_vec();
        let mut entries = Vec::new();
        for (sequence, payload) in (1..).zip(payloads) {
            let entry = Entry {
                sequence: Sequence(sequence),
                time_unix_ms: Some(1000),
                weight: 1,
                length: u32::try_from(payload.len()).unwrap(),
            };
            entries.push((entry, offset(bytes.len())));
            record::encode(&entry, payload, &mut bytes);
        }
        (bytes, entries)
    }

    #[test]
    fn a_whole_chunk_gives_all_its_records() {
        let (bytes, entries) = chunk(&[b"one", b"", b"three"]);
        let found = scan(&bytes);
        assert_eq!(found.good, entries);
        assert_eq!(found.end, bytes.len() as u64);
        assert!(!found.is_corrupt && found.damaged.is_empty());
    }

    #[test]
    fn a_flipped_byte_costs_only_the_record_it_is_in() {
        let (bytes, entries) = chunk(&[b"one", b"two two", b"three"]);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x55;
            let found = scan(&bad);
            let expected: Vec<_> = entries
                .iter()
                .filter(|(entry, start)| {
                    !(u64::from(*start)..u64::from(*start) + entry.size()).contains(&(at as u64))
                })
                .copied()
                .collect();
            assert_eq!(found.good, expected, "byte {at}");
            let is_header_of_last = offset(at) >= entries[2].1 && found.damaged.is_empty();
            assert_eq!(found.is_corrupt, !is_header_of_last, "byte {at}");
        }
    }

    #[test]
    fn a_cut_chunk_is_a_torn_tail_and_not_corrupt() {
        let (bytes, entries) = chunk(&[b"one", b"two two", b"three"]);
        for end in 0..bytes.len() {
            let found = scan(&bytes[..end]);
            let expected: Vec<_> = entries
                .iter()
                .filter(|(entry, start)| u64::from(*start) + entry.size() <= end as u64)
                .copied()
                .collect();
            assert_eq!(found.good, expected, "cut at {end}");
            assert!(!found.is_corrupt, "cut at {end}");
            assert!(found.end <= end as u64);
        }
    }

    #[test]
    fn a_tail_of_zeros_is_torn() {
        let (mut bytes, entries) = chunk(&[b"one"]);
        let end = bytes.len() as u64;
        bytes.resize(bytes.len() + 5000, 0);
        let found = scan(&bytes);
        assert_eq!((found.good, found.end), (entries, end));
        assert!(!found.is_corrupt);
    }

    #[test]
    fn a_header_tells_kind_and_version() {
        let header = file_header(CHUNK);
        assert_eq!(version(&header, CHUNK), Some(FORMAT_VERSION));
        assert_eq!(version(&header, STATE), None);
        assert_eq!(version(&header[..15], CHUNK), None);
    }
}
