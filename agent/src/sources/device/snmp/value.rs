//! What stands behind an object identifier: its kind as sent, and reading it as what it should be.
//!
//! Devices send numbers with the wrong kind (a `TimeTicks` as `Integer32`, a gauge as a counter), so
//! the readers ask for a number, not for a kind. Deliberately absent: a number in a text, which means
//! something to some vendors alone.

use std::net::Ipv4Addr;

use super::Oid;

/// A value and what it is of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Binding {
    /// The instance.
    pub(crate) oid: Oid,
    /// What it holds.
    pub(crate) value: Value,
}

/// A value as the device sent it. `noSuchObject` and its like are no values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Also of `INTEGER` with names.
    Integer(i32),
    /// May wrap.
    Counter32(u32),
    /// `Unsigned32` too.
    Gauge32(u32),
    /// Hundredths of a second.
    TimeTicks(u32),
    /// Not in SNMPv1.
    Counter64(u64),
    /// `OCTET STRING` and what is made of it.
    Bytes(Vec<u8>),
    /// `OBJECT IDENTIFIER`.
    Oid(Oid),
    /// `IpAddress`.
    Ip(Ipv4Addr),
    /// Something else: `NULL`, `Opaque`.
    Other,
}

impl Value {
    /// Octets of a text that are looked at.
    const TEXT: usize = 256;

    /// Whatever number it is, if it is one.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Integer(number) => Some(number.into()),
            Self::Counter32(number) | Self::Gauge32(number) | Self::TimeTicks(number) => {
                Some(number.into())
            }
            Self::Counter64(number) => i64::try_from(number).ok(),
            Self::Bytes(_) | Self::Oid(_) | Self::Ip(_) | Self::Other => None,
        }
    }

    /// Whatever number it is, if it is one and not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Counter64(number) => Some(number),
            _ => u64::try_from(self.as_i64()?).ok(),
        }
    }

    /// The octets of a string.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A string for people: without what is around it, control characters as spaces, what is no UTF-8
    /// as `�`, and not endless. `None` when nothing is left.
    pub(crate) fn as_text(&self) -> Option<String> {
        let bytes = self.as_bytes()?;
        // Some pad with NUL, some leave what was there before behind one.
        let bytes = bytes.iter().position(|byte| *byte == 0).map_or_else(
            || bytes,
            |end| {
                if end == 0 {
                    bytes
                } else {
                    bytes.split_at(end).0
                }
            },
        );
        let (bytes, is_cut) = match bytes.split_at_checked(Self::TEXT) {
            Some((first, rest)) => (first, !rest.is_empty()),
            None => (bytes, false),
        };
        let text = String::from_utf8_lossy(bytes);
        // A character that was cut in two, here or by a device that counts octets.
        let is_broken = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none());
        let text = match text.strip_suffix('\u{fffd}') {
            Some(whole) if is_cut || is_broken => whole,
            _ => &text,
        };
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], text: Option<&str>) {
        assert_eq!(Value::Bytes(bytes.to_vec()).as_text().as_deref(), text);
    }

    #[test]
    fn a_text_is_for_people() {
        check(b"Black Toner", Some("Black Toner"));
        check(b"  HL-5370DW\r\n", Some("HL-5370DW"));
        check(b"TN-1\0\0\0", Some("TN-1"));
        check(b"TN-1\0old", Some("TN-1"));
        check(b"\0\0TN-1", Some("TN-1"));
        check(b"Tray\t1\nA4", Some("Tray 1 A4"));
        check("Mực đen".as_bytes(), Some("Mực đen"));
        check(b"caf\xe9 noir", Some("caf\u{fffd} noir"));
        check(b"", None);
        check(b"\0\0", None);
        check(b" \r\n", None);
    }

    #[test]
    fn a_character_cut_in_two_is_left_out() {
        check("黑色".as_bytes().split_last().unwrap().1, Some("黑"));
        let long = "ệ".repeat(200);
        let text = Value::Bytes(long.into_bytes()).as_text().unwrap();
        assert!(text.chars().all(|c| c == 'ệ') && text.len() <= Value::TEXT);
    }

    #[test]
    fn a_number_is_a_number_whatever_kind_was_sent() {
        for (value, signed, unsigned) in [
            (Value::Integer(-2), Some(-2), None),
            (Value::Integer(7), Some(7), Some(7)),
            (
                Value::Gauge32(u32::MAX),
                Some(4_294_967_295),
                Some(4_294_967_295),
            ),
            (Value::TimeTicks(7), Some(7), Some(7)),
            (Value::Counter32(7), Some(7), Some(7)),
            (Value::Counter64(u64::MAX), None, Some(u64::MAX)),
            (Value::Bytes(b"7".to_vec()), None, None),
            (Value::Other, None, None),
        ] {
            assert_eq!(
                (value.as_i64(), value.as_u64()),
                (signed, unsigned),
                "{value:?}"
            );
        }
    }
}
