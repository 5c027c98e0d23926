//! The small file beside the chunks: reserved sequences, what was dropped, and which records on disk are done with.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::{
    Error,
    chunk::{self, STATE, file_header},
    folder::Folder,
    ranges::Ranges,
    record::take,
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Sequences below this may have been given out.
    pub(crate) reserved: u64,
    pub(crate) dropped_records: u64,
    pub(crate) dropped_samples: u64,
    /// Acknowledged or dropped, and perhaps still in a chunk.
    pub(crate) done: Ranges,
}

/// What the folder says of its state.
#[derive(Debug)]
pub(crate) enum Found {
    State(State),
    Absent,
    Damaged,
}

impl State {
    pub(crate) fn read(folder: &Folder) -> Result<Found, Error> {
        match fs::read(folder.state()) {
            Ok(bytes) => Ok(decode(&bytes).map_or(Found::Damaged, Found::State)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Absent),
            Err(source) => Err(Error::disk("read", &folder.state())(source)),
        }
    }

    /// Replaces the file; when this returns `Ok`, what it says survives a power cut.
    pub(crate) fn replace_and_sync(&self, folder: &Folder) -> Result<(), Error> {
        let (new, current) = (folder.new_state(), folder.state());
        write_and_sync(&new, &self.encode()).map_err(Error::disk("write", &new))?;
        fs::rename(&new, &current).map_err(Error::disk("replace", &current))?;
        folder.sync()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = file_header(STATE).to_vec();
        out.extend_from_slice(&self.reserved.to_le_bytes());
        out.extend_from_slice(&self.dropped_records.to_le_bytes());
        out.extend_from_slice(&self.dropped_samples.to_le_bytes());
        // More runs than this cannot be: each stands for a record on disk. If it were, the rest would be delivered again.
        let count = u32::try_from(self.done.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&count.to_le_bytes());
        for (first, last) in self.done.iter().take(count as usize) {
            out.extend_from_slice(&first.to_le_bytes());
            out.extend_from_slice(&last.to_le_bytes());
        }
        let checksum = crc32fast::hash(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }
}

fn decode(input: &[u8]) -> Option<State> {
    chunk::version(input, STATE)?;
    let (checked, checksum) = input.split_last_chunk()?;
    if u32::from_le_bytes(*checksum) != crc32fast::hash(checked) {
        return None;
    }
    let mut rest = checked.get(chunk::FILE_HEADER_BYTES..)?;
    let mut state = State {
        reserved: u64::from_le_bytes(take(&mut rest)?),
        dropped_records: u64::from_le_bytes(take(&mut rest)?),
        dropped_samples: u64::from_le_bytes(take(&mut rest)?),
        done: Ranges::default(),
    };
    let count = u32::from_le_bytes(take(&mut rest)?);
    for _ in 0..count {
        let first = u64::from_le_bytes(take(&mut rest)?);
        let last = u64::from_le_bytes(take(&mut rest)?);
        state.done.insert_range(first, last);
    }
    rest.is_empty().then_some(state)
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_state_is_read_as_written_and_no_damage_passes() {
        let mut state = State {
            reserved: 1 << 40,
            dropped_records: 3,
            dropped_samples: 99,
            done: Ranges::default(),
        };
        state.done.insert_range(5, 9);
        state.done.insert(12);
        let bytes = state.encode();
        assert_eq!(decode(&bytes), Some(state));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad), None, "byte {at}");
            assert_eq!(decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
