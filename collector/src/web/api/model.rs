//! What the API answers with: the stable shapes, and how they follow from the view.

use diagnosis::record::Hello;
use jiff::Timestamp;
use proto::ids::{AgentId, CentreId, DeviceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::comings;
use crate::latest::Presence;
use crate::registry::Asked;
use crate::web::view::{AskedNow, CentreNow, Counts, DeviceNow, Link, Resolver, Service, Value};

use super::asked::{FoundDeviceBody, IdentityBody, Interfaces, SaidBody};
use super::path::{FoundBody, ResolverBody, RouteBody, ServiceBody};

/// A service centre.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CentreBody {
    #[schema(value_type = String, example = "cong-son")]
    pub(super) id: CentreId,
    name: String,
    /// A free grouping, such as the former district.
    area: Option<String>,
    /// Who runs the line.
    isp: Option<String>,
    /// Degrees, north positive.
    latitude: Option<f64>,
    /// Degrees, east positive.
    longitude: Option<f64>,
    /// Opening hours in local time.
    #[schema(example = "07:30-11:30 13:30-17:00")]
    hours: Option<String>,
    /// Opening days.
    #[schema(example = "mon-fri")]
    days: Option<String>,
    notes: Option<String>,
    /// Whether the centre is open now; null when its hours are not known.
    open: Option<bool>,
    /// Its agents by presence.
    agents: AgentCounts,
}

/// Agents of a centre by presence.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentCounts {
    /// Report.
    live: usize,
    /// Stopped reporting without a word.
    silent: usize,
    /// Said that they would be silent.
    goodbye: usize,
    /// Never heard since enrolment.
    never: usize,
}

/// A centre and its devices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CentreWithDevices {
    #[serde(flatten)]
    pub(super) centre: CentreBody,
    /// The links of its devices, those to the same target as one: times and loss are the middle ones.
    pub(super) path: Vec<LinkBody>,
    /// How its devices find the services they use.
    pub(super) services: Vec<FoundBody>,
    /// How its devices find those they ask for names; `system` is the machines' own resolution.
    pub(super) resolvers: Vec<FoundBody>,
    /// Those with an agent, then those without one.
    pub(super) devices: Vec<DeviceBody>,
    /// The machine that asks those without an agent; null when none does.
    #[schema(value_type = Option<String>)]
    pub(super) scout: Option<DeviceId>,
    /// What was found and waits for somebody to approve or ignore it.
    pub(super) found_devices: Vec<FoundDeviceBody>,
}

/// A device: a machine that has an agent, or one that is asked by the agent of another.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceBody {
    #[schema(value_type = String, example = "cong-son")]
    centre: CentreId,
    /// Unique within its centre.
    #[schema(value_type = String, example = "pc-03")]
    device: DeviceId,
    /// `pc`, `printer`, `router`, `switch`, `ups`, `access-point`, `other`.
    kind: String,
    /// The enrolment; what `agent revoke` takes. Null of a device that has no agent, as are `version`, `os`
    /// and `arch`.
    #[schema(value_type = Option<String>)]
    agent: Option<AgentId>,
    presence: PresenceBody,
    /// Why its agent announced its silence: `shutdown`, `sleep` or `stop`. Null unless it did.
    #[schema(value_type = Option<String>)]
    goodbye: Option<&'static str>,
    /// How its agent last came to be there, since the collector was started: `clean_boot`, `power_loss_boot`,
    /// `wake` or `restart`. Null where that is not known.
    #[schema(value_type = Option<String>)]
    came: Option<Hello>,
    /// When that was: of a boot, its beginning.
    #[schema(value_type = Option<String>, format = DateTime)]
    came_at: Option<Timestamp>,
    /// Whether it is known to be on: a device without an agent when it answered last, by any protocol; null
    /// when nobody asks it.
    up: Option<bool>,
    /// When the collector last received measurements.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_report: Option<Timestamp>,
    /// Of the agent.
    version: Option<String>,
    os: Option<String>,
    arch: Option<String>,
    #[serde(flatten)]
    identity: IdentityBody,
    #[serde(flatten)]
    said: SaidBody,
    /// The agent's clock less the collector's; null unless live.
    clock_offset_seconds: Option<f64>,
    /// What it measures of its paths, nearest segment first; empty unless live.
    links: Vec<LinkBody>,
    /// The ways to the targets that are traced, router by router; empty unless live, as are the next.
    path: Vec<RouteBody>,
    services: Vec<ServiceBody>,
    resolvers: Vec<ResolverBody>,
    /// Every live value, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    values: Option<Vec<ValueBody>>,
}

/// Whether an agent is there, and if not, why that may be; of a device without an agent, whether it is asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PresenceBody {
    /// Reports, or is asked.
    Live,
    /// Stopped reporting without a word, or is asked no more.
    Silent,
    /// Said that it would be silent.
    Goodbye,
    /// Never heard since enrolment, or approval.
    Never,
}

impl From<Presence> for PresenceBody {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Live => Self::Live,
            Presence::Silent => Self::Silent,
            Presence::Goodbye => Self::Goodbye,
            Presence::Never => Self::Never,
        }
    }
}

/// One path that a device measures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkBody {
    /// The stretch of the path that the target is behind.
    #[schema(example = "gateway")]
    segment: String,
    target: String,
    address: Option<String>,
    /// `icmp_datagram`, `icmp_raw` or `tcp_connect`.
    method: Option<String>,
    /// Of the last round, as are the next three; null when nothing was answered.
    rtt_min_seconds: Option<f64>,
    rtt_median_seconds: Option<f64>,
    rtt_max_seconds: Option<f64>,
    jitter_seconds: Option<f64>,
    /// 95th percentile less median of the last 100 round trips.
    rtt_spread_seconds: Option<f64>,
    /// Answers that came twice to echoes of bursts since the agent started.
    duplicates_total: Option<f64>,
    /// Answers that came after that of a later echo since the agent started.
    reordered_total: Option<f64>,
    /// Of the last round: few packets, so judge by the next.
    loss_ratio: Option<f64>,
    /// Mean of the last 15 minutes; null when the target has never answered.
    recent_loss_ratio: Option<f64>,
}

/// One live value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ValueBody {
    /// As in `/metrics`.
    metric: String,
    /// Without `centre`, `device` and `kind`.
    labels: Labels,
    value: f64,
    /// When it was measured, by the collector's clock.
    #[schema(value_type = Option<String>, format = DateTime)]
    time: Option<Timestamp>,
}

/// Label names and values.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = std::collections::BTreeMap<String, String>)]
struct Labels(std::collections::BTreeMap<&'static str, String>);

/// The devices of a centre that have no agent.
#[derive(Debug)]
pub(super) struct Things {
    pub(super) asked: Vec<AskedNow>,
    pub(super) scout: Option<DeviceId>,
    pub(super) waiting: Vec<Asked>,
}

impl CentreBody {
    pub(super) fn of(now: CentreNow) -> Self {
        let centre = now.centre;
        let Counts {
            live,
            silent,
            goodbye,
            never,
        } = now.counts;
        Self {
            id: centre.id,
            name: centre.name,
            area: centre.area,
            isp: centre.isp,
            latitude: centre.latitude,
            longitude: centre.longitude,
            hours: centre.hours.as_ref().map(|hours| hours.hours()),
            days: centre.hours.as_ref().map(|hours| hours.days()),
            notes: centre.notes,
            open: now.open,
            agents: AgentCounts {
                live,
                silent,
                goodbye,
                never,
            },
        }
    }
}

impl DeviceBody {
    pub(super) fn of(now: &DeviceNow, with_values: bool) -> Self {
        let values = || now.values.iter().map(ValueBody::of).collect();
        Self {
            centre: now.key.centre.clone(),
            device: now.key.device.clone(),
            kind: now.enrolled.kind.clone(),
            agent: Some(now.enrolled.agent.clone()),
            presence: now.presence.into(),
            goodbye: now.goodbye.map(comings::word),
            came: now.came.map(|(how, _)| how),
            came_at: now.came.map(|(_, at)| at),
            up: Some(now.presence == Presence::Live),
            last_report: now.last_report,
            version: Some(now.enrolled.version.clone()),
            os: Some(now.enrolled.os.clone()),
            arch: Some(now.enrolled.arch.clone()),
            identity: IdentityBody::default(),
            said: SaidBody::default(),
            clock_offset_seconds: now.clock_offset,
            links: now.links.iter().map(LinkBody::of).collect(),
            path: now.routes.iter().map(RouteBody::of).collect(),
            services: now.services.iter().map(ServiceBody::of).collect(),
            resolvers: now.resolvers.iter().map(ResolverBody::of).collect(),
            values: with_values.then(values),
        }
    }

    /// Where it stands among all.
    pub(super) fn place(&self) -> (&CentreId, &DeviceId) {
        (&self.centre, &self.device)
    }

    /// Of one without an agent; its interfaces are many.
    pub(super) fn of_asked(now: &AskedNow, with_values: bool, interfaces: Interfaces) -> Self {
        let values = || now.values.iter().map(ValueBody::of).collect();
        Self {
            centre: now.known.centre.clone(),
            device: now.known.device.clone(),
            kind: now.kind().as_str().to_owned(),
            agent: None,
            presence: now.presence.into(),
            goodbye: None,
            came: None,
            came_at: None,
            up: now.is_up,
            last_report: now.last_report,
            version: None,
            os: None,
            arch: None,
            identity: IdentityBody::of(now),
            said: SaidBody::of(&now.said, interfaces),
            clock_offset_seconds: None,
            links: Vec::new(),
            path: Vec::new(),
            services: Vec::new(),
            resolvers: Vec::new(),
            values: with_values.then(values),
        }
    }
}

impl CentreWithDevices {
    pub(super) fn of(centre: CentreNow, devices: &[DeviceNow], things: &Things) -> Self {
        let links = Link::middle(devices.iter().flat_map(|device| &device.links));
        let services = Service::middle(devices.iter().flat_map(|device| &device.services));
        let resolvers = Resolver::middle(devices.iter().flat_map(|device| &device.resolvers));
        let device = |device: &DeviceNow| DeviceBody::of(device, false);
        let asked = things.asked.iter();
        let asked = asked.map(|asked| DeviceBody::of_asked(asked, false, Interfaces::LeftOut));
        Self {
            centre: CentreBody::of(centre),
            path: links.iter().map(LinkBody::of).collect(),
            services: services.iter().map(FoundBody::of_service).collect(),
            resolvers: resolvers.iter().map(FoundBody::of_resolver).collect(),
            devices: devices.iter().map(device).chain(asked).collect(),
            scout: things.scout.clone(),
            found_devices: things.waiting.iter().map(FoundDeviceBody::of).collect(),
        }
    }
}

impl LinkBody {
    fn of(link: &Link) -> Self {
        let known = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self {
            segment: link.segment.clone(),
            target: link.target.clone(),
            address: known(&link.address),
            method: known(&link.method),
            rtt_min_seconds: link.rtt_min,
            rtt_median_seconds: link.rtt_median,
            rtt_max_seconds: link.rtt_max,
            jitter_seconds: link.jitter,
            rtt_spread_seconds: link.spread,
            duplicates_total: link.duplicates,
            reordered_total: link.reordered,
            loss_ratio: link.loss,
            recent_loss_ratio: link.recent_loss,
        }
    }
}

impl ValueBody {
    fn of(value: &Value) -> Self {
        let series = &value.series;
        Self {
            metric: format!("{}{}", series.metric.name, series.part.suffix()),
            labels: Labels(series.labels.iter().cloned().collect()),
            value: value.value,
            time: Timestamp::from_millisecond(value.time_unix_ms).ok(),
        }
    }
}
