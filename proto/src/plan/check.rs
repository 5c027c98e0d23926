//! What a plan may ask for: every bound, checked by whoever receives it.

use std::time::Duration;

use super::{Plan, Service, Throughput};
use crate::limits::{
    ECHOES, INTERVAL, LABEL_BYTES, NETWORKS_PER_PLAN, RESOLVERS_PER_PLAN, SERVICES_PER_PLAN,
    TARGETS_PER_PLAN, THROUGHPUT_BYTES, THROUGHPUT_INTERVAL, THROUGHPUT_SHARE, URL_BYTES,
};

/// Why a plan is refused, whole: half a plan would measure something nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InvalidPlan {
    #[error("interval of {interval:?} is outside {:?} to {:?}", INTERVAL.start(), INTERVAL.end())]
    Interval { interval: Duration },
    #[error("{count} {what}, at most {most} are allowed")]
    TooMany {
        what: &'static str,
        count: usize,
        most: usize,
    },
    #[error(
        "{what} {name:?} needs a name, and an address of at most {LABEL_BYTES} bytes, without control characters"
    )]
    Text { what: &'static str, name: String },
    #[error("two {what} are named {name:?}")]
    Duplicate { what: &'static str, name: String },
    #[error("target {name:?} is in a segment this agent does not know: update the agent")]
    UnknownSegment { name: String },
    #[error(
        "service {name:?} needs a URL that begins with https://, http://, tls:// or tcp://, and expects at most {URL_BYTES} bytes"
    )]
    Url { name: String },
    #[error("resolver {name:?} needs an IP address")]
    ResolverAddress { name: String },
    #[error("{name:?} is reached through the network {network:?}, which is not in the plan")]
    UnknownNetwork { name: String, network: String },
    #[error("{echoes} echoes a round are outside {} to {}", ECHOES.start(), ECHOES.end())]
    Echoes { echoes: u32 },
    #[error(
        "throughput of {bytes} bytes each {interval:?} is outside {} to {} bytes and {:?} to {:?}, or more than {THROUGHPUT_SHARE} bytes a second",
        THROUGHPUT_BYTES.start(), THROUGHPUT_BYTES.end(), THROUGHPUT_INTERVAL.start(), THROUGHPUT_INTERVAL.end()
    )]
    Throughput { interval: Duration, bytes: u32 },
}

impl Plan {
    /// Checks every bound. Whoever makes a `Plan` by hand calls this before using it.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn validate(&self) -> Result<(), InvalidPlan> {
        for interval in [
            self.host_interval,
            self.link_interval,
            self.report_interval,
            self.service_interval,
            self.path_interval,
        ] {
            if !INTERVAL.contains(&interval) {
                return Err(InvalidPlan::Interval { interval });
            }
        }
        if !ECHOES.contains(&self.link_echoes) {
            let echoes = self.link_echoes;
            return Err(InvalidPlan::Echoes { echoes });
        }
        let targets = self.targets.iter().map(|one| one.name.as_str());
        named("targets", TARGETS_PER_PLAN, targets)?;
        let services = self.services.iter().map(|one| one.name.as_str());
        named("services", SERVICES_PER_PLAN, services)?;
        let resolvers = self.resolvers.iter().map(|one| one.name.as_str());
        named("resolvers", RESOLVERS_PER_PLAN, resolvers)?;
        let networks = self.networks.iter().map(|one| one.name.as_str());
        named("networks", NETWORKS_PER_PLAN, networks)?;
        self.places()?;
        self.routes()?;
        match self.throughput {
            Some(Throughput { interval, bytes })
                if !(Throughput { interval, bytes }).is_bounded() =>
            {
                Err(InvalidPlan::Throughput { interval, bytes })
            }
            _ => Ok(()),
        }
    }

    /// Whether addresses and URLs look like such.
    fn places(&self) -> Result<(), InvalidPlan> {
        let targets = self
            .targets
            .iter()
            .map(|one| (one.name.as_str(), one.address.as_str()));
        let networks = self
            .networks
            .iter()
            .map(|one| (one.name.as_str(), one.interface.as_str()));
        for (what, (name, place)) in targets
            .map(|one| ("target", one))
            .chain(networks.map(|one| ("network", one)))
        {
            if !is_label(place) {
                return Err(InvalidPlan::Text {
                    what,
                    name: shown(name),
                });
            }
        }
        for Service {
            name, url, expect, ..
        } in &self.services
        {
            let has_scheme = Service::SCHEMES
                .iter()
                .any(|scheme| url.starts_with(scheme));
            let expects = expect.as_deref().unwrap_or_default();
            if !has_scheme || !is_text(url, URL_BYTES) || expects.len() > URL_BYTES {
                return Err(InvalidPlan::Url { name: shown(name) });
            }
        }
        Ok(())
    }

    /// Whether every network that is used is in the plan.
    fn routes(&self) -> Result<(), InvalidPlan> {
        let targets = self.targets.iter().map(|one| (&one.name, &one.network));
        let services = self.services.iter().map(|one| (&one.name, &one.network));
        let resolvers = self.resolvers.iter().map(|one| (&one.name, &one.network));
        for (name, network) in targets.chain(services).chain(resolvers) {
            let Some(network) = network else { continue };
            if !self.networks.iter().any(|known| known.name == *network) {
                return Err(InvalidPlan::UnknownNetwork {
                    name: shown(name),
                    network: shown(network),
                });
            }
        }
        Ok(())
    }
}

impl Throughput {
    /// Whether it stays within what a line may be asked to carry.
    fn is_bounded(self) -> bool {
        THROUGHPUT_BYTES.contains(&self.bytes)
            && THROUGHPUT_INTERVAL.contains(&self.interval)
            && self.is_small_share()
    }

    /// Whether it takes little of a line in the long run: [`THROUGHPUT_SHARE`].
    #[must_use]
    pub fn is_small_share(self) -> bool {
        let most = u64::from(THROUGHPUT_SHARE) * self.interval.as_secs();
        u64::from(self.bytes) <= most
    }
}

/// Checks how many there are, and that each has a name of its own.
fn named<'n>(
    what: &'static str,
    most: usize,
    names: impl ExactSizeIterator<Item = &'n str>,
) -> Result<(), InvalidPlan> {
    let count = names.len();
    if count > most {
        return Err(InvalidPlan::TooMany { what, count, most });
    }
    let mut seen = Vec::with_capacity(count);
    for name in names {
        if !is_label(name) {
            return Err(InvalidPlan::Text {
                what,
                name: shown(name),
            });
        }
        if seen.contains(&name) {
            return Err(InvalidPlan::Duplicate {
                what,
                name: shown(name),
            });
        }
        seen.push(name);
    }
    Ok(())
}

pub(super) fn shown(name: &str) -> String {
    name.chars().take(LABEL_BYTES).collect()
}

/// Whether a text can be a name or the value of a label: there, short, and without control characters.
#[must_use]
pub fn is_label(text: &str) -> bool {
    is_text(text, LABEL_BYTES)
}

fn is_text(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control)
}
