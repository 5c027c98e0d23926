//! The way from a device outwards as a reader sees it: stretch by stretch, how each does, and from
//! where on it is weak.
//!
//! Weak from a stretch on means that nothing beyond it is good: a router in the middle that answers few
//! echoes, with good answers from behind it, holds up nobody. Deliberately absent: a cause, which is the
//! diagnosis's to name.

use super::{Link, Standing};

/// The way outwards, the nearest stretch first.
#[derive(Debug)]
pub(in crate::web) struct Path<'a> {
    pub(in crate::web) stages: Vec<Stage<'a>>,
    /// The first stretch that is weak and has nothing good beyond it.
    pub(in crate::web) weak_from: Option<usize>,
}

/// One stretch and the links that measure it.
#[derive(Debug)]
pub(in crate::web) struct Stage<'a> {
    pub(in crate::web) segment: &'static str,
    /// What deserves most attention first.
    pub(in crate::web) links: Vec<&'a Link>,
    /// Of its worst link; unmeasured when none could be judged.
    pub(in crate::web) standing: Standing,
}

/// Stretches in their order, and whether a picture without them would be one with a hole.
const STAGES: [(&str, bool); 5] = [
    ("lan", false),
    ("gateway", true),
    ("line", true),
    ("isp", false),
    ("core", true),
];

impl<'a> Path<'a> {
    pub(in crate::web) fn of(links: &'a [Link]) -> Self {
        let mut stages = Vec::new();
        for (segment, always) in STAGES {
            let mut links: Vec<_> = links
                .iter()
                .filter(|link| link.segment == segment)
                .collect();
            if links.is_empty() && !always {
                continue;
            }
            links.sort_by_key(|link| link.standing().unwrap_or(Standing::Off));
            let worst = links.iter().filter_map(|link| link.standing()).min();
            stages.push(Stage {
                segment,
                links,
                standing: worst.unwrap_or(Standing::Unmeasured),
            });
        }
        let good = |stage: &Stage<'_>| stage.links.iter().any(|link| link.is_good());
        let last_good = stages.iter().rposition(good);
        let weak_from = stages
            .iter()
            .enumerate()
            .position(|(place, stage)| last_good <= Some(place) && stage.standing.is_weak());
        Self { stages, weak_from }
    }

    /// The stretch from which on it is weak.
    pub(in crate::web) fn weak(&self) -> Option<&Stage<'a>> {
        self.stages.get(self.weak_from?)
    }

    /// Whether anything across the line was judged at all.
    pub(in crate::web) fn is_judged(&self) -> bool {
        let links = self.stages.iter().flat_map(|stage| &stage.links);
        links
            .into_iter()
            .any(|link| link.crosses_line() && link.standing().is_some())
    }
}
