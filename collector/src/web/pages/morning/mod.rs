//! The morning board: which centres will not be able to serve people, what to do first, and who does it.
//!
//! Built for a phone at half past six. Centres with the same trouble are one card; what can still be mended before opening
//! comes first, what needs nobody last. Verdicts are `diagnosis::readiness`'; deliberately absent: any of its own.

mod card;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use diagnosis::event::State as Ready;
use maud::{Markup, html};
use proto::ids::CentreId;

use self::card::Card;
use super::{Page, Visitor, alarm, mark, top};
use crate::readiness::{Fares, Morning, STATES, Standing as Verdict};
use crate::registry::Centre;
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::device::Both;
use crate::web::lang::{fill, verdict};
use crate::web::view::Standing;

/// Cards of one group that have room.
const MOST_CARDS: usize = 40;

/// What a card asks of people, what is to be done first first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// People cannot be served, and somebody near can act.
    Act,
    /// Nobody knows.
    Ask,
    /// It works, with a weakness.
    Weak,
    /// It lies with others.
    Elsewhere,
    /// Nothing is to be done.
    Well,
}

impl Group {
    const ALL: [Self; 5] = [
        Self::Act,
        Self::Ask,
        Self::Weak,
        Self::Elsewhere,
        Self::Well,
    ];

    fn of(verdict: &Verdict) -> Self {
        match verdict.verdict.state {
            Ready::Ready => Self::Well,
            Ready::Unknown => Self::Ask,
            Ready::NotReady | Ready::AtRisk if verdict.verdict.reason.not_ours => Self::Elsewhere,
            Ready::NotReady => Self::Act,
            Ready::AtRisk => Self::Weak,
        }
    }

    fn texts(self) -> (Both, Both) {
        match self {
            Self::Act => (verdict::ACT, verdict::ACT_MEANING),
            Self::Ask => (verdict::ASK, verdict::ASK_MEANING),
            Self::Weak => (verdict::WEAK, verdict::WEAK_MEANING),
            Self::Elsewhere => (verdict::ELSEWHERE, verdict::ELSEWHERE_MEANING),
            Self::Well => (verdict::WELL, verdict::WELL_MEANING),
        }
    }

    fn standing(self) -> Standing {
        match self {
            Self::Act => Standing::Lost,
            Self::Ask => Standing::Unknown,
            Self::Weak => Standing::Notice,
            Self::Elsewhere => Standing::Poor,
            Self::Well => Standing::Good,
        }
    }
}

/// `GET /morning`
pub(in crate::web) async fn show(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    let morning = web.faults.readiness().now();
    let centres = web.known_centres();
    let cards = cards(&morning, &centres);
    let of = |group| cards.iter().filter(move |card| card.group == group);
    let act: usize = of(Group::Act).map(|card| card.places.len()).sum();
    let title = visitor.say(verdict::MORNING);
    let body = html! {
        h1 { (title) " " small { (top(&web, &visitor)) } }
        (alarm::stuck(&web, &visitor))
        @if morning.centres.is_empty() {
            p.empty { (visitor.say(verdict::NO_LOOK_YET)) }
        } @else {
            (tiles(&visitor, &morning))
            (next_opening(&web, &visitor, &morning))
        }
        @for group in Group::ALL {
            @let all: Vec<&Card<'_>> = of(group).collect();
            @if !all.is_empty() { (section(&web, &visitor, group, &all)) }
        }
        (fares(&visitor, morning.fares))
    };
    let numbered = format!("({act}) {title}");
    let page = Page {
        web: &web,
        visitor: &visitor,
        title: if act > 0 { &numbered } else { title },
        trail: &[("/".to_owned(), top(&web, &visitor))],
        body,
    };
    page.respond()
}

/// The same in two lines, for the page of the province; nothing while all is well or nothing is known.
pub(super) fn teaser(web: &Web, visitor: &Visitor) -> Markup {
    let morning = web.faults.readiness().now();
    let count = |wanted: Ready| {
        let mut all = morning.centres.values();
        all.by_ref().filter(|it| it.verdict.state == wanted).count()
    };
    let counts = [Ready::NotReady, Ready::AtRisk].map(count);
    let said = [
        (counts[0], verdict::NOT_READY),
        (counts[1], verdict::AT_RISK),
    ];
    let said = said.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = said
        .map(|(count, name)| format!("{}: {count}", visitor.say(name)))
        .collect();
    let standing = if counts[0] > 0 {
        Standing::Lost
    } else {
        Standing::Notice
    };
    html! {
        @if !said.is_empty() {
            p.verdict.(standing.code()) {
                (mark(standing)) b { (visitor.say(verdict::MORNING)) ": " (said.join(" · ")) } ". "
                a href="/morning" { (visitor.say(verdict::SEE_MORNING)) }
            }
        }
    }
}

/// How ready one centre is, and what was said at its checks: `Chưa biết · T-60: Chưa biết, T-30: Sẵn sàng`.
pub(super) fn of_centre(web: &Web, visitor: &Visitor, id: &CentreId) -> Option<Markup> {
    let morning = web.faults.readiness().now();
    let of = morning.centres.get(id.as_str())?;
    let (standing, name) = state_texts(visitor, of.verdict.state);
    let checks = of.checks.iter().map(|check| {
        let (_, name) = state_texts(visitor, check.state);
        format!("{}: {name}", check.check)
    });
    let checks: Vec<String> = checks.collect();
    Some(html! {
        span class={ "badge " (standing.code()) } { (mark(standing)) (name) }
        " " (card::opens(web, visitor, of))
        @if !checks.is_empty() { br; small { (checks.join(" · ")) } }
    })
}

/// Why one centre is not ready and what to do, unless an open fault says so already.
pub(super) fn needs(web: &Web, visitor: &Visitor, id: &CentreId) -> Markup {
    let morning = web.faults.readiness().now();
    let of = morning.centres.get(id.as_str());
    let open = web.faults.open_now();
    let is_known = |of: &Verdict| {
        let mut all = open.values().map(|standing| &standing.incident);
        all.any(|it| {
            it.fault == of.verdict.reason.code && it.scope.iter().any(|hit| hit == id.as_str())
        })
    };
    let of = of
        .filter(|of| matches!(of.verdict.state, Ready::NotReady | Ready::AtRisk) && !is_known(of));
    html! {
        @if let Some(of) = of {
            @let (standing, name) = state_texts(visitor, of.verdict.state);
            p.verdict.(standing.code()) {
                (mark(standing)) b { (name) ": " } (visitor.words(&of.verdict.reason.sentence))
                " " b { (visitor.words(&of.verdict.reason.action)) }
            }
        }
    }
}

/// What a state is called, and its mark.
pub(super) fn state_texts(visitor: &Visitor, state: Ready) -> (Standing, &'static str) {
    match state {
        Ready::Ready => (Standing::Good, visitor.say(verdict::READY)),
        Ready::AtRisk => (Standing::Notice, visitor.say(verdict::AT_RISK)),
        Ready::NotReady => (Standing::Lost, visitor.say(verdict::NOT_READY)),
        Ready::Unknown => (Standing::Unknown, visitor.say(verdict::NOT_KNOWN)),
    }
}

/// Centres with the same trouble together, what opens first first.
fn cards<'a>(morning: &'a Morning, centres: &'a [Centre]) -> Vec<Card<'a>> {
    let mut cards: BTreeMap<(Group, &str, &str), Card<'a>> = BTreeMap::new();
    for centre in centres {
        let Some(verdict) = morning.centres.get(centre.id.as_str()) else {
            continue;
        };
        let (group, reason) = (Group::of(verdict), &verdict.verdict.reason);
        // How many see that all is well makes no difference here.
        let sentence = if group == Group::Well {
            ""
        } else {
            &reason.sentence.en
        };
        let key = (group, reason.code.as_str(), sentence);
        let card = cards.entry(key).or_insert_with(|| Card {
            group,
            verdict,
            places: Vec::new(),
        });
        card.places.push((centre, verdict));
    }
    let mut cards: Vec<Card<'_>> = cards.into_values().collect();
    for card in &mut cards {
        card.sort();
    }
    cards.sort_by(|one, other| {
        let by_group = one.group.cmp(&other.group);
        by_group
            .then_with(|| one.opening().total_cmp(&other.opening()))
            .then_with(|| other.places.len().cmp(&one.places.len()))
    });
    cards
}

/// How many centres are how ready.
fn tiles(visitor: &Visitor, morning: &Morning) -> Markup {
    html! {
        ul.tiles {
            @for state in STATES.into_iter().rev() {
                @let count = morning.centres.values().filter(|it| it.verdict.state == state).count();
                @let (standing, name) = state_texts(visitor, state);
                @if count > 0 {
                    li class=(standing.code()) { span { (mark(standing)) b { (count) } " " (name) } }
                }
            }
        }
    }
}

/// When the first doors open that have not yet.
fn next_opening(web: &Web, visitor: &Visitor, morning: &Morning) -> Markup {
    let now = (web.now)().as_duration().as_secs_f64();
    let openings = morning.centres.values().filter_map(|it| it.opening);
    let first = openings
        .filter(|at| *at > now)
        .reduce(f64::min)
        .and_then(timestamp_of);
    let said = first.map(|at| {
        let left = format::span(visitor.language, at.as_second() - (web.now)().as_second());
        let at = format::moment(visitor.language, web.utc_offset, at);
        let left = fill(visitor.say(verdict::OPENS_IN), &[&left]);
        fill(visitor.say(verdict::NEXT_OPENING), &[&at, &left])
    });
    html! { @if let Some(said) = said { p.sum { (said) } } }
}

fn section(web: &Web, visitor: &Visitor, group: Group, all: &[&Card<'_>]) -> Markup {
    let (name, meaning) = group.texts();
    let hidden = all.len().saturating_sub(MOST_CARDS);
    html! {
        section.calls.(group.standing().code()) {
            h2 { (mark(group.standing())) (visitor.say(name)) " " small { (visitor.say(meaning)) } }
            @for card in all.iter().take(MOST_CARDS) { (card.show(web, visitor)) }
            @if hidden > 0 { p.note { (fill(visitor.say(verdict::CAUSES_TOO), &[&hidden.to_string()])) } }
        }
    }
}

/// How often what was said came true.
fn fares(visitor: &Visitor, fares: Fares) -> Markup {
    let Fares {
        right,
        too_dark,
        too_bright,
        unanswered,
        ..
    } = fares;
    let all = [right, too_dark, too_bright, unanswered]
        .into_iter()
        .fold(0_u32, u32::saturating_add);
    let counts = [all, right, too_dark, too_bright, unanswered].map(|count| count.to_string());
    html! {
        @if all > 0 {
            p.note { (fill(visitor.say(verdict::FARES), &counts.each_ref().map(String::as_str))) }
        }
    }
}
