//! A device played from a recording (`.snmprec`, as snmpsim reads them), for tests of what answers mean.
//!
//! `OID|TAG|VALUE` in each line; a tag with an `x` has its value in hexadecimal. Several contexts, and
//! SNMPv1, which has no 64-bit counters. Deliberately absent: time, losses, and a device that lies; those
//! are of the transport's tests.
#![allow(clippy::print_stdout, reason = "tests, which say what they skip")]

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::{Binding, Oid, Session, Trouble, Value, Walked};

/// What a device would answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded {
    contexts: BTreeMap<String, BTreeMap<Oid, Value>>,
    present: String,
    is_v1: bool,
    /// Columns that the device answers with an error.
    failing: Vec<Oid>,
}

impl Recorded {
    /// Of the text of a recording; panics at a line that is none.
    pub(crate) fn parse(text: &str) -> Self {
        Self::parse_bytes(text.as_bytes())
    }

    fn parse_bytes(text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let values = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        let values = values.map(|line| {
            read_line(line).unwrap_or_else(|| panic!("no line of a recording: {line:?}"))
        });
        Self {
            contexts: BTreeMap::from([(String::new(), values.collect())]),
            ..Self::default()
        }
    }

    /// The same with what it says in another context.
    pub(crate) fn with_context(mut self, context: &str, text: &str) -> Self {
        let other = Self::parse(text).contexts.remove("").unwrap_or_default();
        self.contexts.insert(context.to_owned(), other);
        self
    }

    /// The same as SNMPv1 has it.
    pub(crate) fn v1(mut self) -> Self {
        self.is_v1 = true;
        self
    }

    /// The same with `genErr` for whatever is below.
    pub(crate) fn failing(mut self, root: Oid) -> Self {
        self.failing.push(root);
        self
    }

    fn check(&self, oid: &Oid) -> Result<&BTreeMap<Oid, Value>, Trouble> {
        if self.failing.iter().any(|root| oid.starts_with(root)) {
            return Err(Trouble::Failed("genErr"));
        }
        // An agent that does not know a community says nothing.
        self.contexts.get(&self.present).ok_or(Trouble::Timeout)
    }

    fn is_told(&self, value: &Value) -> bool {
        !(self.is_v1 && matches!(value, Value::Counter64(_)))
    }
}

impl Session for Recorded {
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>> {
        let found = oids.iter().filter_map(|oid| {
            let values = match self.check(oid) {
                Ok(values) => values,
                // The transport leaves out what fails and goes on.
                Err(Trouble::Failed(_)) => return None,
                Err(trouble) => return Some(Err(trouble)),
            };
            let value = values.get(oid).filter(|value| self.is_told(value))?;
            Some(Ok(Binding {
                oid: oid.clone(),
                value: value.clone(),
            }))
        });
        let found = found.collect();
        async move { found }.boxed()
    }

    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked> {
        let mut walked = Walked::default();
        match self.check(column) {
            Err(trouble) => walked.trouble = Some(trouble),
            Ok(values) => {
                let below = values.range(column..).skip_while(|(oid, _)| *oid == column);
                let below = below.take_while(|(oid, _)| oid.starts_with(column));
                let mut told = below.filter(|(_, value)| self.is_told(value));
                let rows = told.by_ref().take(most).map(|(oid, value)| Binding {
                    oid: oid.clone(),
                    value: value.clone(),
                });
                walked.rows = rows.collect();
                walked.trouble = told.next().map(|_| Trouble::TooMany);
            }
        }
        async move { walked }.boxed()
    }

    fn in_context(&mut self, context: &str) {
        context.clone_into(&mut self.present);
    }
}

/// One of our own captures in `tests/captures`, such as `ups/on_battery`; panics where there is none.
pub(crate) fn capture(name: &str) -> Recorded {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures"));
    let path = folder.join(name).with_extension("snmprec");
    match std::fs::read(&path) {
        Ok(text) => Recorded::parse_bytes(&text),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// A recording of `../shared/devices/snmp`, such as `printers/brother.snmprec`, with its contexts
/// (`name@context.snmprec` beside it). `None`, and says so, where there is none: the recordings are not
/// part of the project.
pub(crate) fn shared(name: &str) -> Option<Recorded> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/devices/snmp"
    ));
    let path = folder.join(name);
    let Ok(text) = std::fs::read(&path) else {
        println!("skipped, because there is no {}", path.display());
        return None;
    };
    let mut recorded = Recorded::parse_bytes(&text);
    let stem = path.file_stem()?.to_str()?;
    for other in std::fs::read_dir(path.parent()?).ok()?.flatten() {
        let other = other.path();
        let context = other.file_stem().and_then(|other| other.to_str());
        let context = context.and_then(|other| other.strip_prefix(stem)?.strip_prefix('@'));
        if let Some(context) = context {
            let mut said = Recorded::parse_bytes(&std::fs::read(&other).ok()?);
            let said = said.contexts.remove("").unwrap_or_default();
            recorded.contexts.insert(context.to_owned(), said);
        }
    }
    Some(recorded)
}

fn read_line(line: &[u8]) -> Option<(Oid, Value)> {
    let mut parts = line.splitn(3, |byte| *byte == b'|');
    let oid: Oid = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let tag = std::str::from_utf8(parts.next()?).ok()?;
    let raw = parts.next()?;
    let (tag, bytes) = match tag.strip_suffix('x') {
        Some(tag) => (tag, octets(std::str::from_utf8(raw).ok()?)?),
        None => (tag, raw.to_vec()),
    };
    let text = std::str::from_utf8(raw);
    let number = || text.ok()?.parse::<i128>().ok();
    // Recordings hold numbers out of their kind's range; agents send the low bits.
    let low = || Some(u32::from_be_bytes(*number()?.to_be_bytes().last_chunk()?));
    let value = match tag {
        "2" => Value::Integer(i32::from_be_bytes(low()?.to_be_bytes())),
        "4" => Value::Bytes(bytes),
        "5" => Value::Other,
        "6" => Value::Oid(text.ok()?.parse().ok()?),
        "64" if bytes.len() == 4 => Value::Ip(<[u8; 4]>::try_from(bytes).ok()?.into()),
        "64" => Value::Ip(text.ok()?.parse().ok()?),
        "65" => Value::Counter32(low()?),
        "66" => Value::Gauge32(low()?),
        "67" => Value::TimeTicks(low()?),
        "70" => Value::Counter64(u64::from_be_bytes(*number()?.to_be_bytes().last_chunk()?)),
        _ => return None,
    };
    Some((oid, value))
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| u8::try_from(c.to_digit(16)?).ok())
        .collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::super::oid;
    use super::*;

    const COLUMN: Oid = oid!("1.3.6.1.2.1.2.2.1.10");
    const TEXT: &str = "\
1.3.6.1.2.1.2.2.1.10.10|65|10
1.3.6.1.2.1.2.2.1.10.9|70|18446744073709551615
1.3.6.1.2.1.1.1.0|4|a|b
1.3.6.1.2.1.2.2.1.6.1|4x|00ff10
1.3.6.1.2.1.2.2.1.11.1|2|-3
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9
1.3.6.1.2.1.4.20.1.1.1|64|10.0.0.1
1.3.6.1.2.1.1.3.0|67|4294967295
";

    #[tokio::test]
    async fn a_column_is_walked_in_the_order_of_numbers() {
        let mut recorded = Recorded::parse(TEXT);
        let walked = recorded.walk(&COLUMN, 10).await;
        let values: Vec<_> = walked.rows.iter().map(|row| row.value.as_u64()).collect();
        assert_eq!(
            (values, walked.trouble),
            (vec![Some(u64::MAX), Some(10)], None)
        );
        let walked = recorded.walk(&COLUMN, 1).await;
        assert_eq!(
            (walked.rows.len(), walked.trouble),
            (1, Some(Trouble::TooMany))
        );
        assert_eq!(recorded.v1().walk(&COLUMN, 10).await.rows.len(), 1);
    }

    #[tokio::test]
    async fn values_are_of_their_kind_and_what_is_absent_is_left_out() {
        let mut recorded = Recorded::parse(TEXT);
        let asked = [
            oid!("1.3.6.1.2.1.1.1.0"),
            oid!("1.3.6.1.2.1.1.9.0"),
            oid!("1.3.6.1.2.1.2.2.1.6.1"),
            oid!("1.3.6.1.2.1.1.2.0"),
            oid!("1.3.6.1.2.1.2.2.1.11.1"),
        ];
        let got = recorded.get(&asked).await.unwrap();
        let values: Vec<_> = got.into_iter().map(|binding| binding.value).collect();
        let expected = [
            Value::Bytes(b"a|b".to_vec()),
            Value::Bytes(vec![0, 0xff, 0x10]),
            Value::Oid(oid!("1.3.6.1.4.1.9")),
            Value::Integer(-3),
        ];
        assert_eq!(values, expected);
        let mut failing = recorded.failing(COLUMN);
        let walked = failing.walk(&COLUMN, 10).await;
        assert_eq!(walked.trouble, Some(Trouble::Failed("genErr")));
    }

    #[tokio::test]
    async fn a_context_has_values_of_its_own() {
        let mut recorded = Recorded::parse(TEXT).with_context("Jetdirect", "1.3.1|2|5\n");
        recorded.in_context("Jetdirect");
        assert_eq!(recorded.get(&[oid!("1.3.1")]).await.unwrap().len(), 1);
        recorded.in_context("nobody");
        assert_eq!(recorded.get(&[oid!("1.3.1")]).await, Err(Trouble::Timeout));
        recorded.in_context("");
        assert_eq!(recorded.get(&[oid!("1.3.1")]).await, Ok(vec![]));
    }

    #[test]
    fn every_shared_recording_is_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/devices/snmp");
        for kind in ["printers", "routers", "ups", "overlay"] {
            let Ok(files) = std::fs::read_dir(Path::new(folder).join(kind)) else {
                println!("skipped, because there is no {folder}/{kind}");
                return;
            };
            for file in files.flatten() {
                let name = format!("{kind}/{}", file.file_name().display());
                let recorded = shared(&name).unwrap();
                assert!(!recorded.contexts[""].is_empty(), "{name}");
            }
        }
    }
}
