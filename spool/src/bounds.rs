//! Staying within the limits: what is dropped, how it is counted, and when a file is deleted.

use std::{fs, io};

use crate::{
    Error, Spool,
    queue::{Place, Slot},
};

/// Damaged files kept for inspection.
const MAX_CORRUPT_FILES: usize = 4;

impl Spool {
    /// Drops what is too old, then the oldest while there is too much.
    pub(crate) fn keep_limits(&mut self, now_unix_ms: Option<i64>) {
        let age = i64::try_from(self.limits.age.as_millis()).unwrap_or(i64::MAX);
        // Below every time there is, where nobody knows what is old.
        let oldest_time = now_unix_ms.map_or(i64::MIN, |now| now.saturating_sub(age));
        let mut emptied = false;
        while let Some(entry) = self
            .oldest()
            .filter(|entry| entry.time_unix_ms.is_some_and(|time| time < oldest_time))
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
    pub(crate) fn used_bytes(&self) -> u64 {
        let chunks = self.chunks.values().filter(|chunk| chunk.live > 0);
        self.memory_bytes
            + chunks.map(|chunk| chunk.bytes).sum::<u64>()
            + self.corrupt.values().sum::<u64>()
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
    pub(crate) fn drop_damaged(&mut self, sequence: u64, chunk: u64) {
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
    pub(crate) fn forget_missing_chunks(&mut self) {
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
    pub(crate) fn remove_if_done(&mut self, id: u64) -> Result<(), Error> {
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
}
