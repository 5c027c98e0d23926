//! The file `memory`: what a killed process takes with it.
//!
//! It is written in place after every change of what is in memory only, and never synced: the system
//! keeps it when a process is killed, and may lose, keep or tear it in a power cut. So it costs a copy
//! of one page, and nothing depends on it but the count of what is lost. A page is written in one piece,
//! which a kill does not tear; when there are too many records for it, memory is written to disk.
//!
//! Deliberately absent: the records themselves. What must survive a kill is persisted.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
};

use crate::{
    Error, Lost, Sequence, Spool,
    chunk::{self, FILE_HEADER_BYTES, MEMORY, file_header},
    folder::{Folder, private},
    record::take,
    varint,
};

/// It is never shorter, so that a disk that becomes full later takes it all the same.
const PAGE: usize = 4096;

/// About as many records as fit into a page.
pub(crate) const LISTED_RECORDS: usize = 1000;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The state that this adds to.
    pub(crate) generation: u64,
    pub(crate) next_sequence: u64,
    /// Drops that are in no state yet.
    pub(crate) dropped: Drops,
    /// What is gone with the process, or was gone before it and is in no state yet.
    pub(crate) lost: Vec<Lost>,
}

/// Drops of what was never on disk, since the state was last saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drops {
    pub(crate) records: u64,
    pub(crate) samples: u64,
}

/// The file, once it could be opened.
#[derive(Debug, Default)]
pub(crate) struct MemoryFile {
    file: Option<File>,
}

impl MemoryFile {
    /// What a process before this one left; `None` when there is nothing that can be believed.
    pub(crate) fn read(folder: &Folder) -> Option<Memory> {
        decode(&fs::read(folder.memory()).ok()?)
    }

    /// Replaces what it says, as far as the system's cache.
    fn write(&mut self, folder: &Folder, bytes: &[u8]) -> Result<(), Error> {
        let written = self.try_write(folder, bytes);
        if written.is_err() {
            // The next attempt opens it again.
            self.file = None;
        }
        written.map_err(Error::disk("write", &folder.memory()))
    }

    fn try_write(&mut self, folder: &Folder, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = private().create(true).open(folder.memory())?;
                self.file.insert(file)
            }
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(bytes)
    }

    /// After the folder was made anew, the open file is no longer in it.
    pub(crate) fn forget(&mut self) {
        self.file = None;
    }
}

impl Spool {
    /// Brings the file up to date. A failure is a state of the disk; the next change tries again.
    pub(crate) fn list_memory(&mut self) {
        if !self.memory_changed {
            return;
        }
        let bytes = self.encode_memory();
        let written = self.memory_file.write(&self.folder, &bytes);
        self.memory_changed = written.is_err();
        self.note_failure(&written);
    }

    fn encode_memory(&self) -> Vec<u8> {
        let mut listed = Vec::with_capacity(PAGE);
        listed.extend_from_slice(&self.state.instance.to_le_bytes());
        for number in [
            self.state.generation,
            self.next_sequence,
            self.unsaved_drops.records,
            self.unsaved_drops.samples,
        ] {
            varint::put(number, &mut listed);
        }
        let unsaved_lost = if self.lost_is_saved {
            &[]
        } else {
            self.state.lost.as_slice()
        };
        varint::put(unsaved_lost.len() as u64, &mut listed);
        for lost in unsaved_lost {
            lost.encode(&mut listed);
        }
        let records = self.index.range(self.first_in_memory..);
        let records = records.map(|(sequence, slot)| (*sequence, u64::from(slot.weight)));
        // What its owner has not appended yet belongs to the next record.
        let unrecorded = Some((self.next_sequence, self.unrecorded)).filter(|last| last.1 > 0);
        varint::put(
            (self.memory.len() + unrecorded.iter().len()) as u64,
            &mut listed,
        );
        let mut previous = 0;
        for (sequence, samples) in records.chain(unrecorded) {
            varint::put(sequence - previous, &mut listed);
            varint::put(samples, &mut listed);
            previous = sequence;
        }
        let mut out = file_header(MEMORY).to_vec();
        out.extend_from_slice(&(listed.len() as u64).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&listed).to_le_bytes());
        out.append(&mut listed);
        out.resize(out.len().max(PAGE), 0);
        out
    }
}

fn decode(input: &[u8]) -> Option<Memory> {
    chunk::version(input, MEMORY)?;
    let mut rest = input.get(FILE_HEADER_BYTES..)?;
    let length = usize::try_from(u64::from_le_bytes(take(&mut rest)?)).ok()?;
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    let mut rest = rest.get(..length)?;
    if crc32fast::hash(rest) != checksum {
        return None;
    }
    let input = &mut rest;
    let instance = u64::from_le_bytes(take(input)?);
    let mut memory = Memory {
        generation: varint::get(input)?,
        next_sequence: varint::get(input)?,
        dropped: Drops {
            records: varint::get(input)?,
            samples: varint::get(input)?,
        },
        lost: Vec::new(),
    };
    for _ in 0..varint::get(input)? {
        memory.lost.push(Lost::decode(input)?);
    }
    let mut sequence = 0_u64;
    for _ in 0..varint::get(input)? {
        sequence = sequence.checked_add(varint::get(input)?)?;
        memory.lost.push(Lost {
            instance,
            sequence: Sequence(sequence),
            samples: varint::get(input)?,
        });
    }
    input.is_empty().then_some(memory)
}
