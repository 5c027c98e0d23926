//! Requests as bytes: remote write 1.0 and 2.0, both as one block of Snappy.
//!
//! Written by hand, since nearly all of a request is labels that need no message of their own, and
//! since everything has its length before it. Labels are sorted by name as both specifications ask.
//!
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>

use std::collections::HashMap;

use proto::metrics::{Kind, Metric, Unit};
use proto::stream::Series;

use super::window::{Line, Sample, Window};
use crate::config::Protocol;
use crate::journal::Measured;

/// Beside the series' own: name, centre, device, kind.
type Labels<'a> = Vec<(&'a str, [&'a str; 2])>;

/// Why a request cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be compressed")]
pub(super) struct TooLarge(#[from] snap::Error);

/// The body of a request.
pub(super) fn body(
    protocol: Protocol,
    window: &Window,
    request: &[Line],
) -> Result<Vec<u8>, TooLarge> {
    let message = match protocol {
        Protocol::V1 => v1(window, request),
        Protocol::V2 => v2(window, request),
    };
    Ok(snap::raw::Encoder::new().compress_vec(&message)?)
}

/// `prometheus.WriteRequest`
fn v1(window: &Window, request: &[Line]) -> Vec<u8> {
    let (mut message, mut series, mut sorted) = (Vec::new(), Vec::new(), Vec::new());
    for line in request {
        let Some((measured, what)) = window.source(line) else {
            continue;
        };
        series.clear();
        labels(measured, what, &mut sorted);
        for (name, [value, suffix]) in &sorted {
            let name_field = field_length(name.len());
            let value_field = field_length(value.len() + suffix.len());
            key(&mut series, 1, LENGTH_DELIMITED);
            varint(&mut series, (name_field + value_field) as u64);
            text(&mut series, 1, &[*name]);
            text(&mut series, 2, &[value, suffix]);
        }
        samples(&mut series, window.samples(line));
        bytes(&mut message, 1, &series);
    }
    message
}

/// `io.prometheus.write.v2.Request`
fn v2(window: &Window, request: &[Line]) -> Vec<u8> {
    let mut symbols = Symbols::default();
    symbols.of(["", ""]);
    let (mut all, mut series, mut sorted) = (Vec::new(), Vec::new(), Vec::new());
    let (mut references, mut description) = (Vec::new(), Vec::new());
    let mut described: Option<&Metric> = None;
    // Neighbours have most labels in common, and comparing is quicker than looking up.
    let mut before: Vec<([&str; 2], u64)> = Vec::new();
    for line in request {
        let Some((measured, what)) = window.source(line) else {
            continue;
        };
        series.clear();
        references.clear();
        labels(measured, what, &mut sorted);
        let texts = sorted.iter().flat_map(|(name, value)| [[name, ""], *value]);
        for (place, text) in texts.enumerate() {
            let number = match before.get_mut(place) {
                Some((same, number)) if *same == text => *number,
                Some(other) => {
                    *other = (text, symbols.of(text));
                    other.1
                }
                None => {
                    let number = symbols.of(text);
                    before.push((text, number));
                    number
                }
            };
            varint(&mut references, number);
        }
        bytes(&mut series, 1, &references);
        samples(&mut series, window.samples(line));
        if described.replace(what.metric) != Some(what.metric) {
            description.clear();
            metadata(&mut description, what.metric, &mut symbols);
        }
        bytes(&mut series, 5, &description);
        bytes(&mut all, 5, &series);
    }
    let mut message = symbols.message;
    message.append(&mut all);
    message
}

/// The table of texts of a 2.0 request, written as it grows. A text is one of two pieces, so that the
/// name of a histogram's part needs no memory of its own.
#[derive(Default)]
struct Symbols<'a> {
    numbers: HashMap<[&'a str; 2], u64>,
    message: Vec<u8>,
}

impl<'a> Symbols<'a> {
    fn of(&mut self, symbol: [&'a str; 2]) -> u64 {
        let next = self.numbers.len() as u64;
        *self.numbers.entry(symbol).or_insert_with(|| {
            text(&mut self.message, 4, &symbol);
            next
        })
    }
}

fn metadata<'a>(message: &mut Vec<u8>, metric: &'a Metric, symbols: &mut Symbols<'a>) {
    let kind = match (metric.kind, metric.unit) {
        (Kind::Counter, _) => 1,
        (Kind::Gauge, Unit::Info) => 6,
        (Kind::Gauge, _) => 2,
        (Kind::Histogram, _) => 3,
    };
    let unit = match metric.unit {
        Unit::Seconds | Unit::Timestamp => "seconds",
        Unit::Bytes => "bytes",
        Unit::BitsPerSecond => "bits_per_second",
        Unit::Ratio => "ratio",
        Unit::DecibelMilliwatts => "dbm",
        Unit::Celsius => "celsius",
        Unit::Count | Unit::Boolean | Unit::Info => "",
    };
    for (number, value) in [
        (1, kind),
        (3, symbols.of([metric.help, ""])),
        (4, symbols.of([unit, ""])),
    ] {
        key(message, number, VARINT);
        varint(message, value);
    }
}

/// All labels of a series, sorted by name.
fn labels<'a>(measured: &'a Measured, series: &'a Series, sorted: &mut Labels<'a>) {
    sorted.clear();
    sorted.extend([
        ("__name__", [series.metric.name, series.part.suffix()]),
        ("centre", [measured.centre.as_str(), ""]),
        ("device", [measured.device.as_str(), ""]),
        ("kind", [&measured.kind, ""]),
    ]);
    let own = series.labels.iter();
    sorted.extend(own.map(|(name, value)| (*name, [value.as_str(), ""])));
    // Empty means absent.
    sorted.retain(|(_, [value, _])| !value.is_empty());
    sorted.sort_unstable_by_key(|(name, _)| *name);
}

/// Field 2 of a series in both protocols.
fn samples(series: &mut Vec<u8>, samples: &[Sample]) {
    for sample in samples {
        // Two's complement, as protobuf has int64.
        let time = sample.time_unix_ms.cast_unsigned();
        key(series, 2, LENGTH_DELIMITED);
        varint(series, 10 + varint_length(time) as u64);
        key(series, 1, EIGHT_BYTES);
        series.extend_from_slice(&sample.value.to_le_bytes());
        key(series, 2, VARINT);
        varint(series, time);
    }
}

const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;

/// Of fields up to 15.
fn key(message: &mut Vec<u8>, field: u8, wire_type: u8) {
    message.push(field << 3 | wire_type);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}

fn varint_length(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Key, length and bytes of a field.
fn field_length(length: usize) -> usize {
    1 + varint_length(length as u64) + length
}

fn text(message: &mut Vec<u8>, field: u8, pieces: &[&str]) {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    key(message, field, LENGTH_DELIMITED);
    varint(message, length as u64);
    for piece in pieces {
        message.extend_from_slice(piece.as_bytes());
    }
}

fn bytes(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    key(message, field, LENGTH_DELIMITED);
    varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_varints_are_known_before() {
        for bits in 0..64 {
            for value in [1_u64 << bits, (1 << bits) - 1, (1 << bits) | 1, u64::MAX] {
                let mut written = Vec::new();
                varint(&mut written, value);
                assert_eq!(written.len(), varint_length(value), "{value}");
                let mut buffer = written.as_slice();
                assert_eq!(prost::encoding::decode_varint(&mut buffer), Ok(value));
            }
        }
    }
}
