//! The file of what Alertmanager was told: all of it, replaced as a whole when an alert begins or ends, which is seldom.
//!
//! A file that cannot be read costs no more than a name: what is open is told anew, what ended meanwhile ends by itself in
//! Alertmanager. So it is set aside, and the collector starts.

use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::book::Book;
use crate::private;

/// In the data folder.
const FILE: &str = "alerts.json";

/// Where the book is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    path: PathBuf,
}

impl Kept {
    pub(super) fn within(data: &Path) -> Self {
        Self {
            path: data.join(FILE),
        }
    }

    /// What was written last; nothing when there is nothing to read.
    pub(super) fn read(&self) -> Book {
        let error = match std::fs::read(&self.path) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(book) => return book,
                Err(error) => io::Error::from(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Book::default(),
            Err(error) => error,
        };
        let aside = self.path.with_extension("damaged");
        // When even that fails, it is replaced by the next alert.
        let _ = std::fs::rename(&self.path, &aside);
        warn!(%error, file = %self.path.display(), "What Alertmanager was told cannot be read; set aside, and \
            told anew.");
        Book::default()
    }

    pub(super) fn write(&self, book: &Book) -> io::Result<()> {
        private::write(&self.path, &serde_json::to_vec(book)?)
    }
}
