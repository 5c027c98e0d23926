//! What the agent is told by its file: little, since the plan comes from the collector.
//!
//! Every key has a default and every mistake is reported at once, with its line; see
//! `agent.example.toml`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use proto::limits::SAMPLE_AGE;
use settings::Table;

use crate::tls::Address;

/// Validated settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where identity, plan and spool are kept.
    pub data: PathBuf,
    /// Where the collector is now, when it moved since enrolment.
    pub collector: Option<Address>,
    /// How much may wait, in memory and on disk, and for how long.
    pub spool: spool::Limits,
    /// What may be sent in a day, if not any amount.
    pub bytes_per_day: Option<u64>,
    /// Whether the line is paid by what goes over it: then nobody measures its throughput.
    pub metered: bool,
    /// By name, the interface through which this machine reaches a network of the plan.
    pub networks: BTreeMap<String, String>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or cannot be read.
    #[error(transparent)]
    Read(#[from] settings::ReadError),
    /// Everything that is wrong in it.
    #[error(transparent)]
    Mistakes(#[from] settings::Mistakes),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: default_data(),
            collector: None,
            spool: Profile::Pc.spool(),
            bytes_per_day: None,
            metered: false,
            networks: BTreeMap::new(),
        }
    }
}

/// What a machine is, as far as it decides what may wait there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Pc,
    /// Little memory, and flash of a few megabytes.
    Router,
}

impl Profile {
    /// A router holds more than a day of what it measures itself.
    fn spool(self) -> spool::Limits {
        let usual = spool::Limits {
            age: SAMPLE_AGE,
            ..spool::Limits::default()
        };
        match self {
            Self::Pc => usual,
            Self::Router => spool::Limits {
                bytes: 4_000_000,
                spill_bytes: 256_000,
                memory_bytes: 1_000_000,
                ..usual
            },
        }
    }
}

impl FromStr for Profile {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "pc" => Ok(Self::Pc),
            "router" => Ok(Self::Router),
            _ => Err(()),
        }
    }
}

fn default_data() -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(r"C:\ProgramData\dawnwatch-agent")
    } else {
        PathBuf::from("/var/lib/dawnwatch-agent")
    }
}

impl Config {
    /// Reads a settings file.
    ///
    /// # Errors
    /// All mistakes of the file together.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::from_file(settings::read(path)?)
    }

    fn from_file(file: settings::File) -> Result<Self, ConfigError> {
        let defaults = Self::default();
        let root = file.root();
        let limits = root.table("limits");
        let profile = limits.value("profile", "\"pc\" or \"router\"");
        let usual = profile.unwrap_or(Profile::Pc).spool();
        let config = Self {
            data: root.text("data").map_or(defaults.data, PathBuf::from),
            collector: root.value("collector", "an address such as \"https://collector:9781\""),
            spool: spool::Limits {
                bytes: limits.bytes("spool_bytes").unwrap_or(usual.bytes),
                age: limits.duration("spool_age").unwrap_or(usual.age),
                ..usual
            },
            bytes_per_day: limits.bytes("bytes_per_day"),
            metered: limits
                .value("metered", "true or false, without quotes")
                .unwrap_or(false),
            networks: networks(&root),
        };
        if config.spool.bytes < LEAST_SPOOL {
            limits.mistake_at("spool_bytes", "must be at least \"1MB\"");
        }
        if !SPOOL_AGE.contains(&config.spool.age) {
            limits.mistake_at(
                "spool_age",
                "must be at least \"1m\" and at most \"7d\": the collector takes nothing older",
            );
        }
        if config
            .bytes_per_day
            .is_some_and(|bytes| bytes < LEAST_PER_DAY)
        {
            limits.mistake_at(
                "bytes_per_day",
                "must be at least \"1200kB\": what is measured live goes out in any case, and needs most of it",
            );
        }
        file.finish()?;
        Ok(config)
    }
}

/// `[[network]] name, interface`
fn networks(root: &Table<'_>) -> BTreeMap<String, String> {
    let mut networks = BTreeMap::new();
    for table in root.tables("network") {
        table.require(&["name", "interface"]);
        let (Some(name), Some(interface)) = (table.text("name"), table.text("interface")) else {
            continue;
        };
        if networks.insert(name, interface).is_some() {
            table.mistake_at("name", "is the name of another network too");
        }
    }
    networks
}

/// Less than this does not hold an hour.
const LEAST_SPOOL: u64 = 1_000_000;

/// What a busy PC measures live takes two thirds of it (`docs/performance.md`); less leaves nothing for
/// what waited, ever.
const LEAST_PER_DAY: u64 = 1_200_000;

/// Less drops everything at once, more is refused by every collector.
const SPOOL_AGE: RangeInclusive<Duration> = Duration::from_mins(1)..=SAMPLE_AGE;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::from_file(settings::parse("agent.toml", text))
    }

    #[test]
    fn the_example_holds_every_option_with_its_default() {
        let example = include_str!("../agent.example.toml");
        let settings: String = example
            .lines()
            .map(|line| line.strip_prefix("#= ").unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let config = parse(&settings).expect("the example is valid");
        let collector = "https://collector.example:9781".parse().ok();
        assert_eq!(
            config,
            Config {
                collector,
                bytes_per_day: Some(2_000_000),
                networks: BTreeMap::from([("state".into(), "eth1".into())]),
                ..Config::default()
            }
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let error =
            parse("colector = 'x'\ndata = 7\n\n[limits]\nspool_age = 'long'\nspool_bytes = '9B'\n")
                .expect_err("four mistakes")
                .to_string();
        let lines: Vec<_> = error.lines().map(|line| line.split(' ').next()).collect();
        let expected = [
            "agent.toml:1:",
            "agent.toml:2:",
            "agent.toml:5:",
            "agent.toml:6:",
        ];
        assert_eq!(lines, expected.map(Some), "{error}");
    }

    #[test]
    fn a_router_keeps_less_unless_told_otherwise() {
        let router = parse("[limits]\nprofile = 'router'\n").expect("a profile");
        assert_eq!(router.spool, Profile::Router.spool());
        let larger = parse("[limits]\nprofile = 'router'\nspool_bytes = '9MB'\n").expect("both");
        assert_eq!(larger.spool.bytes, 9_000_000);
        assert_eq!(larger.spool.memory_bytes, 1_000_000);
        let told = parse("[limits]\nprofile = 'toaster'\n").expect_err("no profile");
        assert!(told.to_string().contains("\"router\""), "{told}");
    }

    #[test]
    fn bytes_per_day_are_a_size_that_leaves_room() {
        let told = parse("[limits]\nbytes_per_day = '1199kB'\n").expect_err("too little");
        assert!(told.to_string().contains("1200kB"), "{told}");
        let config = parse("[limits]\nbytes_per_day = '1200kB'\n").expect("a size");
        assert_eq!(config.bytes_per_day, Some(1_200_000));
    }

    #[test]
    fn a_spool_age_that_loses_everything_is_a_mistake() {
        for age in ["0s", "59s", "8d"] {
            let error = parse(&format!("[limits]\nspool_age = '{age}'\n")).expect_err(age);
            let told = error.to_string();
            assert!(told.starts_with("agent.toml:2: limits.spool_age"), "{told}");
        }
        for age in ["1m", "7d"] {
            parse(&format!("[limits]\nspool_age = '{age}'\n")).expect(age);
        }
    }
}
