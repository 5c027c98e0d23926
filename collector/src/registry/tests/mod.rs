//! The rules of the registry, on real files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod credentials;
mod devices;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use diagnosis::record::Goodbye;

use super::*;

const DAY: Duration = Duration::from_hours(24);

/// A registry with two centres, in a folder that goes with it.
struct Fixture {
    folder: tempfile::TempDir,
    registry: Registry,
    now: Timestamp,
}

fn centre(id: &str) -> Centre {
    Centre {
        id: id.parse().unwrap(),
        name: format!("Trung tâm {id}"),
        area: None,
        isp: Some("VNPT".into()),
        latitude: Some(21.85),
        longitude: Some(106.76),
        hours: crate::calendar::Hours::parse("07:30-11:30", "mon-fri").ok(),
        notes: None,
    }
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::create(&folder.path().join(FILE)).unwrap();
    let centres = vec![centre("cong-son"), centre("binh-gia")];
    registry.import_centres(centres).await.unwrap();
    Fixture {
        folder,
        registry,
        now: "2026-07-24T00:00:00Z".parse().unwrap(),
    }
}

impl Fixture {
    fn path(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    async fn token(&self, number: u8, change: impl FnOnce(&mut NewToken)) -> TokenHash {
        let mut token = NewToken {
            hash: TokenHash([number; 32]),
            centre: "cong-son".parse().unwrap(),
            device: None,
            reusable: false,
            created_at: self.now,
            expires_at: self.now + DAY,
        };
        change(&mut token);
        let hash = token.hash;
        self.registry.create_token(token).await.unwrap();
        hash
    }

    async fn enrol_at(
        &self,
        token: TokenHash,
        key: u8,
        hostname: &str,
        at: Timestamp,
    ) -> Result<Agent, EnrolError> {
        let host = Host {
            hostname: hostname.into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            version: "0.1.0".into(),
            kind: "pc".into(),
        };
        let agent = NewAgent {
            key: KeyHash([key; 32]),
            host,
            at,
            certificate_until: at + 90 * DAY,
        };
        self.registry.enroll(token, agent).await
    }

    async fn enrol(&self, token: TokenHash, key: u8, host: &str) -> Result<Agent, EnrolError> {
        self.enrol_at(token, key, host, self.now).await
    }

    /// Enrols with a reusable token and gives the device's name.
    async fn device_of(&self, token: TokenHash, key: u8, host: &str) -> String {
        self.enrol(token, key, host).await.unwrap().device.into()
    }

    /// Likewise, with another token.
    async fn shared_token_again(&self) -> TokenHash {
        self.token(98, |token| token.reusable = true).await
    }

    async fn shared_token(&self) -> TokenHash {
        self.token(99, |token| token.reusable = true).await
    }
}

#[tokio::test]
async fn a_token_is_good_for_one_machine() {
    let f = fixture().await;
    let token = f.token(1, |_| {}).await;
    let agent = f.enrol(token, 1, "PC-03").await.unwrap();
    assert_eq!(
        (agent.centre.as_str(), agent.device.as_str()),
        ("cong-son", "pc-03")
    );
    let second = f.enrol(token, 2, "PC-04").await;
    assert!(matches!(second, Err(EnrolError::UsedToken)));
    assert_eq!(f.registry.agents().await.unwrap(), [agent]);
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let f = fixture().await;
    let token = f.token(1, |_| {}).await;
    let agent = f.enrol(token, 1, "pc").await.unwrap();
    assert_eq!(f.enrol(token, 1, "pc").await.unwrap(), agent);
    assert_eq!(f.registry.agents().await.unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_and_expired_tokens_change_nothing() {
    let f = fixture().await;
    let token = f.token(1, |_| {}).await;
    let unknown = f.enrol(TokenHash([7; 32]), 1, "pc").await;
    assert!(matches!(unknown, Err(EnrolError::UnknownToken)));
    let late = f.enrol_at(token, 1, "pc", f.now + DAY).await;
    assert!(matches!(late, Err(EnrolError::ExpiredToken)));
    assert_eq!(f.registry.agents().await.unwrap(), []);
    let just = f.now + DAY - Duration::from_millis(1);
    assert!(f.enrol_at(token, 1, "pc", just).await.is_ok());
}

#[tokio::test]
async fn a_reusable_token_serves_many_until_it_expires() {
    let f = fixture().await;
    let token = f.shared_token().await;
    for key in 1..=20 {
        f.enrol(token, key, "pc").await.unwrap();
    }
    let late = f.enrol_at(token, 21, "pc", f.now + DAY).await;
    assert!(matches!(late, Err(EnrolError::ExpiredToken)));
    assert_eq!(f.registry.agents().await.unwrap().len(), 20);
}

#[tokio::test]
async fn only_known_centres_have_tokens() {
    let f = fixture().await;
    let token = NewToken {
        hash: TokenHash([1; 32]),
        centre: "nowhere".parse().unwrap(),
        device: None,
        reusable: false,
        created_at: f.now,
        expires_at: f.now + DAY,
    };
    let error = f.registry.create_token(token).await.unwrap_err();
    assert!(error.to_string().contains("there is no centre nowhere"));
}

#[tokio::test]
async fn devices_are_named_after_their_hosts() {
    let f = fixture().await;
    let token = f.shared_token().await;
    assert_eq!(
        f.device_of(token, 1, "PC Số 3.local").await,
        "pc-so-3-local"
    );
    assert_eq!(
        f.device_of(token, 2, "pc-so-3-local").await,
        "pc-so-3-local-2"
    );
    assert_eq!(
        f.device_of(token, 3, "pc-so-3-local").await,
        "pc-so-3-local-3"
    );
    assert_eq!(f.device_of(token, 4, "中文").await, "pc");
    let long = "x".repeat(100);
    assert_eq!(f.device_of(token, 5, &long).await, "x".repeat(63));
    assert_eq!(
        f.device_of(token, 6, &long).await,
        format!("{}-2", "x".repeat(61))
    );
    let cut_at_hyphen = format!("{}-zz", "y".repeat(60));
    assert_eq!(f.device_of(token, 7, &cut_at_hyphen).await, cut_at_hyphen);
    assert_eq!(
        f.device_of(token, 8, &cut_at_hyphen).await,
        format!("{}-2", "y".repeat(60))
    );
}

#[tokio::test]
async fn the_same_name_in_another_centre_is_another_device() {
    let f = fixture().await;
    let here = f.shared_token().await;
    let there = f.token(2, |token| token.centre = "binh-gia".parse().unwrap());
    let there = there.await;
    assert_eq!(f.device_of(here, 1, "pc").await, "pc");
    assert_eq!(f.device_of(there, 2, "pc").await, "pc");
}

#[tokio::test]
async fn the_same_key_keeps_its_name_and_its_id() {
    let f = fixture().await;
    let token = f.shared_token().await;
    let first = f.enrol(token, 1, "pc").await.unwrap();
    let again = f.enrol(token, 1, "renamed").await.unwrap();
    assert_eq!((again.id, again.device), (first.id, first.device));
    assert_eq!(again.hostname, "renamed");
}

#[tokio::test]
async fn a_machine_that_moves_keeps_its_id() {
    let f = fixture().await;
    let here = f.shared_token().await;
    let first = f.enrol(here, 1, "pc").await.unwrap();
    let there = f.token(2, |token| token.centre = "binh-gia".parse().unwrap());
    let moved = f.enrol(there.await, 1, "pc").await.unwrap();
    assert_eq!(moved.id, first.id);
    assert_eq!(moved.centre.as_str(), "binh-gia");
    assert_eq!(f.registry.agents().await.unwrap(), [moved]);
}

#[tokio::test]
async fn a_token_that_names_the_device_replaces_the_agent_before() {
    let f = fixture().await;
    let old = f.enrol(f.shared_token().await, 1, "pc-03").await.unwrap();
    let named = |token: &mut NewToken| token.device = Some("pc-03".parse().unwrap());
    let token = f.token(2, named).await;
    let new = f.enrol(token, 2, "DESKTOP-8A7").await.unwrap();
    assert_eq!(new.device.as_str(), "pc-03");
    let old = f.registry.agent_by_key(old.key).await.unwrap().unwrap();
    assert_eq!(old.revoked_at, Some(f.now));
    // Repeating it must not shut out the new agent itself.
    assert_eq!(f.enrol(token, 2, "DESKTOP-8A7").await.unwrap(), new);
}

#[tokio::test]
async fn a_revoked_key_never_comes_back_but_its_name_does() {
    let f = fixture().await;
    let token = f.shared_token().await;
    let agent = f.enrol(token, 1, "pc-03").await.unwrap();
    let revoked = f.registry.revoke(agent.id.clone(), f.now).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(f.now));
    let later = f.registry.revoke(agent.id, f.now + DAY).await.unwrap();
    assert_eq!(later.revoked_at, Some(f.now));
    let back = f.enrol(token, 1, "pc-03").await;
    assert!(matches!(back, Err(EnrolError::RevokedKey)));
    assert_eq!(f.device_of(token, 2, "pc-03").await, "pc-03");
    let nobody = f.registry.revoke("nobody".parse().unwrap(), f.now).await;
    assert!(matches!(nobody, Err(RegistryError::UnknownAgent { .. })));
}

#[tokio::test]
async fn a_leaked_token_cannot_fill_the_registry() {
    let f = fixture().await;
    let token = f.shared_token().await;
    let mut accepted = 0;
    for number in 0..=u16::try_from(AGENTS_PER_CENTRE).unwrap() {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        let agent = NewAgent {
            key: KeyHash(key),
            host: Host {
                hostname: format!("pc-{number}"),
                ..Host::default()
            },
            at: f.now,
            certificate_until: f.now,
        };
        match f.registry.enroll(token, agent).await {
            Ok(_) => accepted += 1,
            Err(error) => assert!(matches!(error, EnrolError::CentreFull { .. })),
        }
    }
    assert_eq!(accepted, AGENTS_PER_CENTRE);
}

#[tokio::test]
async fn of_machines_that_race_for_a_token_one_wins() {
    let f = fixture().await;
    let token = f.token(1, |_| {}).await;
    let races: Vec<_> = (1..=8)
        .map(|key| {
            let agent = NewAgent {
                key: KeyHash([key; 32]),
                host: Host {
                    hostname: "pc".into(),
                    ..Host::default()
                },
                at: f.now,
                certificate_until: f.now,
            };
            // A connection of its own, as another process has.
            let registry = Registry::open(&f.path()).unwrap();
            tokio::spawn(async move { registry.enroll(token, agent).await })
        })
        .collect();
    let mut winners = 0;
    for race in races {
        match race.await.unwrap() {
            Ok(_) => winners += 1,
            Err(error) => assert!(matches!(error, EnrolError::UsedToken), "{error}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(f.registry.agents().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_agents_say_and_when_is_kept() {
    let f = fixture().await;
    let agent = f.enrol(f.shared_token().await, 1, "pc").await.unwrap();
    let host = Host {
        hostname: "renamed".into(),
        os: "windows".into(),
        arch: "aarch64".into(),
        version: "2.0.0".into(),
        kind: "router".into(),
    };
    let until = f.now + 100 * DAY;
    let before = agent.certificate_until;
    let renewed = || f.registry.renewed(agent.id.clone(), before, until);
    assert!(renewed().await.unwrap());
    assert!(!renewed().await.unwrap(), "another is the newest by now");
    let hello = f.registry.said_hello(agent.id.clone(), host, f.now);
    hello.await.unwrap();
    let seen = vec![(agent.id.clone(), f.now + DAY, Some(Goodbye::Sleep))];
    f.registry.last_seen(seen).await.unwrap();
    let expected = Agent {
        hostname: "renamed".into(),
        os: "windows".into(),
        arch: "aarch64".into(),
        version: "2.0.0".into(),
        certificate_until: until,
        last_seen: Some(f.now + DAY),
        goodbye: Some(Goodbye::Sleep),
        ..agent
    };
    let reopened = Registry::open(&f.path()).unwrap();
    assert_eq!(reopened.agents().await.unwrap(), [expected]);
}

#[tokio::test]
async fn centres_are_added_changed_and_never_deleted() {
    let f = fixture().await;
    let mut changed = centre("cong-son");
    changed.name = "Công Sơn".into();
    changed.hours = None;
    let import = vec![changed.clone(), centre("that-khe")];
    let imported = f.registry.import_centres(import).await.unwrap();
    let ids = |ids: &[CentreId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(ids(&imported.added), ["that-khe"]);
    assert_eq!(ids(&imported.changed), ["cong-son"]);
    let all = f.registry.centres().await.unwrap();
    assert_eq!(all, [centre("binh-gia"), changed, centre("that-khe")]);
    let again = f.registry.import_centres(all).await.unwrap();
    assert_eq!(again.unchanged.len(), 3);
}

#[tokio::test]
async fn changes_are_noticed_whoever_made_them() {
    let f = fixture().await;
    let other = Registry::open(&f.path()).unwrap();
    let version = || async { f.registry.version().await.unwrap() };
    let before = version().await;
    assert_eq!(version().await, before);
    let agent = f.enrol(f.shared_token().await, 1, "pc").await.unwrap();
    let enrolled = version().await;
    assert_ne!(enrolled, before);
    let seen = vec![(agent.id.clone(), f.now, None)];
    f.registry.last_seen(seen).await.unwrap();
    let host = Host {
        hostname: "renamed".into(),
        ..Host::default()
    };
    let hello = f.registry.said_hello(agent.id.clone(), host, f.now);
    hello.await.unwrap();
    assert_eq!(version().await, enrolled);
    other.revoke(agent.id, f.now).await.unwrap();
    assert_ne!(version().await, enrolled);
}

#[tokio::test]
async fn a_change_counts_even_when_whoever_asked_for_it_is_gone() {
    use std::future::Future;
    use std::task::{Context, Waker};

    let f = fixture().await;
    let token = f.shared_token().await;
    let agent = f.enrol(token, 1, "pc").await.unwrap();
    let until = f.now + 100 * DAY;
    let renewed = f
        .registry
        .renewed(agent.id.clone(), agent.certificate_until, until);
    type Abandoned<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
    let abandoned: [Abandoned<'_>; 4] = [
        Box::pin(async { drop(f.enrol(token, 2, "pc").await) }),
        Box::pin(async { drop(renewed.await) }),
        Box::pin(async { drop(f.registry.import_centres(vec![centre("that-khe")]).await) }),
        Box::pin(async { drop(f.registry.revoke(agent.id.clone(), f.now).await) }),
    ];
    for mut call in abandoned {
        let before = f.registry.version().await.unwrap();
        // Asked once, and dropped before the answer.
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(call);
        let counted = async { while f.registry.version().await.unwrap() == before {} };
        let in_time = tokio::time::timeout(Duration::from_secs(30), counted).await;
        assert!(in_time.is_ok(), "still {before:?}");
    }
}

#[tokio::test]
async fn a_token_that_leaked_is_withdrawn() {
    let f = fixture().await;
    let leaked = f.shared_token().await;
    let other = f.token(1, |_| {}).await;
    let agent = f.enrol(leaked, 1, "pc").await.unwrap();
    let used = |tokens: Vec<KeptToken>| -> Vec<_> {
        let tokens = tokens.into_iter();
        tokens.map(|token| (token.id, token.used_by)).collect()
    };
    let tokens = used(f.registry.tokens().await.unwrap());
    assert_eq!(tokens, [(other.id(), None), (leaked.id(), Some(agent.key))]);
    let revoked = f.registry.revoke_token(leaked.id()).await.unwrap();
    assert!(revoked.reusable);
    let refused = f.enrol(leaked, 2, "pc").await;
    assert!(matches!(refused, Err(EnrolError::UnknownToken)));
    // What it gave before stays, and so does the other token.
    assert_eq!(f.registry.agents().await.unwrap(), [agent]);
    assert!(f.enrol(other, 3, "pc").await.is_ok());
    let again = f.registry.revoke_token(leaked.id()).await.unwrap_err();
    assert!(again.to_string().contains("token list"), "{again}");
}

#[test]
fn ids_of_tokens_are_eight_digits() {
    let id = TokenHash([0x0a; 32]).id();
    assert_eq!(id.to_string(), "0a0a0a0a");
    assert_eq!("0A0a0a0a".parse(), Ok(id));
    for bad in ["", "0a0a0a0", "0a0a0a0a0", "+a0a0a0a", "0a0a0a0g"] {
        assert_eq!(bad.parse::<TokenId>(), Err(InvalidTokenId), "{bad}");
    }
}

#[tokio::test]
async fn the_files_are_for_the_owner_alone() {
    let f = fixture().await;
    for entry in std::fs::read_dir(f.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_registry_of_a_newer_version_is_refused() {
    let f = fixture().await;
    let connection = Connection::open(f.path()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Registry::open(&f.path()).unwrap_err().to_string();
    assert!(error.contains("update dawnwatch-collector"), "{error}");
    assert!(error.contains("schema 99"), "{error}");
    assert!(error.contains(FILE), "{error}");
}

#[tokio::test]
async fn what_is_no_registry_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let missing = Registry::open(&path);
    assert!(matches!(missing, Err(RegistryError::Missing { .. })));
    std::fs::write(&path, "hello".repeat(1000)).unwrap();
    let other = Registry::open(&path);
    assert!(matches!(other, Err(RegistryError::Open { .. })));
}

/// Everything SQLite knows of a schema, in one order.
fn schema(connection: &Connection) -> Vec<(String, String)> {
    connection
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[tokio::test]
async fn a_migrated_registry_is_like_a_fresh_one() {
    let f = fixture().await;
    let fresh = schema(&f.registry.shared.connection.lock().unwrap());
    assert!(fresh.iter().any(|(name, _)| name == "agents"));
    let mut migrated = Connection::open_in_memory().unwrap();
    for version in 1..=migrate::MIGRATIONS.pending_migrations(&migrated).unwrap() {
        let version = usize::try_from(version).unwrap();
        migrate::MIGRATIONS
            .to_version(&mut migrated, version)
            .unwrap();
    }
    assert_eq!(schema(&migrated), fresh);
}
