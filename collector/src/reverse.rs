//! The lines of centres as the province sees them from outside: which there are, and who looks.
//!
//! A centre that is silent may have no power, or no line; whether its router still answers from outside is the one thing
//! that can be known at once. The agents of one centre, the province's own, ping every address that is configured, as
//! links of the segment `reverse`. What they say counts for the centre that an address belongs to; what others say of
//! lines counts for nothing. Deliberately absent: any guess at an address. Lines with one that changes, and routers that
//! answer no echo from outside, say nothing and are better left out.

use proto::ids::CentreId;
use proto::plan::{Segment, Target};

/// The lines, and who looks at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// The centre whose agents look: the province's own.
    pub from: CentreId,
    /// At which lines.
    pub lines: Vec<Line>,
}

/// One line of a centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub centre: CentreId,
    /// The `target` label: the centre's id, and a number for the second and further ones.
    pub target: String,
    /// Where it is from outside.
    pub address: String,
}

impl Reverse {
    /// What those who look are asked to ping.
    pub fn targets(&self) -> impl Iterator<Item = Target> + '_ {
        self.lines.iter().map(|line| Target {
            name: line.target.clone(),
            address: line.address.clone(),
            segment: Segment::Reverse,
            network: None,
        })
    }

    /// Whose line a link of that name is, as an agent of some centre tells it: nobody's, unless it is to look.
    #[must_use]
    pub fn told_by(&self, teller: &str, target: &str) -> Option<&CentreId> {
        let looks = teller == self.from.as_str();
        let mut lines = self.lines.iter().filter(|_| looks);
        let line = lines.find(|line| line.target == target)?;
        Some(&line.centre)
    }
}
