//! What the API says of ways, services and resolvers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::format::timestamp_of;
use crate::web::view::{Outcomes, PHASES, Resolver, Route, Service};

/// The way to one target.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RouteBody {
    target: String,
    /// Those that answer, the nearest first.
    hops: Vec<HopBody>,
    /// Hops up to the target, itself included; null when the last discovery did not arrive.
    hops_total: Option<f64>,
    /// How often the way was another one than before since the agent started.
    changes_total: Option<f64>,
    /// Largest packet that arrives, IP header included.
    mtu_bytes: Option<f64>,
    /// Whether larger packets vanish and no router says so.
    mtu_blackhole: bool,
}

/// A router on the way.
#[derive(Debug, Serialize, ToSchema)]
struct HopBody {
    /// The gateway is 1.
    hop: u8,
    address: String,
    /// Shortest round trip when the way was last discovered.
    rtt_seconds: Option<f64>,
}

/// A service as one device finds it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceBody {
    service: String,
    /// How the last attempt ended: `answered`, `timeout`, … as in `/metrics`.
    #[schema(example = "answered")]
    outcome: Option<String>,
    /// Seconds by phase: `dns`, `connect`, `tls`, `first_byte`, `transfer`; those it finished.
    #[schema(value_type = BTreeMap<String, f64>)]
    phases: BTreeMap<&'static str, f64>,
    http_status_code: Option<f64>,
    /// When the certificate of the service expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    tls_expiry: Option<Timestamp>,
}

/// A resolver as one device finds it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResolverBody {
    /// `system` is the machine's own resolution.
    resolver: String,
    /// How the last questions ended: `answered`, `timeout`, … as in `/metrics`.
    outcome: Option<String>,
    /// The slowest of the last answers.
    duration_seconds: Option<f64>,
}

/// A service or resolver as the devices of a centre find it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundBody {
    name: String,
    /// Devices that tried.
    devices: usize,
    /// Devices by how that ended.
    #[schema(value_type = BTreeMap<String, usize>)]
    outcomes: BTreeMap<String, usize>,
    /// The middle one of the devices' times: of all phases together, or of an answer.
    duration_seconds: Option<f64>,
}

impl RouteBody {
    pub(super) fn of(route: &Route) -> Self {
        let hops = route.hops.iter().map(|hop| HopBody {
            hop: hop.number,
            address: hop.address.clone(),
            rtt_seconds: hop.rtt,
        });
        Self {
            target: route.target.clone(),
            hops: hops.collect(),
            hops_total: route.length,
            changes_total: route.changes,
            mtu_bytes: route.mtu,
            mtu_blackhole: route.black_hole,
        }
    }
}

impl ServiceBody {
    pub(super) fn of(service: &Service) -> Self {
        let phases = PHASES.into_iter().zip(service.phases);
        Self {
            service: service.name.clone(),
            outcome: only(&service.outcomes),
            phases: phases
                .filter_map(|(name, phase)| Some((name, phase?)))
                .collect(),
            http_status_code: service.status,
            tls_expiry: service.expires.and_then(timestamp_of),
        }
    }
}

impl ResolverBody {
    pub(super) fn of(resolver: &Resolver) -> Self {
        Self {
            resolver: resolver.name.clone(),
            outcome: only(&resolver.outcomes),
            duration_seconds: resolver.took,
        }
    }
}

/// The outcome for one device.
fn only(outcomes: &Outcomes) -> Option<String> {
    outcomes.all().next().map(|(word, _)| word.to_owned())
}

impl FoundBody {
    pub(super) fn of_service(service: &Service) -> Self {
        Self::of(&service.name, &service.outcomes, service.took())
    }

    pub(super) fn of_resolver(resolver: &Resolver) -> Self {
        Self::of(&resolver.name, &resolver.outcomes, resolver.took)
    }

    fn of(name: &str, outcomes: &Outcomes, took: Option<f64>) -> Self {
        let by_word = outcomes.all().map(|(word, count)| (word.to_owned(), count));
        Self {
            name: name.to_owned(),
            devices: outcomes.devices(),
            outcomes: by_word.collect(),
            duration_seconds: took,
        }
    }
}
