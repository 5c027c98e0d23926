//! A province whose truth is known: who is there, what became known of it, what really happened.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use diagnosis::calendar::Centre;
use diagnosis::record::{Line, Record};

use super::labels::{self, Label, Opening};

/// What can be judged.
pub(crate) trait Province {
    /// The centres that are watched.
    fn centres(&self) -> Vec<Centre>;

    /// What became known next, in the order of arrival; nothing at the end.
    fn next(&mut self) -> anyhow::Result<Option<Record>>;

    /// What happened. Asked when there are no more records.
    fn truth(&mut self) -> anyhow::Result<(Vec<Label>, Vec<Opening>)>;
}

/// A folder as `dawnwatch simulate --replay` writes it: centres.csv, evidence.jsonl, labels.jsonl, openings.jsonl.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    centres: Vec<Centre>,
    evidence: BufReader<File>,
    text: String,
    line: u64,
    /// Records of a line that were not given yet, last first.
    waiting: Vec<Record>,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = path.join("evidence.jsonl");
        let evidence =
            File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self {
            path: path.to_owned(),
            centres: crate::diagnose::centres(&path.join("centres.csv"))?,
            evidence: BufReader::with_capacity(1 << 20, evidence),
            text: String::new(),
            line: 0,
            waiting: Vec::new(),
        })
    }
}

impl Province for Folder {
    fn centres(&self) -> Vec<Centre> {
        self.centres.clone()
    }

    fn next(&mut self) -> anyhow::Result<Option<Record>> {
        loop {
            if let Some(record) = self.waiting.pop() {
                return Ok(Some(record));
            }
            self.text.clear();
            self.line += 1;
            let place = || {
                format!(
                    "{}:{}",
                    self.path.join("evidence.jsonl").display(),
                    self.line
                )
            };
            if self
                .evidence
                .read_line(&mut self.text)
                .with_context(place)?
                == 0
            {
                return Ok(None);
            }
            if !self.text.trim().is_empty() {
                let line: Line = serde_json::from_str(&self.text).with_context(place)?;
                self.waiting = line.records();
                self.waiting.reverse();
            }
        }
    }

    fn truth(&mut self) -> anyhow::Result<(Vec<Label>, Vec<Opening>)> {
        let openings = self.path.join("openings.jsonl");
        let openings = if openings.exists() {
            labels::read(&openings)?
        } else {
            Vec::new()
        };
        Ok((labels::read(&self.path.join("labels.jsonl"))?, openings))
    }
}
