//! What the registry is to know: what devices are, which were found, and whether they are up.

use super::*;

fn info(device: &str, model: &str) -> wire::Series {
    let label = wire::Label {
        name: "model".into(),
        value: model.into(),
    };
    wire::Series {
        metric: DEVICE_INFO.name.into(),
        device: device.into(),
        labels: vec![label],
        ..wire::Series::default()
    }
}

#[tokio::test]
async fn what_a_device_says_it_is_is_handed_on_once_and_only_when_it_is_of_now() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let mut talk = Talk::of(&centre, &scout);
    let mut said = |device: &str, model: &str, ago: i64| {
        let mut measured = Measured::default();
        measured.series.push(info(device, model));
        measured.rounds.push(now() - ago, [(0, 1.0)]).unwrap();
        talk.sends(now(), measured);
    };
    said("printer-1", "old", HOUR);
    said("", "old", HOUR);
    for ago in [20_000, 10_000] {
        said("printer-1", "new", ago);
        said("", "new", ago);
    }
    said("printer-1", "newest", 5_000);
    let model = |model: &str| -> Labels { vec![("model", model.to_owned())] };
    let mut expected = vec![
        (key("cong-son", scout.device.as_str()), model("new")),
        (key("cong-son", "printer-1"), model("newest")),
    ];
    expected.sort();
    let news = centre.collector.identities.next().await;
    assert_eq!(news.into_iter().collect::<Vec<_>>(), expected);
    said("printer-1", "newest", 0);
    said("ups-1", "UPS", 0);
    let news = centre.collector.identities.next().await;
    let expected = [(key("cong-son", "ups-1"), model("UPS"))];
    assert_eq!(news.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_found_is_handed_on_from_the_scout_alone_and_no_more_than_fits() {
    let mut centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let found = |count: usize| wire::Found {
        devices: vec![FoundDevice::default(); count],
    };
    let refused = |centre: &Centre, reason: &str| {
        let refused = &centre.collector.own().found_refused;
        refused.with_label_values(&[reason]).get()
    };
    let (stream, _kept) = centre.collector.stream_of(&centre.other);
    stream.found(found(3)).await;
    assert_eq!(refused(&centre, "not_scout"), 3);
    assert!(centre.collector.found.try_recv().is_err());
    let (stream, _kept) = centre.collector.stream_of(&scout);
    stream.found(found(70)).await;
    // Nobody took the first yet, and there is room for one.
    stream.found(found(2)).await;
    assert_eq!(
        (refused(&centre, "too_many"), refused(&centre, "busy")),
        (6, 2)
    );
    let (agent, devices) = centre.collector.found.try_recv().unwrap();
    assert_eq!((agent.id, devices.len()), (scout.id.clone(), 64));
    // Others look at the same time: it waits for its turn.
    stream.found(found(3)).await;
    let finds = &mut centre.collector.found;
    let taken = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        [finds.recv().await, finds.recv().await].map(|look| look.map(|(_, devices)| devices.len()))
    };
    let ((), taken) = tokio::join!(stream.found(found(4)), taken);
    assert_eq!(taken, [Some(3), Some(4)]);
    assert_eq!(refused(&centre, "busy"), 2);
}

#[tokio::test]
async fn a_device_is_up_as_its_scout_tells_and_has_no_agent() {
    let centre = Centre::new().await;
    let scout = centre.collector.agent.clone();
    centre.is_scout(&scout, 0..i64::MAX);
    let mut talk = Talk::of(&centre, &scout);
    let label = |name: &str, value: &str| wire::Label {
        name: name.into(),
        value: value.into(),
    };
    for (ago, outcome, expected) in [
        (30_000, "answered", true),
        (20_000, "timeout", false),
        (10_000, "partly", true),
    ] {
        let mut measured = Measured::default();
        measured.series.push(wire::Series {
            metric: DEVICE_POLL_OUTCOME.name.into(),
            device: "printer-1".into(),
            labels: vec![label("protocol", "snmp"), label("outcome", outcome)],
            ..wire::Series::default()
        });
        // What is about the agent itself cannot be told of a device.
        measured.series.push(wire::Series {
            metric: "dawnwatch_agent_spool_bytes".into(),
            device: "printer-1".into(),
            ..wire::Series::default()
        });
        let samples = [(0, 1.0), (1, 5.0)];
        measured.rounds.push(now() - ago, samples).unwrap();
        talk.sends(now(), measured);
        let device = centre
            .collector
            .latest()
            .device(&key("cong-son", "printer-1"));
        assert_eq!(latest::lock(&device.unwrap()).is_up(), Some(expected));
    }
    assert_eq!(centre.live("printer-1"), 1);
    assert_eq!(centre.rejected("unknown_metric"), 3);
}
