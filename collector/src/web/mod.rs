//! The page and the API, read from the live view and the lists of centres and devices; what happened to a
//! device is the one thing that is read from the registry. They are made a few at a time on threads of their
//! own, so that readers never hold up agents.
//!
//! | route | what |
//! |---|---|
//! | `/` | the province: every centre, what needs attention first |
//! | `/centres/{id}` | one centre: facts, devices, links |
//! | `/centres/{id}/devices/{device}` | one device: identity, live values, the last hour |
//! | `/morning` | before opening: which centres cannot serve people, what to do first and who does it |
//! | `/faults`, `/faults/{id}` | what is wrong and was; one fault with its reasons and history, to which alerts lead |
//! | `/assets/…` | style sheet, script, icon |
//! | `/api/v1/centres`, `/api/v1/centres/{id}`, `/api/v1/devices`, `/api/v1/devices/{centre}/{device}` | the same as JSON |
//! | `/api/v1/events` | what happened to machines and devices |
//! | `/api/v1/faults`, `/api/v1/faults/{id}` | what is wrong and was, and what was said of it |
//! | `/api/v1/readiness`, `/api/v1/readiness/scores` | whether each centre can open, now, at each check and on past days; how often that was right |
//! | `/openapi.json` | the description of the API, made from its code |
//!
//! `/metrics`, `/healthz` and `/readyz` belong to [`crate::app`]. Deliberately absent: accounts,
//! anything that changes something, anything fetched from elsewhere.

mod api;
mod assets;
mod chart;
mod format;
mod lang;
mod pages;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::ids::CentreId;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::alerts::Status;
use crate::calendar::Calendars;
use crate::directory::Devices;
use crate::latest::Latest;
use crate::metrics::exposition::Asking;
use crate::registry::{Centre, Registry};
use crate::reverse::Reverse;
use crate::watch::Events;

/// What the page and the API show, and the clock they tell time by.
#[derive(Clone)]
pub struct Web {
    /// The live view.
    pub latest: Arc<Latest>,
    /// All centres, kept in step with the registry.
    pub centres: watch::Receiver<Arc<Vec<Centre>>>,
    /// All devices without an agent, likewise.
    pub devices: watch::Receiver<Devices>,
    /// Who asks them.
    pub asking: watch::Receiver<Arc<HashMap<CentreId, Asking>>>,
    /// What happened to machines and devices.
    pub registry: Registry,
    /// What the province is called.
    pub province: String,
    /// The lines that it looks at from outside.
    pub reverse: Option<Reverse>,
    /// The province's time.
    pub utc_offset: Offset,
    /// When centres are open.
    pub calendars: Arc<Calendars>,
    /// What is wrong.
    pub faults: Events,
    /// How Alertmanager is; nothing where there is none.
    pub alerts: Option<watch::Receiver<Status>>,
    /// The clock.
    pub now: fn() -> Timestamp,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("province", &self.province)
            .field("utc_offset", &self.utc_offset)
            .finish_non_exhaustive()
    }
}

/// All routes of the page and the API. What is merged into it later gets neither its security headers
/// nor its bounds.
pub fn router(web: Web) -> Router {
    let web = Arc::new(web);
    guard(routes(), &web)
        .merge(assets())
        .layer(from_fn(harmless))
        .with_state(web)
}

fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/", get(pages::province::show))
        .route("/centres/{id}", get(pages::centre::show))
        .route("/centres/{id}/devices/{device}", get(pages::device::show))
        .route("/morning", get(pages::morning::show))
        .route("/faults", get(pages::fault::list))
        .route("/faults/{id}", get(pages::fault::show))
        .merge(api::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(only_for_reading)
}

fn assets() -> Router<Arc<Web>> {
    let mut routes = Router::new();
    for asset in [&assets::STYLE, &assets::RENEW, &assets::ICON] {
        let respond = move |headers: HeaderMap| async move { asset.respond(&headers) };
        routes = routes.route(asset.path, get(respond));
    }
    routes
}

async fn nothing_here(State(web): State<Arc<Web>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if is_for_programs(parts.uri.path()) {
        api::nothing_here()
    } else {
        pages::not_found(&web, &pages::Visitor::of(&parts))
    }
}

async fn only_for_reading(request: Request) -> Response {
    if is_for_programs(request.uri().path()) {
        api::only_for_reading()
    } else {
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    }
}

fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || path == "/openapi.json"
}

/// Answers that are made at the same time.
const MADE_AT_ONCE: usize = 2;
/// Requests that wait for one of these places, before others are told to come back.
const MOST_WAITING: usize = 200;

/// Who may make an answer now.
#[derive(Clone)]
struct Turns {
    web: Arc<Web>,
    making: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Bounds what these routes cost, and lets them answer even when a handler panics.
fn guard(routes: Router<Arc<Web>>, web: &Arc<Web>) -> Router<Arc<Web>> {
    let turns = Turns {
        web: Arc::clone(web),
        making: Arc::new(Semaphore::new(MADE_AT_ONCE)),
        waiting: Arc::new(Semaphore::new(MOST_WAITING)),
    };
    routes.layer(from_fn_with_state(turns, in_turn))
}

/// Runs the handler on a thread for blocking work when its turn comes: a country's worth of devices
/// takes a while, and the threads of async tasks carry the agents' streams. A panic ends that task
/// and not the connection.
async fn in_turn(State(turns): State<Turns>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let for_programs = is_for_programs(parts.uri.path());
    let path = parts.uri.path().to_owned();
    let visitor = pages::Visitor::of(&parts);
    let Some(turn) = turns.take().await else {
        return if for_programs {
            api::busy()
        } else {
            pages::busy(&turns.web, &visitor)
        };
    };
    let making = next.run(Request::from_parts(parts, body));
    let runtime = Handle::current();
    let made = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        runtime.block_on(making)
    });
    match made.await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, path, "Could not make a page.");
            if for_programs {
                api::failed()
            } else {
                pages::failed(&turns.web, &visitor)
            }
        }
    }
}

impl Turns {
    /// Waits for a turn. `None` when too many wait already.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let _place = self.waiting.try_acquire().ok()?;
        Arc::clone(&self.making).acquire_owned().await.ok()
    }
}

/// Nothing is loaded from elsewhere, nothing is framed, nothing is kept unless it says so.
async fn harmless(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in headers {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
