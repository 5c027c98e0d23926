//! Devices without an agent: when they are up, what is shown of them, and how much.

use catalogue::{
    DEVICE_INFO, DEVICE_INTERFACE_UP, DEVICE_POLL_OUTCOME, PRINTER_CONDITION, PRINTER_SUPPLY_RATIO,
    PRINTER_SUPPLY_STATE,
};
use proto::limits::SERIES_PER_DEVICE;
use proto::plan::Kind;

use super::*;

const PRINTER: Polled = Polled {
    kind: Kind::Printer,
};

fn printer() -> (Latest, DeviceKey) {
    let (latest, pc) = latest();
    let key = DeviceKey {
        device: "printer-1".parse().expect("an id"),
        ..pc
    };
    latest.follow([(key.clone(), PRINTER)]);
    (latest, key)
}

/// Takes what one poll told.
fn poll(device: &Mutex<Device>, time_unix_ms: i64, told: &[(&'static Metric, &str, f64)]) {
    let mut device = lock(device);
    device.heard_of(Timestamp::UNIX_EPOCH);
    for (metric, labels, value) in told {
        let slot = device.slot(&series(metric, labels)).expect("a place");
        device.receiving().update(slot, time_unix_ms, *value);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_up_when_its_newest_poll_was_answered_by_any_protocol() {
    let (latest, key) = printer();
    let device = latest.device(&key).expect("approved");
    let is_up = || lock(&device).is_up();
    assert_eq!(is_up(), None, "nobody asked it yet");
    let mut time_unix_ms = 0;
    let mut polled = |outcomes: &[(&str, f64)]| {
        time_unix_ms += 60_000;
        let told: Vec<_> = outcomes
            .iter()
            .map(|(labels, value)| (&DEVICE_POLL_OUTCOME, *labels, *value))
            .collect();
        poll(&device, time_unix_ms, &told);
    };
    polled(&[("snmp answered", 1.0)]);
    assert_eq!(is_up(), Some(true));
    polled(&[("snmp answered", 0.0), ("snmp timeout", 1.0)]);
    assert_eq!(is_up(), Some(false));
    polled(&[("snmp timeout", 1.0), ("ipp partly", 1.0)]);
    assert_eq!(is_up(), Some(true));
    // Another scout knows nothing of outcomes before its own.
    polled(&[("snmp other_device", 1.0), ("ipp timeout", 1.0)]);
    assert_eq!(is_up(), Some(false));
    tokio::time::advance(STALE).await;
    assert_eq!(is_up(), None, "nobody asks it any more");
}

#[tokio::test(start_paused = true)]
async fn another_scout_repeats_no_state_of_before() {
    let (latest, key) = printer();
    let device = latest.device(&key).expect("approved");
    poll(
        &device,
        1_000,
        &[
            (&PRINTER_CONDITION, "jam", 1.0),
            (&PRINTER_SUPPLY_STATE, "Black measured", 1.0),
            (&PRINTER_SUPPLY_RATIO, "Black black", 0.5),
            (&DEVICE_INTERFACE_UP, "eth0", 1.0),
        ],
    );
    poll(
        &device,
        2_000,
        &[(&DEVICE_POLL_OUTCOME, "snmp timeout", 1.0)],
    );
    assert_eq!(
        page(&device).len(),
        5,
        "one poll without an answer hides nothing"
    );
    poll(
        &device,
        3_000,
        &[
            (&PRINTER_CONDITION, "cover_open", 1.0),
            (&PRINTER_SUPPLY_STATE, "Black some_remaining", 1.0),
            (&DEVICE_POLL_OUTCOME, "snmp answered", 1.0),
        ],
    );
    let expected = [
        "device_poll_outcome snmp answered 1",
        "interface_up eth0 1",
        "printer_condition cover_open 1",
        "printer_supply_state Black some_remaining 1",
    ];
    assert_eq!(page(&device), expected);
}

#[tokio::test(start_paused = true)]
async fn what_it_is_is_news_once_and_one_thing_at_a_time() {
    let (latest, key) = printer();
    let device = latest.device(&key).expect("approved");
    let inventory = || {
        let (name, is_new) = lock(&device).inventory()?;
        let firmware = name.series.labels.last()?.1.clone();
        Some((firmware, is_new))
    };
    let mut expected = Vec::new();
    assert_eq!(inventory(), None);
    for (time_unix_ms, firmware, is_new) in [
        (1_000, "1", true),
        (2_000, "1", false),
        (3_000, "2", true),
        (4_000, "1", true),
    ] {
        let labels = format!("HP M404 X1 {firmware}");
        let info = Series {
            labels: ["vendor", "model", "serial", "firmware"]
                .into_iter()
                .zip(labels.split(' ').map(str::to_owned))
                .collect(),
            ..series(&DEVICE_INFO, "")
        };
        let mut device = lock(&device);
        device.heard_of(Timestamp::UNIX_EPOCH);
        let slot = device.slot(&info).expect("a place");
        device.receiving().update(slot, time_unix_ms, 1.0);
        assert_eq!(device.of(&DEVICE_INFO).count(), 1, "{firmware}");
        drop(device);
        expected.push((firmware.to_owned(), is_new));
        assert_eq!(inventory(), expected.last().cloned());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_another_thing_all_the_time_is_news_now_and_then() {
    let (latest, key) = printer();
    let device = latest.device(&key).expect("approved");
    let says = |time_unix_ms: i64, serial: &str| {
        let info = Series {
            labels: vec![("serial", serial.to_owned())],
            ..series(&DEVICE_INFO, "")
        };
        let mut device = lock(&device);
        device.heard_of(Timestamp::UNIX_EPOCH);
        let slot = device.slot(&info).expect("a place");
        device.receiving().update(slot, time_unix_ms, 1.0);
        device.inventory().is_some_and(|(_, is_new)| is_new)
    };
    let in_turns = |from: i64| {
        let words =
            (from..from + 1_000).map(|time| says(time, if time % 2 == 0 { "a" } else { "b" }));
        words.filter(|is_new| *is_new).count()
    };
    assert_eq!(in_turns(0), 8);
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(in_turns(1_000), 2);
    // What it is in the end is not forgotten over that.
    tokio::time::advance(Duration::from_hours(1)).await;
    assert!(says(2_001, "c"));
}

#[tokio::test(start_paused = true)]
async fn it_has_room_for_what_a_device_tells_whoever_tells_it() {
    let (latest, key) = printer();
    let device = latest.device(&key).expect("approved");
    let mut device = lock(&device);
    let mut fits = |stream: usize| {
        device.begin_stream(0);
        let names = (0..2 * SERIES_PER_DEVICE).map(|number| format!("{stream}-{number}"));
        names
            .filter(|name| device.slot(&series(&DEVICE_INTERFACE_UP, name)).is_some())
            .count()
    };
    for stream in 0..3 {
        assert_eq!(fits(stream), SERIES_PER_DEVICE);
    }
    assert_eq!(device.slots.len(), SERIES_PER_DEVICE);
}

#[tokio::test(start_paused = true)]
async fn the_registry_says_what_is_polled_and_an_agent_goes_first() {
    let (latest, key) = printer();
    let device = latest.device(&key).expect("approved");
    poll(&device, 1_000, &[(&PRINTER_CONDITION, "jam", 1.0)]);
    // Somebody corrects its kind: what is known of it stays.
    let router = Polled { kind: Kind::Router };
    latest.follow([(key.clone(), router)]);
    let (same, kind) = latest.polled(&key).expect("approved");
    assert!(Arc::ptr_eq(&same, &device) && kind == Kind::Router);
    assert_eq!(lock(&device).kind(), "router");
    assert_eq!(page(&device), ["printer_condition jam 1"]);
    // A machine of this name enrols: that is another thing, in whichever order they are told.
    let enrolled = Source::Agent(enrolled());
    for order in [
        [enrolled.clone(), Source::Polled(PRINTER)],
        [Source::Polled(PRINTER), enrolled],
    ] {
        latest.follow(order.map(|source| (key.clone(), source)));
        assert!(latest.polled(&key).is_none());
        let now = latest.device(&key).expect("enrolled");
        assert!(lock(&now).enrolled().is_some());
        assert_eq!(lock(&now).slots.len(), 0);
    }
    latest.follow::<Polled>([]);
    assert!(latest.device(&key).is_none());
}

#[test]
fn patience_with_polled_devices_outlasts_a_missed_poll_and_a_failover() {
    let seconds = Duration::from_secs;
    let check = |device, report, expected: (u64, u64)| {
        let plan = Plan {
            device_interval: seconds(device),
            report_interval: seconds(report),
            ..Plan::default()
        };
        let Patience { reports, samples } = Patience::with_polled(&plan);
        assert_eq!((reports.as_secs(), samples.as_secs()), expected);
    };
    check(60, 60, (250, 180));
    check(300, 60, (730, 900));
    check(5, 60, (140, 180));
    check(1, 1, (14, 10));
}
