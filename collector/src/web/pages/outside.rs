//! How a centre's lines look from outside: the one thing that is known at once of a centre that is silent.

use maud::{Markup, html};
use proto::ids::CentreId;

use super::{Visitor, fact};
use crate::web::Web;
use crate::web::format;
use crate::web::lang::{fill, verdict};
use crate::web::view::Outside;

/// A row of each line that the province looks at.
pub(super) fn facts(web: &Web, visitor: &Visitor, centre: &CentreId) -> Markup {
    html! {
        @for line in web.outside(centre) {
            (fact(visitor.say(verdict::FROM_OUTSIDE), html! {
                (said(visitor, &line)) " " small { (line.address) }
            }))
        }
    }
}

fn said(visitor: &Visitor, line: &Outside) -> String {
    let language = visitor.language;
    match (line.loss, line.delay) {
        (None, _) => visitor.say(verdict::OUTSIDE_UNSEEN).to_owned(),
        (Some(_), _) if !line.was_answered => visitor.say(verdict::OUTSIDE_NEVER).to_owned(),
        (Some(loss), Some(delay)) if loss < 1.0 => {
            let delay = format::seconds(language, delay);
            let answers = fill(visitor.say(verdict::OUTSIDE_ANSWERS), &[&delay]);
            if loss > 0.0 {
                let lost = format::percent(language, loss);
                format!("{answers}, {} {lost}", visitor.texts().loss)
            } else {
                answers
            }
        }
        _ => visitor.say(verdict::OUTSIDE_SILENT).to_owned(),
    }
}
