//! What an echo looks like (RFC 792, RFC 4443), and what the kernel is told to keep away from a socket
//! that would see everybody's.

use std::io;
use std::net::IpAddr;

use socket2::Socket;

/// As `ping` sends, so that figures compare.
pub(super) const PAYLOAD: usize = 56;

pub(super) const HEADER: usize = 8;

/// The address family, with the message types of echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    fn request(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    fn reply(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }
}

/// An echo request (RFC 792, RFC 4443).
pub(super) fn request(family: Family, identifier: u16, sequence: u16) -> [u8; HEADER + PAYLOAD] {
    let mut packet = [0; HEADER + PAYLOAD];
    let [high, low] = identifier.to_be_bytes();
    let [upper, lower] = sequence.to_be_bytes();
    let kind = family.request();
    // All else is 0, so the checksum is that of three words. For IPv6 the kernel makes it.
    let sum = u32::from(kind) * 256 + u32::from(identifier) + u32::from(sequence);
    let [_, carry, first, second] = sum.to_be_bytes();
    let folded = u32::from(u16::from_be_bytes([first, second])) + u32::from(carry);
    let [_, again, first, second] = folded.to_be_bytes();
    let [first, second] = (!(u16::from_be_bytes([first, second]) + u16::from(again))).to_be_bytes();
    let header = [kind, 0, first, second, high, low, upper, lower];
    for (byte, value) in packet.iter_mut().zip(header) {
        *byte = value;
    }
    packet
}

/// The sequence of an echo reply with this identifier, if it is one.
pub(super) fn reply(
    packet: &[u8],
    family: Family,
    has_ip_header: bool,
    identifier: Option<u16>,
) -> Option<u16> {
    let words = if has_ip_header {
        usize::from(packet.first()? & 0xf)
    } else {
        0
    };
    let header = packet.get(words * 4..)?.first_chunk::<HEADER>()?;
    let [kind, _, _, _, high, low, upper, lower] = *header;
    let is_ours = identifier.is_none_or(|identifier| identifier == u16::from_be_bytes([high, low]));
    (kind == family.reply() && is_ours).then(|| u16::from_be_bytes([upper, lower]))
}

/// Has the kernel drop what is no reply to an echo of this socket.
#[cfg(target_os = "linux")]
pub(super) fn keep_out_others(socket: &Socket, family: Family, identifier: u16) -> io::Result<()> {
    use socket2::SockFilter;
    // Of classic BPF: <https://docs.kernel.org/networking/filter.html>.
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE_BEHIND: u16 = 0x50;
    const LOAD_HALF_BEHIND: u16 = 0x48;
    const BEHIND_IP_HEADER: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let reply = family.reply().into();
    let identifier = identifier.into();
    let accept_or_drop = [
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ];
    let [accept, drop] = accept_or_drop;
    match family {
        Family::V4 => socket.attach_filter(&[
            SockFilter::new(BEHIND_IP_HEADER, 0, 0, 0),
            SockFilter::new(LOAD_BYTE_BEHIND, 0, 0, 0),
            SockFilter::new(IF_EQUAL, 0, 3, reply),
            SockFilter::new(LOAD_HALF_BEHIND, 0, 0, 4),
            SockFilter::new(IF_EQUAL, 0, 1, identifier),
            accept,
            drop,
        ]),
        Family::V6 => socket.attach_filter(&[
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
pub(super) fn keep_out_others(_: &Socket, _: Family, _: u16) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// RFC 1071: the sum of all words is all ones.
    fn sum(packet: &[u8]) -> u16 {
        let words = packet.chunks_exact(2).filter_map(<[u8]>::first_chunk::<2>);
        words.fold(0, |sum: u16, word| {
            let (sum, carry) = sum.overflowing_add(u16::from_be_bytes(*word));
            sum + u16::from(carry)
        })
    }

    #[test]
    fn a_request_has_its_checksum() {
        for (identifier, sequence) in [
            (0, 0),
            (1, 2),
            (0xffff, 0xffff),
            (0xf7ff, 1),
            (0x8000, 0x8000),
        ] {
            let packet = request(Family::V4, identifier, sequence);
            assert_eq!(sum(&packet), 0xffff, "{identifier} {sequence}");
            assert_eq!(reply(&packet, Family::V4, false, None), None, "no reply");
        }
    }

    #[test]
    fn replies_are_told_from_everything_else() {
        let answer = |kind| {
            let mut packet = request(Family::V4, 7, 9).to_vec();
            if let Some(first) = packet.first_mut() {
                *first = kind;
            }
            packet
        };
        let check = |packet: &[u8], identifier, expected| {
            assert_eq!(reply(packet, Family::V4, false, identifier), expected);
        };
        check(&answer(0), None, Some(9));
        check(&answer(0), Some(7), Some(9));
        check(&answer(0), Some(8), None);
        check(&answer(3), Some(7), None);
        check(answer(0).get(..7).unwrap(), None, None);
        check(&[], None, None);
        let mut behind_options = vec![0x46; 24];
        behind_options.extend(answer(0));
        assert_eq!(reply(&behind_options, Family::V4, true, Some(7)), Some(9));
        assert_eq!(reply(&behind_options, Family::V4, false, None), None);
        assert_eq!(reply(&[0x4f; 20], Family::V4, true, None), None);
        assert_eq!(reply(&answer(129), Family::V6, false, None), Some(9));
    }
}
