//! Single packets whose fate is told: answered, expired on the way, too big for a link, refused, or
//! nothing. Rounds of echoes go through `ping.rs`; here is what needs a TTL, the errors that routers
//! send, duplicates, or large packets.
//!
//! Everything about one engine and one address belongs to one flow: the same ports, or the same ICMP
//! identifier and checksum, so that routers that spread flows over several ways send all of it the same
//! way (as Paris traceroute does, <https://paris-traceroute.net>).
//!
//! No packet is fragmented, neither here nor on the way. Rights: none for UDP and TCP; for echoes as
//! `ping.rs` says. Deliberately absent: anything but Linux, so far; `other.rs` says so where it runs.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use self::linux::checksum;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use crate::os::Address;

/// Bytes of an echo as `ping` sends it, IPv4 header included.
pub(crate) const USUAL_BYTES: u16 = 84;

/// Bytes of the largest packet that is ever sent.
pub(crate) const MOST_BYTES: u16 = 9_000;

/// Flows of UDP and of TCP where one is not asked for.
const MOST_FLOWS: usize = 32;

/// Sends packets and says what became of them. Sockets are opened when first needed, and used again.
pub(crate) struct Packets(system::Engine);

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// An ICMP echo.
    Echo,
    /// A datagram to a port where nobody listens.
    Udp,
    /// The opening of a connection to this port, which is closed at once.
    Tcp(u16),
}

/// One packet to send.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) to: Address,
    pub(crate) carrier: Carrier,
    /// Hops it may go; the system's usual number when `None`.
    pub(crate) ttl: Option<u8>,
    /// Its size, IP header included; between the smallest that makes sense and [`MOST_BYTES`]. Without
    /// meaning for TCP.
    pub(crate) bytes: u16,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// Its address answered as one hopes.
    Reply { rtt: Duration },
    /// Its address answered that it wants nothing of this: a reset, or a closed port.
    Refused { rtt: Duration },
    /// A router had to drop it, since it had gone as many hops as it may.
    Expired { from: IpAddr, rtt: Duration },
    /// It is larger than the next link takes. Without `from`, this machine's own; `mtu` is 0 where a
    /// router does not say what would fit.
    TooBig { from: Option<IpAddr>, mtu: u16 },
    /// There is no way on. Without `from`, this machine says so itself.
    Unreachable {
        from: Option<IpAddr>,
        what: Unreachable,
        rtt: Duration,
    },
    /// No answer within the limit.
    Nothing,
}

/// Why there is no way on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Network,
    Host,
    Port,
    Prohibited,
    Other,
}

/// What became of one echo of a burst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Echo {
    /// `None` for one without answer.
    pub(crate) rtt: Option<Duration>,
    /// Answers beyond the first.
    pub(crate) duplicates: u32,
}

impl Packets {
    /// Opens nothing yet. Bound to an interface, it uses that one alone.
    pub(crate) fn new(interface: Option<String>) -> Self {
        Self(system::Engine::new(interface, 1))
    }

    /// The same for many UDP and TCP packets at a time: those wait for each other within one flow, since
    /// an error says little of which packet it is about. They take as few flows as do.
    pub(crate) fn of_many_flows(interface: Option<String>) -> Self {
        Self(system::Engine::new(interface, MOST_FLOWS))
    }

    /// Sends one packet and waits for what becomes of it.
    ///
    /// # Errors
    /// When this machine could not send it; having no way to send it to is [`Came::Unreachable`].
    pub(crate) async fn send(&self, probe: &Probe, limit: Duration) -> io::Result<Came> {
        self.0.send(probe, limit).await
    }

    /// Sends echoes, one each `spacing`, and waits for all of them: in the order of sending.
    ///
    /// # Errors
    /// As [`Self::send`], for the first of them; later ones that cannot be sent are lost.
    pub(crate) async fn burst(
        &self,
        to: &Address,
        echoes: u32,
        spacing: Duration,
        limit: Duration,
    ) -> io::Result<Vec<Echo>> {
        self.0.burst(to, echoes, spacing, limit).await
    }
}
