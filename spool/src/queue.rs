//! The queue itself: appending, acknowledging, looking, and staying within the limits.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
};

use crate::{
    Disk, Entry, Error, Limits, Record, Sequence, Stats,
    folder::Folder,
    record::{self, Decoded},
    state::State,
    writer::ChunkWriter,
};

/// Sequences reserved on disk at a time.
pub(crate) const RESERVED_SEQUENCES: u64 = 4096;
/// Damaged files kept for inspection.
const MAX_CORRUPT_FILES: usize = 4;

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
    writer: Option<ChunkWriter>,
    pub(crate) next_chunk: u64,
    pub(crate) next_sequence: u64,
    /// Records from this sequence on are in memory, those before on disk.
    pub(crate) first_in_memory: u64,
    pub(crate) state: State,
    /// The state differs from its file.
    pub(crate) state_changed: bool,
    memory_bytes: u64,
    /// Bytes in memory at which everything is written to disk.
    spill_at: u64,
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
        time_unix_ms: i64,
        weight: u32,
        bytes: Vec<u8>,
        now_unix_ms: i64,
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

    /// Writes to disk what is only in memory: records, acknowledgements, counts. After an error everything is as before,
    /// and a later call may succeed.
    pub fn persist(&mut self, now_unix_ms: i64) -> Result<(), Error> {
        let persisted = self.try_persist(now_unix_ms);
        self.note(&persisted);
        persisted
    }

    fn try_persist(&mut self, now_unix_ms: i64) -> Result<(), Error> {
        if !self.folder.is_there() {
            self.folder.make_anew()?;
            self.writer = None;
            self.state_changed = true;
            self.forget_missing_chunks();
        }
        self.keep_limits(now_unix_ms);
        // Each is tried even when another fails: deleting may be what makes the room for writing.
        let removed = self.remove_done_chunks();
        let written = self.write_memory_to_chunks();
        let saved = if self.state_changed {
            self.save_state()
        } else {
            Ok(())
        };
        self.spill_at = self.limits.spill_bytes;
        removed.and(written).and(saved)
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
            oldest_time_unix_ms: self.oldest().map(|entry| entry.time_unix_ms),
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

    /// Writes the records in memory, oldest first, chunk by chunk.
    fn write_memory_to_chunks(&mut self) -> Result<(), Error> {
        while let Some((_, slot)) = self.index.range(self.first_in_memory..).next() {
            let size = slot.entry.size();
            let mut writer = match self.writer.take() {
                Some(writer) if writer.length() + size <= self.limits.chunk_bytes() => writer,
                _ => {
                    let id = self.next_chunk;
                    self.next_chunk += 1;
                    ChunkWriter::create(&self.folder, id)?
                }
            };
            if let Err(error) = self.fill(&mut writer) {
                let id = writer.id;
                writer.abandon();
                let removed = self.remove_if_done(id);
                self.note_failure(&removed);
                return Err(error);
            }
            self.writer = Some(writer);
        }
        Ok(())
    }

    /// Writes as many records as the chunk has room for; into a new chunk at least one.
    fn fill(&mut self, writer: &mut ChunkWriter) -> Result<(), Error> {
        let mut places = Vec::new();
        for (sequence, slot) in self.index.range(self.first_in_memory..) {
            let Place::Memory(bytes) = &slot.place else {
                continue;
            };
            let is_full = writer.length() + slot.entry.size() > self.limits.chunk_bytes();
            if is_full && writer.has_records() {
                break;
            }
            places.push((*sequence, writer.buffer(&slot.entry, bytes)));
        }
        let Some((first, _)) = places.first().copied() else {
            return Ok(());
        };
        // Known before it is written: whatever becomes of it, the file is there.
        let chunk = self.chunks.entry(writer.id).or_insert(Chunk {
            first,
            bytes: 0,
            live: 0,
            is_corrupt: false,
        });
        writer.write_and_sync(&self.folder)?;
        chunk.bytes = writer.length();
        chunk.live += places.len() as u64;
        for (sequence, offset) in places {
            self.first_in_memory = sequence.saturating_add(1);
            if let Some(slot) = self.index.get_mut(&sequence) {
                self.memory_bytes -= slot.entry.size();
                slot.place = Place::Disk {
                    chunk: writer.id,
                    offset,
                };
            }
        }
        Ok(())
    }

    pub(crate) fn save_state(&mut self) -> Result<(), Error> {
        // What no chunk can hold need not be remembered.
        match self.chunks.values().map(|chunk| chunk.first).min() {
            Some(first) => self.state.done.remove_below(first),
            None => self.state.done.clear(),
        }
        let before = self.state.reserved;
        self.state.reserved = self.next_sequence.saturating_add(RESERVED_SEQUENCES);
        let saved = self.state.replace_and_sync(&self.folder);
        if saved.is_ok() {
            self.state_changed = false;
        } else {
            self.state.reserved = before;
        }
        saved
    }

    /// Drops what is too old, then the oldest while there is too much.
    pub(crate) fn keep_limits(&mut self, now_unix_ms: i64) {
        let age = i64::try_from(self.limits.age.as_millis()).unwrap_or(i64::MAX);
        let oldest_time = now_unix_ms.saturating_sub(age);
        let mut emptied = false;
        while let Some(entry) = self
            .oldest()
            .filter(|entry| entry.time_unix_ms < oldest_time)
        {
            emptied |= self.drop_record(entry.sequence.0);
        }
        while self.memory_bytes > self.limits.memory_bytes {
            let Some((&sequence, _)) = self.index.range(self.first_in_memory..).next() else {
                break;
            };
            self.drop_record(sequence);
        }
        while self.used_bytes() > self.limits.bytes {
            if self.remove_oldest_corrupt_file() {
                continue;
            }
            let Some(slot) = self.index.values().next() else {
                break;
            };
            match slot.place {
                Place::Memory(_) => emptied |= self.drop_record(slot.entry.sequence.0),
                Place::Disk { chunk, .. } => {
                    self.drop_all_in(chunk);
                    emptied = true;
                }
            }
        }
        if emptied {
            // The count before the deletion, so that a crash between them counts nothing twice and forgets nothing.
            let saved = self.save_state();
            self.note_failure(&saved);
            let removed = self.remove_done_chunks();
            self.note_failure(&removed);
        }
    }

    /// A file without waiting records is only waiting to be deleted, so it does not count.
    fn used_bytes(&self) -> u64 {
        let chunks = self.chunks.values().filter(|chunk| chunk.live > 0);
        self.memory_bytes
            + chunks.map(|chunk| chunk.bytes).sum::<u64>()
            + self.corrupt.values().sum::<u64>()
    }

    /// Removes a record from the queue, and remembers that it is done with.
    fn take_out(&mut self, sequence: u64) -> Option<Slot> {
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

    /// Drops and counts a record; true when its chunk is empty now.
    fn drop_record(&mut self, sequence: u64) -> bool {
        let Some(slot) = self.take_out(sequence) else {
            return false;
        };
        self.count_drop(slot.entry.weight);
        let Place::Disk { chunk, .. } = slot.place else {
            return false;
        };
        self.chunks.get(&chunk).is_some_and(|chunk| chunk.live == 0)
    }

    pub(crate) fn count_drop(&mut self, weight: u32) {
        self.state.dropped_records += 1;
        self.state.dropped_samples += u64::from(weight);
        self.state_changed = true;
    }

    fn drop_all_in(&mut self, chunk: u64) {
        let is_there =
            |slot: &Slot| matches!(slot.place, Place::Disk { chunk: at, .. } if at == chunk);
        let sequences: Vec<u64> = self
            .index
            .range(..self.first_in_memory)
            .filter(|(_, slot)| is_there(slot))
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in sequences {
            self.drop_record(sequence);
        }
    }

    /// Bytes that were good at open are not any more.
    fn drop_damaged(&mut self, sequence: u64, chunk: u64) {
        if let Some(chunk) = self
            .chunks
            .get_mut(&chunk)
            .filter(|chunk| !chunk.is_corrupt)
        {
            chunk.is_corrupt = true;
            self.corrupt_files += 1;
        }
        if self.drop_record(sequence) {
            let saved = self.save_state();
            self.note_failure(&saved);
            let removed = self.remove_done_chunks();
            self.note_failure(&removed);
        }
    }

    /// Somebody deleted files: what was in them is dropped and counted.
    fn forget_missing_chunks(&mut self) {
        let missing: Vec<u64> = self
            .chunks
            .keys()
            .filter(|id| !self.folder.chunk(**id).exists())
            .copied()
            .collect();
        for id in missing {
            self.drop_all_in(id);
            self.chunks.remove(&id);
            self.writer.take_if(|writer| writer.id == id);
        }
        let folder = &self.folder;
        self.corrupt.retain(|id, _| folder.corrupt(*id).exists());
    }

    pub(crate) fn remove_done_chunks(&mut self) -> Result<(), Error> {
        let done: Vec<u64> = self
            .chunks
            .iter()
            .filter(|(_, chunk)| chunk.live == 0)
            .map(|(id, _)| *id)
            .collect();
        done.into_iter()
            .try_for_each(|chunk| self.remove_if_done(chunk))
    }

    /// Deletes a chunk without waiting records; a damaged one is set aside instead.
    fn remove_if_done(&mut self, id: u64) -> Result<(), Error> {
        let Some(chunk) = self.chunks.get(&id).filter(|chunk| chunk.live == 0) else {
            return Ok(());
        };
        let path = self.folder.chunk(id);
        self.writer.take_if(|writer| writer.id == id);
        let removed = if chunk.is_corrupt {
            fs::rename(&path, self.folder.corrupt(id))
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Ok(()) if chunk.is_corrupt => {
                self.corrupt.insert(id, chunk.bytes);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::disk("delete", &path)(error));
            }
            _ => {}
        }
        self.chunks.remove(&id);
        self.state_changed = true;
        while self.corrupt.len() > MAX_CORRUPT_FILES && self.remove_oldest_corrupt_file() {}
        Ok(())
    }

    fn remove_oldest_corrupt_file(&mut self) -> bool {
        let Some((id, _)) = self.corrupt.pop_first() else {
            return false;
        };
        let path = self.folder.corrupt(id);
        let removed = fs::remove_file(&path).map_err(Error::disk("delete", &path));
        self.note_failure(&removed);
        true
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
