//! What machines ask of the collector: its metrics, and whether it works.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::metrics::exposition::{Exposition, Page, Spare};
use crate::metrics::own::Own;
use crate::registry::Registry;

/// Pages that are being sent at the same time; each has a copy of all values.
const READERS: usize = 4;

/// Who takes longer to read a page is let go: nobody scrapes like that.
const LONGEST: Duration = Duration::from_secs(30);

/// What machines ask of the collector: its metrics, and whether it works.
pub struct Health {
    exposition: Exposition,
    own: Arc<Own>,
    registry: Registry,
    spare: Spare,
    readers: Arc<Semaphore>,
    /// Held while the live view is looked at: more than one at a time would only be slower.
    looking: tokio::sync::Mutex<()>,
}

impl Health {
    /// What answers, from the live view and the collector's own counters.
    #[must_use]
    pub fn new(exposition: Exposition, own: Arc<Own>, registry: Registry) -> Self {
        Self {
            exposition,
            own,
            registry,
            spare: Spare::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// `/metrics`, `/healthz`, `/readyz`.
    pub fn router(self) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .with_state(Arc::new(self))
    }

    /// The page, ready to be written, and behind it what the collector says of itself.
    fn look(&self, place: Option<OwnedSemaphorePermit>) -> Result<Writing, prometheus::Error> {
        let started = Instant::now();
        let page = self.exposition.page(Timestamp::now(), &self.spare);
        let series = i64::try_from(page.series()).unwrap_or(i64::MAX);
        self.own.series.set(series);
        let mut own_text = Vec::new();
        self.own.render(&mut own_text)?;
        Ok(Writing {
            page,
            own_text: Some(own_text),
            own: Arc::clone(&self.own),
            spent: started.elapsed(),
            _place: place,
        })
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    // The semaphore is never closed.
    let place = Arc::clone(&health.readers).acquire_owned().await.ok();
    let _one_at_a_time = health.looking.lock().await;
    let looker = Arc::clone(&health);
    // To look at all devices takes milliseconds, on a thread of its own: it must not hold up the
    // streams. Each piece of the text takes microseconds.
    match tokio::task::spawn_blocking(move || looker.look(place)).await {
        Ok(Ok(writing)) => {
            let format = "text/plain; version=0.0.4; charset=utf-8";
            let body = Body::from_stream(tokio_stream::iter(Answer::new(writing)));
            ([(header::CONTENT_TYPE, format)], body).into_response()
        }
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// A page that is written while it is sent: piece by piece, each when the reader has room for it.
struct Writing {
    page: Page,
    /// What comes last.
    own_text: Option<Vec<u8>>,
    own: Arc<Own>,
    /// Time spent on the page so far, without waiting for the reader.
    spent: Duration,
    /// The reader's place among others.
    _place: Option<OwnedSemaphorePermit>,
}

impl Writing {
    fn next(&mut self) -> Option<Vec<u8>> {
        let started = Instant::now();
        let piece = self.page.next();
        self.spent += started.elapsed();
        if piece.is_none() && self.own_text.is_some() {
            self.own.render_duration.set(self.spent.as_secs_f64());
        }
        piece.or_else(|| self.own_text.take())
    }
}

/// What one reader gets, for as long as it may take.
struct Answer(Arc<Mutex<Option<Writing>>>);

/// The reader took too long; the rest of the page is not to be had.
#[derive(Debug, thiserror::Error)]
#[error("the page was not read within {} s", LONGEST.as_secs())]
struct TooSlow;

impl Answer {
    fn new(writing: Writing) -> Self {
        let answer = Self(Arc::new(Mutex::new(Some(writing))));
        let held = Arc::downgrade(&answer.0);
        // A reader that stops reading asks for nothing any more: somebody else must look at the time.
        tokio::spawn(async move {
            tokio::time::sleep(LONGEST).await;
            if let Some(held) = held.upgrade() {
                held.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
        });
        answer
    }
}

impl Iterator for Answer {
    type Item = Result<Vec<u8>, TooSlow>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *held {
            Some(writing) => writing.next().map(Ok),
            None => Some(Err(TooSlow)),
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
}

/// Ready once the registry answers; it is open before the port is.
async fn ready(State(health): State<Arc<Health>>) -> Response {
    match health.registry.version().await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {error}\n"),
        )
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::http::Request;
    use tokio::sync::watch;
    use tokio_stream::StreamExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::latest::{DeviceKey, Enrolled, Latest, Patience};

    /// A collector of so many devices.
    async fn router(folder: &std::path::Path, devices: usize) -> Router {
        let latest = Latest::new(Patience {
            reports: Duration::from_secs(45),
            samples: Duration::from_secs(45),
        });
        latest.follow((0..devices).map(|number| {
            let key = DeviceKey {
                centre: "cong-son".parse().unwrap(),
                device: format!("pc-{number:05}").parse().unwrap(),
            };
            let enrolled = Enrolled {
                agent: format!("agent-{number}").parse().unwrap(),
                kind: "pc".into(),
                version: "1".into(),
                os: "linux".into(),
                arch: "x86_64".into(),
                certificate_until: None,
                last_report: None,
                goodbye: None,
            };
            (key, enrolled)
        }));
        let exposition = Exposition {
            latest: Arc::new(latest),
            centres: watch::channel(Arc::default()).1,
            asking: watch::channel(Arc::default()).1,
            province: String::new(),
            calendars: Arc::default(),
            measurements: true,
            faults: crate::watch::Events::default(),
        };
        let own = Arc::new(Own::new(Timestamp::UNIX_EPOCH).unwrap());
        let registry = Registry::create(&folder.join("registry.sqlite")).unwrap();
        Health::new(exposition, own, registry).router()
    }

    async fn scrape(router: &Router) -> Response {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn the_page_ends_with_what_the_collector_says_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        let response = scrape(&router(folder.path(), 2).await).await;
        let format = response.headers().get(header::CONTENT_TYPE).unwrap();
        assert_eq!(format, "text/plain; version=0.0.4; charset=utf-8");
        let page = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        let page = String::from_utf8(page.into()).unwrap();
        let fleet = page.find("dawnwatch_device_up{").unwrap();
        let own = page.find("\ndawnwatch_collector_series 8\n").unwrap();
        assert!(fleet < own, "{page}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_let_go_and_others_come() {
        let folder = tempfile::tempdir().unwrap();
        let router = router(folder.path(), 2_000).await;
        let mut stuck = Vec::new();
        for _ in 0..READERS {
            let mut body = scrape(&router).await.into_body().into_data_stream();
            body.next().await.unwrap().unwrap();
            stuck.push(body);
        }
        let before = Instant::now();
        let response = scrape(&router).await;
        assert!(before.elapsed() >= LONGEST - Duration::from_secs(1));
        let page = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        assert!(page.unwrap().len() > 500_000);
        for mut body in stuck {
            assert!(body.next().await.unwrap().is_err());
        }
    }
}
