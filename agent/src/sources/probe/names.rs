//! Addresses of host names, kept when the resolvers fail: a dead DNS must not look like a dead line.
//!
//! A name is asked again after a while, and when its address stopped answering. One address per
//! name is probed, the same for as long as the name still has it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

#[cfg(test)]
use super::lookup::Ask;
use super::lookup::{Found, Lookups};
use super::slow::Slow;

/// How long an address that answers is believed.
const BELIEVED: Duration = Duration::from_mins(5);

/// No answer comes later than this.
const PATIENCE: Duration = Duration::from_mins(2);

/// The last good address of each name in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    lookups: Lookups,
    known: HashMap<String, Known>,
}

#[derive(Debug, Default)]
struct Known {
    address: Option<IpAddr>,
    believed_until: Option<Instant>,
    lookup: Slow<Option<Arc<Found>>>,
}

impl Names {
    /// Asks somebody else.
    #[cfg(test)]
    pub(super) fn with(ask: Ask) -> Self {
        Self {
            lookups: Lookups::with(ask),
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
                let (lookups, name) = (self.lookups.clone(), (*name).to_owned());
                known
                    .lookup
                    .start(|| tokio::spawn(async move { lookups.look_up(&name, PATIENCE).await }));
            }
        }
        for known in self.known.values_mut() {
            let patience = if known.address.is_some() {
                now
            } else {
                deadline
            };
            if let Some(Some(found)) = known.lookup.returned(patience).await
                && let Ok(answers) = &found.addresses
                && let Some(address) = choose(known.address, answers)
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
        |address: &&IpAddr| !(address.is_unspecified() || was_elsewhere && address.is_loopback());
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
        let mut names = Names::with(|_| Box::pin(std::future::ready(Ok(vec![A]))));
        names.refresh(&["collector"], soon()).await;
        assert_eq!(names.address("collector"), Some(A));

        names.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(Vec::new()))));
        names.doubt("collector");
        names.refresh(&["collector"], soon()).await;
        assert_eq!(names.address("collector"), Some(A), "asked in vain");

        names.lookups = Lookups::with(|_| Box::pin(std::future::pending()));
        let before = Instant::now();
        names.refresh(&["collector"], soon()).await;
        assert_eq!(names.address("collector"), Some(A), "not answered at all");
        assert_eq!(before.elapsed(), Duration::ZERO, "and not waited for");

        names.refresh(&[], soon()).await;
        assert_eq!(names.address("collector"), None, "no longer wanted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_moved_name_is_found_again_in_time() {
        let mut names = Names::with(|_| Box::pin(std::future::ready(Ok(vec![A]))));
        names.refresh(&["x"], soon()).await;
        names.lookups = Lookups::with(|_| Box::pin(std::future::ready(Ok(vec![B]))));
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
    async fn dead_names_delay_no_other_beyond_the_deadline() {
        let mut names = Names::with(|name| {
            Box::pin(async move {
                if name != "well" {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                Ok(vec![A])
            })
        });
        let wanted = ["a", "b", "c", "d", "e", "well"];
        let began = Instant::now();
        names.refresh(&wanted, soon()).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
        assert_eq!(names.address("well"), Some(A));
        assert_eq!(names.address("a"), None);
        names
            .refresh(&wanted, Instant::now() + Duration::from_mins(1))
            .await;
        assert_eq!(names.address("a"), Some(A), "its answer is late, and good");
    }
}
