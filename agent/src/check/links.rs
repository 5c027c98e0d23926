//! Echoes to everything on the way: the gateway first, then what is beyond, then all of it for long enough
//! to tell where packets are lost.

use std::net::IpAddr;
use std::time::Duration;

use diagnosis::evidence::Place;
use futures_util::future::join_all;
use proto::plan::{Segment, Target};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::measured::{Burst, FIRST, LONG, LONGER, Measured, PORTS};
use super::surroundings;
use super::tools::Tools;
use crate::os::Address;
use crate::sources::Unmeasurable;
use crate::sources::probe::mtu;
use crate::sources::probe::packets::Packets;
use crate::sources::probe::path::trace::{Seen, trace};
use crate::sources::probe::round::Round;

/// Anchors that are asked.
const ANCHORS: usize = 3;

/// Hops that are traced: the line, and the first of the ISP.
const HOPS: u8 = 8;

/// Of those, how many are measured.
const HOPS_MEASURED: usize = 3;

/// Over hops that hide, a trace takes long.
const TRACE_LIMIT: Duration = Duration::from_secs(5);

/// For the search of the largest packet.
const MTU_LIMIT: Duration = Duration::from_secs(10);

/// For the address of a name.
const LOOKUP_LIMIT: Duration = Duration::from_secs(3);

/// What is beyond the gateway.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    pub(super) hops: Vec<Measured>,
    pub(super) anchors: Vec<Measured>,
    /// Names of anchors, and why they were not measured.
    pub(super) left_out: Vec<(String, Unmeasurable)>,
    /// To which anchor, and what arrives there.
    pub(super) mtu: Option<(String, mtu::Outcome)>,
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
        if measured.link.place == Place::Gateway && !measured.link.answers() {
            measured.knock().await;
            let nobody = surroundings::is_nobody(&tools.root, measured.address.ip);
            if measured.link.present.is_none() && nobody {
                measured.link.present = Some(false);
            }
        }
        measured
    });
    join_all(asked).await
}

/// Whether anything beyond a gateway that seems dead answers after all.
pub(super) async fn anchors_answer(tools: &Tools) -> Vec<Measured> {
    let (mut anchors, _) = anchors(tools).await;
    join_all(anchors.iter_mut().map(|one| one.send(tools, FIRST))).await;
    anchors
}

/// What is beyond the gateway, and the gateways once more, long enough to judge loss.
pub(super) async fn beyond(
    tools: &Tools,
    nearest: &mut [Measured],
    tracing: JoinHandle<Vec<Measured>>,
) -> Beyond {
    let (mut anchors, left_out) = anchors(tools).await;
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
        let near = hops.iter_mut().take(HOPS_MEASURED);
        worth.extend(near);
        let searching = async {
            match &anchor {
                Some(anchor) => largest(anchor).await,
                None => None,
            }
        };
        let (_, mtu) = tokio::join!(at_length(tools, &mut worth), searching);
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
    );
    direct.send(tools, burst).await;
    if direct.link.answers() {
        *one = direct;
    }
}

async fn anchors(tools: &Tools) -> (Vec<Measured>, Vec<(String, Unmeasurable)>) {
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

async fn anchor(tools: &Tools, target: &Target) -> Result<Measured, (String, Unmeasurable)> {
    let left_out = |what: String, remedy: &str| {
        let problem = Unmeasurable {
            what,
            remedy: remedy.to_owned(),
        };
        (target.name.clone(), problem)
    };
    let address = match Address::parse(&target.address, &tools.root) {
        Some(address) => address,
        None => Address {
            ip: look_up(tools, &target.address).await.ok_or_else(|| {
                left_out(
                    format!("{} has no address that can be found", target.address),
                    "the steps of name resolution say why",
                )
            })?,
            zone: None,
        },
    };
    let interface = tools.context.interface(target.network.as_deref());
    if interface.is_none() && !surroundings::is_routed(address.ip) {
        let family = if address.ip.is_ipv4() { 4 } else { 6 };
        let what = format!("this machine knows no way to {address} over IPv{family}");
        return Err(left_out(what, "nothing, where other addresses answer"));
    }
    Ok(Measured::new(
        Place::Anchor,
        &target.name,
        address,
        interface,
    ))
}

async fn look_up(tools: &Tools, name: &str) -> Option<IpAddr> {
    let found = tools.lookups.look_up(name, LOOKUP_LIMIT).await?;
    found.addresses.as_ref().ok()?.first().copied()
}

/// The routers on the way to the first anchor, those found in time. To be started before everything else
/// goes that way: routers answer such packets, and those without a way on, once a second or so.
pub(super) async fn hops(tools: &Tools) -> Vec<Measured> {
    let (anchors, _) = anchors(tools).await;
    let Some(anchor) = anchors.first() else {
        return Vec::new();
    };
    let packets = Packets::new(anchor.interface.clone());
    let mut seen: Vec<(u8, Seen)> = Vec::new();
    let progress = |ttl, hop: Option<Seen>| {
        if let Some(hop) = hop {
            seen.retain(|(known, _)| *known != ttl);
            seen.push((ttl, hop));
        }
    };
    let [_, port, ..] = PORTS;
    // What was found is in `seen` however it ends.
    let _ = timeout(
        TRACE_LIMIT,
        trace(&packets, &anchor.address, port, HOPS, progress),
    )
    .await;
    seen.sort_by_key(|(ttl, _)| *ttl);
    let routers = seen
        .into_iter()
        .filter(|(ttl, hop)| *ttl > 1 && hop.address != anchor.address.ip);
    let measured = routers.map(|(ttl, hop)| {
        let address = Address {
            ip: hop.address,
            zone: None,
        };
        let name = hop.address.to_string();
        let interface = anchor.interface.clone();
        let mut measured = Measured::new(Place::Hop(ttl - 1), &name, address, interface);
        measured.add(Round {
            sent: 1,
            rtts: vec![hop.rtt],
            method: "icmp_ttl",
            limitation: None,
        });
        measured
    });
    measured.collect()
}

async fn largest(anchor: &Measured) -> Option<(String, mtu::Outcome)> {
    let packets = Packets::new(anchor.interface.clone());
    let searching = mtu::path_mtu(&packets, &anchor.address);
    let outcome = timeout(MTU_LIMIT, searching).await.ok()?.ok()?;
    Some((anchor.link.target.clone(), outcome))
}
