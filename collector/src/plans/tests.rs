//! Who is asked to probe whom, and when agents are told.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::config::Config;
use crate::registry::fixture;

fn agent(device: &str, kind: &str) -> Agent {
    Agent {
        kind: kind.into(),
        ..fixture::pc(device)
    }
}

fn plans(settings: &str) -> Arc<Plans> {
    under(Config::parse("c.toml", settings).unwrap().plan)
}

fn under(plan: Plan) -> Arc<Plans> {
    let scouts = Scouts::new(&plan, Vec::new());
    Plans::new(plan, scouts)
}

fn newcomer(addresses: &[String], held: u64) -> Newcomer<'_> {
    Newcomer {
        addresses,
        can_scout: false,
        held,
    }
}

const QUIET: &str = "[plan]\nusual = false";

/// A PC with one address connects, which holds a plan.
fn holding(plans: &Arc<Plans>, device: &str, address: &str, held: u64) -> Planned {
    plans.connected(&agent(device, "pc"), newcomer(&[address.to_owned()], held))
}

fn pc(plans: &Arc<Plans>, device: &str, address: &str) -> Planned {
    holding(plans, device, address, 0)
}

/// Whom a plan names.
fn named(plan: &Plan) -> Vec<&str> {
    plan.targets.iter().map(|target| &*target.name).collect()
}

/// What an agent is told without waiting for it.
async fn told(planned: &mut Planned) -> Option<Plan> {
    let next = tokio::time::timeout(Duration::ZERO, planned.next());
    next.await.ok()
}

#[tokio::test(start_paused = true)]
async fn each_probes_the_next_two_of_its_own_network() {
    let plans = plans(QUIET);
    let all: Vec<_> = (1..=4)
        .map(|n| pc(&plans, &format!("pc-{n}"), &format!("10.0.0.{n}")))
        .collect();
    let _elsewhere = pc(&plans, "pc-1b", "10.0.1.9");
    let router = plans.connected(
        &agent("router", "router"),
        newcomer(&["10.0.0.254".into()], 0),
    );
    let expected = [
        ["pc-2", "pc-3"],
        ["pc-3", "pc-4"],
        ["pc-4", "pc-1"],
        ["pc-1", "pc-2"],
    ];
    for (planned, expected) in all.iter().zip(expected) {
        let plan = planned.plan();
        assert_eq!(named(&plan), expected);
        assert_eq!(plan.validate(), Ok(()));
        let segments = plan.targets.iter().map(|target| target.segment);
        assert!(segments.into_iter().all(|one| one == Segment::Lan));
    }
    // Who is probed by nobody may still probe others.
    assert_eq!(named(&router.plan()), ["pc-1", "pc-2"]);
}

#[tokio::test(start_paused = true)]
async fn no_address_leads_out_of_the_house() {
    let plans = plans(QUIET);
    for (one, other, expected) in [
        ("10.0.0.1", "10.0.0.2", true),
        ("10.0.0.1", "10.0.0.1", false),
        ("10.0.0.1", "10.0.1.2", false),
        ("127.0.0.1", "127.0.0.2", false),
        ("169.254.0.1", "169.254.0.2", false),
        ("224.0.0.1", "224.0.0.2", false),
        ("0.0.0.0", "0.0.0.1", false),
        ("fe80::1", "fe80::2", false),
        ("2001:db8::1", "2001:db8::2", true),
        ("2001:db8::1", "2001:db8:0:1::2", false),
        ("10.0.0.1", "2001:db8::2", false),
        ("::ffff:10.0.0.1", "10.0.0.2", true),
        ("nonsense", "10.0.0.2", false),
        ("10.0.0.1", "10.0.0.2; reboot", false),
    ] {
        let asks = pc(&plans, "a", one);
        let _probed = pc(&plans, "b", other);
        assert_eq!(asks.plan().targets.len() == 1, expected, "{one} {other}");
    }
    let many: Vec<String> = (0..100).map(|n| format!("10.0.{n}.1")).collect();
    let many = plans.connected(&agent("a", "pc"), newcomer(&many, 0));
    let _last = pc(&plans, "b", "10.0.99.2");
    assert!(many.plan().targets.is_empty(), "what is told is bounded");
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_told_at_once_when_settings_differ_and_later_when_machines_do() {
    let plans = plans(QUIET);
    let mut first = pc(&plans, "pc-1", "10.0.0.1");
    let alone = told(&mut first).await.unwrap();
    assert!(alone.targets.is_empty());
    assert_eq!(told(&mut first).await, None, "it has it");
    tokio::time::sleep(GATHER).await;
    let mut second = pc(&plans, "pc-2", "10.0.0.2");
    assert_eq!(named(&told(&mut second).await.unwrap()), ["pc-1"]);
    let began = Instant::now();
    let both = first.next().await;
    assert_eq!((named(&both), began.elapsed()), (vec!["pc-2"], SETTLE));
    assert!(version::are_alike_but_for_machines(
        alone.version,
        both.version
    ));
    // Off at night, and back: nothing new.
    drop(second);
    tokio::time::sleep(GONE / 2).await;
    plans.forget_gone();
    assert_eq!(first.plan(), both);
    let mut second = holding(&plans, "pc-2", "10.0.0.2", second_version(&plans));
    tokio::time::sleep(SETTLE * 2).await;
    assert_eq!(told(&mut second).await, None);
    assert_eq!(told(&mut first).await, None);
    // Another address is.
    let _moved = pc(&plans, "pc-2", "10.0.0.22");
    let moved = first.next().await;
    assert_ne!(moved.version, both.version);
    // The end of the older stream says nothing of the newer one.
    drop(second);
    tokio::time::sleep(GONE * 2).await;
    plans.forget_gone();
    assert_eq!(first.plan(), moved);
}

/// Of the plan that the second machine of two has.
fn second_version(plans: &Arc<Plans>) -> u64 {
    pc(plans, "pc-2", "10.0.0.2").plan().version
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_for_a_day_is_not_probed_any_more() {
    let plans = plans(QUIET);
    let mut first = pc(&plans, "pc-1", "10.0.0.1");
    drop(pc(&plans, "pc-2", "10.0.0.2"));
    assert_eq!(named(&told(&mut first).await.unwrap()), ["pc-2"]);
    let tidying = tokio::spawn({
        let plans = Arc::clone(&plans);
        async move { plans.tidy().await }
    });
    let began = Instant::now();
    assert!(named(&first.next().await).is_empty());
    assert!(began.elapsed() >= GONE, "{:?}", began.elapsed());
    drop(first);
    tokio::time::sleep(GONE + TIDY).await;
    assert!(
        plans.lock().is_empty(),
        "nothing is kept of an empty centre"
    );
    tidying.abort();
}

#[tokio::test(start_paused = true)]
async fn a_restart_sends_nothing_anew() {
    let before = plans(QUIET);
    let _first = pc(&before, "pc-1", "10.0.0.1");
    let held = pc(&before, "pc-2", "10.0.0.2").plan().version;
    let after = plans(QUIET);
    let mut second = holding(&after, "pc-2", "10.0.0.2", held);
    assert_ne!(second.plan().version, held, "nobody else is back yet");
    assert_eq!(told(&mut second).await, None);
    let _first = pc(&after, "pc-1", "10.0.0.1");
    tokio::time::sleep(GATHER * 2).await;
    assert_eq!(told(&mut second).await, None);
    // Other settings are told at once, whoever is back.
    let other = plans("[plan]\nusual = false\nlink_interval = '5s'");
    let mut second = holding(&other, "pc-2", "10.0.0.2", held);
    let plan = told(&mut second).await.unwrap();
    assert_eq!(plan.link_interval, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn versions_follow_the_settings() {
    let version = |settings: &str| plans(settings).settings.version;
    assert_ne!(version(""), 0);
    assert_eq!(version(""), version("province = 'Lạng Sơn'"));
    assert_ne!(version(""), version("[plan]\nlink_interval = '5s'"));
    let anchor = "[[anchor]]\nname = 'hub'\naddress = '192.0.2.1'";
    assert_ne!(version(""), version(anchor));
}

#[tokio::test(start_paused = true)]
async fn a_machine_named_like_an_anchor_is_left_out_and_so_is_one_too_many() {
    let anchor = |name: &str| format!("[[anchor]]\nname = '{name}'\naddress = '192.0.2.1'\n");
    let one = plans(&anchor("pc-2"));
    let first = pc(&one, "pc-1", "10.0.0.1");
    let _others = [2, 3].map(|n| pc(&one, &format!("pc-{n}"), &format!("10.0.0.{n}")));
    assert_eq!(named(&first.plan()), ["pc-3", "pc-2"]);
    assert_eq!(first.plan().validate(), Ok(()));
    let target = |number| Target {
        name: format!("a{number}"),
        address: "192.0.2.1".into(),
        segment: Segment::Core,
        network: None,
    };
    // The settings have fewer.
    let full = under(Plan {
        targets: (0..TARGETS_PER_PLAN).map(target).collect(),
        ..Plan::default()
    });
    let first = pc(&full, "pc-1", "10.0.0.1");
    let _other = pc(&full, "pc-2", "10.0.0.2");
    assert_eq!(first.plan().validate(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_power_is_missed_from_the_report_that_did_not_come() {
    let plans = plans("");
    let centre = "cong-son".parse().expect("an id");
    let since = |name: &str| {
        let machines = plans.machines(&centre);
        let left = machines.into_iter().find(|one| one.device.as_str() == name);
        left.and_then(|machine| machine.left)
    };
    let (mut dark, mut cut_off) = (
        pc(&plans, "pc-1", "10.0.0.1"),
        pc(&plans, "pc-2", "10.0.0.2"),
    );
    tokio::time::advance(Duration::from_mins(10)).await;
    dark.heard();
    let overdue = Instant::now() + Plan::default().report_interval;
    tokio::time::advance(Duration::from_secs(95)).await;
    cut_off.heard();
    drop((dark, cut_off));
    assert_eq!(since("pc-1"), Some(Departure::Silent { since: overdue }));
    let now = Instant::now();
    assert_eq!(since("pc-2"), Some(Departure::Silent { since: now }));
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_woken_by_one_that_is_there_and_by_another_when_that_leaves() {
    let plans = plans(QUIET);
    let macs = ["001ba9010203".to_owned()];
    let sleeper = agent("pc-1", "pc");
    let device = sleeper.device.clone();
    let soon = Timestamp::now() + Duration::from_mins(5);
    let asleep = pc(&plans, "pc-1", "10.0.0.1");
    plans.is_there(&sleeper, &macs);
    let wake = || plans.wake(&sleeper.centre, &device, soon);
    assert_eq!(wake(), Err(NotWoken::Nobody), "nobody wakes itself");
    asleep.goodbye();
    drop(asleep);
    let mut second = pc(&plans, "pc-2", "10.0.0.2");
    let mut third = pc(&plans, "pc-3", "10.0.0.3");
    for planned in [&mut second, &mut third] {
        while told(planned).await.is_some() {}
    }
    assert_eq!(wake(), Ok(()));
    let plan = told(&mut second).await.unwrap();
    assert_eq!(plan.validate(), Ok(()));
    let (machine, _) = plan.to_wake().unwrap();
    assert_eq!(
        (&machine.name, &*machine.mac.to_string()),
        (&device, &*macs[0])
    );
    assert_eq!(told(&mut third).await, None, "one is enough");
    drop(second);
    let plan = told(&mut third).await.unwrap();
    assert_eq!(
        plan.to_wake().map(|(machine, _)| &machine.name),
        Some(&device)
    );
}

#[tokio::test(start_paused = true)]
async fn the_province_alone_is_asked_to_look_at_lines_from_outside() {
    let text =
        "[reverse]\nfrom = 'cong-son'\n[[line]]\ncentre = 'mau-son'\naddress = '203.0.113.5'";
    let config = Config::parse("test.toml", text).unwrap();
    let scouts = Scouts::new(&config.plan, Vec::new());
    let plans = Plans::looking_at(config.reverse.clone(), config.plan.clone(), scouts);
    let looks = pc(&plans, "pc-1", "10.0.0.1").plan();
    assert_eq!(looks.validate(), Ok(()));
    let line = looks
        .targets
        .iter()
        .find(|target| target.segment == Segment::Reverse);
    assert_eq!(line.map(|line| &*line.name), Some("mau-son"));
    let others = &plans.settings_of(&"mau-son".parse().unwrap());
    assert!(
        others
            .targets
            .iter()
            .all(|target| target.segment != Segment::Reverse)
    );
    assert_ne!(looks.version, others.version);
}
