//! The stretches of a path, from the PC outwards, and the few things a fault can be in beside them.

use std::{fmt, str::FromStr};

use crate::UnknownName;

/// Where a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// One PC itself.
    Device,
    /// The network inside the centre.
    Lan,
    /// The centre's router.
    Gateway,
    /// The access line between the centre and its ISP.
    Line,
    /// The ISP, behind the line.
    Isp,
    /// The way to the collector, and the collector.
    Core,
    /// Name resolution.
    Dns,
    /// A portal or another service people need.
    Service,
    /// Everything on the way works, but not for this traffic.
    Route,
    /// Electricity.
    Power,
    /// A printer.
    Printer,
}

impl Segment {
    /// All segments; the path itself first, in its order.
    pub const ALL: [Self; 11] = [
        Self::Device,
        Self::Lan,
        Self::Gateway,
        Self::Line,
        Self::Isp,
        Self::Core,
        Self::Dns,
        Self::Service,
        Self::Route,
        Self::Power,
        Self::Printer,
    ];

    /// Its word in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Lan => "lan",
            Self::Gateway => "gateway",
            Self::Line => "line",
            Self::Isp => "isp",
            Self::Core => "core",
            Self::Dns => "dns",
            Self::Service => "service",
            Self::Route => "route",
            Self::Power => "power",
            Self::Printer => "printer",
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Segment {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL
            .into_iter()
            .find(|segment| segment.as_str() == word);
        found.ok_or_else(|| UnknownName {
            kind: "segment",
            word: word.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_contract_in_the_order_of_the_path() {
        let words = "device lan gateway line isp core dns service route power printer";
        let found: Result<Vec<Segment>, _> = words.split(' ').map(str::parse).collect();
        assert_eq!(found, Ok(Segment::ALL.to_vec()));
        assert!(Segment::ALL.is_sorted());
    }

    #[test]
    fn other_words_are_refused() {
        for word in ["", "Lan", "lan ", "unknown"] {
            let error = word.parse::<Segment>().err().map(|error| error.to_string());
            assert_eq!(error, Some(format!("\"{word}\" is no segment")));
        }
    }
}
