//! ICMP echoes, made and recognised. Pure.
//!
//! Two words of the payload keep what routers may look at the same for all packets of a flow: the first
//! is the complement of the sequence number, so that the checksum does not change with it. The next six
//! bytes are a secret of the socket's: who forges an answer has to know them.

use std::net::IpAddr;

/// Bytes of an ICMP header, and of what this module puts behind it.
const HEADER: usize = 8;
const MARK: usize = 8;

/// What all echoes of one socket carry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) ipv4: bool,
    /// The port of a datagram socket.
    pub(super) identifier: u16,
    pub(super) secret: [u8; 6],
}

/// Bytes of an IP header without options.
pub(super) fn ip_header(ip: IpAddr) -> usize {
    match ip {
        IpAddr::V4(_) => 20,
        IpAddr::V6(_) => 40,
    }
}

impl Identity {
    /// The ICMP message of an IP packet of this size, or of the smallest that is possible.
    pub(super) fn request(&self, sequence: u16, packet: usize, ip_header: usize) -> Vec<u8> {
        let length = packet.saturating_sub(ip_header).max(HEADER + MARK);
        let mut message = Vec::with_capacity(length);
        message.extend([self.request_type(), 0, 0, 0]);
        message.extend(self.identifier.to_be_bytes());
        message.extend(sequence.to_be_bytes());
        message.extend(self.mark(sequence));
        message.resize(length, 0);
        if self.ipv4 {
            // Of ICMPv6 it covers addresses, which the kernel knows; it always puts it in itself.
            let checksum = checksum(&message).to_be_bytes();
            message.splice(2..4, checksum);
        }
        message
    }

    /// The sequence number that this message answers. It may be shorter than the echo, as some answer,
    /// but not shorter than the secret.
    pub(super) fn answered(&self, message: &[u8]) -> Option<u16> {
        let (kind, sequence, payload) = self.taken_apart(message)?;
        let is_ours = kind == self.reply_type() && payload.starts_with(&self.mark(sequence));
        is_ours.then_some(sequence)
    }

    /// The sequence number of the echo that a router quotes. It has to quote eight bytes (RFC 792); what
    /// it quotes beyond has to be right too.
    pub(super) fn quoted(&self, message: &[u8]) -> Option<u16> {
        let (kind, sequence, payload) = self.taken_apart(message)?;
        let mark = self.mark(sequence);
        let agrees = payload
            .iter()
            .zip(mark)
            .all(|(quoted, sent)| *quoted == sent);
        (kind == self.request_type() && agrees).then_some(sequence)
    }

    fn taken_apart<'m>(&self, message: &'m [u8]) -> Option<(u8, u16, &'m [u8])> {
        let (header, payload) = message.split_first_chunk::<HEADER>()?;
        let [kind, code, _, _, id_high, id_low, high, low] = *header;
        let is_ours = code == 0 && u16::from_be_bytes([id_high, id_low]) == self.identifier;
        is_ours.then_some((kind, u16::from_be_bytes([high, low]), payload))
    }

    fn mark(&self, sequence: u16) -> [u8; MARK] {
        let [high, low] = (!sequence).to_be_bytes();
        let [a, b, c, d, e, f] = self.secret;
        [high, low, a, b, c, d, e, f]
    }

    fn request_type(&self) -> u8 {
        if self.ipv4 { 8 } else { 128 }
    }

    fn reply_type(&self) -> u8 {
        if self.ipv4 { 0 } else { 129 }
    }
}

/// RFC 1071.
pub(crate) fn checksum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|word| match word {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum = words.fold(0_u32, u32::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// What is behind the IPv4 header, which a raw socket is given too.
pub(super) fn behind_ipv4(packet: &[u8]) -> Option<&[u8]> {
    let words = packet.first()? & 0x0f;
    packet.get(usize::from(words) * 4..)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const V4: Identity = Identity {
        ipv4: true,
        identifier: 0x1234,
        secret: *b"secret",
    };

    const V6: Identity = Identity { ipv4: false, ..V4 };

    fn reply(identity: Identity, sequence: u16) -> Vec<u8> {
        let mut message = identity.request(sequence, 84, 20);
        message[0] = identity.reply_type();
        message
    }

    #[test]
    fn all_echoes_of_a_flow_have_one_checksum() {
        let checksum = |sequence| V4.request(sequence, 84, 20)[2..4].to_vec();
        assert!((0..u16::MAX).all(|sequence| checksum(sequence) == checksum(0)));
        assert_eq!(
            super::checksum(&V4.request(7, 84, 20)),
            0,
            "and it is right"
        );
    }

    #[test]
    fn packets_have_the_size_that_was_asked_for() {
        assert_eq!(V4.request(1, 1500, 20).len(), 1480);
        assert_eq!(V6.request(1, 1500, 40).len(), 1460);
        assert_eq!(V4.request(1, 0, 20).len(), 16, "the smallest there is");
    }

    #[test]
    fn an_answer_is_known_by_all_it_repeats() {
        for identity in [V4, V6] {
            let message = reply(identity, 0xabcd);
            assert_eq!(identity.answered(&message), Some(0xabcd));
            assert_eq!(identity.answered(&message[..16]), Some(0xabcd), "shortened");
            for length in 0..16 {
                assert_eq!(identity.answered(&message[..length]), None, "truncated");
            }
            for place in (0..16).filter(|place| !(2..4).contains(place)) {
                let mut forged = message.clone();
                forged[place] ^= 1;
                assert_eq!(identity.answered(&forged), None, "byte {place}");
            }
            let own = identity.request(0xabcd, 84, 20);
            assert_eq!(identity.answered(&own), None, "its own request");
        }
    }

    #[test]
    fn a_quote_is_known_by_the_header_and_what_follows_it() {
        for identity in [V4, V6] {
            let message = identity.request(0xabcd, 84, 20);
            for length in 8..message.len() {
                assert_eq!(
                    identity.quoted(&message[..length]),
                    Some(0xabcd),
                    "{length}"
                );
            }
            for length in 0..8 {
                assert_eq!(identity.quoted(&message[..length]), None, "truncated");
            }
            for place in (0..16).filter(|place| !(2..4).contains(place)) {
                let mut forged = message.clone();
                forged[place] ^= 1;
                assert_eq!(identity.quoted(&forged), None, "byte {place}");
            }
            assert_eq!(identity.quoted(&reply(identity, 0xabcd)), None);
        }
    }

    #[test]
    fn an_ip_header_may_have_options_or_be_torn() {
        let check = |packet: &[u8], expected: Option<&[u8]>| {
            assert_eq!(behind_ipv4(packet), expected, "{packet:?}");
        };
        let packet: Vec<u8> = (0..30).map(|n| if n == 0 { 0x45 } else { n }).collect();
        check(&packet, Some(&packet[20..]));
        let mut longer = packet.clone();
        longer[0] = 0x46;
        check(&longer, Some(&longer[24..]));
        longer[0] = 0x4f;
        check(&longer, None);
        check(&packet[..19], None);
        check(&[], None);
    }
}
