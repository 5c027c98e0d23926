//! What is known of centres otherwise than by the diagnosis' records: disks nearly full, certificates of
//! services near their end, printers with hardly any toner or paper, UPS. Read from the live view, off the thread of the
//! diagnosis.
//!
//! Of a centre the most pressing comes first: readiness names one weakness. Deliberately absent: disks that fail, which no
//! agent measures yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::readiness::Weakness;
use proto::metrics as catalogue;
use proto::metrics::Metric;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use crate::latest::{Device, Latest, Slot};

/// By centre.
pub(super) type Facts = HashMap<String, Vec<Weakness>>;

/// How often the live view is looked at.
const LOOKS: Duration = Duration::from_secs(30);

/// A disk with less of its space left, and less than so many bytes, is nearly full.
const DISK_RATIO: f64 = 0.05;
const DISK_BYTES: f64 = 5e9;
/// A smaller one is none that people fill: boot partitions and the like.
const SMALL_DISK: f64 = 1e9;

/// A certificate that ends within so many days is near its end.
const CERTIFICATE_DAYS: f64 = 7.0;

/// From here down a supply will not last the day: well below what is worth a word on a page.
const SUPPLY: f64 = 0.03;

/// Weaknesses of one centre; the diagnosis takes no more.
const MOST: usize = 16;

/// Looks at the live view for ever.
pub(super) async fn follow(
    latest: Arc<Latest>,
    facts: watch::Sender<Arc<Facts>>,
    now: fn() -> f64,
) {
    let mut tick = tokio::time::interval(LOOKS);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let latest = Arc::clone(&latest);
        let looked = tokio::task::spawn_blocking(move || look(&latest, now())).await;
        match looked {
            Ok(found) => {
                facts.send_if_modified(|before| {
                    let differs = **before != found;
                    if differs {
                        *before = Arc::new(found);
                    }
                    differs
                });
            }
            Err(error) => {
                warn!(%error, "Readiness goes on without what is known of disks and supplies.");
                return;
            }
        }
    }
}

/// What is known of all centres now.
fn look(latest: &Latest, now: f64) -> Facts {
    let mut facts = Facts::new();
    latest.visit(None, |device| {
        let found = of_device(device, now);
        if !found.is_empty() {
            let centre = device.key.centre.to_string();
            facts.entry(centre).or_default().extend(found);
        }
    });
    for found in facts.values_mut() {
        found.sort_by_key(urgency);
        found.dedup();
        found.truncate(MOST);
    }
    facts
}

fn of_device(device: &Device, now: f64) -> Vec<Weakness> {
    let name = || device.key.device.to_string();
    let is_set = |metric: &'static Metric| device.value(metric).is_some_and(|value| value > 0.5);
    let mut found = Vec::new();
    if is_set(&catalogue::UPS_ON_BATTERY) {
        found.push(Weakness::UpsOnBattery { device: name() });
    }
    if is_set(&catalogue::UPS_BATTERY_REPLACE) || is_set(&catalogue::UPS_BATTERY_LOW) {
        found.push(Weakness::UpsWeak { device: name() });
    }
    if is_full(device) {
        found.push(Weakness::DiskFull { device: name() });
    }
    found.extend(device.of(&catalogue::PROBE_TLS_EXPIRY).filter_map(|slot| {
        let days = (slot.value - now) / 86_400.0;
        let service = label(slot, "service")?.to_owned();
        // What has ended is a fault, which the diagnosis finds.
        (0.0..=CERTIFICATE_DAYS)
            .contains(&days)
            .then(|| Weakness::CertificateEnds {
                service,
                days: whole(days),
            })
    }));
    if device
        .of(&catalogue::PRINTER_SUPPLY_RATIO)
        .any(|supply| supply.value <= SUPPLY)
    {
        found.push(Weakness::SupplyLow { printer: name() });
    }
    found
}

fn is_full(device: &Device) -> bool {
    device.of(&catalogue::DEVICE_FILESYSTEM_SIZE).any(|size| {
        let of = label(size, "mountpoint");
        let mut available = device.of(&catalogue::DEVICE_FILESYSTEM_AVAILABLE);
        let available = available.find(|slot| label(slot, "mountpoint") == of);
        available.is_some_and(|available| {
            size.value >= SMALL_DISK
                && available.value < size.value * DISK_RATIO
                && available.value < DISK_BYTES
        })
    })
}

fn label<'s>(slot: &'s Slot, name: &str) -> Option<&'s str> {
    let labels = &slot.name.series.labels;
    let (_, value) = labels.iter().find(|(label, _)| *label == name)?;
    Some(value)
}

fn urgency(weakness: &Weakness) -> u8 {
    match weakness {
        Weakness::UpsOnBattery { .. } => 0,
        Weakness::DiskFailing { .. } => 1,
        Weakness::DiskFull { .. } => 2,
        Weakness::SupplyLow { .. } => 3,
        Weakness::CertificateEnds { .. } => 4,
        Weakness::UpsWeak { .. } => 5,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a week has few days"
)]
fn whole(days: f64) -> u32 {
    days.floor() as u32
}
