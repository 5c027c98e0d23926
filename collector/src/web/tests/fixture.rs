//! Builds a province in a real live view, through the same calls as the ingest makes, and asks the
//! router about it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, request};
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::ids::CentreId;
use proto::metrics as catalogue;
use proto::plan::Kind;
use proto::stream::Series;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::alerts::Status as Alerting;
use crate::calendar::Hours;
use crate::latest::{DeviceKey, Enrolled, Latest, Patience, Polled, Source, lock};
use crate::metrics::exposition::Asking;
use crate::registry::{Asked, Centre, Inventory, NewDevice, Registry, Status};
use crate::watch::Events;
use crate::web::{Web, router};

/// A Thursday, 09:30 in Việt Nam: open.
pub(super) const NOW: &str = "2026-03-12T02:30:00Z";
pub(super) const STALE_AFTER: Duration = Duration::from_secs(45);

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn centre(id: &str, name: &str) -> Centre {
    Centre {
        id: id.parse().unwrap(),
        name: name.into(),
        area: Some("Huyện Lộc Bình".into()),
        isp: Some("VNPT".into()),
        latitude: Some(21.75),
        longitude: None,
        hours: Hours::parse("07:30-11:30 13:30-17:00", "mon-fri").ok(),
        notes: None,
    }
}

pub(super) fn enrolled(agent: &str) -> Enrolled {
    Enrolled {
        agent: agent.parse().unwrap(),
        kind: "pc".into(),
        version: "0.1.0".into(),
        os: "linux".into(),
        arch: "x86_64".into(),
        certificate_until: "2026-06-01T00:00:00Z".parse().ok(),
        last_report: None,
        goodbye: None,
    }
}

/// A province under construction.
pub(super) struct Province {
    pub(super) centres: Vec<Centre>,
    pub(super) devices: Vec<(DeviceKey, Source)>,
    /// Those without an agent.
    pub(super) known: Vec<Asked>,
    pub(super) registry: Registry,
    pub(super) faults: Events,
    pub(super) alerts: Option<watch::Receiver<Alerting>>,
    latest: Arc<Latest>,
    _folder: TempDir,
}

/// As somebody added it.
pub(super) fn asked(centre: &str, device: &str, kind: Kind) -> Asked {
    Asked {
        centre: centre.parse().unwrap(),
        device: device.parse().unwrap(),
        kind,
        status: Status::Approved,
        address: "192.168.1.40".parse().unwrap(),
        credential: Some("office".into()),
        ipp: None,
        serial: None,
        mac: None,
        name: None,
        found_at: now(),
        approved_at: Some(now()),
        last_seen: None,
        inventory: Inventory::default(),
    }
}

impl Province {
    pub(super) fn of(centres: impl IntoIterator<Item = Centre>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            centres: centres.into_iter().collect(),
            devices: Vec::new(),
            known: Vec::new(),
            registry: Registry::create(&folder.path().join("registry.sqlite")).unwrap(),
            faults: Events::default(),
            alerts: None,
            _folder: folder,
            latest: Arc::new(Latest::new(Patience {
                reports: STALE_AFTER,
                samples: STALE_AFTER,
            })),
        }
    }

    pub(super) fn enrol(&mut self, centre: &str, device: &str) -> Device {
        self.enrol_as(centre, device, enrolled(&format!("{centre}-{device}")))
    }

    pub(super) fn enrol_as(&mut self, centre: &str, device: &str, enrolled: Enrolled) -> Device {
        let key = DeviceKey {
            centre: centre.parse().unwrap(),
            device: device.parse().unwrap(),
        };
        self.follows(key, enrolled.into())
    }

    /// Has a device without an agent asked, which pc-1 does.
    pub(super) fn asks(&mut self, known: Asked) -> Device {
        let key = DeviceKey {
            centre: known.centre.clone(),
            device: known.device.clone(),
        };
        let source = Polled { kind: known.kind }.into();
        self.known.push(known);
        self.follows(key, source)
    }

    fn follows(&mut self, key: DeviceKey, source: Source) -> Device {
        self.devices.push((key.clone(), source));
        self.latest.follow(self.devices.clone());
        Device {
            latest: Arc::clone(&self.latest),
            key,
        }
    }

    /// Has the registry know the centres and what is asked there, as the live view does.
    pub(super) async fn registers(&self) -> &Self {
        let centres = self.centres.clone();
        self.registry.import_centres(centres).await.unwrap();
        for known in &self.known {
            let new = NewDevice {
                centre: known.centre.clone(),
                device: known.device.clone(),
                kind: known.kind,
                address: known.address,
                credential: None,
                ipp: "631/ipp/print".parse().ok(),
                serial: None,
                mac: None,
            };
            self.registry.add_device(new, now()).await.unwrap();
        }
        self
    }

    pub(super) fn router(&self) -> Router {
        router(self.web())
    }

    pub(super) fn web(&self) -> Web {
        let mut devices: BTreeMap<CentreId, Vec<Asked>> = BTreeMap::new();
        for known in &self.known {
            let of_centre = devices.entry(known.centre.clone()).or_default();
            of_centre.push(known.clone());
        }
        let mut asking: HashMap<CentreId, Asking> = HashMap::new();
        for (centre, known) in &devices {
            let found = known.iter().filter(|one| one.status == Status::Found);
            let found = found.count();
            let scout = "pc-1".parse().ok();
            asking.insert(centre.clone(), Asking { scout, found });
        }
        Web {
            latest: Arc::clone(&self.latest),
            // A receiver keeps the last value when its sender is gone.
            centres: watch::channel(Arc::new(self.centres.clone())).1,
            devices: watch::channel(Arc::new(devices)).1,
            asking: watch::channel(Arc::new(asking)).1,
            registry: self.registry.clone(),
            reverse: None,
            province: "Lạng Sơn".into(),
            utc_offset: Offset::constant(7),
            calendars: Arc::default(),
            faults: self.faults.clone(),
            alerts: self.alerts.clone(),
            now,
        }
    }
}

/// A device whose agent reports.
pub(super) struct Device {
    latest: Arc<Latest>,
    key: DeviceKey,
}

impl Device {
    /// Reports one value, now.
    pub(super) fn reports(
        &self,
        metric: &str,
        labels: &[(&'static str, &str)],
        value: f64,
    ) -> &Self {
        self.reports_for(1, metric, labels, value)
    }

    /// Reports the same value in each of the last minutes.
    pub(super) fn reports_for(
        &self,
        minutes: i64,
        metric: &str,
        labels: &[(&'static str, &str)],
        value: f64,
    ) -> &Self {
        for minute in (0..minutes).rev() {
            self.reported(minute, metric, labels, value);
        }
        self
    }

    /// Reported one value so many minutes ago.
    pub(super) fn reported(
        &self,
        minutes_ago: i64,
        metric: &str,
        labels: &[(&'static str, &str)],
        value: f64,
    ) -> &Self {
        let (metric, part) = catalogue::find(metric).unwrap();
        let series = Series {
            device: None,
            metric,
            part,
            labels: labels.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(),
        };
        let device = self.latest.device(&self.key).unwrap();
        let mut device = lock(&device);
        match device.source {
            Source::Agent(_) => device.reported(now(), 0.1, 0),
            Source::Polled(_) => device.heard_of(now()),
        }
        let slot = device.slot(&series).expect("a place");
        device
            .receiving()
            .update(slot, now().as_millisecond() - minutes_ago * 60_000, value);
        self
    }

    /// Used a service just now: how that ended, and how long each of these phases took.
    pub(super) fn used(&self, service: &str, outcome: &str, phases: &[(&str, f64)]) -> &Self {
        self.used_before(0, service, outcome, phases)
    }

    /// As [`Self::used`], so many minutes ago.
    pub(super) fn used_before(
        &self,
        minutes: i64,
        service: &str,
        outcome: &str,
        phases: &[(&str, f64)],
    ) -> &Self {
        let labels = [("service", service), ("outcome", outcome)];
        self.reported(minutes, "dawnwatch_probe_outcome", &labels, 1.0);
        for (phase, took) in phases {
            let metric = "dawnwatch_probe_phase_duration_seconds";
            let labels = [("service", service), ("phase", phase)];
            self.reported(minutes, metric, &labels, *took);
        }
        self
    }

    /// Asked a resolver for names.
    pub(super) fn asked(&self, resolver: &str, outcome: &str, took: f64) -> &Self {
        let labels = [("resolver", resolver), ("outcome", outcome)];
        let resolver = [("resolver", resolver)];
        self.reports("dawnwatch_dns_outcome", &labels, 1.0).reports(
            "dawnwatch_dns_duration_seconds",
            &resolver,
            took,
        )
    }

    /// Found these routers on the way to a target, by their distance.
    pub(super) fn traced(&self, target: &str, hops: &[(&str, &str)], length: f64) -> &Self {
        for (hop, address) in hops {
            let labels = [("target", target), ("hop", *hop), ("address", *address)];
            self.reports("dawnwatch_path_hop_info", &labels, 1.0);
            let labels = [("target", target), ("hop", *hop)];
            self.reports("dawnwatch_path_hop_rtt_seconds", &labels, 0.0042);
        }
        self.reports("dawnwatch_path_hops", &[("target", target)], length)
    }

    /// A link that has been measured for a quarter of an hour.
    pub(super) fn has_link(&self, segment: &str, target: &str, delay: f64, loss: f64) -> &Self {
        let labels = [("segment", segment), ("target", target)];
        self.reports_for(15, "dawnwatch_link_rtt_median_seconds", &labels, delay)
            .reports_for(15, "dawnwatch_link_loss_ratio", &labels, loss)
            .reports("dawnwatch_link_sent_total", &labels, 300.0)
            .reports(
                "dawnwatch_link_received_total",
                &labels,
                300.0 * (1.0 - loss),
            )
    }

    /// Was asked by SNMP just now, and answered or not.
    pub(super) fn was_asked(&self, outcome: &str) -> &Self {
        let labels = [("protocol", "snmp"), ("outcome", outcome)];
        self.reports("dawnwatch_device_poll_outcome", &labels, 1.0)
    }

    /// Says that these things are the matter; none for a printer that is well.
    pub(super) fn suffers_from(&self, conditions: &[&str]) -> &Self {
        let told = [("reading", "conditions"), ("origin", "snmp")];
        self.reports("dawnwatch_device_reading_info", &told, 1.0);
        for condition in conditions {
            let labels = [("condition", *condition)];
            self.reports("dawnwatch_printer_condition", &labels, 1.0);
        }
        self
    }

    /// Has a supply of this type and colour, and so much of it.
    pub(super) fn has_supply(&self, name: &str, kind: &str, colour: &str, ratio: f64) -> &Self {
        let labels = [("supply", name), ("colour", colour)];
        let receptacle = if kind.starts_with("waste") {
            "true"
        } else {
            "false"
        };
        let info = [("supply", name), ("type", kind), ("receptacle", receptacle)];
        let state = [("supply", name), ("state", "measured")];
        self.reports("dawnwatch_printer_supply_ratio", &labels, ratio)
            .reports("dawnwatch_printer_supply_info", &info, 1.0)
            .reports("dawnwatch_printer_supply_state", &state, 1.0)
    }

    pub(super) fn says_goodbye(&self) {
        let device = self.latest.device(&self.key).unwrap();
        lock(&device).goodbye(diagnosis::record::Goodbye::Shutdown);
    }

    /// Its clock was off by so many seconds at the last exchange.
    pub(super) fn has_clock_off_by(&self, seconds: f64) {
        lock(&self.latest.device(&self.key).unwrap()).reported(now(), seconds, 0);
    }
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    #[track_caller]
    pub(super) fn says(&self, text: &str) -> &Self {
        // Numbers and units are joined by no-break spaces.
        let body = self.body.replace('\u{a0}', " ");
        assert!(body.contains(text), "no {text:?} in\n{body}");
        self
    }

    #[track_caller]
    pub(super) fn does_not_say(&self, text: &str) -> &Self {
        let body = self.body.replace('\u{a0}', " ");
        assert!(!body.contains(text), "{text:?} in\n{body}");
        self
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(super) async fn get(router: &Router, path: &str) -> Answer {
    get_with(router, path, &[]).await
}

pub(super) async fn get_with(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(router, request).await
}

pub(super) async fn ask(router: &Router, request: request::Builder) -> Answer {
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
