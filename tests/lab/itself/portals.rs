//! Each manner of a portal, seen from a PC.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::network::PORTALS;
use crate::servers::Door;
use crate::servers::authority::Certificate;
use crate::servers::captive;
use crate::servers::portal::{Answer, TEXT};
use crate::{Lab, ms, needs};

const NAME: &str = "dichvucong.gov.vn";

/// More than any page, less than forever.
const ENOUGH: usize = 500_000;

/// Uses a portal from a PC, as `https` or `http`: the answer, or why there is none.
fn get(lab: &Lab, scheme: &str) -> Result<String, String> {
    let is_secure = scheme == "https";
    let config = config(&lab.authority_pem());
    let got = lab.pc(1).inside(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let got = tokio::time::timeout(ms(1_000), fetch(PORTALS[0], is_secure, config)).await;
            got.unwrap_or_else(|_| Err("timed out".to_owned()))
        })
    });
    got.unwrap()
}

async fn fetch(at: Ipv4Addr, is_secure: bool, config: ClientConfig) -> Result<String, String> {
    let port = if is_secure { 443 } else { 80 };
    let stream = TcpStream::connect((at, port))
        .await
        .map_err(|error| error.kind().to_string())?;
    if !is_secure {
        return talk(stream).await;
    }
    let name = ServerName::try_from(NAME).unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    talk(stream.map_err(|error| error.to_string())?).await
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<String, String> {
    let request = format!("GET / HTTP/1.1\r\nhost: {NAME}\r\nconnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    // The end of a connection without a goodbye is an end, too.
    let _ = stream.take(ENOUGH as u64).read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn config(authority: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[test]
fn a_good_portal_answers() {
    let lab = needs!(Lab::new());
    for scheme in ["https", "http"] {
        let page = get(&lab, scheme).unwrap();
        assert!(
            page.starts_with("HTTP/1.1 200") && page.contains(TEXT),
            "{page}"
        );
        assert!(page.to_lowercase().contains("\r\ndate: "), "{page}");
    }
    assert_eq!(lab.portal().requests(), 2);
}

#[test]
fn bad_certificates_are_told_apart() {
    let lab = needs!(Lab::new());
    for (certificate, complaint) in [
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not valid yet"),
        (Certificate::OtherName, "not valid for name"),
        (Certificate::SelfSigned, "UnknownIssuer"),
    ] {
        lab.portal().shows(certificate);
        let error = get(&lab, "https").unwrap_err();
        assert!(error.contains(complaint), "{certificate:?}: {error}");
    }
    lab.portal().shows(Certificate::Fine);
    assert!(get(&lab, "https").is_ok());
}

#[test]
fn bad_answers_are_as_asked_for() {
    let lab = needs!(Lab::new());
    let portal = lab.portal();
    let says = |answer: Answer| {
        portal.answers(answer);
        get(&lab, "https")
    };
    assert!(
        says(Answer::Status(500))
            .unwrap()
            .starts_with("HTTP/1.1 500")
    );
    let maintenance = says(Answer::Text("Bảo trì".to_owned())).unwrap();
    assert!(maintenance.contains("Bảo trì") && !maintenance.contains(TEXT));
    let redirect = says(Answer::Redirect("http://example.org/".to_owned())).unwrap();
    assert!(redirect.starts_with("HTTP/1.1 302") && redirect.contains("http://example.org/"));
    assert_eq!(says(Answer::EndlessBody).unwrap().len(), ENOUGH);
    let headers = says(Answer::EndlessHeaders).unwrap();
    assert!(headers.len() == ENOUGH && !headers.contains("\r\n\r\n"));
    assert_eq!(says(Answer::HalfOpen), Err("timed out".to_owned()));
    let before = Instant::now();
    assert!(says(Answer::Slow(ms(300))).unwrap().contains(TEXT));
    assert!(before.elapsed() >= ms(300));
    assert!(says(Answer::Fine).unwrap().contains(TEXT));
}

#[test]
fn a_door_can_be_closed_or_gone() {
    let lab = needs!(Lab::new());
    for (door, result) in [
        (Door::Closed, Some("connection refused")),
        (Door::Gone, Some("timed out")),
        (Door::Open, None),
    ] {
        lab.portal().door(door).unwrap();
        assert_eq!(get(&lab, "https").err().as_deref(), result, "{door:?}");
    }
}

#[test]
fn a_captive_gateway_takes_all_web_traffic() {
    let lab = needs!(Lab::new());
    let gateway = lab.captive_portal();
    gateway.takes_all().unwrap();
    let page = get(&lab, "http").unwrap();
    assert!(
        page.starts_with("HTTP/1.1 302") && page.contains(&gateway.page()),
        "{page}"
    );
    assert!(page.contains(captive::TEXT));
    let error = get(&lab, "https").unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    assert_eq!(lab.portal().requests(), 0);
    gateway.lets_go().unwrap();
    assert!(get(&lab, "https").unwrap().contains(TEXT));
}

#[test]
fn a_line_delays_each_phase() {
    let lab = needs!(Lab::new());
    lab.line()
        .both(crate::emulator::Impairment::none().delay(ms(25)));
    let before = Instant::now();
    get(&lab, "https").unwrap();
    // TCP, TLS 1.3 and the request: three round trips.
    assert!(before.elapsed() >= Duration::from_millis(150));
}
