//! Ids as types, so that a centre is never passed where a device belongs.
//!
//! All are slugs: they end up in label values, URLs, file names and on the phone of somebody who
//! has to type them.

use std::fmt;
use std::str::FromStr;

use crate::limits::ID_BYTES;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no id: use 1 to {ID_BYTES} lower-case letters, digits and single hyphens between them, such as \"cong-son\""
)]
pub struct InvalidId {
    text: String,
}

fn is_slug(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty()
        && text.len() <= ID_BYTES
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// Makes the nearest slug of a text: `PC Số 3.local` becomes `pc-so-3-local`. `None` when nothing is
/// left of it.
#[must_use]
pub fn slug(text: &str) -> Option<String> {
    let mut slug = String::new();
    for c in text
        .chars()
        .flat_map(char::to_lowercase)
        .map(without_accent)
    {
        if slug.len() >= ID_BYTES {
            break;
        }
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !is_combining(c) && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// The base letter of a precomposed Vietnamese vowel or đ; any other character as it is. Unicode's
/// block Latin Extended Additional keeps each vowel in one run.
fn without_accent(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ă' | '\u{1ea0}'..='\u{1eb7}' => 'a',
        'è' | 'é' | 'ê' | '\u{1eb8}'..='\u{1ec7}' => 'e',
        'ì' | 'í' | 'ĩ' | '\u{1ec8}'..='\u{1ecb}' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ơ' | '\u{1ecc}'..='\u{1ee3}' => 'o',
        'ù' | 'ú' | 'ũ' | 'ư' | '\u{1ee4}'..='\u{1ef1}' => 'u',
        'ý' | '\u{1ef2}'..='\u{1ef9}' => 'y',
        'đ' => 'd',
        _ => c,
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if is_slug(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { text: text.chars().take(ID_BYTES).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id! {
    /// One service centre (a site): `cong-son`.
    CentreId
}
id! {
    /// One device of a centre, unique within it: `pc-03`. The `device` label.
    DeviceId
}
id! {
    /// One enrolment of one machine, unique everywhere; what is revoked.
    AgentId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_slugs() {
        for good in ["a", "cong-son", "pc-03", &"x".repeat(63)] {
            assert!(good.parse::<CentreId>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "a--b",
            "Công",
            "a b",
            "a/b",
            "A",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<CentreId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn vietnamese_host_names_become_slugs() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(slug(text).as_deref(), expected, "{text}");
        };
        check("PC Số 3.local", Some("pc-so-3-local"));
        check("ĐỒNG-ĐĂNG", Some("dong-dang"));
        check("Máy quầy Uỵ", Some("may-quay-uy"));
        check("hữu lũng (tiếp dân)", Some("huu-lung-tiep-dan"));
        check("a\u{301}b", Some("ab"));
        check("中文", None);
        check("__", None);
        assert_eq!(slug(&"é".repeat(100)).map(|s| s.len()), Some(63));
    }
}
