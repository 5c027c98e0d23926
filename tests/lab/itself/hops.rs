//! Packets go the way of the picture, and traces show it.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use super::ping::Pinged;
use crate::harness::eventually;
use crate::harness::process::Folder;
use crate::harness::skip::program;
use crate::network::{
    ANCHORS, DETOUR, GATEWAY, ISP_1, ISP_2, ISP_RESOLVER, Namespace, PCS, PORTALS, Route,
};
use crate::{Lab, needs};

const ONCE: &str = "-c 1 -W 0.5";
const SOON: Duration = Duration::from_secs(5);

/// Who says that the packet has gone too far.
fn seen_at(lab: &Lab, ttl: u8, to: Ipv4Addr) -> Option<Ipv4Addr> {
    let Pinged { text, .. } = lab.ping(1, to, &format!("{ONCE} -t {ttl}"));
    let line = text
        .lines()
        .find(|line| line.contains("Time to live exceeded"))?;
    let from = line.split("From ").nth(1)?.split(' ').next()?;
    from.trim_end_matches(':').parse().ok()
}

#[test]
fn everybody_is_reached_from_both_pcs() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    let all = [
        GATEWAY,
        ISP_1,
        ISP_2,
        ISP_RESOLVER,
        ANCHORS[0],
        ANCHORS[1],
        PORTALS[2],
    ];
    for pc in [1, 2] {
        for address in all {
            let pinged = lab.ping(pc, address, ONCE);
            assert!(pinged.all(), "{address}: {pinged:?}");
        }
    }
    assert!(lab.ping(1, PCS[1], ONCE).all());
    assert!(
        lab.ping(1, Ipv4Addr::new(9, 9, 9, 9), ONCE).none(),
        "nobody is there"
    );
}

#[test]
fn a_trace_shows_the_hops_also_when_the_route_changes_or_one_hides() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    let trace = |lab: &Lab| [1, 2, 3].map(|ttl| seen_at(lab, ttl, ANCHORS[1]));
    assert_eq!(trace(&lab), [Some(GATEWAY), Some(ISP_1), Some(ISP_2)]);
    assert!(lab.ping(1, ANCHORS[1], "-c 1 -W 0.5 -t 4").all());
    lab.route(Route::Detour);
    assert_eq!(trace(&lab), [Some(GATEWAY), Some(ISP_1), Some(DETOUR)]);
    lab.route(Route::Usual);
    lab.hides(&lab.network().isp_1);
    assert_eq!(trace(&lab), [Some(GATEWAY), None, Some(ISP_2)]);
    assert!(lab.ping(1, ISP_1, ONCE).all(), "hidden, not gone");
    lab.shows(&lab.network().isp_1);
    assert_eq!(seen_at(&lab, 2, ANCHORS[1]), Some(ISP_1));
}

#[tokio::test]
async fn balanced_flows_keep_their_way() {
    let lab = needs!(Lab::new());
    lab.route(Route::Balanced);
    let many = over_isp_2(&lab, 40_000..40_100).await;
    assert!((20..80).contains(&many), "{many} of 100 flows");
    for port in 40_000..40_004 {
        let first = over_isp_2(&lab, port..port + 1).await;
        for _ in 0..4 {
            let again = over_isp_2(&lab, port..port + 1).await;
            assert_eq!(again, first, "flow {port} changes its way");
        }
    }
}

/// Sends a packet from each of these ports to the world: how many went the usual way?
async fn over_isp_2(lab: &Lab, ports: std::ops::Range<u16>) -> u64 {
    lab.forget();
    let count = ports.len() as u64;
    let before = forwarded(&lab.network().detour);
    let sent = lab.pc(1).inside(move || {
        for port in ports {
            let socket = UdpSocket::bind(("0.0.0.0", port)).unwrap();
            socket.send_to(b"hello", (ANCHORS[0], 33_434)).unwrap();
        }
    });
    sent.unwrap();
    eventually("all have gone either way", SOON, async || {
        let usual = lab.isp().truth_up().came;
        let detour = forwarded(&lab.network().detour) - before;
        match usual + detour == count {
            true => Ok(usual),
            false => Err(format!("{usual} and {detour} of {count}")),
        }
    })
    .await
}

/// Packets that a router has forwarded.
fn forwarded(router: &Namespace) -> u64 {
    let counters = router.inside(|| std::fs::read_to_string("/proc/thread-self/net/snmp"));
    let counters = counters.unwrap().unwrap();
    let mut ip = counters.lines().filter(|line| line.starts_with("Ip: "));
    let (names, values) = (ip.next().unwrap(), ip.next().unwrap());
    let mut pairs = names.split(' ').zip(values.split(' '));
    let found = pairs.find(|(name, _)| *name == "ForwDatagrams");
    found.unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_cable_that_is_out_has_no_carrier() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    let carrier = async || {
        let mut cat = lab.command_on_pc(1, "cat");
        let output = cat.arg("/sys/class/net/eth0/carrier").output().unwrap();
        Ok::<_, String>(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let is = async |wanted: &str| match carrier().await? {
        found if found == wanted => Ok(()),
        found => Err(found),
    };
    eventually("a carrier", SOON, async || is("1").await).await;
    lab.cable_out();
    eventually("no carrier", SOON, async || is("0").await).await;
    assert!(
        lab.ping(2, GATEWAY, ONCE).all(),
        "the other PC is not concerned"
    );
    lab.cable_in();
    eventually("a carrier again", SOON, async || is("1").await).await;
}

#[tokio::test]
async fn a_dead_gateway_is_still_a_network() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    lab.gateway_dies();
    assert!(lab.ping(1, GATEWAY, ONCE).none());
    assert!(lab.ping(1, PORTALS[0], ONCE).none());
    assert!(lab.ping(1, PCS[1], ONCE).all());
    lab.gateway_lives();
    eventually("the portal is reached again", SOON, async || {
        match lab.ping(1, PORTALS[0], ONCE) {
            pinged if pinged.all() => Ok(()),
            pinged => Err(pinged.text),
        }
    })
    .await;
}

#[test]
fn nothing_stays_behind() {
    let lab = needs!(Lab::new());
    let network = lab.network();
    let mut paths = vec![
        network.switch.path(),
        network.gateway.path(),
        network.world.path(),
    ];
    paths.extend([1, 2].map(|pc| lab.pc(pc).path()));
    assert!(paths.iter().all(|path| path.exists()));
    drop(lab);
    assert!(!paths.iter().any(|path| path.exists()));
}

#[test]
fn a_program_can_be_without_rights() {
    let lab = needs!(Lab::new());
    needs!(program("setpriv"));
    // A copy has not the rights that a system may give to the original.
    let folder = Folder::new("ping");
    let copy = folder.path().join("ping");
    std::fs::copy(needs!(program("ping")), &copy).unwrap();
    let ping = || {
        let within = lab.on_pc_without_rights(1);
        let mut ping = Command::new(&within[0]);
        ping.args(&within[1..])
            .arg(&copy)
            .args(["-c", "1", "-W", "1"]);
        ping.arg(GATEWAY.to_string()).output().unwrap()
    };
    let refused = ping();
    let reason = String::from_utf8_lossy(&refused.stderr);
    assert!(reason.contains("not permitted"), "{refused:?}");
    lab.everybody_may_ping();
    let answered = ping();
    assert!(answered.status.success(), "{answered:?}");
}
