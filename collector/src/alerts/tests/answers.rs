//! What the task does with each answer, against a server that answers as it is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

/// For what comes at once; only a failure waits as long.
const WITHIN: Duration = Duration::from_secs(20);

/// A server's answers in turn, then 200; and what it was asked.
struct Server {
    url: String,
    asked: mpsc::UnboundedReceiver<Vec<Value>>,
}

type Script = Arc<(Mutex<VecDeque<u16>>, mpsc::UnboundedSender<Vec<Value>>)>;

impl Server {
    async fn answering(statuses: &[u16]) -> Self {
        let (tell, asked) = mpsc::unbounded_channel();
        let script: Script = Arc::new((Mutex::new(statuses.iter().copied().collect()), tell));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/am", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/am/api/v2/alerts", post(answer))
            .with_state(script);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    /// The incidents of the next request.
    async fn asked(&mut self) -> Vec<String> {
        let alerts = self.alerts().await;
        let id = |alert: &Value| Some(alert["labels"]["incident"].as_str()?.to_owned());
        alerts.iter().filter_map(id).collect()
    }

    async fn alerts(&mut self) -> Vec<Value> {
        let asked = tokio::time::timeout(WITHIN, self.asked.recv()).await;
        asked.expect("a request in time").unwrap()
    }
}

async fn answer(State(script): State<Script>, Json(alerts): Json<Vec<Value>>) -> StatusCode {
    let status = script.0.lock().unwrap().pop_front().unwrap_or(200);
    script.1.send(alerts).unwrap();
    StatusCode::from_u16(status).unwrap()
}

/// A task that runs, and what it is fed with.
struct Running {
    open: watch::Sender<Arc<Open>>,
    readiness: watch::Sender<Arc<Vec<Readiness>>>,
    status: watch::Receiver<Status>,
    metrics: Metrics,
    _data: tempfile::TempDir,
}

async fn run(url: &str, centres: Vec<Centre>, now: fn() -> f64) -> Running {
    let data = tempfile::tempdir().unwrap();
    let registry = Registry::create(&data.path().join("registry.sqlite")).unwrap();
    let (open, readiness) = (watch::Sender::default(), watch::Sender::default());
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let sources = Sources {
        open: open.subscribe(),
        centres: watch::Sender::new(Arc::new(centres)).subscribe(),
        readiness: readiness.subscribe(),
        registry,
        now,
    };
    let config = Alertmanager::at(url.parse().unwrap());
    let alerts = Alerts::open(&config, data.path(), sources, metrics.clone()).unwrap();
    let status = alerts.status();
    tokio::spawn(alerts.run());
    Running {
        open,
        readiness,
        status,
        metrics,
        _data: data,
    }
}

impl Running {
    fn tell(&self, ids: &[&str]) {
        let incidents: Vec<Incident> = ids
            .iter()
            .map(|id| incident(id, "line_down", &["cong-son"]))
            .collect();
        self.open.send_replace(Arc::new(open_of(&incidents)));
    }

    async fn is(&mut self, wanted: impl Fn(&Status) -> bool) {
        let seen = tokio::time::timeout(WITHIN, self.status.wait_for(|it| wanted(it))).await;
        seen.expect("a status in time").unwrap();
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_with_what_is_true_by_then() {
    let mut server = Server::answering(&[503]).await;
    let mut running = run(&server.url, province(), || at(8.0)).await;
    let first = server.alerts().await;
    assert_eq!(first[0]["labels"]["alertname"], "Watchdog");
    running.is(|status| status.trouble.is_some()).await;
    assert_eq!(running.metrics.up.get(), 0);
    running.tell(&["i1"]);
    assert_eq!(server.asked().await, ["i1"], "with the watchdog");
    running.is(|status| status.trouble.is_none()).await;
    assert_eq!(
        (running.metrics.up.get(), running.metrics.firing.get()),
        (1, 1)
    );
}

#[tokio::test]
async fn what_is_refused_is_not_repeated_at_once_and_keeps_nothing_else_away() {
    let mut server = Server::answering(&[200, 400]).await;
    let mut running = run(&server.url, province(), || at(8.0)).await;
    assert!(server.asked().await.is_empty());
    running.tell(&["i1"]);
    assert_eq!(server.asked().await, ["i1"]);
    running.is(|status| status.trouble.is_some()).await;
    running.tell(&["i1", "i2"]);
    assert_eq!(server.asked().await, ["i2"], "alone");
    running.is(|status| status.trouble.is_none()).await;
}

#[tokio::test]
async fn the_digest_waits_for_verdicts_and_comes_once() {
    let mut server = Server::answering(&[]).await;
    let running = run(&server.url, province(), || at(7.2)).await;
    let first = server.alerts().await;
    assert_eq!(first.len(), 1, "the watchdog alone: {first:?}");
    let verdict = Readiness {
        at: at(7.0),
        centre: "cong-son".to_owned(),
        check: "T-30".to_owned(),
        state: diagnosis::event::State::NotReady,
        reason: diagnosis::event::Reason {
            code: "line_down".to_owned(),
            segment: None,
            not_ours: true,
            sentence: words("No line."),
            action: words("Call VNPT."),
        },
    };
    running.readiness.send_replace(Arc::new(vec![verdict]));
    running.tell(&["i1"]);
    let second = server.alerts().await;
    let digest = second
        .iter()
        .find(|it| it["labels"]["alertname"] == "DawnwatchDigest");
    let digest = digest.unwrap_or_else(|| panic!("{second:?}"));
    assert_eq!(digest["labels"]["part"], "opening");
    assert_eq!(digest["labels"]["day"], "2026-11-24");
    let text = digest["annotations"]["description"].as_str().unwrap();
    assert!(text.contains("Trung tâm cong-son"), "{text}");
    running.tell(&["i1", "i2"]);
    assert_eq!(server.alerts().await.len(), 1, "the incident alone");
}

#[tokio::test]
async fn the_evening_has_its_digest_from_the_registry() {
    let mut server = Server::answering(&[]).await;
    let _running = run(&server.url, province(), || at(17.5)).await;
    let alerts = server.alerts().await;
    let digest = alerts.iter().find(|it| it["labels"]["part"] == "closing");
    let summary = &digest.unwrap_or_else(|| panic!("{alerts:?}"))["annotations"]["summary"];
    assert_eq!(summary, "After closing: no faults today.");
}
