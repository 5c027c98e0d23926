//! One machine's agent: it starts with its machine, measures in rounds, writes a line a minute and one at once when
//! something got worse, and says goodbye where it can.

use diagnosis::record::{Goodbye, Kind, Printer, What};
use rand::rngs::StdRng;

use super::World;
use super::chance::{draw, float, happens, steady};
use super::class::Class;
use super::conditions::{Conditions, Hurt};
use super::delivery::{Buffer, Outbox};
use super::effects::Town;
use super::people::{Ending, Session, load, stretch};
use super::places::Machine;
use super::printers::printer;
use super::probes::{Reach, Round, Target, hundredths, targets};
use super::tally::Tally;
use super::turns::When;
use crate::simulate::parameters::Parameters;

/// How long an agent needs to measure after its machine starts, seconds.
const STARTUP: f64 = 30.0;

/// How many rounds are told at once when something got worse: the one that saw it, and one that confirms it.
const URGENT: u8 = 2;

/// A printer that is well is told of so often, seconds.
const PRINTER_EVERY: f64 = 300.0;

/// What one machine's agent knows.
#[derive(Debug)]
pub(crate) struct Agent {
    targets: Vec<Target>,
    /// Which of its sessions it is in, or comes next.
    session: usize,
    is_on: bool,
    /// Which round of the line comes next, from 1.
    round: u32,
    minute: Tally,
    failing: u32,
    urgent: u8,
    buffer: Buffer,
    last: Option<Ending>,
    /// What it said last of each printer, and when.
    printers: Vec<(f64, Printer)>,
}

pub(crate) fn agents(centre: usize, town: &Town) -> Vec<Agent> {
    let machines = 0..town.place.machines.len();
    machines
        .map(|number| Agent {
            targets: targets(&town.place, centre, number),
            session: 0,
            is_on: false,
            round: 1,
            minute: Tally::default(),
            failing: 0,
            urgent: 0,
            buffer: Buffer::default(),
            last: None,
            printers: Vec::new(),
        })
        .collect()
}

/// Everything a turn of one machine needs.
struct Turn<'a> {
    town: &'a Town,
    machine: &'a Machine,
    centre: usize,
    number: usize,
    t: f64,
    load: f64,
}

impl Turn<'_> {
    fn what(&self, t: f64, kind: Kind) -> What {
        What {
            t: hundredths(t),
            centre: self.town.place.id.clone(),
            agent: self.machine.name.clone(),
            kind,
        }
    }

    fn conditions(&self, t: f64) -> Conditions {
        self.town
            .conditions(self.number, self.machine, self.load, t)
    }

    fn when(&self) -> When {
        When::Machine {
            centre: self.centre,
            number: self.number,
        }
    }
}

impl World {
    /// One machine starts, goes off, or measures a round.
    pub(super) fn machine(&mut self, centre: usize, number: usize) {
        let Some(town) = self.towns.get(centre) else {
            return;
        };
        let (Some(machine), Some(sessions)) =
            (town.place.machines.get(number), town.sessions.get(number))
        else {
            return;
        };
        let Some(agents) = self.agents.get_mut(centre) else {
            return;
        };
        let are_on: Vec<bool> = agents.iter().map(|agent| agent.is_on).collect();
        let Some(agent) = agents.get_mut(number) else {
            return;
        };
        let Some(session) = sessions.get(agent.session) else {
            return;
        };
        let load = load(&self.days, self.now);
        let turn = Turn {
            town,
            machine,
            centre,
            number,
            t: self.now,
            load,
        };
        let parameters = &self.parameters;
        let next = if !agent.is_on {
            agent.start(&turn, draw(&mut self.rng, parameters.reconnect) * 0.3);
            Some(first_round(session, machine, agent.last, parameters.round).min(session.to))
        } else if self.now >= session.to {
            let is_told = session.ending != Ending::Sleep || happens(&mut self.rng, 0.5);
            agent.end(
                &turn,
                session.ending,
                is_told && turn.conditions(self.now).is_connected(),
                &mut self.outbox,
            );
            sessions
                .get(agent.session)
                .map(|next| next.from.max(self.now))
        } else {
            // In the middle of the round it measured.
            let middle = self.now - parameters.round / 2.0;
            let then = turn.conditions(middle);
            let round = Round {
                now: &then,
                targets: &agent.targets,
                echoes: parameters.echoes,
                hop_limit: town.place.second_hop_limit,
                peer: peer(town, number, &agent.targets, &are_on, middle),
                number: agent.round,
                of: parameters.rounds,
                services: self.services,
                failing: agent.failing,
            };
            let (tally, failing) = round.measure(&mut self.rng);
            let is_scout = are_on.iter().position(|is_on| *is_on) == Some(number);
            let lines = agent.lines(&turn, &then, tally, failing, parameters.rounds, is_scout);
            let is_reachable = turn.conditions(self.now).is_connected();
            agent.send(
                lines,
                is_reachable,
                self.now,
                parameters,
                &mut self.outbox,
                &mut self.rng,
            );
            Some((self.now + parameters.round).min(session.to))
        };
        if let Some(next) = next {
            self.turns.at(next, turn.when());
        }
    }
}

/// When the first round after a start ends: at the machine's own phase.
fn first_round(session: &Session, machine: &Machine, last: Option<Ending>, round: f64) -> f64 {
    let from = session.from
        + if last == Some(Ending::Stop) {
            2.0
        } else {
            STARTUP
        };
    from - (from - machine.phase).rem_euclid(round) + round
}

/// What the other machine does to echoes.
fn peer(town: &Town, number: usize, targets: &[Target], are_on: &[bool], t: f64) -> Hurt {
    let other = targets.iter().find_map(|target| match target.reach {
        Reach::Peer(other) => Some(other),
        _ => None,
    });
    let Some(other) = other else {
        return Hurt::default();
    };
    let is_off = !are_on.get(other).copied().unwrap_or(false);
    let (own, its) = (town.cut(number, t), town.cut(other, t));
    // On the same side of a dead switch both still reach each other.
    let is_cut = own.alone || its.alone || own.other_side != its.other_side;
    let chronic = town
        .place
        .machines
        .get(other)
        .map_or(0.0, |machine| machine.chronic_loss);
    let mut hurt = Hurt {
        loss: chronic,
        delay: 0.2,
        jitter: 0.2,
    };
    for fault in town.felt(t).filter(|fault| fault.machines.contains(&other)) {
        match fault.class {
            Class::PcWifiLossy => hurt.lose(fault.strength),
            Class::PcNicErrors => hurt.lose(fault.strength * 0.7),
            _ => {}
        }
    }
    if is_off || is_cut {
        hurt.die();
    }
    hurt
}

impl Agent {
    fn start(&mut self, turn: &Turn<'_>, connects_after: f64) {
        self.is_on = true;
        self.round = 1;
        self.minute = Tally::default();
        (self.failing, self.urgent) = (0, 0);
        let hello = self.last.unwrap_or(Ending::Shutdown).hello_after();
        self.buffer.keep(turn.what(turn.t, Kind::Hello(hello)));
        self.buffer.connect_at(turn.t + connects_after);
    }

    fn end(&mut self, turn: &Turn<'_>, ending: Ending, is_told: bool, outbox: &mut Outbox) {
        self.is_on = false;
        self.session += 1;
        self.last = Some(ending);
        let goodbye: Option<Goodbye> = ending.goodbye();
        let Some(goodbye) = goodbye else { return };
        let what = turn.what(turn.t, Kind::Goodbye(goodbye));
        if is_told && self.buffer.is_empty() {
            outbox.push(turn.t + 0.5, Some(what));
        } else {
            self.buffer.keep(what);
        }
    }

    /// What it writes after a round: the round at once when something got worse, the minute when it is over.
    fn lines(
        &mut self,
        turn: &Turn<'_>,
        then: &Conditions,
        round: Tally,
        failing: u32,
        rounds: u32,
        is_scout: bool,
    ) -> Vec<What> {
        if failing & !self.failing != 0 {
            self.urgent = URGENT;
        }
        self.failing = failing;
        let is_used =
            turn.load > 0.1 && steady(turn.machine.phase.to_bits(), stretch(turn.t)) < 0.75;
        let line = |tally: &Tally, targets: &[Target]| {
            Kind::Measured(Box::new(tally.line(
                &turn.town.place,
                turn.machine,
                targets,
                then,
                is_used,
            )))
        };
        let urgent = if self.urgent > 0 {
            self.urgent -= 1;
            Some(turn.what(turn.t, line(&round, &self.targets)))
        } else {
            self.minute.add(round);
            None
        };
        let mut lines = Vec::new();
        let is_minute = self.round >= rounds;
        self.round = if is_minute { 1 } else { self.round + 1 };
        if is_minute {
            let minute = std::mem::take(&mut self.minute);
            if !minute.is_empty() {
                // A round that ended now has a line of its own; no two are of one time.
                let t = if urgent.is_some() {
                    turn.t - 0.01
                } else {
                    turn.t
                };
                lines.push(turn.what(t, line(&minute, &self.targets)));
            }
            if is_scout {
                self.look_at_printers(turn, then, &mut lines);
            }
        }
        lines.extend(urgent);
        lines
    }

    /// Sends what was written, or keeps it; and what was kept, when the collector can be reached again.
    fn send(
        &mut self,
        lines: Vec<What>,
        is_reachable: bool,
        now: f64,
        parameters: &Parameters,
        outbox: &mut Outbox,
        rng: &mut StdRng,
    ) {
        let is_open = is_reachable && self.buffer.is_empty();
        for what in lines {
            if is_open {
                outbox.push(now + draw(rng, parameters.report_delay), Some(what));
            } else {
                self.buffer.keep(what);
            }
        }
        self.buffer
            .drain(is_reachable, now, parameters, outbox, rng);
    }

    /// As the scout of its centre: says of a printer what is new, and now and then what is not.
    fn look_at_printers(&mut self, turn: &Turn<'_>, now: &Conditions, lines: &mut Vec<What>) {
        for (number, name) in turn.town.place.printers.iter().enumerate() {
            let mut said = printer(turn.town, number, turn.t);
            said.device.clone_from(name);
            said.reachable &= !now.to_lan().then(now.uplink).is_dead();
            if !said.reachable {
                said.conditions.clear();
            }
            let last = self
                .printers
                .iter()
                .position(|(_, last)| last.device == *name);
            let last = last.and_then(|last| self.printers.get_mut(last));
            match last {
                Some((at, last)) if *last == said && turn.t - *at < PRINTER_EVERY => continue,
                Some(known) => *known = (turn.t, said.clone()),
                None => self.printers.push((turn.t, said.clone())),
            }
            let apart = 0.01 * float(number + 2);
            lines.push(turn.what(turn.t - apart, Kind::Printer(said)));
        }
    }
}
