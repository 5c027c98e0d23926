//! Reads the centres file: CSV as people and Excel write it, all of its mistakes at once.
//!
//! Understood: commas, semicolons or tabs between fields, a byte order mark, either kind of line end,
//! decimal commas where commas do not separate fields, and Vietnamese in either Unicode form (kept
//! composed). A file with any mistake is refused whole, so that half an import never happens.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use proto::ids::CentreId;
use proto::limits::LABEL_BYTES;
use unicode_normalization::UnicodeNormalization as _;

use crate::calendar::{Hours, USUAL_DAYS};
use crate::registry::Centre;

/// The columns there are; `id` and `name` must be present.
pub const COLUMNS: [&str; 9] = [
    "id",
    "name",
    "area",
    "isp",
    "latitude",
    "longitude",
    "hours",
    "days",
    "notes",
];

/// Bytes of a file: ten times what a country of centres needs.
const FILE_BYTES: u64 = 10_000_000;

/// Bytes of the notes of one centre.
const NOTES_BYTES: usize = 2_000;

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ReadError {
    #[error("cannot read {path}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is larger than {FILE_BYTES} bytes: this is no centres file", path = path.display())]
    TooLarge { path: PathBuf },
    #[error("{path} is not UTF-8: save it as \"CSV UTF-8 (comma delimited)\"", path = path.display())]
    Encoding { path: PathBuf },
    #[error("{}", in_file(path, mistakes))]
    Mistakes {
        path: PathBuf,
        mistakes: Vec<Mistake>,
    },
}

/// One mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Counted from 1, the header being line 1.
    pub line: u64,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

fn in_file(path: &Path, mistakes: &[Mistake]) -> String {
    let lines: Vec<_> = mistakes
        .iter()
        .map(|mistake| format!("{}:{mistake}", path.display()))
        .collect();
    lines.join("\n")
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, or with every mistake in it.
pub fn read(path: &Path) -> Result<Vec<Centre>, ReadError> {
    let unreadable = |source| ReadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| ReadError::Encoding {
        path: path.to_owned(),
    })?;
    parse(&text).map_err(|mistakes| ReadError::Mistakes {
        path: path.to_owned(),
        mistakes,
    })
}

/// Reads the text of a file.
///
/// # Errors
/// Every mistake in it, in order of lines.
pub fn parse(text: &str) -> Result<Vec<Centre>, Vec<Mistake>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Of one kind, or the reader miscounts lines.
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    let delimiter = delimiter_of(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = reader.records();
    let mut file = Reading {
        decimal_comma: delimiter != b',',
        ..Reading::default()
    };
    match rows.next() {
        Some(Ok(header)) => file.header(&header),
        _ => file.mistake(
            1,
            format!("the file is empty; line 1 is {}", COLUMNS.join(",")),
        ),
    }
    let mut centres = Vec::new();
    for row in rows {
        match row {
            Ok(row) if row.iter().all(str::is_empty) => {}
            Ok(row) => centres.extend(file.row(line_of(text, row.position()), &row)),
            Err(error) => file.mistake(line_of(text, error.position()), error.to_string()),
        }
    }
    if file.mistakes.is_empty() {
        Ok(centres)
    } else {
        file.mistakes.sort_by_key(|mistake| mistake.line);
        Err(file.mistakes)
    }
}

/// The line on which a row begins: its position is before the empty lines in front of it.
fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.get(start..).unwrap_or_default();
    let empty = rest.bytes().take_while(|byte| *byte == b'\n').count();
    position.line() + u64::try_from(empty).unwrap_or(0)
}

/// Whichever separator the header uses most.
fn delimiter_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    // Of equals the last wins: a header of one column has none of them.
    *b"\t;,".iter().max_by_key(|d| count(d)).unwrap_or(&b',')
}

/// A file while it is read.
#[derive(Default)]
struct Reading {
    columns: HashMap<&'static str, usize>,
    width: usize,
    decimal_comma: bool,
    lines_of_ids: HashMap<CentreId, u64>,
    mistakes: Vec<Mistake>,
}

impl Reading {
    fn mistake(&mut self, line: u64, message: impl Into<String>) {
        let message = message.into();
        self.mistakes.push(Mistake { line, message });
    }

    fn header(&mut self, header: &StringRecord) {
        self.width = header.len();
        let mut seen = HashSet::new();
        for (position, name) in header.iter().enumerate() {
            let name = name.to_lowercase();
            let known = COLUMNS.iter().find(|known| **known == name);
            if !seen.insert(name.clone()) {
                self.mistake(1, format!("two columns are called {name:?}"));
            } else if let Some(known) = known {
                self.columns.insert(known, position);
            } else {
                let known = COLUMNS.join(", ");
                self.mistake(1, format!("unknown column {name:?}; there are {known}"));
            }
        }
        for required in ["id", "name"] {
            if !self.columns.contains_key(required) {
                self.mistake(1, format!("there is no column {required:?}"));
            }
        }
    }

    /// The centre of a row, or `None` when the row has mistakes.
    fn row(&mut self, line: u64, row: &StringRecord) -> Option<Centre> {
        let before = self.mistakes.len();
        if row.len() != self.width {
            let (is, should) = (row.len(), self.width);
            self.mistake(line, format!("{is} fields where the header has {should}"));
            return None;
        }
        let id = self.id(line, row);
        let name = self.text(line, row, "name", LABEL_BYTES);
        if name.is_none() && self.columns.contains_key("name") {
            self.mistake(line, "name is missing");
        }
        let area = self.text(line, row, "area", LABEL_BYTES);
        let isp = self.text(line, row, "isp", LABEL_BYTES);
        let notes = self.text(line, row, "notes", NOTES_BYTES);
        let latitude = self.degrees(line, row, "latitude", 90.0);
        let longitude = self.degrees(line, row, "longitude", 180.0);
        if self.field(row, "latitude").is_some() != self.field(row, "longitude").is_some() {
            self.mistake(
                line,
                "latitude and longitude go together: give both or none",
            );
        }
        let hours = self.hours(line, row);
        if self.mistakes.len() > before {
            return None;
        }
        Some(Centre {
            id: id?,
            name: name?,
            area,
            isp,
            latitude,
            longitude,
            hours,
            notes,
        })
    }

    /// What a row says in a column. An empty field is none.
    fn field<'r>(&self, row: &'r StringRecord, column: &str) -> Option<&'r str> {
        let field = row.get(*self.columns.get(column)?)?;
        (!field.is_empty()).then_some(field)
    }

    fn id(&mut self, line: u64, row: &StringRecord) -> Option<CentreId> {
        let Some(text) = self.field(row, "id") else {
            if self.columns.contains_key("id") {
                self.mistake(line, "id is missing");
            }
            return None;
        };
        let id: CentreId = match text.parse() {
            Ok(id) => id,
            Err(error) => {
                let hint = proto::ids::slug(text)
                    .map(|slug| format!("; {slug:?} would do"))
                    .unwrap_or_default();
                self.mistake(line, format!("id: {error}{hint}"));
                return None;
            }
        };
        if let Some(first) = self.lines_of_ids.get(&id) {
            let message = format!("id {id} is also on line {first}");
            self.mistake(line, message);
            return None;
        }
        self.lines_of_ids.insert(id.clone(), line);
        Some(id)
    }

    fn text(
        &mut self,
        line: u64,
        row: &StringRecord,
        column: &str,
        limit: usize,
    ) -> Option<String> {
        let text: String = self.field(row, column)?.nfc().collect();
        // Notes may have lines of their own.
        let unprintable = |c: char| c.is_control() && !(column == "notes" && c.is_whitespace());
        if text.len() > limit {
            self.mistake(line, format!("{column} is longer than {limit} bytes"));
        } else if text.chars().any(unprintable) {
            self.mistake(
                line,
                format!("{column} has control characters or line ends"),
            );
        }
        Some(text)
    }

    fn degrees(&mut self, line: u64, row: &StringRecord, column: &str, limit: f64) -> Option<f64> {
        let text = self.field(row, column)?;
        let text = if self.decimal_comma {
            text.replace(',', ".")
        } else {
            text.to_owned()
        };
        match text.parse::<f64>() {
            Ok(degrees) if degrees.abs() <= limit => Some(degrees),
            _ => {
                self.mistake(
                    line,
                    format!("{column} {text:?} is no number of degrees from -{limit} to {limit}"),
                );
                None
            }
        }
    }

    fn hours(&mut self, line: u64, row: &StringRecord) -> Option<Hours> {
        let (hours, days) = (self.field(row, "hours"), self.field(row, "days"));
        let Some(hours) = hours else {
            if days.is_some() {
                self.mistake(line, "days without hours: give both or none");
            }
            return None;
        };
        match Hours::parse(hours, days.unwrap_or(USUAL_DAYS)) {
            Ok(hours) => Some(hours),
            Err(error) => {
                self.mistake(line, format!("hours or days: {error}"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
