//! The collector watches: what agents tell becomes evidence, the diagnosis makes incidents of it, and
//! [`Events`] says so to whoever wants to know.
//!
//! In reading order: `telling` (a stream's batches → records; `words` has the names), [`feed()`] (the way, bounded),
//! `watcher` (the one task that owns the diagnosis), `events` (who wants to know), `chronicle` (into the
//! registry), [`evidence`] (what the diagnosis was told, for replay), `adopt` (incidents across a restart),
//! `closer` (agents look closer where it wavers), `lost` (service hours that were lost), `metrics`, `start` (all of it put together). Deliberately absent: any judgement; that is the crate
//! `diagnosis`.

mod adopt;
mod chronicle;
mod closer;
mod events;
pub mod evidence;
mod feed;
#[cfg(test)]
pub(crate) mod fixture;
mod lost;
mod metrics;
mod start;
mod telling;
#[cfg(test)]
mod tests;
mod watcher;
mod words;

use std::sync::Arc;

use diagnosis::calendar::Centre;
use diagnosis::event::Incident;
use tokio::sync::watch;

use crate::calendar::Calendars;
use crate::registry;

pub use self::events::{Events, Lost, Open, Standing};
pub use self::feed::{Feed, feed};
pub use self::metrics::Metrics;
pub(crate) use self::metrics::word;
pub use self::start::{Setup, Watch};
pub use self::telling::{Taken, Telling};

/// The segment of an incident, or the word for one that is not known.
#[must_use]
pub fn segment_of(incident: &Incident) -> &str {
    incident.segment.as_deref().unwrap_or("unknown")
}

/// Follows the registry's centres as the diagnosis knows them, until they are followed no more. What is no
/// change of theirs is none here.
pub async fn follow(
    mut registry: watch::Receiver<Arc<Vec<registry::Centre>>>,
    calendars: Arc<Calendars>,
    told: watch::Sender<Arc<Vec<Centre>>>,
) {
    while registry.changed().await.is_ok() {
        let now = centres(&registry.borrow_and_update(), &calendars);
        told.send_if_modified(|before| {
            let differs = **before != now;
            if differs {
                *before = Arc::new(now);
            }
            differs
        });
    }
}

/// Centres as the diagnosis knows them.
#[must_use]
pub fn centres(centres: &[registry::Centre], calendars: &Calendars) -> Vec<Centre> {
    let of = |centre: &registry::Centre| Centre {
        id: centre.id.to_string(),
        name: centre.name.clone(),
        area: centre.area.clone().unwrap_or_default(),
        isp: centre.isp.clone().unwrap_or_default(),
        calendar: calendars.of(centre),
    };
    centres.iter().map(of).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of any time of interest fit a double"
)]
fn seconds(unix_ms: i64) -> f64 {
    unix_ms as f64 / 1_000.0
}
