//! How ready every centre is, for whoever wants to know: now, at each check before its doors open, and how often that was
//! right.
//!
//! The verdicts are `diagnosis::readiness`'; the watcher drives it, through [`Mornings`], with the records and the time
//! that it drives the diagnosis with. [`Board`] is what page, API, `/metrics` and digest read. Beside the thread of the
//! diagnosis ([`Beside`]): openings into the registry, `kept` (the file over a restart), `facts` (disks, certificates,
//! supplies, UPS from the live view). `roll` has named witnesses woken, `coverage` says where nobody is awake. Deliberately
//! absent: any judgement.

mod beside;
mod board;
mod coverage;
mod facts;
mod kept;
mod metrics;
mod mornings;
mod roll;

use diagnosis::Fault;
use diagnosis::event::{Reason, State};
use diagnosis::sentence::incident::{Owner, doers, owner};

pub use self::beside::Beside;
pub use self::board::{Board, Fares, Morning, Standing, Witnesses};
pub use self::metrics::Metrics;
pub use self::mornings::{Mornings, Setup};

/// All states, the best first.
pub const STATES: [State; 4] = [State::Ready, State::AtRisk, State::NotReady, State::Unknown];

/// The word of a state: that of the metric's label and of the API.
#[must_use]
pub fn word(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::AtRisk => "at_risk",
        State::NotReady => "not_ready",
        State::Unknown => "unknown",
    }
}

/// Who is to act; nobody where nothing is to be done.
#[must_use]
pub fn owner_of(reason: &Reason) -> Option<Owner> {
    match reason.code.as_str() {
        "well" => None,
        "line_proven_no_pc" | "no_witness" | "on_battery" | "supply_low" => Some(Owner::Clerk),
        "dark" => Some(Owner::Technician),
        "certificate_ends" => Some(Owner::Portal),
        // Of one centre: its own technician looks first.
        "service_down" if !reason.not_ours => Some(Owner::Technician),
        code => Some(code.parse::<Fault>().map_or(Owner::Technician, owner)),
    }
}

/// Who does what the action says, in its order; nobody where nothing is to be done.
#[must_use]
pub fn doers_of(reason: &Reason) -> Vec<Owner> {
    match reason.code.as_str() {
        "certificate_ends" => vec![Owner::ProvincialIt, Owner::Portal],
        "service_down" if !reason.not_ours => vec![Owner::Technician],
        code => match code.parse() {
            Ok(fault) => doers(fault).to_vec(),
            Err(_) => owner_of(reason).into_iter().collect(),
        },
    }
}
