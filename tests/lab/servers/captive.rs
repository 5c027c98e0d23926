//! The login page of a gateway that lets nobody out: all web traffic of the centre ends here.
//!
//! HTTP is sent on to the page, as such gateways do; HTTPS ends at a certificate of the gateway's own,
//! which is all that a client can see of it.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, Certificate};
use super::portal::page;
use crate::network::Namespace;

const HTTP: u16 = 8080;
const HTTPS: u16 = 8443;

/// What is written on the page.
pub const TEXT: &str = "Đăng nhập Wi-Fi";

/// A handle.
#[derive(Clone)]
pub struct Captive {
    gateway: Namespace,
    address: Ipv4Addr,
    acceptor: TlsAcceptor,
}

impl Captive {
    pub(super) fn new(gateway: &Namespace, address: Ipv4Addr) -> Result<Self, String> {
        // Not the lab's authority: nobody trusts a gateway.
        let acceptor =
            Authority::new("Gateway")?.acceptor("login.gateway.example", Certificate::Fine)?;
        Ok(Self {
            gateway: gateway.clone(),
            address,
            acceptor,
        })
    }

    /// Takes all web traffic of the centre.
    pub fn takes_all(&self) -> Result<(), String> {
        let redirect = |from, to| {
            format!(
                "iifname lan0 ip daddr != {0} tcp dport {from} redirect to :{to}",
                self.address
            )
        };
        self.set(&[&redirect(80, HTTP), &redirect(443, HTTPS)])
    }

    /// Lets everybody out again.
    pub fn lets_go(&self) -> Result<(), String> {
        self.set(&[])
    }

    fn set(&self, rules: &[&str]) -> Result<(), String> {
        let hook = "type nat hook prerouting priority -100";
        self.gateway.filter("captive", hook, rules)
    }

    /// Where HTTP is sent on to.
    pub fn page(&self) -> String {
        format!("http://{}:{HTTP}/login", self.address)
    }

    /// Answers until the runtime ends. Call it inside the namespace.
    pub(super) async fn serve(self) -> std::io::Result<()> {
        let plain = TcpListener::bind((Ipv4Addr::UNSPECIFIED, HTTP)).await?;
        let secure = TcpListener::bind((Ipv4Addr::UNSPECIFIED, HTTPS)).await?;
        let captive = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                tokio::spawn(captive.clone().talk(stream));
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = secure.accept().await {
                let captive = self.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = captive.acceptor.accept(stream).await {
                        captive.talk(stream).await;
                    }
                });
            }
        });
        Ok(())
    }

    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let to = self.page();
        let service = service_fn(async |request: Request<Incoming>| {
            let mut response = Response::new(page(TEXT));
            if request.uri().path() != "/login" {
                let to = HeaderValue::try_from(&to).expect("a URL");
                response.headers_mut().insert(LOCATION, to);
                *response.status_mut() = StatusCode::FOUND;
            }
            Ok::<_, Infallible>(response)
        });
        let http = hyper::server::conn::http1::Builder::new();
        // Clients may leave in the middle.
        let _ = http.serve_connection(TokioIo::new(stream), service).await;
    }
}

impl std::fmt::Debug for Captive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Captive({})", self.address)
    }
}
