//! The queue itself: appending, acknowledging, looking and reading.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use crate::{
    Disk, Entry, Error, Limits, Record, Sequence, Stats,
    folder::Folder,
    memory::{Drops, LISTED_RECORDS, MemoryFile},
    record::{self, Decoded, HEADER_BYTES},
    state::State,
    writer::ChunkWriter,
};

/// A durable, bounded queue in one folder. See the crate's documentation for what it promises.
///
/// Dropping it writes nothing: call [`Spool::persist`] before.
#[derive(Debug)]
pub struct Spool {
    pub(crate) folder: Folder,
    pub(crate) limits: Limits,
    /// Every record that waits.
    pub(crate) index: BTreeMap<u64, Slot>,
    /// Bytes of the waiting records that are in memory.
    pub(crate) memory: BTreeMap<u64, Vec<u8>>,
    /// Every chunk file we know, also those that could not be deleted yet.
    pub(crate) chunks: BTreeMap<u64, Chunk>,
    /// Damaged files kept for inspection, with their sizes.
    pub(crate) corrupt: BTreeMap<u64, u64>,
    pub(crate) writer: Option<ChunkWriter>,
    /// The chunk that was read last.
    pub(crate) reader: Option<(u64, File)>,
    pub(crate) next_chunk: u64,
    pub(crate) next_sequence: u64,
    /// Records from this sequence on are in memory, those before on disk.
    pub(crate) first_in_memory: u64,
    pub(crate) state: State,
    /// The state differs from its file.
    pub(crate) state_changed: bool,
    pub(crate) memory_bytes: u64,
    pub(crate) memory_file: MemoryFile,
    /// What the file `memory` says is not how it is.
    pub(crate) memory_changed: bool,
    /// Samples that the owner has not appended yet.
    pub(crate) unrecorded: u64,
    /// In the state, but not in its file.
    pub(crate) unsaved_drops: Drops,
    /// Of records on disk: a crash brings them back, and their count must not come with them.
    pub(crate) has_unsaved_drops_on_disk: bool,
    /// What is lost is in the state's file.
    pub(crate) lost_is_saved: bool,
    /// When it was last looked for records that are too old, by the caller's clock.
    pub(crate) expired_at: Option<i64>,
    /// Bytes in memory at which everything is written to disk.
    pub(crate) spill_at: u64,
    pub(crate) samples: u64,
    pub(crate) corrupt_files: u64,
    pub(crate) cut_bytes: u64,
    disk: Disk,
}

/// A waiting record and where its bytes are. There may be very many, so it is small.
#[derive(Debug)]
pub(crate) struct Slot {
    /// As it is written.
    time_unix_ms: i64,
    pub(crate) weight: u32,
    length: u32,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Memory,
    Disk { chunk: u64, offset: u32 },
}

impl Slot {
    pub(crate) fn new(entry: &Entry, place: Place) -> Self {
        Self {
            time_unix_ms: record::written_time(entry.time_unix_ms),
            weight: entry.weight,
            length: entry.length,
            place,
        }
    }

    pub(crate) fn entry(&self, sequence: u64) -> Entry {
        Entry {
            sequence: Sequence(sequence),
            time_unix_ms: record::known_time(self.time_unix_ms),
            weight: self.weight,
            length: self.length,
        }
    }

    /// Header and bytes.
    pub(crate) fn size(&self) -> u64 {
        self.entry(0).size()
    }
}

/// A chunk file.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The lowest and the highest sequence ever written to it.
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) bytes: u64,
    /// Records in it that wait. At none, the file goes.
    pub(crate) live: u64,
    pub(crate) is_corrupt: bool,
}

impl Spool {
    /// An empty queue over a locked folder, for recovery to fill.
    pub(crate) fn empty(folder: Folder, limits: Limits, state: State) -> Self {
        Self {
            folder,
            limits,
            index: BTreeMap::new(),
            memory: BTreeMap::new(),
            chunks: BTreeMap::new(),
            corrupt: BTreeMap::new(),
            writer: None,
            reader: None,
            next_chunk: 1,
            next_sequence: 1,
            first_in_memory: 1,
            state,
            state_changed: false,
            memory_bytes: 0,
            memory_file: MemoryFile::default(),
            memory_changed: true,
            unrecorded: 0,
            unsaved_drops: Drops::default(),
            has_unsaved_drops_on_disk: false,
            lost_is_saved: false,
            expired_at: None,
            spill_at: limits.spill_bytes,
            samples: 0,
            corrupt_files: 0,
            cut_bytes: 0,
            disk: Disk::Good,
        }
    }

    /// Names the numbers of this folder: [`Sequence`] and this together are given out once, ever. It is random, and
    /// another one from the open on at which the folder was new, its state was lost, or numbers could not be reserved. So
    /// a record is best known to its receiver by what its owner wrote into it when it was appended.
    pub fn instance(&self) -> u64 {
        self.state.instance
    }

    /// Takes a record: `weight` samples, the oldest of them at `time_unix_ms`, `None` when nobody knows: such a record
    /// never is too old. It is in memory afterwards, or on disk when memory ran out. What the disk does wrong meanwhile
    /// shows in [`Spool::stats`]; the record is taken all the same. Without `now_unix_ms` nothing is too old.
    pub fn append(
        &mut self,
        time_unix_ms: Option<i64>,
        weight: u32,
        bytes: Vec<u8>,
        now_unix_ms: Option<i64>,
    ) -> Result<Sequence, Error> {
        let entry = Entry {
            sequence: Sequence(self.next_sequence),
            time_unix_ms,
            weight,
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        if entry.size() > self.limits.record_bytes() {
            return Err(Error::TooLarge {
                bytes: entry.size(),
                limit: self.limits.record_bytes(),
            });
        }
        if self.next_sequence >= self.state.reserved {
            let saved = self.save_state();
            self.note(&saved);
        }
        self.next_sequence = self.next_sequence.saturating_add(1);
        self.memory_bytes += entry.size();
        self.samples += u64::from(weight);
        let slot = Slot::new(&entry, Place::Memory);
        self.index.insert(entry.sequence.0, slot);
        self.memory.insert(entry.sequence.0, bytes);
        // The file names these samples as not appended until it names them as this record.
        self.unrecorded = self.unrecorded.saturating_sub(u64::from(weight));
        self.memory_changed = true;
        let fills_the_list = self.memory.len() >= LISTED_RECORDS && self.disk == Disk::Good;
        if self.memory_bytes > self.spill_at || fills_the_list {
            // A failure is in the state; the next attempt waits until there is noticeably more to write.
            let _ = self.persist(now_unix_ms);
            self.spill_at = self.limits.spill_bytes.max(self.memory_bytes) + self.memory_bytes / 8;
        }
        self.keep_limits(now_unix_ms);
        self.list_memory();
        Ok(entry.sequence)
    }

    /// The receiver has this record for good: forget it. False when it was not waiting (any more).
    pub fn ack(&mut self, sequence: Sequence) -> bool {
        let Some(slot) = self.take_out(sequence.0) else {
            return false;
        };
        if let Place::Disk { chunk, .. } = slot.place {
            let removed = self.remove_if_done(chunk);
            self.note_failure(&removed);
        }
        // Until this, a kill leaves it listed as lost; its receiver will say that it arrived.
        self.list_memory();
        true
    }

    /// The oldest waiting record.
    pub fn oldest(&self) -> Option<Entry> {
        self.index.iter().next().map(waiting)
    }

    /// The oldest waiting record that a crash would lose.
    pub fn oldest_in_memory(&self) -> Option<Entry> {
        self.index.range(self.first_in_memory..).next().map(waiting)
    }

    /// The newest waiting record.
    pub fn newest(&self) -> Option<Entry> {
        self.index.iter().next_back().map(waiting)
    }

    /// The next waiting record that is newer than `sequence`.
    pub fn after(&self, sequence: Sequence) -> Option<Entry> {
        let above = sequence.0.checked_add(1)?;
        self.index.range(above..).next().map(waiting)
    }

    /// The next waiting record that is older than `sequence`.
    pub fn before(&self, sequence: Sequence) -> Option<Entry> {
        self.index.range(..sequence.0).next_back().map(waiting)
    }

    /// A waiting record with its bytes. `None` when it is not waiting (any more), also when its bytes turn out to be damaged
    /// or deleted: then it is counted as dropped, and reading goes on with [`Spool::after`]. On an error it stays.
    pub fn read(&mut self, sequence: Sequence) -> Result<Option<Record>, Error> {
        let Some(slot) = self.index.get(&sequence.0) else {
            return Ok(None);
        };
        let entry = slot.entry(sequence.0);
        let Place::Disk { chunk, offset } = slot.place else {
            let bytes = self.memory.get(&sequence.0).cloned();
            return Ok(bytes.map(|bytes| record_of(entry, bytes)));
        };
        match self.read_bytes(chunk, offset, &entry) {
            Ok(Some(bytes)) => Ok(Some(record_of(entry, bytes))),
            Ok(None) => {
                self.drop_damaged(sequence.0, chunk);
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.folder.is_there() => {
                self.forget_missing_chunks();
                self.list_memory();
                Ok(None)
            }
            Err(error) => Err(Error::disk("read", &self.folder.chunk(chunk))(error)),
        }
    }

    /// How much is here, and what happened so far.
    pub fn stats(&self) -> Stats {
        Stats {
            records: self.index.len() as u64,
            records_in_memory: self.memory.len() as u64,
            samples: self.samples,
            bytes: self.used_bytes(),
            oldest_time_unix_ms: self.oldest().and_then(|entry| entry.time_unix_ms),
            dropped_records: self.state.dropped_records,
            dropped_samples: self.state.dropped_samples,
            lost_samples: self.state.lost.iter().map(|lost| lost.samples).sum(),
            corrupt_files: self.corrupt_files,
            cut_bytes: self.cut_bytes,
            disk: self.disk,
        }
    }

    /// `None` when the bytes there are not this record.
    fn read_bytes(
        &mut self,
        chunk: u64,
        offset: u32,
        entry: &Entry,
    ) -> io::Result<Option<Vec<u8>>> {
        let file = match self.reader.take() {
            Some((open, file)) if open == chunk => file,
            _ => File::open(self.folder.chunk(chunk))?,
        };
        // Neighbours are read one after the other: the file stays open for the next, unless it failed.
        let (_, file) = self.reader.insert((chunk, file));
        let mut bytes = Vec::with_capacity(HEADER_BYTES + entry.length as usize);
        let read = file
            .seek(SeekFrom::Start(offset.into()))
            .and_then(|_| file.take(entry.size()).read_to_end(&mut bytes));
        if let Err(error) = read {
            self.reader = None;
            return Err(error);
        }
        let is_right = matches!(record::decode(&bytes), Decoded::Good(found, _) if found == *entry);
        Ok(is_right.then(|| bytes.split_off(HEADER_BYTES)))
    }

    /// Removes a record from the queue, and remembers that it is done with.
    pub(crate) fn take_out(&mut self, sequence: u64) -> Option<Slot> {
        let slot = self.index.remove(&sequence)?;
        self.samples -= u64::from(slot.weight);
        match slot.place {
            Place::Memory => {
                self.memory.remove(&sequence);
                self.memory_bytes -= slot.size();
                self.memory_changed = true;
            }
            Place::Disk { chunk, .. } => {
                if let Some(chunk) = self.chunks.get_mut(&chunk) {
                    chunk.live -= 1;
                }
            }
        }
        self.state.done.insert(sequence);
        self.state_changed = true;
        Some(slot)
    }

    pub(crate) fn note(&mut self, outcome: &Result<(), Error>) {
        self.disk = match outcome {
            Ok(()) => Disk::Good,
            Err(error) => error.disk_state(),
        };
    }

    /// For a step that proves little when it works.
    pub(crate) fn note_failure(&mut self, outcome: &Result<(), Error>) {
        if outcome.is_err() {
            self.note(outcome);
        }
    }
}

fn waiting((sequence, slot): (&u64, &Slot)) -> Entry {
    slot.entry(*sequence)
}

fn record_of(entry: Entry, bytes: Vec<u8>) -> Record {
    Record {
        sequence: entry.sequence,
        time_unix_ms: entry.time_unix_ms,
        weight: entry.weight,
        bytes,
    }
}
