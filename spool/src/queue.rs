//! The queue itself: appending, acknowledging, looking and reading.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use crate::{
    Disk, Entry, Error, Limits, Record, Sequence, Stats,
    folder::Folder,
    record::{self, Decoded},
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
    /// Every chunk file we know, also those that could not be deleted yet.
    pub(crate) chunks: BTreeMap<u64, Chunk>,
    /// Damaged files kept for inspection, with their sizes.
    pub(crate) corrupt: BTreeMap<u64, u64>,
    pub(crate) writer: Option<ChunkWriter>,
    pub(crate) next_chunk: u64,
    pub(crate) next_sequence: u64,
    /// Records from this sequence on are in memory, those before on disk.
    pub(crate) first_in_memory: u64,
    pub(crate) state: State,
    /// The state differs from its file.
    pub(crate) state_changed: bool,
    pub(crate) memory_bytes: u64,
    /// Bytes in memory at which everything is written to disk.
    pub(crate) spill_at: u64,
    pub(crate) samples: u64,
    pub(crate) corrupt_files: u64,
    pub(crate) cut_bytes: u64,
    disk: Disk,
}

/// A waiting record and where its bytes are.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) entry: Entry,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Place {
    Memory(Vec<u8>),
    Disk { chunk: u64, offset: u64 },
}

/// A chunk file.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The lowest sequence ever written to it.
    pub(crate) first: u64,
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
            chunks: BTreeMap::new(),
            corrupt: BTreeMap::new(),
            writer: None,
            next_chunk: 1,
            next_sequence: 1,
            first_in_memory: 1,
            state,
            state_changed: false,
            memory_bytes: 0,
            spill_at: limits.spill_bytes,
            samples: 0,
            corrupt_files: 0,
            cut_bytes: 0,
            disk: Disk::Good,
        }
    }

    /// Takes a record: `weight` samples, the oldest of them at `time_unix_ms`. It is in memory afterwards, or on disk when
    /// memory ran out. What the disk does wrong meanwhile shows in [`Spool::stats`]; the record is taken all the same.
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
        let place = Place::Memory(bytes);
        self.index.insert(entry.sequence.0, Slot { entry, place });
        if self.memory_bytes > self.spill_at {
            // A failure is in the state; the next attempt waits until there is noticeably more to write.
            let _ = self.persist(now_unix_ms);
            self.spill_at = self.limits.spill_bytes.max(self.memory_bytes) + self.memory_bytes / 8;
        }
        self.keep_limits(now_unix_ms);
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
        true
    }

    /// The oldest waiting record.
    pub fn oldest(&self) -> Option<Entry> {
        self.index.values().next().map(|slot| slot.entry)
    }

    /// The newest waiting record.
    pub fn newest(&self) -> Option<Entry> {
        self.index.values().next_back().map(|slot| slot.entry)
    }

    /// The next waiting record that is newer than `sequence`.
    pub fn after(&self, sequence: Sequence) -> Option<Entry> {
        let above = sequence.0.checked_add(1)?;
        self.index.range(above..).next().map(|(_, slot)| slot.entry)
    }

    /// The next waiting record that is older than `sequence`.
    pub fn before(&self, sequence: Sequence) -> Option<Entry> {
        let (_, slot) = self.index.range(..sequence.0).next_back()?;
        Some(slot.entry)
    }

    /// A waiting record with its bytes. `None` when it is not waiting (any more), also when its bytes turn out to be damaged
    /// or deleted: then it is counted as dropped, and reading goes on with [`Spool::after`]. On an error it stays.
    pub fn read(&mut self, sequence: Sequence) -> Result<Option<Record>, Error> {
        let Some(Slot { entry, place }) = self.index.get(&sequence.0) else {
            return Ok(None);
        };
        let entry = *entry;
        let (chunk, bytes) = match place {
            Place::Memory(bytes) => return Ok(Some(record_of(entry, bytes.clone()))),
            Place::Disk { chunk, offset } => (*chunk, self.read_bytes(*chunk, *offset, &entry)),
        };
        match bytes {
            Ok(Some(bytes)) => Ok(Some(record_of(entry, bytes))),
            Ok(None) => {
                self.drop_damaged(sequence.0, chunk);
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.folder.is_there() => {
                self.forget_missing_chunks();
                Ok(None)
            }
            Err(error) => Err(Error::disk("read", &self.folder.chunk(chunk))(error)),
        }
    }

    /// How much is here, and what happened so far.
    pub fn stats(&self) -> Stats {
        Stats {
            records: self.index.len() as u64,
            records_in_memory: self.index.range(self.first_in_memory..).count() as u64,
            samples: self.samples,
            bytes: self.used_bytes(),
            oldest_time_unix_ms: self.oldest().and_then(|entry| entry.time_unix_ms),
            dropped_records: self.state.dropped_records,
            dropped_samples: self.state.dropped_samples,
            corrupt_files: self.corrupt_files,
            cut_bytes: self.cut_bytes,
            disk: self.disk,
        }
    }

    /// `None` when the bytes there are not this record.
    fn read_bytes(&self, chunk: u64, offset: u64, entry: &Entry) -> io::Result<Option<Vec<u8>>> {
        let mut file = File::open(self.folder.chunk(chunk))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(entry.size()).read_to_end(&mut bytes)?;
        Ok(match record::decode(&bytes) {
            Decoded::Good(found, payload) if found == *entry => Some(payload.to_vec()),
            _ => None,
        })
    }

    /// Removes a record from the queue, and remembers that it is done with.
    pub(crate) fn take_out(&mut self, sequence: u64) -> Option<Slot> {
        let slot = self.index.remove(&sequence)?;
        self.samples -= u64::from(slot.entry.weight);
        match &slot.place {
            Place::Memory(_) => self.memory_bytes -= slot.entry.size(),
            Place::Disk { chunk, .. } => {
                if let Some(chunk) = self.chunks.get_mut(chunk) {
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

fn record_of(entry: Entry, bytes: Vec<u8>) -> Record {
    Record {
        sequence: entry.sequence,
        time_unix_ms: entry.time_unix_ms,
        weight: entry.weight,
        bytes,
    }
}
