//! From text to a tree whose every part knows its line, going on after a line that is wrong.
//!
//! The TOML parser stops at the first mistake. To report more than one, a line that is wrong by itself (or sets something
//! twice) is left out and the text is parsed again; a section whose header is wrong is left out whole. When the line is
//! fine by itself, something above it was never closed: guessing further would report mistakes that are none, so reading
//! stops there.

use std::{cell::RefCell, collections::BTreeMap};

use toml_span::{Error, ErrorKind, value::ValueInner};

use crate::Mistake;

/// Mistakes of syntax reported in one go. Beyond this it is not a settings file.
const MAX_SYNTAX_MISTAKES: usize = 20;

/// A value and where it starts.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Entry>),
    Section(Section),
}

/// A table of the file: what it sets, and which keys the program asked for.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) entries: BTreeMap<String, Entry>,
    /// In the order of asking. Empty for a section nobody opened: its own key is then the mistake.
    known: RefCell<Vec<&'static str>>,
}

impl Section {
    pub(crate) fn get(&self, key: &'static str) -> Option<&Entry> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.entries.get(key)
    }

    /// Adds a mistake for each key nobody asked for, here and below. `path` is empty or ends in a dot.
    pub(crate) fn report_unknown_keys(&self, path: &str, mistakes: &mut Vec<Mistake>) {
        let known = self.known.borrow();
        if known.is_empty() {
            return;
        }
        for (key, entry) in &self.entries {
            if known.contains(&key.as_str()) {
                entry
                    .value
                    .report_unknown_keys(&format!("{path}{key}."), mistakes);
                continue;
            }
            let hint = match closest(key, &known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known here: {}", known.join(", ")),
            };
            mistakes.push(Mistake {
                line: entry.line,
                message: format!("unknown key \"{path}{key}\"; {hint}"),
            });
        }
    }
}

impl Value {
    fn report_unknown_keys(&self, path: &str, mistakes: &mut Vec<Mistake>) {
        match self {
            Self::Section(section) => section.report_unknown_keys(path, mistakes),
            Self::List(entries) => {
                for entry in entries {
                    entry.value.report_unknown_keys(path, mistakes);
                }
            }
            Self::Text(_) | Self::Integer(_) | Self::Float(_) | Self::Boolean(_) => {}
        }
    }
}

/// The known key that was probably meant.
fn closest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(4))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The tree of all that could be read, and the mistakes of syntax.
pub(crate) fn parse(text: &str) -> (Section, Vec<Mistake>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines: Vec<&str> = text.lines().collect();
    let mut mistakes = Vec::new();
    loop {
        let text = lines.join("\n");
        let error = match toml_span::parse(&text) {
            Ok(mut root) => return (section(root.take(), &text), mistakes),
            Err(error) => error,
        };
        let line = line_at(&text, error.span.start);
        let wrong = lines.get(line - 1).copied().unwrap_or_default();
        let never_closed = is_fine_by_itself(wrong, &error.kind);
        let message = if never_closed {
            "not TOML: a bracket or quote above this line is not closed".to_owned()
        } else {
            describe(&error, &text)
        };
        mistakes.push(Mistake { line, message });
        if never_closed || is_at_the_end(&error.kind) || mistakes.len() >= MAX_SYNTAX_MISTAKES {
            return (Section::default(), mistakes);
        }
        leave_out(&mut lines, line);
    }
}

/// Blanks a line, with the section it opens.
fn leave_out(lines: &mut [&str], line: usize) {
    let mut rest = lines.iter_mut().skip(line - 1);
    let Some(wrong) = rest.next() else { return };
    if is_header(wrong) {
        for line in rest.take_while(|line| !is_header(line)) {
            *line = "";
        }
    }
    *wrong = "";
}

fn is_fine_by_itself(line: &str, kind: &ErrorKind) -> bool {
    !is_about_two_places(kind) && !is_at_the_end(kind) && toml_span::parse(line).is_ok()
}

fn is_at_the_end(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::UnterminatedString
    )
}

fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

fn is_about_two_places(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DuplicateKey { .. }
            | ErrorKind::DuplicateTable { .. }
            | ErrorKind::RedefineAsArray
            | ErrorKind::DottedKeyInvalidType { .. }
    )
}

fn describe(error: &Error, text: &str) -> String {
    match &error.kind {
        ErrorKind::DuplicateKey { key, first } => {
            format!(
                "\"{key}\" is set twice; first in line {}",
                line_at(text, first.start)
            )
        }
        ErrorKind::DuplicateTable { name, first } => format!(
            "[{name}] is there twice; first in line {}",
            line_at(text, first.start)
        ),
        ErrorKind::InvalidEscape(_) | ErrorKind::InvalidHexEscape(_) => {
            "not TOML: \"\\\" has a meaning between double quotes; write the text in single quotes"
                .to_owned()
        }
        ErrorKind::UnexpectedEof | ErrorKind::UnterminatedString => {
            "not TOML: the file ends before this is closed".to_owned()
        }
        ErrorKind::UnquotedString => "not TOML: text needs quotes around it".to_owned(),
        _ => format!("not TOML: {error}"),
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn section(value: ValueInner<'_>, text: &str) -> Section {
    let ValueInner::Table(table) = value else {
        return Section::default();
    };
    let entries = table
        .into_iter()
        .map(|(key, mut value)| {
            let entry = Entry {
                line: line_at(text, key.span.start),
                value: owned(value.take(), text),
            };
            (key.name.into_owned(), entry)
        })
        .collect();
    Section {
        entries,
        known: RefCell::default(),
    }
}

fn owned(value: ValueInner<'_>, text: &str) -> Value {
    match value {
        ValueInner::String(text) => Value::Text(text.into_owned()),
        ValueInner::Integer(number) => Value::Integer(number),
        ValueInner::Float(number) => Value::Float(number),
        ValueInner::Boolean(yes) => Value::Boolean(yes),
        ValueInner::Array(values) => Value::List(
            values
                .into_iter()
                .map(|mut value| Entry {
                    line: line_at(text, value.span.start),
                    value: owned(value.take(), text),
                })
                .collect(),
        ),
        table @ ValueInner::Table(_) => Value::Section(section(table, text)),
    }
}
