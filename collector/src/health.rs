//! What machines ask of the collector: its metrics, and whether it works.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::metrics::exposition::{Exposition, Page, Spare};
use crate::metrics::own::Own;
use crate::registry::Registry;

/// What machines ask of the collector: its metrics, and whether it works.
pub struct Health {
    exposition: Exposition,
    own: Arc<Own>,
    registry: Registry,
    spare: Spare,
    /// Held while the live view is looked at: more than one at a time would only be slower.
    looking: Mutex<()>,
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
            looking: Mutex::default(),
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

    /// The page, ready to be written, and what the collector says of itself.
    fn page(&self) -> Result<Answer, prometheus::Error> {
        let started = Instant::now();
        let page = self.exposition.page(Timestamp::now(), &self.spare);
        let series = i64::try_from(page.series()).unwrap_or(i64::MAX);
        self.own.series.set(series);
        let mut own_text = Vec::new();
        self.own.render(&mut own_text)?;
        Ok(Answer {
            page,
            own_text: Some(own_text),
            own: Arc::clone(&self.own),
            spent: started.elapsed(),
        })
    }
}

/// A page that is written while it is sent: piece by piece, each when the reader has room for it.
struct Answer {
    page: Page,
    /// What comes last.
    own_text: Option<Vec<u8>>,
    own: Arc<Own>,
    /// Time spent on the page so far, without waiting for the reader.
    spent: Duration,
}

impl Iterator for Answer {
    type Item = Result<Vec<u8>, Infallible>;

    fn next(&mut self) -> Option<Self::Item> {
        let started = Instant::now();
        let piece = self.page.next();
        self.spent += started.elapsed();
        if piece.is_none() && self.own_text.is_some() {
            self.own.render_duration.set(self.spent.as_secs_f64());
        }
        piece.or_else(|| self.own_text.take()).map(Ok)
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    let _one_at_a_time = health.looking.lock().await;
    let looker = Arc::clone(&health);
    // To look at all devices takes milliseconds on a thread of its own: it must not hold up the
    // streams. Each piece of the text takes microseconds.
    match tokio::task::spawn_blocking(move || looker.page()).await {
        Ok(Ok(answer)) => {
            let format = "text/plain; version=0.0.4; charset=utf-8";
            let body = Body::from_stream(tokio_stream::iter(answer));
            ([(header::CONTENT_TYPE, format)], body).into_response()
        }
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
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
