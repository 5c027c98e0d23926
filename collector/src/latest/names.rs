//! What series are called, kept once for the whole fleet.
//!
//! A thousand PCs have the same `mountpoint="C:"` and the same `target="gateway"`: each device keeps
//! one pointer per series, and what only one device has (its serial number) is kept for it alone. A
//! name that no device has any more is forgotten in one go with others, once they may be half of all
//! names: so the table is never more than twice what devices keep, and that is bounded per device.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use proto::stream::Series;

use super::runs::Probe;
use crate::metrics::exposition;

/// Below so many names, looking for forgotten ones is not worth it.
const FEW: usize = 1_024;

/// One series of any number of devices.
#[derive(Debug)]
pub struct Name {
    /// What it is.
    pub series: Series,
    /// Where its metric stands in the catalogue.
    pub position: usize,
    /// A small number that no other name in use has.
    pub id: u32,
    /// Whose runs tell it.
    pub(super) probe: Option<Probe>,
    /// Its own labels and what closes them, as `/metrics` shows them.
    pub tail: Box<str>,
}

/// The table of names.
#[derive(Debug, Default)]
pub(super) struct Names {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    known: HashSet<Known>,
    /// Numbers of names that were forgotten.
    free: Vec<u32>,
    /// How many names there may be before forgotten ones are looked for.
    limit: usize,
}

/// A name that is looked up by its series.
#[derive(Debug)]
struct Known(Arc<Name>);

impl Names {
    /// The name of a series, the same one for every device.
    pub(super) fn of(&self, series: &Series) -> Arc<Name> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Known(name)) = table.known.get(series) {
            return Arc::clone(name);
        }
        if table.known.len() >= table.limit.max(FEW) {
            table.forget();
        }
        let name = Arc::new(Name {
            series: series.clone(),
            position: series.metric.position(),
            id: table.unused_id(),
            probe: Probe::of(series.metric),
            tail: exposition::tail_of(series).into_boxed_str(),
        });
        table.known.insert(Known(Arc::clone(&name)));
        name
    }
}

impl Table {
    /// Forgets the names that nobody has any more. Whoever gets one does so under the same lock, so
    /// none is taken up again meanwhile.
    fn forget(&mut self) {
        let Self { known, free, .. } = self;
        known.retain(|Known(name)| {
            let in_use = Arc::strong_count(name) > 1;
            if !in_use {
                free.push(name.id);
            }
            in_use
        });
        self.limit = known.len() * 2;
    }

    fn unused_id(&mut self) -> u32 {
        let next = || u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.free.pop().unwrap_or_else(next)
    }
}

impl Borrow<Series> for Known {
    fn borrow(&self) -> &Series {
        &self.0.series
    }
}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.series.hash(state);
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.0.series == other.0.series
    }
}

impl Eq for Known {}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use std::collections::BTreeSet;

    use proto::metrics::{self as catalogue, Part};

    use super::*;

    fn interface(number: usize) -> Series {
        Series {
            device: None,
            metric: &catalogue::DEVICE_INTERFACE_UP,
            part: Part::Value,
            labels: vec![("interface", number.to_string())],
        }
    }

    #[test]
    fn two_devices_share_a_name() {
        let names = Names::default();
        assert!(Arc::ptr_eq(
            &names.of(&interface(1)),
            &names.of(&interface(1))
        ));
        assert!(!Arc::ptr_eq(
            &names.of(&interface(1)),
            &names.of(&interface(2))
        ));
    }

    #[test]
    fn names_that_nobody_has_are_forgotten_and_those_in_use_keep_their_numbers() {
        let names = Names::default();
        let kept: Vec<_> = (0..10).map(|number| names.of(&interface(number))).collect();
        for number in 0..100 * FEW {
            names.of(&interface(number));
        }
        let known = names.table.lock().expect("not poisoned").known.len();
        assert!(known <= FEW, "{known}");
        let new: Vec<_> = (0..2 * FEW)
            .map(|number| names.of(&interface(1_000_000 + number)))
            .collect();
        let ids: BTreeSet<_> = kept.iter().chain(&new).map(|name| name.id).collect();
        assert_eq!(
            ids.len(),
            kept.len() + new.len(),
            "every number is given once"
        );
        assert!(
            ids.iter().all(|id| (*id as usize) <= 3 * FEW),
            "numbers are used again"
        );
        assert!(Arc::ptr_eq(&names.of(&interface(3)), &kept[3]));
    }
}
