//! Reading keys from one table of the file, with the mistakes going to the file.

use std::{str::FromStr, time::Duration};

use crate::{
    File,
    syntax::{Entry, Section, Value},
    units,
};

/// One table of a settings file. A table the file does not have is a table without keys: its reads all give `None`.
#[derive(Debug, Clone)]
pub struct Table<'f> {
    file: &'f File,
    section: Option<&'f Section>,
    /// Where a missing key is reported: the table's own place.
    line: usize,
    /// Empty at the top, otherwise the way here with a dot at its end.
    path: String,
}

impl<'f> Table<'f> {
    pub(crate) fn root(file: &'f File) -> Self {
        Self {
            file,
            section: Some(&file.root),
            line: 1,
            path: String::new(),
        }
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<String> {
        self.read(key, "a text in quotes", |value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// A text, number or boolean that `T` can be made of. `expected` completes "must be …" and should show an example:
    /// "an address with port such as \"127.0.0.1:9780\"".
    pub fn value<T: FromStr>(&self, key: &'static str, expected: &str) -> Option<T> {
        self.read(key, expected, |value| match value {
            Value::Text(text) => text.parse().ok(),
            Value::Integer(number) => number.to_string().parse().ok(),
            Value::Float(number) => number.to_string().parse().ok(),
            Value::Boolean(yes) => yes.to_string().parse().ok(),
            Value::List(_) | Value::Section(_) => None,
        })
    }

    /// A duration: whole numbers with units of `d`, `h`, `m`, `s`, `ms`, the largest first.
    pub fn duration(&self, key: &'static str) -> Option<Duration> {
        let expected = "a duration such as \"15s\", \"5m\", \"1h30m\" or \"7d\"";
        self.read(key, expected, |value| match value {
            Value::Text(text) => units::duration(text),
            _ => None,
        })
    }

    /// A size in bytes: a whole number with a unit (`kB`, `MB`, `GB` or `KiB`, `MiB`, `GiB`), or a bare number of bytes.
    pub fn bytes(&self, key: &'static str) -> Option<u64> {
        let expected = "a size such as \"900kB\", \"64MB\" or \"1GiB\"";
        self.read(key, expected, |value| match value {
            Value::Text(text) => units::bytes(text),
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        })
    }

    /// A list of texts.
    pub fn list(&self, key: &'static str) -> Option<Vec<String>> {
        let expected = "a list of texts such as [\"a\", \"b\"]";
        self.read(key, expected, |value| match value {
            Value::List(entries) => entries
                .iter()
                .map(|entry| match &entry.value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        })
    }

    /// The table `[key]`.
    pub fn table(&self, key: &'static str) -> Table<'f> {
        let section = self.entry(key).and_then(|entry| {
            let section = self.section_of(entry);
            if section.is_none() {
                self.wrong(entry.line, key, &format!("a table: [{}{key}]", self.path));
            }
            section
        });
        let line = self.entry(key).map_or(self.line, |entry| entry.line);
        self.below(key, section, line)
    }

    /// The tables `[[key]]`, in the order of the file.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'f>> {
        let Some(entry) = self.entry(key) else {
            return Vec::new();
        };
        let expected = format!("a list of tables: [[{}{key}]]", self.path);
        let Value::List(entries) = &entry.value else {
            self.wrong(entry.line, key, &expected);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for entry in entries {
            match self.section_of(entry) {
                Some(section) => tables.push(self.below(key, Some(section), entry.line)),
                None => self.wrong(entry.line, key, &expected),
            }
        }
        tables
    }

    /// Whether the file sets this key, rightly or not.
    pub fn has(&self, key: &'static str) -> bool {
        self.entry(key).is_some()
    }

    /// Records a mistake for each of these keys that is absent. Reading them is a second step.
    pub fn require(&self, keys: &[&'static str]) {
        for key in keys {
            if !self.has(key) && !self.file.has_syntax_mistakes {
                let message = format!("missing key \"{}{key}\"", self.path);
                self.file.record(self.line, message);
            }
        }
    }

    /// Records what only the caller can judge, at the line of that key. `message` follows the key's name: "must not be 0".
    pub fn mistake_at(&self, key: &'static str, message: &str) {
        let line = self.entry(key).map_or(self.line, |entry| entry.line);
        self.file
            .record(line, format!("{}{key} {message}", self.path));
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        let value = convert(&entry.value);
        if value.is_none() {
            self.wrong(entry.line, key, expected);
        }
        value
    }

    fn wrong(&self, line: usize, key: &str, expected: &str) {
        self.file
            .record(line, format!("{}{key} must be {expected}", self.path));
    }

    fn entry(&self, key: &'static str) -> Option<&'f Entry> {
        self.section?.get(key)
    }

    fn section_of(&self, entry: &'f Entry) -> Option<&'f Section> {
        match &entry.value {
            Value::Section(section) => Some(section),
            _ => None,
        }
    }

    fn below(&self, key: &str, section: Option<&'f Section>, line: usize) -> Self {
        Self {
            file: self.file,
            section,
            line,
            path: format!("{}{key}.", self.path),
        }
    }
}
