//! `dawnwatch diagnose`: replays recorded evidence through the engine that the collector runs.
//!
//! Line by line, in the order of arrival, without a clock and in bounded memory: a week of a province passes in
//! minutes, and the same file gives the same incidents wherever it is read. A line that cannot be read is told with its
//! number, and the rest goes on. Deliberately absent: sorting what is not in order, because then the replay would not
//! be what the collector saw.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use diagnosis::calendar::{Calendar, Centre, Hours, UTC_PLUS_7};
use diagnosis::engine::Engine;
use diagnosis::event::{self, Event};
use diagnosis::readiness::Readiness;
use diagnosis::record::{Line, Record};
use serde::Serialize;

use crate::tell;

/// Bytes of one line: a hundred times what a busy agent writes.
const LINE_BYTES: u64 = 1 << 20;

/// Lines that cannot be read are told so often, then only counted.
const TOLD: u64 = 20;

const BUFFER_BYTES: usize = 1 << 20;

/// How often readiness is looked at, seconds of the evidence: checks are due at whole minutes.
const CHECK_STEP: f64 = 5.0;

/// What to replay.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The centres: id,name,area,isp,latitude,longitude,hours,days,notes
    #[arg(long, value_name = "FILE")]
    centres: PathBuf,
    /// The evidence, JSON lines in the order of arrival; `-` is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    evidence: PathBuf,
    /// Also say before each opening how ready each centre is
    #[arg(long)]
    readiness: bool,
}

/// Replays; fails at the end when lines could not be read.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let centres = centres(&options.centres)?;
    let mut replay = Replay::new(centres, options.readiness, stdout());
    let name = options.evidence.display().to_string();
    let done = if name == "-" {
        replay.read(
            "standard input",
            BufReader::with_capacity(BUFFER_BYTES, io::stdin()),
        )
    } else {
        let file = File::open(&options.evidence)
            .with_context(|| format!("cannot read the evidence {name}"))?;
        replay.read(&name, BufReader::with_capacity(BUFFER_BYTES, file))
    };
    match done {
        Err(Failed::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            // Whoever read the incidents has seen enough.
            return Ok(ExitCode::SUCCESS);
        }
        other => other?,
    }
    let counts = replay.counts;
    if counts.strangers > 0 {
        let file = options.centres.display();
        tell(&format!(
            "{} records are of centres that are not in {file}, and were left aside",
            counts.strangers
        ));
    }
    if counts.bad > 0 {
        tell(&format!(
            "{} of {} lines of {name} could not be read",
            counts.bad, counts.lines
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock())
}

/// The centres of a file, as the diagnosis knows them.
pub(crate) fn centres(file: &Path) -> anyhow::Result<Vec<Centre>> {
    let centres = collector::centres::read(file)?;
    Ok(centres.into_iter().map(known_to_diagnosis).collect())
}

fn known_to_diagnosis(centre: collector::registry::Centre) -> Centre {
    // Both sides read the same texts, so what one wrote the other reads.
    let hours = centre
        .hours
        .and_then(|hours| Hours::parse(&hours.hours(), &hours.days()).ok());
    Centre {
        id: centre.id.to_string(),
        name: centre.name,
        area: centre.area.unwrap_or_default(),
        isp: centre.isp.unwrap_or_default(),
        // The usual week, so that every centre has its checks.
        calendar: Calendar::weekly(hours.or_else(|| Some(Hours::default())), UTC_PLUS_7),
    }
}

/// Why a replay ended before its end.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("cannot read {name} beyond line {line}")]
    Read {
        name: String,
        line: u64,
        source: io::Error,
    },
    #[error("cannot write what was found")]
    Write(#[source] io::Error),
}

/// What a replay met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    /// Lines that are not empty.
    lines: u64,
    /// Those that are no records.
    bad: u64,
    /// Records of unknown centres.
    strangers: u64,
}

/// The engine and, where it is asked for, readiness, driven by records alone.
#[derive(Debug)]
pub(crate) struct Watch {
    engine: Engine,
    readiness: Option<Readiness>,
    /// Until when readiness was looked at.
    checked: f64,
}

impl Watch {
    pub(crate) fn new(centres: Vec<Centre>, with_readiness: bool) -> Self {
        Self {
            readiness: with_readiness.then(|| Readiness::new(centres.clone())),
            engine: Engine::new(centres),
            checked: f64::NEG_INFINITY,
        }
    }

    /// Takes the next record, and says what follows from it and from the time that passed.
    pub(crate) fn take(&mut self, record: &Record) -> (Vec<Event>, Vec<event::Readiness>) {
        let (mut events, mut checks) = (Vec::new(), Vec::new());
        if let Some(readiness) = &mut self.readiness {
            // What is due before a record is judged without it.
            if record.arrived >= self.checked + CHECK_STEP {
                self.checked = (record.arrived / CHECK_STEP).floor() * CHECK_STEP;
                events = self.engine.pass(record.arrived);
                checks = readiness.pass(record.arrived, &self.engine.incidents());
            }
            readiness.take(record);
        }
        events.extend(self.engine.take(record));
        (events, checks)
    }
}

/// A replay under way.
struct Replay<W> {
    ids: HashSet<String>,
    watch: Watch,
    out: W,
    counts: Counts,
}

impl<W: Write> Replay<W> {
    fn new(centres: Vec<Centre>, with_readiness: bool, out: W) -> Self {
        Self {
            ids: centres.iter().map(|centre| centre.id.clone()).collect(),
            watch: Watch::new(centres, with_readiness),
            out,
            counts: Counts::default(),
        }
    }

    /// Replays all of a text.
    fn read(&mut self, name: &str, mut text: impl BufRead) -> Result<(), Failed> {
        let mut bytes = Vec::new();
        let mut line = 0_u64;
        let failed = |line, source| Failed::Read {
            name: name.to_owned(),
            line,
            source,
        };
        loop {
            bytes.clear();
            let read = text.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes);
            if read.map_err(|error| failed(line, error))? == 0 {
                break;
            }
            line += 1;
            let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < LINE_BYTES;
            if !whole {
                skip_line(&mut text).map_err(|error| failed(line, error))?;
                self.bad(name, line, &format!("longer than {LINE_BYTES} bytes"));
                continue;
            }
            let found = bytes.trim_ascii();
            // A mark in front of the first line is how some editors save.
            let found = found.strip_prefix(b"\xef\xbb\xbf").unwrap_or(found);
            if found.is_empty() {
                continue;
            }
            match parse(found) {
                Ok(records) => {
                    self.counts.lines += 1;
                    for record in &records {
                        self.take(record).map_err(Failed::Write)?;
                    }
                }
                Err(why) => self.bad(name, line, &why),
            }
        }
        self.out.flush().map_err(Failed::Write)
    }

    fn bad(&mut self, name: &str, line: u64, why: &str) {
        self.counts.lines += 1;
        self.counts.bad += 1;
        if self.counts.bad <= TOLD {
            tell(&format!("{name}:{line}: {why}"));
        }
        if self.counts.bad == TOLD {
            tell("further lines that cannot be read are only counted");
        }
    }

    fn take(&mut self, record: &Record) -> io::Result<()> {
        if let Some(what) = &record.what
            && !self.ids.contains(&what.centre)
        {
            if self.counts.strangers == 0 {
                tell(&format!(
                    "there is no centre {:?}: what is said of unknown centres is left aside",
                    what.centre
                ));
            }
            self.counts.strangers += 1;
            let passed = Record {
                arrived: record.arrived,
                what: None,
            };
            return self.drive(&passed);
        }
        self.drive(record)
    }

    fn drive(&mut self, record: &Record) -> io::Result<()> {
        let (events, checks) = self.watch.take(record);
        for event in &events {
            write_line(&mut self.out, event)?;
        }
        for check in &checks {
            write_line(&mut self.out, check)?;
        }
        Ok(())
    }
}

/// The records of a line, or what is wrong with it.
fn parse(line: &[u8]) -> Result<Vec<Record>, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| {
        // Each line is its own text: serde's "line 1" would only mislead.
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        match text.strip_suffix(&place) {
            Some(what) => format!("{what}, in column {}", error.column()),
            None => text,
        }
    })?;
    let is_time = |time: f64| time.is_finite() && time.abs() < 1e11;
    if line.arrived <= 0.0 || !is_time(line.arrived) || line.t.is_some_and(|t| !is_time(t)) {
        return Err("\"arrived\" has to be there, and times are Unix seconds".to_owned());
    }
    Ok(line.records())
}

/// Reads to the end of a line without keeping it.
fn skip_line(text: &mut impl BufRead) -> io::Result<()> {
    loop {
        let found = text.fill_buf()?;
        if found.is_empty() {
            return Ok(());
        }
        if let Some(end) = found.iter().position(|byte| *byte == b'\n') {
            text.consume(end + 1);
            return Ok(());
        }
        let length = found.len();
        text.consume(length);
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn replayed(text: &[u8]) -> Counts {
        let centre = Centre {
            id: "a".into(),
            ..Centre::default()
        };
        let mut replay = Replay::new(vec![centre], false, Vec::new());
        replay.read("evidence", text).unwrap();
        replay.counts
    }

    #[test]
    fn bad_lines_are_counted_and_the_rest_goes_on() {
        let text = b"\xef\xbb\xbf{\"arrived\":1}\n\n{\"arrived\":\n[]\n{}\n{\"arrived\":2,\"t\":1e300,\"centre\":\"a\"}\n{\"arrived\":3}";
        assert_eq!(
            replayed(text),
            Counts {
                lines: 6,
                bad: 4,
                strangers: 0
            }
        );
    }

    #[test]
    fn unknown_centres_are_counted() {
        let text = b"{\"arrived\":1,\"centre\":\"b\",\"agent\":\"pc\",\"goodbye\":\"sleep\"}\n{\"arrived\":1,\"centre\":\"a\",\"agent\":\"pc\",\"goodbye\":\"sleep\"}\n";
        assert_eq!(
            replayed(text),
            Counts {
                lines: 2,
                bad: 0,
                strangers: 1
            }
        );
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut text = vec![b'x'; 3 << 20];
        text.extend(b"\n{\"arrived\":1}\n");
        assert_eq!(
            replayed(&text),
            Counts {
                lines: 2,
                bad: 1,
                strangers: 0
            }
        );
    }

    #[test]
    fn a_mistake_is_told_with_its_column() {
        let why = parse(b"{\"arrived\":x}").unwrap_err();
        assert_eq!(why, "expected value, in column 12");
    }
}
