//! Settings: TOML file and command line → validated [`Config`], with every mistake at once.
//!
//! `collector.example.toml` lists every key with its default.

mod alertmanager;
mod calendar;
mod diagnosis;
mod plan;
mod remote_write;
mod reverse;
mod witness;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::Offset;
use proto::ids::{CentreId, DeviceId};
use proto::limits::LABEL_BYTES;
use proto::plan::{Plan, is_label};
use rustls::pki_types::ServerName;
use settings::Table;

use crate::calendar::{Calendars, UTC_PLUS_7};
use crate::registry;
use crate::reverse::Reverse;
use crate::watch;

pub use self::alertmanager::Alertmanager;
pub use self::diagnosis::Evidence;
pub use self::remote_write::{Credentials, Headers, Protocol, RemoteWrite};

/// Where a collector keeps its data unless told otherwise: the same folder from wherever a command
/// is run.
pub const USUAL_DATA: &str = "/var/lib/dawnwatch-collector";

/// How long a certificate may be made to last.
const LIFETIME: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(10 * 366 * 24);

/// What a centre's line may carry of what waited, bytes per second: not so little that a backlog of a
/// day never ends.
const BACKLOG_RATE: RangeInclusive<u64> = 1_000..=1_000_000_000;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The folder of authority and registry.
    pub data: PathBuf,
    /// Shown on the page, and a label of its centres. May be empty.
    pub province: String,
    /// The local time of opening hours.
    pub utc_offset: Offset,
    /// `[calendar]`, `[[season]]`, `[[exception]]`, `[[maintenance]]`: when centres are open.
    pub calendars: Calendars,
    /// `[http]`: page, API, `/metrics`. Loopback unless configured: there is no login.
    pub http_listen: SocketAddr,
    /// Whether `/metrics` shows what agents measured. Unless configured, it does where no store is written
    /// to: one series is not to come to a store in two ways.
    pub http_measurements: Option<bool>,
    /// `[grpc]`: agents. Every address unless configured: they are elsewhere, and prove who they are.
    pub grpc_listen: SocketAddr,
    /// What agents call this collector, beside `localhost`. The first is in enrolment commands.
    pub grpc_names: Vec<ServerName<'static>>,
    /// Of agents' certificates.
    pub certificate_lifetime: Duration,
    /// What agents measure; its version is made where plans are handed out.
    pub plan: Plan,
    /// What the agents of one centre together may send of their backlogs, bytes per second.
    pub backlog_rate: u64,
    /// Stores that get every measurement.
    pub remote_write: Vec<RemoteWrite>,
    /// What is kept of the evidence.
    pub evidence: Evidence,
    /// Who tells people of incidents.
    pub alertmanager: Option<Alertmanager>,
    /// `[[witness]]`: the machine of a centre that is to be awake before its doors open.
    pub witnesses: HashMap<CentreId, DeviceId>,
    /// `[reverse]` and `[[line]]`: lines that the province's own agents look at from outside.
    pub reverse: Option<Reverse>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ConfigError {
    Read(#[from] settings::ReadError),
    Mistakes(#[from] settings::Mistakes),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from(USUAL_DATA),
            province: String::new(),
            utc_offset: UTC_PLUS_7,
            calendars: calendar::usual(),
            http_listen: SocketAddr::from(([127, 0, 0, 1], 9780)),
            http_measurements: None,
            grpc_listen: SocketAddr::from(([0, 0, 0, 0], 9781)),
            grpc_names: Vec::new(),
            certificate_lifetime: Duration::from_hours(90 * 24),
            plan: plan::usual(),
            backlog_rate: 64_000,
            remote_write: Vec::new(),
            evidence: Evidence::default(),
            alertmanager: None,
            witnesses: HashMap::new(),
            reverse: None,
        }
    }
}

impl Config {
    /// Reads a file, or takes the defaults when there is none. Relative paths are beside the file.
    ///
    /// # Errors
    /// When the file cannot be read, or with every mistake in it.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let mut config = Self::read(settings::read(path)?)?;
        if let Some(folder) = path.parent() {
            config.data = folder.join(config.data);
            for target in &mut config.remote_write {
                target.resolve(folder);
            }
        }
        Ok(config)
    }

    /// Reads the text of a file; `name` is how messages call it.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, settings::Mistakes> {
        Self::read(settings::parse(name, text))
    }

    fn read(file: settings::File) -> Result<Self, settings::Mistakes> {
        let root = file.root();
        let usual = Self::default();
        let (http, grpc) = (root.table("http"), root.table("grpc"));
        let utc_offset = utc_offset(&root).unwrap_or(usual.utc_offset);
        let plan = plan::plan(&root);
        let config = Self {
            data: root.text("data").map_or(usual.data, PathBuf::from),
            province: province(&root).unwrap_or(usual.province),
            utc_offset,
            calendars: calendar::calendars(&root, utc_offset),
            http_listen: listen(&http).unwrap_or(usual.http_listen),
            http_measurements: http.value("measurements", "true or false, without quotes"),
            grpc_listen: listen(&grpc).unwrap_or(usual.grpc_listen),
            grpc_names: names(&grpc),
            certificate_lifetime: duration(&grpc, "certificate_lifetime", LIFETIME)
                .unwrap_or(usual.certificate_lifetime),
            reverse: reverse::reverse(&root, &plan.targets),
            plan,
            backlog_rate: backlog_rate(&root.table("plan")).unwrap_or(usual.backlog_rate),
            remote_write: remote_write::targets(&root),
            evidence: diagnosis::evidence(&root),
            alertmanager: alertmanager::alertmanager(&root),
            witnesses: witness::witnesses(&root),
        };
        file.finish()?;
        Ok(config)
    }

    /// The registry's file.
    #[must_use]
    pub fn registry(&self) -> PathBuf {
        self.data.join(registry::FILE)
    }

    /// Where evidence is kept, and how much.
    #[must_use]
    pub fn evidence_bounds(&self) -> watch::evidence::Bounds {
        watch::evidence::Bounds {
            folder: self.data.join(watch::evidence::FOLDER),
            bytes: self.evidence.bytes,
            age: self.evidence.age,
        }
    }

    /// Whether `/metrics` shows what agents measured.
    #[must_use]
    pub fn shows_measurements(&self) -> bool {
        self.http_measurements
            .unwrap_or(self.remote_write.is_empty())
    }

    /// What an agent is told to enrol with: the first configured name, or this machine by itself.
    #[must_use]
    pub fn url(&self) -> String {
        let port = self.grpc_listen.port();
        match self.grpc_names.first() {
            Some(ServerName::IpAddress(address)) => {
                let address = std::net::IpAddr::from(*address);
                format!("https://{}", SocketAddr::new(address, port))
            }
            Some(name) => format!("https://{}:{port}", name.to_str()),
            None => format!("https://localhost:{port}"),
        }
    }
}

fn province(root: &Table<'_>) -> Option<String> {
    let province = root.text("province")?;
    if is_label(&province) || province.is_empty() {
        return Some(province);
    }
    root.mistake_at("province", &not_a_label());
    None
}

fn not_a_label() -> String {
    format!("must be a text of at most {LABEL_BYTES} bytes without control characters")
}

/// `+07:00`
struct WrittenOffset(Offset);

impl FromStr for WrittenOffset {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (sign, rest) = match text.split_at_checked(1).ok_or(())? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return Err(()),
        };
        let (hours, minutes) = rest.split_once(':').ok_or(())?;
        let number = |text: &str, below: i32| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: i32 = text.parse().map_err(|_| ())?;
            (digits && number < below).then_some(number).ok_or(())
        };
        let seconds = number(hours, 15)? * 3600 + number(minutes, 60)? * 60;
        Offset::from_seconds(sign * seconds)
            .map(Self)
            .map_err(|_| ())
    }
}

fn utc_offset(root: &Table<'_>) -> Option<Offset> {
    let expected = "an offset from UTC such as \"+07:00\"";
    root.value::<WrittenOffset>("utc_offset", expected)
        .map(|offset| offset.0)
}

fn listen(table: &Table<'_>) -> Option<SocketAddr> {
    let expected = "an address with port such as \"127.0.0.1:9780\" or \"[::]:9781\"";
    table.value("listen", expected)
}

fn names(grpc: &Table<'_>) -> Vec<ServerName<'static>> {
    let mut names = Vec::new();
    for name in grpc.list("names").unwrap_or_default() {
        match ServerName::try_from(name) {
            Ok(name) => names.push(name),
            Err(_) => grpc.mistake_at(
                "names",
                "must be host names and IP addresses without port, \
                 such as [\"dawnwatch.example\", \"192.0.2.1\"]",
            ),
        }
    }
    names
}

fn duration(
    table: &Table<'_>,
    key: &'static str,
    allowed: RangeInclusive<Duration>,
) -> Option<Duration> {
    let duration = table.duration(key)?;
    if allowed.contains(&duration) {
        return Some(duration);
    }
    let (least, most) = (allowed.start().as_secs(), allowed.end().as_secs());
    table.mistake_at(key, &format!("must be from {least} s to {most} s"));
    None
}

fn backlog_rate(plan: &Table<'_>) -> Option<u64> {
    let rate = plan.bytes("backlog_rate")?;
    if BACKLOG_RATE.contains(&rate) {
        return Some(rate);
    }
    let (least, most) = (BACKLOG_RATE.start() / 1_000, BACKLOG_RATE.end() / 1_000_000);
    plan.mistake_at(
        "backlog_rate",
        &format!("must be from {least}kB to {most}MB (a second, for a whole centre)"),
    );
    None
}

#[cfg(test)]
mod tests;
