//! One question by HTTP/1.1, over a connection of its own.
//!
//! Deliberately absent: TLS (IPPS), since what printers have for certificates proves nothing and what is
//! asked is no secret; a printer that insists on it says so (426). Redirections are not followed: what was
//! asked is what the plan names.

use std::io;
use std::net::{IpAddr, SocketAddr};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Trouble;
use super::message::Malformed;

/// The most an answer may be. A printer that tells all of itself, whatever was asked, needs 15 kB.
const BODY_BYTES: usize = 256 * 1024;

/// Of headers.
const HEAD_BYTES: usize = 16 * 1024;

/// `192.0.2.1:631`, `[2001:db8::1]:631`.
pub(super) fn authority(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) => format!("{ip}:{}", address.port()),
        // Without the scope, which is this machine's own.
        IpAddr::V6(ip) => format!("[{ip}]:{}", address.port()),
    }
}

/// Sends a body and returns the answer's.
pub(super) async fn post(
    address: SocketAddr,
    path: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, Trouble> {
    let request = Request::post(path)
        .header(HOST, authority(address))
        .header(USER_AGENT, concat!("dawnwatch/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/ipp")
        .header(ACCEPT, "application/ipp")
        .header(CONNECTION, "close")
        .body(Full::<Bytes>::from(body))
        .map_err(|_| Trouble::Http(StatusCode::NOT_FOUND.as_u16()))?;
    let stream = TcpStream::connect(address).await.map_err(Trouble::from)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // Ends with this question.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| broken(&error))?;
    match response.status() {
        StatusCode::OK => (),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Trouble::Unauthorized),
        StatusCode::UPGRADE_REQUIRED => return Err(Trouble::Encrypted),
        status => return Err(Trouble::Http(status.as_u16())),
    }
    let body = Limited::new(response.into_body(), BODY_BYTES)
        .collect()
        .await;
    let body = body.map_err(|error| match error.downcast_ref::<hyper::Error>() {
        Some(error) => broken(error),
        None => Trouble::Endless,
    })?;
    Ok(body.to_bytes().to_vec())
}

/// Why there is no whole answer.
fn broken(error: &hyper::Error) -> Trouble {
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause {
        Some(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => {
            Trouble::from(io::Error::from(cause.kind()))
        }
        _ if error.is_incomplete_message() || cause.is_some() => {
            Trouble::Unreadable(Malformed::Short)
        }
        _ => Trouble::Unreadable(Malformed::Foreign),
    }
}
