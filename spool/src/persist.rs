//! From memory to disk: the one place where a record becomes durable.

use crate::{
    Error, Spool,
    queue::{Chunk, Place},
    writer::ChunkWriter,
};

/// Sequences reserved on disk at a time.
pub(crate) const RESERVED_SEQUENCES: u64 = 4096;

impl Spool {
    /// Writes to disk what is only in memory: records, acknowledgements, counts. After an error everything is as before,
    /// and a later call may succeed.
    pub fn persist(&mut self, now_unix_ms: Option<i64>) -> Result<(), Error> {
        let persisted = self.try_persist(now_unix_ms);
        self.note(&persisted);
        persisted
    }

    fn try_persist(&mut self, now_unix_ms: Option<i64>) -> Result<(), Error> {
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
}
