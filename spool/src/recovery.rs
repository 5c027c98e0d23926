//! Opening a folder: everything good in it is found, whatever happened to the rest.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use crate::{
    Entry, Error, Limits, Spool,
    chunk::{self, MAX_CHUNK_BYTES},
    folder::Folder,
    memory::MemoryFile,
    persist::RESERVED_SEQUENCES,
    queue::{Chunk, Place, Slot},
    state::{Found, State, random_instance},
};

impl Spool {
    /// Opens a folder, or makes it. Recovers what is there, record by record; [`Spool::stats`] says what was damaged.
    pub fn open(folder: &Path, limits: Limits, now_unix_ms: Option<i64>) -> Result<Self, Error> {
        let folder = Folder::open(folder)?;
        let found = State::read(&folder)?;
        let listing = folder.list()?;
        let had_state = matches!(found, Found::State(_));
        let is_damaged = matches!(found, Found::Damaged);
        let state = match found {
            Found::State(state) => state,
            Found::Absent | Found::Damaged => State::default(),
        };
        let memory = MemoryFile::read(&folder).unwrap_or_default();
        let mut spool = Self::empty(folder, limits, state);
        if had_state && memory.generation == spool.state.generation {
            spool.add_drops(memory.dropped.records, memory.dropped.samples);
        }
        if is_damaged {
            spool.corrupt_files += 1;
            // Only for inspection; it is replaced below in any case.
            let _ = fs::rename(spool.folder.state(), spool.folder.corrupt_state());
        }
        spool.corrupt = listing.corrupt.iter().copied().collect();
        let mut damaged = Vec::new();
        let mut highest = 0;
        let mut buffer = Vec::new();
        for (id, size) in &listing.chunks {
            highest = highest.max(spool.recover_chunk(*id, *size, &mut buffer, &mut damaged));
        }
        spool.count_damaged(&damaged);
        spool.find_lost(memory.lost);
        let numbers = listing.chunks.iter().chain(&listing.corrupt);
        let last_chunk = numbers.map(|(id, _)| *id).max().unwrap_or_default();
        spool.next_chunk = last_chunk.saturating_add(1);
        let above = if had_state {
            highest.saturating_add(1)
        } else {
            // Nobody knows what was reserved: as far above as a reservation goes.
            highest.saturating_add(if highest > 0 || is_damaged {
                1 + RESERVED_SEQUENCES
            } else {
                1
            })
        };
        // The number it would have given out next is that of what was not appended yet.
        let above = above.max(memory.next_sequence.saturating_add(1));
        spool.next_sequence = spool.state.reserved.max(above);
        spool.first_in_memory = spool.next_sequence;
        let saved = spool.save_state();
        spool.note(&saved);
        if saved.is_err() {
            // The next process would give out the same numbers.
            spool.state.instance = random_instance();
        }
        let removed = spool.remove_done_chunks();
        spool.note_failure(&removed);
        spool.keep_limits(now_unix_ms);
        spool.list_memory();
        Ok(spool)
    }

    /// Takes a chunk's good records into the queue; returns the highest number found, also of those done with.
    fn recover_chunk(
        &mut self,
        id: u64,
        size: u64,
        buffer: &mut Vec<u8>,
        damaged: &mut Vec<Entry>,
    ) -> u64 {
        let path = self.folder.chunk(id);
        if size > MAX_CHUNK_BYTES || read(&path, buffer).is_err() {
            // None of ours, or the disk does not give it: left alone, reported, and the rest goes on.
            self.corrupt_files += 1;
            return 0;
        }
        let found = chunk::scan(buffer);
        let length = buffer.len() as u64;
        if found.end < length && !found.is_corrupt {
            self.cut_bytes += length - found.end;
            // Appending never goes on in an old chunk, so it does no harm if the tail cannot be cut now.
            let _ = cut(&path, found.end);
        }
        self.corrupt_files += u64::from(found.is_corrupt);
        let good = found.good.iter().map(|(entry, _)| entry);
        let numbers = good.chain(&found.damaged).map(|entry| entry.sequence.0);
        let last = numbers.clone().max().unwrap_or_default();
        let mut chunk = Chunk {
            first: numbers.min().unwrap_or(u64::MAX),
            last,
            bytes: if found.is_corrupt { length } else { found.end },
            live: 0,
            is_corrupt: found.is_corrupt,
        };
        for (entry, offset) in found.good {
            let sequence = entry.sequence.0;
            // A record stands in two chunks when the sync of the first failed.
            if self.state.done.contains(sequence) || self.index.contains_key(&sequence) {
                continue;
            }
            let place = Place::Disk { chunk: id, offset };
            self.index.insert(sequence, Slot::new(&entry, place));
            self.samples += u64::from(entry.weight);
            chunk.live += 1;
        }
        self.chunks.insert(id, chunk);
        damaged.extend(found.damaged);
        last
    }

    /// Counts damaged records as dropped, once, unless they are done with or stand somewhere else.
    fn count_damaged(&mut self, damaged: &[Entry]) {
        let mut counted = BTreeSet::new();
        for entry in damaged {
            let sequence = entry.sequence.0;
            let is_lost =
                !self.state.done.contains(sequence) && !self.index.contains_key(&sequence);
            if is_lost && counted.insert(sequence) {
                self.add_drops(1, entry.weight.into());
                self.has_unsaved_drops_on_disk = true;
                self.state.done.insert(sequence);
            }
        }
    }
}

/// A whole file, in a buffer that is used again.
fn read(path: &Path, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    File::open(path)?.read_to_end(buffer)?;
    Ok(())
}

fn cut(path: &Path, length: u64) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}
