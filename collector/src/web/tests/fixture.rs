//! Builds a province in a real live view, through the same calls as the ingest makes, and asks the
//! router about it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, request};
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::metrics as catalogue;
use proto::stream::Series;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::calendar::Hours;
use crate::latest::{DeviceKey, Enrolled, Latest, Patience, lock};
use crate::registry::Centre;
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
        goodbye: false,
    }
}

/// A province under construction.
pub(super) struct Province {
    pub(super) centres: Vec<Centre>,
    pub(super) devices: Vec<(DeviceKey, Enrolled)>,
    latest: Arc<Latest>,
}

impl Province {
    pub(super) fn of(centres: impl IntoIterator<Item = Centre>) -> Self {
        Self {
            centres: centres.into_iter().collect(),
            devices: Vec::new(),
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
        self.devices.push((key.clone(), enrolled));
        self.latest.follow(self.devices.clone());
        Device {
            latest: Arc::clone(&self.latest),
            key,
        }
    }

    pub(super) fn router(&self) -> Router {
        router(self.web())
    }

    pub(super) fn web(&self) -> Web {
        Web {
            latest: Arc::clone(&self.latest),
            // A receiver keeps the last value when its sender is gone.
            centres: watch::channel(Arc::new(self.centres.clone())).1,
            province: "Lạng Sơn".into(),
            utc_offset: Offset::constant(7),
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
            metric,
            part,
            labels: labels.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(),
        };
        let device = self.latest.device(&self.key).unwrap();
        let mut device = lock(&device);
        device.reported(now(), 0.1, 0);
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

    pub(super) fn says_goodbye(&self) {
        lock(&self.latest.device(&self.key).unwrap()).goodbye();
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
