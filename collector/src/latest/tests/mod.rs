//! When values appear, stay and vanish.

mod polled;

use jiff::Timestamp;
use proto::limits::SERIES_PER_AGENT;
use proto::metrics::{self as catalogue, Metric, Part};

use super::*;

const STALE: Duration = Duration::from_secs(45);
const PATIENCE: Patience = Patience {
    reports: STALE,
    samples: STALE,
};

fn latest() -> (Latest, DeviceKey) {
    let id = |text: &str| text.parse().expect("an id");
    let key = DeviceKey {
        centre: id("cong-son"),
        device: "pc-1".parse().expect("an id"),
    };
    let latest = Latest::new(PATIENCE);
    latest.follow([(key.clone(), enrolled())]);
    (latest, key)
}

fn enrolled() -> Enrolled {
    Enrolled {
        agent: "a1".parse().expect("an id"),
        kind: "pc".into(),
        version: "1".into(),
        os: "linux".into(),
        arch: "x86_64".into(),
        certificate_until: None,
        last_report: None,
        goodbye: None,
    }
}

fn cpu() -> Series {
    let (metric, part) = catalogue::find("dawnwatch_cpu_usage_ratio").expect("known");
    Series {
        device: None,
        metric,
        part,
        labels: Vec::new(),
    }
}

fn report(device: &Mutex<Device>, time_unix_ms: i64, value: f64) {
    let mut device = lock(device);
    device.reported(Timestamp::UNIX_EPOCH, 0.0, 0);
    let slot = device.slot(&cpu()).expect("a place");
    device.receiving().update(slot, time_unix_ms, value);
}

fn shown(device: &Mutex<Device>) -> (Presence, Option<f64>) {
    let device = lock(device);
    (
        device.presence(),
        device.value(&catalogue::DEVICE_CPU_USAGE),
    )
}

#[tokio::test(start_paused = true)]
async fn values_vanish_in_silence_and_come_back() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    assert_eq!(shown(&device), (Presence::Never, None));
    report(&device, 1_000, 0.5);
    assert_eq!(shown(&device), (Presence::Live, Some(0.5)));
    tokio::time::advance(STALE).await;
    assert_eq!(shown(&device), (Presence::Silent, None));
    report(&device, 2_000, 0.6);
    assert_eq!(shown(&device), (Presence::Live, Some(0.6)));
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_told_from_silence() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    report(&device, 1_000, 0.5);
    lock(&device).goodbye(diagnosis::record::Goodbye::Stop);
    assert_eq!(shown(&device), (Presence::Goodbye, None));
}

#[tokio::test(start_paused = true)]
async fn one_series_that_stops_vanishes_alone() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    report(&device, 1_000, 0.5);
    tokio::time::advance(STALE).await;
    lock(&device).reported(Timestamp::UNIX_EPOCH, 0.0, 0);
    assert_eq!(shown(&device), (Presence::Live, None));
}

#[tokio::test(start_paused = true)]
async fn an_older_sample_never_replaces_a_newer_one() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    report(&device, 120_000, 0.5);
    report(&device, 60_000, 0.9);
    assert_eq!(shown(&device).1, Some(0.5));
    let device = lock(&device);
    let slot = device
        .of(&catalogue::DEVICE_CPU_USAGE)
        .next()
        .expect("live");
    let history = slot.history(120_000);
    assert_eq!(
        history.get(HISTORY_MINUTES - 2..),
        Some(&[Some(0.9), Some(0.5)][..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_stream_forgets_what_is_no_longer_sent_but_not_the_last_hour() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    report(&device, 60_000, 0.5);
    tokio::time::advance(STALE).await;
    lock(&device).begin_stream(30 * 60_000);
    assert_eq!(lock(&device).slots.len(), 1);
    lock(&device).begin_stream(90 * 60_000);
    assert_eq!(lock(&device).slots.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_sample_corrects_history_alone() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    report(&device, 30 * 60_000, 0.5);
    lock(&device).receiving().remember(0, 10 * 60_000, 0.9);
    assert_eq!(shown(&device).1, Some(0.5));
    let device = lock(&device);
    let slot = device
        .of(&catalogue::DEVICE_CPU_USAGE)
        .next()
        .expect("live");
    let history: Vec<_> = slot.history(30 * 60_000).into_iter().flatten().collect();
    assert_eq!(history, [0.9, 0.5]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_over_many_streams_stays_within_the_bound() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    let interface = |name: usize| Series {
        device: None,
        metric: &catalogue::DEVICE_INTERFACE_UP,
        part: proto::metrics::Part::Value,
        labels: vec![("interface", name.to_string())],
    };
    for stream in 0..5 {
        tokio::time::advance(Duration::from_hours(5)).await;
        let mut device = lock(&device);
        device.begin_stream(0);
        for name in 0..SERIES_PER_AGENT {
            assert!(
                device
                    .slot(&interface(stream * SERIES_PER_AGENT + name))
                    .is_some()
            );
        }
        assert_eq!(device.slot(&interface(usize::MAX)), None);
        assert_eq!(
            (device.slots.len(), device.by_name.len()),
            (SERIES_PER_AGENT, SERIES_PER_AGENT)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_are_always_new_run_out_and_those_that_come_again_do_not() {
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    let interface = |name: usize| Series {
        device: None,
        metric: &catalogue::DEVICE_INTERFACE_UP,
        part: Part::Value,
        labels: vec![("interface", name.to_string())],
    };
    // A day of reconnects after silences that make every value old.
    for _ in 0..200 {
        lock(&device).begin_stream(0);
        for name in 0..1_500 {
            assert!(lock(&device).slot(&interface(name)).is_some());
        }
        tokio::time::advance(10 * STALE).await;
    }
    let mut admitted = 0;
    for stream in 1..=3_600 {
        lock(&device).begin_stream(0);
        let fresh = (0..20).map(|name| interface(stream * 10_000 + name));
        admitted += fresh
            .filter(|series| lock(&device).slot(series).is_some())
            .count();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let most = 2 * SERIES_PER_AGENT + 1_000;
    assert!(
        (most - 100..=most).contains(&admitted),
        "in an hour: {admitted}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_stream_finds_what_it_names_again_wherever_that_is_now() {
    let (latest, key) = latest();
    let shared = latest.device(&key).expect("enrolled");
    let interface = |name: usize| Series {
        device: None,
        metric: &catalogue::DEVICE_INTERFACE_UP,
        part: Part::Value,
        labels: vec![("interface", name.to_string())],
    };
    let report = |name: usize, value: f64| {
        let mut device = lock(&shared);
        let slot = device.slot(&interface(name)).expect("a place");
        device.receiving().update(slot, 1_000, value);
        device.reported(Timestamp::UNIX_EPOCH, 0.0, 0);
    };
    for name in 0..100 {
        report(name, 0.0);
    }
    tokio::time::advance(STALE).await;
    // What is not named again has gone, and the others stand closer together.
    for name in (0..100).rev().step_by(3) {
        report(name, 1.0);
    }
    lock(&shared).begin_stream(0);
    lock(&shared).begin_stream(0);
    for name in (0..100).rev().step_by(3) {
        report(name, 2.0);
    }
    let device = lock(&shared);
    let shown: Vec<_> = device
        .of(&catalogue::DEVICE_INTERFACE_UP)
        .map(|slot| {
            (
                slot.label("interface").parse().expect("a number"),
                slot.value,
            )
        })
        .collect();
    let expected: Vec<(usize, f64)> = (0..100).step_by(3).map(|name| (name, 2.0)).collect();
    assert_eq!(shown, expected);
    assert_eq!(device.slots.len(), expected.len());
}

fn series(metric: &'static Metric, values: &str) -> Series {
    let labels = metric.labels.iter().copied();
    Series {
        device: None,
        metric,
        part: Part::Value,
        labels: labels.zip(values.split(' ').map(str::to_owned)).collect(),
    }
}

/// Takes what one run of a probe told, all of one moment.
fn run(device: &Mutex<Device>, time_unix_ms: i64, told: &[(&'static Metric, &str, f64)]) {
    let mut device = lock(device);
    device.reported(Timestamp::UNIX_EPOCH, 0.0, 0);
    for (metric, labels, value) in told {
        let slot = device.slot(&series(metric, labels)).expect("a place");
        device.receiving().update(slot, time_unix_ms, *value);
    }
}

/// Names without prefix, labels and values of all that is shown, in order.
fn page(device: &Mutex<Device>) -> Vec<String> {
    let device = lock(device);
    let line = |slot: &Slot| {
        let labels = slot.series().labels.iter();
        let labels: Vec<_> = labels.map(|(_, value)| value.as_str()).collect();
        let name = slot.series().metric.name.trim_start_matches("dawnwatch_");
        format!("{name} {} {}", labels.join(" "), slot.value)
    };
    let mut lines: Vec<_> = device.live().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test(start_paused = true)]
async fn what_the_newest_run_of_a_probe_does_not_tell_is_not_shown() {
    use catalogue::{
        LINK_LOSS, LINK_RTT_MEDIAN, PATH_CHANGES, PATH_HOPS, PATH_MTU, PROBE_OUTCOME, PROBE_PHASE,
        PROBE_STATUS, PROBE_SUCCESS,
    };
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    report(&device, 1_000, 0.5);
    for service in ["portal", "login"] {
        run(
            &device,
            2_000,
            &[
                (&PROBE_SUCCESS, service, 1.0),
                (&PROBE_OUTCOME, &format!("{service} answered"), 1.0),
                (&PROBE_PHASE, &format!("{service} connect"), 0.1),
                (&PROBE_STATUS, service, 200.0),
            ],
        );
    }
    run(&device, 2_000, &[(&PATH_MTU, "core", 1_500.0)]);
    run(
        &device,
        3_000,
        &[(&PATH_HOPS, "core", 9.0), (&PATH_CHANGES, "core", 0.0)],
    );
    let answered = [
        (&LINK_LOSS, "line isp", 0.0),
        (&LINK_RTT_MEDIAN, "line isp", 0.02),
    ];
    run(&device, 3_000, &answered);
    assert_eq!(page(&device).len(), 1 + 8 + 1 + 2 + 2);
    // The portal times out, the path does not arrive, and the link loses all.
    run(
        &device,
        62_000,
        &[
            (&PROBE_SUCCESS, "portal", 0.0),
            (&PROBE_OUTCOME, "portal answered", 0.0),
            (&PROBE_OUTCOME, "portal timeout", 1.0),
        ],
    );
    run(
        &device,
        63_000,
        &[(&PATH_CHANGES, "core", 0.0), (&LINK_LOSS, "line isp", 1.0)],
    );
    let expected = [
        "cpu_usage_ratio  0.5",
        "link_loss_ratio line isp 1",
        "path_changes_total core 0",
        "path_mtu_bytes core 1500",
        "probe_http_status_code login 200",
        "probe_outcome login answered 1",
        "probe_outcome portal answered 0",
        "probe_outcome portal timeout 1",
        "probe_phase_duration_seconds login connect 0.1",
        "probe_success login 1",
        "probe_success portal 0",
    ];
    assert_eq!(page(&device), expected);
    // What an older run told comes after it: it is as old as before.
    run(&device, 61_000, &[(&PROBE_STATUS, "portal", 503.0)]);
    assert_eq!(page(&device), expected);
    run(&device, 64_000, &answered);
    assert!(page(&device).contains(&"link_rtt_median_seconds line isp 0.02".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_was_started_anew_has_one_outcome_and_slots_may_move() {
    use catalogue::{DEVICE_INTERFACE_UP, DNS_DURATION, DNS_OUTCOME, PROBE_OUTCOME};
    let (latest, key) = latest();
    let device = latest.device(&key).expect("enrolled");
    // Goes soon, so that what is behind it moves.
    run(&device, 0, &[(&DEVICE_INTERFACE_UP, "eth9", 1.0)]);
    run(&device, 0, &[(&PROBE_OUTCOME, "gone answered", 1.0)]);
    tokio::time::advance(STALE).await;
    run(&device, 1_000, &[(&PROBE_OUTCOME, "portal answered", 1.0)]);
    run(
        &device,
        1_000,
        &[
            (&DNS_OUTCOME, "system answered", 1.0),
            (&DNS_DURATION, "system", 0.01),
        ],
    );
    lock(&device).begin_stream(0);
    lock(&device).begin_stream(0);
    assert_eq!(page(&device).len(), 3);
    run(&device, 2_000, &[(&PROBE_OUTCOME, "portal timeout", 1.0)]);
    run(&device, 2_000, &[(&DNS_OUTCOME, "system servfail", 1.0)]);
    let expected = [
        "dns_outcome system servfail 1",
        "probe_outcome portal timeout 1",
    ];
    assert_eq!(page(&device), expected);
}

#[test]
fn patience_follows_the_plan_and_has_a_floor() {
    let seconds = Duration::from_secs;
    let plan = Plan {
        link_interval: seconds(600),
        report_interval: seconds(60),
        ..Plan::default()
    };
    let expected = Patience {
        reports: seconds(130),
        samples: seconds(1_800),
    };
    assert_eq!(Patience::with(&plan), expected);
    let hurried = Plan {
        host_interval: seconds(1),
        link_interval: seconds(1),
        report_interval: seconds(1),
        ..Plan::default()
    };
    let expected = Patience {
        reports: seconds(12),
        samples: seconds(10),
    };
    assert_eq!(Patience::with(&hurried), expected);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_device_vanishes() {
    let (latest, key) = latest();
    latest.follow::<Enrolled>([]);
    assert!(latest.device(&key).is_none());
}
