//! The small file beside the chunks: the name and reach of the numbers, what was dropped or lost, and which records on
//! disk are done with.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::Path,
};

use crate::{
    Error, Lost,
    chunk::{self, STATE, file_header},
    folder::{Folder, private},
    ranges::Ranges,
    record::take,
    varint,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Names the sequences: with it, a number is given out once in the world. Never 0.
    pub(crate) instance: u64,
    /// Grows with each save.
    pub(crate) generation: u64,
    /// Sequences below this may have been given out.
    pub(crate) reserved: u64,
    /// Sequences below this were on disk or are done with.
    pub(crate) first_in_memory: u64,
    pub(crate) dropped_records: u64,
    pub(crate) dropped_samples: u64,
    /// Lost with a process, and not settled.
    pub(crate) lost: Vec<Lost>,
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
        for number in [
            self.instance,
            self.generation,
            self.reserved,
            self.first_in_memory,
            self.dropped_records,
            self.dropped_samples,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        varint::put(self.lost.len() as u64, &mut out);
        for lost in &self.lost {
            lost.encode(&mut out);
        }
        // Written with every acknowledgement that becomes durable, so small: two or three bytes a run.
        varint::put(self.done.len() as u64, &mut out);
        let mut previous = 0;
        for (first, last) in self.done.iter() {
            varint::put(first - previous, &mut out);
            varint::put(last - first, &mut out);
            previous = last;
        }
        let checksum = crc32fast::hash(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }
}

impl Default for State {
    /// Of a folder that has none: its numbers get a new name.
    fn default() -> Self {
        Self {
            instance: random_instance(),
            generation: 0,
            reserved: 0,
            first_in_memory: 0,
            dropped_records: 0,
            dropped_samples: 0,
            lost: Vec::new(),
            done: Ranges::default(),
        }
    }
}

/// The system's randomness, by way of the keys it gives to hash maps.
pub(crate) fn random_instance() -> u64 {
    RandomState::new().hash_one(std::process::id()).max(1)
}

fn decode(input: &[u8]) -> Option<State> {
    let version = chunk::version(input, STATE)?;
    let (checked, checksum) = input.split_last_chunk()?;
    if u32::from_le_bytes(*checksum) != crc32fast::hash(checked) {
        return None;
    }
    let mut rest = checked.get(chunk::FILE_HEADER_BYTES..)?;
    let state = match version {
        1 => decode_version_1(&mut rest)?,
        _ => decode_numbers(&mut rest)?,
    };
    rest.is_empty().then_some(state)
}

fn decode_numbers(input: &mut &[u8]) -> Option<State> {
    let mut number = || take(input).map(u64::from_le_bytes);
    let mut state = State {
        instance: number()?,
        generation: number()?,
        reserved: number()?,
        first_in_memory: number()?,
        dropped_records: number()?,
        dropped_samples: number()?,
        lost: Vec::new(),
        done: Ranges::default(),
    };
    for _ in 0..varint::get(input)? {
        state.lost.push(Lost::decode(input)?);
    }
    let mut previous = 0_u64;
    for _ in 0..varint::get(input)? {
        let first = previous.checked_add(varint::get(input)?)?;
        previous = first.checked_add(varint::get(input)?)?;
        state.done.insert_range(first, previous);
    }
    Some(state)
}

/// Its numbers had no name, and what a kill took was not known.
fn decode_version_1(input: &mut &[u8]) -> Option<State> {
    let mut state = State {
        reserved: u64::from_le_bytes(take(input)?),
        dropped_records: u64::from_le_bytes(take(input)?),
        dropped_samples: u64::from_le_bytes(take(input)?),
        ..State::default()
    };
    for _ in 0..u32::from_le_bytes(take(input)?) {
        let first = u64::from_le_bytes(take(input)?);
        let last = u64::from_le_bytes(take(input)?);
        state.done.insert_range(first, last);
    }
    Some(state)
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::Sequence;

    #[test]
    fn the_state_is_read_as_written_and_no_damage_passes() {
        let mut state = State {
            generation: 7,
            reserved: 1 << 40,
            first_in_memory: 1 << 39,
            dropped_records: 3,
            dropped_samples: 99,
            ..State::default()
        };
        state.lost.push(Lost {
            instance: 5,
            sequence: Sequence(6),
            samples: u64::MAX,
        });
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

    #[test]
    fn a_state_of_version_1_is_read_and_gets_a_name() {
        let mut bytes = STATE.to_vec();
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        for number in [4097_u64, 3, 99] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        for number in [5_u64, 9] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        let state = decode(&bytes).unwrap();
        assert_eq!(
            (state.reserved, state.dropped_records, state.dropped_samples),
            (4097, 3, 99)
        );
        assert_eq!(state.done.iter().collect::<Vec<_>>(), [(5, 9)]);
        assert_ne!(state.instance, 0);
        assert_ne!(state.instance, decode(&bytes).unwrap().instance);
    }
}
