//! What agents are to measure: `[plan]`, and the `[[anchor]]`, `[[service]]`, `[[resolver]]` and
//! `[[network]]` tables it is made of.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::http::Uri;
use proto::limits::{
    DISCOVERY_INTERVAL, ECHOES, INTERVAL, NETWORKS_PER_PLAN, RESOLVERS_PER_PLAN, SERVICES_PER_PLAN,
    THROUGHPUT_BYTES, THROUGHPUT_INTERVAL, THROUGHPUT_SHARE, URL_BYTES,
};
use proto::plan::{
    Discovery, Network, Plan, Resolver, Segment, Service, Target, Throughput, is_label,
};
use rustls::pki_types::ServerName;
use settings::Table;

use super::{duration, not_a_label};

/// How often measurements may be sent. Seldom enough to matter, the collector would take samples for
/// late ([`proto::limits::LIVE_WINDOW`]) and a stream for dead.
const REPORT_INTERVAL: RangeInclusive<Duration> = *INTERVAL.start()..=Duration::from_mins(1);

/// Fewer than a plan may have targets: an agent probes 32 links, its gateways, resolvers, neighbours and the
/// first routers of its line among them.
const ANCHORS: usize = 16;

/// Names that agents give to what they find themselves. Of two with one name they would measure one.
const TAKEN: [(&str, &str, &str); 2] = [
    ("anchor", "collector", "the collector itself"),
    ("resolver", "system", "names as programs resolve them"),
];

/// Little enough for any line, and enough to tell a slow one from a good one.
const USUAL_THROUGHPUT: Throughput = Throughput {
    interval: Duration::from_hours(6),
    bytes: 1_000_000,
};

/// What is measured where nothing is set.
pub(super) fn usual() -> Plan {
    Plan {
        throughput: Some(USUAL_THROUGHPUT),
        ..Plan::of_a_service_centre()
    }
}

/// What the settings say. Its version is made where plans are handed out.
pub(super) fn plan(root: &Table<'_>) -> Plan {
    let table = root.table("plan");
    let mut usual = usual();
    let is_usual = table.value("usual", "true or false, without quotes");
    if is_usual == Some(false) {
        usual.targets.clear();
        usual.services.clear();
    }
    let interval = |key| duration(&table, key, INTERVAL);
    let networks = networks(root);
    let (targets, services) = (anchors(root, &networks), services(root, &networks));
    Plan {
        version: 0,
        link_interval: interval("link_interval").unwrap_or(usual.link_interval),
        host_interval: interval("host_interval").unwrap_or(usual.host_interval),
        service_interval: interval("service_interval").unwrap_or(usual.service_interval),
        path_interval: interval("path_interval").unwrap_or(usual.path_interval),
        report_interval: duration(&table, "report_interval", REPORT_INTERVAL)
            .unwrap_or(usual.report_interval),
        link_echoes: echoes(&table).unwrap_or(usual.link_echoes),
        throughput: throughput(&table),
        device_interval: interval("device_interval").unwrap_or(usual.device_interval),
        // Their devices and credentials come from the registry.
        devices: Vec::new(),
        discovery: duration(&table, "discovery_interval", DISCOVERY_INTERVAL).map(looking),
        targets: targets.unwrap_or(usual.targets),
        services: services.unwrap_or(usual.services),
        resolvers: resolvers(root, &networks),
        networks,
        // Of its centre, and when its time comes.
        machines: Vec::new(),
        wake: None,
    }
}

/// With no credentials yet.
fn looking(interval: Duration) -> Discovery {
    Discovery {
        interval,
        credentials: Vec::new(),
    }
}

fn echoes(plan: &Table<'_>) -> Option<u32> {
    let expected = format!("a whole number from {} to {}", ECHOES.start(), ECHOES.end());
    let echoes = plan.value("link_echoes", &expected)?;
    if ECHOES.contains(&echoes) {
        return Some(echoes);
    }
    plan.mistake_at("link_echoes", &format!("must be {expected}"));
    None
}

/// None when it is to be of no bytes.
fn throughput(plan: &Table<'_>) -> Option<Throughput> {
    let interval = duration(plan, "throughput_interval", THROUGHPUT_INTERVAL);
    let interval = interval.unwrap_or(USUAL_THROUGHPUT.interval);
    let Some(bytes) = plan.bytes("throughput_bytes") else {
        let bytes = USUAL_THROUGHPUT.bytes;
        return bounded(plan, "throughput_interval", Throughput { interval, bytes });
    };
    if bytes == 0 {
        return None;
    }
    match u32::try_from(bytes) {
        Ok(bytes) if THROUGHPUT_BYTES.contains(&bytes) => {
            bounded(plan, "throughput_bytes", Throughput { interval, bytes })
        }
        _ => {
            plan.mistake_at("throughput_bytes", "must be from 64KiB to 4MiB, or 0");
            None
        }
    }
}

/// Only so much of a line may be spent on measuring it.
fn bounded(plan: &Table<'_>, key: &'static str, wanted: Throughput) -> Option<Throughput> {
    if wanted.is_small_share() {
        return Some(wanted);
    }
    let message = format!(
        "asks for {} bytes each {} s: at most {} kB a second of the interval are allowed",
        wanted.bytes,
        wanted.interval.as_secs(),
        THROUGHPUT_SHARE / 1_000
    );
    plan.mistake_at(key, &message);
    None
}

/// The tables of one kind that have a name of their own, as `read` makes something of them.
fn named<T>(
    root: &Table<'_>,
    kind: &'static str,
    keys: &[&'static str],
    most: usize,
    read: impl Fn(&Table<'_>, Option<String>) -> Option<T>,
) -> Vec<T> {
    let mut names = Vec::new();
    let mut all = Vec::new();
    for (position, table) in root.tables(kind).iter().enumerate() {
        table.require(&["name"]);
        table.require(keys);
        if position == most {
            table.mistake_at(
                "name",
                &format!("is one {kind} too many: {most} are allowed"),
            );
        }
        let name = text_that(table, "name", is_label, &not_a_label());
        if let Some(name) = &name {
            if names.contains(name) {
                table.mistake_at("name", &format!("is the name of another {kind} too"));
            }
            let mut taken = TAKEN.iter();
            if let Some((_, _, what)) = taken.find(|one| (one.0, one.1) == (kind, name)) {
                let message = format!("is what agents call {what}: choose another one");
                table.mistake_at("name", &message);
            }
            names.push(name.clone());
        }
        all.extend(read(table, name));
    }
    all
}

/// None where none is named.
fn anchors(root: &Table<'_>, networks: &[Network]) -> Option<Vec<Target>> {
    let read = |table: &Table<'_>, name: Option<String>| {
        let address = text_that(table, "address", is_host, NOT_A_HOST);
        let network = network(table, networks);
        Some(Target {
            name: name?,
            address: address?,
            segment: Segment::Core,
            network,
        })
    };
    let anchors = named(root, "anchor", &["address"], ANCHORS, read);
    root.has("anchor").then_some(anchors)
}

/// None where none is named.
fn services(root: &Table<'_>, networks: &[Network]) -> Option<Vec<Service>> {
    let read = |table: &Table<'_>, name: Option<String>| {
        let url = text_that(table, "url", is_url, NOT_A_URL);
        let too_long = format!("must be a text of at most {URL_BYTES} bytes");
        let expect = text_that(table, "expect", is_expectable, &too_long);
        let network = network(table, networks);
        Some(Service {
            name: name?,
            url: url?,
            expect,
            network,
        })
    };
    let services = named(root, "service", &["url"], SERVICES_PER_PLAN, read);
    root.has("service").then_some(services)
}

fn resolvers(root: &Table<'_>, networks: &[Network]) -> Vec<Resolver> {
    let read = |table: &Table<'_>, name: Option<String>| {
        let address = table.value(
            "address",
            "an IP address such as \"192.0.2.53\", without port",
        );
        let network = network(table, networks);
        Some(Resolver {
            name: name?,
            address: address?,
            network,
        })
    };
    named(root, "resolver", &["address"], RESOLVERS_PER_PLAN, read)
}

fn networks(root: &Table<'_>) -> Vec<Network> {
    let read = |table: &Table<'_>, name: Option<String>| {
        let interface = text_that(table, "interface", is_label, &not_a_label());
        Some(Network {
            name: name?,
            interface: interface?,
        })
    };
    named(root, "network", &["interface"], NETWORKS_PER_PLAN, read)
}

/// The network that something is reached through.
fn network(table: &Table<'_>, networks: &[Network]) -> Option<String> {
    let name = table.text("network")?;
    if !networks.iter().any(|network| network.name == name) {
        table.mistake_at("network", "is not the name of a [[network]] in this file");
    }
    Some(name)
}

pub(super) const NOT_A_HOST: &str = "must be a host name or an IP address and nothing else, such as \"192.0.2.10\": no https://, no port";

pub(super) fn is_host(text: &str) -> bool {
    // The plan has it as a text of limited length.
    is_label(text) && ServerName::try_from(text).is_ok()
}

const NOT_A_URL: &str = "must be an address such as \"https://portal.example/login\", \"http://…\", \"tls://host:port\" or \"tcp://host:port\", in small letters up to the host";

fn is_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let host = authority.host();
    let Some(port) = authority.as_str().strip_prefix(host) else {
        // Somebody's name and password are before it.
        return false;
    };
    let has_port = match port.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port != 0),
        None => false,
    };
    let fits = match scheme {
        "https" | "http" => has_port || port.is_empty(),
        "tls" | "tcp" => has_port && uri.path_and_query().is_none_or(|path| path == "/"),
        _ => false,
    };
    // An agent compares the scheme as it is written.
    let fits = fits && Service::SCHEMES.iter().any(|one| text.starts_with(one));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    fits && text.len() <= URL_BYTES && is_host(host)
}

fn is_expectable(text: &str) -> bool {
    !text.is_empty() && text.len() <= URL_BYTES
}

pub(super) fn text_that(
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
