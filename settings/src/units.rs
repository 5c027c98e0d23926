//! Durations and sizes as people write them.
//!
//! A duration is one or more whole numbers, each with a unit of `d`, `h`, `m`, `s`, `ms`, the larger unit first and each at
//! most once: `7d`, `1h30m`, `250ms`. A size is one whole number with a unit of `B`, `kB`, `MB`, `GB` (powers of 1000) or
//! `KiB`, `MiB`, `GiB` (powers of 1024). No spaces, signs or fractions.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut units = DURATION_UNITS.iter();
    let mut rest = text;
    let mut milliseconds: u64 = 0;
    loop {
        let (number, after) = split_number(rest)?;
        let end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        // The iterator is not rewound, so a unit that is repeated or out of order is not found.
        let (_, scale) = units.find(|(name, _)| *name == unit)?;
        milliseconds = milliseconds.checked_add(number.checked_mul(*scale)?)?;
        rest = after;
        if rest.is_empty() {
            return Some(Duration::from_millis(milliseconds));
        }
    }
}

pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let (_, scale) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*scale)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_units_largest_first() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("250ms", 250),
            ("15s", 15_000),
            ("5m", 300_000),
            ("90m", 5_400_000),
            ("1h30m", 5_400_000),
            ("1m250ms", 60_250),
            ("7d", 604_800_000),
            ("1d2h3m4s5ms", 93_784_005),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_not_durations() {
        for text in [
            "",
            "15",
            "s",
            "-1s",
            "1.5h",
            "1 h",
            " 1h",
            "1h ",
            "30m1h",
            "1h1h",
            "5min",
            "1S",
            "1h30",
            "99999999999999999999s",
            "999999999999999999d",
            "١s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_a_whole_number_with_a_unit() {
        for (text, size) in [
            ("0B", 0),
            ("900kB", 900_000),
            ("64MB", 64_000_000),
            ("2GB", 2_000_000_000),
            ("4KiB", 4096),
            ("8MiB", 8_388_608),
            ("1GiB", 1_073_741_824),
        ] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_sizes() {
        for text in [
            "",
            "64",
            "MB",
            "64 MB",
            "64mb",
            "1.5GB",
            "-1MB",
            "1GB1MB",
            "99999999999GiB",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
