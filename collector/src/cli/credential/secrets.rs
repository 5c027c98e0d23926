//! Where secrets come from: a person at a terminal, who is asked and not shown what is typed; a pipe; a
//! file. One a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use proto::plan::Secret;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

/// More than all secrets of one credential; a device file has no end.
const MOST: u64 = 4096;

/// Somewhere to read secrets from.
pub(super) enum Source {
    Person,
    Lines(Box<dyn BufRead>),
}

impl Source {
    /// A file, or whatever stdin is.
    pub(super) fn open(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else {
            if io::stdin().is_terminal() {
                return Ok(Self::Person);
            }
            return Ok(Self::Lines(Box::new(BufReader::new(
                io::stdin().take(MOST),
            ))));
        };
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::Lines(Box::new(BufReader::new(file.take(MOST)))))
    }

    /// The next secret.
    pub(super) fn secret(&mut self, what: &str) -> anyhow::Result<Secret> {
        let mut line = String::new();
        let read = match self {
            Self::Person => {
                let _hidden = Hidden::from_sight();
                // Who cannot see it can answer all the same.
                let _ = write!(io::stderr(), "{what}: ");
                let read = io::stdin().read_line(&mut line);
                let _ = writeln!(io::stderr());
                read
            }
            Self::Lines(lines) => lines.read_line(&mut line),
        };
        read.context("cannot read the secret")?;
        let secret = line.trim_end_matches(['\n', '\r']);
        if secret.is_empty() {
            bail!(
                "{what} is missing: type it, or write it on a line of its own into the pipe or file"
            );
        }
        Ok(Secret(secret.to_owned()))
    }
}

/// While it lives, a terminal does not show what is typed.
struct Hidden(Option<Termios>);

impl Hidden {
    fn from_sight() -> Self {
        let before = termios::tcgetattr(io::stdin()).ok();
        if let Some(mut modes) = before.clone() {
            modes.local_modes.remove(LocalModes::ECHO);
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &modes);
        }
        Self(before)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
