//! What happened while nothing was heard from a centre, as its machines told afterwards: stretch by stretch, as bars and
//! in words.

use diagnosis::event::Incident;
use jiff::SignedDuration;
use maud::{Markup, html};
use proto::ids::CentreId;

use super::{Visitor, fault};
use crate::blind::{Gap, STRETCHES, Slot, Stretch};
use crate::registry::IncidentFilter;
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::{fill, verdict};

/// Gaps of one centre that have room.
const MOST_GAPS: usize = 2;

/// Centres of one fault whose gaps have room.
const MOST_CENTRES: usize = 3;

/// Faults of one gap that have room.
const MOST_FAULTS: u32 = 10;

/// Times that are told one by one; of more it is said that they were many.
const MOST_TIMES: usize = 3;

/// How long a gap is news on the page of its centre.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// Steps of a bar from end to end.
const WIDTH: f64 = 200.0;

/// The newest gaps of a centre, with the faults in them.
pub(super) async fn of_centre(web: &Web, visitor: &Visitor, id: &CentreId) -> Markup {
    let oldest = ((web.now)() - NEWS).as_duration().as_secs_f64();
    let mut gaps = web.faults.blind().of(id.as_str());
    gaps.retain(|gap| gap.until >= oldest);
    gaps.truncate(MOST_GAPS);
    let mut shown = Vec::new();
    for gap in &gaps {
        let filter = IncidentFilter {
            active: None,
            from: timestamp_of(gap.from),
            to: timestamp_of(gap.until),
            centre: Some(id.clone()),
            most: MOST_FAULTS,
        };
        let faults = web.registry.incidents(filter).await;
        let faults = faults.unwrap_or_else(|error| {
            tracing::warn!(%error, "Faults cannot be read.");
            Vec::new()
        });
        let faults: Vec<Incident> = faults
            .into_iter()
            .filter(|it| !it.withdrawn)
            .map(|it| it.incident)
            .collect();
        shown.push(html! { (told(web, visitor, gap)) (faults_within(visitor, &faults)) });
    }
    section(visitor, &shown)
}

/// The gaps that a fault reaches into.
pub(super) fn of_incident(web: &Web, visitor: &Visitor, incident: &Incident) -> Markup {
    let mut shown = Vec::new();
    for id in incident.scope.iter().take(MOST_CENTRES) {
        let gaps = web.faults.blind().of(id);
        let until = incident.until.unwrap_or(f64::INFINITY);
        let within = gaps
            .iter()
            .filter(|gap| gap.from <= until && incident.since <= gap.until);
        for gap in within.take(MOST_GAPS) {
            shown.push(html! {
                @if incident.scope.len() > 1 { h3 { (fault::centre_name(web, id)) } }
                (told(web, visitor, gap))
            });
        }
    }
    section(visitor, &shown)
}

fn section(visitor: &Visitor, shown: &[Markup]) -> Markup {
    html! {
        @if !shown.is_empty() {
            section #blind {
                h2 { (visitor.say(verdict::BLIND)) }
                @for gap in shown { div.card { (gap) } }
                p.note { (visitor.say(verdict::BLIND_NOTE)) }
            }
        }
    }
}

fn told(web: &Web, visitor: &Visitor, gap: &Gap) -> Markup {
    let language = visitor.language;
    let moment = |t: f64| {
        timestamp_of(t)
            .map(|at| format::moment(language, web.utc_offset, at))
            .unwrap_or_default()
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond i64 saturates"
    )]
    let length = format::span(language, (gap.until - gap.from) as i64);
    let counts = [gap.machines().to_string(), gap.records.to_string()];
    let slots: Vec<Slot> = gap.slots().collect();
    html! {
        p { (fill(visitor.say(verdict::BLIND_WHEN), &[&moment(gap.from), &moment(gap.until), &length])) }
        p { (fill(visitor.say(verdict::BLIND_TOLD), &counts.each_ref().map(String::as_str))) }
        ul.levels.seen {
            @for stretch in STRETCHES {
                @if slots.iter().any(|slot| slot.of(stretch).is_some()) {
                    li {
                        span { (name(visitor, stretch)) }
                        b { (in_words(web, visitor, &slots, stretch)) }
                        (bar(gap, &slots, stretch))
                    }
                }
            }
        }
    }
}

fn faults_within(visitor: &Visitor, faults: &[Incident]) -> Markup {
    html! {
        @if faults.is_empty() {
            p.note { (visitor.say(verdict::BLIND_NO_FAULTS)) }
        } @else {
            p { b { (visitor.say(verdict::BLIND_FAULTS)) } }
            ul.reasons {
                @for incident in faults {
                    li { i.mark aria-hidden="true" { "■" } a href=(fault::address(&incident.id)) { (visitor.words(&incident.sentence)) } }
                }
            }
        }
    }
}

fn name(visitor: &Visitor, stretch: Stretch) -> &'static str {
    let texts = visitor.texts();
    match stretch {
        Stretch::Lan => texts.segment_lan,
        Stretch::Gateway => texts.segment_gateway,
        Stretch::Line => texts.segment_line,
        Stretch::Internet => visitor.say(verdict::BLIND_INTERNET),
        Stretch::Server => visitor.say(verdict::BLIND_SERVER),
        Stretch::Names => texts.segment_dns,
        Stretch::Services => texts.services,
    }
}

/// When it could not be used.
fn in_words(web: &Web, visitor: &Visitor, slots: &[Slot], stretch: Stretch) -> String {
    let known = slots
        .iter()
        .filter_map(|slot| Some((slot, slot.of(stretch)?.is_bad())));
    let known: Vec<(&Slot, bool)> = known.collect();
    let dead: Vec<&[(&Slot, bool)]> = known
        .chunk_by(|one, other| one.1 == other.1)
        .filter(|run| run.iter().any(|(_, bad)| *bad))
        .collect();
    if dead.is_empty() {
        return visitor.say(verdict::BLIND_GOOD).to_owned();
    }
    if known.iter().all(|(_, bad)| *bad) {
        return visitor.say(verdict::BLIND_BAD).to_owned();
    }
    if dead.len() > MOST_TIMES {
        return visitor.say(verdict::BLIND_UNSTEADY).to_owned();
    }
    let time = |t: f64| {
        timestamp_of(t)
            .map(|at| short_time(web, at))
            .unwrap_or_default()
    };
    let times: Vec<String> = dead
        .iter()
        .filter_map(|run| {
            Some(format!(
                "{}–{}",
                time(run.first()?.0.from),
                time(run.last()?.0.until)
            ))
        })
        .collect();
    fill(visitor.say(verdict::BLIND_BAD_IN), &[&times.join(", ")])
}

/// `07:12`
fn short_time(web: &Web, at: jiff::Timestamp) -> String {
    web.utc_offset.to_datetime(at).strftime("%H:%M").to_string()
}

/// The gap from end to end, dead times high and good ones low, so that colour says nothing alone.
fn bar(gap: &Gap, slots: &[Slot], stretch: Stretch) -> Markup {
    let scale = WIDTH / (gap.until - gap.from).max(1.0);
    let parts = slots.iter().filter_map(|slot| {
        let bad = slot.of(stretch)?.is_bad();
        let (from, width) = (
            (slot.from - gap.from) * scale,
            (slot.until - slot.from) * scale,
        );
        let line = format!(
            "M{from:.1} {}h{:.1}",
            if bad { 4 } else { 6 },
            width.max(0.5)
        );
        Some((if bad { "lost" } else { "good" }, line))
    });
    html! {
        svg.bar viewBox={ "0 0 " (WIDTH) " 8" } preserveAspectRatio="none" aria-hidden="true" {
            @for (class, line) in parts { path.(class) d=(line) {} }
        }
    }
}
