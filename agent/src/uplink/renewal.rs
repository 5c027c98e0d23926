//! Keeps the certificate young, beside the stream and whether there is one or not.
//!
//! Asked for when it is due by the collector's clock, or when a connection broke as if the collector
//! did not like the certificate: this clock may be the one that is wrong. Every answer, every failure
//! and every refusal is followed by a rest, so that nothing here can go round and round.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Shared;
use crate::backoff::{Backoff, refusal_rest};
use crate::identity;

/// How often at least to look whether it is due: clocks jump and machines sleep.
const LOOK_AGAIN: Duration = Duration::from_mins(10);

/// The ceilings of the waits after a failure.
const LEAST_WAIT: Duration = Duration::from_secs(5);
const MOST_WAIT: Duration = Duration::from_mins(10);

/// How long a certificate is kept at least, however short it lives.
const REST_AFTER_SUCCESS: Duration = Duration::from_secs(1);

/// Why a new certificate is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    Due,
    Suspicion,
}

pub(super) struct Renewal<'a> {
    shared: &'a Shared,
    backoff: Backoff,
    rests_until: Instant,
    /// Suspicion cuts a rest after a failure short, since the collector is back then; not others.
    ignores_suspicion_until: Instant,
}

impl<'a> Renewal<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        let now = Instant::now();
        Self {
            shared,
            backoff: Backoff::new(LEAST_WAIT, MOST_WAIT),
            rests_until: now,
            ignores_suspicion_until: now,
        }
    }

    /// Goes on until it is dropped.
    pub(super) async fn run(mut self) {
        let mut server_offset = self.shared.server_offset_ms.subscribe();
        loop {
            let look_in = self.due_in().min(LOOK_AGAIN);
            let look_at = self.rests_until.max(Instant::now() + look_in);
            let occasion = tokio::select! {
                () = tokio::time::sleep_until(look_at) => Occasion::Due,
                () = self.shared.suspicion.notified() => Occasion::Suspicion,
                Ok(()) = server_offset.changed() => continue,
            };
            let asks = match occasion {
                Occasion::Due => self.due_in().is_zero(),
                Occasion::Suspicion => Instant::now() >= self.ignores_suspicion_until,
            };
            if asks {
                self.ask(occasion).await;
            }
        }
    }

    fn due_in(&self) -> Duration {
        let server_offset_ms = *self.shared.server_offset_ms.borrow();
        let identity = self.shared.identity.borrow();
        identity.renewal_due_in(server_offset_ms)
    }

    async fn ask(&mut self, occasion: Occasion) {
        let Shared {
            folder, collector, ..
        } = self.shared;
        let identity = self.shared.identity.borrow().clone();
        match identity::renew(folder, &identity, collector).await {
            Ok(renewed) => {
                let until_unix_ms = renewed.valid_until_unix_ms;
                info!(until_unix_ms, "The certificate was renewed.");
                self.shared.heard_time(renewed.issued_unix_ms);
                self.shared
                    .status
                    .send_modify(|status| status.certificate_until_unix_ms = until_unix_ms);
                self.shared.identity.send_replace(renewed);
                let rest = if self.due_in().is_zero() {
                    self.backoff.next_wait()
                } else {
                    self.backoff.reset();
                    REST_AFTER_SUCCESS
                };
                self.rests_until = Instant::now() + rest;
                self.ignores_suspicion_until = Instant::now() + refusal_rest();
            }
            Err(error) => {
                let retryable = error.is_retryable();
                let error = crate::chain(&error);
                warn!(error, "The certificate could not be renewed.");
                if retryable {
                    self.rests_until = Instant::now() + self.backoff.next_wait();
                } else {
                    self.rests_until = Instant::now() + refusal_rest();
                }
                if !retryable || occasion == Occasion::Suspicion {
                    self.ignores_suspicion_until = self.rests_until;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::tests::shared;
    use super::*;

    /// How often a collector that never answers is asked within an hour.
    async fn attempts_in_an_hour(is_suspicious: bool) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://{}", collector.local_addr().unwrap());
        let shared = Shared {
            collector: address.parse().unwrap(),
            ..shared(folder.path())
        };
        let suspicions = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if is_suspicious {
                    shared.suspicion.notify_one();
                }
                // As on a busy stream.
                shared.server_offset_ms.send_modify(|_| {});
            }
        };
        let both = async { tokio::join!(Renewal::new(&shared).run(), suspicions) };
        tokio::time::timeout(Duration::from_hours(1), both)
            .await
            .unwrap_err();
        let collector = collector.into_std().unwrap();
        std::iter::from_fn(|| collector.accept().ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_does_not_answer_is_asked_ever_more_rarely() {
        for is_suspicious in [false, true] {
            let attempts = attempts_in_an_hour(is_suspicious).await;
            assert!((3..60).contains(&attempts), "{attempts}, {is_suspicious}");
        }
    }
}
