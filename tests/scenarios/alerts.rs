//! People are told of an incident once, and once that it is over, by a real Alertmanager; whoever is started again
//! meanwhile, and whatever is learned of it.
//!
//! The collector's alerts run here by themselves, on incidents that the scenario writes: which there are is the
//! diagnosis' business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use collector::alerts::{Alerts, Metrics, Sources};
use collector::config::Alertmanager as Settings;
use collector::registry::Registry;
use collector::watch::{Open, Standing};
use diagnosis::event::{Incident, Stage};
use diagnosis::sentence::Words;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::alertmanager::{Alertmanager, Told};
use crate::harness::eventually;
use crate::needs;

/// Alertmanager waits a second before it tells, texts five; the machine may be busy.
const SOON: Duration = Duration::from_secs(30);

/// The alerts of a collector, which can be started again.
struct Collector {
    url: String,
    data: TempDir,
    open: watch::Sender<Arc<Open>>,
    metrics: prometheus::Registry,
    task: Option<JoinHandle<()>>,
}

impl Collector {
    async fn alerting(url: &str) -> Self {
        let mut collector = Self {
            url: url.to_owned(),
            data: tempfile::tempdir().unwrap(),
            open: watch::Sender::default(),
            metrics: prometheus::Registry::new(),
            task: None,
        };
        Registry::create(&collector.data.path().join("registry.sqlite")).unwrap();
        collector.start();
        collector
    }

    fn start(&mut self) {
        self.metrics = prometheus::Registry::new();
        let sources = Sources {
            open: self.open.subscribe(),
            // Without hours, somebody is always to be served.
            centres: watch::Sender::default().subscribe(),
            readiness: watch::Sender::default().subscribe(),
            registry: Registry::open(&self.data.path().join("registry.sqlite")).unwrap(),
            now,
        };
        let settings = Settings::at(self.url.parse().unwrap());
        let metrics = Metrics::new(&self.metrics).unwrap();
        let alerts = Alerts::open(&settings, self.data.path(), sources, metrics).unwrap();
        self.task = Some(tokio::spawn(alerts.run()));
    }

    async fn stop(&mut self) {
        let task = self.task.take().expect("it runs");
        task.abort();
        let _ = task.await;
    }

    fn open(&self, incident: &Incident) {
        let standing = Standing {
            incident: Arc::new(incident.clone()),
            notified: true,
            revised: false,
        };
        self.open
            .send_modify(|open| drop(Arc::make_mut(open).insert(incident.id.clone(), standing)));
    }

    fn close(&self, id: &str) {
        self.open
            .send_modify(|open| drop(Arc::make_mut(open).remove(id)));
    }

    /// Whether Alertmanager takes its alerts.
    fn is_up(&self) -> Result<(), String> {
        let families = self.metrics.gather();
        let up = families
            .iter()
            .find(|family| family.name() == "dawnwatch_collector_alertmanager_up")
            .map(|family| family.get_metric()[0].get_gauge().get_value());
        match up {
            Some(up) if up > 0.5 => Ok(()),
            other => Err(format!("up: {other:?}")),
        }
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

fn words(text: &str) -> Words {
    Words {
        vi: text.to_owned(),
        en: text.to_owned(),
    }
}

fn incident(id: &str) -> Incident {
    Incident {
        id: id.to_owned(),
        scope: vec!["cong-son".to_owned()],
        segment: Some("line".to_owned()),
        fault: "line_down".to_owned(),
        culprit: Some("VNPT".to_owned()),
        since: now() - 20.0,
        until: None,
        confidence: 0.97,
        stage: Stage::Provisional,
        alternatives: Vec::new(),
        sentence: words("Đường truyền bị đứt."),
        action: words("Gọi VNPT."),
        supports: Vec::new(),
        against: Vec::new(),
        settles: None,
    }
}

/// How often each incident was told, firing and resolved.
fn counts(told: &[Told]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for (status, incidents) in told {
        for incident in incidents {
            *counts
                .entry((incident.clone(), status.clone()))
                .or_default() += 1;
        }
    }
    counts
}

fn expected<const N: usize>(all: [(&str, &str); N]) -> BTreeMap<(String, String), usize> {
    let once = |(incident, status): (&str, &str)| ((incident.to_owned(), status.to_owned()), 1);
    all.into_iter().map(once).collect()
}

/// Waits until people were told exactly this, each once.
async fn people_were_told<const N: usize>(
    alertmanager: &Alertmanager,
    what: &str,
    all: [(&str, &str); N],
) {
    eventually(what, SOON, async || {
        let told = counts(&alertmanager.told());
        match told == expected(all) {
            true => Ok(()),
            false => Err(format!("{told:?}")),
        }
    })
    .await;
}

/// Waits until Alertmanager shows this text with an incident.
async fn shows(alertmanager: &Alertmanager, id: &str, text: &str) {
    eventually("the new text is there", SOON, async || {
        let alerts = alertmanager.alerts().await?;
        let alert = alerts
            .iter()
            .find(|alert| alert["labels"]["incident"] == id);
        match alert.map(|alert| alert["annotations"]["summary_vi"] == text) {
            Some(true) => Ok(()),
            _ => Err(format!("{alerts:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn an_incident_is_told_once_and_once_that_it_is_over() {
    let alertmanager = needs!(Alertmanager::started().await);
    let collector = Collector::alerting(&alertmanager.url()).await;
    let first = incident("first");
    collector.open(&first);
    people_were_told(&alertmanager, "the incident", [("first", "firing")]).await;
    let notification = alertmanager.last().unwrap();
    let alert = &notification["alerts"][0];
    let labels = &alert["labels"];
    assert_eq!(labels["alertname"], "LineDown");
    assert_eq!(labels["severity"], "critical");
    assert_eq!(labels["centre"], "cong-son");
    assert_eq!(alert["annotations"]["summary_vi"], "Đường truyền bị đứt.");
    assert_eq!(alert["annotations"]["action_vi"], "Gọi VNPT.");

    // What is learned of it changes what is shown, and is no second message. Another incident, told later than the
    // first group was looked at again, shows that none is on its way.
    let mut revised = first;
    revised.fault = "power_outage".to_owned();
    revised.segment = Some("power".to_owned());
    revised.scope.push("dong-dang".to_owned());
    revised.sentence = words("Mất điện.");
    collector.open(&revised);
    shows(&alertmanager, "first", "Mất điện.").await;
    collector.open(&incident("second"));
    let both = [("first", "firing"), ("second", "firing")];
    people_were_told(&alertmanager, "the second incident alone", both).await;

    collector.close("first");
    let over = [
        ("first", "firing"),
        ("first", "resolved"),
        ("second", "firing"),
    ];
    people_were_told(&alertmanager, "that the first is over", over).await;
}

#[tokio::test]
async fn an_alertmanager_that_is_away_hears_later_of_what_still_is() {
    let mut alertmanager = needs!(Alertmanager::installed().await);
    let collector = Collector::alerting(&alertmanager.url()).await;
    eventually("its absence is noticed", SOON, async || {
        match collector.is_up() {
            Ok(()) => Err("it looks well".to_owned()),
            Err(_) => Ok(()),
        }
    })
    .await;
    collector.open(&incident("short"));
    collector.close("short");
    collector.open(&incident("long"));
    alertmanager.start().await;
    people_were_told(&alertmanager, "what still is", [("long", "firing")]).await;
    collector.is_up().unwrap();

    // It restarts, and knows whom it told; what ends meanwhile is told afterwards.
    collector.open(&incident("ends"));
    let before = [("long", "firing"), ("ends", "firing")];
    people_were_told(&alertmanager, "both", before).await;
    alertmanager.stop().await;
    collector.close("ends");
    alertmanager.start().await;
    let after = [("long", "firing"), ("ends", "firing"), ("ends", "resolved")];
    people_were_told(&alertmanager, "the end, and nothing twice", after).await;
}

#[tokio::test]
async fn a_collector_that_is_started_again_repeats_nothing_and_ends_what_is_over() {
    let alertmanager = needs!(Alertmanager::started().await);
    let mut collector = Collector::alerting(&alertmanager.url()).await;
    collector.open(&incident("stays"));
    collector.open(&incident("ends"));
    let both = [("stays", "firing"), ("ends", "firing")];
    people_were_told(&alertmanager, "both", both).await;
    collector.stop().await;
    let mut revised = incident("stays");
    revised.fault = "gateway_down".to_owned();
    revised.sentence = words("Bộ định tuyến hỏng.");
    collector.open(&revised);
    collector.close("ends");
    collector.start();
    let after = [
        ("stays", "firing"),
        ("ends", "firing"),
        ("ends", "resolved"),
    ];
    people_were_told(&alertmanager, "the end alone", after).await;
    shows(&alertmanager, "stays", "Bộ định tuyến hỏng.").await;
    let firing = alertmanager.alerts().await.unwrap();
    let of_it = firing
        .iter()
        .filter(|it| it["labels"]["incident"] == "stays");
    assert_eq!(of_it.count(), 1, "{firing:?}");
}
