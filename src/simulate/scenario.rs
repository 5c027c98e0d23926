//! What province to simulate: a TOML file, every key of it defaulted, every mistake reported with its line.
//! `scenario.example.toml` beside this file says all of them.

use std::path::Path;

use settings::Table;

use super::parameters::{Parameters, Range, Set};

/// What cannot be simulated within memory and patience.
const MOST_CENTRES: u32 = 5_000;
const MOST_DAYS: u32 = 400;
const MOST_AGENTS: f64 = 100.0;

/// Monday 2026-11-16, the first midnight at UTC+7.
const START: f64 = 1_794_762_000.0;

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    /// The same seed gives the same province, to the last bit.
    pub(crate) seed: u64,
    pub(crate) centres: u32,
    pub(crate) days: u32,
    /// Midnight at UTC+7 of the first day, Unix seconds.
    pub(crate) start: f64,
    /// Faults a centre and week, wide ones aside.
    pub(crate) faults: f64,
    /// Faults of many centres a week. Absent: in proportion to the others.
    pub(crate) wide: Option<f64>,
    /// Whether kinds of fault happen that have no word.
    pub(crate) unseen: bool,
    pub(crate) parameters: Parameters,
    pub(crate) weather: Weather,
}

/// What happens without being a fault; 1 is usual, 0 never.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weather {
    /// Bursts of loss, of queues, of busy processors, of empty paper trays.
    pub(crate) bursts: f64,
    /// Loss that is always there.
    pub(crate) background_loss: f64,
    /// Machines that sleep, restart, and are switched off by the button.
    pub(crate) habits: f64,
    /// Share of centres without mains at night.
    pub(crate) mains_off: f64,
    /// Share of centres that close early on a day.
    pub(crate) early_closing: f64,
    /// Share of Wi-Fi machines that always lose.
    pub(crate) chronic_wifi: f64,
    /// Share of centres with a hop that answers only some echoes.
    pub(crate) rate_limited_hops: f64,
    /// Share of centres with a router that answers none.
    pub(crate) silent_routers: f64,
    /// Share of centres with a machine that is always on.
    pub(crate) witnesses: f64,
    /// Share of centres that answer echoes from outside.
    pub(crate) reverse_ping: f64,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            bursts: 1.0,
            background_loss: 1.0,
            habits: 1.0,
            mains_off: 0.2,
            early_closing: 0.03,
            chronic_wifi: 0.25,
            rate_limited_hops: 0.2,
            silent_routers: 0.1,
            witnesses: 0.5,
            reverse_ping: 0.5,
        }
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            centres: 65,
            days: 7,
            start: START,
            faults: 1.0,
            wide: None,
            unseen: true,
            parameters: Parameters::of(Set::default()),
            weather: Weather::default(),
        }
    }
}

/// Why a scenario is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error(transparent)]
    Read(#[from] settings::ReadError),
    #[error(transparent)]
    Mistakes(#[from] settings::Mistakes),
}

impl Scenario {
    /// Reads a file. `set` is what was asked for beside it, and stands where the file names no set of parameters.
    pub(crate) fn read(path: &Path, set: Option<Set>) -> Result<Self, ScenarioError> {
        Ok(Self::of(settings::read(path)?, set)?)
    }

    fn of(file: settings::File, set: Option<Set>) -> Result<Self, settings::Mistakes> {
        let root = file.root();
        let named = root.value("parameters", "\"tuning\" or \"held_out\"");
        let mut scenario = Self {
            parameters: Parameters::of(set.or(named).unwrap_or_default()),
            ..Self::default()
        };
        scenario.read_size(&root);
        read_ranges(&root.table("ranges"), &mut scenario.parameters);
        read_weather(&root.table("weather"), &mut scenario.weather);
        file.finish().map(|()| scenario)
    }

    /// The same province, where nothing fails.
    pub(crate) fn without_faults(self) -> Self {
        Self {
            faults: 0.0,
            wide: Some(0.0),
            ..self
        }
    }

    fn read_size(&mut self, root: &Table<'_>) {
        let whole = "a whole number";
        set(&mut self.seed, root.value("seed", whole));
        set(&mut self.centres, root.value("centres", whole));
        set(&mut self.days, root.value("days", whole));
        if !(1..=MOST_CENTRES).contains(&self.centres) {
            root.mistake_at("centres", &format!("must be between 1 and {MOST_CENTRES}"));
        }
        if !(1..=MOST_DAYS).contains(&self.days) {
            root.mistake_at("days", &format!("must be between 1 and {MOST_DAYS}"));
        }
        let date: Option<jiff::civil::Date> = root.value("start", "a day such as \"2026-11-16\"");
        if let Some(date) = date {
            match jiff::tz::Offset::constant(7)
                .to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
            {
                Ok(start) => {
                    self.start = start
                        .duration_since(jiff::Timestamp::UNIX_EPOCH)
                        .as_secs_f64()
                }
                Err(_) => root.mistake_at("start", "is too far away"),
            }
        }
        set(&mut self.faults, amount(root, "faults", 100.0));
        self.wide = amount(root, "wide", 1000.0);
        set(&mut self.unseen, root.value("unseen", "true or false"));
        if let Some(agents) = read_range(root, "agents") {
            if agents.from < 1.0 || agents.to > MOST_AGENTS {
                root.mistake_at("agents", &format!("must be between 1 and {MOST_AGENTS}"));
            }
            self.parameters.agents = agents;
        }
    }
}

fn read_ranges(table: &Table<'_>, to: &mut Parameters) {
    set(&mut to.hard_minutes, read_range(table, "hard_minutes"));
    set(&mut to.soft_minutes, read_range(table, "soft_minutes"));
    set(&mut to.wide_minutes, read_range(table, "wide_minutes"));
    set(
        &mut to.degrading_minutes,
        read_range(table, "degrading_minutes"),
    );
    set(&mut to.delay_ms, read_range(table, "delay_ms"));
    set(&mut to.queue_ms, read_range(table, "queue_ms"));
    set(&mut to.slowness, read_range(table, "slowness"));
    set(&mut to.line_rtt_ms, read_range(table, "line_rtt_ms"));
    set(
        &mut to.backbone_rtt_ms,
        read_range(table, "backbone_rtt_ms"),
    );
    set(&mut to.report_delay, read_range(table, "report_delay"));
    set(&mut to.reconnect, read_range(table, "reconnect"));
    if let Some(loss) = read_range(table, "loss") {
        if loss.to > 1.0 {
            table.mistake_at("loss", "must be shares between 0 and 1");
        }
        to.loss = loss;
    }
    set(&mut to.wifi, amount(table, "wifi", 1.0));
    set(&mut to.intermittent, amount(table, "intermittent", 1.0));
}

fn read_weather(table: &Table<'_>, to: &mut Weather) {
    set(&mut to.bursts, amount(table, "bursts", 20.0));
    set(
        &mut to.background_loss,
        amount(table, "background_loss", 20.0),
    );
    set(&mut to.habits, amount(table, "habits", 10.0));
    set(&mut to.mains_off, amount(table, "mains_off", 1.0));
    set(&mut to.early_closing, amount(table, "early_closing", 1.0));
    set(&mut to.chronic_wifi, amount(table, "chronic_wifi", 1.0));
    set(
        &mut to.rate_limited_hops,
        amount(table, "rate_limited_hops", 1.0),
    );
    set(&mut to.silent_routers, amount(table, "silent_routers", 1.0));
    set(&mut to.witnesses, amount(table, "witnesses", 1.0));
    set(&mut to.reverse_ping, amount(table, "reverse_ping", 1.0));
}

fn set<T>(to: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *to = value;
    }
}

fn read_range(table: &Table<'_>, key: &'static str) -> Option<Range> {
    table.value(key, "two numbers such as \"3-15\", the smaller first")
}

/// A number from 0.
fn amount(table: &Table<'_>, key: &'static str, most: f64) -> Option<f64> {
    let value: f64 = table.value(key, "a number")?;
    if !(0.0..=most).contains(&value) {
        table.mistake_at(key, &format!("must be between 0 and {most}"));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::simulate::parameters::range;

    fn read(text: &str) -> Result<Scenario, String> {
        Scenario::of(settings::parse("scenario.toml", text), None)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_has_to_be_said() {
        assert_eq!(read("").unwrap(), Scenario::default());
    }

    #[test]
    fn the_example_says_the_defaults() {
        let example = include_str!("scenario.example.toml");
        assert_eq!(read(example).unwrap(), Scenario::default());
    }

    #[test]
    fn what_is_said_is_used() {
        let scenario = read(
            "seed = 7\nstart = '2026-11-23'\nparameters = 'held_out'\nagents = '2-4'\n[ranges]\nloss = '0.1-0.2'\n[weather]\nwitnesses = 1\n",
        )
        .unwrap();
        assert_eq!(scenario.seed, 7);
        assert_eq!(scenario.start.to_bits(), (START + 7.0 * 86_400.0).to_bits());
        assert_eq!(scenario.parameters.agents, range(2.0, 4.0));
        assert_eq!(scenario.parameters.loss, range(0.1, 0.2));
        assert!(scenario.parameters.shows_all);
        assert_eq!(scenario.weather.witnesses.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn every_mistake_is_reported_with_its_line() {
        let said = read("centres = 0\nsede = 3\n\n[ranges]\nloss = '0.5-3'\n").unwrap_err();
        assert_eq!(
            said,
            "scenario.toml:1: centres must be between 1 and 5000\n\
             scenario.toml:2: unknown key \"sede\"; did you mean \"seed\"?\n\
             scenario.toml:5: ranges.loss must be shares between 0 and 1"
        );
    }
}
