//! What this machine knows without sending anything: its card, its gateways, its resolvers, its neighbours.

use std::net::{IpAddr, SocketAddr};

use diagnosis::evidence::{Medium, Nic};

use crate::os::{self, Address, Interface, Root};
use crate::sources::Unmeasurable;

/// Gateways, resolvers and neighbours that are asked: a machine with more is misconfigured, or busy.
const MOST: usize = 3;

/// What is around.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) card: Option<Interface>,
    pub(super) signal: Option<i32>,
    pub(super) is_wifi: bool,
    pub(super) gateways: Vec<Address>,
    pub(super) resolvers: Vec<Address>,
    pub(super) neighbours: Vec<IpAddr>,
    /// All that are there, as far as the machine knows.
    known: Vec<IpAddr>,
    pub(super) has_route: bool,
    pub(super) limitations: Vec<Unmeasurable>,
}

impl Surroundings {
    /// Looks around.
    pub(super) fn read(root: &Root) -> Self {
        let mut limitations = Vec::new();
        let gateways = kept(os::gateways(root), &mut limitations);
        let interfaces = kept(os::interfaces(root), &mut limitations);
        let wireless = kept(os::wireless(root), &mut limitations);
        let mut resolvers = kept(os::resolvers(root), &mut limitations);
        resolvers.truncate(MOST);
        let known = os::neighbours(root);
        let to_gateway = known
            .iter()
            .find(|known| gateways.iter().any(|gateway| gateway.ip == known.ip));
        let card = choose(interfaces, to_gateway.map(|known| known.interface.as_str()));
        let name = card.as_ref().map(|card| card.name.as_str());
        let radio = wireless
            .iter()
            .find(|one| Some(one.interface.as_str()) == name);
        let is_wifi = name.is_some_and(|name| os::is_wireless(root, name));
        let neighbours = known
            .iter()
            .filter(|known| known.is_there && Some(known.interface.as_str()) == name)
            .map(|known| known.ip)
            .filter(|ip| gateways.iter().all(|gateway| gateway.ip != *ip));
        Self {
            signal: radio.and_then(|radio| radio.signal),
            is_wifi: is_wifi || radio.is_some(),
            neighbours: neighbours.take(MOST).collect(),
            known: known
                .iter()
                .filter(|one| one.is_there)
                .map(|one| one.ip)
                .collect(),
            // Addresses of documentation, which nobody has: to ask for the way sends nothing.
            has_route: is_routed(IpAddr::from([192, 0, 2, 1]))
                || is_routed(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
            gateways: gateways.into_iter().take(MOST).collect(),
            card,
            resolvers,
            limitations,
        }
    }

    /// Whether an address is inside the centre, so that it proves nothing of the way out.
    pub(super) fn is_near(&self, ip: IpAddr, root: &Root) -> bool {
        self.known.contains(&ip) || os::is_near(root, ip)
    }

    /// As evidence.
    pub(super) fn nic(&self) -> Option<Nic> {
        let card = self.card.as_ref()?;
        Some(Nic {
            interface: card.name.clone(),
            up: card.up,
            medium: Some(if self.is_wifi {
                Medium::Wifi
            } else {
                Medium::Wired
            }),
            errors: 0,
        })
    }
}

fn kept<T: Default, E: std::error::Error + 'static>(
    read: Result<T, E>,
    limitations: &mut Vec<Unmeasurable>,
) -> T {
    read.unwrap_or_else(|error| {
        limitations.push(Unmeasurable {
            what: crate::chain(&error),
            remedy: "run the check as another user".to_owned(),
        });
        T::default()
    })
}

/// The card the gateway is behind, else one with a link, else any.
fn choose(mut cards: Vec<Interface>, to_gateway: Option<&str>) -> Option<Interface> {
    cards.sort_by_key(|card| {
        (
            Some(card.name.as_str()) != to_gateway,
            card.up != Some(true),
        )
    });
    cards.into_iter().next()
}

/// Whether the system knows a way to this address. Nothing is sent.
pub(super) fn is_routed(ip: IpAddr) -> bool {
    let here: SocketAddr = match ip {
        IpAddr::V4(_) => ([0; 4], 0).into(),
        IpAddr::V6(_) => ([0; 16], 0).into(),
    };
    std::net::UdpSocket::bind(here).is_ok_and(|socket| socket.connect((ip, 9)).is_ok())
}

/// Whether somebody has this address, as far as the card knows; `None` when it knows nothing. What died a
/// moment ago still does: some eight seconds after it was asked for in vain nobody does any more.
pub(super) fn is_somebody(root: &Root, ip: IpAddr) -> Option<bool> {
    let known = os::neighbours(root);
    let known = known.iter().find(|known| known.ip == ip)?;
    Some(known.is_there)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ARP: &str =
        "IP address       HW type     Flags       HW address            Mask     Device";

    #[test]
    fn all_that_are_there_are_near_and_not_only_those_that_are_asked() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root(folder.path().into());
        std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
        let mut table = ARP.to_owned();
        for host in 1..=20 {
            table += &format!("\n10.0.0.{host} 0x1 0x2 00:11:22:33:44:55 * eth0");
        }
        std::fs::write(folder.path().join("proc/net/arp"), table).unwrap();
        let found = Surroundings::read(&root);
        let near = |ip: &str| found.is_near(ip.parse().unwrap(), &root);
        assert!(near("10.0.0.20") && near("127.0.0.1"));
        assert!(!near("10.0.0.21"));
        assert_eq!(is_somebody(&root, "10.0.0.20".parse().unwrap()), Some(true));
        assert_eq!(is_somebody(&root, "10.0.0.21".parse().unwrap()), None);
    }

    #[test]
    fn a_machine_without_any_of_its_files_is_no_failure() {
        let found = Surroundings::read(&Root("/nonexistent".into()));
        assert!(found.card.is_none() && found.gateways.is_empty());
        assert!(!found.limitations.is_empty());
    }

    #[test]
    fn the_card_to_the_gateway_comes_first_then_one_with_a_link() {
        let card = |name: &str, up| Interface {
            name: name.into(),
            up,
            speed: None,
            full_duplex: None,
            carrier_changes: None,
            received: os::Traffic::default(),
            transmitted: os::Traffic::default(),
        };
        let cards = || vec![card("eth0", Some(false)), card("eth1", Some(true))];
        assert_eq!(choose(cards(), None).unwrap().name, "eth1");
        assert_eq!(choose(cards(), Some("eth0")).unwrap().name, "eth0");
        assert_eq!(choose(Vec::new(), None), None);
    }
}
