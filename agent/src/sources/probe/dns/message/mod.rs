//! One question and its answers as bytes (RFC 1035; EDNS: RFC 6891). Pure, and using nothing of ours, so
//! that the fuzzer takes this file as it is.
//!
//! Whoever answers is not trusted: an answer to anything but the question is none, and of what an answer
//! holds only so much is kept. Signatures (DNSSEC) are not asked for: a resolver that lies would leave
//! them out.

use std::net::IpAddr;

use domain::base::iana::{Class, Opcode, OptRcode};
use domain::base::message_builder::PushError;
use domain::base::{Message, MessageBuilder, Name, ParsedName, Rtype, ToName};
use domain::rdata::{A, Aaaa, Cname};

/// What an answer over UDP may have without being cut into fragments on the way (RFC 9715).
const UDP_BYTES: u16 = 1232;

/// Records of an answer that are read.
const RECORDS: usize = 64;

/// Names a name may lead to, one after the other.
const ALIASES: usize = 16;

/// Addresses that are kept.
pub(super) const ADDRESSES: usize = 16;

/// Which addresses a name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    fn record(self) -> Rtype {
        match self {
            Self::V4 => Rtype::A,
            Self::V6 => Rtype::AAAA,
        }
    }
}

/// For the addresses of a name.
#[derive(Debug, Clone)]
pub(super) struct Question {
    id: u16,
    name: Name<Vec<u8>>,
    family: Family,
    extended: Vec<u8>,
    plain: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// None where the name exists and has none of this family.
    Addresses(Vec<IpAddr>),
    /// The rest is to be had over TCP.
    Truncated,
    NxDomain,
    Refused,
    /// The resolver cannot answer, or what it said makes no sense.
    ServFail,
    /// As old resolvers say to a question with EDNS.
    NotUnderstood,
}

impl Question {
    /// `None` for what cannot be a name.
    pub(super) fn new(id: u16, host: &str, family: Family) -> Option<Self> {
        let name = Name::vec_from_str(host).ok()?;
        let compose = |extended| compose(id, &name, family, extended).ok();
        Some(Self {
            extended: compose(true)?,
            plain: compose(false)?,
            id,
            name,
            family,
        })
    }

    /// What to send: with EDNS, which allows larger answers, or as every resolver understands it.
    pub(super) fn bytes(&self, extended: bool) -> &[u8] {
        if extended {
            &self.extended
        } else {
            &self.plain
        }
    }

    /// Reads what may be an answer; `None` when it is none to this question.
    pub(super) fn read(&self, bytes: &[u8]) -> Option<Reply> {
        let message = Message::from_slice(bytes).ok()?;
        let header = message.header();
        if !header.qr() || header.id() != self.id || header.opcode() != Opcode::QUERY {
            return None;
        }
        let rcode = message.opt_rcode();
        // Resolvers in trouble may not repeat the question.
        let may_leave_it_out = rcode != OptRcode::NOERROR;
        let leaves_it_out = message.header_counts().qdcount() == 0;
        let is_about_it = if leaves_it_out {
            may_leave_it_out
        } else {
            self.is_repeated_in(message)
        };
        if !is_about_it {
            return None;
        }
        Some(match rcode {
            OptRcode::NOERROR if header.tc() => Reply::Truncated,
            OptRcode::NOERROR => match self.addresses(message) {
                Some(addresses) => Reply::Addresses(addresses),
                None => Reply::ServFail,
            },
            OptRcode::NXDOMAIN => Reply::NxDomain,
            OptRcode::REFUSED => Reply::Refused,
            OptRcode::FORMERR | OptRcode::NOTIMP | OptRcode::BADVERS => Reply::NotUnderstood,
            _ => Reply::ServFail,
        })
    }

    fn is_repeated_in(&self, message: &Message<[u8]>) -> bool {
        message.sole_question().is_ok_and(|question| {
            question.qname().name_eq(&self.name)
                && question.qtype() == self.family.record()
                && question.qclass() == Class::IN
        })
    }

    /// The addresses of the name, or of what it is an alias of. `None` when the answer makes no sense.
    fn addresses(&self, message: &Message<[u8]>) -> Option<Vec<IpAddr>> {
        let mut aliases = Vec::new();
        let mut found = Vec::new();
        for record in message.answer().ok()?.take(RECORDS) {
            let record = record.ok()?;
            match record.rtype() {
                Rtype::CNAME => {
                    let alias = record.to_record::<Cname<ParsedName<&[u8]>>>().ok()??;
                    aliases.push((record.owner(), alias.into_data().into_cname()));
                }
                Rtype::A if self.family == Family::V4 => {
                    let data = record.to_record::<A>().ok()??.into_data();
                    found.push((record.owner(), IpAddr::V4(data.addr())));
                }
                Rtype::AAAA if self.family == Family::V6 => {
                    let data = record.to_record::<Aaaa>().ok()??.into_data();
                    found.push((record.owner(), IpAddr::V6(data.addr())));
                }
                _ => {}
            }
        }
        let mut name = self.name.clone();
        let mut led = 0;
        while let Some((_, target)) = aliases.iter().find(|(owner, _)| owner.name_eq(&name)) {
            name = target.to_vec();
            led += 1;
            if led > ALIASES {
                return None;
            }
        }
        let mut addresses = Vec::new();
        for (owner, address) in found {
            let is_new = owner.name_eq(&name) && !addresses.contains(&address);
            if is_new && addresses.len() < ADDRESSES {
                addresses.push(address);
            }
        }
        Some(addresses)
    }
}

fn compose(
    id: u16,
    name: &Name<Vec<u8>>,
    family: Family,
    extended: bool,
) -> Result<Vec<u8>, PushError> {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((name, family.record()))?;
    let mut message = message.additional();
    if extended {
        message.opt(|options| {
            options.set_udp_payload_size(UDP_BYTES);
            Ok(())
        })?;
    }
    Ok(message.finish())
}

#[cfg(test)]
mod tests;
