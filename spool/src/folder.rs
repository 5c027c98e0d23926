//! The folder of a spool: its lock, its names, and making changes to it durable.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    Error, FORMAT_VERSION,
    chunk::{self, CHUNK, FILE_HEADER_BYTES, Kind, MEMORY, STATE},
};

const LOCK: &str = "lock";

/// A folder that is ours alone while this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Closing it opens the lock.
    _lock: File,
}

/// The chunk files of a folder by number, with their sizes.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) chunks: Vec<(u64, u64)>,
    pub(crate) corrupt: Vec<(u64, u64)>,
}

impl Folder {
    /// Makes the folder if need be, refuses one of a newer version before touching it, and takes the lock.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(Error::disk("make the folder", path))?;
        refuse_newer_version(path)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock(path)?,
        })
    }

    /// Whether the folder is still where it was.
    pub(crate) fn is_there(&self) -> bool {
        self.path.join(LOCK).exists()
    }

    /// Makes a vanished folder anew and locks it.
    pub(crate) fn make_anew(&mut self) -> Result<(), Error> {
        *self = Self::open(&self.path)?;
        Ok(())
    }

    pub(crate) fn chunk(&self, id: u64) -> PathBuf {
        self.path.join(format!("{id:016}.chunk"))
    }

    pub(crate) fn corrupt(&self, id: u64) -> PathBuf {
        self.path.join(format!("{id:016}.corrupt"))
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    pub(crate) fn new_state(&self) -> PathBuf {
        self.path.join("state.new")
    }

    pub(crate) fn corrupt_state(&self) -> PathBuf {
        self.path.join("state.corrupt")
    }

    pub(crate) fn memory(&self) -> PathBuf {
        self.path.join("memory")
    }

    /// What is there, in the order of the numbers.
    pub(crate) fn list(&self) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        for file in fs::read_dir(&self.path).map_err(Error::disk("read the folder", &self.path))? {
            let file = file.map_err(Error::disk("read the folder", &self.path))?;
            let path = file.path();
            let Some(id) = number(&path) else { continue };
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("chunk") => listing.chunks.push((id, size)),
                Some("corrupt") => listing.corrupt.push((id, size)),
                _ => {}
            }
        }
        listing.chunks.sort_unstable();
        listing.corrupt.sort_unstable();
        Ok(listing)
    }

    /// Makes files that were made, renamed or removed here stay so after a power cut.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        sync_folder(&self.path).map_err(Error::disk("sync the folder", &self.path))
    }
}

/// To write a file that only its owner reads: what waits is nobody else's business.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock(path: &Path) -> Result<File, Error> {
    let file_path = path.join(LOCK);
    // An existing file is enough to lock, so a spool on a disk that is full or read-only can still be read.
    let file = File::open(&file_path)
        .or_else(|_| {
            let mut options = private();
            options.create(true).truncate(false).open(&file_path)
        })
        .map_err(Error::disk("open", &file_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            folder: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::disk("lock", &file_path)(source)),
    }
}

fn refuse_newer_version(path: &Path) -> Result<(), Error> {
    for file in fs::read_dir(path).map_err(Error::disk("read the folder", path))? {
        let path = file.map_err(Error::disk("read the folder", path))?.path();
        let is_chunk = path
            .extension()
            .is_some_and(|extension| extension == "chunk");
        let kind = match path.file_name().and_then(|name| name.to_str()) {
            Some("state") => STATE,
            Some("memory") => MEMORY,
            _ if is_chunk => CHUNK,
            _ => continue,
        };
        // A file that cannot be read says nothing of its version; recovery reports it.
        match version_of(&path, kind) {
            Ok(Some(found)) if found > FORMAT_VERSION => {
                return Err(Error::NewerVersion {
                    path,
                    found,
                    known: FORMAT_VERSION,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

fn version_of(path: &Path, kind: Kind) -> io::Result<Option<u32>> {
    let mut header = [0; FILE_HEADER_BYTES];
    File::open(path)?.read_exact(&mut header)?;
    Ok(chunk::version(&header, kind))
}

/// The number in a name such as `0000000000000042.chunk`.
fn number(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    let is_ours = stem.len() >= 16 && stem.bytes().all(|byte| byte.is_ascii_digit());
    is_ours.then(|| stem.parse().ok())?
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a folder cannot be opened to be synced, and the file system journals its names.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
