//! Connections as callers make them, over TLS on loopback.

#![allow(clippy::unwrap_used, reason = "tests")]

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client;

use super::*;
use crate::ca::{Authority, SigningRequest};

/// Whether the caller shows a certificate.
#[derive(Clone, Copy)]
enum Caller {
    Nameless,
    Agent,
}

fn client_config(authority: &Authority, caller: Caller) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    if let Caller::Nameless = caller {
        return config.with_no_client_auth();
    }
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default()
        .serialize_request(&key)
        .unwrap();
    let request = SigningRequest::parse(request.der()).unwrap();
    let (agent, now) = ("0a".parse().unwrap(), jiff::Timestamp::now());
    let issued = authority.issue_client(&request, &agent, now, Duration::from_hours(1));
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    config
        .with_client_auth_cert(vec![issued.unwrap().der], key)
        .unwrap()
}

async fn connected(caller: Caller) -> (client::TlsStream<TcpStream>, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let (authority, _) = crate::setup::init(folder.path()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = Arc::new(Own::new(jiff::Timestamp::UNIX_EPOCH).unwrap());
    let config = Arc::new(authority.server_config(&[]).unwrap());
    let mut connections = accept(listener, config, own);
    let connector = TlsConnector::from(Arc::new(client_config(&authority, caller)));
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream);
    let stream = stream.await.unwrap();
    (stream, connections.recv().await.unwrap().unwrap())
}

/// What comes of waiting for the caller's next word, much longer than a nameless one may be silent.
async fn waited_for(connection: &mut Connection) -> Option<io::Result<u8>> {
    // The clock runs ahead whenever nothing else is to be done.
    tokio::time::pause();
    let waited = tokio::time::timeout(NAMELESS_TIMEOUT * 10, connection.read_u8()).await;
    tokio::time::resume();
    waited.ok()
}

#[tokio::test]
async fn whoever_shows_no_certificate_is_cut_off_after_a_while() {
    let (mut caller, mut connection) = connected(Caller::Nameless).await;
    caller.write_u8(7).await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), 7);
    let ended = waited_for(&mut connection).await.unwrap().unwrap_err();
    assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn an_agent_stays() {
    let (mut caller, mut connection) = connected(Caller::Agent).await;
    assert!(connection.peer.certificate.is_some());
    assert!(waited_for(&mut connection).await.is_none());
    caller.write_u8(7).await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_system_that_gives_nothing_fills_no_log() {
    let mut failures = AcceptFailures::default();
    assert_eq!(failures.count(), Some(1));
    for _ in 0..100 {
        assert_eq!(failures.count(), None);
    }
    tokio::time::advance(WARNING_INTERVAL).await;
    assert_eq!(failures.count(), Some(101));
    assert_eq!(failures.count(), None);
}
