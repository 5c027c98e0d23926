//! Devices come and go with the plan, and one that hangs delays only itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod centre;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use proto::metrics;
use proto::plan::{Device, Mac};
use tokio::sync::mpsc;

use self::centre::{Centre, Question, SOON, about, device, outcome, plan_of, said, start};
use super::answers::Expect;
use super::*;
use crate::sources::device::said::{Interface, Said};

const INTERVAL: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn devices_are_asked_soon_and_then_each_at_its_own_phase() {
    let names: Vec<_> = (0..30).map(|n| format!("printer-{n}")).collect();
    let mut centre = Centre::default();
    for name in &names {
        centre = centre.with(name, SOON, Said::default());
    }
    let devices: Vec<_> = names.iter().map(|name| device(name)).collect();
    let mut running = start(centre, &devices);
    running.until(5 * INTERVAL).await;
    let mut moments = Vec::new();
    for name in &names {
        let asked = running.questions(name);
        // The first two may lie close together; from there on they are an interval apart.
        assert!(
            asked[0].at - running.began < Duration::from_secs(16),
            "{name}"
        );
        for pair in asked[2..].windows(2) {
            let apart = pair[1].at - pair[0].at;
            let waited = Duration::from_secs(5);
            assert!(
                apart >= INTERVAL - waited && apart <= INTERVAL + waited,
                "{apart:?}"
            );
        }
        assert!(asked.len() >= 5, "{name} was asked {} times", asked.len());
        moments.push((asked[3].at - running.began).as_secs() % INTERVAL.as_secs());
    }
    moments.sort_unstable();
    moments.dedup();
    assert!(moments.len() > 10, "all at the same time: {moments:?}");
}

#[tokio::test(start_paused = true)]
async fn devices_come_and_go_with_the_plan_and_who_stays_keeps_its_phase() {
    let centre = ["gone", "stays", "new"]
        .into_iter()
        .fold(Centre::default(), |centre, name| {
            centre.with(name, SOON, said(name))
        });
    let mut running = start(centre, &[device("gone"), device("stays")]);
    running.until(3 * INTERVAL).await;
    let before = (running.questions("gone").len(), running.questions("stays"));
    running
        .plan
        .send_replace(plan_of(&[device("stays"), device("new")]));
    let told = running.until(6 * INTERVAL).await;
    assert_eq!(running.questions("gone").len(), before.0);
    assert!(told.iter().all(|taken| about(taken) != "gone"));
    assert!(told.iter().any(|taken| about(taken) == "new"));
    let phase =
        |question: &Question| (question.at - running.began).as_millis() % INTERVAL.as_millis();
    let stays = running.questions("stays");
    assert!(stays.len() >= before.1.len() + 2, "{}", stays.len());
    for question in &stays[2..] {
        assert_eq!(phase(question), phase(&stays[2]));
    }
    running.plan.send_replace(plan_of(&[]));
    let told = running.until(9 * INTERVAL).await;
    assert_eq!(told.len(), 1, "status hears that there is none any more");
    assert!(told[0].readings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_device_that_moved_is_asked_there_at_once_and_its_series_go_on() {
    const WRAP: u64 = 1 << 32;
    let counts = |count| Said {
        interfaces: vec![Interface {
            name: "wan".to_owned(),
            receive_bytes_total: Some(count),
            counter_bits: Some(32),
            ..Interface::default()
        }],
        ..Said::default()
    };
    let says = vec![counts(WRAP - 10), counts(WRAP - 1), counts(7)];
    let centre = Centre::default().with_each("router", Duration::ZERO, says);
    let mut running = start(centre, &[device("router")]);
    let mut all = running.until(INTERVAL / 2).await;
    let asked = all.len();
    let moved = Device {
        address: [192, 0, 2, 99].into(),
        ..device("router")
    };
    running.plan.send_replace(plan_of(&[moved]));
    all.extend(running.until(3 * INTERVAL).await);
    let after = &running.questions("router")[asked..];
    assert_eq!(after[0].address, "192.0.2.99");
    let moved_at = running.began + INTERVAL / 2;
    assert!(
        after[0].at - moved_at <= Duration::from_secs(1),
        "{after:?}"
    );
    let received = |taken: &Taken| {
        let told = taken
            .readings
            .iter()
            .find(|one| one.series.metric == &metrics::DEVICE_INTERFACE_RECEIVE_BYTES);
        told.map(|one| one.value)
    };
    let totals: Vec<_> = all.iter().filter_map(received).collect();
    assert_eq!(
        totals[..3],
        [4_294_967_286.0, 4_294_967_295.0, 4_294_967_303.0]
    );
    assert!(totals.is_sorted(), "{totals:?}");
}

#[tokio::test(start_paused = true)]
async fn devices_that_hang_delay_only_themselves() {
    let slow = Duration::from_secs(20);
    let centre = Centre::default()
        .with("healthy", SOON, said("healthy"))
        .with("slow", slow, said("slow"));
    // More than are asked at once.
    let mut devices: Vec<_> = (0..8).map(|n| device(&format!("hung-{n}"))).collect();
    devices.extend([device("slow"), device("healthy")]);
    let mut running = start(centre, &devices);
    let told = running.until(10 * INTERVAL).await;
    let of = |name: &str| {
        let of_it = told.iter().filter(|taken| about(taken) == name);
        of_it.map(outcome).collect::<Vec<_>>()
    };
    assert!(of("healthy").len() >= 9, "{}", of("healthy").len());
    assert!(of("healthy").iter().all(|outcome| *outcome == "answered"));
    assert!(of("slow").len() >= 9, "{}", of("slow").len());
    assert!(of("slow").iter().all(|outcome| *outcome == "answered"));
    for question in running.questions("healthy") {
        assert!(question.limit >= LONGEST / 2, "{:?}", question.limit);
    }
    for n in 0..8 {
        let name = format!("hung-{n}");
        assert!(of(&name).len() >= 9, "{name}: {}", of(&name).len());
        assert!(of(&name).iter().all(|outcome| *outcome == "timeout"));
        for pair in running.questions(&name).windows(2) {
            let apart = pair[1].at - pair[0].at;
            assert!(
                apart >= LONGEST - Duration::from_secs(5),
                "two at once: {apart:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_silent_is_asked_in_fewer_words() {
    let hung = device("hung");
    let mut running = start(
        Centre::default().with("fine", SOON, said("1")),
        &[hung, device("fine")],
    );
    running.until(4 * INTERVAL).await;
    let expected = |name: &str| {
        let asked = running.questions(name);
        asked.iter().map(|one| one.expect).collect::<Vec<_>>()
    };
    let hung = expected("hung");
    assert_eq!(hung[0], Expect::Answer);
    assert!(hung[1..].iter().all(|one| *one == Expect::Silence));
    assert!(expected("fine").iter().all(|one| *one == Expect::Answer));
}

#[tokio::test(start_paused = true)]
async fn of_another_device_nothing_is_told_but_that() {
    let mut known = device("router");
    known.serial = Some("A1".to_owned());
    let mut says = said("B2");
    says.uptime_seconds = Some(1_000.0);
    let mut running = start(Centre::default().with("router", SOON, says), &[known]);
    let told = running.until(INTERVAL / 2).await;
    let readings = &told[0].readings;
    assert_eq!(readings.len(), 1, "{readings:?}");
    assert_eq!(outcome(&told[0]), "other_device");
    let lines: Vec<_> = told[0]
        .limitations
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].contains("192.0.2.1 answers another device"),
        "{lines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_that_tells_other_mac_addresses_than_it_has_on_the_wire_is_itself() {
    let mac = Mac([0, 0, 0x5e, 0, 1, 1]);
    for (on_wire, expected) in [(Some(mac), "answered"), (None, "other_device")] {
        let mut known = device("router");
        known.mac = Some(mac);
        let says = Said {
            macs: vec![Mac([0, 27, 0xa9, 1, 2, 3])],
            ..Said::default()
        };
        let mut centre = Centre::default().with("router", SOON, says);
        centre.on_wire = on_wire;
        let mut running = start(centre, &[known]);
        let told = running.until(INTERVAL / 2).await;
        assert_eq!(outcome(&told[0]), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_is_named_until_it_does_or_is_asked_no_more() {
    let mut running = start(
        Centre::default().with("fine", SOON, said("1")),
        &[device("hung"), device("fine")],
    );
    let told = running.until(2 * INTERVAL).await;
    let lines = |taken: &Taken| {
        let lines = taken.limitations.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    };
    let last = lines(told.last().unwrap());
    assert_eq!(last.len(), 1);
    assert!(
        last[0].starts_with("hung, asked by snmp: it does not answer"),
        "{last:?}"
    );
    assert!(!last[0].contains("public"), "{last:?}");
    running.plan.send_replace(plan_of(&[device("fine")]));
    let told = running.until(3 * INTERVAL).await;
    assert_eq!(lines(&told[0]), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn all_devices_together_stay_within_what_an_agent_may_define() {
    let port = |n: u32| Interface {
        name: format!("gi{n}"),
        up: Some(true),
        enabled: Some(true),
        receive_bytes_total: Some(1),
        transmit_bytes_total: Some(1),
        receive_errors_total: Some(0),
        transmit_errors_total: Some(0),
        receive_drops_total: Some(0),
        transmit_drops_total: Some(0),
        ..Interface::default()
    };
    let switch = Said {
        interfaces: (0..60).map(port).collect(),
        ..Said::default()
    };
    let mut centre = Centre::default().with("printer", SOON, said("1"));
    let mut devices = vec![device("printer")];
    for n in 0..6 {
        let name = format!("switch-{n}");
        centre = centre.with(&name, SOON, switch.clone());
        devices.push(device(&name));
    }
    let mut running = start(centre, &devices);
    running.until(2 * INTERVAL).await;
    let told = running.until(4 * INTERVAL).await;
    let mut newest = BTreeMap::new();
    for taken in &told {
        newest.insert(about(taken), taken.readings.len());
    }
    assert_eq!(newest.len(), 7);
    assert_eq!(
        newest["printer"], 4,
        "outcome, duration, what it is and who says so"
    );
    let sum: usize = newest.values().sum();
    assert!((1_200..=share::PER_SCOUT).contains(&sum), "{newest:?}");
    let lines = &told.last().unwrap().limitations;
    assert_eq!(lines.len(), 6, "{lines:?}");
    let even = (share::PER_SCOUT - 4) / 6;
    let line = format!("switch-0: {even} of ");
    assert!(lines[0].what.starts_with(&line), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_plan_and_when_nobody_takes_what_is_read() {
    let fine = || Centre::default().with("fine", SOON, said("1"));
    let running = start(fine(), &[device("fine")]);
    drop(running.plan);
    running.task.await.unwrap();
    let running = start(fine(), &[device("fine")]);
    drop(running.taken);
    running.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_short_interval_bounds_how_long_a_device_may_take() {
    let mut running = start(Centre::default(), &[device("hung")]);
    running
        .plan
        .send_modify(|plan| plan.device_interval = Duration::from_secs(1));
    let told = running.until(Duration::from_secs(40)).await;
    assert!(told.len() >= 25, "{}", told.len());
    let asked = running.questions("hung");
    assert!(asked.last().unwrap().limit <= Duration::from_secs(1));
}

#[tokio::test]
async fn real_peers_that_are_silent_or_absent_are_told_apart() {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let (silent, closed) = (bind(), port(&bind()));
    let at = |name: &str, port: u16| {
        let mut device = device(name);
        device.address = Ipv4Addr::LOCALHOST.into();
        device.snmp.as_mut().unwrap().port = port;
        device
    };
    let mut plan = plan_of(&[at("silent", port(&silent)), at("closed", closed)]);
    plan.device_interval = Duration::from_secs(1);
    let (_plan, planned) = watch::channel(plan);
    let (sender, mut taken) = mpsc::channel(64);
    let lead = watch::Sender::new(None);
    let shared = Shared::new(Transport::new(), lead.subscribe(), sender);
    let task = tokio::spawn(follow(shared, planned));
    let mut outcomes = BTreeMap::new();
    let hear = async {
        while outcomes.len() < 2 {
            let taken = taken.recv().await.unwrap();
            outcomes.insert(about(&taken).to_owned(), outcome(&taken).to_owned());
        }
    };
    let heard = tokio::time::timeout(Duration::from_mins(1), hear).await;
    task.abort();
    assert!(heard.is_ok(), "{outcomes:?}");
    assert_eq!(
        (&*outcomes["silent"], &*outcomes["closed"]),
        ("timeout", "refused")
    );
}

#[tokio::test(start_paused = true)]
async fn pages_of_one_protocol_are_not_told_as_those_of_the_other_when_one_answer_is_lost() {
    let pages = |pages| Said {
        pages_total: Some(pages),
        ..Said::default()
    };
    let by_ipp = || pages(119_400);
    let says = vec![
        (pages(120_000), by_ipp()),
        (Said::default(), by_ipp()),
        (pages(120_001), by_ipp()),
    ];
    let centre = Centre::default().with_both("mfp", SOON, says);
    let mut running = start(centre, &[device("mfp")]);
    let told = running.until(4 * INTERVAL).await;
    let all = told.iter().flat_map(|taken| &taken.readings);
    let pages = all.filter(|one| one.series.metric == &metrics::PRINTER_PAGES);
    let pages: Vec<_> = pages.map(|one| one.value).collect();
    assert_eq!(pages[..2], [120_000.0, 120_001.0]);
    assert!(pages.is_sorted(), "{pages:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_with_ever_new_names_is_told_of_less_and_named() {
    let port = |name: String| Interface {
        name,
        up: Some(true),
        enabled: Some(true),
        receive_errors_total: Some(0),
        transmit_errors_total: Some(0),
        receive_drops_total: Some(0),
        transmit_drops_total: Some(0),
        ..Interface::default()
    };
    let poll = |poll: u32| Said {
        interfaces: (0..60)
            .map(|n| port(format!("<pppoe-{poll}-{n}>")))
            .collect(),
        ..Said::default()
    };
    let centre = Centre::default().with_each("router", SOON, (0..10).map(poll).collect());
    let mut running = start(centre, &[device("router")]);
    let told = running.until(8 * INTERVAL).await;
    let all = told.iter().flat_map(|taken| &taken.readings);
    let names: BTreeSet<_> = all.map(|one| format!("{:?}", one.series)).collect();
    assert!((750..800).contains(&names.len()), "{}", names.len());
    let last = told.last().unwrap();
    let line = last.limitations.first().unwrap().to_string();
    assert!(line.contains("under new names are not told"), "{line}");
    assert_eq!(outcome(last), "answered");
}
