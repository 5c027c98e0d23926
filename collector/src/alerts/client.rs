//! One request to Alertmanager, and what its answer means.
//!
//! Connections are kept; no proxy is taken from the environment, no redirect is followed, and of an answer's text only a
//! beginning is read. Deliberately absent: names and passwords. An Alertmanager belongs beside the collector, or behind a
//! proxy that trusts it.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Of one request.
const TIMEOUT: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Of an answer's text.
const TEXT_BYTES: usize = 1_000;

/// Sends alerts to one Alertmanager.
#[derive(Debug)]
pub(super) struct Client {
    client: reqwest::Client,
    url: Url,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ClientError {
    #[error("alertmanager.url is no address that a path can be added to")]
    Url,
    #[error(
        "TLS cannot be set up for alertmanager.url: are this machine's certificates installed?"
    )]
    Tls(#[from] rustls::Error),
    #[error("the HTTP client for Alertmanager cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has them.
    Taken,
    /// It took what it could, and will never take the rest as it is.
    Refused(String),
    /// Not now.
    Later(Cause, String),
}

/// Why a request has to be repeated; values of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Unreachable,
    Failing,
    Misconfigured,
}

impl Cause {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Failing => "failing",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl Client {
    /// `url` is Alertmanager's root, as its page is opened.
    pub(super) fn new(url: &Url) -> Result<Self, ClientError> {
        let mut endpoint = url.clone();
        endpoint
            .path_segments_mut()
            .map_err(|()| ClientError::Url)?
            .pop_if_empty()
            .extend(["api", "v2", "alerts"]);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(url)?)
            .user_agent(concat!("dawnwatch-collector/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self {
            client,
            url: endpoint,
        })
    }

    /// Sends a list of alerts in JSON, once.
    pub(super) async fn send(&self, body: String) -> Answer {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let text = beginning(response).await;
                judge(status, &text)
            }
            Err(error) => Answer::Later(Cause::Unreachable, told(&error)),
        }
    }
}

/// Where nothing is encrypted, nobody is trusted, and a machine without authorities is good enough.
fn tls(url: &Url) -> Result<ClientConfig, ClientError> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?;
    let verified = match url.scheme() {
        "https" => builder.with_platform_verifier()?,
        _ => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(verified.with_no_client_auth())
}

fn judge(status: StatusCode, text: &str) -> Answer {
    let answer = format!("{status}: {text}");
    let advice = match status.as_u16() {
        200..=299 => return Answer::Taken,
        400 | 413 | 422 => return Answer::Refused(answer),
        300..=399 => "it redirects: set alertmanager.url to where it redirects to",
        401 | 403 | 407 => "it wants a password: let the collector reach it without one",
        404 | 405 => "no Alertmanager of version 0.16 or newer is at alertmanager.url",
        _ => return Answer::Later(Cause::Failing, answer),
    };
    Answer::Later(Cause::Misconfigured, format!("{answer} ({advice})"))
}

/// With all causes, since reqwest tells only the outermost; never with the address, which is configured.
fn told(error: &reqwest::Error) -> String {
    let mut text = String::from(if error.is_timeout() {
        "no answer in time"
    } else {
        "no answer"
    });
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > TEXT_BYTES {
            bytes.truncate(TEXT_BYTES);
            break;
        }
    }
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text = String::from_utf8_lossy(&bytes);
    text.trim().chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_its_consequence() {
        let check = |status: u16, expected: Option<Cause>| {
            let answer = judge(StatusCode::from_u16(status).expect("a status"), "why");
            let cause = match &answer {
                Answer::Later(cause, text) => {
                    assert!(text.contains("why"), "{text}");
                    Some(*cause)
                }
                Answer::Taken | Answer::Refused(_) => None,
            };
            assert_eq!(cause, expected, "{answer:?}");
        };
        check(200, None);
        check(400, None);
        check(302, Some(Cause::Misconfigured));
        check(404, Some(Cause::Misconfigured));
        check(429, Some(Cause::Failing));
        check(503, Some(Cause::Failing));
        assert_eq!(judge(StatusCode::OK, ""), Answer::Taken);
    }

    #[test]
    fn alertmanager_may_be_below_a_path() {
        let check = |url: &str, expected: &str| {
            let client = Client::new(&url.parse().expect("a URL")).expect("a client");
            assert_eq!(client.url.as_str(), expected);
        };
        check(
            "http://localhost:9093",
            "http://localhost:9093/api/v2/alerts",
        );
        check(
            "http://am.example/am/",
            "http://am.example/am/api/v2/alerts",
        );
        check("http://am.example/am", "http://am.example/am/api/v2/alerts");
    }
}
