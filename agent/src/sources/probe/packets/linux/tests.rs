//! Packets over loopback, and over a road of real routers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpSocket;

use super::super::super::road::{GATEWAY, Icmp, ROUTER, Road, SERVER, V6, Who, address};
use super::super::{Came, Carrier, Packets, Probe, USUAL_BYTES, Unreachable};

const LIMIT: Duration = Duration::from_millis(500);

async fn send(packets: &Packets, to: &str, carrier: Carrier, ttl: Option<u8>, bytes: u16) -> Came {
    let probe = Probe {
        to: address(to),
        carrier,
        ttl,
        bytes,
    };
    packets.send(&probe, LIMIT).await.unwrap()
}

/// Who answered, and how.
fn told(came: Came) -> (&'static str, String) {
    let here = || "here".to_owned();
    let from = |from: Option<std::net::IpAddr>| from.map_or_else(here, |from| from.to_string());
    match came {
        Came::Reply { rtt } => ("reply", soon(rtt)),
        Came::Refused { rtt } => ("refused", soon(rtt)),
        Came::Expired { from, rtt } => ("expired", format!("{from}{}", soon(rtt))),
        Came::TooBig { from: who, mtu } => ("too big", format!("{} {mtu}", from(who))),
        Came::Unreachable { from: who, .. } => ("unreachable", from(who)),
        Came::Nothing => ("nothing", String::new()),
    }
}

/// Nothing, when the time is believable.
fn soon(rtt: Duration) -> String {
    let is_believable = !rtt.is_zero() && rtt < LIMIT;
    if is_believable {
        String::new()
    } else {
        format!("{rtt:?}")
    }
}

#[tokio::test]
async fn every_carrier_finds_every_hop_on_both_families() {
    for icmp in [Icmp::Datagram, Icmp::Raw] {
        let Some(_road) = Road::new(icmp) else {
            return;
        };
        let packets = Packets::new(None);
        for hops in [[GATEWAY, ROUTER, SERVER], V6] {
            for carrier in [Carrier::Echo, Carrier::Udp, Carrier::Tcp(443)] {
                for (ttl, hop) in (1..).zip(hops) {
                    let came = send(&packets, hops[2], carrier, Some(ttl), USUAL_BYTES).await;
                    let expected = match (hop == hops[2], carrier) {
                        (false, _) => ("expired", hop.to_owned()),
                        (true, Carrier::Echo) => ("reply", String::new()),
                        // A closed port.
                        (true, _) => ("refused", String::new()),
                    };
                    assert_eq!(told(came), expected, "{carrier:?} over {icmp:?} to {hop}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_too_big_is_told_by_who_could_not_take_it() {
    for icmp in [Icmp::Datagram, Icmp::Raw] {
        let Some(road) = Road::new(icmp) else {
            return;
        };
        road.narrow(1400);
        let packets = Packets::new(None);
        let v4 = |bytes| send(&packets, SERVER, Carrier::Echo, None, bytes);
        let v6 = |bytes| send(&packets, V6[2], Carrier::Echo, None, bytes);
        let udp = |bytes| send(&packets, SERVER, Carrier::Udp, None, bytes);
        // Twice, since the kernel remembers what it was told, and is not to answer for the router.
        for _ in 0..2 {
            let at_gateway = ("too big", format!("{GATEWAY} 1400"));
            assert_eq!(told(v4(1401).await), at_gateway, "{icmp:?}");
            assert_eq!(told(udp(1401).await), at_gateway, "{icmp:?}");
            assert_eq!(told(v6(1401).await), ("too big", format!("{} 1400", V6[0])));
            assert_eq!(told(v4(1501).await), ("too big", "here 1500".to_owned()));
            assert_eq!(told(v6(1501).await), ("too big", "here 1500".to_owned()));
            assert_eq!(told(udp(1501).await), ("too big", "here 1500".to_owned()));
            assert_eq!(told(v4(1400).await).0, "reply");
            assert_eq!(told(v6(1400).await).0, "reply");
            assert_eq!(told(udp(1400).await).0, "refused");
        }
    }
}

#[tokio::test]
async fn no_way_on_is_told_by_who_has_none() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(None);
    let came = async || send(&packets, SERVER, Carrier::Echo, None, USUAL_BYTES).await;
    road.filter(
        Who::Router,
        "forward",
        "reject with icmp type admin-prohibited",
    );
    let Came::Unreachable { from, what, .. } = came().await else {
        panic!("prohibited")
    };
    assert_eq!(from.unwrap().to_string(), "100.88.1.2");
    assert_eq!(what, Unreachable::Prohibited);

    road.filter(Who::Router, "forward", "drop");
    assert_eq!(told(came().await).0, "nothing");
    road.filter(Who::Pc, "output", "drop");
    assert_eq!(told(came().await), ("unreachable", "here".to_owned()));
    road.filter(Who::Pc, "output", "");
    road.ip(Who::Pc, "route delete default").unwrap();
    for carrier in [Carrier::Echo, Carrier::Udp, Carrier::Tcp(443)] {
        let came = send(&packets, SERVER, carrier, None, USUAL_BYTES).await;
        assert_eq!(
            told(came),
            ("unreachable", "here".to_owned()),
            "{carrier:?}"
        );
    }
    road.ip(Who::Pc, &format!("route add default via {GATEWAY}"))
        .unwrap();
    road.filter(Who::Router, "forward", "");
    assert_eq!(told(came().await).0, "reply", "the engine goes on");
}

#[tokio::test]
async fn an_open_port_replies_and_one_without_a_listener_refuses() {
    let port = |socket: &TcpSocket| {
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.local_addr().unwrap().port()
    };
    let (open, closed) = (TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap());
    // Both stay somebody's, so that no other test listens where nobody should.
    let ports = [port(&open), port(&closed)];
    let _listener = open.listen(8).unwrap();
    let packets = Packets::new(None);
    let came = async |port| told(send(&packets, "127.0.0.1", Carrier::Tcp(port), None, 0).await).0;
    for _ in 0..3 {
        assert_eq!(came(ports[0]).await, "reply");
    }
    assert_eq!(came(ports[1]).await, "refused");
}

#[tokio::test]
async fn the_packets_of_one_flow_look_alike_to_routers() {
    for icmp in [Icmp::Datagram, Icmp::Raw] {
        let Some(road) = Road::new(icmp) else {
            return;
        };
        let keep = |what: &str, rule: &str| {
            let set = format!("set {what} {{ typeof {rule}; flags dynamic; }}");
            (set, format!("add @{what} {{ {rule} }}"))
        };
        let (echo, add_echo) = keep("echo", "icmp id . icmp checksum");
        let (udp, add_udp) = keep("udpport", "udp sport");
        let (tcp, add_tcp) = keep("tcpport", "tcp sport");
        let rules = format!(
            "table ip flows {{ {echo}\n{udp}\n{tcp}\nchain it {{ type filter hook prerouting priority 0\n\
             icmp type echo-request {add_echo}\nudp dport 33434 {add_udp}\ntcp dport 443 {add_tcp}\n}}\n}}\n"
        );
        road.nft(Who::Gateway, &rules);
        let packets = Packets::new(None);
        for carrier in [Carrier::Echo, Carrier::Udp, Carrier::Tcp(443)] {
            for ttl in [1, 2, 3, 3, 2, 1] {
                send(&packets, SERVER, carrier, Some(ttl), USUAL_BYTES).await;
            }
        }
        for set in ["echo", "udpport", "tcpport"] {
            let seen = road.nft(Who::Gateway, &format!("list set ip flows {set}"));
            let elements = seen.split_once("elements = {").unwrap().1;
            assert!(!elements.contains(','), "{icmp:?}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_datagram_after_a_silent_one_comes_from_another_port() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(None);
    let came = async || send(&packets, SERVER, Carrier::Udp, Some(2), USUAL_BYTES).await;
    assert_eq!(told(came().await).0, "expired");
    let ports = || packets.0.udp.ports.lock().unwrap().clone();
    assert_eq!(ports().len(), 1);
    road.filter(Who::Gateway, "forward", "drop");
    assert_eq!(came().await, Came::Nothing);
    assert_eq!(ports(), [0; 0], "any other");
}

/// What a server does with an echo request instead of answering it.
async fn against(answers: fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<(Option<Duration>, u32)> {
    let mut all = Vec::new();
    for icmp in [Icmp::Datagram, Icmp::Raw] {
        let Some(road) = Road::new(icmp) else {
            return all;
        };
        let _server = road.serve_echoes(answers);
        let packets = Packets::new(None);
        let to = address(SERVER);
        let burst = packets.burst(&to, 4, Duration::from_millis(20), LIMIT);
        let echoes = burst.await.unwrap();
        all.extend(echoes.iter().map(|echo| (echo.rtt, echo.duplicates)));
    }
    all
}

#[tokio::test]
async fn a_queue_that_is_full_loses_what_does_not_fit_and_nothing_else() {
    for icmp in [Icmp::Datagram, Icmp::Raw] {
        let Some(road) = Road::new(icmp) else {
            return;
        };
        let packets = Packets::of_many_flows(None);
        // A neighbour whose address is asked for while the queue is full would not be found.
        assert_eq!(
            told(send(&packets, SERVER, Carrier::Echo, None, USUAL_BYTES).await).0,
            "reply"
        );
        road.crowd();
        for (carrier, expected) in [(Carrier::Echo, "reply"), (Carrier::Udp, "refused")] {
            let all = (0..8).map(|_| send(&packets, SERVER, carrier, None, USUAL_BYTES));
            let came: Vec<_> = join_all(all).await.into_iter().map(told).collect();
            let answered = came.iter().filter(|came| came.0 == expected).count();
            let lost = came.iter().filter(|came| came.0 == "nothing").count();
            assert!(answered > 0 && lost > 0, "{icmp:?}: {came:?}");
            assert_eq!(answered + lost, came.len(), "{icmp:?}: {came:?}");
        }
    }
}

#[tokio::test]
async fn an_echo_on_its_way_is_heard_when_its_socket_is_given_up() {
    let Some(_road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(None);
    let give_up = async || *packets.0.v4.lock().unwrap() = None;
    let sending = send(&packets, SERVER, Carrier::Echo, None, USUAL_BYTES);
    let (came, ()) = tokio::join!(biased; sending, give_up());
    assert_eq!(told(came).0, "reply");
}

#[tokio::test]
async fn duplicates_are_counted() {
    let echoes = against(|reply| vec![reply.to_vec(); 3]).await;
    let all = echoes
        .iter()
        .all(|(rtt, duplicates)| rtt.is_some() && *duplicates == 2);
    assert!(all, "{echoes:?}");
}

#[tokio::test]
async fn answers_that_are_forged_foreign_or_truncated_answer_nothing() {
    let echoes = against(|reply| {
        let changed = |place: usize| {
            let mut forged = reply.to_vec();
            forged[place] ^= 0x40;
            forged
        };
        // Type, code, identifier, sequence, its complement, the secret.
        let mut answers: Vec<_> = [0, 1, 4, 6, 8, 12].map(changed).into();
        answers.extend([8, 12, 15].map(|length| reply[..length].to_vec()));
        answers
    })
    .await;
    assert!(echoes.iter().all(|echo| *echo == (None, 0)), "{echoes:?}");
}

#[tokio::test]
async fn a_shortened_answer_is_one() {
    let echoes = against(|reply| vec![reply[..16].to_vec()]).await;
    assert!(echoes.iter().all(|(rtt, _)| rtt.is_some()), "{echoes:?}");
}

#[tokio::test]
async fn a_late_answer_answers_nothing_and_is_no_duplicate_of_the_next() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    // Each request is answered when the next one comes.
    let mut before: Option<Vec<u8>> = None;
    let _server =
        road.serve_echoes(move |reply| before.replace(reply.to_vec()).into_iter().collect());
    let packets = Packets::new(None);
    for _ in 0..3 {
        let came = send(&packets, SERVER, Carrier::Echo, None, USUAL_BYTES).await;
        assert_eq!(came, Came::Nothing);
    }
}

#[tokio::test]
async fn an_answer_from_elsewhere_answers_nothing() {
    let Some(road) = Road::new(Icmp::Raw) else {
        return;
    };
    road.nft(
        Who::Server,
        "table ip elsewhere { chain it { type filter hook output priority 0\n\
         icmp type echo-reply ip saddr set 100.88.2.99\n}\n}",
    );
    let packets = Packets::new(None);
    let came = send(&packets, SERVER, Carrier::Echo, None, USUAL_BYTES).await;
    assert_eq!(came, Came::Nothing);
}

#[tokio::test]
async fn echoes_that_are_lost_have_no_time() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let every_other = "icmp type echo-request numgen inc mod 2 0 drop";
    road.filter(Who::Server, "input", every_other);
    let packets = Packets::new(None);
    let to = address(SERVER);
    let burst = packets.burst(&to, 10, Duration::from_millis(20), LIMIT);
    let echoes = burst.await.unwrap();
    let answered: Vec<bool> = echoes.iter().map(|echo| echo.rtt.is_some()).collect();
    assert_eq!(answered, [false, true].repeat(5), "in the order of sending");
}

#[tokio::test]
async fn an_engine_follows_its_interface_when_that_comes_back() {
    let Some(road) = Road::new(Icmp::Datagram) else {
        return;
    };
    let packets = Packets::new(Some("right".to_owned()));
    let probe = Probe {
        to: address(GATEWAY),
        carrier: Carrier::Echo,
        ttl: None,
        bytes: USUAL_BYTES,
    };
    assert_eq!(told(packets.send(&probe, LIMIT).await.unwrap()).0, "reply");
    road.ip(Who::Pc, "link delete right").unwrap();
    for _ in 0..2 {
        let gone = packets.send(&probe, LIMIT).await;
        let is_told = matches!(gone, Err(_) | Ok(Came::Unreachable { from: None, .. }));
        assert!(is_told, "{gone:?}");
    }
    road.connect(0, Who::Pc, Who::Gateway).unwrap();
    let back = packets.send(&probe, LIMIT).await.unwrap();
    assert_eq!(told(back).0, "reply");
}
