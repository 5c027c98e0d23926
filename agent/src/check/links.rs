//! Echoes to everything on the way: the gateway first, then what is beyond, then all of it for long enough
//! to tell where packets are lost.

use std::net::IpAddr;
use std::time::Duration;

use diagnosis::evidence::Place;
use futures_util::future::join_all;
use proto::plan::{Segment, Target};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::lacking::{Lacking, Limitation};
use super::measured::{Burst, FIRST, LONG, LONGER, Measured, PORTS};
use super::surroundings;
use super::tools::Tools;
use crate::os::Address;
use crate::sources::Unmeasurable;
use crate::sources::probe::mtu;
use crate::sources::probe::packets::Packets;
use crate::sources::probe::path::beyond;
use crate::sources::probe::path::trace::{Seen, Traced, trace};
use crate::sources::probe::round::Round;

/// Anchors that are asked.
const ANCHORS: usize = 3;

/// Hops that are traced: the line, and the first of the ISP.
const HOPS: u8 = 8;

/// Over hops that hide, a trace takes long.
const TRACE_LIMIT: Duration = Duration::from_secs(5);

/// For the search of the largest packet.
const MTU_LIMIT: Duration = Duration::from_secs(10);

/// For the address of a name.
const LOOKUP_LIMIT: Duration = Duration::from_secs(3);

/// A silent address is asked for five seconds after the first echo to it, thrice, one second apart: then it
/// is known whether somebody has it.
const ADDRESS_KNOWN: Duration = Duration::from_millis(8_500);

/// Anchors without any echoes, and names of those that cannot be measured, with the reason.
pub(super) type Anchors = (Vec<Measured>, Vec<(String, Limitation)>);

/// What is beyond the gateway.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    pub(super) hops: Vec<Measured>,
    pub(super) anchors: Vec<Measured>,
    pub(super) left_out: Vec<(String, Limitation)>,
    /// To which anchor, and what arrives there.
    pub(super) mtu: Option<Largest>,
}

/// The largest packets to one anchor.
#[derive(Debug)]
pub(super) struct Largest {
    pub(super) target: String,
    pub(super) network: Option<String>,
    pub(super) outcome: mtu::Outcome,
}

impl Beyond {
    /// Whether any anchor answers at all.
    pub(super) fn answers(&self) -> bool {
        self.anchors.iter().any(|one| one.link.answers())
    }

    /// Whether loss was measured.
    pub(super) fn has_loss(&self) -> bool {
        let mut links = self.hops.iter().chain(&self.anchors);
        links.any(Measured::is_long)
    }
}

/// The gateways, and the neighbours that tell whether the cabling works.
pub(super) async fn nearest(tools: &Tools) -> Vec<Measured> {
    let around = &tools.surroundings;
    let gateways = around
        .gateways
        .iter()
        .map(|address| Measured::new(Place::Gateway, &address.to_string(), address.clone(), None));
    let neighbours = around.neighbours.iter().map(|ip| {
        let address = Address {
            ip: *ip,
            zone: None,
        };
        Measured::new(Place::Lan, &ip.to_string(), address, None)
    });
    let asked = gateways.chain(neighbours).map(|mut measured| async move {
        measured.send(tools, FIRST).await;
        if !measured.link.answers() {
            measured.knock().await;
            let somebody = surroundings::is_somebody(&tools.root, measured.address.ip);
            if measured.link.present.is_none() && somebody == Some(false) {
                measured.link.present = Some(false);
            }
        }
        measured
    });
    join_all(asked).await
}

/// Waits until it is known which silent neighbours have their addresses still, when nothing else tells
/// whether the cabling works. `asked` is when they were sent the first echo.
pub(super) async fn look_again(tools: &Tools, neighbours: &mut [Measured], asked: Instant) {
    let tells = |one: &Measured| one.link.answers() || one.link.present == Some(true);
    let is_open = |one: &Measured| one.link.present.is_none();
    if neighbours.iter().any(tells) || !neighbours.iter().any(is_open) {
        return;
    }
    sleep_until((asked + ADDRESS_KNOWN).min(tools.deadline)).await;
    for one in neighbours {
        if one.link.present.is_none() {
            one.link.present = surroundings::is_somebody(&tools.root, one.address.ip);
        }
    }
}

/// Whether anything beyond a gateway that seems dead answers after all.
pub(super) async fn anchors_answer(tools: &Tools) -> Vec<Measured> {
    let (mut anchors, _) = anchors(tools).await.clone();
    join_all(anchors.iter_mut().map(|one| one.send(tools, FIRST))).await;
    anchors
}

/// What is beyond the gateway, and the gateways once more, long enough to judge loss.
pub(super) async fn beyond(
    tools: &Tools,
    nearest: &mut [Measured],
    tracing: JoinHandle<Vec<Measured>>,
) -> Beyond {
    let (mut anchors, left_out) = anchors(tools).await.clone();
    let asking = join_all(anchors.iter_mut().map(|one| async move {
        one.send(tools, FIRST).await;
        if !one.link.answers() {
            one.knock().await;
        }
    }));
    let (_, hops) = tokio::join!(asking, tracing);
    let mut hops = hops.unwrap_or_default();
    let mut beyond = Beyond {
        left_out,
        ..Beyond::default()
    };
    let gateways = nearest
        .iter_mut()
        .filter(|one| one.link.place == Place::Gateway);
    let anchor = anchors
        .iter()
        .find(|one| one.link.answers() && one.is_icmp());
    let anchor = anchor.cloned();
    let mut worth: Vec<&mut Measured> = gateways
        .chain(anchors.iter_mut())
        .filter(|one| one.link.answers() && one.is_icmp())
        .collect();
    if anchor.is_some() {
        worth.extend(hops.iter_mut());
        let searching = async {
            match &anchor {
                Some(anchor) => largest(tools, anchor).await,
                None => None,
            }
        };
        // What was measured in time stays.
        let at_length = timeout_at(tools.deadline, at_length(tools, &mut worth));
        let (_, mtu) = tokio::join!(at_length, searching);
        beyond.mtu = mtu;
    }
    beyond.hops = hops;
    beyond.anchors = anchors;
    beyond
}

/// Long enough for loss, longer where there is some.
async fn at_length(tools: &Tools, worth: &mut [&mut Measured]) {
    join_all(worth.iter_mut().map(|one| measure_hop_or(tools, one, LONG))).await;
    if worth.iter().any(|one| one.loses()) {
        let answering = worth
            .iter_mut()
            .filter(|one| one.link.answers() && one.is_icmp());
        join_all(answering.map(|one| one.send(tools, LONGER))).await;
    }
}

/// A hop is known by one packet that expired there; where it answers echoes, those count instead.
async fn measure_hop_or(tools: &Tools, one: &mut Measured, burst: Burst) {
    if !matches!(one.link.place, Place::Hop(_)) {
        one.send(tools, burst).await;
        return;
    }
    let mut direct = Measured::new(
        one.link.place,
        &one.link.target,
        one.address.clone(),
        one.interface.clone(),
    )
    .through(one.link.network.clone());
    direct.send(tools, burst).await;
    if direct.link.answers() {
        *one = direct;
    }
}

async fn anchors(tools: &Tools) -> &Anchors {
    tools.anchors.get_or_init(|| find_anchors(tools)).await
}

async fn find_anchors(tools: &Tools) -> Anchors {
    let targets = tools.plan.targets.iter();
    let wanted = targets.filter(|target| {
        matches!(
            target.segment,
            Segment::Core | Segment::Isp | Segment::Service
        )
    });
    let found = join_all(wanted.take(ANCHORS).map(|target| anchor(tools, target))).await;
    let mut anchors = Vec::new();
    let mut left_out = Vec::new();
    for found in found {
        match found {
            Ok(anchor) => anchors.push(anchor),
            Err(problem) => left_out.push(problem),
        }
    }
    (anchors, left_out)
}

async fn anchor(tools: &Tools, target: &Target) -> Result<Measured, (String, Limitation)> {
    let left_out = |lacking, what: String, remedy: &str| {
        let problem = Unmeasurable {
            what,
            remedy: remedy.to_owned(),
        };
        (target.name.clone(), Limitation { lacking, problem })
    };
    let address = match Address::parse(&target.address, &tools.root) {
        Some(address) => address,
        None => Address {
            ip: look_up(tools, &target.address).await.ok_or_else(|| {
                left_out(
                    Lacking::Address,
                    format!("{} has no address that can be found", target.address),
                    "the steps of name resolution say why",
                )
            })?,
            zone: None,
        },
    };
    let (network, interface) = tools.through(target.network.as_deref());
    if interface.is_none() && !surroundings::is_routed(address.ip) {
        let family = if address.ip.is_ipv4() { 4 } else { 6 };
        let what = format!("this machine knows no way to {address} over IPv{family}");
        let remedy = "nothing, where other addresses answer";
        return Err(left_out(Lacking::Way, what, remedy));
    }
    let measured = Measured::new(Place::Anchor, &target.name, address, interface);
    Ok(measured.through(network))
}

async fn look_up(tools: &Tools, name: &str) -> Option<IpAddr> {
    let found = tools
        .lookups
        .look_up(name, tools.left(LOOKUP_LIMIT))
        .await?;
    found.addresses.as_ref().ok()?.first().copied()
}

/// The routers on the way to the first anchor, those found in time. To be started before everything else
/// goes that way: routers answer such packets, and those without a way on, once a second or so.
pub(super) async fn hops(tools: &Tools) -> Vec<Measured> {
    let (anchors, _) = anchors(tools).await;
    // The usual way where there is one.
    let is_usual = |anchor: &&Measured| anchor.link.network.is_none();
    let Some(anchor) = anchors.iter().find(is_usual).or(anchors.first()) else {
        return Vec::new();
    };
    let packets = Packets::new(anchor.interface.clone());
    let mut found = vec![None; usize::from(HOPS)];
    let progress = |ttl: u8, hop: Option<Seen>| {
        if let Some(place) = found.get_mut(usize::from(ttl).saturating_sub(1)) {
            *place = hop.or(*place);
        }
    };
    let [_, port, ..] = PORTS;
    // What was found is in `found` however it ends.
    let _ = timeout(
        tools.left(TRACE_LIMIT),
        trace(&packets, &anchor.address, port, HOPS, progress),
    )
    .await;
    let traced = Traced {
        hops: found,
        ..Traced::default()
    };
    measured(&traced, anchor, &tools.surroundings.gateways)
}

/// The line's end and the next, as the sources have them, each with the one answer there was.
fn measured(traced: &Traced, anchor: &Measured, gateways: &[Address]) -> Vec<Measured> {
    let routers = beyond::beyond(traced, gateways, anchor.address.ip);
    let measured = routers.into_iter().zip(1_u8..).map(|(router, number)| {
        let address = Address {
            ip: router.address,
            zone: None,
        };
        let name = router.address.to_string();
        let interface = anchor.interface.clone();
        let measured = Measured::new(Place::Hop(number), &name, address, interface);
        let mut measured = measured.through(anchor.link.network.clone());
        let seen = traced.hops.get(usize::from(router.ttl).saturating_sub(1));
        measured.add(Round {
            sent: 1,
            rtts: seen
                .iter()
                .filter_map(|seen| Some(seen.as_ref()?.rtt))
                .collect(),
            method: "icmp_ttl",
            limitation: None,
        });
        measured
    });
    measured.collect()
}

async fn largest(tools: &Tools, anchor: &Measured) -> Option<Largest> {
    let packets = Packets::new(anchor.interface.clone());
    let searching = mtu::path_mtu(&packets, &anchor.address);
    let outcome = timeout(tools.left(MTU_LIMIT), searching).await.ok()?.ok()?;
    Some(Largest {
        target: anchor.link.target.clone(),
        network: anchor.link.network.clone(),
        outcome,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::os::Root;
    use crate::sources::probe::packets::Carrier;

    fn address(text: &str) -> Address {
        Address::parse(text, &Root::default()).unwrap()
    }

    #[test]
    fn a_second_router_of_the_centre_is_not_the_line() {
        let seen = |address: &str, milliseconds| {
            Some(Seen {
                address: address.parse().unwrap(),
                rtt: Duration::from_millis(milliseconds),
                carrier: Carrier::Echo,
            })
        };
        let hops = vec![
            seen("192.168.1.1", 1),
            seen("192.168.0.1", 2),
            None,
            seen("203.0.113.1", 9),
            seen("203.0.113.2", 12),
            seen("192.0.2.9", 15),
        ];
        let traced = Traced {
            hops,
            ..Traced::default()
        };
        let anchor = Measured::new(Place::Anchor, "one", address("192.0.2.9"), None);
        let check = |gateways: &[Address], expected: &[(Place, &str)]| {
            let found = measured(&traced, &anchor, gateways);
            let found: Vec<(Place, &str)> = found
                .iter()
                .map(|one| (one.link.place, one.link.target.as_str()))
                .collect();
            assert_eq!(found, expected);
        };
        let line = [
            (Place::Hop(1), "203.0.113.1"),
            (Place::Hop(2), "203.0.113.2"),
        ];
        check(&[address("192.168.1.1")], &line);
        // PPP: the first that answers is the line's end.
        let line = [
            (Place::Hop(1), "192.168.1.1"),
            (Place::Hop(2), "192.168.0.1"),
            (Place::Hop(3), "203.0.113.1"),
        ];
        check(&[], &line);
    }
}
