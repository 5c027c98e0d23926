//! Names, as programs on this machine look them up.
//!
//! Why the system's call failed it tells in words alone, and no better than "no such name" or "failed".

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;

use super::super::lookup::Lookups;
use super::message::ADDRESSES;
use super::{Asked, Judged, Name, Outcome, Told};

/// Looks these names up, all at once, and judges what the system says.
pub(super) async fn judge_system(
    lookups: &Lookups,
    names: &[Name],
    gateways: &[IpAddr],
    limit: Duration,
) -> Judged {
    let told = names.iter().map(|name| async move {
        let asked = match lookups.look_up(&name.host, limit).await {
            Some(found) => asked(&found.addresses, found.took),
            None => failed(Outcome::Timeout, None),
        };
        Told::new(name.clone(), asked, gateways)
    });
    Judged::of(join_all(told).await)
}

fn asked(found: &io::Result<Vec<IpAddr>>, took: Duration) -> Asked {
    match found {
        Ok(addresses) if !addresses.is_empty() => Asked {
            outcome: Outcome::Answered,
            addresses: addresses.iter().copied().take(ADDRESSES).collect(),
            took: Some(took),
            over_tcp: false,
        },
        Ok(_) => failed(Outcome::NxDomain, Some(took)),
        Err(error) if is_unknown(error) => failed(Outcome::NxDomain, Some(took)),
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
    use super::super::super::lookup::Ask;
    use super::super::names::{Expected, canary};
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn portal() -> Name {
        Name {
            host: "portal.vn".to_owned(),
            expected: Expected::Public,
        }
    }

    async fn judged(ask: Ask, name: Name) -> Outcome {
        let lookups = Lookups::with(ask);
        judge_system(&lookups, &[name], &[], LIMIT).await.outcome
    }

    #[tokio::test(start_paused = true)]
    async fn the_systems_answers_are_told_apart() {
        let found: Ask = |_| Box::pin(async { Ok(vec![IpAddr::from([203, 0, 113, 1])]) });
        let lie: Ask = |_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) });
        let none: Ask = |_| {
            let words = "failed to lookup address information: Name or service not known";
            Box::pin(async move { Err(io::Error::other(words)) })
        };
        let trouble: Ask = |_| {
            let words =
                "failed to lookup address information: Temporary failure in name resolution";
            Box::pin(async move { Err(io::Error::other(words)) })
        };
        let hangs: Ask = |_| Box::pin(std::future::pending());
        assert_eq!(judged(found, portal()).await, Outcome::Answered);
        assert_eq!(judged(lie, portal()).await, Outcome::Wrong);
        assert_eq!(judged(none, portal()).await, Outcome::NxDomain);
        assert_eq!(judged(none, canary()).await, Outcome::Answered);
        assert_eq!(judged(found, canary()).await, Outcome::Wrong);
        assert_eq!(judged(trouble, portal()).await, Outcome::ServFail);
        assert_eq!(judged(hangs, portal()).await, Outcome::Timeout);
    }

    #[tokio::test]
    async fn the_real_system_knows_localhost() {
        let name = Name {
            host: "localhost".to_owned(),
            expected: Expected::Anything,
        };
        let judged = judge_system(&Lookups::default(), &[name], &[], LIMIT).await;
        assert_eq!(judged.outcome, Outcome::Answered);
    }
}
