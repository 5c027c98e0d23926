//! Settings files: read TOML and report every mistake at once, each with its file and line.
//!
//! ```
//! let file = settings::parse("agent.toml", "colector = 'a'\n\n[limits]\nspool_age = 'long'\n");
//! let root = file.root();
//! let collector = root.text("collector");
//! let spool_age = root.table("limits").duration("spool_age");
//! assert_eq!(
//!     file.finish().unwrap_err().to_string(),
//!     "agent.toml:1: unknown key \"colector\"; did you mean \"collector\"?\n\
//!      agent.toml:4: limits.spool_age must be a duration such as \"15s\", \"5m\", \"1h30m\" or \"7d\""
//! );
//! assert!(collector.is_none() && spool_age.is_none());
//! ```
//!
//! Each read of a key gives `None` when the key is absent *or* wrong; what is wrong is kept by the [`File`], and
//! [`File::finish`] returns all of it, sorted by line. So a program reads every key it knows, puts its defaults where it got
//! `None`, and starts only when `finish` was good. What was read is what is known: a key nobody asked for is a mistake.
//!
//! **Messages never repeat a value**, only keys, places and what was expected: so no password can reach a log this way.
//!
//! Deliberately absent: environment variables, merging of several files, writing, dates (nothing needs one). Defaults and
//! meaning belong to the caller; what only the caller can judge it reports with [`Table::mistake_at`].

mod mistakes;
mod syntax;
mod table;
mod units;

use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
};

pub use mistakes::{Mistake, Mistakes};
pub use table::Table;

/// Why a settings file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file. Whether that matters is the caller's decision.
    #[error("there is no settings file {}", path.display())]
    NotFound {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file is there, but the system does not give it, or it is not UTF-8 text.
    #[error("cannot read the settings file {}", path.display())]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads a settings file. Mistakes in its text are kept for [`File::finish`].
pub fn read(path: &Path) -> Result<File, ReadError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&path.display().to_string(), &text)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(ReadError::NotFound { path: path.into() })
        }
        Err(source) => Err(ReadError::Unreadable {
            path: path.into(),
            source,
        }),
    }
}

/// Reads settings from text; `name` is how messages call it. `parse(name, "")` is the file that sets nothing.
pub fn parse(name: &str, text: &str) -> File {
    let (root, mistakes) = syntax::parse(text);
    File {
        name: name.to_owned(),
        has_syntax_mistakes: !mistakes.is_empty(),
        root,
        mistakes: RefCell::new(mistakes),
    }
}

/// A settings file while it is being read, with the mistakes found so far.
#[derive(Debug)]
pub struct File {
    name: String,
    root: syntax::Section,
    mistakes: RefCell<Vec<Mistake>>,
    /// Lines were skipped, so an absent key may be no mistake of its own.
    has_syntax_mistakes: bool,
}

impl File {
    /// The top of the file.
    pub fn root(&self) -> Table<'_> {
        Table::root(self)
    }

    /// Adds the unknown keys and returns everything that is wrong, sorted by line.
    pub fn finish(self) -> Result<(), Mistakes> {
        let mut mistakes = self.mistakes.into_inner();
        self.root.report_unknown_keys("", &mut mistakes);
        if mistakes.is_empty() {
            return Ok(());
        }
        mistakes.sort_by_key(|mistake| mistake.line);
        Err(Mistakes {
            file: self.name,
            mistakes,
        })
    }

    pub(crate) fn record(&self, line: usize, message: String) {
        self.mistakes.borrow_mut().push(Mistake { line, message });
    }
}
