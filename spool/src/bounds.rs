//! Staying within the limits: what is dropped, how it is counted, and when a file is deleted.

use std::{fs, io};

use crate::{
    Error, Sequence, Spool,
    queue::{Chunk, Place, Slot},
};

/// Damaged files kept for inspection.
const MAX_CORRUPT_FILES: usize = 4;

impl Spool {
    /// Drops what is too old, then the oldest while there is too much.
    ///
    /// Age is looked at now and then, and record by record: those of a clock that was wrong or of an unknown time do not
    /// shield what is behind them.
    pub(crate) fn keep_limits(&mut self, now_unix_ms: Option<i64>) {
        let mut emptied = now_unix_ms.is_some_and(|now| self.expire(now));
        while self.memory_bytes > self.limits.memory_bytes {
            let Some((&sequence, _)) = self.memory.first_key_value() else {
                break;
            };
            self.drop_record(sequence);
        }
        while self.used_bytes() > self.limits.bytes {
            if self.remove_oldest_corrupt_file() {
                continue;
            }
            let Some((&sequence, slot)) = self.index.first_key_value() else {
                break;
            };
            match slot.place {
                Place::Memory => emptied |= self.drop_record(sequence),
                Place::Disk { chunk, .. } => {
                    self.drop_all_in(chunk);
                    emptied = true;
                }
            }
        }
        if emptied {
            let removed = self.remove_done_chunks();
            self.note_failure(&removed);
        }
    }

    /// Drops what is too old; true when a chunk is empty now.
    fn expire(&mut self, now_unix_ms: i64) -> bool {
        let age = i64::try_from(self.limits.age.as_millis()).unwrap_or(i64::MAX);
        // Often enough for the age to hold within a thousandth, seldom enough to cost nothing.
        let pause = age.unsigned_abs() / 1024;
        let looked = self.expired_at.map(|then| now_unix_ms.abs_diff(then));
        if looked.is_some_and(|ago| ago < pause) {
            return false;
        }
        self.expired_at = Some(now_unix_ms);
        let oldest_time = now_unix_ms.saturating_sub(age);
        let waiting = self.index.iter();
        let times = waiting.map(|(sequence, slot)| (*sequence, slot.entry(*sequence).time_unix_ms));
        let old = times.filter(|(_, time)| time.is_some_and(|time| time < oldest_time));
        let old: Vec<u64> = old.map(|(sequence, _)| sequence).collect();
        let emptied = old.into_iter().map(|sequence| self.drop_record(sequence));
        emptied.fold(false, |any, emptied| any | emptied)
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
        let Place::Disk { chunk, .. } = slot.place else {
            self.add_unsaved_drops(1, slot.weight.into());
            return false;
        };
        self.add_drops(1, slot.weight.into());
        self.has_unsaved_drops_on_disk = true;
        self.chunks.get(&chunk).is_some_and(|chunk| chunk.live == 0)
    }

    /// Drops and counts a record that is of no use. False when it was not waiting (any more). A crash before the next
    /// [`Spool::persist`] may bring back what was on disk, and then its count did not happen either.
    pub fn discard(&mut self, sequence: Sequence) -> bool {
        let is_waiting = self.index.contains_key(&sequence.0);
        if self.drop_record(sequence.0) {
            let removed = self.remove_done_chunks();
            self.note_failure(&removed);
        }
        self.list_memory();
        is_waiting
    }

    fn drop_all_in(&mut self, id: u64) {
        let Some(chunk) = self.chunks.get(&id).filter(|chunk| chunk.live > 0) else {
            return;
        };
        let is_there =
            |slot: &Slot| matches!(slot.place, Place::Disk { chunk: at, .. } if at == id);
        let sequences: Vec<u64> = self
            .index
            .range(chunk.first..=chunk.last)
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
            let removed = self.remove_done_chunks();
            self.note_failure(&removed);
            self.list_memory();
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
            self.reader.take_if(|(open, _)| *open == id);
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
        let is_done = |chunk: &&Chunk| chunk.live == 0;
        if self.has_unsaved_drops_on_disk && self.chunks.get(&id).as_ref().is_some_and(is_done) {
            // The count before the deletion, so that a crash between them counts nothing twice and forgets nothing.
            let saved = self.save_state();
            self.note_failure(&saved);
        }
        let Some(chunk) = self.chunks.get(&id).filter(is_done) else {
            return Ok(());
        };
        let (first, last) = (chunk.first, chunk.last);
        let path = self.folder.chunk(id);
        self.writer.take_if(|writer| writer.id == id);
        self.reader.take_if(|(open, _)| *open == id);
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
        // A record stands in two chunks when the sync of the first failed.
        let mut others = self.chunks.values();
        if !others.any(|other| other.first <= last && first <= other.last) {
            self.state.done.remove_range(first, last);
        }
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
