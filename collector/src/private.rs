//! Files that nobody but the collector may read: its key and its registry.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a folder, and those above it, for the owner alone. One that exists is left as it is.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for writing, for the owner alone from the first moment it exists.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a whole file so that after a power cut it is there whole or not at all.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_with(path, contents, |_| Ok(()))
}

/// Writes a whole file as [`write`] does, for the owner of another file, if that is there.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn write_like(path: &Path, contents: &[u8], other: &Path) -> io::Result<()> {
    write_with(path, contents, |file| give_to_owner_of(other, file))
}

#[cfg(unix)]
fn give_to_owner_of(other: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let owner = match fs::metadata(other) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        owner => owner?,
    };
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(not(unix))]
fn give_to_owner_of(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

fn write_with(
    path: &Path,
    contents: &[u8],
    prepare: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = Path::new(&unfinished);
    let mut file = create_file(unfinished)?;
    file.set_len(0)?;
    prepare(&file)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(unfinished, path)?;
    // The name is in the folder, which has to reach the disk as well.
    match path.parent().filter(|folder| *folder != Path::new("")) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
