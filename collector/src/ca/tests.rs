//! The authority against real TLS handshakes, in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;

use rustls::{ClientConfig, ClientConnection, ServerConnection};

use super::*;

const LIFETIME: Duration = Duration::from_hours(90 * 24);

fn authority() -> Authority {
    let folder = tempfile::tempdir().unwrap();
    Authority::create(folder.path()).unwrap()
}

fn signing_request(key: &KeyPair) -> Vec<u8> {
    let request = CertificateParams::default().serialize_request(key).unwrap();
    request.der().to_vec()
}

fn id() -> AgentId {
    "a1".parse().unwrap()
}

/// An agent with a certificate of this authority, issued at `now`.
fn agent_of(authority: &Authority, now: Timestamp) -> (Issued, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let request = SigningRequest::parse(&signing_request(&key)).unwrap();
    let issued = authority.issue_client(&request, &id(), now, LIFETIME);
    (issued.unwrap(), key)
}

/// Shakes hands with a server of `authority`; the certificate that the server saw.
fn handshake(
    authority: &Authority,
    name: &str,
    agent: Option<(Issued, KeyPair)>,
) -> Result<Option<CertificateDer<'static>>, rustls::Error> {
    let names = [ServerName::try_from("dawnwatch.example").unwrap()];
    let server = authority.server_config(&names).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let client = match agent {
        Some((issued, key)) => {
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            client.with_client_auth_cert(vec![issued.der], key.into())?
        }
        None => client.with_no_client_auth(),
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    let shown = server.peer_certificates().and_then(|chain| chain.first());
    Ok(shown.map(|certificate| certificate.clone().into_owned()))
}

#[test]
fn an_authority_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new");
    let made = Authority::create(&data).unwrap();
    let read = Authority::load(&data).unwrap();
    assert_eq!(made.fingerprint(), read.fingerprint());
    let agent = agent_of(&made, Timestamp::now());
    assert!(
        handshake(&read, "localhost", Some(agent))
            .unwrap()
            .is_some()
    );
}

#[test]
fn the_key_is_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new");
    Authority::create(&data).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join(FILE)), 0o600);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[test]
fn an_authority_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let fingerprint = Authority::create(folder.path()).unwrap().fingerprint();
    let again = Authority::create(folder.path());
    assert!(matches!(again, Err(AuthorityError::Exists { .. })));
    let read = Authority::load(folder.path()).unwrap();
    assert_eq!(read.fingerprint(), fingerprint);
}

#[test]
fn a_missing_and_a_damaged_authority_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let load = || Authority::load(folder.path());
    assert!(matches!(load(), Err(AuthorityError::Missing { .. })));
    Authority::create(folder.path()).unwrap();
    let path = folder.path().join(FILE);
    let good = std::fs::read(&path).unwrap();
    // A certificate with the key of another one is as bad as half a file.
    let other = tempfile::tempdir().unwrap();
    Authority::create(other.path()).unwrap();
    let stranger = String::from_utf8(std::fs::read(other.path().join(FILE)).unwrap()).unwrap();
    let key = &stranger[stranger.find("-----BEGIN PRIVATE").unwrap()..];
    let text = String::from_utf8(good.clone()).unwrap();
    let certificate = &text[..text.find("-----BEGIN PRIVATE").unwrap()];
    for damaged in [
        Vec::new(),
        good[..good.len() / 2].to_vec(),
        format!("{certificate}{key}").into_bytes(),
    ] {
        std::fs::write(&path, damaged).unwrap();
        assert!(matches!(load(), Err(AuthorityError::Damaged { .. })));
    }
}

#[test]
fn the_server_answers_to_its_names() {
    let authority = authority();
    for name in ["dawnwatch.example", "localhost", "127.0.0.1", "::1"] {
        assert_eq!(handshake(&authority, name, None), Ok(None), "{name}");
    }
    assert!(handshake(&authority, "other.example", None).is_err());
}

#[test]
fn an_agent_is_recognised_by_its_key() {
    let authority = authority();
    let (issued, key) = agent_of(&authority, Timestamp::now());
    let expected = SigningRequest::parse(&signing_request(&key))
        .unwrap()
        .key_hash();
    let shown = handshake(&authority, "localhost", Some((issued, key))).unwrap();
    assert_eq!(key_hash_of_certificate(&shown.unwrap()), Some(expected));
    assert_eq!(
        key_hash_of_certificate(&CertificateDer::from(vec![1])),
        None
    );
}

#[test]
fn expired_and_foreign_agents_are_refused() {
    let (ours, other) = (authority(), authority());
    let now = Timestamp::now();
    let foreign = agent_of(&other, now);
    assert!(handshake(&ours, "localhost", Some(foreign)).is_err());
    let expired = agent_of(&ours, now - LIFETIME - Duration::from_secs(2));
    assert!(handshake(&ours, "localhost", Some(expired)).is_err());
    let early = agent_of(&ours, now + BACKDATED + Duration::from_secs(60));
    assert!(handshake(&ours, "localhost", Some(early)).is_err());
}

#[test]
fn a_client_certificate_is_no_server_and_no_authority() {
    let authority = authority();
    let (issued, key) = agent_of(&authority, Timestamp::now());
    let issuer = Issuer::from_ca_cert_der(&issued.der, key).unwrap();
    let impostor = Authority {
        certificate: issued.der.clone(),
        issuer,
    };
    let sub_agent = agent_of(&impostor, Timestamp::now());
    assert!(handshake(&authority, "localhost", Some(sub_agent)).is_err());
}

#[test]
fn validity_is_told_in_the_seconds_of_the_certificate() {
    let now: Timestamp = "2026-07-24T07:30:00.9Z".parse().unwrap();
    let (issued, _) = agent_of(&authority(), now);
    assert_eq!(issued.from.to_string(), "2026-07-23T07:30:00Z");
    assert_eq!(issued.until.to_string(), "2026-10-22T07:30:00Z");
    let (from, until) = validity(Timestamp::MAX, LIFETIME);
    assert!(from < until);
    let (from, _) = validity(Timestamp::MIN, LIFETIME);
    assert_eq!(from, Timestamp::UNIX_EPOCH);
}

#[test]
fn a_request_cannot_be_bent_to_another_key() {
    let good = signing_request(&KeyPair::generate().unwrap());
    let key_hash = SigningRequest::parse(&good).unwrap().key_hash();
    let mut refused = 0;
    for position in 0..good.len() {
        let mut changed = good.clone();
        changed[position] ^= 1;
        match SigningRequest::parse(&changed) {
            // The wrapping of a signature has bits without meaning.
            Ok(request) => assert_eq!(request.key_hash(), key_hash, "byte {position}"),
            Err(_) => refused += 1,
        }
        assert!(SigningRequest::parse(&good[..position]).is_err());
    }
    assert!(refused > good.len() - 5, "{refused} of {}", good.len());
}

#[test]
fn other_kinds_of_keys_are_refused() {
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let parsed = SigningRequest::parse(&signing_request(&key));
        assert!(matches!(parsed, Err(InvalidRequest::Algorithm)));
    }
}
