//! `[reverse]` and `[[line]]`: lines of centres that the province's own agents look at from outside.

use proto::ids::CentreId;
use proto::limits::LINES_PER_PLAN;
use proto::plan::Target;
use settings::Table;

use super::plan::{NOT_A_HOST, is_host, text_that};
use crate::reverse::{Line, Reverse};

/// Reads all of it. None where there is no line to look at. `anchors` have names that lines cannot have too.
pub(super) fn reverse(root: &Table<'_>, anchors: &[Target]) -> Option<Reverse> {
    let table = root.table("reverse");
    let expected = "the id of the centre whose agents look, such as \"tinh\"";
    let from = table.value::<CentreId>("from", expected);
    let tables = root.tables("line");
    if tables.len() > LINES_PER_PLAN {
        let message = format!("is there too often: {LINES_PER_PLAN} times are allowed");
        root.mistake_at("line", &message);
    }
    let is_unsaid = from.is_none() && !table.has("from");
    if let Some(first) = tables.first().filter(|_| is_unsaid) {
        first.mistake_at(
            "centre",
            "needs somebody who looks: name the centre whose agents do, as [reverse] from",
        );
    }
    let mut lines: Vec<Line> = Vec::new();
    for table in tables.iter().take(LINES_PER_PLAN) {
        table.require(&["centre", "address"]);
        let centre = table.value::<CentreId>("centre", "the id of a centre such as \"cong-son\"");
        let address = text_that(table, "address", is_host, NOT_A_HOST);
        let (Some(centre), Some(address)) = (centre, address) else {
            continue;
        };
        if from.as_ref() == Some(&centre) {
            table.mistake_at("centre", "is the one that looks: that is not from outside");
        }
        if anchors.iter().any(|anchor| anchor.name == centre.as_str()) {
            table.mistake_at("centre", "is the name of an [[anchor]] too: rename that");
        }
        if lines.iter().any(|line| line.address == address) {
            table.mistake_at("address", "is that of another [[line]] too");
        }
        let before = lines.iter().filter(|line| line.centre == centre).count();
        lines.push(Line {
            target: match before {
                0 => centre.to_string(),
                _ => format!("{centre} {}", before + 1),
            },
            centre,
            address,
        });
    }
    let from = from.filter(|_| !lines.is_empty())?;
    Some(Reverse { from, lines })
}
