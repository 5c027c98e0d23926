//! One question over HTTP/1.1, and what its answer is worth.
//!
//! Alive is a service that answers in its own words, a login page (401, 403) and a refusal to be asked
//! this way (405) included: people get on from there. Other errors of the client and all of the server
//! are errors, too many requests (429) as well: whoever sits behind the same address is not served either.
//! A redirection is not followed, so that what was measured is what the plan names; one that stays in
//! the domain is an answer.
//!
//! An answer costs at most 64 KiB of headers, and 256 KiB of body until the expected text is found; where
//! none is expected 16 KiB are enough for a time of transfer, since every PC of a centre asks each minute.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONNECTION, DATE, HOST, LOCATION, USER_AGENT,
};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::super::super::Unmeasurable;
use super::captive::{contains, is_login, leads_out, leads_to_a_login};
use super::dates::http_date;
use super::destination::Destination;
use super::outcome::{Attempt, Outcome, Stop};

/// Of headers.
const HEAD_BYTES: usize = 64 * 1024;

/// Of a body in which a text is looked for.
const SEARCHED_BYTES: usize = 256 * 1024;

/// Of a body in which none is.
const GLANCED_BYTES: usize = 16 * 1024;

/// Of a redirection's goal that are kept.
const LOCATION_CHARS: usize = 256;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) destination: &'a Destination,
    pub(super) expect: Option<&'a str>,
    pub(super) peer: Peer,
}

/// Who the other end is by its certificate, whether that is good at this time or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// The service.
    Proven,
    /// Who knows? Over plain HTTP, or by the word of an authority that this machine does not know.
    Unproven,
    /// Another, by its own word.
    Other,
}

/// Asks, and writes into `attempt` what comes, as it comes.
pub(super) async fn get(
    stream: Box<dyn Stream>,
    question: &Question<'_>,
    deadline: Instant,
    attempt: &mut Attempt,
) -> Result<(), Stop> {
    let first_byte = Arc::new(OnceLock::new());
    let watched = Watched {
        stream,
        first_byte: Arc::clone(&first_byte),
    };
    let began = Instant::now();
    let page = timeout_at(deadline, exchange(watched, question, attempt)).await;
    let first_byte = first_byte.get().copied();
    attempt.phases.first_byte =
        first_byte.map(|first: Instant| first.saturating_duration_since(began));
    let waited_for = if first_byte.is_none() {
        "first_byte"
    } else {
        "transfer"
    };
    let page = page.unwrap_or_else(|_| Err(Stop::late(waited_for)))?;
    attempt.phases.transfer = first_byte.map(|first| first.elapsed());
    judge(question, attempt, &page)
}

async fn exchange(
    stream: Watched,
    question: &Question<'_>,
    attempt: &mut Attempt,
) -> Result<Vec<u8>, Stop> {
    let request = request(question.destination)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // Ends with this attempt.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| broken(&error))?;
    note_head(&response, attempt);
    read(response.into_body(), question.expect).await
}

fn request(destination: &Destination) -> Result<Request<Empty<Bytes>>, Stop> {
    let request = Request::get(destination.path.as_str())
        .header(HOST, destination.authority())
        .header(USER_AGENT, concat!("dawnwatch/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(ACCEPT_LANGUAGE, "vi,en")
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Empty::new());
    request.map_err(|error| {
        Stop::Unmeasurable(Unmeasurable {
            what: format!(
                "the path {:?} cannot be asked for: {error}",
                destination.path
            ),
            remedy: "escape what is special in it".to_owned(),
        })
    })
}

fn note_head(response: &Response<Incoming>, attempt: &mut Attempt) {
    let text = |headers: &HeaderMap, name| {
        let value = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    attempt.status = Some(response.status().as_u16());
    let headers = response.headers();
    attempt.server_time_unix_s = text(headers, DATE).and_then(|date| http_date(&date));
    if response.status().is_redirection() {
        let location = text(headers, LOCATION);
        attempt.redirected_to = location.map(|text| text.chars().take(LOCATION_CHARS).collect());
    }
}

/// Reads a body to its end, to the expected text, or to as much as is looked at.
async fn read(mut body: Incoming, expect: Option<&str>) -> Result<Vec<u8>, Stop> {
    let most = if expect.is_some() {
        SEARCHED_BYTES
    } else {
        GLANCED_BYTES
    };
    let mut page = Vec::new();
    while page.len() < most {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let before = page.len();
        let room = data.len().min(most - before);
        page.extend_from_slice(data.get(..room).unwrap_or_default());
        if let Some(expect) = expect {
            // The text may have begun in what was searched before.
            let from = before.saturating_sub(expect.len());
            let new = page.get(from..).unwrap_or_default();
            if contains(new, expect.as_bytes()) {
                break;
            }
        }
    }
    Ok(page)
}

/// What a complete answer is worth.
fn judge(question: &Question<'_>, attempt: &Attempt, page: &[u8]) -> Result<(), Stop> {
    let stop = |outcome, detail: String| Err(Stop::With(outcome, detail));
    let status = attempt.status.unwrap_or_default();
    if status == 511 {
        return stop(
            Outcome::Captive,
            "the network wants a login (511)".to_owned(),
        );
    }
    if let Some(location) = &attempt.redirected_to
        && question.peer != Peer::Proven
        && leads_out(&question.destination.host, location)
    {
        return stop(Outcome::Captive, format!("redirected out to {location}"));
    }
    if status >= 400 && !matches!(status, 401 | 403 | 405) {
        return stop(Outcome::HttpError, format!("status {status}"));
    }
    let Some(expect) = question.expect else {
        if question.peer == Peer::Other && status == 200 && is_login(page) {
            return stop(Outcome::Captive, "a login of another".to_owned());
        }
        return Ok(());
    };
    if contains(page, expect.as_bytes()) {
        return Ok(());
    }
    if let Some(location) = &attempt.redirected_to {
        let detail =
            format!("a redirection to {location}, which is not followed, has no expected text");
        return stop(Outcome::Unexpected, detail);
    }
    if question.peer != Peer::Proven && leads_to_a_login(page) {
        return stop(
            Outcome::Captive,
            "a login in place of the expected text".to_owned(),
        );
    }
    let bytes = page.len();
    stop(
        Outcome::Unexpected,
        format!("the expected text is not in the first {bytes} bytes"),
    )
}

/// Why there is no whole answer.
fn broken(error: &hyper::Error) -> Stop {
    if error.is_parse_too_large() {
        return Stop::With(Outcome::TooLarge, "headers without end".to_owned());
    }
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause {
        Some(cause) if is_of_tls(cause) => {
            Stop::With(Outcome::TlsFailed, format!("after the handshake: {cause}"))
        }
        Some(cause) => Stop::network("http", cause, Outcome::HttpError),
        None => Stop::With(
            Outcome::HttpError,
            format!("no HTTP: {}", crate::chain(error)),
        ),
    }
}

fn is_of_tls(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|cause| cause.is::<rustls::Error>())
}

/// Takes note of when the first byte came.
struct Watched {
    stream: Box<dyn Stream>,
    first_byte: Arc<OnceLock<Instant>>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.first_byte.get_or_init(Instant::now);
        }
        Poll::Ready(match read {
            // Many a server ends without a word of TLS. Whether the answer was whole HTTP tells.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            read => read,
        })
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
