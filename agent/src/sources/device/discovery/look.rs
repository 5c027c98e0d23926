//! One look: every address, a few at a time.
//!
//! What nobody has costs a question of the kernel's who has it, and no packet of ours. Who is there gets a
//! connection to the port of IPP; then SNMP with each credential until one is answered, and IPP where the
//! connection came about. Nothing is asked of an address before it has answered what was asked before, or
//! let its time pass.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use proto::plan::{Credential, Ipp, Security};
use proto::wire::FoundDevice;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::MOST_FOUND;
use super::found::{Seen, found};
use super::mdns::{self, Heard};
use super::places::{Places, may_ask, places};
use crate::os::{self, LocalNetwork, Root, Unreadable};
use crate::sources::device::ipp;
use crate::sources::device::said::Said;
use crate::sources::device::snmp::{Budget, Session as _, Transport, Trouble};
use crate::sources::device::system;

/// Between the beginnings of two addresses.
const PACE: Duration = Duration::from_millis(50);

/// Addresses at a time. In between, whoever loads the line has its turn.
const TOGETHER: usize = 16;

/// For the first answer of somebody who is there: within a centre it comes in milliseconds.
const KNOCK: Duration = Duration::from_millis(700);

/// To learn whether a credential is the right one. Version 3 takes two messages.
pub(super) const TRY: Budget = Budget {
    timeout: KNOCK,
    retries: 0,
    whole: Duration::from_secs(2),
    requests: 3,
    values: 4,
};

/// To learn who it is.
const INTRODUCE: Budget = Budget {
    timeout: Duration::from_secs(2),
    retries: 1,
    whole: Duration::from_secs(8),
    requests: 40,
    values: 400,
};

/// For all an IPP printer says of itself: some make it while one waits.
const TELL: Duration = Duration::from_secs(5);

/// Where printers answer IPP, the likeliest first.
const IPP_PORT: u16 = 631;
const IPP_PATHS: [&str; 3] = ["/ipp/print", "/ipp/printer", "/ipp"];

/// What a look goes by.
pub(super) struct Look<'a> {
    pub(super) root: &'a Root,
    pub(super) credentials: &'a [Credential],
    /// Where the devices of the plan are, or were.
    pub(super) known: Vec<Ipv4Addr>,
    /// Taken by whoever loads the line.
    pub(super) heavy: &'a Semaphore,
}

/// What a look brought.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) devices: Vec<FoundDevice>,
    /// Addresses looked at.
    pub(super) addresses: usize,
    /// Addresses that were too many.
    pub(super) left_out: u64,
}

impl Look<'_> {
    /// Looks at every address once.
    ///
    /// # Errors
    /// When the system does not say which networks this machine is in.
    pub(super) async fn around(&self) -> Result<Looked, Unreadable> {
        let networks = os::local_networks(self.root)?;
        let heard = self.hear(&networks).await;
        let mut known = self.known.clone();
        known.extend(heard.keys());
        let there = os::neighbours(self.root).into_iter();
        known.extend(
            there
                .filter(|one| one.is_there)
                .filter_map(|one| v4(one.ip)),
        );
        let Places {
            addresses,
            left_out,
        } = places(&networks, &known);
        let transport = Transport::new();
        let mut looked = Looked {
            left_out,
            ..Looked::default()
        };
        for together in addresses.chunks(TOGETHER) {
            looked
                .devices
                .extend(self.ask(together, &heard, &transport).await);
            looked.addresses += together.len();
            if looked.devices.len() >= MOST_FOUND {
                looked.devices.truncate(MOST_FOUND);
                break;
            }
        }
        Ok(looked)
    }

    /// Who says of himself, or of another, that he is there.
    async fn hear(&self, networks: &[LocalNetwork]) -> BTreeMap<Ipv4Addr, Heard> {
        let _alone = self.heavy.acquire().await;
        let own = networks.iter().map(|network| network.own);
        let own = own.filter(|own| may_ask(networks, *own));
        let mut heard = Vec::new();
        for answers in join_all(own.map(mdns::browse)).await {
            match answers {
                Ok(answers) => heard.extend(answers),
                Err(error) => debug!(%error, "Printers were not asked to say where they are."),
            }
        }
        mdns::by_address(
            heard
                .into_iter()
                .filter(|one| may_ask(networks, one.address)),
        )
    }

    /// Who takes connections, in a turn of its own: so many at a time load a slow line. What is asked of those
    /// who are there does not, and one that is slow keeps nobody waiting but this look.
    async fn knock(&self, addresses: &[Ipv4Addr]) -> Vec<bool> {
        // Nobody closes it.
        let _alone = self.heavy.acquire().await;
        let mut turn = Instant::now();
        let knocking = addresses.iter().map(|address| {
            turn += PACE;
            knock(*address, turn)
        });
        join_all(knocking).await
    }

    async fn ask(
        &self,
        addresses: &[Ipv4Addr],
        heard: &BTreeMap<Ipv4Addr, Heard>,
        transport: &Transport,
    ) -> Vec<FoundDevice> {
        let answers = self.knock(addresses).await;
        let there = os::neighbours(self.root);
        let entry = |address| there.iter().find(|one| one.ip == IpAddr::V4(address));
        let asked = addresses.iter().zip(answers).filter(|(address, _)| {
            // Of its own address a machine knows no neighbour.
            entry(**address).is_none_or(|one| one.is_there)
        });
        let asking = asked.map(async |(address, speaks_ipp)| {
            let heard = heard.get(address);
            let seen = Seen {
                snmp: by_snmp(transport, *address, self.credentials).await,
                ipp: by_ipp(*address, places_of_ipp(heard, speaks_ipp)).await,
                name: heard.map(|heard| heard.name.clone()),
            };
            found(*address, entry(*address).and_then(|one| one.mac), seen)
        });
        join_all(asking).await.into_iter().flatten().collect()
    }
}

/// Whether somebody takes a connection to the port of IPP. It has the kernel find out who has the address.
async fn knock(address: Ipv4Addr, turn: Instant) -> bool {
    sleep_until(turn).await;
    let connecting = TcpStream::connect((address, IPP_PORT));
    matches!(timeout(KNOCK, connecting).await, Ok(Ok(_)))
}

/// The first credential that is answered, and what is said then. Whoever is asked sees a community, so that
/// those are tried where no user of SNMPv3 is answered.
async fn by_snmp(
    transport: &Transport,
    address: Ipv4Addr,
    credentials: &[Credential],
) -> Option<(String, Said)> {
    let mut closed = Vec::new();
    let mut credentials: Vec<&Credential> = credentials.iter().collect();
    credentials.sort_by_key(|one| !matches!(one.snmp.security, Security::V3 { .. }));
    for Credential { name, snmp } in credentials {
        if closed.contains(&snmp.port) {
            continue;
        }
        let session = |budget| transport.session(address.into(), snmp, budget);
        let tried = match session(TRY) {
            Ok(mut session) => session.get(&[system::SYS_OBJECT_ID]).await,
            Err(trouble) => Err(trouble),
        };
        match tried {
            Ok(_) => {
                let mut said = Said::default();
                let read = match session(INTRODUCE) {
                    Ok(mut session) => system::read(&mut session, &mut said).await,
                    Err(trouble) => Err(trouble),
                };
                if let Err(trouble) = read {
                    debug!(%address, %trouble, "A device did not say all of who it is.");
                }
                return Some((name.clone(), said));
            }
            Err(Trouble::Refused | Trouble::Unreachable) => closed.push(snmp.port),
            Err(_) => {}
        }
    }
    None
}

/// Where it may answer IPP: where it said so itself, then where printers do.
fn places_of_ipp(heard: Option<&Heard>, speaks_ipp: bool) -> impl Iterator<Item = Ipp> + use<> {
    let told = heard.and_then(|heard| heard.ipp.clone());
    let usual = IPP_PATHS.into_iter().filter(move |_| speaks_ipp);
    told.into_iter().chain(usual.map(|path| Ipp {
        port: IPP_PORT,
        path: path.to_owned(),
    }))
}

/// The first place that answers IPP, and what it says there. A port that lets time pass is not asked again.
async fn by_ipp(address: Ipv4Addr, places: impl Iterator<Item = Ipp>) -> Option<(Ipp, Said)> {
    let mut silent = Vec::new();
    for place in places {
        if silent.contains(&place.port) {
            continue;
        }
        let mut said = Said::default();
        let to = SocketAddr::from((address, place.port));
        match ipp::read(to, &place.path, TELL, &mut said).await {
            Ok(()) => return Some((place, said)),
            Err(ipp::Trouble::Timeout) => silent.push(place.port),
            Err(_) => {}
        }
    }
    None
}

fn v4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proto::plan::{Authentication, Secret, Snmp};
    use tokio::net::{TcpListener, UdpSocket};

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

    fn credential(name: &str, port: u16, security: Security) -> Credential {
        let name = name.to_owned();
        let snmp = Snmp { port, security };
        Credential { name, snmp }
    }

    fn community(port: u16) -> Credential {
        let community = Secret("office".to_owned());
        credential("office", port, Security::V2c { community })
    }

    #[tokio::test]
    async fn who_is_slow_to_answer_does_not_keep_what_loads_the_line_waiting() {
        let silent = UdpSocket::bind((HERE, 0)).await.unwrap();
        let heavy = Semaphore::new(1);
        let folder = tempfile::tempdir().unwrap();
        let look = Look {
            root: &Root(folder.path().to_owned()),
            credentials: &[community(silent.local_addr().unwrap().port())],
            known: Vec::new(),
            heavy: &heavy,
        };
        let (nobody, transport) = (BTreeMap::new(), Transport::new());
        let asking = look.ask(&[HERE], &nobody, &transport);
        let mut buffer = [0; 1_500];
        tokio::select! {
            biased;
            found = asking => panic!("silence is no device: {found:?}"),
            asked = silent.recv_from(&mut buffer) => drop(asked.unwrap()),
        }
        assert_eq!(heavy.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_that_takes_connections_and_says_nothing_costs_its_time_once() {
        let tarpit = TcpListener::bind((HERE, 0)).await.unwrap();
        let port = tarpit.local_addr().unwrap().port();
        let places = IPP_PATHS.map(|path| Ipp {
            port,
            path: path.to_owned(),
        });
        let began = Instant::now();
        assert_eq!(by_ipp(HERE, places.into_iter()).await, None);
        assert!(began.elapsed() < TELL * 2, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn communities_are_shown_only_to_who_answers_no_user() {
        let device = UdpSocket::bind((HERE, 0)).await.unwrap();
        let port = device.local_addr().unwrap().port();
        let user = Security::V3 {
            user: "monitor".to_owned(),
            authentication: Some((Authentication::Sha1, Secret("auctoritas".to_owned()))),
            privacy: None,
        };
        let credentials = [community(port), credential("user", port, user)];
        let transport = Transport::new();
        let asking = by_snmp(&transport, HERE, &credentials);
        let mut buffer = [0; 1_500];
        let length = tokio::select! {
            biased;
            found = asking => panic!("silence is no device: {found:?}"),
            asked = device.recv_from(&mut buffer) => asked.unwrap().0,
        };
        let first = buffer.get(..length).unwrap();
        assert!(!first.windows(6).any(|part| part == b"office"), "{first:?}");
    }
}
