//! The collector as a whole: build binds everything and returns addresses, run serves until told to
//! stop, then lets go of its streams within a grace period.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use proto::limits::MESSAGE_BYTES;
use proto::plan::Plan;
use proto::wire::enrolment_server::EnrolmentServer;
use proto::wire::session_server::SessionServer;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tracing::{info, warn};

use crate::ca::Authority;
use crate::config::Config;
use crate::directory::Directory;
use crate::enroll::{Enroller, Outcome};
use crate::ingest::Ingest;
use crate::latest::{Latest, Presence};
use crate::listen;
use crate::metrics::exposition::Exposition;
use crate::metrics::own::Own;
use crate::registry::Registry;
use crate::web::{self, Web};

/// How long open calls get to end.
const GRACE: Duration = Duration::from_secs(5);

/// How often the registry learns who was heard.
const NOTE_INTERVAL: Duration = Duration::from_secs(30);

/// What arrives on one connection before its agent must wait; batches are far smaller.
const WINDOW: u32 = 1 << 18;

/// Everything opened and bound, nothing served.
pub struct App {
    registry: Registry,
    latest: Arc<Latest>,
    own: Arc<Own>,
    directory: Arc<Directory>,
    authority: Arc<Authority>,
    certificate_lifetime: Duration,
    tls: Arc<ServerConfig>,
    plan: Plan,
    router: Router,
    http: TcpListener,
    grpc: TcpListener,
    http_address: SocketAddr,
    grpc_address: SocketAddr,
}

/// Opens the data folder and binds both ports.
///
/// # Errors
/// When the folder was not initialised or is damaged, or a port is taken.
pub async fn build(config: Config) -> anyhow::Result<App> {
    let authority = Arc::new(Authority::load(&config.data)?);
    let registry = Registry::open(&config.registry())?;
    let plan = config.plan();
    plan.validate()
        .context("the plan of the configuration is outside the limits")?;
    let longest = plan
        .host_interval
        .max(plan.link_interval)
        .max(plan.report_interval);
    let latest = Arc::new(Latest::new(longest * 3));
    let own = Arc::new(Own::new(Timestamp::now())?);
    let directory =
        Directory::read(registry.clone(), Arc::clone(&latest), Arc::clone(&own)).await?;
    let tls = Arc::new(authority.server_config(&config.grpc_names)?);
    let (http, http_address) = bind(config.http_listen, "[http] listen").await?;
    let (grpc, grpc_address) = bind(config.grpc_listen, "[grpc] listen").await?;
    let exposition = Exposition {
        latest: Arc::clone(&latest),
        centres: directory.centres(),
        province: config.province.clone(),
        utc_offset: config.utc_offset,
    };
    let health = Health {
        exposition,
        own: Arc::clone(&own),
        registry: registry.clone(),
    };
    let router = web::router(Web {
        latest: Arc::clone(&latest),
        centres: directory.centres(),
        province: config.province,
        utc_offset: config.utc_offset,
        now: Timestamp::now,
    })
    .merge(health.router());
    Ok(App {
        registry,
        latest,
        own,
        directory: Arc::new(directory),
        authority,
        certificate_lifetime: config.certificate_lifetime,
        tls,
        plan,
        router,
        http,
        grpc,
        http_address,
        grpc_address,
    })
}

async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: stop what uses it, or choose another address ({key})")
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl App {
    /// Where the page and `/metrics` are.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// Where agents connect.
    #[must_use]
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc_address
    }

    /// The registry, for whoever runs the collector inside another program.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The live view, likewise.
    #[must_use]
    pub fn latest(&self) -> Arc<Latest> {
        Arc::clone(&self.latest)
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// When one of the servers fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        info!(page = %self.http_address, agents = %self.grpc_address, version = proto::VERSION,
            "Serving.");
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let web = axum::serve(self.http, self.router)
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        tasks.spawn(async move { web.await.context("the page's server failed") });
        let grpc = serve_agents(
            listen::accept(self.grpc, self.tls, Arc::clone(&self.own)),
            Ingest::new(
                Arc::clone(&self.directory),
                self.registry.clone(),
                Arc::clone(&self.latest),
                Arc::clone(&self.own),
                self.plan,
                stop.clone(),
            ),
            enroller(
                self.registry.clone(),
                self.authority,
                self.certificate_lifetime,
                &self.own,
            ),
            stop.clone(),
        );
        tasks.spawn(async move { grpc.await.context("the agents' server failed") });
        let followed = Arc::clone(&self.directory);
        let following = tokio::spawn(async move { followed.follow().await });
        let noted = (
            self.registry.clone(),
            Arc::clone(&self.latest),
            Arc::clone(&self.own),
        );
        let noting = tokio::spawn(async move {
            loop {
                tokio::time::sleep(NOTE_INTERVAL).await;
                note_presence(&noted.0, &noted.1, &noted.2).await;
            }
        });
        let failed = tokio::select! {
            () = shutdown => None,
            ended = tasks.join_next() => ended,
        };
        stop.cancel();
        let drain = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, drain).await.is_err() {
            warn!("Some connections did not end in time.");
        }
        following.abort();
        noting.abort();
        note_presence(&self.registry, &self.latest, &self.own).await;
        info!("Stopped.");
        match failed {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }
}

fn enroller(
    registry: Registry,
    authority: Arc<Authority>,
    lifetime: Duration,
    own: &Arc<Own>,
) -> Enroller {
    let own = Arc::clone(own);
    Enroller::new(
        registry,
        authority,
        lifetime,
        move |outcome: Outcome<'_>| {
            own.enrolments.with_label_values(&[outcome.code()]).inc();
            match outcome {
                Outcome::Enrolled(agent) => {
                    info!(agent = %agent.id, centre = %agent.centre, device = %agent.device, "Enrolled.");
                }
                Outcome::Renewed(agent) => {
                    info!(agent = %agent.id, centre = %agent.centre, device = %agent.device, "Renewed.");
                }
                Outcome::Refused(_) => {}
            }
        },
    )
}

async fn serve_agents(
    connections: tokio::sync::mpsc::Receiver<std::io::Result<listen::Connection>>,
    ingest: Ingest,
    enroller: Enroller,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(4)
        .http2_max_header_list_size(16 << 10)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .add_service(SessionServer::new(ingest).max_decoding_message_size(MESSAGE_BYTES))
        .add_service(EnrolmentServer::new(enroller).max_decoding_message_size(MESSAGE_BYTES))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), stop.cancelled_owned())
        .await
}

/// Lets the registry know who was heard, so that a restart does not take the silent for new.
async fn note_presence(registry: &Registry, latest: &Latest, own: &Own) {
    let mut seen = Vec::new();
    latest.visit(None, |device| {
        let heard = device.presence() != Presence::Never && device.clock_offset.is_some();
        if let Some(at) = device.last_report.filter(|_| heard) {
            let goodbye = device.presence() == Presence::Goodbye;
            seen.push((device.enrolled.agent.clone(), at, goodbye));
        }
    });
    if let Err(error) = registry.last_seen(seen).await {
        own.registry_errors.inc();
        warn!(%error, "When agents were last heard could not be noted.");
    }
}

/// What machines ask of the collector: its metrics, and whether it works.
struct Health {
    exposition: Exposition,
    own: Arc<Own>,
    registry: Registry,
}

impl Health {
    fn router(self) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .with_state(Arc::new(self))
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    // Rendering is work for a thread of its own: it must not hold up the streams.
    let rendering = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let (page, series) = health.exposition.render(Timestamp::now());
        health
            .own
            .series
            .set(i64::try_from(series).unwrap_or(i64::MAX));
        let mut page = page.into_bytes();
        let own = health.own.render(&mut page);
        health
            .own
            .render_duration
            .set(started.elapsed().as_secs_f64());
        own.map(|()| page)
    });
    match rendering.await {
        Ok(Ok(page)) => {
            let format = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, format)], page).into_response()
        }
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
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
