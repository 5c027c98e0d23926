//! What a scout is asked to do, secrets and all: made where its plan is, and kept nowhere.

use proto::ids::CentreId;
use proto::limits::{CREDENTIALS_PER_PLAN, DEVICES_PER_PLAN};
use proto::plan::{Credential, Device, Discovery, Snmp, is_label};

use crate::registry::{Asked, Credentials, Status};

/// The part of a plan that is for the scout alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duties {
    /// What to ask.
    pub devices: Vec<Device>,
    /// Whether to look for more.
    pub discovery: Option<Discovery>,
}

impl Duties {
    /// Of a centre with these devices. What cannot be asked, because its credential does not open, is left
    /// out; whoever reads the registry tells of that.
    pub(super) fn of(
        centre: &CentreId,
        devices: &[Asked],
        credentials: &Credentials,
        discovery: Option<&Discovery>,
    ) -> Self {
        let open = |name: &str| -> Option<Snmp> {
            let credential = credentials.named(name)?;
            let snmp = credentials.open(credential).ok()?;
            (credential.is_for(centre) && snmp.is_usable()).then_some(snmp)
        };
        let approved = devices
            .iter()
            .filter(|device| device.status == Status::Approved);
        let askable = approved.filter_map(|device| {
            let snmp = device.credential.as_deref().and_then(open);
            (snmp.is_some() || device.ipp.is_some()).then(|| Device {
                name: device.device.clone(),
                kind: device.kind,
                address: device.address,
                snmp,
                ipp: device.ipp.clone(),
                // One text that agents refuse would have them refuse the whole plan.
                serial: device.serial.clone().filter(|serial| is_label(serial)),
                mac: device.mac,
            })
        });
        let devices = askable.take(DEVICES_PER_PLAN).collect();
        let discovery = discovery.map(|discovery| {
            let mut usable: Vec<_> = credentials
                .all
                .iter()
                .filter(|credential| credential.is_for(centre))
                .collect();
            // What was set for this very centre is tried first.
            usable.sort_by_key(|credential| credential.centre.is_none());
            let credential = |name: &str| {
                let snmp = open(name)?;
                let name = name.to_owned();
                Some(Credential { name, snmp })
            };
            let usable = usable.iter();
            let tried = usable.filter_map(|one| credential(&one.name));
            Discovery {
                interval: discovery.interval,
                credentials: tried.take(CREDENTIALS_PER_PLAN).collect(),
            }
        });
        Self { devices, discovery }
    }
}
