//! The commands, one file each. Results go to stdout, everything else to stderr.

mod agent;
mod centre;
mod credential;
mod device;
mod evidence;
mod output;
mod serve;
mod token;

use clap::Subcommand;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::registry::Registry;
use dawnwatch_collector::setup;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Receive agents, serve the page and /metrics
    Serve,
    /// Make the data folder: the authority that agents trust, and the registry
    Init,
    /// Make, list and revoke tokens that let machines enrol
    #[command(subcommand)]
    Token(token::Command),
    /// Import and list service centres
    #[command(subcommand)]
    Centre(centre::Command),
    /// List and revoke agents
    #[command(subcommand)]
    Agent(agent::Command),
    /// Add, approve and list printers, routers and the like
    #[command(subcommand)]
    Device(device::Command),
    /// Set and list what lets agents ask devices
    #[command(subcommand)]
    Credential(credential::Command),
    /// Print what the diagnosis was told, as JSON lines that `dawnwatch diagnose` replays
    ExportEvidence(evidence::Arguments),
}

impl Command {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        match self {
            Self::Serve => serve::run(config).await,
            Self::Init => init(&config).await,
            Self::Token(command) => command.run(&config).await,
            Self::Centre(command) => command.run(&config).await,
            Self::Agent(command) => command.run(&config).await,
            Self::Device(command) => command.run(&config).await,
            Self::Credential(command) => command.run(&config).await,
            Self::ExportEvidence(arguments) => arguments.run(&config),
        }
    }
}

async fn init(config: &Config) -> anyhow::Result<()> {
    let (authority, _) = setup::init(&config.data).await?;
    let folder = config.data.display();
    let fingerprint = authority.fingerprint();
    output::print(&format!(
        "Made {folder}. Back it up whole: without it every machine has to enrol again.\n\
         Fingerprint of the authority: {fingerprint}\n\
         Next: dawnwatch-collector centre import FILE.csv"
    ))
}

fn registry(config: &Config) -> anyhow::Result<Registry> {
    Ok(Registry::open(&config.registry())?)
}
