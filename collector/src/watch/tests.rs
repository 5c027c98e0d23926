//! From what agents measured to what is told and kept, by the real diagnosis and a real registry.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use diagnosis::event::{Event, Happened};
use diagnosis::record::{
    Kind, LinkRound, Measured, NicState, Place, Record, ServiceRound, ServiceWord, What,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::evidence::Bounds;
use super::*;
use crate::comings::Comings;
use crate::latest::Latest;
use crate::metrics::own::Own;
use crate::plans::Plans;
use crate::readiness;
use crate::registry::{IncidentFilter, KeptIncident, Registry};
use crate::scouts::Scouts;

async fn registry(folder: &Path) -> Registry {
    let registry = Registry::create(&folder.join("registry.sqlite")).unwrap();
    let centre = |id: &str| registry::Centre::named(id.parse().unwrap(), id);
    let centres = vec![centre("cong-son"), centre("mau-son")];
    registry.import_centres(centres).await.unwrap();
    registry
}

async fn watch_of(folder: &Path, registry: &Registry, comings: &Comings) -> Watch {
    let centres = registry.centres().await.unwrap();
    let own = Own::new(Timestamp::now()).unwrap();
    let plan = crate::config::Config::default().plan;
    let scouts = Scouts::new(&plan, Vec::new());
    let readiness = readiness::Setup {
        data: folder.to_owned(),
        registry: registry.clone(),
        latest: Arc::new(Latest::under(&plan)),
        plans: Plans::new(plan, scouts),
        agents: watch::Sender::default().subscribe(),
        witnesses: HashMap::new(),
        metrics: own.readiness,
    };
    let setup = Setup {
        registry: registry.clone(),
        readiness,
        centres: watch::channel(Arc::new(centres)).1,
        calendars: Arc::default(),
        comings: comings.subscribe(),
        evidence: Bounds {
            folder: folder.join(evidence::FOLDER),
            bytes: 1 << 20,
            age: Duration::from_hours(24),
        },
        metrics: own.diagnosis,
    };
    Watch::build(setup).await.unwrap()
}

/// What a PC measures in a minute in which the portal answers, or refuses.
fn minute(at: f64, centre: &str, agent: &str, refused: bool) -> Record {
    let link = |segment, target: &str| LinkRound {
        segment,
        target: target.to_owned(),
        sent: 20,
        received: 20,
        rtt_ms: Some(5.0),
        ..LinkRound::default()
    };
    let service = ServiceRound {
        service: "portal".into(),
        outcome: if refused {
            ServiceWord::Refused
        } else {
            ServiceWord::Answered
        },
        attempts: 4,
        failed: if refused { 4 } else { 0 },
        ..ServiceRound::default()
    };
    let measured = Measured {
        links: vec![
            link(Place::Gateway, "10.0.0.1"),
            link(Place::Collector, "collector"),
            link(Place::Anchor, "google"),
        ],
        services: vec![service],
        nic: Some(NicState {
            up: Some(true),
            ..NicState::default()
        }),
        ..Measured::default()
    };
    Record {
        arrived: at,
        what: Some(What {
            t: at - 1.0,
            centre: centre.to_owned(),
            agent: agent.to_owned(),
            kind: Kind::Measured(Box::new(measured)),
        }),
    }
}

async fn kept(registry: &Registry) -> Vec<KeptIncident> {
    let all = IncidentFilter {
        most: 100,
        ..IncidentFilter::default()
    };
    registry.incidents(all).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_refuses_is_told_kept_and_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path()).await;
    let comings = Comings::default();
    let watch = watch_of(folder.path(), &registry, &comings).await;
    let (feed, events) = (watch.feed.clone(), watch.events.clone());
    let mut told = events.subscribe();
    let stop = CancellationToken::new();
    let running = tokio::spawn(watch.run(stop.clone()));
    // An hour of which the last twenty minutes are bad.
    let now = Timestamp::now().as_duration().as_secs_f64();
    for ago in (0..60).rev() {
        for (centre, agent) in [
            ("cong-son", "pc-1"),
            ("cong-son", "pc-2"),
            ("mau-son", "pc-1"),
            ("mau-son", "pc-2"),
        ] {
            let at = now - f64::from(ago) * 60.0;
            feed.tell(vec![minute(at, centre, agent, ago < 20)]);
        }
    }
    let opened = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let event = told.recv().await.unwrap();
            if event.incident.segment.as_deref() == Some("service") && event.notify {
                return event;
            }
        }
    });
    let opened = opened.await.expect("it is told");
    assert_eq!(opened.incident.culprit.as_deref(), Some("portal"));
    let id = opened.incident.id.clone();
    assert!(events.open_now()[&id].notified);
    stop.cancel();
    running.await.unwrap();
    let before = kept(&registry).await;
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(
        (before[0].incident.id.as_str(), before[0].notified),
        (id.as_str(), true)
    );

    let again = watch_of(folder.path(), &registry, &comings).await;
    let (feed, events) = (again.feed.clone(), again.events.clone());
    assert!(events.open_now()[&id].notified, "before it runs");
    let mut told = events.subscribe();
    let stop = CancellationToken::new();
    let running = tokio::spawn(again.run(stop.clone()));
    // It goes on being bad: nothing new is said of it, and nobody is told again.
    let later = Timestamp::now().as_duration().as_secs_f64();
    feed.tell(vec![minute(later, "cong-son", "pc-1", true)]);
    tokio::time::timeout(Duration::from_secs(20), async {
        while !folder_has(folder.path(), later) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is taken");
    stop.cancel();
    running.await.unwrap();
    while let Ok(event) = told.try_recv() {
        assert!(!event.notify, "{event:?}");
    }
    let ids: Vec<_> = kept(&registry)
        .await
        .into_iter()
        .map(|one| one.incident.id)
        .collect();
    assert_eq!(ids, [id]);
}

/// Whether what arrived then is in the journal.
fn folder_has(folder: &Path, arrived: f64) -> bool {
    let bounds = Bounds {
        folder: folder.join(evidence::FOLDER),
        bytes: 1,
        age: Duration::ZERO,
    };
    let at = evidence::timestamp(arrived).unwrap();
    let mut found = false;
    let read = evidence::visit(
        &bounds,
        at - Duration::from_secs(1),
        at + Duration::from_secs(1),
        |record| {
            found |= (record.arrived - arrived).abs() < 0.001;
        },
    );
    read.is_ok() && found
}

#[tokio::test]
async fn who_reads_late_sees_what_is_open_and_not_what_is_over() {
    let events = Events::default();
    let mut told = events.subscribe();
    let said = |happened, id: &str, until: Option<f64>| {
        let mut incident = fixture::incident(id, &["cong-son"], 1_000.0);
        incident.until = until;
        events::Said {
            event: Arc::new(Event {
                at: 1_100.0,
                event: happened,
                notify: happened == Happened::Open,
                incident,
            }),
            notified: true,
            revised: happened == Happened::Revise,
        }
    };
    events.tell(&[
        said(Happened::Open, "a", None),
        said(Happened::Open, "b", None),
        said(Happened::Revise, "b", None),
        said(Happened::Close, "a", Some(1_050.0)),
        // What is over stays over, whatever is learned of it.
        said(Happened::Revise, "a", Some(1_060.0)),
    ]);
    let open = events.open_now();
    assert_eq!(open.keys().collect::<Vec<_>>(), ["b"]);
    assert!(open["b"].notified && open["b"].revised);
    let mut count = 0;
    while told.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 5);
}
