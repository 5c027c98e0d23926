//! What the kernel keeps away from a raw ICMP socket: all but the answers to its own echoes, so that
//! echoes of other programs do not wake the agent.
//!
//! `surge-ping` tells the number of its file descriptor alone. A duplicate, which is safe to own, is
//! had by way of `pidfd_getfd` (Linux 5.6): options set through it hold for the one socket behind both.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;

use surge_ping::{Client, ICMP, PingIdentifier};

/// The message type of an answer (RFC 792, RFC 4443).
pub(super) fn reply(kind: ICMP) -> u8 {
    match kind {
        ICMP::V4 => 0,
        ICMP::V6 => 129,
    }
}

/// Has the kernel drop what is no echo reply with this identifier. Replaces an earlier filter.
#[cfg(target_os = "linux")]
pub(super) fn keep_out_others(
    client: &Client,
    kind: ICMP,
    identifier: PingIdentifier,
) -> io::Result<()> {
    let socket = duplicate(client)?;
    hear_own_answers_alone(socket2::SockRef::from(&socket), kind, identifier.0)
}

/// The same for a socket that is at hand. Errors about its echoes, which have a queue of their own, come
/// all the same.
#[cfg(target_os = "linux")]
pub(super) fn hear_own_answers_alone(
    socket: socket2::SockRef<'_>,
    kind: ICMP,
    identifier: u16,
) -> io::Result<()> {
    use socket2::SockFilter;
    // Of classic BPF: <https://docs.kernel.org/networking/filter.html>.
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE_BEHIND: u16 = 0x50;
    const LOAD_HALF_BEHIND: u16 = 0x48;
    const BEHIND_IP_HEADER: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let reply = reply(kind).into();
    let identifier = identifier.into();
    let accept = SockFilter::new(RETURN, 0, 0, u32::MAX);
    let drop = SockFilter::new(RETURN, 0, 0, 0);
    match kind {
        ICMP::V4 => socket.attach_filter(&[
            SockFilter::new(BEHIND_IP_HEADER, 0, 0, 0),
            SockFilter::new(LOAD_BYTE_BEHIND, 0, 0, 0),
            SockFilter::new(IF_EQUAL, 0, 3, reply),
            SockFilter::new(LOAD_HALF_BEHIND, 0, 0, 4),
            SockFilter::new(IF_EQUAL, 0, 1, identifier),
            accept,
            drop,
        ]),
        ICMP::V6 => socket.attach_filter(&[
            SockFilter::new(LOAD_BYTE, 0, 0, 0),
            SockFilter::new(IF_EQUAL, 0, 3, reply),
            SockFilter::new(LOAD_HALF, 0, 0, 4),
            SockFilter::new(IF_EQUAL, 0, 1, identifier),
            accept,
            drop,
        ]),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn keep_out_others(_: &Client, _: ICMP, _: PingIdentifier) -> io::Result<()> {
    Ok(())
}

/// Another descriptor of the client's socket.
#[cfg(target_os = "linux")]
fn duplicate(client: &Client) -> io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let myself = pidfd_open(getpid(), PidfdFlags::empty())?;
    // Held until the descriptor is duplicated: its number must not come to mean something else.
    let socket = client.get_socket();
    let flags = PidfdGetfdFlags::empty();
    Ok(pidfd_getfd(myself, socket.get_native_sock(), flags)?)
}
