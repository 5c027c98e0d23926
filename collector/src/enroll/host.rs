//! What a machine says of itself: short printable texts, or nothing is taken.

use proto::ids::DeviceId;
use proto::limits::TEXT_BYTES;
use proto::wire;

use crate::registry::Host;

/// Why what a machine says of itself is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidHost {
    #[error("host.{field} is longer than {TEXT_BYTES} bytes or has control characters")]
    Text { field: &'static str },
    #[error("host.kind is no slug such as \"pc\"")]
    Kind,
}

impl TryFrom<wire::Host> for Host {
    type Error = InvalidHost;

    fn try_from(host: wire::Host) -> Result<Self, InvalidHost> {
        let text = |field: &'static str, text: String| {
            let good = text.len() <= TEXT_BYTES && !text.chars().any(char::is_control);
            good.then_some(text).ok_or(InvalidHost::Text { field })
        };
        let kind = match host.kind.as_str() {
            "" => "pc",
            kind => kind,
        };
        // A kind has the form of an id: it is a label value, and the name of a nameless device.
        let kind: DeviceId = kind.parse().map_err(|_| InvalidHost::Kind)?;
        Ok(Self {
            hostname: text("hostname", host.hostname)?,
            os: text("os", host.os)?,
            arch: text("arch", host.arch)?,
            version: text("version", host.version)?,
            kind: kind.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(change: impl FnOnce(&mut wire::Host)) -> Result<Host, InvalidHost> {
        let mut host = wire::Host {
            hostname: "PC Số 3".into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            version: "0.1.0".into(),
            kind: String::new(),
        };
        change(&mut host);
        Host::try_from(host)
    }

    #[test]
    fn a_machine_is_a_pc_unless_it_says_otherwise() {
        let kind = |kind: &str| said(|host| host.kind = kind.into()).map(|host| host.kind);
        assert_eq!(kind(""), Ok("pc".into()));
        assert_eq!(kind("router"), Ok("router".into()));
        assert_eq!(kind("a\"b"), Err(InvalidHost::Kind));
    }

    #[test]
    fn long_and_unprintable_texts_are_refused() {
        let long = "x".repeat(TEXT_BYTES + 1);
        let text = |field| Err(InvalidHost::Text { field });
        assert_eq!(said(|host| host.hostname = long.clone()), text("hostname"));
        assert_eq!(said(|host| host.os = "a\nb".into()), text("os"));
        assert_eq!(said(|host| host.arch = "\u{1b}[0m".into()), text("arch"));
        assert_eq!(said(|host| host.version = long.clone()), text("version"));
    }
}
