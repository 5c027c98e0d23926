//! One request, and what its answer means.
//!
//! Connections come from a pool; no proxy is taken from the environment, no redirect is followed (a
//! POST that became a GET would look like a success), and of an answer's text only a beginning is
//! read. Secrets are read anew for each request, so that a rotated token needs no restart.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::task::spawn_blocking;

use crate::config::{Credentials, Protocol, RemoteWrite};

/// Of an answer's text.
const TEXT_BYTES: usize = 1_000;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const WRITTEN: &str = "x-prometheus-remote-write-samples-written";

/// What stores say of a sample that they will never take. Some say it with a status that asks for
/// another attempt: <https://github.com/prometheus/prometheus/issues/13334>.
const NEVER: [(&str, Reason); 4] = [
    ("too old sample", Reason::TooOld),
    ("out of bounds", Reason::OutOfBounds),
    ("out of order sample", Reason::OutOfOrder),
    ("duplicate sample for timestamp", Reason::Duplicate),
];

/// Sends requests to one target.
#[derive(Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    target: Arc<RemoteWrite>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ClientError {
    #[error("cannot read a PEM certificate from {} (ca_file)", file.display())]
    Authority {
        file: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    #[error("there is no usable certificate in {} (ca_file)", file.display())]
    NoAuthority { file: PathBuf },
    #[error("TLS cannot be set up; name the authority's certificate with ca_file")]
    Tls(#[from] rustls::Error),
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// The store has it all.
    Written,
    /// The store has so many samples of it, and will never take the others.
    Partly { written: u64, refusal: Refusal },
    /// The store will never take it as it is.
    Refused(Refusal),
    /// Not now.
    Later(Later),
}

/// Why samples are refused for good.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    /// As the store put it.
    pub(super) text: String,
}

/// Why a request has to be repeated.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) cause: Cause,
    /// What is wrong, and what to do.
    pub(super) text: String,
    /// When the store wants to be asked again.
    pub(super) after: Option<Duration>,
}

/// Why samples are refused for good; the values of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    TooOld,
    OutOfBounds,
    OutOfOrder,
    Duplicate,
    TooLarge,
    Other,
}

/// Why a request is repeated; the values of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Unreachable,
    Throttled,
    Failing,
    Misconfigured,
}

impl Reason {
    pub(super) const ALL: [Self; 6] = [
        Self::TooOld,
        Self::OutOfBounds,
        Self::OutOfOrder,
        Self::Duplicate,
        Self::TooLarge,
        Self::Other,
    ];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::OutOfBounds => "out_of_bounds",
            Self::OutOfOrder => "out_of_order",
            Self::Duplicate => "duplicate",
            Self::TooLarge => "too_large",
            Self::Other => "other",
        }
    }
}

impl Cause {
    pub(super) const ALL: [Self; 4] = [
        Self::Unreachable,
        Self::Throttled,
        Self::Failing,
        Self::Misconfigured,
    ];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::Failing => "failing",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl Client {
    /// Reads the certificates and nothing else.
    pub(super) fn new(target: &RemoteWrite) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(target)?)
            .user_agent(concat!("dawnwatch-collector/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(target.timeout)
            .pool_max_idle_per_host(target.shards)
            .build()?;
        Ok(Self {
            client,
            target: Arc::new(target.clone()),
        })
    }

    /// Sends a body of so many samples, once.
    pub(super) async fn send(&self, body: Vec<u8>, samples: u64) -> Answer {
        let target = Arc::clone(&self.target);
        let headers = match spawn_blocking(move || headers(&target)).await {
            Ok(Ok(headers)) => headers,
            Ok(Err(later)) => return Answer::Later(later),
            Err(error) => return Answer::Later(misconfigured(error.to_string())),
        };
        let request = self.client.post(self.target.url.clone());
        match request.headers(headers).body(body).send().await {
            Ok(response) => judge(self.target.protocol, response, samples).await,
            Err(error) => Answer::Later(unreachable(&error)),
        }
    }
}

/// Where nothing is encrypted, nobody is trusted, and a machine without authorities is good enough.
fn tls(target: &RemoteWrite) -> Result<ClientConfig, ClientError> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?;
    let mut roots = RootCertStore::empty();
    let Some(file) = &target.ca_file else {
        let verified = match target.url.scheme() {
            "https" => builder.with_platform_verifier()?,
            _ => builder.with_root_certificates(roots),
        };
        return Ok(verified.with_no_client_auth());
    };
    let unreadable = |source| ClientError::Authority {
        file: file.clone(),
        source,
    };
    for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
        roots.add(certificate.map_err(unreadable)?)?;
    }
    if roots.is_empty() {
        return Err(ClientError::NoAuthority { file: file.clone() });
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn headers(target: &RemoteWrite) -> Result<HeaderMap, Later> {
    let mut headers: HeaderMap = target.headers.0.iter().cloned().collect();
    let (content, version) = match target.protocol {
        Protocol::V1 => ("application/x-protobuf", "0.1.0"),
        Protocol::V2 => (
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "2.0.0",
        ),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    let name = "x-prometheus-remote-write-version";
    headers.insert(name, HeaderValue::from_static(version));
    if let Some(authorization) = authorization(&target.credentials)? {
        headers.insert(AUTHORIZATION, authorization);
    }
    Ok(headers)
}

fn authorization(credentials: &Credentials) -> Result<Option<HeaderValue>, Later> {
    let (text, file) = match credentials {
        Credentials::None => return Ok(None),
        Credentials::Bearer { token_file } => {
            (format!("Bearer {}", secret(token_file)?), token_file)
        }
        Credentials::Basic {
            username,
            password_file,
        } => {
            let pair = format!("{username}:{}", secret(password_file)?);
            (format!("Basic {}", base64(pair.as_bytes())), password_file)
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        let text = "holds characters that no header can have: write one line of plain text";
        misconfigured(format!("{} {text}", file.display()))
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn secret(file: &Path) -> Result<String, Later> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(misconfigured(format!(
            "cannot read {}: {error}",
            file.display()
        ))),
    }
}

/// <https://www.rfc-editor.org/rfc/rfc4648#section-4>
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let mut group = 0_u32;
        for place in 0..3 {
            group = group << 8 | u32::from(three.get(place).copied().unwrap_or_default());
        }
        for place in 0..4 {
            let index = (group >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            text.push(if place <= three.len() {
                letter.into()
            } else {
                '='
            });
        }
    }
    text
}

async fn judge(protocol: Protocol, response: Response, samples: u64) -> Answer {
    let status = response.status();
    let written = header(&response, WRITTEN).and_then(|count| count.parse::<u64>().ok());
    let after = header(&response, RETRY_AFTER.as_str()).and_then(retry_after);
    let text = beginning(response).await;
    match (protocol, written) {
        (Protocol::V1, _) if status.is_success() => Answer::Written,
        (Protocol::V2, Some(written)) if status.is_success() && written >= samples => {
            Answer::Written
        }
        // Without the header, a receiver of 1.0 took the request for an empty one.
        (Protocol::V2, None) if status.is_success() => Answer::Later(misconfigured(
            "the store answers as one that knows remote write 1.0 alone and writes nothing of 2.0: set \
             protocol = \"1.0\""
                .to_owned(),
        )),
        (Protocol::V2, Some(written)) if !is_temporary(status, &text) => Answer::Partly {
            written: written.min(samples),
            refusal: refusal(status, text),
        },
        _ => judge_failure(status, text, after),
    }
}

fn judge_failure(status: StatusCode, text: String, after: Option<Duration>) -> Answer {
    let told = format!("{status}: {text}");
    if is_temporary(status, &text) {
        let cause = match status {
            StatusCode::TOO_MANY_REQUESTS => Cause::Throttled,
            _ => Cause::Failing,
        };
        return Answer::Later(Later {
            cause,
            text: told,
            after,
        });
    }
    let advice = match status.as_u16() {
        300..=399 => "it redirects; set the url that it redirects to",
        401 | 403 | 407 => {
            "set bearer_token_file, or username and password_file, to what it accepts"
        }
        404 | 405 => {
            "nothing takes remote write at this url; correct it, or enable remote write there"
        }
        415 => {
            "it does not take this form of request; set protocol to the other of \"1.0\" and \"2.0\""
        }
        _ => return Answer::Refused(refusal(status, text)),
    };
    Answer::Later(misconfigured(format!("{told} ({advice})")))
}

/// Whether the same request may be taken another time.
fn is_temporary(status: StatusCode, text: &str) -> bool {
    let waits = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    waits && !(status == StatusCode::INTERNAL_SERVER_ERROR && never(text).is_some())
}

fn never(text: &str) -> Option<Reason> {
    let known = NEVER.iter().find(|(words, _)| text.contains(words));
    known.map(|(_, reason)| *reason)
}

fn refusal(status: StatusCode, text: String) -> Refusal {
    let usual = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Reason::TooLarge,
        _ => Reason::Other,
    };
    Refusal {
        reason: never(&text).unwrap_or(usual),
        text: format!("{status}: {text}"),
    }
}

fn misconfigured(text: String) -> Later {
    Later {
        cause: Cause::Misconfigured,
        text,
        after: None,
    }
}

/// With all causes, since reqwest tells only the outermost; never with the address, which is configured.
fn unreachable(error: &reqwest::Error) -> Later {
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        "no answer".to_owned()
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Later {
        cause: Cause::Unreachable,
        text,
        after: None,
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Seconds, or a date: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Duration::try_from(date.duration_since(Timestamp::now())).ok()
}

/// Reading on to the end keeps the connection; a long text costs it.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > TEXT_BYTES {
            bytes.truncate(TEXT_BYTES);
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(plain).collect()
}
