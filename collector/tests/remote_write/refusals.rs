//! What a store that refuses a request as a whole costs: the bad samples, few others of the same device, and
//! nothing of any other device.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::receiver::{Received, Receiver, Series, reply};
use crate::writing::{Batch, Stored, Writing, expected, late, live, target, times};

const MINUTE: Duration = Duration::from_mins(1);

/// Beside the requests themselves: what one shard may spend on those of a window that are live, for finding
/// out who sent what is bad, and what it is.
const BETWEEN_DEVICES: usize = 2 * 64;
const WITHIN_DEVICES: usize = 2 * 64;

/// Ten devices that fill one request, of one shard.
const DEVICES: [&str; 10] = [
    "pc-00", "pc-01", "pc-02", "pc-03", "pc-04", "pc-05", "pc-06", "pc-07", "pc-08", "pc-09",
];

/// More than one shard can tell apart.
fn many() -> Vec<&'static str> {
    (0..80)
        .map(|number| &*format!("mfp-{number}").leak())
        .collect()
}

fn a_request(moments: &[i64]) -> Vec<Batch> {
    DEVICES
        .map(|device| live(device, 25, moments.to_vec()))
        .into()
}

fn one_shard(url: &str) -> dawnwatch_collector::config::RemoteWrite {
    let mut target = target(url);
    target.shards = 1;
    target
}

/// A sample that a store refuses: of which device, interface and moment.
type Bad = (&'static str, String, i64);

/// So many bad samples of each of these devices, scattered over interfaces and moments.
fn scattered(devices: &[&'static str], count: usize, moments: &[i64]) -> BTreeSet<Bad> {
    let places = devices
        .iter()
        .flat_map(|device| (0..count).map(move |number| (*device, number)));
    places
        .map(|(device, number)| {
            let moment = moments[(number * moments.len() + moments.len() / 2) / count];
            (device, format!("eth{}", (number * 7) % 25), moment)
        })
        .collect()
}

fn label<'a>(series: &'a Series, name: &str) -> &'a str {
    let label = series.labels.iter().find(|(found, _)| found == name);
    label.map_or("", |(_, value)| value)
}

fn has_any(request: &Received, bad: &BTreeSet<Bad>) -> bool {
    request.series.iter().any(|series| {
        let (device, interface) = (label(series, "device"), label(series, "interface"));
        let times: BTreeSet<i64> = series.samples.iter().map(|(time, _)| *time).collect();
        let of_it = |bad: &&Bad| bad.0 == device && bad.1 == interface;
        bad.iter().filter(of_it).any(|bad| times.contains(&bad.2))
    })
}

/// One that says what Prometheus says of a second value for a moment.
async fn refusing(bad: BTreeSet<Bad>) -> Receiver {
    let receiver = Receiver::start().await;
    receiver.judges(move |request| {
        let text = "duplicate sample for timestamp";
        has_any(request, &bad).then(|| reply(400, text))
    });
    receiver
}

fn without(mut stored: Stored, bad: &BTreeSet<Bad>) -> Stored {
    for (labels, samples) in &mut stored {
        samples.retain(|time, _| {
            let (device, interface) = (&labels["device"], &labels["interface"]);
            !bad.iter()
                .any(|bad| (bad.0, &bad.1, bad.2) == (device.as_str(), interface, *time))
        });
    }
    stored
}

fn of_others(mut stored: Stored, devices: &[&str]) -> Stored {
    stored.retain(|labels, _| !devices.contains(&labels["device"].as_str()));
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn scattered_bad_samples_of_some_devices_cost_the_others_nothing() {
    let moments = times(20, MINUTE);
    for (devices, count) in [
        (&DEVICES[3..4], 1),
        (&DEVICES[3..4], 3),
        (&DEVICES[3..4], 20),
        (&DEVICES[2..5], 1),
        (&DEVICES[1..9], 10),
    ] {
        let bad = scattered(devices, count, &moments);
        let receiver = refusing(bad.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let writing = Writing::start(folder.path(), &one_shard(&receiver.url()));
        let batches = a_request(&moments);
        writing.put(&batches);
        writing.is_done().await;
        receiver.has_no_complaint();
        let case = format!("{count} of {} devices", devices.len());
        assert_eq!(
            of_others(receiver.stored(), devices),
            of_others(expected(&batches), devices),
            "{case}"
        );
        if devices.len() * count <= 3 {
            assert_eq!(
                receiver.stored(),
                without(expected(&batches), &bad),
                "{case}"
            );
        }
        let requests = receiver.received().len();
        assert!(
            requests <= 1 + BETWEEN_DEVICES + WITHIN_DEVICES,
            "{case}: {requests}"
        );
        let counted = ["delivered", "rejected"]
            .map(|outcome| writing.count("samples_total", "outcome", outcome));
        assert_eq!(counted.iter().sum::<f64>(), 5_000.0, "{case}");
        writing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_samples_that_nobody_takes_leave_what_finds_a_live_one() {
    let moments = times(20, MINUTE);
    let border = moments[0];
    let bad = scattered(&DEVICES[3..4], 3, &moments);
    let (receiver, live_ones) = (Receiver::start().await, bad.clone());
    receiver.judges(move |request| {
        let is_late = request.series[0].samples[0].0 < border;
        (is_late || has_any(request, &live_ones)).then(|| reply(400, "no"))
    });
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &one_shard(&receiver.url()));
    let old = times(1, 100 * MINUTE);
    let backlog = many()
        .into_iter()
        .map(|device| late(device, 1, old.clone()));
    let batches = a_request(&moments);
    writing.put(&backlog.chain(batches.clone()).collect::<Vec<_>>());
    writing.is_done().await;
    receiver.has_no_complaint();
    assert_eq!(receiver.stored(), without(expected(&batches), &bad));
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_refused_gets_requests_of_its_own_for_a_while() {
    let (first, second) = (times(20, 10 * MINUTE), times(20, MINUTE));
    let all = [first.clone(), second.clone()].concat();
    let receiver = refusing(scattered(&DEVICES[3..4], 40, &all)).await;
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &one_shard(&receiver.url()));
    writing.put(&a_request(&first));
    writing.is_done().await;
    let before = receiver.received().len();
    writing.put(&a_request(&second));
    writing.is_done().await;
    let mut alone = 0;
    for request in &receiver.received()[before..] {
        let devices = request.series.iter().map(|series| label(series, "device"));
        let devices: BTreeSet<&str> = devices.collect();
        assert!(
            !devices.contains("pc-03") || devices.len() == 1,
            "{devices:?}"
        );
        alone += usize::from(devices.contains("pc-03"));
    }
    assert_eq!(receiver.received().len() - before, alone + 1);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_sample_costs_itself_alone_and_few_requests() {
    let folder = tempfile::tempdir().unwrap();
    let all = times(40, MINUTE);
    let bad = BTreeSet::from([("pc-01", "eth77".to_owned(), all[17])]);
    let receiver = refusing(bad.clone()).await;
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    let batch = live("pc-01", 125, all);
    writing.put(std::slice::from_ref(&batch));
    writing.is_done().await;
    receiver.has_no_complaint();
    assert_eq!(receiver.stored(), without(expected([&batch]), &bad));
    let samples = |outcome| writing.count("samples_total", "outcome", outcome);
    assert_eq!(["rejected", "delivered"].map(samples), [1.0, 4_999.0]);
    let reason = writing.count("samples_rejected_total", "reason", "duplicate");
    assert_eq!(reason, 1.0);
    let requests = receiver.received().len();
    // Halving 5,000 until one is left.
    assert!(requests <= 1 + 2 * 13, "{requests}");
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_everything_is_not_asked_for_ever() {
    let moments = times(40, MINUTE);
    for (batches, requests) in [
        (
            vec![live("pc-01", 125, moments.clone())],
            1 + WITHIN_DEVICES,
        ),
        // Four requests of three devices each.
        (
            DEVICES
                .map(|device| live(device, 50, moments.clone()))
                .into(),
            4 + 2 * 8 + WITHIN_DEVICES,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start().await;
        receiver.judges(|_| Some(reply(422, "no")));
        let writing = Writing::start(folder.path(), &one_shard(&receiver.url()));
        writing.put(&batches);
        writing.is_done().await;
        assert_eq!(receiver.received().len(), requests);
        let all: f64 = batches
            .iter()
            .map(|batch| f64::from(u32::try_from(batch.interfaces * 40).unwrap()))
            .sum();
        assert_eq!(writing.count("samples_total", "outcome", "rejected"), all);
        assert_eq!(
            writing.count("samples_rejected_total", "reason", "other"),
            all
        );
        writing.stop().await;
    }
}
