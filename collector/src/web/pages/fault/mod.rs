//! Faults: the list of them, and the card of one, to which alerts lead.
//!
//! In reading order: this (what both share) → `list` → `card` (what is wrong, what to do first, who does it) → `told`
//! (what was said when) → `runbook` (how it is mended, without the network).

mod card;
mod list;
mod runbook;
mod told;

use diagnosis::Fault;
use diagnosis::event::Incident;
use diagnosis::sentence;
use diagnosis::sentence::incident::{CERTAIN, LIKELY, Owner, doers};

pub(in crate::web) use self::card::show;
pub(in crate::web) use self::list::list;
use super::{Visitor, encode};
use crate::web::Web;
use crate::web::format;
use crate::web::format::timestamp_of;
use crate::web::lang::verdict;
use crate::web::view::Standing;

/// Where the card of a fault is.
pub(super) fn address(id: &str) -> String {
    let mut address = "/faults/".to_owned();
    encode(&mut address, id);
    address
}

/// What a fault deserves: shape and colour of its mark.
pub(super) fn kind_mark(incident: &Incident, over: bool) -> Standing {
    if over || incident.until.is_some() {
        Standing::Off
    } else if incident.confidence < LIKELY {
        Standing::Unknown
    } else if incident.confidence < CERTAIN {
        Standing::Poor
    } else {
        Standing::Lost
    }
}

/// How long it has been going on: `24 phút trước`.
pub(super) fn since(web: &Web, visitor: &Visitor, incident: &Incident) -> Option<String> {
    let at = timestamp_of(incident.since)?;
    Some(format::ago(visitor.language, (web.now)(), at))
}

/// What it is called, in a few words. A word that is not known is shown as it is.
fn kind(visitor: &Visitor, word: &str) -> String {
    match word.parse::<Fault>() {
        Ok(fault) => visitor.words(&sentence::fault(fault)).to_owned(),
        Err(_) => word.to_owned(),
    }
}

/// Who does what its action says, in that order, by name where that is known.
pub(super) fn who(visitor: &Visitor, incident: &Incident) -> Option<String> {
    let fault: Fault = incident.fault.parse().ok()?;
    let doers = match doers(fault) {
        // The answer says who goes on.
        [first, ..] if begins_with_question(incident) && *first != Owner::ProvincialIt => {
            &[Owner::Technician]
        }
        doers => doers,
    };
    let isp = incident.culprit.as_deref();
    Some(in_turn(visitor, doers, isp.filter(|_| is_of_isp(incident))))
}

/// Who acts, one after the other: `kỹ thuật viên; rồi VNPT`.
pub(super) fn in_turn(visitor: &Visitor, doers: &[Owner], isp: Option<&str>) -> String {
    let names = doers.iter().map(|owner| owner.name(isp));
    let names: Vec<_> = names.map(|name| visitor.words(&name).to_owned()).collect();
    names.join(visitor.say(verdict::THEN))
}

/// Whether two faults are about as likely, so that somebody has to be asked first.
fn begins_with_question(incident: &Incident) -> bool {
    let action = incident.action.en.to_lowercase();
    incident.settles.as_ref().is_some_and(|question| {
        !question.en.is_empty() && action.starts_with(&question.en.to_lowercase())
    })
}

/// Whether its culprit is an ISP, and no area, machine or service.
fn is_of_isp(incident: &Incident) -> bool {
    let line = incident.fault.starts_with("line_");
    line || matches!(
        incident.fault.as_str(),
        "isp_down" | "isp_degraded" | "dns_isp_down"
    )
}

/// How sure it is, in words.
fn sureness(visitor: &Visitor, confidence: f64) -> &'static str {
    visitor.say(if confidence >= CERTAIN {
        verdict::CERTAIN
    } else if confidence >= LIKELY {
        verdict::LIKELY
    } else {
        verdict::UNSURE
    })
}

/// How long it lasted, or has lasted.
fn duration(web: &Web, visitor: &Visitor, incident: &Incident) -> String {
    let end = incident
        .until
        .unwrap_or_else(|| (web.now)().as_duration().as_secs_f64());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond i64 saturates"
    )]
    let seconds = (end - incident.since) as i64;
    if seconds < 60 {
        return visitor.say(verdict::UNDER_A_MINUTE).to_owned();
    }
    format::span(visitor.language, seconds)
}

/// A centre as people call it; its id where that is all there is.
pub(super) fn centre_name(web: &Web, id: &str) -> String {
    let centres = web.known_centres();
    let found = centres.iter().find(|centre| centre.id.as_str() == id);
    found.map_or_else(|| id.to_owned(), |centre| centre.name.clone())
}
