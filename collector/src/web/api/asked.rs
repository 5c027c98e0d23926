//! What the API says of printers, routers, switches and UPS, in the shapes of `dawnwatch-agent ask --json`:
//! what a device does not say is left out.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::registry::{Asked, Event};
use crate::web::format::timestamp_of;
use crate::web::view::{AskedNow, Interface, Level, Poll, Said, Supply, Ups};

/// Whether the network interfaces of a device are told: a switch has dozens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interfaces {
    All,
    LeftOut,
}

/// What a device is; left out where it is not known, and of machines that have an agent.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct IdentityBody {
    /// Where it is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false)]
    address: Option<IpAddr>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    firmware: Option<String>,
}

/// What a device without an agent said when it was asked last; left out where it does not say, or did not
/// answer.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct SaidBody {
    /// How asking it went, by protocol: `answered`, `timeout`, … as in `/metrics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    poll_outcomes: Option<BTreeMap<String, String>>,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, nullable = false)]
    started: Option<Timestamp>,
    /// What a printer does: `idle`, `printing`, `warmup`, `standby`, `stopped`, `other`, `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<String>,
    /// What is the matter with a printer: `jam`, `cover_open`, … as in `/metrics`; empty when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conditions: Option<Vec<String>>,
    /// Made since the printer was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pages_total: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    queued_jobs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    supplies: Option<Vec<SupplyBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trays: Option<Vec<TrayBody>>,
    /// Of one device alone, `/api/v1/devices/{centre}/{device}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    interfaces: Option<Vec<InterfaceBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cpu_usage_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    memory_size_bytes: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    memory_available_bytes: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ups: Option<UpsBody>,
    /// By reading, the protocol that told it: `snmp`, `ipp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    origins: Option<BTreeMap<String, String>>,
}

/// What a printer uses up, or a receptacle that fills.
#[derive(Debug, Serialize, ToSchema)]
struct SupplyBody {
    /// As the printer calls it.
    description: String,
    /// As the Printer MIB has it: `toner`, `opc`, `wasteToner`.
    r#type: String,
    /// `black`, `cyan`; empty for none.
    colour: String,
    /// Whether it fills up: the ratio is the space that is left.
    receptacle: bool,
    /// How much is left; null where that is no number.
    ratio: Option<f64>,
    /// `measured`, `some_remaining`, `unknown`, `unlimited`.
    state: String,
}

/// Where a printer takes paper from.
#[derive(Debug, Serialize, ToSchema)]
struct TrayBody {
    name: String,
    /// How full it is; null where that is no number.
    ratio: Option<f64>,
    /// `measured`, `some_remaining`, `unknown`, `unlimited`.
    state: String,
}

/// A network interface; null where the device does not say.
#[derive(Debug, Serialize, ToSchema)]
struct InterfaceBody {
    name: String,
    up: Option<bool>,
    /// Whether it is switched on by the settings.
    enabled: Option<bool>,
    full_duplex: Option<bool>,
    speed_bits_per_second: Option<f64>,
    receive_bytes_total: Option<f64>,
    transmit_bytes_total: Option<f64>,
    receive_errors_total: Option<f64>,
    transmit_errors_total: Option<f64>,
    receive_drops_total: Option<f64>,
    transmit_drops_total: Option<f64>,
    /// Whether the line is behind it.
    wan: bool,
    /// What goes through the line, as are the next three.
    receive_bits_per_second: Option<f64>,
    transmit_bits_per_second: Option<f64>,
    receive_usage_ratio: Option<f64>,
    transmit_usage_ratio: Option<f64>,
}

/// What a UPS says; null where it does not.
#[derive(Debug, Serialize, ToSchema)]
struct UpsBody {
    on_battery: Option<bool>,
    battery_ratio: Option<f64>,
    runtime_seconds: Option<f64>,
    load_ratio: Option<f64>,
    battery_low: Option<bool>,
    battery_replace: Option<bool>,
}

/// A device that was found and waits for somebody to approve or ignore it; null where it did not say.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundDeviceBody {
    /// What `device approve` and `device ignore` take.
    #[schema(value_type = String)]
    device: DeviceId,
    /// What it seems to be.
    kind: String,
    #[schema(value_type = String)]
    address: IpAddr,
    vendor: Option<String>,
    model: Option<String>,
    serial: Option<String>,
    /// Twelve hexadecimal digits.
    mac: Option<String>,
    /// What its owner called it.
    name: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    found_at: Timestamp,
    /// Within the hour or so.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
}

/// Something that happened to a machine or device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventBody {
    #[schema(value_type = String, example = "cong-son")]
    centre: CentreId,
    /// Its name then.
    #[schema(value_type = String, example = "printer-1")]
    device: DeviceId,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `found`, `added`, `approved`, `ignored`, `removed`; or what of it changed: `name`, `kind`, `address`,
    /// `mac`, `credential` (its name), `ipp`, `vendor`, `model`, `serial`, `os`, `firmware`.
    #[schema(example = "firmware")]
    what: String,
    /// Empty for nothing.
    before: String,
    /// Empty for nothing.
    after: String,
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl IdentityBody {
    pub(super) fn of(now: &AskedNow) -> Self {
        Self {
            address: Some(now.known.address),
            vendor: some(now.vendor()),
            model: some(now.model()),
            serial: some(now.serial()),
            firmware: some(now.firmware()),
        }
    }
}

impl SaidBody {
    pub(super) fn of(said: &Said, interfaces: Interfaces) -> Self {
        let polls = said.polls.iter();
        let polls = polls.map(|Poll { protocol, outcome }| (protocol.clone(), outcome.clone()));
        let tray = |(name, level): (&String, &Level)| TrayBody {
            name: name.clone(),
            ratio: level.ratio(),
            state: level.state().to_owned(),
        };
        let trays = said.trays.iter().map(|tray| (&tray.name, &tray.level));
        let interfaces = match interfaces {
            Interfaces::All => said.interfaces.iter().map(InterfaceBody::of).collect(),
            Interfaces::LeftOut => Vec::new(),
        };
        Self {
            poll_outcomes: Some(polls.collect()),
            started: said.started.and_then(timestamp_of),
            status: said.status.clone(),
            conditions: said.conditions.clone(),
            pages_total: said.pages,
            queued_jobs: said.jobs,
            supplies: any(said.supplies.iter().map(SupplyBody::of).collect()),
            trays: any(trays.map(tray).collect()),
            interfaces: any(interfaces),
            cpu_usage_ratio: said.cpu,
            memory_size_bytes: said.memory_size,
            memory_available_bytes: said.memory_available,
            ups: said.ups.as_ref().map(UpsBody::of),
            origins: Some(said.origins.clone()).filter(|origins| !origins.is_empty()),
        }
    }
}

fn any<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

impl SupplyBody {
    fn of(supply: &Supply) -> Self {
        Self {
            description: supply.name.clone(),
            r#type: supply.kind.clone(),
            colour: supply.colour.clone(),
            receptacle: supply.receptacle,
            ratio: supply.ratio(),
            state: supply.level.state().to_owned(),
        }
    }
}

impl InterfaceBody {
    fn of(interface: &Interface) -> Self {
        let Interface {
            name,
            is_up,
            enabled,
            full_duplex,
            speed,
            received,
            sent,
            is_wan,
        } = interface;
        Self {
            name: name.clone(),
            up: *is_up,
            enabled: *enabled,
            full_duplex: *full_duplex,
            speed_bits_per_second: *speed,
            receive_bytes_total: received.bytes,
            transmit_bytes_total: sent.bytes,
            receive_errors_total: received.errors,
            transmit_errors_total: sent.errors,
            receive_drops_total: received.drops,
            transmit_drops_total: sent.drops,
            wan: *is_wan,
            receive_bits_per_second: received.rate,
            transmit_bits_per_second: sent.rate,
            receive_usage_ratio: received.usage,
            transmit_usage_ratio: sent.usage,
        }
    }
}

impl UpsBody {
    fn of(ups: &Ups) -> Self {
        Self {
            on_battery: ups.on_battery,
            battery_ratio: ups.battery,
            runtime_seconds: ups.runtime,
            load_ratio: ups.load,
            battery_low: ups.battery_low,
            battery_replace: ups.battery_replace,
        }
    }
}

impl FoundDeviceBody {
    pub(super) fn of(found: &Asked) -> Self {
        let serial = found.serial.as_deref();
        Self {
            device: found.device.clone(),
            kind: found.kind.as_str().to_owned(),
            address: found.address,
            vendor: some(&found.inventory.vendor),
            model: some(&found.inventory.model),
            serial: some(serial.unwrap_or(&found.inventory.serial)),
            mac: found.mac.map(|mac| mac.to_string()),
            name: found.name.clone(),
            found_at: found.found_at,
            last_seen: found.last_seen,
        }
    }
}

impl From<Event> for EventBody {
    fn from(event: Event) -> Self {
        let Event {
            centre,
            device,
            at,
            what,
            before,
            after,
        } = event;
        Self {
            centre,
            device,
            at,
            what,
            before,
            after,
        }
    }
}
