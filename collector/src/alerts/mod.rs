//! Alerts to Alertmanager: one for each incident, one that says we are here, and a digest twice a day.
//!
//! In reading order: [`severity`] (how loudly) → [`alert`] (what one says) → [`book`] (which there are, and when each is
//! sent) → [`digest`] → `client` (one request) → [`Alerts`], the task that does it. Causes are found before: there is
//! nothing to group or to inhibit here, and nothing of it waits for a store or for Prometheus.
//!
//! Alertmanager being away delays alerts and nothing else: what begins and ends meanwhile is told when it is back, what
//! did both is not told at all. Deliberately absent: e-mail, messengers and rosters, which are Alertmanager's; several
//! Alertmanagers (name one of a cluster, or a proxy in front of it).

pub mod alert;
pub mod book;
mod client;
pub mod digest;
mod kept;
pub mod metrics;
pub mod severity;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::calendar::Centre;
use diagnosis::event::{Incident, Readiness};
use diagnosis::sentence::Words;
use diagnosis::sentence::digest::{Digest, after_closing, before_opening};
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use crate::config::Alertmanager;
use crate::registry::{IncidentFilter, Registry};
use crate::watch::Open;

use self::alert::Pairs;
use self::book::{Book, MOST, RESEND};
pub use self::client::ClientError;
use self::client::{Answer, Cause, Client};
use self::digest::{Due, Part};
use self::kept::Kept;
pub use self::metrics::Metrics;
use self::severity::Centres;

/// Alerts of one request.
const REQUEST_ALERTS: usize = 100;

/// Incidents of a day that its digest counts.
const DIGESTED: u32 = 10_000;

/// Bytes of one request, unless a single alert is larger.
const REQUEST_BYTES: usize = 500_000;

/// The first wait after a failure is up to this.
const LEAST_WAIT: Duration = Duration::from_millis(500);

/// Later ones up to this: an Alertmanager that is back hears of everything soon.
const MOST_WAIT: Duration = Duration::from_secs(15);

/// The same trouble is logged this often.
const REMIND: Duration = Duration::from_mins(10);

/// What the alerts are made of.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What is open. To hold what was open when the collector stopped before [`Alerts::run`]: what is not in it is over.
    pub open: watch::Receiver<Arc<Open>>,
    /// All centres, with their calendars.
    pub centres: watch::Receiver<Arc<Vec<Centre>>>,
    /// The newest verdict on each centre.
    pub readiness: watch::Receiver<Arc<Vec<Readiness>>>,
    /// The incidents of a day.
    pub registry: Registry,
    /// Unix seconds.
    pub now: fn() -> f64,
}

/// How Alertmanager is, for the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Since when it does not take alerts; nothing while it does.
    pub trouble: Option<Trouble>,
}

/// Alertmanager does not take alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Unix seconds.
    pub since: i64,
    /// What is wrong.
    pub answer: String,
}

/// The task that keeps Alertmanager informed.
#[derive(Debug)]
pub struct Alerts {
    client: Client,
    links: alert::Links,
    sources: Sources,
    metrics: Metrics,
    book: Book,
    kept: Kept,
    status: watch::Sender<Status>,
    failures: u32,
    reminded: Option<Instant>,
    is_kept: bool,
}

impl Alerts {
    /// Reads what Alertmanager was told by an earlier run. Talks to nobody yet.
    ///
    /// # Errors
    /// When there can be no client.
    pub fn open(
        config: &Alertmanager,
        data: &Path,
        sources: Sources,
        metrics: Metrics,
    ) -> Result<Self, ClientError> {
        let kept = Kept::within(data);
        Ok(Self {
            client: Client::new(&config.url)?,
            links: alert::Links {
                page: config.page.clone(),
                runbooks: config.runbooks.clone(),
            },
            sources,
            metrics,
            book: kept.read(),
            kept,
            status: watch::Sender::default(),
            failures: 0,
            reminded: None,
            is_kept: true,
        })
    }

    /// How Alertmanager is.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Keeps it informed for ever. What was told stays true there for a while after this is dropped.
    pub async fn run(mut self) {
        loop {
            self.follow().await;
            let answered = self.send().await;
            let wake = self.wake(answered);
            tokio::select! {
                () = sleep_until(wake) => {}
                // While nothing is taken, news wait for the next attempt.
                changed = self.sources.open.changed(), if answered => {
                    // Whoever told is gone: the program ends.
                    if changed.is_err() {
                        sleep_until(wake).await;
                    }
                }
            }
        }
    }

    /// Brings the book up to date.
    async fn follow(&mut self) {
        let now = (self.sources.now)();
        let open = Arc::clone(&self.sources.open.borrow_and_update());
        let list = Arc::clone(&self.sources.centres.borrow());
        let centres = Centres::of(&list);
        let changed = self.book.follow(&open, &centres, &self.links, now);
        self.book.watch_over(watchdog(), now);
        let made = self.digest(&list, now).await;
        if changed.labels || made || !self.is_kept {
            self.keep().await;
        }
        if changed.without_room > 0 && self.is_to_remind() {
            let (incidents, most) = (changed.without_room, MOST);
            error!(
                incidents,
                most, "Too many incidents at once: these are shown, but not alerted."
            );
        }
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (firing, untaken) = self.book.counts();
        self.metrics.firing.set(number(firing));
        self.metrics.untaken.set(number(untaken));
        self.metrics.without_room.set(number(changed.without_room));
    }

    /// Makes the digest that is due; whether there is a new one.
    async fn digest(&mut self, centres: &[Centre], now: f64) -> bool {
        let Some(due) = digest::due(centres, now) else {
            return false;
        };
        let (part, day) = (due.part.as_str(), due.date.day());
        if self.book.has_digest(part, day) {
            return false;
        }
        let Some(text) = self.text(&due, centres).await else {
            return false;
        };
        let mut annotations = Pairs::new();
        alert::set_words(&mut annotations, "summary", &text.summary);
        alert::set_words(&mut annotations, "description", &text.text);
        if let Some(page) = &self.links.page {
            annotations.insert("page_url".to_owned(), page.to_string());
        }
        let labels = [
            ("alertname", "DawnwatchDigest".to_owned()),
            ("part", part.to_owned()),
            ("day", due.date.to_string()),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value)).into();
        self.book
            .digest(part, day, labels, annotations, (now, now + digest::LASTS));
        true
    }

    /// Nothing while there are no verdicts on any centre, or the registry cannot be read.
    async fn text(&self, due: &Due, centres: &[Centre]) -> Option<Digest> {
        match due.part {
            Part::Opening => {
                let readiness = Arc::clone(&self.sources.readiness.borrow());
                let centres = Centres::of(centres);
                let name = |id| centres.name(id);
                (!readiness.is_empty()).then(|| before_opening(&readiness, name))
            }
            Part::Closing => {
                let filter = IncidentFilter {
                    from: Some(alert::timestamp(due.opening)),
                    to: Some(alert::timestamp(due.closing)),
                    most: DIGESTED,
                    ..IncidentFilter::default()
                };
                let kept = self.sources.registry.incidents(filter).await.ok()?;
                let told = kept.into_iter().filter(|it| it.notified && !it.withdrawn);
                let incidents: Vec<Incident> = told.map(|it| it.incident).collect();
                Some(after_closing(&incidents, due.opening, due.closing))
            }
        }
    }

    /// Writes the book; goes on without when that fails.
    async fn keep(&mut self) {
        let (kept, book) = (self.kept.clone(), self.book.clone());
        let written = tokio::task::spawn_blocking(move || kept.write(&book)).await;
        let failed = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = &failed
            && self.is_kept
        {
            warn!(
                error,
                "What Alertmanager was told cannot be written to the data folder; is the disk full? \
                Alerts go on."
            );
        }
        self.is_kept = failed.is_none();
    }

    /// Sends what is due, in pieces; false when Alertmanager did not take them now.
    async fn send(&mut self) -> bool {
        let now = (self.sources.now)();
        let due = self.book.due(now);
        let pieces = pieces(&self.book, &due, now);
        for (keys, body) in pieces {
            let Some(keys) = due.get(keys) else { continue };
            let answer = self.client.send(body).await;
            self.metrics.answered(&answer);
            match answer {
                Answer::Taken => {
                    self.book.sent(keys, true);
                    self.metrics.sent.inc_by(keys.len() as u64);
                    self.is_well();
                }
                // It took the others; the same again would be refused again, so that waits for the next time.
                Answer::Refused(text) => {
                    self.book.sent(keys, false);
                    self.is_in_trouble(None, &text);
                }
                Answer::Later(cause, text) => {
                    self.is_in_trouble(Some(cause), &text);
                    self.failures = self.failures.saturating_add(1);
                    return false;
                }
            }
        }
        true
    }

    /// When to look again.
    fn wake(&self, answered: bool) -> Instant {
        let now = Instant::now();
        if !answered {
            let doubled = LEAST_WAIT.saturating_mul(2_u32.saturating_pow(self.failures));
            let ceiling = doubled.min(MOST_WAIT);
            return now + rand::rng().random_range(ceiling / 2..=ceiling);
        }
        let next = self.book.next((self.sources.now)());
        next.map_or(now + RESEND, |next| {
            next.clamp(now + LEAST_WAIT, now + RESEND)
        })
    }

    fn is_well(&mut self) {
        self.failures = 0;
        let trouble = self.status.send_replace(Status::default()).trouble;
        if trouble.is_some() {
            self.reminded = None;
            info!("Alertmanager takes alerts again.");
        }
    }

    fn is_in_trouble(&mut self, cause: Option<Cause>, answer: &str) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float of any size becomes the nearest number"
        )]
        let now = (self.sources.now)() as i64;
        let is_new = self.status.borrow().trouble.is_none();
        self.status.send_modify(|status| {
            let since = status.trouble.as_ref().map_or(now, |trouble| trouble.since);
            status.trouble = Some(Trouble {
                since,
                answer: answer.to_owned(),
            });
        });
        if !self.is_to_remind() && !is_new {
            return;
        }
        self.reminded = Some(Instant::now());
        match cause {
            None => error!(
                answer,
                "Alertmanager refused alerts; nobody may be told of what is wrong."
            ),
            Some(Cause::Misconfigured) => {
                error!(
                    answer,
                    "Alertmanager takes no alerts until somebody changes the settings."
                );
            }
            Some(cause) => {
                let cause = cause.code();
                warn!(
                    cause,
                    answer, "Alertmanager takes no alerts now; trying again."
                );
            }
        }
    }

    fn is_to_remind(&self) -> bool {
        self.reminded.is_none_or(|at| at.elapsed() >= REMIND)
    }
}

fn watchdog() -> Pairs {
    let mut texts = Pairs::new();
    let words = Words {
        vi: "Dawnwatch đang hoạt động. Khi cảnh báo này ngừng, không ai được báo về sự cố nữa."
            .to_owned(),
        en: "Dawnwatch works. When this alert stops, nobody is told of faults any more.".to_owned(),
    };
    alert::set_words(&mut texts, "summary", &words);
    texts
}

/// Requests of bounded size: which of `due` are in each, and its body.
fn pieces(book: &Book, due: &[String], now: f64) -> Vec<(Range<usize>, String)> {
    let mut pieces: Vec<(Range<usize>, String)> = Vec::new();
    for (index, key) in due.iter().enumerate() {
        let alert = book.alert(key, now);
        let Some(text) = alert.and_then(|alert| serde_json::to_string(&alert).ok()) else {
            continue;
        };
        let fits = |(keys, body): &&mut (Range<usize>, String)| {
            keys.len() < REQUEST_ALERTS && body.len() + text.len() < REQUEST_BYTES
        };
        match pieces.last_mut().filter(fits) {
            Some((keys, body)) => {
                keys.end = index + 1;
                body.push(',');
                body.push_str(&text);
            }
            None => pieces.push((index..index + 1, format!("[{text}"))),
        }
    }
    for (_, body) in &mut pieces {
        body.push(']');
    }
    pieces
}

#[cfg(test)]
mod tests;
