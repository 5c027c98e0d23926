//! What little is lost when a store refuses samples for good, and that it is lost by whoever sent them.
//!
//! Stores refuse a whole request for one bad sample. So a refused request is taken apart ([`Splits`]):
//! between devices first, however its samples are spread over time, so that nobody loses anything for
//! what another one sent; then, within one device, by time. Each attempt delays what waits behind it, so
//! their number is bounded: of the late, the live and the suspects' requests of a shard each by itself, and
//! for finding who apart from finding what. So neither a device with nothing but bad samples nor a
//! backlog that is too old uses up what finds the next. Whoever was refused alone gets requests of its own
//! for a while ([`Suspects`]), behind those of the others.
//!
//! Deliberately absent: any trust in what a store says is wrong where others would pay for it (it may
//! hold words that an agent chose), and any memory of suspects beyond the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::client::Reason;
use super::window::{Device, Line, Request, Window};

/// Enough to find ten devices among the few hundred of a window.
const BETWEEN_DEVICES: u32 = 64;

/// Enough to find a handful of samples among thousands.
const WITHIN_DEVICES: u32 = 64;

/// How long a device stays apart after a refusal.
const APART: Duration = Duration::from_mins(10);

/// A request of its own costs a store little, but not if every device has one.
const MOST: usize = 64;

/// How often some requests of one shard and window may still be taken apart.
#[derive(Debug)]
pub(super) struct Splits {
    between_devices: u32,
    within_devices: u32,
}

impl Default for Splits {
    fn default() -> Self {
        Self {
            between_devices: BETWEEN_DEVICES,
            within_devices: WITHIN_DEVICES,
        }
    }
}

impl Splits {
    /// Two parts to try instead, one after the other. `None` when the request has to be given up.
    pub(super) fn take_apart(&mut self, window: &Window, request: &[Line]) -> Option<[Request; 2]> {
        if let Some(halves) = window.between_devices(request) {
            self.between_devices = self.between_devices.checked_sub(1)?;
            return Some(halves);
        }
        let halves = window.within_device(request)?;
        self.within_devices = self.within_devices.checked_sub(1)?;
        Some(halves)
    }
}

/// Devices that were refused alone of late.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    refused: Mutex<HashMap<Device, Instant>>,
}

impl Suspects {
    /// A store refused a request, of this device alone if there is one. Of too many, the first ones stay; age
    /// is no fault of a device.
    pub(super) fn note(&self, device: Option<&Device>, reason: Reason) {
        let Some(device) =
            device.filter(|_| !matches!(reason, Reason::TooOld | Reason::OutOfBounds))
        else {
            return;
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < MOST || refused.contains_key(device) {
            refused.insert(device.clone(), Instant::now());
        }
    }

    /// Who is kept apart now.
    pub(super) fn now(&self) -> Vec<Device> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|_, at| at.elapsed() < APART);
        refused.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn device(number: usize) -> Device {
        (
            "cong-son".parse().unwrap(),
            format!("pc-{number}").parse().unwrap(),
        )
    }

    fn note(suspects: &Suspects, number: usize) {
        suspects.note(Some(&device(number)), Reason::Duplicate);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_no_more_is_kept_apart_no_more() {
        let suspects = Suspects::default();
        note(&suspects, 1);
        note(&suspects, 2);
        tokio::time::advance(APART / 2).await;
        note(&suspects, 1);
        tokio::time::advance(APART / 2).await;
        assert_eq!(suspects.now(), [device(1)]);
        tokio::time::advance(APART / 2).await;
        assert_eq!(suspects.now(), []);
    }

    #[test]
    fn nobody_is_suspected_for_what_came_late_or_what_several_sent() {
        let suspects = Suspects::default();
        suspects.note(Some(&device(1)), Reason::TooOld);
        suspects.note(Some(&device(1)), Reason::OutOfBounds);
        suspects.note(None, Reason::Duplicate);
        assert_eq!(suspects.now(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_a_store_can_bear() {
        let suspects = Suspects::default();
        for number in 0..=MOST {
            note(&suspects, number);
        }
        assert_eq!(suspects.now().len(), MOST);
        // Whoever is apart already stays so.
        tokio::time::advance(APART / 2).await;
        note(&suspects, 0);
        tokio::time::advance(APART / 2).await;
        assert_eq!(suspects.now(), [device(0)]);
    }
}
