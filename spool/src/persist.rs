//! From memory to disk: the one place where a record becomes durable.

use crate::{
    Error, Spool,
    memory::Drops,
    queue::{Chunk, Place},
    writer::ChunkWriter,
};

/// Sequences reserved on disk at a time.
///
/// Many: with a disk that takes nothing, a process can number this many records before a later one might repeat them.
pub(crate) const RESERVED_SEQUENCES: u64 = 1 << 20;

impl Spool {
    /// Writes to disk what is only in memory: records, acknowledgements, counts. After an error everything is as before,
    /// and a later call may succeed.
    pub fn persist(&mut self, now_unix_ms: Option<i64>) -> Result<(), Error> {
        let persisted = self.try_persist(now_unix_ms);
        self.note(&persisted);
        // After it: what a kill in between leaves listed is found on disk.
        self.list_memory();
        persisted
    }

    fn try_persist(&mut self, now_unix_ms: Option<i64>) -> Result<(), Error> {
        if !self.folder.is_there() {
            self.folder.make_anew()?;
            self.writer = None;
            self.reader = None;
            self.memory_file.forget();
            self.memory_changed = true;
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

    /// Writes the records in memory, oldest first, chunk by chunk.
    fn write_memory_to_chunks(&mut self) -> Result<(), Error> {
        while let Some((_, slot)) = self.index.range(self.first_in_memory..).next() {
            let size = slot.size();
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
        for (sequence, bytes) in &self.memory {
            let Some(slot) = self.index.get(sequence) else {
                continue;
            };
            let is_full = writer.length() + slot.size() > self.limits.chunk_bytes();
            if is_full && writer.has_records() {
                break;
            }
            places.push((*sequence, writer.buffer(&slot.entry(*sequence), bytes)));
        }
        let (Some((first, _)), Some((last, _))) = (places.first().copied(), places.last().copied())
        else {
            return Ok(());
        };
        // Known before it is written: whatever becomes of it, the file is there.
        let chunk = self.chunks.entry(writer.id).or_insert(Chunk {
            first,
            last,
            bytes: 0,
            live: 0,
            is_corrupt: false,
        });
        chunk.last = last;
        writer.write_and_sync(&self.folder)?;
        chunk.bytes = writer.length();
        chunk.live += places.len() as u64;
        self.memory_changed = true;
        for (sequence, offset) in places {
            self.first_in_memory = sequence.saturating_add(1);
            self.memory.remove(&sequence);
            if let Some(slot) = self.index.get_mut(&sequence) {
                self.memory_bytes -= slot.size();
                slot.place = Place::Disk {
                    chunk: writer.id,
                    offset,
                };
            }
        }
        Ok(())
    }

    pub(crate) fn save_state(&mut self) -> Result<(), Error> {
        let in_memory = self.memory.keys().next().copied();
        let first_in_memory = in_memory.unwrap_or(self.next_sequence);
        let on_disk = self.chunks.values().map(|chunk| chunk.first).min();
        // What neither a chunk can hold nor the file `memory` name need not be remembered.
        let oldest = first_in_memory.min(on_disk.unwrap_or(u64::MAX));
        self.state.done.remove_below(oldest);
        let before = (self.state.reserved, self.state.generation);
        self.state.reserved = self.next_sequence.saturating_add(RESERVED_SEQUENCES);
        self.state.generation = self.state.generation.wrapping_add(1);
        self.state.first_in_memory = first_in_memory;
        let saved = self.state.replace_and_sync(&self.folder);
        if saved.is_ok() {
            self.state_changed = false;
            self.lost_is_saved = true;
            self.unsaved_drops = Drops::default();
            self.has_unsaved_drops_on_disk = false;
            self.memory_changed = true;
        } else {
            (self.state.reserved, self.state.generation) = before;
        }
        saved
    }
}
