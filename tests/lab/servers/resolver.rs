//! A resolver that knows the names of the lab and answers them as it is told to: well, wrongly, late or
//! not at all.

use std::net::Ipv4Addr;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::A;
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo, Server};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

use super::{Door, Names, lock, set_door};
use crate::network::Namespace;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(20);

/// Seconds an answer may be kept.
const KEPT: u32 = 1;

/// How a resolver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The truth: addresses of what exists, NXDOMAIN for the rest.
    Answers,
    /// Not at all, though its port is open.
    Silent,
    /// "My own servers fail me."
    ServFail,
    /// "Not for you."
    Refused,
    /// "There is no such name", whatever the name.
    NxDomain,
    /// This address, whatever the name, also for names that do not exist.
    Lies(Ipv4Addr),
    /// The truth, after this time.
    Slow(Duration),
    /// The truth over TCP; over UDP that it is too long.
    Truncates,
}

/// A handle of a resolver.
#[derive(Debug, Clone)]
pub struct Resolver {
    address: Ipv4Addr,
    at: Namespace,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    names: Names,
    manner: Mutex<Manner>,
    asked: AtomicU64,
}

impl Resolver {
    pub(super) fn new(address: Ipv4Addr, at: &Namespace, names: &Names) -> Self {
        let state = State {
            names: Arc::clone(names),
            manner: Mutex::new(Manner::Answers),
            asked: AtomicU64::new(0),
        };
        Self {
            address,
            at: at.clone(),
            state: Arc::new(state),
        }
    }

    /// Where it is; the port is 53.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// How it answers from now on.
    pub fn answers(&self, manner: Manner) {
        *lock(&self.state.manner) = manner;
    }

    /// It gives this address for every name.
    pub fn lies(&self, address: Ipv4Addr) {
        self.answers(Manner::Lies(address));
    }

    /// It says nothing.
    pub fn is_silent(&self) {
        self.answers(Manner::Silent);
    }

    /// Whether its ports can be reached at all.
    pub fn door(&self, door: Door) -> Result<(), String> {
        set_door(&self.at, self.address, "53", door)
    }

    /// Questions that have reached it.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::Relaxed)
    }

    /// Answers until `done`. Call it inside the namespace.
    pub(super) async fn serve(&self, done: CancellationToken) -> std::io::Result<()> {
        let mut server = Server::new(Answering(Arc::clone(&self.state)));
        server.register_socket(UdpSocket::bind((self.address, 53)).await?);
        let listener = TcpListener::bind((self.address, 53)).await?;
        server.register_listener(listener, IDLE, 16);
        tokio::spawn(async move {
            done.cancelled().await;
            drop(server);
        });
        Ok(())
    }
}

struct Answering(Arc<State>);

#[async_trait::async_trait]
impl RequestHandler for Answering {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.recursion_available = true;
        let manner = *lock(&self.0.manner);
        match manner {
            Manner::Silent => return unsent(metadata),
            Manner::Slow(by) => tokio::time::sleep(by).await,
            _ => {}
        }
        let answers = self.answers(request, manner, &mut metadata);
        let builder = MessageResponseBuilder::from_message_request(request);
        let message = builder.build(metadata, &answers, [], [], []);
        // Whoever asked may be gone.
        let sent = response.send_response(message).await;
        sent.unwrap_or_else(|_| unsent(metadata))
    }
}

impl Answering {
    /// The records of the answer; what else there is to say goes into `metadata`.
    fn answers(&self, request: &Request, manner: Manner, metadata: &mut Metadata) -> Vec<Record> {
        let Ok(info) = request.request_info() else {
            metadata.response_code = ResponseCode::FormErr;
            return Vec::new();
        };
        let name = info.query.name().to_string();
        let known = lock(&self.0.names).get(name.trim_end_matches('.')).cloned();
        let addresses = match (manner, known) {
            (Manner::ServFail, _) => Err(ResponseCode::ServFail),
            (Manner::Refused, _) => Err(ResponseCode::Refused),
            (Manner::Lies(address), _) => Ok(vec![address]),
            (Manner::Truncates, _) if request.protocol() == Protocol::Udp => {
                metadata.truncation = true;
                Ok(Vec::new())
            }
            (Manner::NxDomain, _) | (_, None) => Err(ResponseCode::NXDomain),
            (_, Some(addresses)) => Ok(addresses),
        };
        let addresses = addresses.unwrap_or_else(|code| {
            metadata.response_code = code;
            Vec::new()
        });
        // Everybody has IPv4 addresses alone.
        if info.query.query_type() != RecordType::A {
            return Vec::new();
        }
        let name = Name::from_str(&name).unwrap_or_default();
        let record = |address| Record::from_rdata(name.clone(), KEPT, RData::A(A(address)));
        addresses.into_iter().map(record).collect()
    }
}

/// For the server's own count of an answer that was never sent.
fn unsent(metadata: Metadata) -> ResponseInfo {
    let counts = HeaderCounts::default();
    ResponseInfo::from(Header { metadata, counts })
}
