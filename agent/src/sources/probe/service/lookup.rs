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

    /// All addresses of a name, at least one.
    pub(super) async fn addresses(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, Stop> {
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
        if addresses.is_empty() {
            return Err(failed("the name has no address".to_owned()));
        }
        Ok(addresses)
    }
}

/// The one address to try: the one after that which was not reached last time; else the known one while
/// the name still has it; else what the system would try first.
pub(super) fn choose(
    addresses: &[IpAddr],
    known: Option<IpAddr>,
    unreached: Option<IpAddr>,
) -> Option<IpAddr> {
    let place = |wanted: IpAddr| addresses.iter().position(|address| *address == wanted);
    let place = match (unreached.and_then(place), known.and_then(place)) {
        (Some(unreached), _) => (unreached + 1) % addresses.len().max(1),
        (None, Some(known)) => known,
        (None, None) => 0,
    };
    addresses.get(place).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn within(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn of_a_hundred_addresses_one_is_tried_and_kept_until_it_is_not_reached() {
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        let hundred: Vec<IpAddr> = (0..100).map(address).collect();
        let check = |known: Option<u8>, unreached: Option<u8>, expected| {
            let chosen = choose(&hundred, known.map(address), unreached.map(address));
            assert_eq!(chosen, Some(address(expected)), "{known:?} {unreached:?}");
        };
        check(None, None, 0);
        check(Some(77), None, 77);
        check(Some(200), None, 0);
        check(Some(77), Some(77), 78);
        check(Some(77), Some(99), 0);
        check(Some(77), Some(200), 77);
        let one = [address(1)];
        assert_eq!(choose(&one, None, Some(address(1))), Some(address(1)));
        assert_eq!(choose(&[], None, None), None);
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
            let failed = lookups.addresses("x", within(5)).await;
            let outcome = Outcome::DnsFailed;
            assert!(matches!(failed, Err(Stop::With(with, _)) if with == outcome));
            assert_eq!(began.elapsed(), Duration::from_secs(5));
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), AT_A_TIME);
    }
}
