//! Addresses of host names, kept when the resolvers fail: a dead DNS must not look like a dead line.
//!
//! A name is asked again after a while, and when its address stopped answering. One address per
//! name is probed, the same for as long as the name still has it. Few questions are asked at a time:
//! with dead resolvers each holds a thread for half a minute, and others need threads too.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::slow::Slow;

/// How long an address that answers is believed.
const BELIEVED: Duration = Duration::from_mins(5);

/// Questions at a time. The next waits until one of them was answered or given up by the system.
const AT_A_TIME: usize = 3;

/// Asks the system for the addresses of a name; none when that failed.
pub(super) type Lookup = fn(String) -> Pin<Box<dyn Future<Output = Vec<IpAddr>> + Send>>;

/// The last good address of each name in use.
#[derive(Debug)]
pub(super) struct Names {
    lookup: Lookup,
    at_a_time: Arc<Semaphore>,
    known: HashMap<String, Known>,
}

#[derive(Debug, Default)]
struct Known {
    address: Option<IpAddr>,
    believed_until: Option<Instant>,
    lookup: Slow<Vec<IpAddr>>,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(|name| Box::pin(ask_the_system(name)))
    }
}

async fn ask_the_system(name: String) -> Vec<IpAddr> {
    match tokio::net::lookup_host((name, 0)).await {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(_) => Vec::new(),
    }
}

impl Names {
    /// Asks somebody else.
    pub(super) fn with(lookup: Lookup) -> Self {
        Self {
            lookup,
            at_a_time: Arc::new(Semaphore::new(AT_A_TIME)),
            known: HashMap::new(),
        }
    }

    /// Asks for these names where it is time to, and forgets all others. Waits, and only until the
    /// deadline, for names that have no address yet.
    pub(super) async fn refresh(&mut self, names: &[&str], deadline: Instant) {
        self.known.retain(|name, _| names.contains(&name.as_str()));
        let now = Instant::now();
        for name in names {
            let known = self.known.entry((*name).to_owned()).or_default();
            if known.believed_until.is_none_or(|until| until <= now) {
                let call = self.lookup;
                let name = (*name).to_owned();
                let at_a_time = Arc::clone(&self.at_a_time);
                known.lookup.start(|| {
                    tokio::spawn(async move {
                        let _turn = at_a_time.acquire_owned().await;
                        call(name).await
                    })
                });
            }
        }
        for known in self.known.values_mut() {
            let patience = if known.address.is_some() {
                now
            } else {
                deadline
            };
            if let Some(answers) = known.lookup.returned(patience).await
                && let Some(address) = choose(known.address, &answers)
            {
                known.address = Some(address);
                known.believed_until = Some(Instant::now() + BELIEVED);
            }
        }
    }

    /// The last good address.
    pub(super) fn address(&self, name: &str) -> Option<IpAddr> {
        self.known.get(name)?.address
    }

    /// Its address does not answer: ask again before the next round.
    pub(super) fn doubt(&mut self, name: &str) {
        if let Some(known) = self.known.get_mut(name) {
            known.believed_until = None;
        }
    }
}

/// The address in use when it still is an answer, else what the system would try first. Who was elsewhere
/// has not moved into this machine: filters and captive networks answer so.
fn choose(current: Option<IpAddr>, answers: &[IpAddr]) -> Option<IpAddr> {
    let was_elsewhere = current.is_some_and(|address| !address.is_loopback());
    let is_place =
        |address: &&IpAddr| !address.is_unspecified() && !(was_elsewhere && address.is_loopback());
    current
        .filter(|address| answers.contains(address))
        .or_else(|| answers.iter().find(is_place).copied())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::net::Ipv4Addr;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(2)
    }

    #[test]
    fn an_address_is_kept_while_it_is_an_answer() {
        assert_eq!(choose(None, &[A, B]), Some(A));
        assert_eq!(choose(Some(B), &[A, B]), Some(B));
        assert_eq!(choose(Some(B), &[A]), Some(A));
        assert_eq!(choose(Some(B), &[]), None);
        let hundred = (0..100).map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        assert_eq!(choose(Some(B), &hundred.collect::<Vec<_>>()), Some(B));
    }

    #[test]
    fn an_answer_that_leads_nowhere_is_none() {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(choose(None, &[nowhere]), None);
        assert_eq!(choose(Some(A), &[nowhere, here]), None);
        assert_eq!(choose(Some(A), &[here, B]), Some(B));
        assert_eq!(choose(None, &[here]), Some(here), "it may well be here");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_address_survives_dead_resolvers() {
        let mut names = Names::with(|_| Box::pin(std::future::ready(vec![A])));
        names.refresh(&["collector"], soon()).await;
        assert_eq!(names.address("collector"), Some(A));

        names.lookup = |_| Box::pin(std::future::ready(Vec::new()));
        names.doubt("collector");
        names.refresh(&["collector"], soon()).await;
        assert_eq!(names.address("collector"), Some(A), "asked in vain");

        names.lookup = |_| Box::pin(std::future::pending());
        let before = Instant::now();
        names.refresh(&["collector"], soon()).await;
        assert_eq!(names.address("collector"), Some(A), "not answered at all");
        assert_eq!(before.elapsed(), Duration::ZERO, "and not waited for");

        names.refresh(&[], soon()).await;
        assert_eq!(names.address("collector"), None, "no longer wanted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_moved_name_is_found_again_in_time() {
        let mut names = Names::with(|_| Box::pin(std::future::ready(vec![A])));
        names.refresh(&["x"], soon()).await;
        names.lookup = |_| Box::pin(std::future::ready(vec![B]));
        names.refresh(&["x"], soon()).await;
        assert_eq!(names.address("x"), Some(A), "believed");
        tokio::time::advance(BELIEVED).await;
        // The question is asked in this refresh and its answer used by the next.
        names.refresh(&["x"], soon()).await;
        tokio::task::yield_now().await;
        names.refresh(&["x"], soon()).await;
        assert_eq!(names.address("x"), Some(B));
    }

    #[tokio::test(start_paused = true)]
    async fn dead_resolvers_hold_few_threads() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let mut names = Names::with(|_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(30)).await;
                Vec::new()
            })
        });
        let wanted = ["a", "b", "c", "d", "e"];
        names.refresh(&wanted, soon()).await;
        names.refresh(&wanted, soon()).await;
        assert_eq!(ASKED.load(Ordering::Relaxed), AT_A_TIME);
        names
            .refresh(&wanted, Instant::now() + Duration::from_mins(1))
            .await;
        assert_eq!(ASKED.load(Ordering::Relaxed), wanted.len());
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let mut names = Names::default();
        names.refresh(&["localhost"], soon()).await;
        assert!(names.address("localhost").unwrap().is_loopback());
    }
}
