//! The collector as a whole: build binds everything and returns addresses, run serves until told to
//! stop, then lets go of its streams within a grace period.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use jiff::Timestamp;
use proto::limits::MESSAGE_BYTES;
use proto::plan::Throughput;
use proto::wire::enrolment_server::EnrolmentServer;
use proto::wire::session_server::SessionServer;
use proto::wire::transfer_server::TransferServer;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tracing::{info, warn};

use crate::alerts::{Alerts, Sources};
use crate::ca::Authority;
use crate::comings::Comings;
use crate::config::Config;
use crate::directory::Directory;
use crate::enroll::{Enroller, Outcome};
use crate::found::{self, Finder};
use crate::health::Health;
use crate::ingest::commit::{self, Committer, Keeper};
use crate::ingest::recover::recover;
use crate::ingest::settle::Settler;
use crate::ingest::{Identities, Ingest, Parts};
use crate::latest::Latest;
use crate::listen;
use crate::metrics::exposition::Exposition;
use crate::metrics::own::Own;
use crate::plans::Plans;
use crate::presence::Noter;
use crate::readiness;
use crate::registry::Registry;
use crate::remote_write::RemoteWrite;
use crate::scouts::{Chooser, Scouts};
use crate::seen::Ledger;
use crate::transfer::{self, Transfers};
use crate::watch::{Events, Setup, Watch};
use crate::web::{self, Web};

/// How long open calls get to end.
const GRACE: Duration = Duration::from_secs(5);

/// A connection is asked whether it is still there when nothing was heard for longer than agents are
/// silent between two reports; it has this long to answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(75), Duration::from_secs(20));

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
    plans: Arc<Plans>,
    scouts: Arc<Scouts>,
    throughput: Option<Throughput>,
    backlog_rate: u64,
    comings: Comings,
    watch: Watch,
    /// None where no Alertmanager is configured.
    alerts: Option<Alerts>,
    ledger: Arc<Ledger>,
    keeper: Keeper,
    committer: Committer,
    remote_write: RemoteWrite,
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
    let plan = config.plan.clone();
    plan.validate()
        .context("the plan of the configuration is outside the limits")?;
    let latest = Arc::new(Latest::under(&plan));
    let own = Arc::new(Own::new(Timestamp::now())?);
    let directory =
        Directory::read(registry.clone(), Arc::clone(&latest), Arc::clone(&own)).await?;
    let directory = Arc::new(directory);
    let scouts = Scouts::new(&plan, registry.terms().await?);
    let (ledger, remote_write) = durable(&config, &directory, Arc::clone(&own)).await?;
    let (keeper, committer) = commit::to(remote_write.queues(), Arc::clone(&own));
    let tls = Arc::new(authority.server_config(&config.grpc_names)?);
    let (http, http_address) = bind(config.http_listen, "[http] listen").await?;
    let (grpc, grpc_address) = bind(config.grpc_listen, "[grpc] listen").await?;
    let calendars = Arc::new(config.calendars.clone());
    let throughput = plan.throughput;
    let plans = Plans::looking_at(config.reverse.clone(), plan, Arc::clone(&scouts));
    let comings = Comings::default();
    let watch = Watch::build(Setup {
        registry: registry.clone(),
        centres: directory.centres(),
        calendars: Arc::clone(&calendars),
        comings: comings.subscribe(),
        evidence: config.evidence_bounds(),
        readiness: readiness::Setup {
            data: config.data.clone(),
            registry: registry.clone(),
            plans: Arc::clone(&plans),
            latest: Arc::clone(&latest),
            agents: directory.agents(),
            witnesses: config.witnesses.clone(),
            metrics: own.readiness.clone(),
        },
        metrics: own.diagnosis.clone(),
    })
    .await?;
    let alerts = config.alertmanager.as_ref().map(|alertmanager| {
        let sources = Sources {
            open: watch.events.open(),
            centres: watch.centres.clone(),
            readiness: watch.events.readiness().verdicts(),
            registry: registry.clone(),
            now: || Timestamp::now().as_duration().as_secs_f64(),
        };
        Alerts::open(alertmanager, &config.data, sources, own.alerts.clone())
    });
    let alerts = alerts.transpose()?;
    let exposition = Exposition {
        latest: Arc::clone(&latest),
        centres: directory.centres(),
        asking: scouts.asking(),
        province: config.province.clone(),
        calendars: Arc::clone(&calendars),
        measurements: config.shows_measurements(),
        faults: watch.events.clone(),
    };
    let health = Health::new(exposition, Arc::clone(&own), registry.clone());
    let router = web::router(Web {
        latest: Arc::clone(&latest),
        centres: directory.centres(),
        devices: directory.devices(),
        asking: scouts.asking(),
        registry: registry.clone(),
        province: config.province,
        reverse: config.reverse,
        utc_offset: config.utc_offset,
        calendars,
        faults: watch.events.clone(),
        alerts: alerts.as_ref().map(Alerts::status),
        now: Timestamp::now,
    })
    .merge(health.router());
    Ok(App {
        registry,
        latest,
        own,
        directory,
        authority,
        certificate_lifetime: config.certificate_lifetime,
        tls,
        throughput,
        plans,
        scouts,
        backlog_rate: config.backlog_rate,
        comings,
        watch,
        alerts,
        ledger,
        keeper,
        committer,
        remote_write,
        router,
        http,
        grpc,
        http_address,
        grpc_address,
    })
}

/// What was taken of each agent, and what waits for each store: the two agree with each other when this
/// returns.
async fn durable(
    config: &Config,
    directory: &Directory,
    own: Arc<Own>,
) -> anyhow::Result<(Arc<Ledger>, RemoteWrite)> {
    let agents = directory.agents().borrow().clone();
    let (data, targets) = (config.data.clone(), config.remote_write.clone());
    let open = move || {
        let ledger = Ledger::open(&data)?;
        ledger.keep(&agents.values().map(|agent| agent.id.clone()).collect());
        let remote_write = RemoteWrite::open(&data, &targets, &own.remote_write)?;
        recover(&remote_write.queues(), &ledger)
            .context("what waits for the stores cannot be brought in order")?;
        Ok((Arc::new(ledger), remote_write))
    };
    tokio::task::spawn_blocking(open).await?
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

    /// What the diagnosis says, likewise.
    #[must_use]
    pub fn events(&self) -> Events {
        self.watch.events.clone()
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
        let note_soon = Arc::new(Notify::new());
        let mut noter = Noter::new(
            self.registry.clone(),
            Arc::clone(&self.latest),
            Arc::clone(&self.own),
            Arc::clone(&note_soon),
        );
        let mut settler = Settler::new(
            Arc::clone(&self.ledger),
            self.keeper.clone(),
            Arc::clone(&self.own),
        );
        // These end after the streams that give them work.
        let stop_writing = CancellationToken::new();
        let mut writers = JoinSet::new();
        writers.spawn(self.committer.run(stop_writing.clone()));
        writers.spawn(self.remote_write.run(stop_writing.clone()));
        let feed = self.watch.feed.clone();
        writers.spawn(self.watch.run(stop_writing.clone()));
        let mut tasks = JoinSet::new();
        if let Some(alerts) = self.alerts {
            tasks.spawn(until(&stop, alerts.run()));
        }
        let (found, finds) = mpsc::channel(found::WAITING);
        let identities: Arc<Identities> = Arc::default();
        let web = axum::serve(self.http, self.router)
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        tasks.spawn(async move { web.await.context("the page's server failed") });
        let grpc = serve_agents(
            listen::accept(self.grpc, self.tls, Arc::clone(&self.own)),
            Ingest::new(Parts {
                directory: Arc::clone(&self.directory),
                latest: Arc::clone(&self.latest),
                own: Arc::clone(&self.own),
                plans: Arc::clone(&self.plans),
                backlog_rate: self.backlog_rate,
                ledger: self.ledger,
                keeper: self.keeper,
                terms: Arc::clone(&self.scouts) as _,
                found,
                identities: Arc::clone(&identities),
                comings: self.comings.clone(),
                feed,
                note_soon: Arc::clone(&note_soon),
                stop: stop.clone(),
            }),
            enroller(
                self.registry.clone(),
                self.authority,
                self.certificate_lifetime,
                &self.own,
            ),
            Transfers::new(transfer::Parts {
                directory: Arc::clone(&self.directory),
                own: Arc::clone(&self.own),
                throughput: self.throughput,
                stop: stop.clone(),
            }),
            stop.clone(),
        );
        tasks.spawn(async move { grpc.await.context("the agents' server failed") });
        // What agents tell of devices that have none, beside the streams that bring it.
        let chooser = Chooser::new(
            Arc::clone(&self.scouts),
            Arc::clone(&self.plans),
            self.registry.clone(),
            &self.directory,
            Arc::clone(&self.own),
        );
        let finder = Finder {
            registry: self.registry.clone(),
            latest: Arc::clone(&self.latest),
            scouts: self.scouts,
            plans: Arc::clone(&self.plans),
            own: Arc::clone(&self.own),
        };
        let (registry, own) = (self.registry.clone(), Arc::clone(&self.own));
        let (directory, plans) = (self.directory, self.plans);
        tasks.spawn(until(&stop, async move { directory.follow().await }));
        tasks.spawn(until(&stop, async move { plans.tidy().await }));
        tasks.spawn(until(&stop, chooser.run()));
        tasks.spawn(until(&stop, finder.run(finds)));
        tasks.spawn(until(
            &stop,
            found::keep_inventory(registry, identities, own),
        ));
        // None of the tasks ends by itself: one that does ends the program, with its error.
        let failed = tokio::select! {
            () = shutdown => None,
            ended = tasks.join_next() => ended,
            () = noter.run() => None,
            () = settler.run() => None,
        };
        stop.cancel();
        let drain = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, drain).await.is_err() {
            warn!("Some connections did not end in time.");
        }
        stop_writing.cancel();
        let written = async { while writers.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, written).await.is_err() {
            warn!("What was taken in last could not be written in time; its agents have it.");
        }
        settler.settle().await;
        noter.finish().await;
        info!("Stopped.");
        match failed {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }
}

/// A task that ends when the program does.
fn until<F: Future + Send>(
    stop: &CancellationToken,
    task: F,
) -> impl Future<Output = anyhow::Result<()>> + use<F> {
    let stop = stop.clone();
    async move {
        stop.run_until_cancelled(task).await;
        Ok(())
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
    transfers: Transfers,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(4)
        .http2_max_header_list_size(16 << 10)
        .http2_keepalive_interval(Some(KEEP_ALIVE.0))
        .http2_keepalive_timeout(Some(KEEP_ALIVE.1))
        .add_service(SessionServer::new(ingest).max_decoding_message_size(MESSAGE_BYTES))
        .add_service(EnrolmentServer::new(enroller).max_decoding_message_size(MESSAGE_BYTES))
        .add_service(
            TransferServer::new(transfers).max_decoding_message_size(transfer::MESSAGE_BYTES),
        )
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), stop.cancelled_owned())
        .await
}
