//! The way to a target, router by router, as a device last discovered it.

use proto::metrics::{self as catalogue, Metric};

use super::measured::{OfRun, Run};
use crate::latest::Slot;

/// Hops of one way that are shown.
const MOST_HOPS: usize = 32;

/// What an ordinary line carries, PPPoE counted off: a way that carries less is worth a word.
const ORDINARY_MTU: f64 = 1_492.0;

/// The way to one target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Route {
    pub(in crate::web) target: String,
    /// Those that answer, the nearest first.
    pub(in crate::web) hops: Vec<Hop>,
    /// Hops up to the target, itself included; absent when the discovery did not arrive.
    pub(in crate::web) length: Option<f64>,
    /// Since the agent started.
    pub(in crate::web) changes: Option<f64>,
    /// Bytes.
    pub(in crate::web) mtu: Option<f64>,
    /// Whether larger packets vanish.
    pub(in crate::web) black_hole: bool,
    /// Of the discovery of hops; packets are sized at other times.
    discovery: Run,
}

/// A router on the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::web) struct Hop {
    /// The gateway is 1.
    pub(in crate::web) number: u8,
    pub(in crate::web) address: String,
    /// Seconds.
    pub(in crate::web) rtt: Option<f64>,
}

impl Route {
    pub(super) fn take(&mut self, slot: &Slot) {
        let is = |metric: &'static Metric| slot.series().metric == metric;
        if is(&catalogue::PATH_CHANGES) {
            self.changes = Some(slot.value);
        } else if is(&catalogue::PATH_MTU) {
            self.mtu = Some(slot.value);
        } else if is(&catalogue::PATH_MTU_BLACKHOLE) {
            self.black_hole = slot.value > 0.0;
        } else {
            self.take_discovered(slot);
        }
    }

    fn take_discovered(&mut self, slot: &Slot) {
        match self.discovery.sees(slot) {
            OfRun::Older => return,
            OfRun::Same => {}
            OfRun::Newer => (self.hops, self.length) = (Vec::new(), None),
        }
        let is = |metric: &'static Metric| slot.series().metric == metric;
        if is(&catalogue::PATH_HOPS) {
            self.length = Some(slot.value);
        } else if let Some(hop) = self.hop(slot.label("hop")) {
            if is(&catalogue::PATH_HOP_INFO) {
                slot.label("address").clone_into(&mut hop.address);
            } else if is(&catalogue::PATH_HOP_RTT) {
                hop.rtt = Some(slot.value);
            }
        }
    }

    /// The place of a hop. `None` for a number that is none, or one too many.
    fn hop(&mut self, number: &str) -> Option<&mut Hop> {
        let number = number.parse().ok()?;
        let place = match self.hops.binary_search_by_key(&number, |hop| hop.number) {
            Ok(place) => place,
            Err(_) if self.hops.len() == MOST_HOPS => return None,
            Err(place) => {
                self.hops.insert(
                    place,
                    Hop {
                        number,
                        ..Hop::default()
                    },
                );
                place
            }
        };
        self.hops.get_mut(place)
    }

    /// Drops hops that have no address.
    pub(super) fn settle(&mut self) {
        self.hops.retain(|hop| !hop.address.is_empty());
    }

    /// The largest packet that passes, when it is smaller than usual.
    pub(in crate::web) fn reduced_mtu(&self) -> Option<f64> {
        self.mtu.filter(|mtu| *mtu < ORDINARY_MTU)
    }

    /// Whether there is a way to show, or only what fits through it.
    pub(in crate::web) fn was_traced(&self) -> bool {
        !self.hops.is_empty() || self.length.is_some()
    }
}
