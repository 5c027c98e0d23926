//! Whose word counts, for which device and time, and how it is shown and kept.

use super::*;

#[tokio::test]
async fn what_a_scout_tells_is_shown_and_kept_as_the_devices_own() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let mut talk = Talk::of(&centre, &scout);
    let kept = talk.says(&[
        ("", &DEVICE_CPU_USAGE, 0.25, 3_000),
        ("printer-1", &DEVICE_CPU_USAGE, 0.5, 3_000),
        ("printer-1", &PRINTER_PAGES, 100.0, 3_000),
        ("ups-1", &UPS_ON_BATTERY, 1.0, 2_000),
        ("", &PRINTER_PAGES, 7.0, HOUR),
        ("printer-1", &PRINTER_PAGES, 90.0, HOUR),
    ]);
    let own = scout.device.as_str();
    let expected = [
        format!("{own} pc: cpu_usage_ratio=0.25"),
        "printer-1 printer: cpu_usage_ratio=0.5 printer_pages_total=100".into(),
        "ups-1 ups: ups_on_battery=1".into(),
        format!("late {own} pc: printer_pages_total=7"),
        "late printer-1 printer: printer_pages_total=90".into(),
    ];
    assert_eq!(shape(&kept), expected);
    assert_eq!(centre.value(own, &DEVICE_CPU_USAGE), Some(0.25));
    assert_eq!(centre.value(own, &PRINTER_PAGES), None);
    assert_eq!(centre.value("printer-1", &DEVICE_CPU_USAGE), Some(0.5));
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(100.0));
    assert_eq!(centre.value("ups-1", &UPS_ON_BATTERY), Some(1.0));
    assert_eq!(centre.collector.own().samples.get(), 6);
}

#[tokio::test]
async fn what_is_no_device_of_the_centre_is_refused_and_the_rest_goes_on() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let mut talk = Talk::of(&centre, &scout);
    let kept = talk.says(&[
        ("printer-9", &PRINTER_PAGES, 1.0, 0),
        ("nothing", &PRINTER_PAGES, 1.0, 0),
        // Machines with an agent speak for themselves, and so does the scout's own.
        ("pc-2", &DEVICE_CPU_USAGE, 1.0, 0),
        (scout.device.as_str(), &DEVICE_CPU_USAGE, 1.0, 0),
        ("printer-1", &PRINTER_PAGES, 100.0, 0),
        ("", &DEVICE_CPU_USAGE, 0.25, 0),
    ]);
    assert_eq!(kept.len(), 2);
    assert_eq!(centre.rejected("unknown_device"), 4);
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(100.0));
    assert_eq!(centre.value("pc-2", &DEVICE_CPU_USAGE), None);
    // What is approved counts from then on, and what is removed no more.
    centre.follows(&[("nothing", Kind::Other)]);
    let kept = talk.says(&[
        ("nothing", &PRINTER_PAGES, 2.0, 0),
        ("printer-1", &PRINTER_PAGES, 101.0, 0),
    ]);
    assert_eq!(shape(&kept), ["nothing other: printer_pages_total=2"]);
    assert_eq!(centre.rejected("unknown_device"), 5);
    // It comes back as another thing: nothing is left of what was.
    centre.follows(&[("printer-1", Kind::Ups)]);
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), None);
    let kept = talk.says(&[("printer-1", &PRINTER_PAGES, 102.0, 0)]);
    assert_eq!(shape(&kept), ["printer-1 ups: printer_pages_total=102"]);
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(102.0));
}

#[tokio::test]
async fn a_word_counts_for_the_term_it_was_measured_in_by_the_true_time() {
    let centre = Centre::new().await;
    let (first, second) = (centre.collector.agent.clone(), centre.other.clone());
    // The first was cut off half an hour ago, and went on asking.
    let changed = now() - HOUR / 2;
    centre.is_scout(&first, 0..changed);
    centre.is_scout(&second, changed..i64::MAX);
    for (agent, error, kept_ago) in [
        (&first, -20 * 365 * 24 * HOUR, HOUR),
        (&second, 3 * HOUR, MINUTE),
    ] {
        let mut talk = Talk::of(&centre, agent);
        talk.error = error;
        let before = centre.rejected("not_scout");
        let kept = talk.says(&[
            ("printer-1", &PRINTER_PAGES, 1.0, HOUR),
            ("printer-1", &PRINTER_PAGES, 2.0, MINUTE),
            ("", &DEVICE_CPU_USAGE, 0.5, MINUTE),
        ]);
        let of_printer: Vec<_> = kept
            .iter()
            .filter(|one| one.device.as_str() == "printer-1")
            .collect();
        assert_eq!(of_printer.len(), 1);
        assert_eq!(of_printer[0].late, kept_ago == HOUR);
        assert_eq!(centre.rejected("not_scout"), before + 1);
    }
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(2.0));
}

#[tokio::test]
async fn who_is_no_scout_changes_nothing_of_a_device() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let mut talk = Talk::of(&centre, &scout);
    talk.says(&[("printer-1", &PRINTER_PAGES, 100.0, 0)]);
    for _ in 0..3 {
        let mut foreign = Talk::of(&centre, &centre.other);
        let mut measured = Measured::default();
        for id in 0..1_999 {
            let label = wire::Label {
                name: "interface".into(),
                value: id.to_string(),
            };
            measured.series.push(wire::Series {
                metric: "dawnwatch_interface_up".into(),
                device: "printer-1".into(),
                labels: vec![label],
                ..wire::Series::default()
            });
        }
        let ids = (0..1_999).map(|id| (id, 1.0));
        measured.rounds.push(now(), ids).unwrap();
        measured.series.push(wire::Series {
            metric: DEVICE_CPU_USAGE.name.into(),
            ..wire::Series::default()
        });
        measured.rounds.push(now(), [(1_999, 0.5)]).unwrap();
        assert_eq!(foreign.sends(now(), measured).len(), 1);
    }
    assert_eq!(centre.rejected("not_scout"), 3 * 1_999);
    assert_eq!(centre.live("printer-1"), 1);
    let kept = talk.says(&[("printer-1", &PRINTER_PAGES, 101.0, 0)]);
    assert_eq!(kept.len(), 1);
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(101.0));
}

#[tokio::test]
async fn two_scouts_in_turns_tell_one_device_with_one_set_of_series() {
    let centre = Centre::new().await;
    let agents = [centre.collector.agent.clone(), centre.other.clone()];
    let began = now() - HOUR;
    // A term of a minute each, in turns; both ask all the time.
    for minute in 0..60 {
        let term = began + minute * MINUTE..began + (minute + 1) * MINUTE;
        let [first, second] = &agents;
        let scout = if minute % 2 == 0 { first } else { second };
        centre.is_scout(scout, term);
    }
    let mut talks = agents.each_ref().map(|agent| Talk::of(&centre, agent));
    let (mut moments, mut series) = (Vec::new(), Vec::new());
    for minute in 0..60 {
        for (number, talk) in (0..).zip(&mut talks) {
            // The second scout's poll is ten seconds after the first one's.
            let ago = now() - began - minute * MINUTE - 10_000 * (1 + number);
            let kept = talk.says(&[
                ("printer-1", &PRINTER_PAGES, minute as f64, ago),
                ("", &DEVICE_CPU_USAGE, 0.5, ago),
            ]);
            assert!(kept.iter().any(|one| one.kind == "pc"));
            for one in kept.into_iter().filter(|one| one.kind == "printer") {
                assert_eq!(number, minute % 2, "whose term it is");
                moments.extend(one.rounds.iter().map(|round| round.time_unix_ms));
                series.push((one.centre, one.device, one.series));
            }
        }
    }
    assert_eq!(moments.len(), 60, "each minute once");
    assert!(moments.is_sorted());
    series.dedup();
    assert_eq!(series.len(), 1, "{series:?}");
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(59.0));
    assert_eq!(centre.live("printer-1"), 1);
    assert_eq!(centre.rejected("not_scout"), 60);
    assert_eq!(centre.rejected("too_many_series"), 0);
}

#[tokio::test]
async fn a_batch_that_comes_again_tells_nothing_twice_and_fills_an_empty_view() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let account = centre.collector.ledger.account(&scout.id);
    account.take(Run {
        instance: 9,
        first: 1,
        last: 1,
    });
    for (refill, expected) in [(false, None), (true, Some(100.0))] {
        let mut talk = Talk::of(&centre, &scout);
        talk.stream.refill = refill;
        let mut measured = Measured::default();
        measured.series.push(wire::Series {
            metric: PRINTER_PAGES.name.into(),
            device: "printer-1".into(),
            ..wire::Series::default()
        });
        measured.rounds.push(now(), [(0, 100.0)]).unwrap();
        let batch = talk.agent.sent(1, now(), measured);
        assert!(talk.takes(batch).entry.is_none());
        assert_eq!(centre.value("printer-1", &PRINTER_PAGES), expected);
    }
}

#[tokio::test]
async fn the_registry_may_change_while_a_scout_tells() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let mut talk = Talk::of(&centre, &scout);
    let told = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !told.load(std::sync::atomic::Ordering::Relaxed) {
                centre.follows(&[("printer-1", Kind::Printer), ("ups-1", Kind::Ups)]);
            }
        });
        for pages in 0..2_000_u32 {
            let kept = talk.says(&[
                ("", &DEVICE_CPU_USAGE, 0.5, 0),
                ("printer-1", &PRINTER_PAGES, pages.into(), 0),
                ("ups-1", &UPS_ON_BATTERY, 0.0, 0),
            ]);
            assert_eq!(kept.len(), 3);
        }
        told.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(centre.value("printer-1", &PRINTER_PAGES), Some(1_999.0));
}
