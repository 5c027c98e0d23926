//! Waiting for a state, with a deadline. Never for a time.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(50);

/// Looks again and again until the look succeeds, and returns what it saw.
///
/// # Panics
/// At the deadline, with the last state seen and the line that waited.
#[track_caller]
pub fn eventually<T>(
    what: &str,
    within: Duration,
    look: impl AsyncFnMut() -> Result<T, String>,
) -> impl Future<Output = T> {
    let waiting = Location::caller();
    async move {
        match poll(within, look).await {
            Ok(seen) => seen,
            Err(last) => panic!("{waiting}: not within {within:?}: {what}\nlast state: {last}"),
        }
    }
}

/// The same, for callers that can go on without: the error is the last state seen.
pub async fn poll<T>(
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + within;
    loop {
        // A look that hangs must not outlive the deadline by much.
        let seen = tokio::time::timeout(within + Duration::from_secs(5), look())
            .await
            .unwrap_or_else(|_| Err("looking took too long".into()));
        match seen {
            Err(_) if Instant::now() < deadline => sleep(POLL).await,
            seen => return seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_returns_what_was_seen() {
        let mut looks = 0;
        let seen = eventually("third look", Duration::from_secs(1), async || {
            looks += 1;
            if looks == 3 {
                Ok(looks)
            } else {
                Err("too early".into())
            }
        });
        assert_eq!(seen.await, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "last state: look 21")]
    async fn it_reports_the_last_state() {
        let mut looks = 0;
        eventually("never", Duration::from_secs(1), async || {
            looks += 1;
            Err::<(), _>(format!("look {looks}"))
        })
        .await;
    }
}
