//! What agents call things → the words of the diagnosis. Pure.

use diagnosis::record::{DnsWord, Place, ServiceWord};

/// What agents call the resolution that programs of the machine use.
const SYSTEM: &str = "system";

/// The resolver a centre depends on.
const ISP: &str = "isp";

/// What agents call the collector among the links of its segment; the others are anchors.
const COLLECTOR: &str = "collector";

/// Where a link leads. `None` for one that says nothing of the way: an echo of a resolver tells nothing of
/// name resolution.
pub(super) fn place(segment: &str, target: &str) -> Option<Place> {
    match segment {
        "lan" => Some(Place::Lan),
        "gateway" => Some(Place::Gateway),
        "line" | "isp" => Some(Place::Hop),
        "core" if target == COLLECTOR => Some(Place::Collector),
        "core" => Some(Place::Anchor),
        _ => None,
    }
}

pub(super) fn resolver(name: &str) -> &str {
    if name == SYSTEM { ISP } else { name }
}

pub(super) fn dns(outcome: &str) -> DnsWord {
    match outcome {
        "answered" => DnsWord::Answered,
        "timeout" | "unreachable" => DnsWord::Timeout,
        "servfail" | "refused" => DnsWord::Servfail,
        "nxdomain" => DnsWord::Nxdomain,
        "wrong" => DnsWord::Wrong,
        _ => DnsWord::Other,
    }
}

/// `None` for what is no word on the service: that the machine's own clock is wrong.
pub(super) fn service(outcome: &str) -> Option<ServiceWord> {
    Some(match outcome {
        "answered" => ServiceWord::Answered,
        "dns_failed" => ServiceWord::DnsFailed,
        "refused" => ServiceWord::Refused,
        "timeout" => ServiceWord::Timeout,
        "unreachable" => ServiceWord::Unreachable,
        "tls_failed"
        | "certificate_not_yet_valid"
        | "certificate_name"
        | "certificate_untrusted" => ServiceWord::TlsFailed,
        "certificate_expired" => ServiceWord::CertificateExpired,
        "http_error" | "unexpected" | "too_large" => ServiceWord::HttpError,
        "captive" => ServiceWord::Captive,
        "clock_wrong" => return None,
        _ => ServiceWord::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_by_where_they_lead() {
        let check = |segment, target, expected| {
            assert_eq!(place(segment, target), expected, "{segment} {target}");
        };
        check("lan", "pc-02", Some(Place::Lan));
        check("gateway", "192.168.1.1", Some(Place::Gateway));
        check("line", "192.0.2.1", Some(Place::Hop));
        check("isp", "192.0.2.9", Some(Place::Hop));
        check("core", "collector", Some(Place::Collector));
        check("core", "cloudflare", Some(Place::Anchor));
        check("dns", "192.168.1.1", None);
    }

    #[test]
    fn every_word_of_our_agents_has_one_of_the_diagnosis() {
        let outcomes = "answered dns_failed refused timeout unreachable tls_failed certificate_expired \
                        certificate_not_yet_valid certificate_name certificate_untrusted clock_wrong \
                        http_error unexpected captive too_large";
        for outcome in outcomes.split_whitespace() {
            assert_ne!(service(outcome), Some(ServiceWord::Other), "{outcome}");
        }
        assert_eq!(service("clock_wrong"), None);
        assert_eq!(service("melted"), Some(ServiceWord::Other));
        for outcome in "answered nxdomain servfail refused unreachable timeout wrong".split(' ') {
            assert_ne!(dns(outcome), DnsWord::Other, "{outcome}");
        }
    }
}
