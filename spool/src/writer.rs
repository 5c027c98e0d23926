//! Appending to the chunk that is being filled.

use std::{fs::File, io::Write, path::PathBuf};

use crate::{
    Error,
    chunk::{CHUNK, FILE_HEADER_BYTES, file_header},
    folder::{Folder, private},
    record::{self, Entry},
};

/// Room kept for what is written next.
const KEPT_BYTES: usize = 256 << 10;

/// The chunk that is being filled. After an error it is not used again.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    pub(crate) id: u64,
    path: PathBuf,
    file: File,
    /// Bytes known to be on disk.
    synced: u64,
    buffer: Vec<u8>,
}

impl ChunkWriter {
    /// Makes the file. It has no header before the first sync.
    pub(crate) fn create(folder: &Folder, id: u64) -> Result<Self, Error> {
        let path = folder.chunk(id);
        let file = private().append(true).create_new(true).open(&path);
        let file = file.map_err(Error::disk("make", &path))?;
        Ok(Self {
            id,
            path,
            file,
            synced: 0,
            buffer: file_header(CHUNK).to_vec(),
        })
    }

    /// Length of the file once what is buffered is written.
    pub(crate) fn length(&self) -> u64 {
        self.synced + self.buffer.len() as u64
    }

    pub(crate) fn has_records(&self) -> bool {
        self.length() > FILE_HEADER_BYTES as u64
    }

    /// Adds a record to what the next sync writes, and says where it will stand.
    pub(crate) fn buffer(&mut self, entry: &Entry, bytes: &[u8]) -> u32 {
        let offset = u32::try_from(self.length()).unwrap_or(u32::MAX);
        record::encode(entry, bytes, &mut self.buffer);
        offset
    }

    /// Writes what is buffered; when this returns `Ok`, it survives a power cut.
    pub(crate) fn write_and_sync(&mut self, folder: &Folder) -> Result<(), Error> {
        let is_new = self.synced == 0;
        self.file
            .write_all(&self.buffer)
            .map_err(Error::disk("write", &self.path))?;
        self.file
            .sync_all()
            .map_err(Error::disk("sync", &self.path))?;
        if is_new {
            folder.sync()?;
        }
        self.synced = self.length();
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BYTES);
        Ok(())
    }

    /// Gives up what could not be written. If even this fails, recovery finds a torn tail or records it knows already.
    pub(crate) fn abandon(self) {
        let _ = self.file.set_len(self.synced);
    }
}
