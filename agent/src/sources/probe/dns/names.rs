//! What resolvers are asked for: the hosts of the plan's services, and a name that nobody has. Pure, but
//! for the random letters of the latter.

use std::net::IpAddr;

use proto::plan::Plan;

use super::message::{Family, Question};

/// Top-level names that are not, or need not be, in the public DNS (RFC 6761, 6762, 8375, 9476, and what
/// home routers call their own network).
const OWN: [&str; 11] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localhost",
    "test",
];

/// A name to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// As in a URL.
    pub(crate) host: String,
    /// What an honest resolver says.
    pub(crate) expected: Expected,
}

/// What an honest resolver says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Addresses that can be those of something out there.
    Public,
    /// Whatever it says: the name is of the place's own.
    Anything,
    /// That there is no such name.
    Nothing,
}

impl Name {
    fn new(host: &str) -> Option<Self> {
        let host = host.trim_end_matches('.');
        let is_address = host.parse::<IpAddr>().is_ok();
        let is_askable = Question::new(0, host, Family::V4).is_some();
        if host.is_empty() || is_address || !is_askable {
            return None;
        }
        let top = host.rsplit_once('.').map(|(_, top)| top);
        let is_own = |top| OWN.iter().any(|own| own.eq_ignore_ascii_case(top));
        let expected = match top {
            Some(top) if !is_own(top) => Expected::Public,
            _ => Expected::Anything,
        };
        Some(Self {
            host: host.to_owned(),
            expected,
        })
    }
}

/// The hosts of the services of one network, each once; the collector's where there are none.
pub(crate) fn names(plan: &Plan, network: Option<&str>, collector: Option<&str>) -> Vec<Name> {
    let of_network = plan
        .services
        .iter()
        .filter(|service| service.network.as_deref() == network);
    let mut names: Vec<Name> = Vec::new();
    for service in of_network {
        if let Some(name) = host(&service.url).and_then(Name::new)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    if names.is_empty() && network.is_none() {
        // Where the collector is, its name may well be one of the machine's own.
        names.extend(collector.and_then(Name::new).map(|name| Name {
            expected: Expected::Anything,
            ..name
        }));
    }
    names
}

/// A name that must not exist (RFC 6761, section 6.4): whoever has an address for it has one for all.
pub(crate) fn canary() -> Name {
    Name {
        // The dot at its end keeps the system from trying it below domains of its own.
        host: format!("dw-{:016x}.invalid.", rand::random::<u64>()),
        expected: Expected::Nothing,
    }
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    // An address of IPv6 is not a name.
    (!place.starts_with('[')).then(|| place.rsplit_once(':').map_or(place, |(host, _)| host))
}

#[cfg(test)]
mod tests {
    use proto::plan::Service;

    use super::*;

    fn plan(services: &[(&str, Option<&str>)]) -> Plan {
        let services = services.iter().map(|(url, network)| Service {
            name: (*url).to_owned(),
            url: (*url).to_owned(),
            expect: None,
            network: network.map(str::to_owned),
        });
        Plan {
            services: services.collect(),
            ..Plan::default()
        }
    }

    fn check(urls: &[&str], expected: &[(&str, Expected)]) {
        let services: Vec<_> = urls.iter().map(|url| (*url, None)).collect();
        let found = names(&plan(&services), None, None);
        let found: Vec<_> = found
            .iter()
            .map(|name| (name.host.as_str(), name.expected))
            .collect();
        assert_eq!(found, expected, "{urls:?}");
    }

    #[test]
    fn hosts_are_taken_from_urls_each_once() {
        use Expected::{Anything, Public};
        check(
            &[
                "https://dichvucong.gov.vn/a?b#c",
                "tls://dichvucong.gov.vn:8443",
                "tcp://portal:22",
                "http://x@user.example.org.:80/@y",
                "https://hồ-sơ.vn/",
                "https://portal.lan/",
                "https://PORTAL.Local",
            ],
            &[
                ("dichvucong.gov.vn", Public),
                ("portal", Anything),
                ("user.example.org", Public),
                ("portal.lan", Anything),
                ("PORTAL.Local", Anything),
            ],
        );
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        let long = format!("https://{}.example", "x".repeat(64));
        check(
            &[
                "https://192.0.2.1/",
                "http://[2001:db8::1]:80/",
                "https://",
                "https:///path",
                "https://a..b/",
                "no url",
                &long,
            ],
            &[],
        );
    }

    #[test]
    fn names_are_those_of_the_network_and_else_the_collectors() {
        let plan = plan(&[
            ("https://inner.gov.vn", Some("state")),
            ("https://a.vn", None),
        ]);
        let hosts = |plan: &Plan, network, collector| {
            let names = names(plan, network, collector);
            names.into_iter().map(|name| name.host).collect::<Vec<_>>()
        };
        assert_eq!(hosts(&plan, Some("state"), Some("c.vn")), ["inner.gov.vn"]);
        assert_eq!(hosts(&plan, None, Some("c.vn")), ["a.vn"]);
        let none: [&str; 0] = [];
        assert_eq!(hosts(&plan, Some("other"), Some("c.vn")), none);
        assert_eq!(hosts(&Plan::default(), None, Some("c.vn")), ["c.vn"]);
        assert_eq!(hosts(&Plan::default(), None, Some("192.0.2.1")), none);
        let collector = names(&Plan::default(), None, Some("c.vn"));
        assert!(
            collector
                .iter()
                .all(|name| name.expected == Expected::Anything)
        );
    }

    #[test]
    fn a_canary_is_another_each_time_and_can_be_asked_for() {
        let (one, other) = (canary(), canary());
        assert_ne!(one, other);
        assert!(Question::new(1, &one.host, Family::V4).is_some());
    }
}
