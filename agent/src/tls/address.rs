//! Where the collector is, as a person writes it.

use rustls::pki_types::ServerName;
use tonic::transport::Uri;

/// Where agents call when no port is named.
const PORT: u16 = 9781;

/// Where the collector is: `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port, 9781 unless told.
    pub port: u16,
    pub(super) uri: Uri,
    pub(super) name: ServerName<'static>,
}

/// Why a text is no address of a collector.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is no address of a collector: write https://HOST:PORT, such as https://collector.example:9781"
)]
pub struct InvalidAddress(String);

impl std::str::FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let parse = || {
            let uri: Uri = text.trim_end_matches('/').parse().ok()?;
            let bracketed = uri.host()?;
            let host = bracketed
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned();
            let name = ServerName::try_from(host.clone()).ok()?;
            // What is before the host, a user, or behind it, a port that is none, is refused.
            let port = match uri.authority()?.as_str().strip_prefix(bracketed)? {
                "" => PORT,
                port => port.strip_prefix(':')?.parse().ok()?,
            };
            let plain = uri.scheme_str() == Some("https")
                && uri.path_and_query().is_none_or(|path| path == "/")
                && port != 0;
            plain.then(|| Self {
                host,
                port,
                uri,
                name,
            })
        };
        parse().ok_or_else(|| InvalidAddress(text.chars().take(200).collect()))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = &self.host;
        if host.contains(':') {
            write!(f, "https://[{host}]:{}", self.port)
        } else {
            write!(f, "https://{host}:{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expected: Option<&str>| {
            let address = text
                .parse::<Address>()
                .ok()
                .map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        };
        check(
            "https://collector.example",
            Some("https://collector.example:9781"),
        );
        check(
            "https://collector.example:1/",
            Some("https://collector.example:1"),
        );
        check("https://[::1]", Some("https://[::1]:9781"));
        check("https://[::1]:9781", Some("https://[::1]:9781"));
        check("https://192.0.2.1:443", Some("https://192.0.2.1:443"));
        for bad in [
            "",
            "collector",
            "http://a:1",
            "https://",
            "https://u@a",
            "https://a@a:1",
            "https://a/x",
            "https://a b",
            "https://a:99999",
            "https://a:0",
            "https://a:",
            "https://a:x",
            "https://[::1]:99999",
        ] {
            check(bad, None);
        }
    }
}
