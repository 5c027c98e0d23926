//! An engine that begins anew and is shown the past knows what is usual.

use super::town::NINE;
use super::{MINUTE, morning, towns};
use crate::engine::Engine;
use crate::record::{Place, Record};

/// When the engine is started again, and when the line gets slow: too soon after to learn what was usual.
const AGAIN: f64 = NINE + 20.0 * MINUTE;
const SLOW: f64 = AGAIN + 2.0 * MINUTE;

/// What an engine says that begins at the restart and is shown this much of what was before.
fn said(all: &[Record], shown: f64) -> Vec<String> {
    let mut engine = Engine::new(towns());
    let mut faults = Vec::new();
    for record in all {
        if record.arrived < AGAIN - shown {
            continue;
        } else if record.arrived < AGAIN {
            engine.recall(record);
        } else {
            faults.extend(engine.take(record));
        }
    }
    faults.into_iter().map(|one| one.incident.fault).collect()
}

#[test]
fn what_is_usual_is_known_again_after_a_restart() {
    let mut all = morning(|town, _, t, measured| {
        if town != "an-lac" || t < SLOW {
            return;
        }
        let beyond = |place| !matches!(place, Place::Lan | Place::Gateway);
        for link in measured.links.iter_mut().filter(|one| beyond(one.segment)) {
            link.rtt_ms = link.rtt_ms.map(|ms| ms + 180.0);
            link.rtt_p95_ms = link.rtt_p95_ms.map(|ms| ms + 180.0);
        }
    });
    all.sort_by(|one, other| one.arrived.total_cmp(&other.arrived));
    let slow = |faults: &[String]| faults.iter().any(|fault| fault == "line_slow");
    let known = said(&all, f64::INFINITY);
    assert!(slow(&known), "{known:?}");
    let unknown = said(&all, 0.0);
    assert!(!slow(&unknown), "{unknown:?}");
}
