//! The path when the diagnosis has said where it fails: what it says is marked, with figures where there are some, and
//! without where nobody measures or the fault is over.

use maud::{Markup, html};

use super::{Fails, stage};
use crate::web::lang::{fill, verdict};
use crate::web::pages::{Visitor, mark, place_name, segment_name};
use crate::web::view::Standing;

/// The stretches of a path without figures.
const STRETCHES: [&str; 6] = ["device", "lan", "gateway", "line", "isp", "core"];

/// What the verdict is, in one sentence.
pub(super) fn summary(visitor: &Visitor, fails: &Fails<'_>) -> Markup {
    html! {
        @match fails.segment {
            Some(segment) => figcaption.lost {
                (mark(Standing::Lost))
                b { (fill(visitor.say(verdict::FAILS_AT), &[place_name(visitor, segment)])) } " " (fails.note)
            },
            None => figcaption.unknown {
                (mark(Standing::Unknown)) b { (visitor.say(verdict::FAILS_NOWHERE)) } " " (fails.note)
            },
        }
    }
}

/// The mark of a stretch, when it is the one that fails.
pub(super) fn badge(visitor: &Visitor, fails: &Fails<'_>, segment: &str) -> Option<&'static str> {
    (fails.segment == Some(segment)).then(|| visitor.say(verdict::BROKEN_HERE))
}

/// The path without figures.
pub(in crate::web::pages) fn bare(visitor: &Visitor, fails: &Fails<'_>) -> Markup {
    let ends = ["dns", "service"];
    let beside = fails.segment.filter(|segment| ends.contains(segment));
    html! {
        section {
            h2 { (visitor.texts().path) }
            figure.path {
                (summary(visitor, fails))
                ol.stages {
                    @for segment in STRETCHES.into_iter().chain(beside) {
                        @let badge = badge(visitor, fails, segment);
                        @let standing = if badge.is_some() { Standing::Lost } else { Standing::Unmeasured };
                        (stage(segment_name(visitor.texts(), segment), standing, badge, html! {}))
                    }
                }
            }
        }
    }
}
