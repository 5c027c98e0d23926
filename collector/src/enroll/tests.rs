//! The service as a caller sees it: real registry, real authority, no network.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use proto::token::{Fingerprint, Secret};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use tonic::Code;

use super::*;
use crate::registry::Centre;
use crate::token::Grant;

const LIFETIME: Duration = Duration::from_hours(90 * 24);

struct Fixture {
    _folder: tempfile::TempDir,
    service: Enroller,
    outcomes: Arc<Mutex<Vec<&'static str>>>,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let (authority, registry) = crate::setup::init(folder.path()).await.unwrap();
    let centre = Centre::named("cong-son".parse().unwrap(), "Công Sơn");
    registry.import_centres(vec![centre]).await.unwrap();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&outcomes);
    let observer = move |outcome: Outcome<'_>| seen.lock().unwrap().push(outcome.code());
    Fixture {
        _folder: folder,
        service: Enroller::new(registry, Arc::new(authority), LIFETIME, observer),
        outcomes,
    }
}

fn signing_request(key: &KeyPair) -> Vec<u8> {
    let request = CertificateParams::default().serialize_request(key).unwrap();
    request.der().to_vec()
}

fn from_peer<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Peer {
        address: "192.0.2.1:50000".parse().unwrap(),
        certificate: None,
    });
    request
}

impl Fixture {
    async fn token(&self) -> Token {
        let grant = Grant {
            centre: "cong-son".parse().unwrap(),
            device: None,
            reusable: false,
            expires_at: Timestamp::now() + Duration::from_secs(60),
        };
        let fingerprint = self.service.authority.fingerprint();
        token::create(&self.service.registry, fingerprint, grant)
            .await
            .unwrap()
    }

    async fn enroll(&self, token: &str, key: &KeyPair) -> Result<wire::EnrollResponse, Status> {
        let request = wire::EnrollRequest {
            token: token.into(),
            signing_request: signing_request(key),
            host: Some(wire::Host {
                hostname: "PC-03".into(),
                ..wire::Host::default()
            }),
        };
        let response = self.service.enroll(from_peer(request)).await?;
        Ok(response.into_inner())
    }

    async fn renew(&self, key: &KeyPair) -> Result<wire::Certificate, Status> {
        let signing_request = signing_request(key);
        let request = wire::RenewRequest { signing_request };
        let response = self.service.renew(from_peer(request)).await?;
        Ok(response.into_inner().certificate.unwrap())
    }

    /// An agent that has enrolled, and its key.
    async fn enrolled(&self) -> (Agent, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let token = self.token().await.to_string();
        self.enroll(&token, &key).await.unwrap();
        let agents = self.service.registry.agents().await.unwrap();
        (agents.into_iter().next().unwrap(), key)
    }

    /// As if the agent's newest certificate ended then.
    async fn ends(&self, agent: &Agent, until: Timestamp) {
        let registry = &self.service.registry;
        let now = registry.agent_by_key(agent.key).await.unwrap().unwrap();
        let before = now.certificate_until;
        let renewed = registry.renewed(agent.id.clone(), before, until).await;
        assert!(renewed.unwrap());
    }

    async fn expired(&self, agent: &Agent, ago: Duration) {
        self.ends(agent, Timestamp::now() - ago).await;
    }

    async fn expires_in(&self, agent: &Agent, left: Duration) {
        self.ends(agent, Timestamp::now() + left).await;
    }

    fn outcomes(&self) -> Vec<&'static str> {
        let outcomes = self.outcomes.lock().unwrap().clone();
        for code in &outcomes {
            assert!(Outcome::CODES.contains(code), "{code}");
        }
        outcomes
    }
}

#[tokio::test]
async fn a_token_buys_a_certificate_for_the_callers_key() {
    let f = fixture().await;
    let key = KeyPair::generate().unwrap();
    let token = f.token().await.to_string();
    let answer = f.enroll(&token, &key).await.unwrap();
    assert_eq!(
        (answer.centre.as_str(), answer.device.as_str()),
        ("cong-son", "pc-03")
    );
    assert_eq!(answer.authority, f.service.authority.certificate().to_vec());
    let certificate = answer.certificate.unwrap();
    let shown = ca::key_hash_of_certificate(&CertificateDer::from(certificate.der)).unwrap();
    let agent = f
        .service
        .registry
        .agent_by_key(shown)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(agent.id.as_str(), answer.agent_id);
    assert_eq!(
        agent.certificate_until.as_millisecond(),
        certificate.valid_until_unix_ms
    );
    assert!(certificate.valid_from_unix_ms < certificate.server_time_unix_ms);
    assert_eq!(f.outcomes(), ["enrolled"]);
}

#[tokio::test]
async fn bad_tokens_are_refused_with_the_reason() {
    let f = fixture().await;
    let key = KeyPair::generate().unwrap();
    let good = f.token().await;
    let stranger = Token {
        fingerprint: Fingerprint([1; 32]),
        ..good
    };
    let guess = Token {
        secret: Secret([1; 16]),
        ..good
    };
    for (token, message) in [
        ("hello".to_owned(), "no token"),
        (stranger.to_string(), "another collector"),
        (guess.to_string(), "does not know"),
    ] {
        let status = f.enroll(&token, &key).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains(message), "{status}");
    }
    f.enroll(&good.to_string(), &key).await.unwrap();
    let other = KeyPair::generate().unwrap();
    let used = f.enroll(&good.to_string(), &other).await.unwrap_err();
    assert_eq!(used.code(), Code::Unauthenticated);
    let expected = [
        "invalid_token",
        "foreign_token",
        "unknown_token",
        "enrolled",
        "used_token",
    ];
    assert_eq!(f.outcomes(), expected);
}

#[tokio::test]
async fn a_malformed_request_does_not_use_up_the_token() {
    let f = fixture().await;
    let token = f.token().await.to_string();
    let call = |signing_request: Vec<u8>, hostname: String| {
        let host = wire::Host {
            hostname,
            ..wire::Host::default()
        };
        let request = wire::EnrollRequest {
            token: token.clone(),
            signing_request,
            host: Some(host),
        };
        f.service.enroll(from_peer(request))
    };
    let good = signing_request(&KeyPair::generate().unwrap());
    for (request, hostname) in [
        (Vec::new(), String::new()),
        (vec![0; SIGNING_REQUEST_BYTES + 1], String::new()),
        (good.clone(), "x".repeat(1000)),
    ] {
        let status = call(request, hostname).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    assert!(call(good, String::new()).await.is_ok());
}

#[tokio::test]
async fn a_known_key_gets_a_new_certificate() {
    let f = fixture().await;
    let (agent, key) = f.enrolled().await;
    f.expires_in(&agent, LIFETIME / 2).await;
    let renewed = f.renew(&key).await.unwrap();
    let der = CertificateDer::from(renewed.der);
    assert_eq!(ca::key_hash_of_certificate(&der), Some(agent.key));
    let agent = f.service.registry.agent_by_key(agent.key).await.unwrap();
    let until = agent.unwrap().certificate_until.as_millisecond();
    assert_eq!(until, renewed.valid_until_unix_ms);
}

#[tokio::test]
async fn a_device_that_slept_a_year_renews_and_one_that_slept_longer_enrols() {
    let f = fixture().await;
    let (agent, key) = f.enrolled().await;
    f.expired(&agent, GRACE - Duration::from_secs(60)).await;
    assert!(f.renew(&key).await.is_ok());
    f.expired(&agent, GRACE + Duration::from_secs(1)).await;
    let status = f.renew(&key).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("enrol again"), "{status}");
}

#[tokio::test]
async fn revoked_and_unknown_keys_are_told_apart() {
    let f = fixture().await;
    let (agent, key) = f.enrolled().await;
    let stranger = KeyPair::generate().unwrap();
    let status = f.renew(&stranger).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let now = Timestamp::now();
    f.service.registry.revoke(agent.id, now).await.unwrap();
    let status = f.renew(&key).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let token = f.token().await.to_string();
    let status = f.enroll(&token, &key).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn whoever_fails_too_often_has_to_wait() {
    let f = fixture().await;
    let key = KeyPair::generate().unwrap();
    let token = f.token().await.to_string();
    let mut status = f.enroll("hello", &key).await.unwrap_err();
    for _ in 0..100 {
        status = f.enroll("hello", &key).await.unwrap_err();
    }
    assert_eq!(status.code(), Code::ResourceExhausted);
    let good = f.enroll(&token, &key).await.unwrap_err();
    assert_eq!(good.code(), Code::ResourceExhausted);
    assert_eq!(f.outcomes().last(), Some(&"too_many_failures"));
}

#[tokio::test]
async fn renewals_pass_whatever_others_behind_their_address_do() {
    let f = fixture().await;
    let (agent, key) = f.enrolled().await;
    f.expires_in(&agent, LIFETIME / 2).await;
    let stranger = KeyPair::generate().unwrap();
    for _ in 0..100 {
        f.enroll("hello", &stranger).await.unwrap_err();
        assert_eq!(f.renew(&stranger).await.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(
        f.outcomes()
            .iter()
            .filter(|o| **o == "too_many_failures")
            .count(),
        70
    );
    assert!(f.renew(&key).await.is_ok());
}

#[tokio::test]
async fn refused_renewals_hold_up_no_enrolment() {
    let f = fixture().await;
    let token = f.token().await.to_string();
    let key = KeyPair::generate().unwrap();
    for _ in 0..100 {
        f.renew(&key).await.unwrap_err();
    }
    assert!(f.enroll(&token, &key).await.is_ok());
}

#[tokio::test]
async fn a_key_gets_a_certificate_a_minute_and_no_more() {
    let f = fixture().await;
    let (agent, key) = f.enrolled().await;
    let too_soon = async || {
        let status = f.renew(&key).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("just now: wait"), "{status}");
        assert_eq!(f.outcomes().last(), Some(&"too_soon"));
    };
    too_soon().await;
    f.expires_in(&agent, LIFETIME - PACE).await;
    assert!(f.renew(&key).await.is_ok());
    too_soon().await;
    // Made when certificates lasted longer: how old it is cannot be told, so it is renewed.
    f.expires_in(&agent, LIFETIME * 2).await;
    assert!(f.renew(&key).await.is_ok());
}

#[tokio::test]
async fn of_renewals_at_once_one_is_answered() {
    let f = fixture().await;
    let (agent, key) = f.enrolled().await;
    f.expires_in(&agent, LIFETIME / 2).await;
    let (one, other) = tokio::join!(f.renew(&key), f.renew(&key));
    let refused = one.err().xor(other.err()).expect("one of them is answered");
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn our_own_faults_are_not_told_to_callers() {
    let f = fixture().await;
    let request = wire::RenewRequest::default();
    let status = f.service.renew(Request::new(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains("its log says why"), "{status}");
    assert_eq!(f.outcomes(), ["internal"]);
}
