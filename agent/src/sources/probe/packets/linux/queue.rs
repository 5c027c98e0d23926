//! Reading sockets: what was received, and the kernel's error queue, where the ICMP errors about a
//! socket's packets wait (`IP_RECVERR` in ip(7)).
//!
//! The time is the kernel's, taken when the packet came in, so that a busy machine does not look like a
//! slow line.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::libc;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrLike as _, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::Socket;

use super::super::Unreachable;

/// A kernel's stamp that is older than this belongs to a clock that was set.
const BELIEVABLE: Duration = Duration::from_secs(5);

/// One thing that was read.
#[derive(Debug)]
pub(super) struct Received {
    /// Who sent it; of an error, where the packet was going to.
    pub(super) peer: Option<IpAddr>,
    /// Bytes in the buffer: the message, or what the error quotes.
    pub(super) length: usize,
    /// How long it has waited to be read.
    pub(super) age: Duration,
    /// What the error says.
    pub(super) error: Option<Trouble>,
}

/// An error about a packet of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trouble {
    /// `None` for this machine itself.
    pub(super) from: Option<IpAddr>,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Expired,
    TooBig {
        mtu: u16,
    },
    Unreachable(Unreachable),
    /// Nothing that concerns us, such as a redirect.
    Other,
}

/// Has the kernel keep errors and stamp what comes in.
pub(super) fn prepare(socket: &Socket, ipv4: bool) -> io::Result<()> {
    if ipv4 {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
    } else {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
    }
    Ok(setsockopt(socket, sockopt::ReceiveTimestampns, &true)?)
}

/// Reads one message that was received.
pub(super) fn message(socket: &Socket, buffer: &mut [u8]) -> io::Result<Received> {
    read(socket, buffer, MsgFlags::empty())
}

/// Reads one error about what was sent.
pub(super) fn error(socket: &Socket, buffer: &mut [u8]) -> io::Result<Received> {
    read(socket, buffer, MsgFlags::MSG_ERRQUEUE)
}

fn read(socket: &Socket, buffer: &mut [u8], flags: MsgFlags) -> io::Result<Received> {
    let mut control = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6, libc::timespec);
    let mut buffers = [IoSliceMut::new(buffer)];
    let read = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut buffers,
        Some(&mut control),
        flags | MsgFlags::MSG_DONTWAIT,
    )?;
    let mut received = Received {
        peer: read.address.and_then(|address| ip(&address)),
        length: read.bytes,
        age: Duration::ZERO,
        error: None,
    };
    // Truncated control data would be a kernel with more to say than there is room for.
    for control in read.cmsgs().into_iter().flatten() {
        match control {
            ControlMessageOwned::ScmTimestampns(stamp) => received.age = age(stamp),
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                let from = from.map(|from| IpAddr::from(from.sin_addr.s_addr.to_ne_bytes()));
                received.error = Some(trouble(&error, from));
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                let from = from.map(|from| IpAddr::from(from.sin6_addr.s6_addr));
                received.error = Some(trouble(&error, from));
            }
            _ => {}
        }
    }
    Ok(received)
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    match address.family()? {
        nix::sys::socket::AddressFamily::Inet => {
            Some(SocketAddr::V4((*address.as_sockaddr_in()?).into()).ip())
        }
        nix::sys::socket::AddressFamily::Inet6 => {
            Some(SocketAddr::V6((*address.as_sockaddr_in6()?).into()).ip())
        }
        _ => None,
    }
}

fn age(stamp: TimeSpec) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let age = now.and_then(|now| now.checked_sub(Duration::from(stamp)));
    age.filter(|age| *age <= BELIEVABLE).unwrap_or_default()
}

fn trouble(error: &libc::sock_extended_err, from: Option<IpAddr>) -> Trouble {
    let from = match error.ee_origin {
        libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6 => from,
        _ => None,
    };
    let what = what(
        error.ee_origin,
        error.ee_type,
        error.ee_code,
        error.ee_errno,
        error.ee_info,
    );
    Trouble { from, what }
}

/// What an error means: RFC 792, RFC 1812, RFC 4443.
fn what(origin: u8, kind: u8, code: u8, errno: u32, info: u32) -> What {
    let too_big = || What::TooBig {
        mtu: u16::try_from(info).unwrap_or(u16::MAX),
    };
    match (origin, kind, code) {
        (libc::SO_EE_ORIGIN_LOCAL, _, _) if i32::try_from(errno) == Ok(libc::EMSGSIZE) => too_big(),
        (libc::SO_EE_ORIGIN_ICMP, 11, 0) | (libc::SO_EE_ORIGIN_ICMP6, 3, 0) => What::Expired,
        (libc::SO_EE_ORIGIN_ICMP, 3, 4) | (libc::SO_EE_ORIGIN_ICMP6, 2, _) => too_big(),
        (libc::SO_EE_ORIGIN_ICMP, 3, code) => What::Unreachable(match code {
            0 | 5 | 6 | 11 => Unreachable::Network,
            1 | 7 | 8 | 12 => Unreachable::Host,
            3 => Unreachable::Port,
            9 | 10 | 13 => Unreachable::Prohibited,
            _ => Unreachable::Other,
        }),
        (libc::SO_EE_ORIGIN_ICMP6, 1, code) => What::Unreachable(match code {
            0 => Unreachable::Network,
            1 | 5 | 6 => Unreachable::Prohibited,
            3 => Unreachable::Host,
            4 => Unreachable::Port,
            _ => Unreachable::Other,
        }),
        _ => What::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: u8 = libc::SO_EE_ORIGIN_ICMP;
    const V6: u8 = libc::SO_EE_ORIGIN_ICMP6;

    #[test]
    fn errors_mean_what_the_standards_say() {
        let check = |origin, kind, code, info, expected| {
            assert_eq!(what(origin, kind, code, 0, info), expected, "{kind}/{code}");
        };
        check(V4, 11, 0, 0, What::Expired);
        check(V4, 11, 1, 0, What::Other); // A fragment that never came.
        check(V6, 3, 0, 0, What::Expired);
        check(V4, 3, 4, 1400, What::TooBig { mtu: 1400 });
        check(V4, 3, 4, 0, What::TooBig { mtu: 0 });
        check(V6, 2, 0, 1280, What::TooBig { mtu: 1280 });
        check(V6, 2, 0, 70_000, What::TooBig { mtu: u16::MAX });
        check(V4, 3, 1, 0, What::Unreachable(Unreachable::Host));
        check(V4, 3, 3, 0, What::Unreachable(Unreachable::Port));
        check(V4, 3, 13, 0, What::Unreachable(Unreachable::Prohibited));
        check(V4, 3, 200, 0, What::Unreachable(Unreachable::Other));
        check(V6, 1, 0, 0, What::Unreachable(Unreachable::Network));
        check(V6, 1, 4, 0, What::Unreachable(Unreachable::Port));
        check(V4, 5, 1, 0, What::Other); // A redirect.
        check(V4, 12, 0, 0, What::Other);
    }

    #[test]
    fn only_a_size_is_this_machines_own_trouble() {
        let local = libc::SO_EE_ORIGIN_LOCAL;
        let errno = u32::try_from(libc::EMSGSIZE).unwrap_or_default();
        assert_eq!(what(local, 0, 0, errno, 1500), What::TooBig { mtu: 1500 });
        assert_eq!(what(local, 0, 0, 1, 1500), What::Other);
    }

    #[test]
    fn a_clock_that_was_set_makes_no_answer_old() {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let check = |stamp: Duration, oldest: Duration| {
            assert!(age(TimeSpec::from(stamp)) <= oldest, "{stamp:?}");
        };
        check(now + Duration::from_secs(3600), Duration::ZERO);
        check(
            now.saturating_sub(Duration::from_secs(3600)),
            Duration::ZERO,
        );
        let recent = age(TimeSpec::from(now.saturating_sub(Duration::from_millis(3))));
        assert!(recent >= Duration::from_millis(3), "{recent:?}");
    }
}
