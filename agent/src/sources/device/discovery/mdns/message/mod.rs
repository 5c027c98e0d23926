//! The question for printers and what answers it, as bytes (RFC 6762, 6763). Pure, and using nothing of
//! ours, so that the fuzzer takes this file as it is.
//!
//! Whoever answers is not trusted: of what an answer holds only so much is read and kept, and what makes no
//! sense ends the reading of it; what came before counts, since printers cut answers short.

use std::net::Ipv4Addr;

use domain::base::iana::{Class, Opcode, Rcode};
use domain::base::message_builder::PushError;
use domain::base::{Message, MessageBuilder, Name, ParsedName, Rtype, ToName};
use domain::rdata::{A, Ptr, Srv, Txt};

/// Records of an answer that are read.
const RECORDS: usize = 128;

/// Printers of an answer that are kept.
pub(super) const PRINTERS: usize = 16;

/// Addresses of a printer that are kept.
pub(super) const ADDRESSES: usize = 4;

/// Bytes of a text that are kept.
pub(super) const TEXT: usize = 128;

/// How printers call what they speak. The second tells no path, but that there is a printer.
const IPP: &str = "_ipp._tcp.local";
const LPD: &str = "_printer._tcp.local";

/// What one printer says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Printer {
    /// Where it is; where it does not say, it is whoever sent the answer.
    pub(super) addresses: Vec<Ipv4Addr>,
    /// Port and path of IPP, without the slash that the path begins with.
    pub(super) ipp: Option<(u16, String)>,
    /// What its owner, or who made it, calls it.
    pub(super) name: String,
}

type Owner<'a> = ParsedName<&'a [u8]>;

/// What an answer holds of interest.
#[derive(Default)]
struct Records<'a> {
    /// A printer by what it speaks.
    instances: Vec<(Owner<'a>, bool)>,
    /// Port and host of an instance.
    places: Vec<(Owner<'a>, Srv<Owner<'a>>)>,
    texts: Vec<(Owner<'a>, Txt<&'a [u8]>)>,
    addresses: Vec<(Owner<'a>, Ipv4Addr)>,
}

/// What to send to everybody. It asks for an answer to the sender alone (RFC 6762, section 5.4).
pub(super) fn question() -> Result<Vec<u8>, PushError> {
    // The highest bit of the class.
    let in_unicast = Class::from_int(Class::IN.to_int() | 0x8000);
    let mut message = MessageBuilder::new_vec().question();
    for service in [IPP, LPD] {
        if let Ok(name) = Name::<Vec<u8>>::vec_from_str(service) {
            message.push((name, Rtype::PTR, in_unicast))?;
        }
    }
    Ok(message.finish())
}

/// The printers that an answer tells of; none when it is no answer.
pub(super) fn read(bytes: &[u8]) -> Vec<Printer> {
    let Ok(message) = Message::from_slice(bytes) else {
        return Vec::new();
    };
    let header = message.header();
    if !header.qr() || header.opcode() != Opcode::QUERY || header.rcode() != Rcode::NOERROR {
        return Vec::new();
    }
    let records = Records::of(message);
    let instances = records.instances.iter().take(PRINTERS);
    instances
        .map(|(name, is_ipp)| records.printer(name, *is_ipp))
        .collect()
}

impl<'a> Records<'a> {
    fn of(message: &'a Message<[u8]>) -> Self {
        let (ipp, lpd) = (Name::vec_from_str(IPP), Name::vec_from_str(LPD));
        let mut found = Self::default();
        for record in message.iter().take(RECORDS).map_while(Result::ok) {
            let (record, _section) = record;
            // The highest bit says that it replaces what was known (RFC 6762, section 10.2).
            if record.class().to_int() & 0x7fff != Class::IN.to_int() {
                continue;
            }
            let owner = record.owner();
            match record.rtype() {
                Rtype::PTR => {
                    let is = |service: &Result<Name<Vec<u8>>, _>| {
                        service.as_ref().is_ok_and(|name| owner.name_eq(name))
                    };
                    let (is_ipp, is_lpd) = (is(&ipp), is(&lpd));
                    if (is_ipp || is_lpd)
                        && let Ok(Some(record)) = record.to_record::<Ptr<Owner<'_>>>()
                    {
                        found
                            .instances
                            .push((record.into_data().into_ptrdname(), is_ipp));
                    }
                }
                Rtype::SRV => {
                    if let Ok(Some(record)) = record.to_record::<Srv<Owner<'_>>>() {
                        found.places.push((owner, record.into_data()));
                    }
                }
                Rtype::TXT => {
                    if let Ok(Some(record)) = record.to_record::<Txt<&[u8]>>() {
                        found.texts.push((owner, record.into_data()));
                    }
                }
                Rtype::A => {
                    if let Ok(Some(record)) = record.to_record::<A>() {
                        found.addresses.push((owner, record.into_data().addr()));
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn printer(&self, name: &Owner<'_>, is_ipp: bool) -> Printer {
        let place = self.places.iter().find(|(owner, _)| owner.name_eq(name));
        let place = place.map(|(_, place)| place);
        let text = |key: &str| {
            let texts = self.texts.iter().filter(|(owner, _)| owner.name_eq(name));
            texts
                .flat_map(|(_, text)| text.iter())
                .find_map(|text| value(text, key))
        };
        let mut addresses = Vec::new();
        for (owner, address) in &self.addresses {
            let is_its = place.is_some_and(|place| owner.name_eq(place.target()));
            if is_its && addresses.len() < ADDRESSES && !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        // RFC 6763, section 4.1: the first label is for people.
        let label = name.iter().next().map(|label| shown(label.as_slice()));
        Printer {
            addresses,
            ipp: place
                .filter(|place| is_ipp && place.port() != 0)
                .map(|place| (place.port(), text("rp").unwrap_or_default())),
            name: text("ty").or(label).unwrap_or_default(),
        }
    }
}

/// Of `key=value`, whose key knows no case (RFC 6763, section 6.4).
fn value(text: &[u8], key: &str) -> Option<String> {
    let (name, value) = text.split_at_checked(key.len())?;
    let value = value.strip_prefix(b"=")?;
    let value = name
        .eq_ignore_ascii_case(key.as_bytes())
        .then(|| shown(value))?;
    (!value.is_empty()).then_some(value)
}

/// As text without what is no text, cut where it is too long.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if shown.len() + c.len_utf8() > TEXT {
            break;
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests;
