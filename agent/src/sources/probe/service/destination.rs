//! Where a service is, read from its URL. Pure.
//!
//! Deliberately absent: user names, which would be secrets, and names outside ASCII, which have a
//! second form that is in ASCII and is what DNS knows.

use std::fmt::Write as _;
use std::net::IpAddr;

use rustls::pki_types::ServerName;

use super::super::super::Unmeasurable;

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) kind: Kind,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What is asked for: path and query.
    pub(super) path: String,
}

/// How far an attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Tls,
    Http,
    Https,
}

impl Kind {
    pub(super) fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Https)
    }

    pub(super) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    fn usual_port(self) -> Option<u16> {
        match self {
            Self::Tcp | Self::Tls => None,
            Self::Http => Some(80),
            Self::Https => Some(443),
        }
    }
}

impl Destination {
    /// Reads a URL of a plan.
    ///
    /// # Errors
    /// When it is none that can be used, with what to write instead.
    pub(crate) fn parse(url: &str) -> Result<Self, Unmeasurable> {
        let refuse = |remedy: &str| Unmeasurable {
            what: format!("the service's address {url:?} cannot be used"),
            remedy: remedy.to_owned(),
        };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| refuse("begin it with https://, http://, tls:// or tcp://"))?;
        let kind = match scheme {
            "tcp" => Kind::Tcp,
            "tls" => Kind::Tls,
            "http" => Kind::Http,
            "https" => Kind::Https,
            _ => return Err(refuse("begin it with https://, http://, tls:// or tcp://")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(end);
        let (host, port) = host_and_port(place)
            .ok_or_else(|| refuse("write a host name or address, and a port if it needs one"))?;
        let port = port
            .or(kind.usual_port())
            .ok_or_else(|| refuse("name its port"))?;
        if host.parse::<IpAddr>().is_err() && ServerName::try_from(host).is_err() {
            return Err(refuse(
                "write its host name as DNS knows it, in ASCII (xn--…)",
            ));
        }
        Ok(Self {
            kind,
            host: host.to_ascii_lowercase(),
            port,
            path: encoded(path),
        })
    }

    /// The address, where there is one instead of a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// What the `Host` header says.
    pub(super) fn authority(&self) -> String {
        let host = match self.address() {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        if self.kind.usual_port() == Some(self.port) {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

/// Splits `host`, `host:port`, `address:port` or `[address]:port`.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    if host.is_empty() || host.contains('@') {
        return None;
    }
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
        None if port.is_empty() => None,
        None => return None,
    };
    Some((host, port))
}

/// A path as it travels: what is not printable ASCII is escaped, what is escaped stays so.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        encoded.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>') {
            encoded.push(char::from(byte));
        } else {
            let _written = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The host that a `Location` leads to; `None` for one that stays.
pub(super) fn host_of_location(location: &str) -> Option<&str> {
    let rest = match location.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => rest,
        _ => location.strip_prefix("//")?,
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let place = rest.get(..end)?;
    let place = place.rsplit('@').next()?;
    let host = match place.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => place.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let check = |url: &str, kind, host: &str, port, path: &str, authority: &str| {
            let read = Destination::parse(url).expect(url);
            let (host, path) = (host.to_owned(), path.to_owned());
            let expected = Destination {
                kind,
                host,
                port,
                path,
            };
            assert_eq!(read, expected, "{url}");
            assert_eq!(read.authority(), authority, "{url}");
        };
        check(
            "https://A.example",
            Kind::Https,
            "a.example",
            443,
            "/",
            "a.example",
        );
        check(
            "https://a.example:8443/b?c=d#e",
            Kind::Https,
            "a.example",
            8443,
            "/b?c=d",
            "a.example:8443",
        );
        check(
            "http://a.example?x",
            Kind::Http,
            "a.example",
            80,
            "/?x",
            "a.example",
        );
        check(
            "http://a.example/cổng dịch",
            Kind::Http,
            "a.example",
            80,
            "/c%E1%BB%95ng%20d%E1%BB%8Bch",
            "a.example",
        );
        check(
            "tls://192.0.2.1:636",
            Kind::Tls,
            "192.0.2.1",
            636,
            "/",
            "192.0.2.1:636",
        );
        check("tcp://[::1]:25", Kind::Tcp, "::1", 25, "/", "[::1]:25");
        check("http://[::1]/", Kind::Http, "::1", 80, "/", "[::1]");
    }

    #[test]
    fn what_cannot_be_used_says_what_to_write() {
        let check = |url, remedy: &str| {
            let error = Destination::parse(url).expect_err(url).to_string();
            assert!(error.contains(remedy), "{url}: {error}");
        };
        check("ftp://a.example", "begin it with");
        check("a.example", "begin it with");
        check("tcp://a.example", "port");
        check("tcp://a.example:", "port");
        check("tcp://a.example:0", "port");
        check("https://a.example:99999", "port");
        check("https://", "host name");
        check("https://user:secret@a.example/", "host name");
        check("https://[192.0.2.1]/", "host name");
        check("https://cổng.vn/", "ASCII");
        check("https://a b/", "ASCII");
    }

    #[test]
    fn a_location_leads_somewhere_or_stays() {
        let check = |location, expected| {
            assert_eq!(host_of_location(location), expected, "{location}");
        };
        check("/here", None);
        check("here?to=http://there/", None);
        check("", None);
        check("http:///", None);
        check("//there/x", Some("there"));
        check("http://there", Some("there"));
        check("HTTPS://there:8443/x", Some("there"));
        check("http://a@there\\x", Some("there"));
        check("http://[::1]:80/", Some("::1"));
    }
}
