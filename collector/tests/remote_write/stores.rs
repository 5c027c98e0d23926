//! The stores that Debian packages, on loopback: what arrives, what does not, and that it is known which.
//! `docs/remote_write.md` tells users what is shown here.

use std::collections::BTreeMap;
use std::time::Duration;

use dawnwatch_collector::config::Protocol;

use crate::harness::prometheus::{Prometheus, Raw};
use crate::harness::victoria::Victoria;
use crate::harness::wait::eventually;
use crate::needs;
use crate::writing::{Batch, DELIVERY, NAME, Stored, Writing, expected, late, live, target, times};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

const RECEIVER: &[&str] = &["--web.enable-remote-write-receiver"];

fn stored(raw: Vec<Raw>) -> Stored {
    let series = |(labels, samples): Raw| {
        let count = samples.len();
        let samples: BTreeMap<i64, f64> = samples.into_iter().collect();
        assert_eq!(samples.len(), count, "{labels:?} has a moment twice");
        (labels, samples)
    };
    raw.into_iter().map(series).collect()
}

/// Waits until Prometheus has exactly this.
async fn prometheus_has(prometheus: &Prometheus, expected: &Stored) {
    eventually("prometheus has it all", DELIVERY, async || {
        let found = stored(prometheus.raw(NAME, "8d").await?);
        is(&found, expected)
    })
    .await;
}

/// Waits until VictoriaMetrics has exactly this, but for the last digits of values.
async fn victoria_has(victoria: &Victoria, expected: &Stored) {
    eventually("victoria has it all", DELIVERY, async || {
        let mut found = stored(victoria.raw(NAME).await?);
        for (labels, samples) in &mut found {
            for (time, value) in samples {
                let exact = expected.get(labels).and_then(|samples| samples.get(time));
                // It keeps decimal numbers, not binary ones.
                if let Some(exact) = exact.filter(|exact| (*exact - *value).abs() <= *exact * 1e-12)
                {
                    *value = *exact;
                }
            }
        }
        is(&found, expected)
    })
    .await;
}

fn is(found: &Stored, expected: &Stored) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let count = |stored: &Stored| stored.values().map(BTreeMap::len).sum::<usize>();
    let odd = found.iter().flat_map(|(labels, samples)| {
        let expected = expected.get(labels).cloned().unwrap_or_default();
        let samples = samples.iter().map(|(time, value)| (*time, *value));
        samples.filter(move |(time, value)| expected.get(time) != Some(value))
    });
    let odd: Vec<_> = odd.take(3).collect();
    let (found, wanted) = (count(found), count(expected));
    Err(format!(
        "{found} samples instead of {wanted}, and wrong ones: {odd:?}"
    ))
}

/// What a device measured now, and what it brings from a day without a line.
fn a_day() -> Vec<Batch> {
    let mut batches = vec![
        live("pc-01", 20, times(4, MINUTE)),
        live("pc-02", 20, times(4, MINUTE)),
    ];
    // Backlogs arrive behind what is live, newest first.
    for hours in 1..24 {
        batches.push(late("pc-01", 20, times(20, hours * HOUR)));
    }
    batches
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_has_every_sample_at_its_time_live_and_late() {
    let prometheus = needs!(Prometheus::receiving().await);
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &target(&prometheus.write_url()));
    let batches = a_day();
    for batch in &batches {
        writing.put(std::slice::from_ref(batch));
    }
    writing.is_done().await;
    prometheus_has(&prometheus, &expected(&batches)).await;
    assert_eq!(writing.count("samples_total", "outcome", "rejected"), 0.0);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn victoria_has_every_sample_at_its_time_live_and_late() {
    let victoria = needs!(Victoria::receiving().await);
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &target(&victoria.write_url()));
    let batches = a_day();
    for batch in &batches {
        writing.put(std::slice::from_ref(batch));
    }
    writing.is_done().await;
    victoria_has(&victoria, &expected(&batches)).await;
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_away_has_everything_afterwards() {
    let mut prometheus = needs!(Prometheus::receiving().await);
    let mut victoria = needs!(Victoria::receiving().await);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let urls = [prometheus.write_url(), victoria.write_url()];
    let writings: Vec<Writing> = folders
        .iter()
        .zip(&urls)
        .map(|(folder, url)| Writing::start(folder.path(), &target(url)))
        .collect();
    let mut batches = vec![live("pc-01", 50, times(8, 5 * MINUTE))];
    for writing in &writings {
        writing.put(&batches);
        writing.is_done().await;
    }
    prometheus.stop().await;
    victoria.stop().await;
    for minutes in (1..4).rev() {
        let batch = live("pc-01", 50, times(4, minutes * MINUTE));
        for writing in &writings {
            writing.put(std::slice::from_ref(&batch));
        }
        batches.push(batch);
    }
    for writing in &writings {
        eventually("the store is missed", DELIVERY, async || {
            match writing.count("requests_total", "outcome", "unreachable") {
                0.0 => Err("not yet".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
    }
    prometheus.restart().await;
    victoria.restart().await;
    for writing in &writings {
        writing.is_done().await;
    }
    prometheus_has(&prometheus, &expected(&batches)).await;
    victoria_has(&victoria, &expected(&batches)).await;
    for writing in writings {
        assert_eq!(writing.count("samples_total", "outcome", "rejected"), 0.0);
        writing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_for_prometheus_is_counted_and_takes_nothing_with_it() {
    let window = "storage: { tsdb: { out_of_order_time_window: 2h } }\n";
    let prometheus = needs!(Prometheus::started(window, RECEIVER).await);
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &target(&prometheus.write_url()));
    let now = live("pc-01", 10, times(4, MINUTE));
    writing.put(std::slice::from_ref(&now));
    writing.is_done().await;
    // In one request: of the last hour, and of yesterday.
    let (good, bad) = (times(10, HOUR), times(10, DAY));
    let both = [bad.as_slice(), &good].concat();
    let later = live("pc-01", 10, times(1, Duration::ZERO));
    writing.put(&[late("pc-01", 10, both), later.clone()]);
    writing.is_done().await;
    let good = late("pc-01", 10, good);
    prometheus_has(&prometheus, &expected([&now, &good, &later])).await;
    assert_eq!(
        writing.count("samples_rejected_total", "reason", "too_old"),
        100.0
    );
    assert_eq!(writing.count("samples_total", "outcome", "rejected"), 100.0);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_without_a_window_takes_what_is_live_and_refuses_what_is_late() {
    let prometheus = needs!(Prometheus::started("", RECEIVER).await);
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &target(&prometheus.write_url()));
    let now = live("pc-01", 10, times(4, MINUTE));
    writing.put(std::slice::from_ref(&now));
    // In the same window, late samples would go first, and then nothing is out of order.
    writing.is_done().await;
    writing.put(&[late("pc-01", 10, times(10, 2 * HOUR))]);
    let later = live("pc-01", 10, times(1, Duration::ZERO));
    writing.put(std::slice::from_ref(&later));
    writing.is_done().await;
    prometheus_has(&prometheus, &expected([&now, &later])).await;
    assert_eq!(writing.count("samples_total", "outcome", "rejected"), 100.0);
    assert_eq!(
        writing.count("samples_rejected_total", "reason", "other"),
        0.0
    );
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_after_a_crash_counts_once() {
    let prometheus = needs!(Prometheus::receiving().await);
    let victoria = needs!(Victoria::receiving().await);
    let batches = [
        live("pc-01", 10, times(4, MINUTE)),
        late("pc-01", 10, times(20, HOUR)),
        live("pc-01", 10, times(1, Duration::ZERO)),
    ];
    for url in [prometheus.write_url(), victoria.write_url()] {
        // As if the collector had died each time before it could note that it had delivered.
        for _ in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let writing = Writing::start(folder.path(), &target(&url));
            writing.put(&batches);
            writing.is_done().await;
            assert_eq!(writing.count("samples_total", "outcome", "rejected"), 0.0);
            writing.stop().await;
        }
    }
    prometheus_has(&prometheus, &expected(&batches)).await;
    victoria_has(&victoria, &expected(&batches)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_do_not_know_2_0_are_told_and_lose_nothing() {
    let prometheus = needs!(Prometheus::receiving().await);
    let victoria = needs!(Victoria::receiving().await);
    let batch = live("pc-01", 10, times(4, MINUTE));
    for url in [prometheus.write_url(), victoria.write_url()] {
        let folder = tempfile::tempdir().unwrap();
        let mut target = target(&url);
        target.protocol = Protocol::V2;
        let writing = Writing::start(folder.path(), &target);
        writing.put(std::slice::from_ref(&batch));
        eventually("it is told", DELIVERY, async || {
            match writing.count("requests_total", "outcome", "misconfigured") {
                0.0 => Err("not yet".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
        writing.stop().await;
        target.protocol = Protocol::V1;
        let writing = Writing::start(folder.path(), &target);
        writing.is_done().await;
        writing.stop().await;
    }
    prometheus_has(&prometheus, &expected([&batch])).await;
    victoria_has(&victoria, &expected([&batch])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn victoria_says_nothing_of_what_it_leaves_out() {
    let victoria = needs!(Victoria::receiving().await);
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &target(&victoria.write_url()));
    let now = live("pc-01", 10, times(4, MINUTE));
    // It keeps a year here.
    writing.put(&[now.clone(), late("pc-01", 10, times(4, 400 * DAY))]);
    writing.is_done().await;
    victoria_has(&victoria, &expected([&now])).await;
    assert_eq!(writing.count("samples_total", "outcome", "delivered"), 80.0);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_from_the_future_shuts_prometheus_for_the_present() {
    let window = "storage: { tsdb: { out_of_order_time_window: 2h } }\n";
    let prometheus = needs!(Prometheus::started(window, RECEIVER).await);
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::start(folder.path(), &target(&prometheus.write_url()));
    let tomorrow = times(1, MINUTE)[0] + i64::try_from(DAY.as_millis()).unwrap();
    writing.put(&[live("pc-01", 10, [tomorrow])]);
    writing.is_done().await;
    writing.put(&[live("pc-02", 10, times(1, MINUTE))]);
    writing.is_done().await;
    assert_eq!(writing.count("samples_total", "outcome", "delivered"), 10.0);
    assert_eq!(
        writing.count("samples_rejected_total", "reason", "too_old"),
        10.0
    );
    writing.stop().await;
}
