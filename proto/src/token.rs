//! The text of an enrolment token: `dw1-<fingerprint>-<secret>`.
//!
//! The fingerprint of the collector's authority travels inside the token, so that an agent always
//! knows whom to trust before it sends the secret. Only text and bytes here: whoever makes, hashes
//! or compares secrets does so elsewhere.

use std::fmt;
use std::str::FromStr;

/// What every token of this format begins with.
const PREFIX: &str = "dw1-";

/// Bytes of a secret: nobody guesses 128 bits.
pub const SECRET_BYTES: usize = 16;

/// SHA-256 of the certificate (DER) of a collector's authority.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// What proves that its bearer may enrol. Never printed by `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; SECRET_BYTES]);

/// What `token create` printed. `Display` gives the whole text, the secret included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Whose token it is.
    pub fingerprint: Fingerprint,
    /// What only that collector's administrator and the new agent know.
    pub secret: Secret,
}

/// Why a text is no token. None of the messages repeats the text, which may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidToken {
    #[error("this is no token: copy the whole text that begins with \"dw1-\"")]
    NoToken,
    #[error("this token has a newer format: update the agent")]
    Newer,
    #[error("the token is cut off or mistyped: copy it again, whole")]
    Damaged,
}

/// Why a text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits, colons between them allowed")]
pub struct InvalidFingerprint;

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        let Some(rest) = text.strip_prefix(PREFIX) else {
            return Err(if is_newer(text) {
                InvalidToken::Newer
            } else {
                InvalidToken::NoToken
            });
        };
        let (fingerprint, secret) = rest.split_once('-').ok_or(InvalidToken::Damaged)?;
        Ok(Self {
            fingerprint: Fingerprint(from_hex(fingerprint).ok_or(InvalidToken::Damaged)?),
            secret: Secret(from_hex(secret).ok_or(InvalidToken::Damaged)?),
        })
    }
}

fn is_newer(text: &str) -> bool {
    text.strip_prefix("dw")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(version, _)| version.parse::<u32>().is_ok_and(|version| version > 1))
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        from_hex(&digits).map(Self).ok_or(InvalidFingerprint)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-", self.fingerprint)?;
        write_hex(f, &self.secret.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Exactly `N` bytes from hexadecimal digits of either case.
fn from_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16)?;
            *byte = *byte << 4 | u8::try_from(value).ok()?;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            fingerprint: Fingerprint([0xa5; 32]),
            secret: Secret([0x0f; SECRET_BYTES]),
        }
    }

    #[test]
    fn a_token_survives_being_copied() {
        let text = token().to_string();
        assert_eq!(text, format!("dw1-{}-{}", "a5".repeat(32), "0f".repeat(16)));
        assert_eq!(text.parse(), Ok(token()));
        assert_eq!(format!(" {}\r\n", text).parse(), Ok(token()));
    }

    #[test]
    fn what_is_no_token_says_what_to_do() {
        let check = |text: &str, expected: InvalidToken| {
            assert_eq!(text.parse::<Token>(), Err(expected), "{text:?}");
        };
        let text = token().to_string();
        check("", InvalidToken::NoToken);
        check("hello", InvalidToken::NoToken);
        check("dw0-1", InvalidToken::NoToken);
        check(&text.replace("dw1", "dw2"), InvalidToken::Newer);
        check(&text[..text.len() - 1], InvalidToken::Damaged);
        check(&format!("{text}0"), InvalidToken::Damaged);
        check(&text.replace("0f", "0g"), InvalidToken::Damaged);
        check(&text.replace("a5", "é"), InvalidToken::Damaged);
        check("dw1-", InvalidToken::Damaged);
    }

    #[test]
    fn the_secret_is_never_printed_for_debugging() {
        let shown = format!("{:?}", token());
        assert!(shown.contains("Secret(…)"), "{shown}");
        assert!(!shown.contains("0f0f"), "{shown}");
    }

    #[test]
    fn fingerprints_are_read_as_other_tools_print_them() {
        let plain = "a5".repeat(32);
        let with_colons = vec!["A5"; 32].join(":");
        assert_eq!(plain.parse(), Ok(token().fingerprint));
        assert_eq!(with_colons.parse(), Ok(token().fingerprint));
        assert_eq!(plain[1..].parse::<Fingerprint>(), Err(InvalidFingerprint));
    }
}
