//! A name, as programs on this machine look it up: hosts file, resolvers and cache, whatever the system is
//! set up to use.
//!
//! The system's call cannot be ended and may take half a minute; one at a time is made, and given up from
//! outside. Why it failed it tells in words alone, and no better than "no such name" or "failed".

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use super::super::slow::Slow;
use super::message::ADDRESSES;
use super::{Asked, Judged, Name, Outcome, Told};

/// Asks the system for the addresses of a name.
type Lookup = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// The system's own way.
#[derive(Debug)]
pub(crate) struct System {
    lookup: Lookup,
    pending: Slow<Returned>,
}

#[derive(Debug)]
struct Returned {
    name: Name,
    found: io::Result<Vec<IpAddr>>,
    took: Duration,
}

impl Default for System {
    fn default() -> Self {
        Self {
            lookup: |host| Box::pin(look_up(host)),
            pending: Slow::default(),
        }
    }
}

async fn look_up(host: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((host, 0)).await?;
    Ok(found.map(|address| address.ip()).take(ADDRESSES).collect())
}

impl System {
    /// Looks up a name and judges the answer. While a lookup of before hangs, no other is made.
    pub(crate) async fn judge(
        &mut self,
        name: Name,
        gateways: &[IpAddr],
        limit: Duration,
    ) -> Judged {
        let now = Instant::now();
        // What came too late is no answer.
        self.pending.returned(now).await;
        let lookup = self.lookup;
        let asked_for = name.clone();
        self.pending.start(|| {
            tokio::spawn(async move {
                let started = Instant::now();
                let found = lookup(asked_for.host.clone()).await;
                Returned {
                    name: asked_for,
                    found,
                    took: started.elapsed(),
                }
            })
        });
        let told = match self.pending.returned(now + limit).await {
            Some(Returned {
                name, found, took, ..
            }) if took <= limit => Told::new(name, asked(found, took), gateways),
            _ => Told::new(name, failed(Outcome::Timeout, None), gateways),
        };
        Judged::of(vec![told])
    }
}

fn asked(found: io::Result<Vec<IpAddr>>, took: Duration) -> Asked {
    match found {
        Ok(addresses) if !addresses.is_empty() => Asked {
            outcome: Outcome::Answered,
            addresses,
            took: Some(took),
            over_tcp: false,
        },
        Ok(_) => failed(Outcome::NxDomain, Some(took)),
        Err(error) if is_unknown(&error) => failed(Outcome::NxDomain, Some(took)),
        Err(_) => failed(Outcome::ServFail, Some(took)),
    }
}

fn failed(outcome: Outcome, took: Option<Duration>) -> Asked {
    Asked {
        outcome,
        addresses: Vec::new(),
        took,
        over_tcp: false,
    }
}

/// Whether the system says that there is no such name, or no address behind it. The standard library
/// keeps the words of the C library alone.
fn is_unknown(error: &io::Error) -> bool {
    const WORDS: [&str; 5] = [
        // glibc
        "Name or service not known",
        "No address associated with hostname",
        // musl, as in the static builds
        "Name does not resolve",
        "Name has no usable address",
        // macOS and the BSDs
        "nodename nor servname provided",
    ];
    // WSAHOST_NOT_FOUND and WSANO_DATA; nothing else has such numbers.
    const CODES: [i32; 2] = [11_001, 11_004];
    let text = error.to_string();
    WORDS.iter().any(|words| text.contains(words))
        || error
            .raw_os_error()
            .is_some_and(|code| CODES.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::super::names::{Expected, canary};
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn portal() -> Name {
        Name {
            host: "portal.vn".to_owned(),
            expected: Expected::Public,
        }
    }

    async fn judged(lookup: Lookup, name: Name) -> Outcome {
        let mut system = System {
            lookup,
            ..System::default()
        };
        system.judge(name, &[], LIMIT).await.outcome
    }

    #[tokio::test(start_paused = true)]
    async fn the_systems_answers_are_told_apart() {
        let found: Lookup = |_| Box::pin(async { Ok(vec![IpAddr::from([203, 0, 113, 1])]) });
        let lie: Lookup = |_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) });
        let none: Lookup = |_| {
            let words = "failed to lookup address information: Name or service not known";
            Box::pin(async move { Err(io::Error::other(words)) })
        };
        let trouble: Lookup = |_| {
            let words =
                "failed to lookup address information: Temporary failure in name resolution";
            Box::pin(async move { Err(io::Error::other(words)) })
        };
        let hangs: Lookup = |_| Box::pin(std::future::pending());
        assert_eq!(judged(found, portal()).await, Outcome::Answered);
        assert_eq!(judged(lie, portal()).await, Outcome::Wrong);
        assert_eq!(judged(none, portal()).await, Outcome::NxDomain);
        assert_eq!(judged(none, canary()).await, Outcome::Answered);
        assert_eq!(judged(found, canary()).await, Outcome::Wrong);
        assert_eq!(judged(trouble, portal()).await, Outcome::ServFail);
        assert_eq!(judged(hangs, portal()).await, Outcome::Timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hung_lookup_is_one_thread_and_its_late_answer_none() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let mut system = System {
            lookup: |_| {
                MADE.fetch_add(1, Ordering::Relaxed);
                Box::pin(async {
                    tokio::time::sleep(Duration::from_secs(8)).await;
                    Ok(vec![IpAddr::from([203, 0, 113, 1])])
                })
            },
            ..System::default()
        };
        for _ in 0..2 {
            let judged = system.judge(portal(), &[], LIMIT).await;
            assert_eq!((judged.outcome, judged.took), (Outcome::Timeout, None));
            assert_eq!(MADE.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn the_real_system_knows_localhost() {
        let name = Name {
            host: "localhost".to_owned(),
            expected: Expected::Anything,
        };
        let judged = System::default().judge(name, &[], LIMIT).await;
        assert_eq!(judged.outcome, Outcome::Answered);
    }
}
