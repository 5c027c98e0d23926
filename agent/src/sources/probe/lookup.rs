//! Names, asked of the system as every program asks it, in bounded time: hosts file, resolvers and cache,
//! whatever it is set up to use.
//!
//! The system's call cannot be ended and takes half a minute where resolvers are dead. So at most one is
//! under way for a name, and who asks for it meanwhile waits for the same; no name waits for another's.
//! The calls have threads of their own, since those of the runtime are few and for the disk.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

/// Calls under way: more than there are services, links and resolvers together to ask for.
const AT_A_TIME: usize = 64;

/// Addresses of one name that are kept.
const ADDRESSES: usize = 256;

/// Of a thread: what the system's resolver needs, several times over.
const STACK_BYTES: usize = 512 * 1024;

/// Asks for the addresses of a name.
pub(super) type Ask = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks the system. Copies share what is under way.
#[derive(Debug, Clone)]
pub(crate) struct Lookups {
    ask: Ask,
    under_way: Arc<Mutex<HashMap<String, Call>>>,
}

/// Holds nothing until the call has returned, and is closed from then on.
type Call = watch::Receiver<Option<Arc<Found>>>;

/// What a call returned.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) addresses: io::Result<Vec<IpAddr>>,
    /// The whole call, however much of it one waited for.
    pub(crate) took: Duration,
}

impl Default for Lookups {
    fn default() -> Self {
        Self::with(|name| Box::pin(ask_the_system(name)))
    }
}

async fn ask_the_system(name: String) -> io::Result<Vec<IpAddr>> {
    let (tell, told) = oneshot::channel();
    let call = move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        let addresses = found.map(|found| found.map(|one| one.ip()).take(ADDRESSES).collect());
        let _nobody_waits = tell.send(addresses);
    };
    std::thread::Builder::new()
        .name("lookup".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(call)?;
    told.await.map_err(io::Error::other)?
}

impl Lookups {
    /// Asks somebody else.
    pub(super) fn with(ask: Ask) -> Self {
        Self {
            ask,
            under_way: Arc::default(),
        }
    }

    /// What the system says of a name. `None` when its call takes longer than this, or too many others are
    /// under way: what comes later than anybody waits for is no answer.
    pub(crate) async fn look_up(&self, name: &str, patience: Duration) -> Option<Arc<Found>> {
        let mut call = self.call(name)?;
        let returned = timeout(patience, call.wait_for(Option::is_some)).await;
        let found = returned.ok()?.ok()?.clone()?;
        (found.took <= patience).then_some(found)
    }

    fn call(&self, name: &str) -> Option<Call> {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, call| call.has_changed().is_ok());
        if let Some(call) = under_way.get(name) {
            return Some(call.clone());
        }
        if under_way.len() >= AT_A_TIME {
            return None;
        }
        let (tell, call) = watch::channel(None);
        let asking = (self.ask)(name.to_owned());
        tokio::spawn(async move {
            let began = Instant::now();
            let addresses = asking.await;
            let took = began.elapsed();
            tell.send_replace(Some(Arc::new(Found { addresses, took })));
        });
        under_way.insert(name.to_owned(), call.clone());
        Some(call)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const SECOND: Duration = Duration::from_secs(1);

    fn well() -> Vec<IpAddr> {
        vec![A]
    }

    #[tokio::test(start_paused = true)]
    async fn dead_names_keep_no_other_from_being_answered() {
        let lookups = Lookups::with(|name| {
            Box::pin(async move {
                if name.starts_with("dead") {
                    tokio::time::sleep(30 * SECOND).await;
                }
                Ok(well())
            })
        });
        for dead in 0..AT_A_TIME - 1 {
            let name = format!("dead-{dead}");
            assert!(lookups.look_up(&name, SECOND / 100).await.is_none());
        }
        let found = lookups.look_up("well", SECOND).await.unwrap();
        assert_eq!(found.addresses.as_ref().unwrap(), &[A]);
        assert_eq!(found.took, Duration::ZERO);
        // And so many at most.
        assert!(lookups.look_up("dead-x", SECOND / 100).await.is_none());
        assert!(lookups.look_up("well", SECOND / 100).await.is_none());
        tokio::time::sleep(30 * SECOND).await;
        assert!(lookups.look_up("well", SECOND).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_is_under_way_for_a_name_and_its_late_answer_is_none() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let lookups = Lookups::with(|_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Box::pin(async {
                tokio::time::sleep(8 * SECOND).await;
                Ok(well())
            })
        });
        for asked in [1, 1, 2] {
            let began = Instant::now();
            let found = lookups.look_up("x", 5 * SECOND).await;
            assert!(found.is_none(), "{found:?}");
            assert!(began.elapsed() <= 5 * SECOND);
            assert_eq!(ASKED.load(Ordering::Relaxed), asked);
        }
        let found = lookups.look_up("x", 9 * SECOND).await.unwrap();
        assert!(found.took >= 8 * SECOND, "the whole call");
        assert_eq!(ASKED.load(Ordering::Relaxed), 2);
        tokio::task::yield_now().await;
        assert!(lookups.look_up("x", 9 * SECOND).await.is_some());
        assert_eq!(ASKED.load(Ordering::Relaxed), 3, "asked anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_panics_is_no_answer_and_made_again() {
        let lookups = Lookups::with(|_| Box::pin(async { panic!("as told") }));
        for _ in 0..2 {
            assert!(lookups.look_up("x", SECOND).await.is_none());
            assert!(lookups.under_way.lock().unwrap().len() <= 1);
        }
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let found = Lookups::default().look_up("localhost", 10 * SECOND).await;
        let found = found.unwrap();
        let addresses = found.addresses.as_ref().unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }
}
