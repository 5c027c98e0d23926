//! Settings: TOML file and command line → validated [`Config`], with every mistake at once.
//!
//! `collector.example.toml` lists every key with its default. Keys that the design promises and this
//! version cannot serve yet are refused by name, never ignored.

mod remote_write;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::Offset;
use proto::limits::{INTERVAL, LABEL_BYTES, TARGETS_PER_PLAN};
use proto::plan::{Plan, Segment, Target};
use ring::digest::{SHA256, digest};
use rustls::pki_types::ServerName;
use settings::Table;

use crate::calendar::UTC_PLUS_7;
use crate::registry;

pub use self::remote_write::{Credentials, Headers, Protocol, RemoteWrite};

/// Where a collector keeps its data unless told otherwise: the same folder from wherever a command
/// is run.
pub const USUAL_DATA: &str = "/var/lib/dawnwatch-collector";

/// How long a certificate may be made to last.
const LIFETIME: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(10 * 366 * 24);

/// How often measurements may be sent. Seldom enough to matter, the collector would take samples for
/// late ([`proto::limits::LIVE_WINDOW`]) and a stream for dead.
const REPORT_INTERVAL: RangeInclusive<Duration> = *INTERVAL.start()..=Duration::from_mins(1);

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
    /// Known places of the core network, probed by every agent.
    pub anchors: Vec<Anchor>,
    /// `[plan]`: how often each link is probed.
    pub link_interval: Duration,
    /// How often a host measures itself.
    pub host_interval: Duration,
    /// How often measurements are sent.
    pub report_interval: Duration,
    /// What the agents of one centre together may send of their backlogs, bytes per second.
    pub backlog_rate: u64,
    /// Stores that get every measurement.
    pub remote_write: Vec<RemoteWrite>,
}

/// `[[anchor]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The `target` label.
    pub name: String,
    /// IP address or host name.
    pub address: String,
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
        let plan = Plan::default();
        Self {
            data: PathBuf::from(USUAL_DATA),
            province: String::new(),
            utc_offset: UTC_PLUS_7,
            http_listen: SocketAddr::from(([127, 0, 0, 1], 9780)),
            http_measurements: None,
            grpc_listen: SocketAddr::from(([0, 0, 0, 0], 9781)),
            grpc_names: Vec::new(),
            certificate_lifetime: Duration::from_hours(90 * 24),
            anchors: Vec::new(),
            link_interval: plan.link_interval,
            host_interval: plan.host_interval,
            report_interval: Duration::from_mins(1),
            backlog_rate: 64_000,
            remote_write: Vec::new(),
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
        let (http, grpc, plan) = (root.table("http"), root.table("grpc"), root.table("plan"));
        let interval = |key| duration(&plan, key, INTERVAL);
        let config = Self {
            data: root.text("data").map_or(usual.data, PathBuf::from),
            province: province(&root).unwrap_or(usual.province),
            utc_offset: utc_offset(&root).unwrap_or(usual.utc_offset),
            http_listen: listen(&http).unwrap_or(usual.http_listen),
            http_measurements: http.value("measurements", "true or false, without quotes"),
            grpc_listen: listen(&grpc).unwrap_or(usual.grpc_listen),
            grpc_names: names(&grpc),
            certificate_lifetime: duration(&grpc, "certificate_lifetime", LIFETIME)
                .unwrap_or(usual.certificate_lifetime),
            anchors: anchors(&root),
            link_interval: interval("link_interval").unwrap_or(usual.link_interval),
            host_interval: interval("host_interval").unwrap_or(usual.host_interval),
            report_interval: duration(&plan, "report_interval", REPORT_INTERVAL)
                .unwrap_or(usual.report_interval),
            backlog_rate: backlog_rate(&plan).unwrap_or(usual.backlog_rate),
            remote_write: remote_write::targets(&root),
        };
        // Last, because "known here" lists keys in the order of asking.
        refuse_unsupported(&root);
        file.finish()?;
        Ok(config)
    }

    /// The registry's file.
    #[must_use]
    pub fn registry(&self) -> PathBuf {
        self.data.join(registry::FILE)
    }

    /// What every agent is asked to do. Its version depends on its content alone, so that a restart
    /// of the collector sends nothing anew.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let target = |anchor: &Anchor| Target {
            name: anchor.name.clone(),
            address: anchor.address.clone(),
            segment: Segment::Core,
            network: None,
        };
        let mut plan = Plan {
            version: 0,
            host_interval: self.host_interval,
            link_interval: self.link_interval,
            report_interval: self.report_interval,
            targets: self.anchors.iter().map(target).collect(),
            ..Plan::default()
        };
        plan.version = version_of(&plan);
        plan
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

/// Never 0, which means "the plan that is compiled in".
fn version_of(plan: &Plan) -> u64 {
    // Debug text instead of JSON: it cannot fail, and only has to differ when the plan does.
    let hash = digest(&SHA256, format!("{plan:?}").as_bytes());
    let hash = hash.as_ref().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(hash).max(1)
}

/// Keys of the contract whose feature does not exist yet.
fn refuse_unsupported(root: &Table<'_>) {
    let not_yet = "is not supported by this version yet: leave it out";
    for key in ["alertmanager", "service", "resolver"] {
        if root.has(key) {
            root.mistake_at(key, not_yet);
        }
    }
    let plan = root.table("plan");
    if plan.has("service_interval") {
        plan.mistake_at("service_interval", not_yet);
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

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= LABEL_BYTES && !text.chars().any(char::is_control)
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

fn anchors(root: &Table<'_>) -> Vec<Anchor> {
    let mut anchors: Vec<Anchor> = Vec::new();
    for (position, table) in root.tables("anchor").iter().enumerate() {
        table.require(&["name", "address"]);
        if position == TARGETS_PER_PLAN {
            let message = format!("is one anchor too many: {TARGETS_PER_PLAN} are allowed");
            table.mistake_at("name", &message);
        }
        let name = text_that(table, "name", is_label, &not_a_label());
        let address = text_that(table, "address", is_host, NOT_A_HOST);
        let (Some(name), Some(address)) = (name, address) else {
            continue;
        };
        if anchors.iter().any(|anchor| anchor.name == name) {
            table.mistake_at("name", "is the name of another anchor too");
        }
        anchors.push(Anchor { name, address });
    }
    anchors
}

const NOT_A_HOST: &str = "must be a host name or an IP address and nothing else, such as \"192.0.2.10\": no https://, no port";

fn is_host(text: &str) -> bool {
    // The plan has it as a text of limited length.
    is_label(text) && ServerName::try_from(text).is_ok()
}

fn text_that(
    table: &Table<'_>,
    key: &'static str,
    is_good: fn(&str) -> bool,
    complaint: &str,
) -> Option<String> {
    let text = table.text(key)?;
    if is_good(&text) {
        return Some(text);
    }
    table.mistake_at(key, complaint);
    None
}

#[cfg(test)]
mod tests;
