//! A simulated province on the wire: the same world, told to a real collector over a connection for each agent.
//!
//! `driver` lets time pass and hands everybody what they have to tell, `session` is one agent's connection, `readings` what
//! it sends. *Speed* compresses the day: at 10, six simulated minutes pass in 36 seconds. Times on the wire are always the
//! wall clock's, so that a collector sees nothing but a province that lives fast; what it waits for in seconds (silence,
//! clean minutes) does not shrink with it. Deliberately absent: printers, which only the centre's scout may tell of, and
//! echoes from outside, which are the collector's side's.

mod driver;
mod readings;
mod session;

use std::path::PathBuf;

use agent::identity::{self, Identity, IdentityError};
use agent::tls::Address;
use anyhow::Context as _;
use collector::registry::{self, Registry};
use collector::token::{self, Grant, USUAL_VALIDITY};
use diagnosis::calendar::Hours;
use jiff::Timestamp;
use proto::token::{Fingerprint, Token};

use super::parameters::range;
use super::scenario::Scenario;
use super::world::Site;

pub(crate) use self::driver::{Live, Speed};

/// Who lets the simulated machines in.
pub(crate) enum Door {
    /// A token for each centre, which all its machines may use.
    Tokens(Vec<Token>),
    /// The collector of this very program.
    Own {
        registry: Registry,
        authority: Fingerprint,
    },
}

/// A province to be seen: something happens within the first minutes, and centres are always open.
pub(crate) fn to_be_seen(seed: u64, centres: u32) -> Scenario {
    let usual = Scenario::default();
    let mut parameters = usual.parameters.clone();
    parameters.agents = range(3.0, 8.0);
    // Each round is told by itself: nobody wants to wait for a minute to be over.
    (parameters.round, parameters.rounds) = (15.0, 1);
    parameters.reconnect = range(5.0, 20.0);
    let mut weather = usual.weather.clone();
    // The hours of the simulation are not those of whoever looks at it.
    weather.mains_off = 0.0;
    Scenario {
        seed,
        centres,
        days: 14,
        faults: 15.0,
        parameters,
        weather,
        ..usual
    }
}

/// Makes the centres known to the registry of this machine.
pub(crate) async fn import(registry: &Registry, scenario: &Scenario) -> anyhow::Result<()> {
    let world = super::world::World::new(scenario);
    let always = Hours::parse("00:00-24:00", "mon-sun").context("there is no such time")?;
    let centre = |site: Site| -> anyhow::Result<registry::Centre> {
        Ok(registry::Centre {
            area: Some(site.area),
            isp: Some(site.isp),
            latitude: Some(site.latitude),
            longitude: Some(site.longitude),
            hours: Some(always.clone()),
            notes: Some("simulated".to_owned()),
            ..registry::Centre::named(site.id.parse()?, &site.name)
        })
    };
    let centres = world.sites().into_iter().map(centre);
    registry
        .import_centres(centres.collect::<anyhow::Result<_>>()?)
        .await?;
    Ok(())
}

impl Door {
    /// Who a machine is to the collector: enrolled now unless it was before.
    async fn enrolled(
        &self,
        collector: &Address,
        folder: &PathBuf,
        number: usize,
        centre: &str,
        machine: &str,
    ) -> anyhow::Result<Identity> {
        match Identity::load(folder) {
            Ok(identity) if self.knows(&identity).await? => return Ok(identity),
            Ok(_) => std::fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?,
            Err(IdentityError::NotEnrolled { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        agent::storage::make_folder(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let token = match self {
            Self::Tokens(tokens) => tokens
                .get(number)
                .cloned()
                .context("there are fewer tokens than centres")?,
            Self::Own {
                registry,
                authority,
            } => {
                let grant = Grant {
                    centre: centre.parse()?,
                    device: Some(machine.parse()?),
                    reusable: false,
                    expires_at: Timestamp::now() + USUAL_VALIDITY,
                };
                token::create(registry, *authority, grant).await?
            }
        };
        Ok(identity::enroll(folder, collector, &token, None).await?)
    }

    async fn knows(&self, identity: &Identity) -> anyhow::Result<bool> {
        match self {
            Self::Tokens(_) => Ok(true),
            Self::Own { registry, .. } => {
                let agents = registry.agents().await?;
                Ok(agents
                    .iter()
                    .any(|known| known.id == identity.agent && known.revoked_at.is_none()))
            }
        }
    }
}
