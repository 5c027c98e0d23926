//! The world that is simulated: centres, machines and what happens to them, as a stream of evidence in the order of
//! arrival. Pure: the same scenario gives the same stream, and nothing of the diagnosis is known here.
//!
//! `places` and `people` say who is there and when, `weather` what happens without being a fault, `class`, `schedule` and
//! `fault` what is one; `effects` turns all that into `conditions` of each stretch of a machine's way, `agent`, `probes`,
//! `tally` and `printers` into what the machine measures over it and writes, and `delivery` into what reaches the collector when.

mod agent;
mod chance;
mod class;
mod conditions;
mod delivery;
mod effects;
mod fault;
mod openings;
mod people;
mod places;
mod printers;
mod probes;
mod schedule;
mod tally;
#[cfg(test)]
mod tests;
mod turns;
mod weather;

use std::sync::Arc;

use diagnosis::calendar::{Calendar, Centre, Hours, UTC_PLUS_7};
use diagnosis::record::Record;
use rand::rngs::StdRng;

use super::parameters::Parameters;
use super::scenario::Scenario;
use super::truth::{Label, Opening};
use agent::Agent;
use chance::Stream;
use delivery::Outbox;
use effects::Town;
use fault::Fault;
use people::{DAY, OpenDay};
use places::{DAYS, HOURS};
use turns::{Turns, When};

/// A simulated province: an iterator over what becomes known of it.
#[derive(Debug)]
pub(crate) struct World {
    towns: Vec<Town>,
    agents: Vec<Vec<Agent>>,
    faults: Vec<Arc<Fault>>,
    days: Vec<OpenDay>,
    parameters: Parameters,
    services: usize,
    turns: Turns,
    outbox: Outbox,
    rng: StdRng,
    now: f64,
    end: f64,
}

/// One centre, as others need to know it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) area: String,
    pub(crate) isp: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    /// The names of its machines.
    pub(crate) machines: Vec<String>,
}

impl World {
    /// Draws a province and everything that will happen in it.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let stream = |of| chance::stream(scenario.seed, of);
        let days = people::open_days(scenario);
        let mut of_places = stream(Stream::Places);
        let services = places::services(&mut of_places);
        let (mut of_people, mut of_weather) = (stream(Stream::People), stream(Stream::Weather));
        let mut towns: Vec<Town> = places::draw_places(scenario, &mut of_places)
            .into_iter()
            .map(|place| {
                let habits = people::habits(scenario, &place, &days, &mut of_people);
                let machines = place.machines.iter();
                let sessions = machines
                    .map(|machine| {
                        people::sessions(scenario, machine, &habits, &days, &mut of_people)
                    })
                    .collect();
                let weather = weather::Weather::draw(scenario, &place, &mut of_weather);
                Town {
                    place,
                    sessions,
                    dark: habits.dark,
                    weather,
                    faults: Vec::new(),
                }
            })
            .collect();
        let faults = schedule::draw_faults(
            scenario,
            &days,
            services,
            &mut towns,
            &mut stream(Stream::Faults),
        );
        Self {
            agents: towns
                .iter()
                .enumerate()
                .map(|(centre, town)| agent::agents(centre, town))
                .collect(),
            turns: Turns::first(&towns, scenario),
            towns,
            faults,
            days,
            parameters: scenario.parameters.clone(),
            services,
            outbox: Outbox::default(),
            rng: stream(Stream::Measuring),
            now: scenario.start,
            end: scenario.start + f64::from(scenario.days) * DAY,
        }
    }

    /// The faults that happen, in the order they begin.
    pub(crate) fn labels(&self) -> Vec<Label> {
        let places: Vec<&places::Place> = self.towns.iter().map(|town| &town.place).collect();
        let faults = self.faults.iter().enumerate();
        faults
            .map(|(number, fault)| fault.label(number, &places))
            .collect()
    }

    /// How the days of the centres begin, in order.
    pub(crate) fn openings(&self) -> Vec<Opening> {
        let of_day = |day: &OpenDay| {
            let opens = day.opens;
            self.towns
                .iter()
                .map(move |town| openings::opening(town, opens))
        };
        self.days.iter().flat_map(of_day).collect()
    }

    /// The centres as a file for the product.
    pub(crate) fn centres_csv(&self) -> String {
        let mut text = "id,name,area,isp,latitude,longitude,hours,days,notes\n".to_owned();
        for town in &self.towns {
            let place = &town.place;
            text.push_str(&format!(
                "{},{},{},{},{:.5},{:.5},{HOURS},{DAYS},\n",
                place.id,
                place.name,
                place.area_name(),
                place.isp_name(),
                place.latitude,
                place.longitude
            ));
        }
        text
    }

    /// The centres as the diagnosis knows them from that file.
    pub(crate) fn centres(&self) -> Vec<Centre> {
        let hours = Hours::parse(HOURS, DAYS).ok();
        let centre = |town: &Town| Centre {
            id: town.place.id.clone(),
            name: town.place.name.clone(),
            area: town.place.area_name().to_owned(),
            isp: town.place.isp_name().to_owned(),
            calendar: Calendar::weekly(hours.clone(), UTC_PLUS_7),
        };
        self.towns.iter().map(centre).collect()
    }

    /// Who is there, for whoever tells a collector.
    pub(crate) fn sites(&self) -> Vec<Site> {
        let site = |town: &Town| {
            let place = &town.place;
            Site {
                id: place.id.clone(),
                name: place.name.clone(),
                area: place.area_name().to_owned(),
                isp: place.isp_name().to_owned(),
                latitude: place.latitude,
                longitude: place.longitude,
                machines: place.machines.iter().map(|one| one.name.clone()).collect(),
            }
        };
        self.towns.iter().map(site).collect()
    }

    /// Lets time pass unheard.
    pub(crate) fn skip_to(&mut self, t: f64) {
        while self.now < t && self.next().is_some() {}
    }

    /// How much of it has happened, 0 to 1.
    pub(crate) fn progress(&self, start: f64) -> f64 {
        ((self.now - start) / (self.end - start)).clamp(0.0, 1.0)
    }
}

impl Iterator for World {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.outbox.pop(self.now) {
                return Some(record);
            }
            match self.turns.next(self.end) {
                Some((now, when)) => {
                    self.now = now;
                    self.turn(when);
                }
                // What is on its way still arrives.
                None if self.now.is_finite() => self.now = f64::INFINITY,
                None => return None,
            }
        }
    }
}

impl World {
    fn turn(&mut self, when: When) {
        match when {
            When::Machine { centre, number } => self.machine(centre, number),
            When::Outside { centre } => self.outside(centre),
            When::Tick => self.tick(),
        }
    }
}
