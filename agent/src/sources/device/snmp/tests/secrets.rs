//! Nothing that lets anybody in is logged, not even what the library says of single datagrams.

use std::io;
use std::sync::{Arc, Mutex};

use proto::plan::{Authentication, Privacy, Secret, Security, Snmp};
use tracing_subscriber::fmt::MakeWriter;

use super::super::{Session as _, Transport, Trouble};
use super::peer::{Reply, device};
use super::{BUDGET, IF_INDEX, LOCALHOST, SYS_DESCR};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Log {
    type Writer = Self;

    fn make_writer(&'l self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn credentials_are_not_logged_whatever_happens() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let port = device(|asked| {
        // SNMPv3 begins with a question about nothing, which no error can be blamed on.
        let answer = match asked.oids.as_slice() {
            [] => asked.too_big(),
            _ => asked.error(async_snmp::ErrorStatus::GenErr, 1),
        };
        Reply::from(answer)
    })
    .await;
    let secret = |text: &str| Secret(text.to_owned());
    let community = secret("hidden-community");
    let securities = [
        Security::V1 {
            community: community.clone(),
        },
        Security::V2c { community },
        Security::V3 {
            user: "monitor".to_owned(),
            authentication: Some((Authentication::Sha256, secret("hidden-signing"))),
            privacy: Some((Privacy::Aes128, secret("hidden-encrypting"))),
        },
    ];
    let transport = Transport::new();
    for security in securities {
        let snmp = Snmp { port, security };
        let mut session = transport.session(LOCALHOST, &snmp, BUDGET).unwrap();
        tracing::warn!(?snmp, "asking");
        let failed = session.get(&[SYS_DESCR]).await.unwrap_err();
        tracing::warn!(error = &failed as &dyn std::error::Error, ?failed, "failed");
        session.in_context("context");
        let walked = session.walk(&IF_INDEX, 3).await;
        tracing::warn!(?walked, "walked");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("asking").count(), 3);
    assert!(!log.contains("hidden"), "{log}");
    // What the library says of datagrams is of no use to anybody here.
    assert!(!log.contains("async_snmp"), "{log}");
}

#[tokio::test]
async fn a_password_that_is_too_short_is_told_without_it() {
    let security = Security::V3 {
        user: "monitor".to_owned(),
        authentication: Some((Authentication::Sha1, Secret("short".to_owned()))),
        privacy: None,
    };
    let snmp = Snmp { port: 9, security };
    let mut session = Transport::new().session(LOCALHOST, &snmp, BUDGET).unwrap();
    let trouble = session.get(&[SYS_DESCR]).await.unwrap_err();
    assert_eq!(trouble, Trouble::Unusable);
    assert!(!trouble.to_string().contains("short"));
}
