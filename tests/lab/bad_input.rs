//! What names, servers and strangers can do to an agent: nothing that changes a figure of others, and
//! nothing that makes it larger.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::centre::{Centre, SOON};
use crate::emulator::Impairment;
use crate::forger::{Forged, Forger};
use crate::harness::scrape::Page;
use crate::harness::{eventually, metric};
use crate::network::PORTALS;
use crate::servers::portal::{Answer, TEXT};
use crate::{Lab, ms, needs, watch};

/// More than this an agent does not grow, whatever it is told.
const GROWTH: i64 = 3 * 1_024 * 1_024;

fn service(name: &str, url: &str, expect: &str) -> String {
    format!("[[service]]\nname = \"{name}\"\nurl = \"{url}\"\nexpect = \"{expect}\"\n")
}

fn anchor(name: &str, address: &str) -> String {
    format!("[[anchor]]\nname = \"{name}\"\naddress = \"{address}\"\n")
}

#[tokio::test]
async fn odd_names_are_told_as_what_they_are() {
    let lab = needs!(Lab::new());
    // Somebody has all of these addresses, and listens at none.
    let crowd: Vec<_> = (100..200).map(|n| Ipv4Addr::new(198, 18, 0, n)).collect();
    let world = &lab.network().world;
    world.ip("route add local 198.18.0.0/24 dev lo").unwrap();
    lab.name("crowd.example", &crowd);
    lab.name("empty.example", &[]);
    lab.name("here.example", &[Ipv4Addr::LOCALHOST]);
    let mut tables = anchor("one", &crowd[0].to_string());
    for name in ["crowd", "empty", "here", "nobody"] {
        let host = format!("{name}.example");
        tables += &anchor(name, &host);
        tables += &service(name, &format!("http://{host}/"), "x");
    }
    let mut centre = watch::over(&lab, &tables).await;
    centre
        .services_end(&[
            ("crowd", "refused"),
            ("empty", "dns_failed"),
            ("here", "refused"),
            ("nobody", "dns_failed"),
        ])
        .await;
    let median = |name| metric("dawnwatch_link_rtt_median_seconds").label("target", name);
    let method = |name| metric("dawnwatch_link_method_info").label("target", name);
    let look = |page: &Page| {
        for name in ["one", "crowd", "here", "collector"] {
            median(name).found_in(page)?;
        }
        method("here")
            .label("address", "127.0.0.1")
            .found_in(page)?;
        for name in ["empty", "nobody"] {
            median(name).absent_from(page)?;
            method(name).absent_from(page)?;
        }
        let crowd = method("crowd").all_in(page).len();
        (crowd == 1)
            .then_some(())
            .ok_or_else(|| format!("{crowd} addresses of one name"))
    };
    centre
        .shows("links to what is there, and to nothing else", SOON, look)
        .await;

    // They can become ordinary names while it runs.
    for name in [
        "empty.example",
        "nobody.example",
        "here.example",
        "crowd.example",
    ] {
        centre.lab.name(name, &PORTALS[..1]);
    }
    centre.lab.portal().answers(Answer::Text("x".to_owned()));
    let well = ["crowd", "empty", "here", "nobody"].map(|name| (name, "answered"));
    centre.services_end(&well).await;
    centre
        .shows("a link to what has come", SOON, |page| {
            median("nobody").found_in(page)
        })
        .await;
    centre.is_unharmed();
}

/// What a hostile server says; afterwards it holds the line, or goes.
const SAYINGS: [(&str, &[u8], After, &str); 10] = [
    (
        "garbage",
        &[0, 255, 13, 10, 13, 10, 7, 128],
        After::Goes,
        "http_error",
    ),
    (
        "stranger",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        After::Holds,
        "http_error",
    ),
    (
        "two-lengths",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        After::Goes,
        "http_error",
    ),
    (
        "no-length",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        After::Goes,
        "http_error",
    ),
    (
        "short",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551613\r\n\r\nhello",
        After::Goes,
        "http_error",
    ),
    (
        "chunks",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nx",
        After::Holds,
        "http_error",
    ),
    (
        "continues",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        After::Repeats,
        "timeout",
    ),
    ("headers", b"x: y\r\n", After::RepeatsHeaders, "too_large"),
    ("silent", b"", After::Holds, "timeout"),
    ("gone", b"", After::Goes, "http_error"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Goes,
    Holds,
    /// Says it again for as long as somebody listens.
    Repeats,
    /// The same, behind the beginning of an answer.
    RepeatsHeaders,
}

#[tokio::test]
async fn hostile_servers_are_told_from_each_other_and_cost_no_memory() {
    let lab = needs!(Lab::new());
    let mut tables = String::new();
    for ((name, ..), port) in SAYINGS.iter().zip(7_000..) {
        let url = format!("http://{}:{port}/", PORTALS[0]);
        tables += &service(name, &url, TEXT);
    }
    for (name, url) in [
        ("no-tls", format!("https://{}:7000/", PORTALS[0])),
        ("portal", "https://dichvucong.gov.vn/".to_owned()),
        ("login", "https://xacthuc.dichvucong.gov.vn/".to_owned()),
        ("vneid", "http://vneid.gov.vn/".to_owned()),
    ] {
        tables += &service(name, &url, TEXT);
    }
    let mut centre = watch::over(&lab, &tables).await;
    for name in ["portal", "login", "vneid"] {
        centre.services_end(&[(name, "answered")]).await;
    }
    let before = memory(&mut centre);

    let mut servers = JoinSet::new();
    for ((_, says, after, _), port) in SAYINGS.into_iter().zip(7_000..) {
        let listener = TcpListener::bind((PORTALS[0], port)).await.unwrap();
        servers.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, says, after));
            }
        });
    }
    let [portal, login, vneid] = centre.lab.portals();
    portal.answers(Answer::EndlessBody);
    login.answers(Answer::EndlessHeaders);
    vneid.answers(Answer::EndlessBody);
    // One after the other: with so many that hang each has little time, and one may be late at times.
    for (name, .., outcome) in SAYINGS {
        centre.services_end(&[(name, outcome)]).await;
    }
    for (name, outcome) in [
        ("no-tls", "tls_failed"),
        ("portal", "unexpected"),
        ("login", "too_large"),
        ("vneid", "unexpected"),
    ] {
        centre.services_end(&[(name, outcome)]).await;
    }
    let asked = portal.requests() + 5;
    eventually("they go on", SOON, async || {
        let requests = centre.lab.portal().requests();
        (requests >= asked)
            .then_some(())
            .ok_or_else(|| format!("{requests} of {asked}"))
    })
    .await;
    let grown = memory(&mut centre) - before;
    assert!(grown < GROWTH, "{grown} bytes more");
    for portal in centre.lab.portals() {
        portal.answers(Answer::Fine);
    }
    for name in ["portal", "login", "vneid"] {
        centre.services_end(&[(name, "answered")]).await;
    }
    centre.is_unharmed();
}

async fn talk(mut stream: TcpStream, says: &'static [u8], after: After) -> io::Result<()> {
    if after == After::RepeatsHeaders {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
    }
    stream.write_all(says).await?;
    match after {
        After::Goes => {
            // Reads what was asked, else the system would reset the connection.
            let mut question = [0; 4_096];
            stream.read(&mut question).await.map(drop)
        }
        After::Holds => {
            let mut rest = Vec::new();
            stream.take(100_000).read_to_end(&mut rest).await.map(drop)
        }
        After::Repeats | After::RepeatsHeaders => loop {
            stream.write_all(says).await?;
        },
    }
}

#[tokio::test]
async fn forged_late_and_torn_replies_change_no_figure() {
    const RTT: Duration = ms(40);
    let lab = needs!(Lab::new());
    lab.line().both(Impairment::none().delay(RTT / 2));
    let tables = anchor("anchor", "1.1.1.1");
    let mut centre = watch::over(&lab, &tables).await;
    let targets = ["collector", "anchor"];
    let is_measured = |page: &Page| {
        let mtu = metric("dawnwatch_path_mtu_bytes").label("target", "collector");
        mtu.is(1_500.0).found_in(page)?;
        let hops = metric("dawnwatch_path_hops").label("target", "collector");
        hops.is(4.0).found_in(page)?;
        targets.iter().try_for_each(|target| {
            let median = metric("dawnwatch_link_rtt_median_seconds").label("target", target);
            median.found_in(page).map(drop)
        })
    };
    centre
        .shows("all of it is measured", SOON, is_measured)
        .await;
    let before = memory(&mut centre);
    let page = centre.collector.metrics().await.unwrap();
    let counted = |page: &Page, name: &str, target: &str| {
        metric(&format!("dawnwatch_link_{name}_total"))
            .label("target", target)
            .in_(page)
    };
    let sent_before = targets.map(|target| counted(&page, "sent", target));

    let forger = Forger::at(&centre.lab.network().gateway).unwrap();
    let page = eventually("many have been forged", SOON, async || {
        let page = centre.collector.metrics().await?;
        for target in targets {
            let shortest = metric("dawnwatch_link_rtt_min_seconds").label("target", target);
            let shortest = shortest.found_in(&page)?;
            // The forger is on this side of the line.
            assert!(shortest > RTT.as_secs_f64() / 2.0, "{target}: {shortest} s");
        }
        let enough = targets
            .iter()
            .zip(sent_before)
            .all(|(target, before)| counted(&page, "sent", target) > before + 30.0);
        let Forged { at_once, late } = forger.forged();
        match enough && at_once > 500 && late > 20 {
            true => Ok(page),
            false => Err(format!("{at_once} forged, {late} repeated")),
        }
    })
    .await;
    for target in targets {
        let [sent, received] = ["sent", "received"].map(|name| counted(&page, name, target));
        assert_eq!((sent, received), (sent, sent), "{target}");
        for name in ["duplicates", "reordered"] {
            let count = metric(&format!("dawnwatch_link_{name}_total")).label("target", target);
            assert_eq!(count.found_in(&page).unwrap_or(0.0), 0.0, "{name} {target}");
        }
    }
    is_measured(&page).unwrap();
    let hops = metric("dawnwatch_path_hop_info").label("target", "collector");
    let foreign = hops.all_in(&page).into_iter();
    let foreign: Vec<_> = foreign
        .filter(|hop| hop.labels["address"] == Forger::ADDRESS.to_string())
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    let grown = memory(&mut centre) - before;
    assert!(grown < GROWTH, "{grown} bytes more");
    centre.is_unharmed();
}

/// What the agent holds of the machine's memory, in bytes.
fn memory(centre: &mut Centre<'_>) -> i64 {
    let status = format!("/proc/{}/status", centre.agent.process().id());
    let status = std::fs::read_to_string(status).unwrap();
    assert!(status.contains("dawnwatch-agent"), "{status}");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<i64>().unwrap() * 1_024
}
