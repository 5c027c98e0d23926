//! `device add`, `device list`, `device approve`, `device ignore`, `device remove`, `device events`.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use dawnwatch_collector::config::Config;
use dawnwatch_collector::registry::{Approval, Asked, Event, NewDevice, Status};
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::ids::{CentreId, DeviceId};
use proto::plan::{Ipp, Kind, Mac};

use super::{output, registry};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Have a printer, router, switch or UPS asked by one of its centre's agents
    Add(Add),
    /// List the devices that have no agent: approved, found and ignored ones
    List {
        /// Of one centre
        #[arg(long, value_name = "ID")]
        centre: Option<CentreId>,
        /// Those that were found and wait to be approved or ignored
        #[arg(long)]
        found: bool,
    },
    /// Have a device asked that was found; or change how one is asked
    ///
    /// What is not said stays as it is.
    Approve(Approve),
    /// Neither ask a device nor offer it again
    Ignore(One),
    /// Forget a device
    ///
    /// If it is still there and devices are looked for, it is found again; see `device ignore`.
    Remove(One),
    /// Tell what happened to the devices and machines of a centre, the newest first
    Events {
        /// Where
        #[arg(value_name = "CENTRE")]
        centre: CentreId,
        /// To one of them
        #[arg(value_name = "DEVICE")]
        device: Option<DeviceId>,
    },
}

#[derive(Args)]
pub(crate) struct Add {
    /// Where it is
    #[arg(long, value_name = "ID")]
    centre: CentreId,
    /// What to call it there
    #[arg(long, value_name = "NAME")]
    name: DeviceId,
    /// printer, router, switch, ups, access-point or other
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Kind,
    /// Its IP address
    #[arg(long, value_name = "ADDRESS")]
    address: IpAddr,
    /// Ask it by SNMP, with this credential; see `credential set`
    #[arg(long, value_name = "CREDENTIAL")]
    snmp: Option<String>,
    /// Ask it by IPP, at this port and path, such as 631/ipp/print
    #[arg(long, value_name = "PORT/PATH")]
    ipp: Option<Ipp>,
    /// What to recognise it by; learnt if left out
    #[arg(long, value_name = "TEXT", value_parser = label)]
    serial: Option<String>,
    /// What to recognise it by
    #[arg(long, value_name = "MAC")]
    mac: Option<Mac>,
}

#[derive(Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    one: One,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<DeviceId>,
    /// printer, router, switch, ups, access-point or other
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// Another IP address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
    /// Ask it by SNMP, with this credential
    #[arg(long, value_name = "CREDENTIAL")]
    snmp: Option<String>,
    /// Ask it by IPP, at this port and path
    #[arg(long, value_name = "PORT/PATH")]
    ipp: Option<Ipp>,
    /// What to recognise it by from now on, where it was repaired or exchanged
    #[arg(long, value_name = "TEXT", value_parser = label)]
    serial: Option<String>,
    /// What to recognise it by from now on
    #[arg(long, value_name = "MAC")]
    mac: Option<Mac>,
}

#[derive(Args)]
pub(crate) struct One {
    /// Where it is
    #[arg(value_name = "CENTRE")]
    centre: CentreId,
    /// As `device list` shows it
    #[arg(value_name = "DEVICE")]
    device: DeviceId,
}

fn kind(word: &str) -> Result<Kind, String> {
    let mut all = Kind::ALL.into_iter();
    all.find(|kind| kind.as_str() == word).ok_or_else(|| {
        let words = Kind::ALL.map(Kind::as_str).join(", ");
        format!("use one of {words}")
    })
}

fn label(text: &str) -> Result<String, String> {
    let good = proto::plan::is_label(text).then(|| text.to_owned());
    good.ok_or_else(|| "use a short text without control characters".to_owned())
}

impl Command {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let registry = registry(config)?;
        let now = Timestamp::now();
        match self {
            Self::Add(add) => {
                let told = format!("{} {} added", add.centre, add.name);
                registry.add_device(add.into(), now).await?;
                output::print(&told)
            }
            Self::List { centre, found } => {
                let mut devices = registry.devices().await?;
                devices.retain(|device| {
                    let is_there = centre
                        .as_ref()
                        .is_none_or(|centre| *centre == device.centre);
                    is_there && (!found || device.status == Status::Found)
                });
                output::print(&list(&devices))
            }
            Self::Approve(approve) => {
                let One { centre, device } = approve.one;
                let approval = Approval {
                    name: approve.name,
                    kind: approve.kind,
                    address: approve.address,
                    credential: approve.snmp,
                    ipp: approve.ipp,
                    serial: approve.serial,
                    mac: approve.mac,
                };
                let approved = registry.approve(centre, device, approval, now).await?;
                output::print(&format!("{} {} approved", approved.centre, approved.device))
            }
            Self::Ignore(One { centre, device }) => {
                let told = format!("{centre} {device} ignored");
                registry.ignore(centre, device, now).await?;
                output::print(&told)
            }
            Self::Remove(One { centre, device }) => {
                let told = format!("{centre} {device} removed");
                registry.remove_device(centre, device, now).await?;
                output::print(&told)
            }
            Self::Events { centre, device } => {
                let events = registry.events(centre, device).await?;
                output::print(&told(&events, config.utc_offset))
            }
        }
    }
}

impl From<Add> for NewDevice {
    fn from(add: Add) -> Self {
        Self {
            centre: add.centre,
            device: add.name,
            kind: add.kind,
            address: add.address,
            credential: add.snmp,
            ipp: add.ipp,
            serial: add.serial,
            mac: add.mac,
        }
    }
}

fn or_none(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| "-".to_owned())
}

fn list(devices: &[Asked]) -> String {
    let row = |device: &Asked| {
        let model = [&device.inventory.vendor, &device.inventory.model].map(String::as_str);
        [
            device.centre.to_string(),
            device.device.to_string(),
            device.kind.as_str().to_owned(),
            device.status.as_str().to_owned(),
            device.address.to_string(),
            or_none(device.credential.clone()),
            or_none(device.ipp.as_ref().map(ToString::to_string)),
            or_none(device.serial.clone()),
            or_none(device.mac.map(|mac| mac.to_string())),
            or_none(Some(model.join(" ").trim().to_owned())),
        ]
    };
    let header = [
        "CENTRE", "DEVICE", "KIND", "STATUS", "ADDRESS", "SNMP", "IPP", "SERIAL", "MAC", "MODEL",
    ];
    output::table(header, devices.iter().map(row).collect())
}

fn told(events: &[Event], offset: Offset) -> String {
    let row = |event: &Event| {
        [
            output::time(Some(event.at), offset),
            event.device.to_string(),
            event.what.clone(),
            or_none(Some(event.before.clone())),
            or_none(Some(event.after.clone())),
        ]
    };
    let header = ["AT", "DEVICE", "WHAT", "BEFORE", "AFTER"];
    output::table(header, events.iter().map(row).collect())
}
