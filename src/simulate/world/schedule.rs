//! Which faults will happen: dealt from a shuffled deck, so that every kind comes equally often, and put where somebody
//! can be hit by them.

use std::sync::Arc;

use rand::rngs::StdRng;

use super::chance::{between, count, draw, float, happens, index, one};
use super::class::{Class, Hits, Pace, Shown};
use super::effects::Town;
use super::fault::Fault;
use super::people::{DAY, Ending, OpenDay, interrupt, is_on, share_on};
use super::places::{ISPS, Place};
use crate::simulate::parameters::range;
use crate::simulate::scenario::Scenario;

const MINUTE: f64 = 60.0;

/// Between the end of one fault of a centre and the start of its next.
const APART: f64 = 45.0 * MINUTE;

/// How often a place for a fault is looked for before it is left out.
const TRIES: usize = 60;

/// Of all faults, so many are there before the doors open.
const BEFORE_OPENING: f64 = 0.15;

/// Draws what happens, and puts it into the centres it happens to. In order of start.
pub(crate) fn draw_faults(
    scenario: &Scenario,
    days: &[OpenDay],
    services: usize,
    towns: &mut [Town],
    rng: &mut StdRng,
) -> Vec<Arc<Fault>> {
    let weeks = f64::from(scenario.days) / 7.0;
    let local = scenario.faults * float(towns.len()) * weeks;
    let wide = match scenario.wide {
        Some(wide) => wide * weeks,
        None => (local * 0.08).max(if local > 0.0 { 1.0 } else { 0.0 }),
    };
    let mut faults = Vec::new();
    for (number, is_wide) in [(wide, true), (local, false)] {
        let mut deck = Vec::new();
        let mut left = count(number.round());
        let mut misses = 0;
        while left > 0 && misses < TRIES {
            let Some(class) = deal(scenario, is_wide, &mut deck, rng) else {
                break;
            };
            let found = (0..TRIES).find_map(|_| place(scenario, class, days, services, towns, rng));
            let Some(fault) = found else {
                misses += 1;
                continue;
            };
            (left, misses) = (left - 1, 0);
            let fault = Arc::new(fault);
            happen(&fault, towns, rng);
            faults.push(fault);
        }
    }
    for town in towns {
        town.faults.sort_by(|a, b| a.start.total_cmp(&b.start));
    }
    faults.sort_by(|a, b| a.start.total_cmp(&b.start));
    faults
}

/// The next kind; kinds with a word are twice in the deck.
fn deal(
    scenario: &Scenario,
    is_wide: bool,
    deck: &mut Vec<Class>,
    rng: &mut StdRng,
) -> Option<Class> {
    if deck.is_empty() {
        for class in Class::ALL.iter().filter(|class| class.is_wide() == is_wide) {
            let copies = match class.shown() {
                Shown::Known => 2,
                Shown::Unseen => usize::from(scenario.unseen),
                Shown::HeldOut => usize::from(scenario.unseen && scenario.parameters.shows_all),
            };
            deck.extend(std::iter::repeat_n(*class, copies));
        }
        for last in (1..deck.len()).rev() {
            deck.swap(last, index(rng, last + 1));
        }
    }
    deck.pop()
}

/// Tries one time and place.
fn place(
    scenario: &Scenario,
    class: Class,
    days: &[OpenDay],
    services: usize,
    towns: &[Town],
    rng: &mut StdRng,
) -> Option<Fault> {
    let day = one(rng, days)?;
    let (start, fails, end) = times(scenario, class, day, rng)?;
    let centres = centres(class, towns, rng)?;
    let is_free = |centre: &usize| {
        let town = towns.get(*centre);
        town.is_some_and(|town| {
            town.faults
                .iter()
                .all(|other| other.end + APART < start || end + APART < other.start)
        })
    };
    let first = towns.get(*centres.first()?)?;
    let machines = machines(class, first, start, end, rng)?;
    if !centres.iter().all(is_free) || !is_seen(class, towns, &centres, start, end) {
        return None;
    }
    let (strength, severity) = strength(scenario, class, rng);
    let services = hit_services(class, services, rng);
    let mut fault = Fault {
        class,
        machines,
        printer: index(rng, first.place.printers.len()),
        services,
        centres,
        start,
        end,
        fails,
        strength,
        severity,
        variant: between(rng, 0.0, 1.0),
        rhythm: None,
    };
    fault.rhythm = rhythm(scenario, class, rng);
    Some(fault)
}

/// Start, failure of what gets worse, end.
fn times(
    scenario: &Scenario,
    class: Class,
    day: &OpenDay,
    rng: &mut StdRng,
) -> Option<(f64, Option<f64>, f64)> {
    let parameters = &scenario.parameters;
    let last = day.closes - 8.0 * MINUTE;
    if class.pace() == Pace::Degrading {
        let fails = draw(rng, parameters.degrading_minutes) * MINUTE;
        let down = between(rng, 12.0, 35.0) * MINUTE;
        let latest = last - fails - down;
        let start = between(rng, day.opens + 5.0 * MINUTE, latest);
        return (start + fails + down <= last).then_some((
            start,
            Some(start + fails),
            start + fails + down,
        ));
    }
    let minutes = match class.pace() {
        Pace::Hard => parameters.hard_minutes,
        Pace::Soft | Pace::Degrading => parameters.soft_minutes,
        Pace::Wide => parameters.wide_minutes,
    };
    let length = draw(rng, minutes) * MINUTE;
    // A PC that nobody has switched on yet has no fault.
    let may_be_early = !matches!(class.hits(), Hits::Machine | Hits::Part);
    if may_be_early && happens(rng, BEFORE_OPENING) {
        let start = day.opens - between(rng, 3.0, 90.0) * MINUTE;
        return Some((
            start,
            None,
            (start + length).max(day.opens + between(rng, 20.0, 40.0) * MINUTE),
        ));
    }
    let start = if happens(rng, 0.55) {
        between(rng, day.opens + 4.0 * MINUTE, day.lunch - 15.0 * MINUTE)
    } else {
        between(rng, day.back + 4.0 * MINUTE, day.closes - 25.0 * MINUTE)
    };
    let end = (start + length).min(last);
    (end - start >= minutes.from.min(15.0) * MINUTE).then_some((start, None, end))
}

fn centres(class: Class, towns: &[Town], rng: &mut StdRng) -> Option<Vec<usize>> {
    let among = |wanted: &dyn Fn(&Place) -> bool| -> Vec<usize> {
        let wanted = towns
            .iter()
            .enumerate()
            .filter(|(_, town)| wanted(&town.place));
        wanted.map(|(number, _)| number).collect()
    };
    let one_of = index(rng, towns.len());
    let like = &towns.get(one_of)?.place;
    let found = match class.hits() {
        Hits::Machine | Hits::Part | Hits::Centre | Hits::Printer => return Some(vec![one_of]),
        Hits::Aggregation => among(&|place| place.isp == like.isp && place.area == like.area),
        Hits::Isp => {
            // Every ISP as often, however many centres it has.
            let isp = index(rng, ISPS.len());
            among(&|place| place.isp == isp)
        }
        Hits::Area => among(&|place| place.area == like.area),
        Hits::All => among(&|_| true),
    };
    (found.len() >= 2 || class.hits() == Hits::All).then_some(found)
}

/// The machines a kind hits; nothing when this centre has none that could be.
fn machines(
    class: Class,
    town: &Town,
    start: f64,
    end: f64,
    rng: &mut StdRng,
) -> Option<Vec<usize>> {
    let on = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
        let sessions = town.sessions.iter().enumerate();
        let busy = sessions
            .filter(|(number, sessions)| wanted(*number) && share_on(sessions, start, end) > 0.85);
        busy.map(|(number, _)| number).collect()
    };
    let is_wired = |number: usize| {
        town.place
            .machines
            .get(number)
            .is_some_and(|machine| machine.is_wired)
    };
    match class {
        Class::PcLinkDown | Class::PcNicErrors => {
            one(rng, &on(&is_wired)).map(|machine| vec![*machine])
        }
        Class::PcWifiLossy => {
            one(rng, &on(&|number| !is_wired(number))).map(|machine| vec![*machine])
        }
        Class::PcOverloaded | Class::PcClockWrong | Class::LineSaturated => {
            one(rng, &on(&|_| true)).map(|machine| vec![*machine])
        }
        Class::LanPartial => {
            let wired = on(&is_wired);
            let cut = count(float(wired.len()) * between(rng, 0.3, 0.7)).max(2);
            (wired.len() >= cut + 2).then(|| wired.into_iter().rev().take(cut).collect())
        }
        Class::AccessPointDead => {
            let on = on(&|number| !is_wired(number));
            let all = (0..town.sessions.len()).filter(|number| !is_wired(*number));
            (on.len() >= 2).then(|| all.collect())
        }
        Class::NoLease | Class::GatewayAddressTaken => {
            let on = on(&|_| true);
            let hit: Vec<usize> = on.iter().copied().filter(|_| happens(rng, 0.55)).collect();
            (hit.len() >= 2 && hit.len() < on.len()).then_some(hit)
        }
        _ => Some(Vec::new()),
    }
}

/// Whether anybody is there to be hit, or comes before it is over.
fn is_seen(class: Class, towns: &[Town], centres: &[usize], start: f64, end: f64) -> bool {
    let is_anybody = |centre: &usize| {
        let sessions = towns.get(*centre).map(|town| &town.sessions);
        let at = |t: f64| sessions.is_some_and(|all| all.iter().any(|sessions| is_on(sessions, t)));
        at(start) || (class.hits() != Hits::Printer && at(end - 10.0 * MINUTE))
    };
    centres.iter().filter(|centre| is_anybody(centre)).count() >= centres.len().min(2)
}

/// What the kind is about, and how bad that is within its range.
fn strength(scenario: &Scenario, class: Class, rng: &mut StdRng) -> (f64, f64) {
    let parameters = &scenario.parameters;
    let of = match class {
        Class::LineSlow => parameters.delay_ms,
        Class::LineSaturated => parameters.queue_ms,
        Class::ServiceSlow => parameters.slowness,
        // What fails in the end loses much before.
        Class::LineDegrading => range(parameters.loss.to * 0.7, parameters.loss.to),
        _ => parameters.loss,
    };
    let severity = between(rng, 0.0, 1.0);
    (of.from + severity * (of.to - of.from), severity)
}

fn hit_services(class: Class, services: usize, rng: &mut StdRng) -> Vec<usize> {
    let one_of = index(rng, services);
    match class {
        // Some filters stop one portal, some all of them.
        Class::RouteBlocked if happens(rng, 0.5) => (0..services).collect(),
        class if class.is_of_one_service() => vec![one_of],
        _ => Vec::new(),
    }
}

fn rhythm(scenario: &Scenario, class: Class, rng: &mut StdRng) -> Option<(f64, f64)> {
    match class {
        Class::FlappingLine => Some((between(rng, 15.0, 40.0), between(rng, 60.0, 150.0))),
        Class::GatewayAddressTaken => Some((between(rng, 30.0, 90.0), between(rng, 100.0, 200.0))),
        Class::BroadcastStorm => Some((between(rng, 40.0, 120.0), between(rng, 130.0, 300.0))),
        Class::Brownout => Some((between(rng, 20.0, 60.0), between(rng, 300.0, 600.0))),
        Class::PcWifiLossy
        | Class::LanLossy
        | Class::LineLossy
        | Class::GatewayOverloaded
        | Class::IspDegraded => {
            let period = between(rng, 240.0, 600.0);
            happens(rng, scenario.parameters.intermittent)
                .then(|| (period * between(rng, 0.4, 0.7), period))
        }
        _ => None,
    }
}

/// Puts a fault into its centres; without electricity machines are off.
fn happen(fault: &Arc<Fault>, towns: &mut [Town], rng: &mut StdRng) {
    let dark = fault.dark();
    for centre in &fault.centres {
        let Some(town) = towns.get_mut(*centre) else {
            continue;
        };
        town.faults.push(fault.clone());
        town.dark.extend(&dark);
        for (machine, sessions) in town.place.machines.iter().zip(&mut town.sessions) {
            if machine.is_laptop {
                continue;
            }
            for (from, to) in &dark {
                // Some start by themselves, some when somebody presses the button.
                let back = to + between(rng, 20.0, 240.0);
                interrupt(sessions, *from, back.min(from + DAY), Ending::Cut);
            }
        }
    }
}
