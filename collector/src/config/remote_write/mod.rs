//! `[[remote_write]]`: stores that get every measurement with its own time.
//!
//! Secrets are named by their files and never kept here, so that no log can show them. A target's
//! name is the name of its queue on disk: whoever changes an address keeps the name, and what waits.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proto::ids::slug;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use settings::Table;

/// Each has a queue on disk and connections.
const TARGETS: usize = 8;

/// Room for the largest records, some times over.
const LEAST_QUEUE: u64 = 64_000_000;

/// What a server may reasonably be asked to bear at once.
const SHARDS: std::ops::RangeInclusive<usize> = 1..=64;

/// What the sender sets itself, or what would change the meaning of a request.
const RESERVED: [&str; 9] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-prometheus-remote-write-version",
];

/// One store.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteWrite {
    /// The `target` label, and the name of its queue.
    pub name: String,
    /// Where requests go.
    pub url: Url,
    /// Which form of requests it understands.
    pub protocol: Protocol,
    /// Who we say we are.
    pub credentials: Credentials,
    /// Sent along with each request.
    pub headers: Headers,
    /// Whom to trust instead of the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// Of one request.
    pub timeout: Duration,
    /// Requests under way at once.
    pub shards: usize,
    /// What may wait.
    pub queue_bytes: u64,
    /// For how long.
    pub queue_age: Duration,
}

/// A version of Prometheus remote write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// <https://prometheus.io/docs/specs/prw/remote_write_spec/>
    V1,
    /// <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>
    V2,
}

impl Protocol {
    /// As it is written in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}

/// Where the secret is, if one is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None is needed.
    None,
    /// `Authorization: Bearer …`
    Bearer {
        /// Holds the token.
        token_file: PathBuf,
    },
    /// `Authorization: Basic …`
    Basic {
        /// Not secret.
        username: String,
        /// Holds the password.
        password_file: PathBuf,
    },
}

/// Headers whose values may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(HeaderName, HeaderValue)>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| (name.as_str(), "…"));
        f.debug_map().entries(names).finish()
    }
}

impl RemoteWrite {
    /// What is usual, towards a store.
    #[must_use]
    pub fn to(name: &str, url: Url) -> Self {
        Self {
            name: name.to_owned(),
            url,
            protocol: Protocol::V1,
            credentials: Credentials::None,
            headers: Headers::default(),
            ca_file: None,
            timeout: Duration::from_secs(30),
            shards: 4,
            queue_bytes: 1_000_000_000,
            queue_age: Duration::from_hours(7 * 24),
        }
    }

    /// Relative paths are beside the settings file.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let files = match &mut self.credentials {
            Credentials::None => None,
            Credentials::Bearer { token_file: file }
            | Credentials::Basic {
                password_file: file,
                ..
            } => Some(file),
        };
        for file in files.into_iter().chain(&mut self.ca_file) {
            *file = folder.join(&*file);
        }
    }
}

/// Every `[[remote_write]]` of the file.
pub(super) fn targets(root: &Table<'_>) -> Vec<RemoteWrite> {
    let mut targets: Vec<RemoteWrite> = Vec::new();
    for (position, table) in root.tables("remote_write").iter().enumerate() {
        table.require(&["url"]);
        if position == TARGETS {
            let message = format!("is one target too many: {TARGETS} are allowed");
            table.mistake_at("url", &message);
        }
        let Some(target) = target(table) else {
            continue;
        };
        if targets.iter().any(|other| other.name == target.name) {
            let message = "belongs to another target too: give each a `name` of its own";
            let key = if table.has("name") { "name" } else { "url" };
            table.mistake_at(key, message);
        }
        targets.push(target);
    }
    targets
}

/// Asks for every key, also when one of them is wrong.
fn target(table: &Table<'_>) -> Option<RemoteWrite> {
    let url = url(table);
    let written_name = name(table);
    let protocol = protocol(table);
    let credentials = credentials(table);
    let headers = headers(table);
    let ca_file = file(table, "ca_file");
    let timeout = super::duration(
        table,
        "timeout",
        Duration::from_secs(1)..=Duration::from_mins(10),
    );
    let shards = shards(table);
    let queue_bytes = queue_bytes(table);
    let queue_age = super::duration(
        table,
        "queue_age",
        Duration::from_mins(1)..=Duration::from_hours(366 * 24),
    );
    let url = url?;
    let usual_name = || {
        let port = url.port_or_known_default().unwrap_or_default();
        slug(&format!("{}-{port}", url.host_str().unwrap_or_default()))
    };
    let name = written_name.or_else(usual_name)?;
    let usual = RemoteWrite::to(&name, url);
    Some(RemoteWrite {
        protocol: protocol.unwrap_or(usual.protocol),
        credentials,
        headers: Headers(headers),
        ca_file: ca_file.or(usual.ca_file),
        timeout: timeout.unwrap_or(usual.timeout),
        shards: shards.unwrap_or(usual.shards),
        queue_bytes: queue_bytes.unwrap_or(usual.queue_bytes),
        queue_age: queue_age.unwrap_or(usual.queue_age),
        name: usual.name,
        url: usual.url,
    })
}

fn url(table: &Table<'_>) -> Option<Url> {
    let text = table.text("url")?;
    let complaint = match text.parse::<Url>() {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => None,
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("must not hold a password: use `username` and `password_file`")
        }
        Ok(url) => return Some(url),
        Err(_) => None,
    };
    table.mistake_at(
        "url",
        complaint.unwrap_or("must be a URL such as \"http://localhost:8428/api/v1/write\""),
    );
    None
}

fn name(table: &Table<'_>) -> Option<String> {
    let name = table.text("name")?;
    if slug(&name).as_deref() == Some(&*name) {
        return Some(name);
    }
    table.mistake_at(
        "name",
        "must be lower-case letters, digits and single hyphens between them, such as \"province\"",
    );
    None
}

fn protocol(table: &Table<'_>) -> Option<Protocol> {
    let protocol = match table.text("protocol")?.as_str() {
        "1.0" => Some(Protocol::V1),
        "2.0" => Some(Protocol::V2),
        _ => None,
    };
    if protocol.is_none() {
        table.mistake_at("protocol", "must be \"1.0\" or \"2.0\"");
    }
    protocol
}

fn credentials(table: &Table<'_>) -> Credentials {
    let token_file = file(table, "bearer_token_file");
    let username = table.text("username");
    let password_file = file(table, "password_file");
    match (token_file, username, password_file) {
        (None, None, None) => Credentials::None,
        (Some(token_file), None, None) => Credentials::Bearer { token_file },
        (None, Some(username), Some(password_file)) => Credentials::Basic {
            username,
            password_file,
        },
        (Some(_), _, _) => {
            let message = "excludes `username` and `password_file`: use one or the other";
            table.mistake_at("bearer_token_file", message);
            Credentials::None
        }
        (None, Some(_), None) => {
            table.mistake_at("username", "needs a `password_file` beside it");
            Credentials::None
        }
        (None, None, Some(_)) => {
            table.mistake_at("password_file", "needs a `username` beside it");
            Credentials::None
        }
    }
}

fn file(table: &Table<'_>, key: &'static str) -> Option<PathBuf> {
    let path = table.text(key)?;
    if path.is_empty() {
        table.mistake_at(key, "must be the path of a file");
        return None;
    }
    Some(PathBuf::from(path))
}

fn headers(table: &Table<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for line in table.list("headers").unwrap_or_default() {
        let header = line.split_once(':').and_then(|(name, value)| {
            let name = name.trim().parse::<HeaderName>().ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        match header {
            Some((name, _)) if RESERVED.contains(&name.as_str()) => {
                let message = format!("must not hold {name}, which is set by what is sent");
                table.mistake_at("headers", &message);
            }
            Some(header) => headers.push(header),
            None => table.mistake_at(
                "headers",
                "must be a list such as [\"X-Scope-OrgID: lang-son\"]",
            ),
        }
    }
    headers
}

fn shards(table: &Table<'_>) -> Option<usize> {
    let (least, most) = (SHARDS.start(), SHARDS.end());
    let expected = format!("a number from {least} to {most}");
    let shards = table.value::<usize>("shards", &expected)?;
    if SHARDS.contains(&shards) {
        return Some(shards);
    }
    table.mistake_at("shards", &format!("must be {expected}"));
    None
}

fn queue_bytes(table: &Table<'_>) -> Option<u64> {
    let bytes = table.bytes("queue_bytes")?;
    if bytes >= LEAST_QUEUE {
        return Some(bytes);
    }
    table.mistake_at("queue_bytes", "must be at least \"64MB\"");
    None
}

#[cfg(test)]
mod tests;
