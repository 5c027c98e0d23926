//! Files that only the agent may read, replaced whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Why a file of the data folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {}: is its folder there, writable, and not full?", path.display())]
pub struct StorageError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Makes a folder, and those above it, for its owner alone; one that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Makes a folder that is nobody else's business, also when it is there already.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    make_folder(path)?;
    set_mode(path, 0o700)
}

/// Opens a file for writing, made if missing. Nobody but its owner can open it, so nobody else can
/// lock it.
///
/// # Errors
/// When it can be neither opened nor made.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    set_mode(path, 0o600)?;
    Ok(file)
}

/// Where there are no modes, files inherit the rights of their folder.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let is_so = std::fs::metadata(path)?.permissions().mode() & 0o777 == mode;
        if !is_so {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

/// Replaces a file so that a crash leaves either the old content or the new one. Readable by its
/// owner alone.
///
/// # Errors
/// When the folder is missing, not writable or full; the old content is still there then.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), StorageError> {
    let write = || {
        let folder = folder_of(path);
        let file = write_beside(folder, content)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(folder)
    };
    write().map_err(|source| StorageError {
        path: path.to_owned(),
        source,
    })
}

/// As [`replace`], but a power cut may leave the file empty: for what is written again soon and must
/// not wear out a flash disk.
///
/// # Errors
/// As [`replace`].
pub fn replace_lazily(path: &Path, content: &[u8]) -> Result<(), StorageError> {
    let write = || {
        write_beside(folder_of(path), content)?.persist(path)?;
        Ok(())
    };
    write().map_err(|source| StorageError {
        path: path.to_owned(),
        source,
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// A temporary file has mode 0600.
fn write_beside(folder: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    Ok(file)
}

/// A rename is durable once its folder is. Where folders cannot be opened, the system sees to it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_replaced_whole_and_private() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        replace(&path, b"first").expect("written");
        replace(&path, b"second").expect("replaced");
        assert_eq!(std::fs::read(&path).expect("there"), b"second");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = replace(Path::new("/nonexistent/file"), b"").expect_err("no such folder");
        assert!(error.to_string().contains("/nonexistent/file"), "{error}");
    }
}
