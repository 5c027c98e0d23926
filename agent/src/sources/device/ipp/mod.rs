//! A printer, asked in IPP: what it is, what is the matter with it, what it has left.
//!
//! In reading order: `message` (the bytes of a question and its answer), `http` (how they travel),
//! `reasons` (what is the matter), `supplies` (what is left), `meaning` (all of it).
//!
//! IPP/1.1 is asked first, since RFC 8011, section 4.1.8, has every printer of whatever version answer it; 2.0
//! where that is refused. What cannot be understood is [`Trouble::Unreadable`]: such a printer is there, and
//! may well print. Deliberately absent: everything but `Get-Printer-Attributes`; encrypted IPP; identity by
//! `printer-uuid`, which some devices make anew when they are reset.

mod http;
mod meaning;
mod message;
mod reasons;
mod supplies;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use self::message::{Malformed, Reply, Scope, Version};
use super::said::Said;

/// RFC 8011, appendix B.1.5.4.
const VERSION_NOT_SUPPORTED: u16 = 0x0503;
const BAD_REQUEST: u16 = 0x0400;
const FORBIDDEN: u16 = 0x0401;
const NOT_AUTHORIZED: u16 = 0x0403;
const ATTRIBUTES_NOT_SUPPORTED: u16 = 0x040b;

/// Why a printer said nothing in IPP.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Not in time.
    #[error("no answer in time; the printer may be off or asleep")]
    Timeout,
    /// Nobody listens.
    #[error("nothing listens there; is IPP switched on, and the port right (mostly 631)?")]
    Refused,
    /// No way there.
    #[error("it cannot be reached; is it on, and in this network?")]
    Unreachable(#[source] io::Error),
    /// A login is wanted.
    #[error("it wants a login, which is not supported; allow reading its state without one")]
    Unauthorized,
    /// Answers what is no IPP, or half of it.
    #[error(
        "IPP unreadable: what it answers cannot be understood, which says nothing of whether it prints"
    )]
    Unreadable(#[source] Malformed),
    /// Answers without end.
    #[error("IPP unreadable: its answer is larger than any printer needs")]
    Endless,
    /// Wants TLS.
    #[error(
        "it answers encrypted IPP alone, which is not supported; allow plain IPP in its settings"
    )]
    Encrypted,
    /// Answers HTTP, but no IPP there.
    #[error(
        "it answers HTTP status {0}; is the path right (mostly /ipp/print, /ipp/printer or /ipp)?"
    )]
    Http(u16),
    /// Refuses.
    #[error("it refuses to tell, with IPP status {0:#06x}")]
    Failed(u16),
}

impl Trouble {
    /// The outcome's word: the same for every protocol.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Unreadable(_) | Self::Endless => "unreadable",
            Self::Encrypted | Self::Http(_) | Self::Failed(_) => "failed",
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Unreadable(Malformed::Short),
            _ => Self::Unreachable(error),
        }
    }
}

/// Asks once, within `limit`, and adds what the printer says of itself.
pub(crate) async fn read(
    address: SocketAddr,
    path: &str,
    limit: Duration,
    said: &mut Said,
) -> Result<(), Trouble> {
    let asked = timeout(limit, ask(address, path)).await;
    let reply = asked.unwrap_or(Err(Trouble::Timeout))?;
    meaning::tell(&reply.attributes, said);
    Ok(())
}

async fn ask(address: SocketAddr, path: &str) -> Result<Reply, Trouble> {
    let first = exchange(address, path, [1, 1], Scope::Wanted).await?;
    let reply = match first.status {
        VERSION_NOT_SUPPORTED => exchange(address, path, [2, 0], Scope::Wanted).await?,
        BAD_REQUEST | ATTRIBUTES_NOT_SUPPORTED => {
            exchange(address, path, [1, 1], Scope::All).await?
        }
        _ => first,
    };
    match reply.status {
        ..0x0100 => Ok(reply),
        FORBIDDEN..=NOT_AUTHORIZED => Err(Trouble::Unauthorized),
        status => Err(Trouble::Failed(status)),
    }
}

async fn exchange(
    address: SocketAddr,
    path: &str,
    version: Version,
    scope: Scope,
) -> Result<Reply, Trouble> {
    let uri = format!("ipp://{}{path}", http::authority(address));
    let question = message::question(version, &uri, scope);
    let answer = http::post(address, path, question).await?;
    message::answer(&answer).map_err(Trouble::Unreadable)
}
