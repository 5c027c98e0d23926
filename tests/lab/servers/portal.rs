//! A portal as citizens know it: HTTPS and HTTP at an address of its own, and all the ways in which it can
//! be there and still be of no use.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::authority::{self, Authority, Certificate};
use super::{Door, lock, set_door};
use crate::network::Namespace;

/// What a good page has in it.
pub const TEXT: &str = "Cổng Dịch vụ công Quốc gia";

/// One part of a body or header that does not end.
const BLOCK: usize = 16 * 1024;

/// What a portal does once it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200, and a page with [`TEXT`].
    Fine,
    /// This status, and the same page.
    Status(u16),
    /// 200, and a page with this text instead.
    Text(String),
    /// The good page, whose first byte comes after this time.
    Slow(Duration),
    /// 302 to this address.
    Redirect(String),
    /// 200, and a body that does not end.
    EndlessBody,
    /// 200, and headers that do not end.
    EndlessHeaders,
    /// It takes the connection and says nothing, not even TLS.
    HalfOpen,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A handle of a portal.
#[derive(Debug, Clone)]
pub struct Portal {
    name: String,
    address: Ipv4Addr,
    at: Namespace,
    state: Arc<State>,
}

struct State {
    answer: Mutex<Answer>,
    certificate: Mutex<Certificate>,
    acceptors: BTreeMap<Certificate, TlsAcceptor>,
    requests: AtomicU64,
}

impl Portal {
    pub(super) fn new(
        name: &str,
        address: Ipv4Addr,
        at: &Namespace,
        authority: &Authority,
    ) -> Result<Self, String> {
        let acceptor = |kind| Ok((kind, authority.acceptor(name, kind)?));
        let acceptors: Result<_, String> = authority::ALL.into_iter().map(acceptor).collect();
        let state = State {
            answer: Mutex::new(Answer::Fine),
            certificate: Mutex::new(Certificate::Fine),
            acceptors: acceptors?,
            requests: AtomicU64::new(0),
        };
        Ok(Self {
            name: name.to_owned(),
            address,
            at: at.clone(),
            state: Arc::new(state),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address; ports are 443 and 80.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// What it does from now on.
    pub fn answers(&self, answer: Answer) {
        *lock(&self.state.answer) = answer;
    }

    /// Its pages come late by so much.
    pub fn is_slow(&self, by: Duration) {
        self.answers(Answer::Slow(by));
    }

    /// What it shows from now on.
    pub fn shows(&self, certificate: Certificate) {
        *lock(&self.state.certificate) = certificate;
    }

    /// Whether its ports can be reached at all.
    pub fn door(&self, door: Door) -> Result<(), String> {
        set_door(&self.at, self.address, "{ 80, 443 }", door)
    }

    /// Requests it has read.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Answers until the runtime ends. Call it inside the namespace.
    pub(super) async fn serve(&self) -> std::io::Result<()> {
        let secure = TcpListener::bind((self.address, 443)).await?;
        let plain = TcpListener::bind((self.address, 80)).await?;
        tokio::spawn(Arc::clone(&self.state).accept(secure, State::secure));
        tokio::spawn(Arc::clone(&self.state).accept(plain, State::talk));
        Ok(())
    }
}

impl State {
    /// Each connection gets a task of its own.
    async fn accept<F>(self: Arc<Self>, listener: TcpListener, meet: fn(Arc<Self>, TcpStream) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(meet(Arc::clone(&self), stream));
        }
    }

    async fn secure(self: Arc<Self>, stream: TcpStream) {
        if *lock(&self.answer) == Answer::HalfOpen {
            return hold(stream).await;
        }
        let kind = *lock(&self.certificate);
        let Some(acceptor) = self.acceptors.get(&kind) else {
            return;
        };
        // A client that does not like what it is shown ends the handshake.
        if let Ok(stream) = acceptor.accept(stream).await {
            self.talk(stream).await;
        }
    }

    async fn talk(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let answer = lock(&self.answer).clone();
        match answer {
            Answer::HalfOpen => return hold(stream).await,
            Answer::EndlessHeaders => return endless_headers(stream).await,
            _ => {}
        }
        let service = service_fn(move |_: Request<Incoming>| {
            let state = Arc::clone(&self);
            async move { Ok::<_, Infallible>(state.answer().await) }
        });
        let http = hyper::server::conn::http1::Builder::new();
        // Clients may leave in the middle.
        let _ = http.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self) -> Response<Body> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = lock(&self.answer).clone();
        let mut response = Response::new(page(TEXT));
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
        match answer {
            Answer::Status(status) => {
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            }
            Answer::Text(text) => *response.body_mut() = page(&text),
            Answer::Slow(by) => tokio::time::sleep(by).await,
            Answer::Redirect(to) => {
                let to = HeaderValue::try_from(to).expect("a URL");
                response.headers_mut().insert(LOCATION, to);
                *response.status_mut() = StatusCode::FOUND;
            }
            Answer::EndlessBody => *response.body_mut() = endless_body(),
            Answer::Fine | Answer::EndlessHeaders | Answer::HalfOpen => {}
        }
        response
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (answer, certificate) = (&self.answer, &self.certificate);
        write!(f, "{:?}, {:?}", lock(answer), lock(certificate))
    }
}

pub(super) fn page(text: &str) -> Body {
    let html =
        format!("<!doctype html><html lang=\"vi\"><title>{text}</title><h1>{text}</h1></html>");
    Full::new(Bytes::from(html)).boxed_unsync()
}

fn endless_body() -> Body {
    let block = || Ok(Frame::data(Bytes::from(vec![b' '; BLOCK])));
    let blocks = tokio_stream::iter(std::iter::repeat_with(block));
    StreamBody::new(blocks).boxed_unsync()
}

async fn endless_headers(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut line = b"x-more: ".to_vec();
    line.extend([b'a'; 1_000]);
    line.extend(b"\r\n");
    let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
    while written.is_ok() {
        written = stream.write_all(&line).await;
    }
}

/// Listens and says nothing, until the other side has enough.
async fn hold(mut stream: impl AsyncRead + Unpin) {
    let mut bytes = [0; 1_024];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}
