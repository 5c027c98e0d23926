//! Moments as certificates and servers write them, in Unix seconds. Pure.
//!
//! Of a certificate nothing but its validity is read here, so that no X.509 library is needed beside
//! the one that verifies; that one does not tell.

/// From when to when a certificate is valid, Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The validity of a certificate (RFC 5280, section 4.1), DER.
pub(super) fn validity(certificate: &[u8]) -> Option<Validity> {
    let mut certificate = Der(Der(certificate).of_tag(SEQUENCE)?);
    let mut body = Der(certificate.of_tag(SEQUENCE)?);
    let mut after_version = Der(body.0);
    if after_version.of_tag(EXPLICIT_0).is_some() {
        body = after_version;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        body.next()?;
    }
    let mut validity = Der(body.of_tag(SEQUENCE)?);
    let not_before = moment(validity.next()?)?;
    let not_after = moment(validity.next()?)?;
    Some(Validity {
        not_before,
        not_after,
    })
}

/// What is left of a run of DER elements.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The tag and contents of the next element.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let digits = usize::from(length & 0x7f);
            let (digits, rest) = rest.split_at_checked(digits).filter(|_| digits <= 3)?;
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, rest)
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, contents))
    }

    fn of_tag(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(tag, _)| *tag == wanted)
            .map(|(_, contents)| contents)
    }
}

/// A time as RFC 5280 writes it: always to the second, always UTC.
fn moment((tag, contents): (u8, &[u8])) -> Option<i64> {
    let digits = contents.strip_suffix(b"Z")?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let mut parts = rest.chunks_exact(2).map(number);
    let mut next = || parts.next().flatten();
    let (month, day) = (next()?, next()?);
    let time = [next()?, next()?, next()?];
    (rest.len() == 10)
        .then(|| unix(year, month, day, time))
        .flatten()
}

/// What a `Date` header says (RFC 9110, section 5.6.7, the form in use).
pub(super) fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_ascii_whitespace().skip(1);
    let day = number(words.next()?.as_bytes())?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = number(words.next()?.as_bytes())?;
    let mut time = words
        .next()?
        .splitn(3, ':')
        .map(|part| number(part.as_bytes()));
    let mut next = || time.next().flatten();
    let time = [next()?, next()?, next()?];
    (words.next()? == "GMT").then_some(())?;
    unix(year, i64::try_from(month).ok()? + 1, day, time)
}

/// At most four digits.
fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')),
    )
}

/// Unix seconds of a moment of the Gregorian calendar, UTC. A day that its month does not have counts
/// on into the next.
fn unix(year: i64, month: i64, day: i64, [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let is_one = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_one {
        return None;
    }
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use rcgen::{CertificateParams, KeyPair, SerialNumber, date_time_ymd};

    use super::*;

    #[test]
    fn dates_of_servers_are_read() {
        let check = |text, expected| assert_eq!(http_date(text), expected, "{text}");
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Thu, 29 Feb 2024 23:59:60 GMT", Some(1_709_251_200));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799));
        check("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1));
        for garbage in [
            "",
            "x",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov -994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        ] {
            check(garbage, None);
        }
    }

    fn certificate(serial: &[u8], from: i32, to: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.not_before = date_time_ymd(from, 3, 1);
        params.not_after = date_time_ymd(to, 2, 28);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_validity_of_a_certificate_is_read() {
        let check = |from, to, not_before, not_after| {
            let expected = Validity {
                not_before,
                not_after,
            };
            let read = validity(&certificate(&[1; 20], from, to));
            assert_eq!(read, Some(expected), "{from} to {to}");
        };
        check(2024, 2025, 1_709_251_200, 1_740_700_800);
        check(1970, 2049, 5_097_600, 2_498_083_200);
        check(1950, 2050, -626_054_400, 2_529_619_200);
        check(2026, 9999, 1_772_323_200, 253_375_776_000);
    }

    #[test]
    fn a_certificate_that_is_cut_or_flipped_is_no_panic() {
        let whole = certificate(&[1; 20], 2024, 2025);
        for length in 0..whole.len() {
            validity(whole.get(..length).unwrap());
        }
        for place in 0..whole.len() {
            for value in [0x00, 0x7f, 0x80, 0x84, 0xff] {
                let mut broken = whole.clone();
                *broken.get_mut(place).unwrap() = value;
                validity(&broken);
            }
        }
        assert_eq!(validity(b""), None);
        assert_eq!(validity(b"\x30\x84\xff\xff\xff\xff"), None);
    }
}
