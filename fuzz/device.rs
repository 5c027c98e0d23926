//! What must hold of a session whatever its device sends: shared by the fuzz target and by the test that
//! replays its corpus. Both have the module `snmp` beside this one.
//!
//! Data says first which version is spoken, and then what comes for each request: nothing, an error, any
//! bindings in an answer that is well formed around them, any datagram, or one with the request's id. Deliberately absent: sockets,
//! and time but for a clock that jumps.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_snmp::{Candidate, RequestRegistration, ResponseIdentity};
use bytes::Bytes;
use proto::plan::{Secret, Security};

use super::snmp::live::Live;
use super::snmp::transport::Shared;
use super::snmp::wire::{Ledger, Wire, timeout};
use super::snmp::{Binding, Budget, Oid, Session as _, oid};

const COLUMN: Oid = oid!("1.3.6.1.2.1.2.2.1.2");
static SCALARS: [Oid; 3] = [
    oid!("1.3.6.1.2.1.1.1.0"),
    oid!("1.3.6.1.2.1.1.3.0"),
    oid!("1.3.6.1.2.1.1.5.0"),
];
const ROWS: usize = 50;
const REQUESTS: u32 = 40;

/// Asks a device that sends this. Nothing panics, everything ends, and what is told is what was asked.
pub(crate) fn ask(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(ask_all(data));
}

async fn ask_all(data: &[u8]) {
    let (security, rest) = security(data);
    let script = Script::new(rest);
    let budget = Budget {
        timeout: Duration::from_secs(1),
        retries: 1,
        whole: Duration::from_mins(10),
        requests: REQUESTS,
        values: 2_000,
    };
    let mut session = Live::new(script.clone(), Shared::new(), security, budget);
    for context in ["", "Jetdirect", ""] {
        session.in_context(context);
        if let Ok(found) = session.get(&SCALARS).await {
            let mut asked = SCALARS.iter();
            assert!(found.iter().all(|one| asked.any(|oid| *oid == one.oid)));
            found.iter().for_each(check);
        }
        let walked = session.walk(&COLUMN, ROWS).await;
        assert!(walked.rows.len() <= ROWS);
        assert!(walked.rows.is_sorted_by(|one, next| one.oid < next.oid));
        for row in &walked.rows {
            assert!(row.oid.starts_with(&COLUMN));
            check(row);
        }
    }
    assert!(*script.0.sent.lock().expect("sent") <= REQUESTS);
}

fn check(binding: &Binding) {
    let Some(text) = binding.value.as_text() else {
        return;
    };
    // Each octet that is no UTF-8 becomes a character of three.
    assert!(!text.is_empty() && text.len() <= 3 * 256);
    assert!(!text.contains(char::is_control));
}

fn security(data: &[u8]) -> (Security, &[u8]) {
    let community = Secret("public".to_owned());
    let (version, rest) = data.split_first().unwrap_or((&0, &[]));
    let security = match version % 3 {
        0 => Security::V1 { community },
        1 => Security::V2c { community },
        _ => Security::V3 {
            user: "monitor".to_owned(),
            authentication: None,
            privacy: None,
        },
    };
    (security, rest)
}

/// A wire at whose other end is the data.
#[derive(Clone)]
struct Script(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    comes: Mutex<VecDeque<(u8, Vec<u8>)>>,
    sent: Mutex<u32>,
}

impl Script {
    /// Of parts: kind, length in two bytes, content. The last may be cut off.
    fn new(mut data: &[u8]) -> Self {
        let mut comes = VecDeque::new();
        while let Some(([kind, low, high], rest)) = data.split_first_chunk() {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            let (content, rest) = rest.split_at(length.min(rest.len()));
            comes.push_back((*kind, content.to_vec()));
            data = rest;
        }
        Self(Arc::new(Inner {
            ledger: Ledger::new(REQUESTS),
            comes: Mutex::new(comes),
            sent: Mutex::new(0),
        }))
    }

    /// What comes next to a request of this version and community, with this id.
    fn next(&self, version: u8, community: &[u8], id: i32) -> Option<Bytes> {
        let (kind, content) = self.0.comes.lock().expect("what comes").pop_front()?;
        let status = kind >> 3;
        let datagram = match kind & 3 {
            0 => return None,
            1 => content,
            2 => answer(version, community, id, status, &content),
            _ => with_id(content, id),
        };
        Some(datagram.into())
    }
}

impl Wire for Script {
    fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    fn drain(&self) {}
}

impl async_snmp::Transport for Script {
    async fn send(&self, _: &[u8]) -> async_snmp::Result<()> {
        self.0.ledger.send(self.peer_addr())?;
        *self.0.sent.lock().expect("sent") += 1;
        Ok(())
    }

    async fn request_with<T, F>(
        &self,
        data: &[u8],
        registration: RequestRegistration,
        mut validate: F,
    ) -> async_snmp::Result<T>
    where
        T: Send,
        F: FnMut(Bytes, SocketAddr) -> async_snmp::Result<Candidate<T>> + Send,
    {
        let peer = self.peer_addr();
        self.send(data).await?;
        let (version, community) = envelope(data);
        while let Some(datagram) = self.next(version, community, registration.request_id()) {
            let identity = registration.evaluate_response_identity(&datagram, true);
            if identity != ResponseIdentity::Reject
                && let Candidate::Accept(answer) = validate(datagram, peer)?
            {
                self.0.ledger.answered();
                return Ok(answer);
            }
            self.0.ledger.stray(peer)?;
        }
        tokio::time::sleep_until(registration.deadline()).await;
        Err(timeout(peer))
    }

    fn peer_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 161).into()
    }

    fn local_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 1_024).into()
    }

    fn is_reliable(&self) -> bool {
        false
    }
}

/// Version and community of a request of v1 or v2c, which is short.
fn envelope(request: &[u8]) -> (u8, &[u8]) {
    let after_length = match request {
        [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] | [0x30, _, rest @ ..] => rest,
        _ => &[],
    };
    match after_length {
        [0x02, 0x01, version, 0x04, length, rest @ ..] => {
            let (community, _) = rest.split_at(usize::from(*length).min(rest.len()));
            (*version, community)
        }
        _ => (3, &[]),
    }
}

/// An answer that is well formed around its bindings.
fn answer(version: u8, community: &[u8], id: i32, status: u8, bindings: &[u8]) -> Vec<u8> {
    let index = u8::from(status != 0);
    let pdu = [
        tlv(0x02, &id.to_be_bytes()),
        vec![0x02, 0x01, status, 0x02, 0x01, index],
        tlv(0x30, bindings),
    ];
    let message = [
        vec![0x02, 0x01, version],
        tlv(0x04, community),
        tlv(0xa2, &pdu.concat()),
    ];
    tlv(0x30, &message.concat())
}

/// A datagram of which the first integer of four zeros is the request's id.
fn with_id(mut datagram: Vec<u8>, id: i32) -> Vec<u8> {
    let blank = [0x02, 0x04, 0, 0, 0, 0];
    let place = datagram.windows(blank.len()).position(|part| part == blank);
    if let Some(place) = place {
        datagram.splice(place..place + blank.len(), tlv(0x02, &id.to_be_bytes()));
    }
    datagram
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let head = match content.len() {
        0..0x80 => vec![tag, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}
