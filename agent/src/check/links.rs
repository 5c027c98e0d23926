//! Echoes to everything on the way: the gateway first, then what is beyond, then all of it for long enough
//! to tell where packets are lost.
//!
//! A point that answers no echoes is knocked at: whoever takes or refuses a connection is there. Echoes of
//! TCP connections alone are too few, and too much to ask of others, to judge loss by.

use std::net::IpAddr;
use std::time::Duration;

use diagnosis::evidence::{Link, Place, Rtt};
use futures_util::future::join_all;
use proto::plan::{Segment, Target};
use tokio::time::timeout;

use super::surroundings;
use super::tools::Tools;
use crate::os::Address;
use crate::sources::Unmeasurable;
use crate::sources::probe::mtu;
use crate::sources::probe::packets::{Came, Carrier, Packets, Probe, USUAL_BYTES};
use crate::sources::probe::path::trace::{Seen, trace};
use crate::sources::probe::round::{Round, Wanted};

/// Where routers and servers likely take connections.
const PORTS: [u16; 3] = [53, 443, 80];

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

/// For one knock.
const KNOCK_LIMIT: Duration = Duration::from_secs(1);

/// For the address of a name.
const LOOKUP_LIMIT: Duration = Duration::from_secs(3);

/// So many echoes, so far apart.
#[derive(Clone, Copy)]
struct Burst(u32, Duration);

/// Is anybody there?
const FIRST: Burst = Burst(6, Duration::from_millis(100));

/// Is anything lost?
const LONG: Burst = Burst(50, Duration::from_millis(50));

/// Something was: how much?
const LONGER: Burst = Burst(100, Duration::from_millis(40));

/// A link and what is known of it so far.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) link: Link,
    pub(super) address: Address,
    pub(super) method: Option<&'static str>,
    pub(super) limitation: Option<Unmeasurable>,
    interface: Option<String>,
    rtts: Vec<Duration>,
}

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

impl Measured {
    fn new(place: Place, target: &str, address: Address, interface: Option<String>) -> Self {
        Self {
            link: Link {
                place,
                target: target.to_owned(),
                sent: 0,
                received: 0,
                rtt: None,
                present: None,
            },
            address,
            method: None,
            limitation: None,
            interface,
            rtts: Vec::new(),
        }
    }

    async fn send(&mut self, tools: &Tools, Burst(echoes, spacing): Burst) {
        let [port, ..] = PORTS;
        let wanted = Wanted {
            interface: self.interface.as_deref(),
            port,
            echoes,
            spacing,
        };
        match tools.rounds.round(&self.address, wanted).await {
            Ok(round) => self.add(round),
            Err(problem) => self.limitation = Some(problem),
        }
    }

    fn add(&mut self, round: Round) {
        let Round {
            sent,
            rtts,
            method,
            limitation,
        } = round;
        self.method = Some(method);
        self.limitation = limitation;
        self.link.sent += sent;
        self.rtts.extend(rtts);
        self.rtts.sort_unstable();
        self.link.received = u32::try_from(self.rtts.len()).unwrap_or(u32::MAX);
        self.link.rtt = spread(&self.rtts);
    }

    /// What is there although it answers no echoes.
    async fn knock(&mut self) {
        let packets = Packets::new(self.interface.clone());
        let to = &self.address;
        let carriers = PORTS.map(Carrier::Tcp).into_iter().chain([Carrier::Udp]);
        let knocks = carriers.map(|carrier| {
            let probe = Probe {
                to: to.clone(),
                carrier,
                ttl: None,
                bytes: USUAL_BYTES,
            };
            let packets = &packets;
            async move { packets.send(&probe, KNOCK_LIMIT).await }
        });
        let answered = join_all(knocks)
            .await
            .into_iter()
            .find_map(|came| match came {
                Ok(Came::Reply { rtt } | Came::Refused { rtt }) => Some(rtt),
                _ => None,
            });
        if let Some(rtt) = answered {
            self.link.present = Some(true);
            if self.link.place == Place::Anchor {
                // It counts as one answer to one question; the echoes it does not want do not.
                (self.link.sent, self.rtts) = (0, Vec::new());
                self.add(Round {
                    sent: 1,
                    rtts: vec![rtt],
                    method: "tcp_connect",
                    limitation: None,
                });
            }
        }
    }

    fn is_icmp(&self) -> bool {
        self.method.is_some_and(|method| method.starts_with("icmp"))
    }

    fn loses(&self) -> bool {
        self.link.answers() && self.link.received < self.link.sent
    }
}

/// Of sorted times.
fn spread(rtts: &[Duration]) -> Option<Rtt> {
    let at = |share: usize| rtts.get((rtts.len() * share / 100).min(rtts.len().saturating_sub(1)));
    Some(Rtt {
        min: *rtts.first()?,
        median: *at(50)?,
        p95: *at(95)?,
    })
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

/// What is beyond the gateway, the gateways once more among it, long enough to judge loss.
pub(super) async fn beyond(tools: &Tools, nearest: &mut [Measured]) -> Beyond {
    let (mut anchors, left_out) = anchors(tools).await;
    let first = anchors.first().cloned();
    let asking = join_all(anchors.iter_mut().map(|one| async move {
        one.send(tools, FIRST).await;
        if !one.link.answers() {
            one.knock().await;
        }
    }));
    let tracing = async {
        match &first {
            Some(anchor) => hops(anchor).await,
            None => Vec::new(),
        }
    };
    let (_, mut hops) = tokio::join!(asking, tracing);
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
            ip: look_up(&target.address).await.ok_or_else(|| {
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

async fn look_up(name: &str) -> Option<IpAddr> {
    let found = timeout(LOOKUP_LIMIT, tokio::net::lookup_host((name, 0))).await;
    Some(found.ok()?.ok()?.next()?.ip())
}

/// The routers on the way to an anchor, those found in time.
async fn hops(anchor: &Measured) -> Vec<Measured> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_of_sorted_times() {
        let ms = Duration::from_millis;
        let times: Vec<Duration> = (1..=100).map(ms).collect();
        let expected = Rtt {
            min: ms(1),
            median: ms(51),
            p95: ms(96),
        };
        assert_eq!(spread(&times), Some(expected));
        let one = Rtt {
            min: ms(7),
            median: ms(7),
            p95: ms(7),
        };
        assert_eq!(spread(&[ms(7)]), Some(one));
        assert_eq!(spread(&[]), None);
    }
}
