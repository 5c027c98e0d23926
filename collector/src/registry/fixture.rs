//! For tests: an agent, and a registry in which one is enrolled.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{Agent, Centre, Host, KeyHash, NewAgent, Registry};
use crate::token::{self, Grant};

/// A registry in this folder, and its one agent: a PC of Công Sơn.
pub(crate) async fn with_one_agent(folder: &Path) -> (Registry, Agent) {
    let registry = Registry::create(&folder.join("registry.sqlite")).unwrap();
    let centre = Centre::named("cong-son".parse().unwrap(), "Công Sơn");
    registry.import_centres(vec![centre]).await.unwrap();
    let agent = another_agent(&registry, 7).await;
    (registry, agent)
}

/// Another PC of Công Sơn, with a key of its own.
pub(crate) async fn another_agent(registry: &Registry, key: u8) -> Agent {
    let now = Timestamp::now();
    let expires_at = now + Duration::from_secs(60);
    let grant = Grant {
        centre: "cong-son".parse().unwrap(),
        device: None,
        reusable: false,
        expires_at,
    };
    let token = token::create(registry, proto::token::Fingerprint([0; 32]), grant);
    let token = token::hash(&token.await.unwrap().secret);
    let newcomer = NewAgent {
        key: KeyHash([key; 32]),
        host: Host {
            kind: "pc".into(),
            ..Host::default()
        },
        at: now,
        certificate_until: expires_at,
    };
    registry.enroll(token, newcomer).await.unwrap()
}

/// A PC of Công Sơn that nobody enrolled, named as its identity.
pub(crate) fn pc(id: &str) -> Agent {
    Agent {
        id: id.parse().unwrap(),
        centre: "cong-son".parse().unwrap(),
        device: id.parse().unwrap(),
        kind: "pc".into(),
        hostname: String::new(),
        os: String::new(),
        arch: String::new(),
        version: String::new(),
        key: KeyHash([7; 32]),
        enrolled_at: Timestamp::UNIX_EPOCH,
        certificate_until: Timestamp::UNIX_EPOCH,
        revoked_at: None,
        last_seen: None,
        goodbye: None,
    }
}
