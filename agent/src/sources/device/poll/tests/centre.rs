//! A centre whose devices say what they are told to, and note how they were asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use proto::ids::DeviceId;
use proto::metrics;
use proto::plan::{Device, Kind, Mac, Plan, Secret, Security, Snmp};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::super::answers::{Ask, Expect};
use super::super::{Shared, follow};
use super::INTERVAL;
use crate::schedule::Taken;
use crate::sources::device::ask::{Apart, Attempt};
use crate::sources::device::said::{Origin, Said};
use crate::sources::device::witness::Moments;

/// How devices of a centre answer, and how they were asked.
#[derive(Default)]
pub(super) struct Centre {
    says: BTreeMap<String, (Duration, Vec<(Said, Said)>)>,
    asked: Mutex<Vec<Question>>,
    /// Whose all addresses are.
    pub(super) on_wire: Option<Mac>,
}

#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) device: String,
    pub(super) address: String,
    pub(super) at: Instant,
    pub(super) limit: Duration,
    pub(super) expect: Expect,
}

impl Centre {
    /// With this one, which answers after so long.
    pub(super) fn with(self, device: &str, takes: Duration, said: Said) -> Self {
        self.with_each(device, takes, vec![said])
    }

    /// With this one, which says these one after the other, and goes on with the last.
    pub(super) fn with_each(self, device: &str, takes: Duration, said: Vec<Said>) -> Self {
        let said = said.into_iter().map(|said| (said, Said::default()));
        self.with_both(device, takes, said.collect())
    }

    /// The same, by SNMP and by IPP.
    pub(super) fn with_both(
        mut self,
        device: &str,
        takes: Duration,
        said: Vec<(Said, Said)>,
    ) -> Self {
        self.says.insert(device.to_owned(), (takes, said));
        self
    }
}

impl Ask for Arc<Centre> {
    fn ask<'a>(
        &'a self,
        device: &'a Device,
        limit: Duration,
        expect: Expect,
    ) -> BoxFuture<'a, Apart> {
        let at = Instant::now();
        let mut asked = self.asked.lock().unwrap();
        let times = asked
            .iter()
            .filter(|one| one.device == device.name.as_str());
        let times = times.count();
        asked.push(Question {
            device: device.name.to_string(),
            address: device.address.to_string(),
            at,
            limit,
            expect,
        });
        async move {
            let Some((takes, said)) = self.says.get(device.name.as_str()) else {
                return std::future::pending().await;
            };
            tokio::time::sleep(*takes).await;
            let (snmp, ipp) = said.get(times).or(said.last()).unwrap().clone();
            Apart {
                snmp: (snmp, Moments::default()),
                ipp: (ipp, Moments::default()),
                attempts: vec![Attempt {
                    protocol: Origin::Snmp,
                    outcome: "answered",
                    took: at.elapsed(),
                    problem: None,
                }],
            }
        }
        .boxed()
    }

    fn mac(&self, _: IpAddr) -> Option<Mac> {
        self.on_wire
    }
}

/// A poller that runs.
pub(super) struct Running {
    pub(super) centre: Arc<Centre>,
    pub(super) plan: watch::Sender<Plan>,
    pub(super) taken: mpsc::Receiver<Taken>,
    pub(super) began: Instant,
    pub(super) task: tokio::task::JoinHandle<()>,
}

pub(super) fn device(name: &str) -> Device {
    Device {
        name: name.parse().unwrap(),
        kind: Kind::Router,
        address: [192, 0, 2, 1].into(),
        snmp: Some(Snmp {
            port: Snmp::PORT,
            security: Security::V2c {
                community: Secret("public".to_owned()),
            },
        }),
        ipp: None,
        serial: None,
        mac: None,
    }
}

pub(super) fn plan_of(devices: &[Device]) -> Plan {
    Plan {
        devices: devices.to_vec(),
        device_interval: INTERVAL,
        ..Plan::default()
    }
}

pub(super) fn start(centre: Centre, devices: &[Device]) -> Running {
    let centre = Arc::new(centre);
    let (plan, planned) = watch::channel(plan_of(devices));
    let (sender, taken) = mpsc::channel(64);
    let lead = watch::Sender::new(None);
    let shared = Shared::new(Arc::clone(&centre), lead.subscribe(), sender);
    Running {
        centre,
        plan,
        taken,
        began: Instant::now(),
        task: tokio::spawn(follow(shared, planned)),
    }
}

impl Running {
    /// Everything that is told until so long after the start.
    pub(super) async fn until(&mut self, after: Duration) -> Vec<Taken> {
        let mut all = Vec::new();
        let end = self.began + after;
        while let Ok(Some(taken)) = tokio::time::timeout_at(end, self.taken.recv()).await {
            all.push(taken);
        }
        all
    }

    pub(super) fn questions(&self, device: &str) -> Vec<Question> {
        let asked = self.centre.asked.lock().unwrap();
        let of_it = asked.iter().filter(|one| one.device == device);
        of_it.cloned().collect()
    }
}

/// The device that something was told of.
pub(super) fn about(taken: &Taken) -> &str {
    let first = taken.readings.first();
    let device = first.and_then(|one| one.series.device.as_ref());
    device.map_or("", DeviceId::as_str)
}

/// The outcome that is told.
pub(super) fn outcome(taken: &Taken) -> &str {
    let mut told = taken
        .readings
        .iter()
        .filter(|one| one.series.metric == &metrics::DEVICE_POLL_OUTCOME && one.value > 0.0);
    told.next()
        .map_or("", |one| one.series.labels[1].1.as_str())
}

/// What a device on the local network takes.
pub(super) const SOON: Duration = Duration::from_millis(200);

pub(super) fn said(serial: &str) -> Said {
    Said {
        serial: Some(serial.to_owned()),
        ..Said::default()
    }
}
