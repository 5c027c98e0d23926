//! The address of a device as people write it.

use std::fmt;
use std::str::FromStr;

use proto::plan::{Ipp, Secret, Snmp};

/// Where most printers answer IPP.
const IPP_PORT: u16 = 631;
const IPP_PATH: &str = "/ipp/print";

/// Which device, and which protocols it is asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A name or an address.
    pub(super) host: String,
    /// By SNMP, at this port.
    pub(super) snmp: Option<Port>,
    /// By IPP, there.
    pub(super) ipp: Option<Ipp>,
}

/// Where SNMP is asked, and the community the address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) port: u16,
    pub(super) community: Option<Secret>,
}

/// It cannot be understood. Does not repeat it: it may hold a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Of another protocol.
    #[error(
        "must begin with snmp:// or ipp://, or be a host name or address alone, which is asked by both"
    )]
    Scheme,
    /// IPP within TLS.
    #[error("encrypted IPP is not supported: use ipp://, which printers answer at port 631")]
    Encrypted,
    /// No host, or no name for one.
    #[error(
        "has no host: snmp://[community@]HOST[:PORT] or ipp://HOST[:PORT]/PATH; an IPv6 address goes in []"
    )]
    Host,
    /// The port is none.
    #[error("has a port that is none: a number from 1 to 65535")]
    Port,
    /// The path is none.
    #[error("has a path that is none: ipp://HOST[:PORT]/PATH, mostly /ipp/print")]
    Path,
    /// SNMP has no path.
    #[error("has a path: snmp://[community@]HOST[:PORT] has none")]
    SnmpPath,
    /// `%` without two digits.
    #[error("has a community that is none: write %25 for % and %40 for @")]
    Community,
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("snmp") => by_snmp(rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ipp") => by_ipp(rest),
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("ipps") => {
                Err(InvalidTarget::Encrypted)
            }
            Some(_) => Err(InvalidTarget::Scheme),
            None => by_both(text),
        }
    }
}

fn by_snmp(rest: &str) -> Result<Target, InvalidTarget> {
    let (community, place) = match rest.rsplit_once('@') {
        Some((community, place)) => (Some(Secret(decoded(community)?)), place),
        None => (None, rest),
    };
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains('/') {
        return Err(InvalidTarget::SnmpPath);
    }
    let (host, port) = host_and_port(place, Snmp::PORT)?;
    Ok(Target {
        host,
        snmp: Some(Port { port, community }),
        ipp: None,
    })
}

fn by_ipp(rest: &str) -> Result<Target, InvalidTarget> {
    let (place, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = host_and_port(place, IPP_PORT)?;
    let path = if path.is_empty() { IPP_PATH } else { path };
    let ipp = format!("{port}{path}").parse();
    Ok(Target {
        host,
        snmp: None,
        ipp: Some(ipp.map_err(|_| InvalidTarget::Path)?),
    })
}

fn by_both(text: &str) -> Result<Target, InvalidTarget> {
    if text.contains(['/', '@']) {
        return Err(InvalidTarget::Scheme);
    }
    // A bare address of IPv6 has colons, and no port.
    let host = match text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => address.to_string(),
        Err(_) => {
            host_and_port(text, 0)
                .ok()
                .filter(|(_, port)| *port == 0)
                .ok_or(InvalidTarget::Scheme)?
                .0
        }
    };
    Ok(Target {
        host,
        snmp: Some(Port {
            port: Snmp::PORT,
            community: None,
        }),
        ipp: Some(Ipp {
            port: IPP_PORT,
            path: IPP_PATH.to_owned(),
        }),
    })
}

fn host_and_port(place: &str, usual: u16) -> Result<(String, u16), InvalidTarget> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(InvalidTarget::Host)?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| InvalidTarget::Host)?;
            let port = match after {
                "" => None,
                after => Some(after.strip_prefix(':').ok_or(InvalidTarget::Port)?),
            };
            (host, port)
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_name) {
        return Err(InvalidTarget::Host);
    }
    let port = match port.map(str::parse) {
        None => usual,
        Some(Ok(port)) if port != 0 => port,
        Some(_) => return Err(InvalidTarget::Port),
    };
    Ok((host.to_owned(), port))
}

/// RFC 3986, section 2.1: `%40` for `@`.
fn decoded(text: &str) -> Result<String, InvalidTarget> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                let value = digit(high).zip(digit(low));
                let value = value.and_then(|(high, low)| u8::try_from(16 * high + low).ok());
                value.ok_or(InvalidTarget::Community)?
            }
            (b'%', _) => return Err(InvalidTarget::Community),
            (byte, after) => {
                rest = after;
                *byte
            }
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).map_err(|_| InvalidTarget::Community)
}

impl fmt::Display for Target {
    /// Without the community.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn snmp(text: &str) -> (String, u16, Option<String>) {
        let target: Target = text.parse().unwrap();
        let port = target.snmp.unwrap();
        assert_eq!(target.ipp, None);
        (
            target.host,
            port.port,
            port.community.map(|secret| secret.0),
        )
    }

    #[test]
    fn snmp_has_a_community_a_host_and_a_port() {
        let check = |text, host: &str, port, community: Option<&str>| {
            let expected = (host.to_owned(), port, community.map(str::to_owned));
            assert_eq!(snmp(text), expected, "{text}");
        };
        check("snmp://192.0.2.1", "192.0.2.1", 161, None);
        check(
            "SNMP://public@may-in.local:1161/",
            "may-in.local",
            1161,
            Some("public"),
        );
        check(
            "snmp://a@Jetdirect@[2001:db8::1]:99",
            "2001:db8::1",
            99,
            Some("a@Jetdirect"),
        );
        check("snmp://m%E1%BA%ADt%40@[::1]", "::1", 161, Some("mật@"));
    }

    #[test]
    fn ipp_has_a_port_and_a_path() {
        let check = |text: &str, host: &str, place: &str| {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.host.as_str(), target.snmp), (host, None), "{text}");
            assert_eq!(target.ipp.unwrap().to_string(), place, "{text}");
        };
        check("ipp://192.0.2.1", "192.0.2.1", "631/ipp/print");
        check("ipp://printer:8631/ipp/a_b", "printer", "8631/ipp/a_b");
        check("ipp://[::1]/any/path", "::1", "631/any/path");
    }

    #[test]
    fn a_host_alone_is_asked_by_both() {
        for host in ["192.0.2.1", "2001:db8::1", "may-in"] {
            let target: Target = host.parse().unwrap();
            assert_eq!(target.host, host);
            assert!(target.snmp.is_some() && target.ipp.is_some());
        }
    }

    #[test]
    fn what_is_no_address_says_why_and_never_repeats_a_community() {
        let check = |text: &str, expected| {
            let error = text.parse::<Target>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("secret"));
        };
        check("http://printer/", InvalidTarget::Scheme);
        check("secret@printer", InvalidTarget::Scheme);
        check("printer:161", InvalidTarget::Scheme);
        check("ipps://printer", InvalidTarget::Encrypted);
        check("snmp://", InvalidTarget::Host);
        check("snmp://secret@", InvalidTarget::Host);
        check("snmp://pri nter", InvalidTarget::Host);
        check("snmp://[::1", InvalidTarget::Host);
        check("snmp://[printer]", InvalidTarget::Host);
        check("snmp://printer:0", InvalidTarget::Port);
        check("snmp://printer:161161", InvalidTarget::Port);
        check("ipp://printer:a/ipp", InvalidTarget::Port);
        check("ipp://printer/ipp print", InvalidTarget::Path);
        check("snmp://secret@printer/ipp/print", InvalidTarget::SnmpPath);
        check("snmp://secret%4@printer", InvalidTarget::Community);
        check("snmp://secret%zz@printer", InvalidTarget::Community);
    }
}
