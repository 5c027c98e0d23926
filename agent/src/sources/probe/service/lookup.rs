//! The addresses of a service's name, asked of the system as a browser does, in bounded time.
//!
//! Whether a resolver is slow, dead or lying is the matter of the source `dns`; here counts what the
//! system makes of all of them. Dead resolvers hold a thread for half a minute each time, so that few
//! questions are under way at a time, those included that nobody waits for any more.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::outcome::{Outcome, Stop};

/// Questions at a time.
const AT_A_TIME: usize = 4;

/// Asks for the addresses of a name.
pub(super) type Ask = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks the system. One for all attempts of a process.
#[derive(Debug, Clone)]
pub(crate) struct Lookups {
    ask: Ask,
    turns: Arc<Semaphore>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self::with(|name| Box::pin(ask_the_system(name)))
    }
}

async fn ask_the_system(name: String) -> io::Result<Vec<IpAddr>> {
    let addresses = tokio::net::lookup_host((name, 0)).await?;
    Ok(addresses.map(|address| address.ip()).collect())
}

impl Lookups {
    /// Asks somebody else.
    pub(super) fn with(ask: Ask) -> Self {
        Self {
            ask,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// The address to try: the known one while the name still has it, else what the system would try
    /// first.
    pub(super) async fn address(
        &self,
        name: &str,
        known: Option<IpAddr>,
        deadline: Instant,
    ) -> Result<IpAddr, Stop> {
        let failed = |why: String| Stop::With(Outcome::DnsFailed, format!("{name}: {why}"));
        let late = || failed("no answer to the name in time".to_owned());
        let turn = timeout_at(deadline, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| late())?;
        let asking = (self.ask)(name.to_owned());
        let asked = tokio::spawn(async move {
            let _turn = turn;
            asking.await
        });
        let answered = timeout_at(deadline, asked).await.map_err(|_| late())?;
        let addresses = answered
            .unwrap_or_else(|panicked| Err(panicked.into()))
            .map_err(|error| failed(error.to_string()))?;
        known
            .filter(|known| addresses.contains(known))
            .or_else(|| addresses.first().copied())
            .ok_or_else(|| failed("the name has no address".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::*;

    const FIRST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 0));

    fn within(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn of_a_hundred_addresses_the_first_or_the_known_one_is_tried() {
        let lookups = Lookups::with(|_| {
            let hundred = (0..100).map(|n| IpAddr::from([192, 0, 2, n])).collect();
            Box::pin(std::future::ready(Ok(hundred)))
        });
        let check = |known: Option<IpAddr>, expected: IpAddr| {
            let lookups = lookups.clone();
            async move {
                let found = lookups.address("x", known, within(9)).await.unwrap();
                assert_eq!(found, expected, "{known:?}");
            }
        };
        check(None, FIRST).await;
        check(Some([192, 0, 2, 77].into()), [192, 0, 2, 77].into()).await;
        check(Some([192, 0, 2, 200].into()), FIRST).await;
    }

    #[tokio::test(start_paused = true)]
    async fn questions_that_hang_are_few_and_waited_for_in_bounds() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let lookups = Lookups::with(|_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending())
        });
        for _ in 0..10 {
            let began = Instant::now();
            let failed = lookups.address("x", Some(FIRST), within(5)).await;
            let outcome = Outcome::DnsFailed;
            assert!(matches!(failed, Err(Stop::With(with, _)) if with == outcome));
            assert_eq!(began.elapsed(), Duration::from_secs(5));
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), AT_A_TIME);
    }
}
