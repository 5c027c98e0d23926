//! Everything on one machine: a collector with its own authority, and one real agent that enrols
//! over the network like any other and measures this machine and its links.
//!
//! Nothing of it is simulated and nothing is skipped: the agent gets a token, makes its key, and speaks
//! mutual TLS over loopback. A second start finds all of it in the data folder. Beside it, where that is asked for, a few
//! centres that do not exist speak to the same collector in the same way.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent::identity::{self, Identity, IdentityError};
use agent::tls::Address;
use anyhow::Context as _;
use collector::ca::Authority;
use collector::config::Config;
use collector::latest::DeviceKey;
use collector::registry::{Agent, Centre, Registry};
use collector::setup;
use collector::token::{self, Grant, USUAL_VALIDITY};
use jiff::Timestamp;
use proto::ids::CentreId;
use tokio_util::sync::CancellationToken;

use crate::first_values;
use crate::simulate::live::{self, Door, Live, Speed};
use crate::simulate::scenario::Scenario;

/// What is simulated beside this machine.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) scenario: Scenario,
    pub(crate) speed: Speed,
}

/// Runs until Ctrl-C.
pub(crate) async fn up(
    data: PathBuf,
    config: Option<PathBuf>,
    beside: Option<Beside>,
) -> anyhow::Result<()> {
    let agent_data = data.join("agent");
    agent::storage::make_folder(&agent_data)
        .with_context(|| format!("cannot make the folder {}", agent_data.display()))?;
    collector::listen::descriptors::raise();
    let config = collector_config(&data, config.as_deref())?;
    let authority = initialise(&config).await?;
    if let Some(beside) = &beside {
        let registry = Registry::open(&config.registry())?;
        live::import(&registry, &beside.scenario).await?;
    }
    let app = collector::app::build(config).await?;
    let (registry, latest) = (app.registry().clone(), app.latest());
    let (page, agents) = (app.http_address(), app.grpc_address());
    let stop_collector = CancellationToken::new();
    let mut collecting = tokio::spawn(app.run(stop_collector.clone().cancelled_owned()));

    // The port may be another one than at the last start.
    let collector: Address = format!("https://{}", reachable(agents)).parse()?;
    let identity = enrolled(&agent_data, &collector, &registry, &authority).await?;
    let stop_simulation = CancellationToken::new();
    let simulation = beside.map(|beside| Live {
        scenario: beside.scenario,
        speed: beside.speed,
        collector: collector.clone(),
        folder: data.join("simulated"),
        door: Door::Own {
            registry: registry.clone(),
            authority: authority.fingerprint(),
        },
    });
    let simulated = simulation
        .as_ref()
        .map_or(0, |simulation| simulation.scenario.centres);
    let mut simulating = tokio::spawn(simulate(simulation, stop_simulation.clone()));
    let config = agent::config::Config {
        data: agent_data,
        collector: Some(collector),
        ..agent::config::Config::default()
    };
    let agent = agent::app::App::build(config).await?;
    let status = agent.status();
    let stop_agent = CancellationToken::new();
    let mut measuring = tokio::spawn(agent.run(stop_agent.clone().cancelled_owned()));

    print(&format!(
        "Dawnwatch {} watches this machine.\n\n  page     http://{page}/\n  metrics  http://{page}/metrics\n  agents   https://{agents}\n  data     {}\n",
        proto::VERSION,
        data.display(),
    ));
    let device = DeviceKey {
        centre: identity.centre,
        device: identity.device,
    };
    if simulated > 0 {
        print(&format!(
            "{simulated} centres beside it are simulated. Something happens to them in the first minutes.\n"
        ));
    }
    let showing = async {
        print(&first_values::gather(&latest, &device, status).await);
        print("Ctrl-C stops it.");
        std::future::pending().await
    };
    // Whichever ends unasked says why, and takes the other with it.
    let mut ended = tokio::select! {
        () = agent::stop::requested() => Ok(()),
        () = showing => Ok(()),
        ended = &mut collecting => ended?,
        ended = &mut measuring => ended?,
        ended = &mut simulating => ended?,
    };
    // The agent says goodbye while there is still somebody to hear it.
    stop_agent.cancel();
    stop_simulation.cancel();
    if !simulating.is_finished() {
        ended = ended.and(simulating.await?);
    }
    if !measuring.is_finished() {
        ended = ended.and(measuring.await?);
    }
    stop_collector.cancel();
    if !collecting.is_finished() {
        ended = ended.and(collecting.await?);
    }
    ended
}

/// Tells what is simulated; without anything, or at its end, the rest goes on.
async fn simulate(simulation: Option<Live>, stop: CancellationToken) -> anyhow::Result<()> {
    if let Some(simulation) = simulation {
        let told = |news: &str| print(&format!("  simulated: {news}"));
        simulation.run(stop.clone(), told).await?;
    }
    stop.cancelled().await;
    Ok(())
}

/// Where the collector is for an agent beside it. One that listens on every address listens here too.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let here = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(here, bound.port())
}

fn collector_config(data: &Path, file: Option<&Path>) -> anyhow::Result<Config> {
    let mut config = Config::load(file)?;
    if file.is_none() {
        // Nobody else reports to this machine unless somebody says so, and no line is short of bytes.
        config.plan.report_interval = Duration::from_secs(5);
        config.grpc_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, config.grpc_listen.port()));
    }
    config.data = data.join("collector");
    // Its certificate has to name the address at which the agent finds it.
    let here = config.grpc_listen.ip();
    if !here.is_unspecified() {
        config.grpc_names.push(here.into());
    }
    Ok(config)
}

/// Makes what `dawnwatch-collector init` and `centre import` make, where it is missing.
async fn initialise(config: &Config) -> anyhow::Result<Authority> {
    let (authority, registry) = if setup::is_done(&config.data) {
        (
            Authority::load(&config.data)?,
            Registry::open(&config.registry())?,
        )
    } else {
        setup::init(&config.data).await?
    };
    if registry.centres().await?.is_empty() {
        registry.import_centres(vec![this_machine()?]).await?;
    }
    Ok(authority)
}

/// The centre this machine belongs to until somebody imports real ones.
fn this_machine() -> anyhow::Result<Centre> {
    Ok(Centre::named("here".parse()?, "This machine / Máy này"))
}

/// This machine's identity, got now if there is none that the collector still knows.
async fn enrolled(
    folder: &Path,
    collector: &Address,
    registry: &Registry,
    authority: &Authority,
) -> anyhow::Result<Identity> {
    match Identity::load(folder) {
        Ok(identity) if is_known(&identity, registry).await? => return Ok(identity),
        Ok(identity) => {
            print(&format!(
                "The collector does not know this machine as {} (any more): it enrols anew.",
                identity.device
            ));
            forget(folder)?;
        }
        Err(IdentityError::NotEnrolled { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let centre = first_centre(registry).await?;
    let expires_at = Timestamp::now() + USUAL_VALIDITY;
    let grant = Grant {
        centre,
        device: None,
        reusable: false,
        expires_at,
    };
    let token = token::create(registry, authority.fingerprint(), grant).await?;
    Ok(identity::enroll(folder, collector, &token, None).await?)
}

async fn is_known(identity: &Identity, registry: &Registry) -> anyhow::Result<bool> {
    let agents = registry.agents().await?;
    let known = |agent: &Agent| agent.id == identity.agent && agent.revoked_at.is_none();
    Ok(agents.iter().any(known))
}

/// Removes the identity, and the key with it: a key that was revoked stays so.
fn forget(folder: &Path) -> anyhow::Result<()> {
    for file in ["identity.json", "key.pem"] {
        let path = folder.join(file);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn first_centre(registry: &Registry) -> anyhow::Result<CentreId> {
    let centres = registry.centres().await?;
    centres
        .into_iter()
        .next()
        .map(|centre| centre.id)
        .context("the registry has no centre")
}

/// Results go to standard output. A reader who has gone away, as `head` does, is no error.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_finds_a_collector_wherever_it_listens() {
        let check = |bound: &str, expected: &str| {
            let bound = bound.parse().expect("an address");
            let url = format!("https://{}", reachable(bound));
            assert_eq!(url, expected);
            let parsed: Address = url.parse().expect("an agent takes it");
            assert_eq!(parsed.to_string(), expected);
        };
        check("0.0.0.0:9781", "https://127.0.0.1:9781");
        check("[::]:9781", "https://[::1]:9781");
        check("127.0.0.1:1", "https://127.0.0.1:1");
        check("10.0.0.5:9781", "https://10.0.0.5:9781");
    }
}
