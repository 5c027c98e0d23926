//! What machines ask of the collector: its metrics, and whether it works.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::metrics::exposition::Exposition;
use crate::metrics::own::Own;
use crate::registry::Registry;

/// What machines ask of the collector: its metrics, and whether it works.
pub struct Health {
    exposition: Exposition,
    own: Arc<Own>,
    registry: Registry,
    /// Held while a page is rendered: more than one at a time would only be slower.
    rendering: Mutex<()>,
}

impl Health {
    /// What answers, from the live view and the collector's own counters.
    #[must_use]
    pub fn new(exposition: Exposition, own: Arc<Own>, registry: Registry) -> Self {
        Self {
            exposition,
            own,
            registry,
            rendering: Mutex::default(),
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

    fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let started = Instant::now();
        let (page, series) = self.exposition.render(Timestamp::now());
        self.own
            .series
            .set(i64::try_from(series).unwrap_or(i64::MAX));
        let mut page = page.into_bytes();
        self.own.render(&mut page)?;
        self.own
            .render_duration
            .set(started.elapsed().as_secs_f64());
        Ok(page)
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    let _one_at_a_time = health.rendering.lock().await;
    let renderer = Arc::clone(&health);
    // Rendering is work for a thread of its own: it must not hold up the streams.
    match tokio::task::spawn_blocking(move || renderer.render()).await {
        Ok(Ok(page)) => {
            let format = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, format)], page).into_response()
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
