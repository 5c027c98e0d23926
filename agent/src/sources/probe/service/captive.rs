//! Whether an answer is that of a captive portal: of the router of a café, of a line whose bill is not
//! paid, of a network that wants a login first. Pure.
//!
//! Such a thing can answer in a server's stead only where it need not prove to be it: over plain HTTP,
//! or with a certificate that is not good. There, a redirection out of the service's own domain is one,
//! and so is a page that looks like a login in place of the expected text. The status 511 says so
//! itself (RFC 6585).

use std::net::IpAddr;

use super::destination::host_of_location;

/// Second labels below which countries register names for anybody. With them a domain has three labels.
/// `gov` and its kin are not among them: below those the state alone registers, so that one of its portals
/// that leads to another stays in one domain.
const SECOND_LEVEL: [&str; 17] = [
    "ac", "ai", "biz", "co", "com", "edu", "health", "id", "info", "int", "io", "name", "ne",
    "net", "or", "org", "pro",
];

/// Words of login pages. In lower case.
const OF_A_LOGIN: [&[u8]; 5] = [
    b"type=\"password\"",
    b"type='password'",
    b"type=password",
    b"wispaccessgatewayparam",
    b"hotspot",
];

/// Words of pages that lead on to another. In lower case.
const LEADING_ON: [&[u8]; 3] = [
    b"http-equiv=\"refresh\"",
    b"location.href",
    b"location.replace",
];

/// Whether a redirection leads out of the domain that this host is in.
pub(super) fn leads_out(host: &str, location: &str) -> bool {
    let Some(there) = host_of_location(location) else {
        return false;
    };
    let there = there.trim_end_matches('.').to_ascii_lowercase();
    let domain = domain(host.trim_end_matches('.'));
    let is_below = there
        .strip_suffix(domain)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'));
    !is_below
}

/// The part of a name that somebody registered, as nearly as it can be told without a list of all
/// registries. An address is its own.
fn domain(host: &str) -> &str {
    if host.parse::<IpAddr>().is_ok() {
        return host;
    }
    let mut labels = host.rsplit('.');
    let (top, second) = (labels.next(), labels.next());
    let is_country = top.is_some_and(|top| top.len() == 2);
    let is_shared = second.is_some_and(|second| SECOND_LEVEL.contains(&second));
    let count = if is_country && is_shared { 3 } else { 2 };
    let mut dots = host.rmatch_indices('.').map(|(place, _)| place);
    let start = dots.nth(count - 1).map_or(0, |dot| dot + 1);
    host.get(start..).unwrap_or(host)
}

/// Whether a page that should have been another is a login, or leads on to one.
pub(super) fn leads_to_a_login(page: &[u8]) -> bool {
    is_login(page) || has_any(page, &LEADING_ON)
}

/// Whether a page is a login.
pub(super) fn is_login(page: &[u8]) -> bool {
    has_any(page, &OF_A_LOGIN)
}

fn has_any(page: &[u8], wanted: &[&[u8]]) -> bool {
    let page = page.to_ascii_lowercase();
    wanted.iter().any(|words| contains(&page, words))
}

/// Whether a text is somewhere in another.
pub(super) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_stays_in_its_domain_or_leads_out_of_it() {
        let check = |host, location, expected| {
            assert_eq!(leads_out(host, location), expected, "{host} to {location}");
        };
        check("dichvucong.gov.vn", "/p/home", false);
        check(
            "dichvucong.gov.vn",
            "https://dichvucong.gov.vn/p/home",
            false,
        );
        check(
            "dichvucong.gov.vn",
            "https://WWW.dichvucong.gov.vn./",
            false,
        );
        check(
            "xacthuc.dichvucong.gov.vn",
            "https://dichvucong.gov.vn/",
            false,
        );
        check("dichvucong.langson.gov.vn", "//sso.langson.gov.vn/x", false);
        check(
            "dichvucong.langson.gov.vn",
            "https://dichvucong.gov.vn/",
            false,
        );
        check("dichvucong.gov.vn", "https://langson.gov.vn/", false);
        check("gov.vn", "https://chinhphu.vn/", true);
        check("dichvucong.gov.vn", "http://gov.vn.example/", true);
        check("dichvucong.gov.vn", "http://notgov.vn/", true);
        check("ngan-hang.com.vn", "http://other.com.vn/", true);
        check("dichvucong.gov.vn", "http://192.168.1.1/login", true);
        check("www.fpt.vn", "http://fpt.vn/", false);
        check("fpt.vn", "http://vnpt.vn/", true);
        check("a.example", "http://b.example/", true);
        check("localhost", "http://localhost:8080/", false);
        check("192.0.2.1", "http://192.0.2.1/login", false);
        check("192.0.2.1", "http://192.0.2.11/login", true);
    }

    #[test]
    fn a_login_is_told_from_a_page() {
        let check = |page: &str, expected| {
            let page = page.as_bytes();
            assert_eq!((is_login(page), leads_to_a_login(page)), expected);
        };
        check("<form><INPUT TYPE=\"Password\">", (true, true));
        check(
            "<meta http-equiv=\"refresh\" content=\"0; url=http://192.168.1.1/\">",
            (false, true),
        );
        check("<p>It works!", (false, false));
        check("", (false, false));
    }
}
