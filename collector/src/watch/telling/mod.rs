//! The batches of one stream → records of the diagnosis: one of what the machine measured in each minute, and
//! one of each printer whenever it was asked, and of each line whenever the province looked at it.
//!
//! Counters become what they grew by since the value before; live and waiting batches are followed apart,
//! because they come interleaved. Nothing is looked up by name for a sample: what each series is (`roles`) is
//! known since it was defined. Works in one go, between two batches of an agent.

mod counts;
mod draft;
mod lines;
mod nic;
mod roles;
#[cfg(test)]
mod tests;

use diagnosis::record::{Kind, Printer, Record, What};
use proto::columns::{Lane, Round, Rounds};
use proto::stream::Series;

use self::counts::Counted;
use self::draft::{Draft, InRound};
use self::lines::Line;
use self::nic::Card;
use self::roles::{Names, Role};
use crate::reverse::Reverse;

/// A record is of this long at most.
const MINUTE_MS: i64 = 60_000;

/// What is remembered of a stream for the diagnosis.
#[derive(Debug, Default)]
pub struct Telling {
    roles: Vec<Role>,
    names: Names,
    live: Before,
    backlog: Before,
}

/// What was told last, on one lane.
#[derive(Debug, Default)]
struct Before {
    links: Vec<(Counted, Counted)>,
    lines: Vec<Line>,
    cards: Vec<Card>,
    printers: Vec<Known>,
}

/// A printer, as it was told last.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    answered: bool,
    /// By place in the list of conditions.
    conditions: u128,
    /// Whether the round at hand tells of it.
    is_told: bool,
    /// Whether it was asked in it.
    is_polled: bool,
}

/// A batch that was taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// Of which lane.
    pub lane: Lane,
    /// What to add to its times.
    pub correction_ms: i64,
    /// What was accepted of it.
    pub rounds: [&'a Rounds; 2],
    /// Whose.
    pub centre: &'a str,
    /// Its name there.
    pub agent: &'a str,
    /// When, Unix seconds.
    pub arrived: f64,
    /// How far its clock is ahead now, where that is true of these samples.
    pub clock_offset: Option<f64>,
    /// The devices without agent that it tells of, and whether each is a printer.
    pub others: &'a [(&'a str, bool)],
    /// The lines that somebody looks at from outside.
    pub reverse: Option<&'a Reverse>,
}

impl Telling {
    /// Takes series that the stream defined: the next in order.
    pub fn define(&mut self, series: &[Series]) {
        self.roles.reserve(series.len());
        for series in series {
            let role = self.names.role(series);
            self.roles.push(role);
        }
    }

    /// The records that a batch makes.
    pub fn records(&mut self, taken: &Taken<'_>) -> Vec<Record> {
        let mut records = Vec::new();
        let mut draft: Option<Draft> = None;
        // What is late is older than what is live.
        for round in taken.rounds.into_iter().flat_map(Rounds::iter) {
            let at = round.time_unix_ms.saturating_add(taken.correction_ms);
            if draft
                .as_ref()
                .is_some_and(|draft| !draft.covers(at, MINUTE_MS))
            {
                self.finish(draft.take(), taken, &mut records);
            }
            let draft = draft.get_or_insert_with(|| Draft::begin(at));
            draft.reach(at);
            self.round(round, at, draft, taken, &mut records);
        }
        self.finish(draft, taken, &mut records);
        records
    }

    fn round(
        &mut self,
        round: Round<'_>,
        at: i64,
        draft: &mut Draft,
        taken: &Taken<'_>,
        records: &mut Vec<Record>,
    ) {
        let before = match taken.lane {
            Lane::Live => &mut self.live,
            Lane::Backlog => &mut self.backlog,
        };
        let mut here = InRound::default();
        let (mut tells_printers, mut tells_lines) = (false, false);
        for (series, value) in round.samples() {
            let role = usize::try_from(series)
                .ok()
                .and_then(|at| self.roles.get(at));
            match role.copied().unwrap_or(Role::Nothing) {
                Role::Nothing => {}
                Role::Sent(link) => {
                    let grew = before.link(link).0.grew(at, value);
                    draft.sent(link, grew.map(|(grew, _)| grew));
                }
                Role::Received(link) => {
                    let grew = before.link(link).1.grew(at, value);
                    draft.received(link, grew.map(|(grew, _)| grew));
                }
                Role::LineSent(line) => {
                    before.line(line).sent(at, value);
                    tells_lines = true;
                }
                Role::LineReceived(line) => before.line(line).received(at, value),
                Role::Median(link) => draft.median(link, value),
                Role::Longest(link) => draft.longest(link, value),
                Role::Dns(resolver, word) if value > 0.0 => here.dns(resolver).0 = Some(word),
                Role::DnsTook(resolver) => here.dns(resolver).1 = Some(value),
                Role::Service(service, word) if value > 0.0 => here.service(service).word = word,
                Role::Phase(service, phase) => here.service(service).phase(phase, value),
                Role::Blackhole(target) => draft.mtu(target, value <= 0.0),
                Role::Card(card, of) => {
                    before.card(card).take(of, at, value);
                    draft.has_card = true;
                }
                Role::Cpu => draft.cpu(value),
                Role::Lag => draft.lag(value),
                Role::Condition(printer, condition) => {
                    before.printer(printer).condition(condition, value > 0.0);
                    tells_printers = true;
                }
                Role::Polled(printer, answered) if value > 0.0 => {
                    before.printer(printer).polled(answered);
                    tells_printers = true;
                }
                Role::OnBattery => draft.on_battery = Some(value > 0.0),
                Role::Dns(..) | Role::Service(..) | Role::Polled(..) => {}
            }
        }
        draft.round_ended(here);
        if tells_lines {
            let told = lines::told(&mut before.lines, &self.names.lines, at, taken);
            records.extend(told);
        }
        if tells_printers {
            let told = printers(before, &self.names, at, taken);
            records.extend(told);
        }
    }

    /// Adds the record of a minute.
    fn finish(&mut self, draft: Option<Draft>, taken: &Taken<'_>, records: &mut Vec<Record>) {
        let Some(draft) = draft else { return };
        let before = match taken.lane {
            Lane::Live => &mut self.live,
            Lane::Backlog => &mut self.backlog,
        };
        let at = draft.last_ms;
        let nic = draft
            .has_card
            .then(|| nic::leading(&mut before.cards, &self.names.cards));
        let measured = draft.close(&self.names, nic.flatten(), taken.clock_offset);
        if let Some(measured) = measured {
            records.push(taken.record(at, Kind::Measured(Box::new(measured))));
        }
    }
}

/// What the round at hand tells of printers.
fn printers(before: &mut Before, names: &Names, at: i64, taken: &Taken<'_>) -> Vec<Record> {
    let mut records = Vec::new();
    for (known, name) in before.printers.iter_mut().zip(&names.printers) {
        let is_printer = |(other, is_printer): &&(&str, bool)| *other == &**name && *is_printer;
        known.is_polled = false;
        if !std::mem::take(&mut known.is_told)
            || !taken.others.iter().any(|other| is_printer(&other))
        {
            continue;
        }
        let conditions = names.conditions.iter().enumerate();
        let is_so = |place: usize| known.conditions >> place & 1 == 1;
        let conditions = conditions.filter(|(place, _)| known.answered && is_so(*place));
        // A record is known by its time: two printers have not one.
        let later = i64::try_from(records.len()).unwrap_or(0);
        let printer = Printer {
            device: (**name).to_owned(),
            reachable: known.answered,
            conditions: conditions.map(|(_, name)| (**name).to_owned()).collect(),
        };
        records.push(taken.record(at.saturating_add(later), Kind::Printer(printer)));
    }
    records
}

impl Taken<'_> {
    fn record(&self, at_unix_ms: i64, kind: Kind) -> Record {
        Record {
            arrived: self.arrived,
            what: Some(What {
                t: super::seconds(at_unix_ms),
                centre: self.centre.to_owned(),
                agent: self.agent.to_owned(),
                kind,
            }),
        }
    }
}

impl Before {
    fn link(&mut self, link: u8) -> &mut (Counted, Counted) {
        at(&mut self.links, link)
    }

    fn line(&mut self, line: u8) -> &mut Line {
        at(&mut self.lines, line)
    }

    fn card(&mut self, card: u8) -> &mut Card {
        at(&mut self.cards, card)
    }

    fn printer(&mut self, printer: u8) -> &mut Known {
        at(&mut self.printers, printer)
    }
}

impl Known {
    fn condition(&mut self, condition: u8, is_so: bool) {
        let bit = 1_u128.checked_shl(u32::from(condition)).unwrap_or(0);
        if is_so {
            self.conditions |= bit;
        } else {
            self.conditions &= !bit;
        }
        self.is_told = true;
    }

    /// By any protocol counts: a printer may be asked by two.
    fn polled(&mut self, answered: bool) {
        self.answered = answered || (self.is_polled && self.answered);
        self.is_polled = true;
        self.is_told = true;
    }
}

/// The thing of this number in a list that grows to it: numbers are small.
fn at<T: Default>(list: &mut Vec<T>, number: u8) -> &mut T {
    let place = usize::from(number);
    if list.len() <= place {
        list.resize_with(place + 1, T::default);
    }
    #[expect(clippy::indexing_slicing, reason = "it was made long enough")]
    &mut list[place]
}
