//! Object identifiers: written as MIBs write them, checked while compiling, ordered as agents order them.
//!
//! Deliberately absent: names. A reader's constants carry the MIB's own names.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// An object identifier. Orders as walks do: arc by arc, the shorter first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Oid(Cow<'static, [u32]>);

/// An object identifier known while compiling: `const SYS_DESCR: Oid = oid!("1.3.6.1.2.1.1.1.0");`
macro_rules! oid {
    ($text:literal) => {{
        const ARCS: [u32; $crate::sources::device::snmp::oid::arcs($text)] =
            $crate::sources::device::snmp::oid::parsed($text);
        $crate::sources::device::snmp::Oid::of(&ARCS)
    }};
}
pub(crate) use oid;

/// A text that is no object identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an object identifier is numbers with dots between, at most {} of them",
    Oid::ARCS
)]
pub(crate) struct NoOid;

impl Oid {
    /// RFC 2578, section 3.5: at most this many arcs.
    pub(crate) const ARCS: usize = 128;

    /// Of these arcs.
    pub(crate) const fn of(arcs: &'static [u32]) -> Self {
        Self(Cow::Borrowed(arcs))
    }

    /// Its arcs.
    pub(crate) fn arcs(&self) -> &[u32] {
        &self.0
    }

    /// This one with arcs added: a column's instance.
    pub(crate) fn child(&self, index: &[u32]) -> Self {
        Self(Cow::Owned([self.arcs(), index].concat()))
    }

    /// What follows after `root`: of a column's instance, its index. `None` where it is not below.
    pub(crate) fn suffix(&self, root: &Self) -> Option<&[u32]> {
        self.arcs().strip_prefix(root.arcs())
    }

    /// Whether it is `root` or below it.
    pub(crate) fn starts_with(&self, root: &Self) -> bool {
        self.suffix(root).is_some()
    }
}

impl From<Vec<u32>> for Oid {
    fn from(arcs: Vec<u32>) -> Self {
        Self(Cow::Owned(arcs))
    }
}

impl FromStr for Oid {
    type Err = NoOid;

    /// With or without a dot before it.
    fn from_str(text: &str) -> Result<Self, NoOid> {
        let arcs = text.strip_prefix('.').unwrap_or(text).split('.');
        let arcs: Result<Vec<u32>, _> = arcs.take(Self::ARCS + 1).map(str::parse).collect();
        let arcs = arcs.map_err(|_| NoOid)?;
        (arcs.len() <= Self::ARCS)
            .then(|| Self::from(arcs))
            .ok_or(NoOid)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for arc in self.arcs() {
            write!(f, "{dot}{arc}")?;
            dot = ".";
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How many arcs a literal has, for [`oid!`].
pub(crate) const fn arcs(text: &str) -> usize {
    let mut rest = text.as_bytes();
    let mut arcs = 1;
    while let [byte, after @ ..] = rest {
        if *byte == b'.' {
            arcs += 1;
        }
        rest = after;
    }
    arcs
}

/// The arcs of a literal, for [`oid!`]: one that is no object identifier does not compile.
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated while compiling alone, where out of bounds is a compiler error"
)]
pub(crate) const fn parsed<const N: usize>(text: &str) -> [u32; N] {
    let mut rest = text.as_bytes();
    let mut parsed = [0; N];
    let (mut arc, mut digits) = (0, 0);
    while let [byte, after @ ..] = rest {
        match *byte {
            b'.' => {
                assert!(digits > 0, "an arc is missing");
                arc += 1;
                digits = 0;
            }
            digit => {
                assert!(digit.is_ascii_digit(), "an arc is a number");
                parsed[arc] = parsed[arc] * 10 + (digit - b'0') as u32;
                digits += 1;
            }
        }
        rest = after;
    }
    assert!(digits > 0, "an arc is missing");
    parsed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const IF_IN_OCTETS: Oid = oid!("1.3.6.1.2.1.2.2.1.10");

    #[test]
    fn a_literal_is_what_the_same_text_is_at_run_time() {
        assert_eq!(IF_IN_OCTETS, "1.3.6.1.2.1.2.2.1.10".parse().unwrap());
        assert_eq!(IF_IN_OCTETS, ".1.3.6.1.2.1.2.2.1.10".parse().unwrap());
        assert_eq!(IF_IN_OCTETS.to_string(), "1.3.6.1.2.1.2.2.1.10");
        assert_eq!(oid!("4294967295").arcs(), [u32::MAX]);
    }

    #[test]
    fn what_is_no_oid_is_refused() {
        let long = vec!["1"; Oid::ARCS + 1].join(".");
        for text in [
            "",
            ".",
            "1.",
            "1..3",
            "1.3.x",
            "1.-3",
            "1.4294967296",
            &long,
        ] {
            assert_eq!(text.parse::<Oid>(), Err(NoOid), "{text}");
        }
        assert!(vec!["1"; Oid::ARCS].join(".").parse::<Oid>().is_ok());
    }

    #[test]
    fn an_index_is_what_follows_after_the_column() {
        let instance = IF_IN_OCTETS.child(&[7, 1]);
        assert_eq!(instance.suffix(&IF_IN_OCTETS), Some([7, 1].as_slice()));
        assert!(instance.starts_with(&IF_IN_OCTETS));
        assert_eq!(oid!("1.3.6.1.2.1.2.2.1.100").suffix(&IF_IN_OCTETS), None);
    }

    #[test]
    fn order_is_by_number_and_not_by_digits() {
        assert!(oid!("1.3.9") < oid!("1.3.10"));
        assert!(oid!("1.3") < oid!("1.3.0"));
    }
}
