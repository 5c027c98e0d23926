//! What the log says of one target: each trouble when it begins, again while it lasts, and its end.
//!
//! A store may refuse a thousand requests a minute. `/metrics` counts each; the log names the first, with
//! what a person needs to set it right, and is then silent for a while.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use proto::ids::{CentreId, DeviceId};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::client::{Cause, Later, Refusal};
use super::window::Device;
use crate::journal::RecordError;

/// The same trouble is told this often.
const REMIND: Duration = Duration::from_mins(10);

/// Shorter troubles end without a word.
const SHORT: Duration = Duration::from_secs(5);

/// What the log already says of a target.
#[derive(Debug)]
pub(super) struct Told {
    target: String,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of the trouble that lasts, since when.
    trouble: Option<Instant>,
    cause: Option<(Cause, Instant)>,
    rejected: Option<Instant>,
    unreadable: Option<Instant>,
    newer: Option<Instant>,
}

impl Told {
    pub(super) fn of(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            known: Mutex::default(),
        }
    }

    /// What is lost is of one device, or of several when there were too many to tell apart.
    pub(super) fn rejected(&self, refusal: &Refusal, samples: u64, device: Option<Device>) {
        if !self.is_news(|known| &mut known.rejected) {
            return;
        }
        let (centre, device) = device.unzip();
        error!(
            target = self.target,
            centre = centre.as_ref().map(CentreId::as_str),
            device = device.as_ref().map(DeviceId::as_str),
            reason = refusal.reason.code(),
            samples,
            answer = refusal.text,
            "A store refused measurements; dropped. docs/remote_write.md says what each store accepts. More \
             of them are only counted for a while."
        );
    }

    /// Samples of a record are lost.
    pub(super) fn unreadable(&self, samples: u64, error: &RecordError) {
        if self.is_news(|known| &mut known.unreadable) {
            let error: &dyn Error = error;
            error!(
                error,
                target = self.target,
                samples,
                "Measurements that waited for a store cannot be read; dropped. More of them are only counted \
                 for a while."
            );
        }
    }

    /// Nothing is lost, and nothing goes on.
    pub(super) fn newer(&self, error: &RecordError) {
        if self.is_news(|known| &mut known.newer) {
            let error: &dyn Error = error;
            error!(
                error,
                target = self.target,
                "Nothing is sent to a store until this program is as new as what waits for it."
            );
        }
    }

    /// A request has to be repeated.
    pub(super) fn trouble(&self, later: &Later) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.trouble.get_or_insert(now);
        let is_told = |(cause, at): (Cause, Instant)| cause == later.cause && at.elapsed() < REMIND;
        if known.cause.is_some_and(is_told) {
            return;
        }
        known.cause = Some((later.cause, now));
        let (target, cause, answer) = (&self.target, later.cause.code(), &later.text);
        if later.cause == Cause::Misconfigured {
            error!(
                target,
                cause,
                answer,
                "A store takes no measurements until somebody changes the settings; they wait."
            );
        } else {
            warn!(
                target,
                cause, answer, "A store does not take measurements now; they wait."
            );
        }
    }

    /// A request was answered for good.
    pub(super) fn well(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = known.trouble.take()
            && since.elapsed() >= SHORT
        {
            known.cause = None;
            let seconds = since.elapsed().as_secs();
            info!(
                target = self.target,
                seconds, "A store takes measurements again."
            );
        }
    }

    /// Whether it was not told for a while; then it counts as told.
    fn is_news(&self, of: impl FnOnce(&mut Known) -> &mut Option<Instant>) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = of(&mut known);
        let is_news = at.is_none_or(|at| at.elapsed() >= REMIND);
        if is_news {
            *at = Some(Instant::now());
        }
        is_news
    }
}
