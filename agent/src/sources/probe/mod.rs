//! Links, measured from here.

mod binding;
pub(crate) mod dns;
mod due;
mod echo;
mod filter;
mod histogram;
pub mod icmp;
pub(crate) mod lookup;
pub(crate) mod mtu;
mod names;
mod outcomes;
mod pace;
pub(crate) mod packets;
pub(crate) mod path;
mod ping;
mod quiet;
#[cfg(all(test, target_os = "linux"))]
pub(crate) mod road;
pub(crate) mod round;
pub(crate) mod service;
mod slow;
mod statistics;
mod surroundings;
mod targets;
mod throughput;

pub use self::icmp::Asked;
use self::quiet::Quiet;
use super::{Context, Source};

/// Every probe.
#[must_use]
pub fn all(context: &Context) -> Vec<Box<dyn Source>> {
    let quiet = Quiet::default();
    let mut probes = with(context, &quiet);
    if let Some(access) = &context.access {
        let transfers = throughput::Transfers::new(context.clone(), access.clone(), quiet);
        probes.push(Box::new(transfers));
    }
    probes
}

/// Every probe but transfers, which silence the others.
fn with(context: &Context, quiet: &Quiet) -> Vec<Box<dyn Source>> {
    vec![
        quiet.silences(icmp::Icmp::new(context.clone())),
        quiet.silences(path::Path::new(context.clone())),
        // Takes turns with transfers.
        Box::new(mtu::Mtu::new(context.clone())),
        quiet.silences(dns::Dns::new(context.clone())),
        quiet.silences(service::Services::new(context.clone())),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use proto::plan::{Plan, Service};
    use tokio::sync::watch;

    use super::super::Readings;
    use super::*;

    #[tokio::test]
    async fn a_transfer_silences_what_it_would_disturb() {
        let nobody = Service {
            name: "nobody".to_owned(),
            url: "tcp://127.0.0.1:9".to_owned(),
            expect: None,
            network: None,
        };
        let (_plans, plan) = watch::channel(Plan {
            services: vec![nobody],
            ..Plan::default()
        });
        let quiet = Quiet::default();
        let sources = with(&Context::new(plan, None, BTreeMap::new()), &quiet);
        let _silence = quiet.begin().await;
        for mut source in sources {
            if source.name() != "mtu" {
                let mut readings = Readings::default();
                source.sample(&mut readings).await.unwrap();
                assert_eq!(readings.taken, [], "{}", source.name());
                assert_eq!(readings.limitations, [], "{}", source.name());
            }
        }
    }
}
