//! What a page shows, of whom, in which order, and from when.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use proto::plan::Kind;

use super::*;
use crate::latest::{DeviceKey, Enrolled, Patience, Polled, lock};

const AT: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// An exposition of these devices, each with an agent that has not reported yet.
fn of_devices(names: &[&str]) -> Exposition {
    let latest = Latest::new(Patience {
        reports: Duration::from_secs(45),
        samples: Duration::from_secs(45),
    });
    latest.follow(names.iter().map(|name| enrolled(name, "1.2.3")));
    Exposition {
        latest: Arc::new(latest),
        centres: watch::channel(Arc::default()).1,
        asking: watch::channel(Arc::default()).1,
        province: "Lạng Sơn".into(),
        calendars: Arc::default(),
        measurements: true,
        faults: crate::watch::Events::default(),
    }
}

fn enrolled(device: &str, version: &str) -> (DeviceKey, Enrolled) {
    let enrolled = Enrolled {
        agent: format!("agent-{device}").parse().unwrap(),
        kind: "pc".into(),
        version: version.into(),
        os: "linux".into(),
        arch: "x86_64".into(),
        certificate_until: None,
        last_report: None,
        goodbye: None,
    };
    (key(device), enrolled)
}

fn key(device: &str) -> DeviceKey {
    DeviceKey {
        centre: "cong-son".parse().unwrap(),
        device: device.parse().unwrap(),
    }
}

/// Reports one value of a device.
fn report(exposition: &Exposition, device: &str, name: &str, label: Option<&str>, value: f64) {
    let (metric, part) = catalogue::find(name).unwrap();
    let names = metric.labels.iter().copied().chain(["le"]);
    let values = label.into_iter().flat_map(|values| values.split('|'));
    let series = Series {
        device: None,
        metric,
        part,
        labels: names.zip(values.map(str::to_owned)).collect(),
    };
    let device = exposition.latest.device(&key(device)).unwrap();
    let mut device = lock(&device);
    let slot = device.slot(&series).unwrap();
    device.receiving().update(slot, AT.as_millisecond(), value);
    device.reported(AT, -0.25, 3);
}

fn text(page: Page) -> String {
    String::from_utf8(page.flatten().collect()).unwrap()
}

/// The lines of a page that tell something about a series.
fn lines(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_page_shows_each_family_once_with_all_its_devices() {
    let mut exposition = of_devices(&["pc-1", "pc-2"]);
    let centre = Centre {
        isp: Some("VN\"PT".into()),
        latitude: Some(21.8),
        ..Centre::named("cong-son".parse().unwrap(), "Công Sơn")
    };
    exposition.centres = watch::channel(Arc::new(vec![centre])).1;
    report(
        &exposition,
        "pc-1",
        "dawnwatch_interface_up",
        Some("wlan0"),
        0.0,
    );
    report(
        &exposition,
        "pc-1",
        "dawnwatch_cpu_usage_ratio",
        None,
        0.125,
    );
    report(
        &exposition,
        "pc-1",
        "dawnwatch_interface_up",
        Some("eth0"),
        1.0,
    );
    for (part, label, value) in [
        ("bucket", "line|isp|0.01", 7.0),
        ("sum", "line|isp", 0.0625),
        ("count", "line|isp", 7.0),
    ] {
        let name = format!("dawnwatch_link_rtt_seconds_{part}");
        report(&exposition, "pc-1", &name, Some(label), value);
    }
    let page = exposition.page(AT, &Spare::default());
    let series = page.series();
    let page = text(page);
    let (one, two) = (
        r#"{centre="cong-son",device="pc-1",kind="pc""#,
        r#"{centre="cong-son",device="pc-2",kind="pc""#,
    );
    let info = r#",version="1.2.3",os="linux",arch="x86_64"} 1"#;
    let expected = [
        format!("dawnwatch_agent_up{one}}} 1"),
        format!("dawnwatch_agent_up{two}}} 0"),
        format!("dawnwatch_agent_goodbye{one}}} 0"),
        format!("dawnwatch_agent_goodbye{two}}} 0"),
        format!("dawnwatch_agent_info{one}{info}"),
        format!("dawnwatch_agent_info{two}{info}"),
        format!("dawnwatch_agent_last_report_timestamp_seconds{one}}} 1800000000"),
        format!("dawnwatch_agent_clock_offset_seconds{one}}} -0.25"),
        format!("dawnwatch_agent_dropped_samples_total{one}}} 3"),
        format!("dawnwatch_device_up{one}}} 1"),
        format!("dawnwatch_device_up{two}}} 0"),
        format!("dawnwatch_cpu_usage_ratio{one}}} 0.125"),
        format!("dawnwatch_interface_up{one},interface=\"wlan0\"}} 0"),
        format!("dawnwatch_interface_up{one},interface=\"eth0\"}} 1"),
        format!(
            "dawnwatch_link_rtt_seconds_bucket{one},segment=\"line\",target=\"isp\",le=\"0.01\"}} 7"
        ),
        format!("dawnwatch_link_rtt_seconds_sum{one},segment=\"line\",target=\"isp\"}} 0.0625"),
        format!("dawnwatch_link_rtt_seconds_count{one},segment=\"line\",target=\"isp\"}} 7"),
        concat!(
            r#"dawnwatch_centre_info{centre="cong-son",name="Công Sơn",area="",isp="VN\"PT","#,
            r#"province="Lạng Sơn",latitude="21.8",longitude=""} 1"#
        )
        .to_owned(),
    ];
    assert_eq!(lines(&page), expected);
    assert_eq!(series, expected.len());
    let head = concat!(
        "# HELP dawnwatch_link_rtt_seconds Round-trip times of the answered echoes since the agent started.\n",
        "# TYPE dawnwatch_link_rtt_seconds histogram\n",
        "dawnwatch_link_rtt_seconds_bucket{"
    );
    assert!(page.contains(head), "{page}");
    let families = page.lines().filter(|line| line.starts_with("# TYPE "));
    assert_eq!(families.count(), 11);
    assert!(page.ends_with("longitude=\"\"} 1\n"));
}

#[test]
fn without_measurements_a_page_shows_what_the_collector_knows() {
    let mut exposition = of_devices(&["pc-1"]);
    report(
        &exposition,
        "pc-1",
        "dawnwatch_cpu_usage_ratio",
        None,
        0.125,
    );
    let shows = |exposition: &Exposition| {
        let page = text(exposition.page(AT, &Spare::default()));
        let measured = page.contains("dawnwatch_cpu_usage_ratio");
        (
            measured,
            page.contains("dawnwatch_agent_up{centre=\"cong-son\""),
        )
    };
    assert_eq!(shows(&exposition), (true, true));
    exposition.measurements = false;
    assert_eq!(shows(&exposition), (false, true));
}

#[test]
fn a_large_page_comes_in_pieces_of_whole_lines() {
    let names: Vec<_> = (0..2_000).map(|number| format!("pc-{number:04}")).collect();
    let exposition = of_devices(&names.iter().map(|name| &**name).collect::<Vec<_>>());
    let page = exposition.page(AT, &Spare::default());
    let series = page.series();
    let pieces: Vec<_> = page
        .map(|piece| String::from_utf8(piece).unwrap())
        .collect();
    assert!(pieces.len() > 5, "{}", pieces.len());
    assert!(
        pieces
            .iter()
            .all(|piece| piece.ends_with('\n') && piece.len() < 100_000)
    );
    let page: String = pieces.concat();
    let expected: Vec<_> = ["agent_up", "agent_goodbye", "agent_info", "device_up"]
        .iter()
        .flat_map(|metric| names.iter().map(move |name| (*metric, name)))
        .map(|(metric, name)| format!("dawnwatch_{metric}{{centre=\"cong-son\",device=\"{name}\","))
        .collect();
    let lines = lines(&page);
    assert_eq!((lines.len(), series), (expected.len(), expected.len()));
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&expected), "{line} is not {expected}");
    }
}

#[test]
fn a_page_is_as_of_the_moment_it_was_asked_for() {
    let exposition = of_devices(&["pc-1"]);
    report(
        &exposition,
        "pc-1",
        "dawnwatch_interface_up",
        Some("eth0"),
        1.0,
    );
    let spare = Spare::default();
    let before = text(exposition.page(AT, &spare));
    let page = exposition.page(AT, &spare);
    // Its names are forgotten by everybody else, and their numbers would go to others.
    exposition.latest.follow([enrolled("pc-2", "1.2.3")]);
    for number in 0..1_500 {
        report(
            &exposition,
            "pc-2",
            "dawnwatch_interface_up",
            Some(&format!("if{number}")),
            0.0,
        );
    }
    assert_eq!(text(page), before);
    let after = text(exposition.page(AT, &spare));
    assert_eq!(after.matches("dawnwatch_interface_up{").count(), 1_500);
    assert!(!after.contains("pc-1"));
}

#[test]
fn a_page_that_nobody_reads_leaves_nothing_behind() {
    let exposition = of_devices(&["pc-1"]);
    report(
        &exposition,
        "pc-1",
        "dawnwatch_interface_up",
        Some("eth0"),
        1.0,
    );
    let spare = Spare::default();
    let expected = text(exposition.page(AT, &Spare::default()));
    drop(exposition.page(AT, &spare));
    let (one, two) = (exposition.page(AT, &spare), exposition.page(AT, &spare));
    assert_eq!((text(two), text(one)), (expected.clone(), expected));
}

#[test]
fn what_the_registry_says_anew_is_shown() {
    let exposition = of_devices(&["pc-1"]);
    exposition.latest.follow([enrolled("pc-1", "2.0.0")]);
    let page = text(exposition.page(AT, &Spare::default()));
    assert!(page.contains(",version=\"2.0.0\","), "{page}");
    assert!(!page.contains("1.2.3"), "{page}");
}

#[test]
fn a_device_without_an_agent_has_its_labels_and_nothing_of_an_agent() {
    let mut exposition = of_devices(&[]);
    let (cong_son, that_khe) = ("cong-son".parse().unwrap(), "that-khe".parse().unwrap());
    let centres = [
        Centre::named(cong_son, "Công Sơn"),
        Centre::named(that_khe, "Thất Khê"),
    ];
    let asking = Asking {
        scout: Some("pc-1".parse().unwrap()),
        found: 2,
    };
    let asking = HashMap::from([(centres[0].id.clone(), asking)]);
    exposition.asking = watch::channel(Arc::new(asking)).1;
    exposition.centres = watch::channel(Arc::new(centres.to_vec())).1;
    let printer = Polled {
        kind: Kind::Printer,
    };
    exposition.latest.follow([(key("printer-1"), printer)]);
    let text_of = |exposition: &Exposition| text(exposition.page(AT, &Spare::default()));
    let page = text_of(&exposition);
    let of_printer = |page: &str| -> Vec<String> {
        let lines = lines(page).into_iter();
        let lines = lines.filter(|line| line.contains("printer-1"));
        lines.map(str::to_owned).collect()
    };
    assert!(of_printer(&page).is_empty(), "nobody asked it yet: {page}");
    let of_scout = page.lines().filter(|line| {
        line.starts_with("dawnwatch_centre_scout_info{")
            || line.starts_with("dawnwatch_centre_found_devices{")
    });
    let expected = [
        "dawnwatch_centre_scout_info{centre=\"cong-son\",scout=\"pc-1\"} 1",
        "dawnwatch_centre_found_devices{centre=\"cong-son\"} 2",
    ];
    assert_eq!(of_scout.collect::<Vec<_>>(), expected);

    let outcome = "dawnwatch_device_poll_outcome";
    report(&exposition, "printer-1", outcome, Some("ipp|answered"), 1.0);
    report(
        &exposition,
        "printer-1",
        "dawnwatch_printer_pages_total",
        None,
        9.0,
    );
    let labels = "{centre=\"cong-son\",device=\"printer-1\",kind=\"printer\"";
    let expected = [
        format!("dawnwatch_device_up{labels}}} 1"),
        format!("{outcome}{labels},protocol=\"ipp\",outcome=\"answered\"}} 1"),
        format!("dawnwatch_printer_pages_total{labels}}} 9"),
    ];
    assert_eq!(of_printer(&text_of(&exposition)), expected);
    // Where measurements go to a store, what the collector itself says of the device stays.
    exposition.measurements = false;
    let [is_up, ..] = expected;
    assert_eq!(of_printer(&text_of(&exposition)), [is_up]);
}
