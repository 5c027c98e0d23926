//! When each centre is open: its own hours from the centres file, and the province's seasons, holidays and exceptions
//! from the configuration, which may be those of some centres only.

use std::collections::HashMap;
use std::sync::Arc;

use diagnosis::calendar::{Calendar, Year};
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::ids::CentreId;

pub use diagnosis::calendar::{Hours, InvalidHours, USUAL_DAYS};

use crate::registry::Centre;

/// The offset of Việt Nam, which has no daylight saving time.
pub const UTC_PLUS_7: Offset = Offset::constant(7);

/// The calendars of a province.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendars {
    offset: Offset,
    /// Of centres nothing particular is said of.
    usual: Arc<Year>,
    particular: HashMap<CentreId, Arc<Year>>,
}

impl Calendars {
    /// Calendars whose years are these, the usual one and those of particular centres.
    #[must_use]
    pub fn new(offset: Offset, usual: Year, particular: HashMap<CentreId, Year>) -> Self {
        let shared = particular
            .into_iter()
            .map(|(id, year)| (id, Arc::new(year)));
        Self {
            offset,
            usual: Arc::new(usual),
            particular: shared.collect(),
        }
    }

    /// The local time of all of them.
    #[must_use]
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// The calendar of a centre. Cheap: years are shared.
    #[must_use]
    pub fn of(&self, centre: &Centre) -> Calendar {
        let year = self.particular.get(&centre.id).unwrap_or(&self.usual);
        Calendar {
            hours: centre.hours.clone(),
            utc_offset: self.offset.seconds(),
            year: Arc::clone(year),
        }
    }

    /// Whether a centre is open; nothing when its hours are not known.
    #[must_use]
    pub fn is_open(&self, centre: &Centre, at: Timestamp) -> Option<bool> {
        let calendar = self.of(centre);
        let t = at.as_duration().as_secs_f64();
        calendar.is_known().then(|| calendar.is_open(t))
    }

    /// Centres that something particular is said of: a name that no centre has is a mistake of the configuration.
    pub fn particular(&self) -> impl Iterator<Item = &CentreId> {
        self.particular.keys()
    }
}

impl Default for Calendars {
    /// UTC+7 and no more than the weeks of the centres.
    fn default() -> Self {
        Self::new(UTC_PLUS_7, Year::default(), HashMap::new())
    }
}
