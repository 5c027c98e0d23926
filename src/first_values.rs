//! What `up` shows first: a few values that came all the way, and what cannot be measured here.
//!
//! The values are read from the collector's live view, not from the agent, so that seeing them means
//! that the chain works.

use std::fmt::Write as _;
use std::time::Duration;

use agent::status::Status;
use collector::latest::{Device, DeviceKey, Latest, lock};
use proto::metrics;
use tokio::sync::watch;
use tokio::time::Instant;

/// Values are expected within this time; their absence is worth a word then.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look.
const LOOK: Duration = Duration::from_millis(200);

/// Waits for the first values and puts them into words.
pub(crate) async fn gather(
    latest: &Latest,
    key: &DeviceKey,
    status: watch::Receiver<Status>,
) -> String {
    let began = Instant::now();
    loop {
        let complete = latest
            .device(key)
            .is_some_and(|device| is_complete(&lock(&device)));
        let waited = began.elapsed();
        if complete || waited >= PATIENCE {
            let mut text = latest
                .device(key)
                .map(|device| describe(&lock(&device), waited))
                .unwrap_or_default();
            text.push_str(&limitations(&status.borrow()));
            return text;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The slowest of what is shown: processor use needs two looks, a link a round of echoes.
fn is_complete(device: &Device) -> bool {
    let has = |metric| device.of(metric).next().is_some();
    has(&metrics::DEVICE_CPU_USAGE) && has(&metrics::LINK_SENT)
}

fn describe(device: &Device, waited: Duration) -> String {
    if device.live().next().is_none() {
        return "No values yet: DAWNWATCH_LOG=info shows what goes on.\n".into();
    }
    let mut text = format!("First values after {:.0} s:\n", waited.as_secs_f64());
    if let Some(busy) = device.value(&metrics::DEVICE_CPU_USAGE) {
        let _ = writeln!(text, "  processor  {:.0} % busy", busy * 100.0);
    }
    let size = device.value(&metrics::DEVICE_MEMORY_SIZE);
    let available = device.value(&metrics::DEVICE_MEMORY_AVAILABLE);
    if let (Some(size), Some(available)) = (size, available) {
        let _ = writeln!(
            text,
            "  memory     {} of {} available",
            gigabytes(available),
            gigabytes(size)
        );
    }
    for slot in device.of(&metrics::DEVICE_FILESYSTEM_AVAILABLE) {
        let _ = writeln!(
            text,
            "  disk       {} free on {}",
            gigabytes(slot.value),
            slot.label("mountpoint")
        );
    }
    for slot in device.of(&metrics::LINK_LOSS) {
        let (segment, target) = (slot.label("segment"), slot.label("target"));
        let rtt = device
            .of(&metrics::LINK_RTT_MEDIAN)
            .find(|rtt| rtt.label("segment") == segment && rtt.label("target") == target);
        let rtt = rtt.map_or("no answer".into(), |rtt| {
            format!("{:.2} ms", rtt.value * 1000.0)
        });
        let _ = writeln!(
            text,
            "  {segment:<10} {target}: {rtt}, {:.0} % lost",
            slot.value * 100.0
        );
    }
    text
}

fn gigabytes(bytes: f64) -> String {
    format!("{:.1} GB", bytes / 1e9)
}

fn limitations(status: &Status) -> String {
    let mut text = String::new();
    for (name, source) in &status.sources {
        for what in source.problem.iter().chain(&source.limitations) {
            let _ = writeln!(text, "  {name}: {what}");
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("\nNot measured here:\n{text}")
    }
}
