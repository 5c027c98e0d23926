//! `agent list`, `agent revoke`.

use clap::Subcommand;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::registry::Agent;
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::ids::AgentId;

use super::{output, registry};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the agents, revoked ones too
    List,
    /// Shut an agent out for good, at once
    ///
    /// Its certificate and its key are refused from now on, and its stream ends. The machine can come
    /// back with a new key and a new token.
    Revoke {
        /// As `agent list` shows it
        #[arg(value_name = "ID")]
        agent: AgentId,
    },
}

impl Command {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let registry = registry(config)?;
        match self {
            Self::List => output::print(&list(&registry.agents().await?, config.utc_offset)),
            Self::Revoke { agent } => {
                let revoked = registry.revoke(agent, Timestamp::now()).await?;
                let (centre, device) = (&revoked.centre, &revoked.device);
                let at = output::time(revoked.revoked_at, config.utc_offset);
                output::print(&format!("{} ({centre} {device}) revoked {at}", revoked.id))
            }
        }
    }
}

fn list(agents: &[Agent], offset: Offset) -> String {
    let row = |agent: &Agent| {
        let state = match agent.revoked_at {
            Some(_) => "revoked",
            None => "enrolled",
        };
        [
            agent.id.to_string(),
            agent.centre.to_string(),
            agent.device.to_string(),
            agent.kind.clone(),
            state.to_owned(),
            agent.version.clone(),
            output::time(agent.last_seen, offset),
            output::time(Some(agent.certificate_until), offset),
        ]
    };
    let header = [
        "ID",
        "CENTRE",
        "DEVICE",
        "KIND",
        "STATE",
        "VERSION",
        "LAST SEEN",
        "CERTIFICATE UNTIL",
    ];
    output::table(header, agents.iter().map(row).collect())
}
