//! What people use the network for: names, services, and the collector. The same attempts as those of the
//! sources `dns` and `service`, once.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use diagnosis::evidence::{Dns, Service};
use futures_util::future::join_all;
use proto::plan;

use super::tools::Tools;
use crate::clock::wall_unix_ms;
use crate::sources::Unmeasurable;
use crate::sources::probe::dns::{self, Judged};
use crate::sources::probe::service::{self, Attempt, How};

/// For one question, tried twice.
const DNS_LIMIT: Duration = Duration::from_secs(4);

/// For one service, from its name to the end of its answer. Slow is not dead.
const SERVICE_LIMIT: Duration = Duration::from_secs(10);

/// For the same at another of its addresses.
const OTHER_LIMIT: Duration = Duration::from_secs(5);

/// For a name that was found a moment ago.
const LOOKUP_LIMIT: Duration = Duration::from_secs(2);

/// For a login page, which is near.
const LOGIN_PAGE_LIMIT: Duration = Duration::from_secs(3);

/// For the collector: long enough for three openings of a connection.
const COLLECTOR_LIMIT: Duration = Duration::from_secs(5);

/// What became of one resolver.
pub(super) struct Asked {
    pub(super) evidence: Dns,
    pub(super) detail: String,
}

/// Asks this machine's resolvers and those of the plan.
pub(super) async fn resolvers(tools: &Tools) -> (Vec<Asked>, Vec<Unmeasurable>) {
    let around = &tools.surroundings;
    let gateways: Vec<IpAddr> = around.gateways.iter().map(|gateway| gateway.ip).collect();
    let (resolvers, limitation) = dns::resolvers(&around.resolvers, &tools.plan);
    let collector = tools.context.collector.as_ref();
    let collector = collector.map(|(host, _)| host.as_str());
    let asking = resolvers.into_iter().map(|resolver| {
        let gateways = &gateways;
        async move {
            let network = resolver.network.as_deref();
            let mut names = dns::names(&tools.plan, network, collector);
            names.push(dns::canary());
            let (network, interface) = tools.through(network);
            let (address, interface) = (&resolver.address, interface.as_deref());
            let limit = tools.left(DNS_LIMIT);
            let judged = dns::judge(address, interface, &names, gateways, limit).await;
            (resolver, network, judged)
        }
    });
    let mut limitations: Vec<Unmeasurable> = limitation.into_iter().collect();
    let mut asked = Vec::new();
    for (resolver, network, judged) in join_all(asking).await {
        match judged {
            Ok(judged) => asked.push((resolver, network, judged)),
            Err(limitation) => limitations.push(limitation),
        }
    }
    dns::compare(
        asked
            .iter_mut()
            .filter(|(resolver, ..)| resolver.network.is_none())
            .map(|(.., judged)| judged),
    );
    let asked = asked.into_iter().map(|(resolver, network, judged)| Asked {
        detail: lie(&judged),
        evidence: Dns {
            is_beyond: !gateways.contains(&resolver.address.ip) && is_public(resolver.address.ip),
            resolver: resolver.name,
            outcome: judged.outcome,
            took: judged.took,
            is_own: resolver.is_own,
            network,
        },
    });
    (asked.collect(), limitations)
}

fn lie(judged: &Judged) -> String {
    let lie = judged.lie();
    lie.map_or_else(String::new, |(name, address)| format!("{name} → {address}"))
}

/// Behind the line for certain.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}

/// What became of one service.
pub(super) struct Used {
    pub(super) name: String,
    pub(super) attempt: Result<Attempt, Unmeasurable>,
    /// Through which network of its own.
    network: Option<String>,
    /// How far our clock is ahead of the server's, in seconds.
    pub(super) ahead: Option<f64>,
}

/// Uses every service of the plan, once, all at the same time.
pub(super) async fn services(tools: &Tools) -> Vec<Used> {
    let attempts = tools.plan.services.iter();
    join_all(attempts.map(|service| attempt(tools, service, SERVICE_LIMIT))).await
}

/// When something fails, the same without encryption: a login page can answer in others' place there, and
/// often lets nothing else through. `None` when none does.
pub(super) async fn login_page(tools: &Tools, used: &[Used]) -> Option<Used> {
    let fails = |used: &&Used| {
        let attempt = used.attempt.as_ref().ok();
        attempt.is_some_and(|attempt| attempt.outcome != service::Outcome::Answered)
    };
    let failing: Vec<&Used> = used.iter().filter(fails).collect();
    let found = failing.iter().find_map(|used| {
        let attempt = used.attempt.as_ref().ok()?;
        attempt.address?;
        let mut services = tools.plan.services.iter();
        let service = services.find(|service| service.name == used.name)?;
        Some((used.name.clone(), host(&service.url)?))
    });
    // Where no name is resolved an address has to do.
    let anchor = || {
        let mut targets = tools.plan.targets.iter();
        let target = targets.find(|target| target.address.parse::<Ipv4Addr>().is_ok())?;
        Some((target.name.clone(), target.address.as_str()))
    };
    let is_found = |used: &&Used| {
        let attempt = used.attempt.as_ref();
        attempt.is_ok_and(|attempt| attempt.outcome == service::Outcome::Captive)
    };
    if failing.is_empty()
        || failing.iter().any(is_found)
        || tools.left(LOGIN_PAGE_LIMIT) < LOGIN_PAGE_LIMIT / 4
    {
        return None;
    }
    let (name, host) = found.or_else(anchor)?;
    let service = plan::Service {
        name,
        url: format!("http://{host}/"),
        expect: None,
        network: None,
    };
    let attempt = attempt_but(tools, &service, LOGIN_PAGE_LIMIT, None).await;
    let used = Used {
        name: service.name,
        network: None,
        // Whoever answers in others' place is no witness of the time: a router without Internet is in 1970.
        ahead: None,
        attempt,
    };
    let outcome = used.attempt.as_ref().ok()?.outcome;
    (outcome == service::Outcome::Captive).then_some(used)
}

/// Of a URL whose server has a certificate, so that it is not asked for its host in plain already.
fn host(url: &str) -> Option<&str> {
    name(url.strip_prefix("https://")?)
}

/// Of what follows the scheme of a URL, unless it is an IPv6 address.
fn name(rest: &str) -> Option<&str> {
    let host = rest.split(['/', ':', '?', '#']).next()?;
    (!host.is_empty() && !host.starts_with('[')).then_some(host)
}

/// Opens a connection to the collector, when there is one.
pub(super) async fn collector(tools: &Tools) -> Option<Used> {
    let (host, port) = tools.context.collector.as_ref()?;
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let service = plan::Service {
        name: "collector".to_owned(),
        url: format!("tcp://{host}:{port}"),
        expect: None,
        network: None,
    };
    Some(attempt(tools, &service, COLLECTOR_LIMIT).await)
}

/// One attempt, and one more at another address of the name where the first is not reached: a browser goes
/// on to it too.
async fn attempt(tools: &Tools, service: &plan::Service, limit: Duration) -> Used {
    let mut attempt = attempt_but(tools, service, limit, None).await;
    let unreached = attempt.as_ref().ok().and_then(unreached);
    if has_another(tools, service, unreached).await && !tools.left(OTHER_LIMIT).is_zero() {
        let other = attempt_but(tools, service, OTHER_LIMIT, unreached).await;
        let is_elsewhere = |other: &Attempt| other.address != unreached;
        if other.as_ref().is_ok_and(is_elsewhere) {
            attempt = other;
        }
    }
    let told = attempt.as_ref().ok();
    let told = told.filter(|attempt| is_witness(attempt.outcome));
    let told = told.and_then(|attempt| attempt.server_time_unix_s);
    Used {
        name: service.name.clone(),
        network: tools.through(service.network.as_deref()).0,
        ahead: told.map(ahead_of),
        attempt,
    }
}

/// Whether the name of a service has another address than the one that is not reached.
async fn has_another(tools: &Tools, service: &plan::Service, unreached: Option<IpAddr>) -> bool {
    let rest = service.url.split_once("://").map(|(_, rest)| rest);
    let (Some(unreached), Some(name)) = (unreached, rest.and_then(name)) else {
        return false;
    };
    let patience = tools.left(LOOKUP_LIMIT);
    let found = tools.lookups.look_up(name, patience).await;
    let addresses = found.as_ref().map(|found| found.addresses.as_deref());
    matches!(addresses, Some(Ok(addresses)) if addresses.iter().any(|one| *one != unreached))
}

/// Whether the one who told the time is who was asked, and not a login page or a router without Internet.
fn is_witness(outcome: service::Outcome) -> bool {
    use service::Outcome::{Captive, CertificateName, CertificateUntrusted};
    !matches!(outcome, Captive | CertificateName | CertificateUntrusted)
}

fn unreached(attempt: &Attempt) -> Option<IpAddr> {
    attempt.address.filter(|_| attempt.phases.connect.is_none())
}

async fn attempt_but(
    tools: &Tools,
    service: &plan::Service,
    limit: Duration,
    unreached: Option<IpAddr>,
) -> Result<Attempt, Unmeasurable> {
    let interface = tools.context.interface(service.network.as_deref());
    let how = How {
        interface: interface.as_deref(),
        limit: tools.left(limit),
        known: None,
        unreached,
        lookups: &tools.lookups,
        trust: &tools.trust,
        now_unix_s: wall_unix_ms() / 1_000,
        told_unix_s: tools.collectors_time_unix_s(),
    };
    service::attempt(service, &how).await
}

/// Servers tell whole seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a difference of clocks, to the second"
)]
fn ahead_of(told_unix_s: i64) -> f64 {
    let ahead_ms = wall_unix_ms().saturating_sub(told_unix_s.saturating_mul(1_000) + 500);
    ahead_ms as f64 / 1e3
}

impl Used {
    /// As evidence; none where this machine could not try.
    pub(super) fn evidence(&self) -> Option<Service> {
        let attempt = self.attempt.as_ref().ok()?;
        Some(Service {
            service: self.name.clone(),
            outcome: attempt.outcome,
            address: attempt.address,
            phases: attempt.phases,
            status: attempt.status,
            network: self.network.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_attempts_go_to_hosts_of_encrypted_services() {
        for (url, expected) in [
            ("https://portal.vn/", Some("portal.vn")),
            ("https://portal.vn:8443/a?b", Some("portal.vn")),
            ("https://portal.vn?x", Some("portal.vn")),
            ("http://portal.vn/", None),
            ("tcp://portal.vn:443", None),
            ("https://[2001:db8::1]/", None),
            ("https:///", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    #[test]
    fn who_answers_in_others_place_is_no_witness_of_the_time() {
        use service::Outcome;
        for (outcome, expected) in [
            (Outcome::Answered, true),
            (Outcome::HttpError, true),
            (Outcome::ClockWrong, true),
            (Outcome::CertificateExpired, true),
            (Outcome::Captive, false),
            (Outcome::CertificateName, false),
            (Outcome::CertificateUntrusted, false),
        ] {
            assert_eq!(is_witness(outcome), expected, "{outcome:?}");
        }
    }

    #[test]
    fn only_addresses_of_others_are_beyond_the_line_for_certain() {
        for (ip, expected) in [
            ("203.0.113.53", true),
            ("2001:db8::53", true),
            ("192.168.1.1", false),
            ("10.0.0.53", false),
            ("127.0.0.53", false),
            ("169.254.1.1", false),
            ("fe80::1", false),
            ("fd00::53", false),
            ("::1", false),
        ] {
            let parsed: Option<IpAddr> = ip.parse().ok();
            assert_eq!(parsed.map(is_public), Some(expected), "{ip}");
        }
    }
}
