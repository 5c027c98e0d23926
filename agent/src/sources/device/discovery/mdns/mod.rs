//! Asks everybody in a network for printers, once, and listens for a moment (RFC 6762: a one-shot query,
//! whose answers come to the asking socket; nothing else is listened to).
//!
//! It reaches printers whose addresses are not looked at, and tells ports and paths that nobody would guess.
//! Whoever answers is not trusted: it tells a port and path of itself alone. Of another address it tells that
//! somebody may be there; what is outside this machine's networks is left out by whoever asks there.

mod message;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use proto::plan::Ipp;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use self::message::Printer;

/// Where everybody listens.
const EVERYBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353);

/// RFC 6762, section 11: as old answers are checked for it.
const TTL: u32 = 255;

/// Those who share a name wait for up to a tenth of this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers that are read, and their bytes (RFC 6762, section 17).
const ANSWERS: usize = 128;
const BYTES: usize = 9_000;

/// What somebody said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) address: Ipv4Addr,
    /// Whether it said so itself, and not another of it.
    pub(super) is_own: bool,
    /// Where it answers IPP, if it said so itself.
    pub(super) ipp: Option<Ipp>,
    pub(super) name: String,
}

/// By address: what it says of itself, or else the first that another says of it.
pub(super) fn by_address(heard: impl IntoIterator<Item = Heard>) -> BTreeMap<Ipv4Addr, Heard> {
    let mut kept: BTreeMap<Ipv4Addr, Heard> = BTreeMap::new();
    for one in heard {
        let is_better = kept
            .get(&one.address)
            .is_none_or(|before| one.is_own && !before.is_own);
        if is_better {
            kept.insert(one.address, one);
        }
    }
    kept
}

/// Asks in the network in which this machine has this address.
///
/// # Errors
/// When there is no way to ask.
pub(super) async fn browse(own: Ipv4Addr) -> io::Result<Vec<Heard>> {
    let question = message::question().map_err(io::Error::other)?;
    let socket = open(own)?;
    socket
        .send_to(&question, SocketAddr::from(EVERYBODY))
        .await?;
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = vec![0; BYTES];
    let mut heard = Vec::new();
    for _ in 0..ANSWERS {
        let received = match timeout_at(deadline, socket.recv_from(&mut buffer)).await {
            Ok(Ok(received)) => received,
            // Somebody's port that is closed is nobody's answer.
            Ok(Err(_)) => continue,
            Err(_) => break,
        };
        if let (length, SocketAddr::V4(sender)) = received {
            let answer = buffer.get(..length).unwrap_or_default();
            heard.extend(
                message::read(answer)
                    .into_iter()
                    .flat_map(|one| told(one, *sender.ip())),
            );
        }
    }
    Ok(heard)
}

fn open(own: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((own, 0)).into())?;
    socket.set_multicast_if_v4(&own)?;
    socket.set_multicast_ttl_v4(TTL)?;
    socket.set_multicast_loop_v4(true)?;
    UdpSocket::from_std(socket.into())
}

/// One for each address.
fn told(printer: Printer, sender: Ipv4Addr) -> Vec<Heard> {
    let Printer {
        mut addresses,
        ipp,
        name,
    } = printer;
    if addresses.is_empty() {
        addresses.push(sender);
    }
    let ipp = ipp.and_then(|(port, path)| {
        let path = path.trim_start_matches('/');
        let ipp = format!("{port}/{path}").parse().ok();
        ipp.filter(Ipp::is_usual)
    });
    let one = |address| Heard {
        address,
        is_own: address == sender,
        ipp: ipp.clone().filter(|_| address == sender),
        name: name.clone(),
    };
    addresses.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_printer_is_where_it_says_or_where_its_answer_came_from() {
        let sender = Ipv4Addr::new(10, 0, 0, 9);
        let check = |addresses: &[[u8; 4]], ipp: Option<(u16, &str)>, expected: &[&str]| {
            let printer = Printer {
                addresses: addresses.iter().copied().map(Ipv4Addr::from).collect(),
                ipp: ipp.map(|(port, path)| (port, path.to_owned())),
                name: "Laser".to_owned(),
            };
            let shown = told(printer, sender).into_iter().map(|heard| {
                let ipp = heard.ipp.map(String::from);
                format!("{} {}", heard.address, ipp.unwrap_or_default())
            });
            assert_eq!(shown.collect::<Vec<_>>(), expected);
        };
        check(&[], Some((631, "ipp/print")), &["10.0.0.9 631/ipp/print"]);
        check(
            &[[10, 0, 0, 9]],
            Some((8631, "/ipp")),
            &["10.0.0.9 8631/ipp"],
        );
        check(
            &[[10, 0, 0, 7], [10, 0, 0, 8]],
            None,
            &["10.0.0.7 ", "10.0.0.8 "],
        );
        // No path of IPP.
        for path in ["a b\u{fffd}", "/", "cgi-bin/reboot", "ipp/../reboot"] {
            check(&[], Some((631, path)), &["10.0.0.9 "]);
        }
    }

    #[test]
    fn nobody_says_of_another_where_it_is_asked() {
        let printer = |address: [u8; 4], name: &str| Printer {
            addresses: vec![address.into()],
            ipp: Some((80, "ipp/print".to_owned())),
            name: name.to_owned(),
        };
        let said = [
            (printer([10, 0, 0, 1], "liar"), [10, 0, 0, 66]),
            (printer([10, 0, 0, 7], "liar"), [10, 0, 0, 66]),
            (printer([10, 0, 0, 7], "Laser"), [10, 0, 0, 7]),
            (printer([10, 0, 0, 7], "late liar"), [10, 0, 0, 66]),
        ];
        let heard = said
            .into_iter()
            .flat_map(|(printer, sender)| told(printer, sender.into()));
        let shown = by_address(heard).into_values().map(|heard| {
            let ipp = heard.ipp.map(String::from).unwrap_or_default();
            format!("{} {} {ipp}", heard.address, heard.name)
        });
        let expected = ["10.0.0.1 liar ", "10.0.0.7 Laser 80/ipp/print"];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }
}
