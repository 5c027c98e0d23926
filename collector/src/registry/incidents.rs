//! What the diagnosis said: incidents as they were known last, and the history of each. The newest are kept,
//! for two years.

use std::time::Duration;

use diagnosis::event::{Event, Happened, Incident};
use jiff::Timestamp;
use proto::ids::CentreId;
use rusqlite::{
    Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, named_params, params,
};

use super::{Registry, RegistryError, milliseconds};

/// Incidents that are kept.
const INCIDENTS: u32 = 100_000;

/// For how long.
const AGE: Duration = Duration::from_hours(2 * 366 * 24);

/// What was said of one incident that is kept: its beginning, and the newest.
const EVENTS_PER_INCIDENT: u32 = 200;

/// An incident as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptIncident {
    /// As it was known last.
    pub incident: Incident,
    /// When something was last said of it.
    pub told_at: Timestamp,
    /// Whether people were to be told of it.
    pub notified: bool,
    /// Whether something else was said of it before.
    pub revised: bool,
    /// Whether late data disproved it.
    pub withdrawn: bool,
}

/// Which incidents are asked for; those of `from` to `to` were open at some time between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Whether they are open.
    pub active: Option<bool>,
    /// They ended later.
    pub from: Option<Timestamp>,
    /// They began earlier.
    pub to: Option<Timestamp>,
    /// They hit this centre.
    pub centre: Option<CentreId>,
    /// At most so many, the newest.
    pub most: u32,
}

impl Registry {
    /// Notes what was said, in this order, and forgets what is old. Not a change of version.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn incidents_changed(
        &self,
        events: Vec<Event>,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        self.call("note incidents", move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for event in &events {
                note(&transaction, event)?;
            }
            forget(&transaction, now)?;
            transaction.commit()
        })
        .await
    }

    /// The incidents that match, the newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn incidents(
        &self,
        filter: IncidentFilter,
    ) -> Result<Vec<KeptIncident>, RegistryError> {
        self.call("list incidents", move |connection: &mut Connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM incidents WHERE
                         (:active IS NULL OR (until IS NULL) = :active)
                     AND (:from IS NULL OR until IS NULL OR until >= :from)
                     AND (:to IS NULL OR since <= :to)
                     AND (:centre IS NULL OR id IN
                             (SELECT incident FROM incident_centres WHERE centre = :centre))
                     ORDER BY since DESC, id LIMIT :most",
                )?
                .query_map(
                    named_params! {
                        ":active": filter.active,
                        ":from": filter.from.map(milliseconds),
                        ":to": filter.to.map(milliseconds),
                        ":centre": filter.centre.as_ref().map(CentreId::as_str),
                        ":most": filter.most,
                    },
                    from_row,
                )?
                .collect()
        })
        .await
    }

    /// One incident and all that was said of it, the oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn incident(
        &self,
        id: String,
    ) -> Result<Option<(KeptIncident, Vec<Event>)>, RegistryError> {
        self.call("show an incident", move |connection: &mut Connection| {
            let kept = connection
                .prepare_cached("SELECT * FROM incidents WHERE id = ?")?
                .query_row([&id], from_row)
                .optional()?;
            let Some(kept) = kept else { return Ok(None) };
            let events = connection
                .prepare_cached(
                    "SELECT event FROM incident_events WHERE incident = ? ORDER BY number",
                )?
                .query_map([&id], |row| json(row, "event"))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some((kept, events)))
        })
        .await
    }
}

fn note(transaction: &Transaction<'_>, event: &Event) -> rusqlite::Result<()> {
    let Event {
        event: happened,
        incident,
        ..
    } = event;
    let over = matches!(happened, Happened::Close | Happened::Withdraw);
    let until = incident.until.or(over.then_some(event.at));
    transaction
        .prepare_cached(
            "INSERT INTO incidents (id, since, until, told_at, notified, revised, withdrawn, incident)
             VALUES (:id, :since, :until, :told_at, :notified, :revised, :withdrawn, :incident)
             ON CONFLICT (id) DO UPDATE SET since = :since, until = :until, told_at = :told_at,
                 notified = notified OR :notified, revised = revised OR :revised,
                 withdrawn = :withdrawn, incident = :incident",
        )?
        .execute(named_params! {
            ":id": incident.id,
            ":since": unix_ms(incident.since),
            ":until": until.map(unix_ms),
            ":told_at": unix_ms(event.at),
            ":notified": event.notify,
            ":revised": *happened == Happened::Revise,
            ":withdrawn": *happened == Happened::Withdraw,
            ":incident": text(incident)?,
        })?;
    transaction
        .prepare_cached("DELETE FROM incident_centres WHERE incident = ?")?
        .execute([&incident.id])?;
    for centre in &incident.scope {
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO incident_centres (centre, incident) VALUES (?, ?)",
            )?
            .execute([centre, &incident.id])?;
    }
    transaction
        .prepare_cached("INSERT INTO incident_events (incident, event) VALUES (?, ?)")?
        .execute([&incident.id, &text(event)?])?;
    transaction
        .prepare_cached(
            "DELETE FROM incident_events WHERE incident = :id
                 AND number > (SELECT min(number) FROM incident_events WHERE incident = :id)
                 AND number <= (SELECT number FROM incident_events WHERE incident = :id
                                ORDER BY number DESC LIMIT 1 OFFSET :most)",
        )?
        .execute(named_params! { ":id": incident.id, ":most": EVENTS_PER_INCIDENT })?;
    Ok(())
}

/// Forgets incidents that ended long ago, and the oldest of too many.
fn forget(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let age = i64::try_from(AGE.as_millis()).unwrap_or(i64::MAX);
    let oldest = milliseconds(now).saturating_sub(age);
    transaction.execute("DELETE FROM incidents WHERE until < ?", [oldest])?;
    transaction.execute(
        "DELETE FROM incidents WHERE until IS NOT NULL AND since <=
             (SELECT since FROM incidents ORDER BY since DESC LIMIT 1 OFFSET ?)",
        params![INCIDENTS],
    )?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<KeptIncident> {
    Ok(KeptIncident {
        incident: Incident {
            until: row.get::<_, Option<i64>>("until")?.map(seconds),
            ..json(row, "incident")?
        },
        told_at: super::time(row, "told_at")?,
        notified: row.get("notified")?,
        revised: row.get("revised")?,
        withdrawn: row.get("withdrawn")?,
    })
}

fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: &'static str,
) -> rusqlite::Result<T> {
    super::convert(row, column, |stored: String| serde_json::from_str(&stored))
}

fn text<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    let unwritable = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    serde_json::to_string(value).map_err(unwritable)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a time far off stays far off"
)]
fn unix_ms(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of any time of interest fit a double"
)]
fn seconds(unix_ms: i64) -> f64 {
    unix_ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::watch::fixture::incident;

    fn event(at: f64, happened: Happened, incident: &Incident) -> Event {
        Event {
            at,
            event: happened,
            notify: happened == Happened::Open,
            incident: incident.clone(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    async fn registry(folder: &std::path::Path) -> Registry {
        Registry::create(&folder.join("registry.sqlite")).unwrap()
    }

    fn all() -> IncidentFilter {
        IncidentFilter {
            most: 1_000,
            ..IncidentFilter::default()
        }
    }

    async fn ids(registry: &Registry, filter: IncidentFilter) -> Vec<String> {
        let found = registry.incidents(filter).await.unwrap();
        found.into_iter().map(|kept| kept.incident.id).collect()
    }

    #[tokio::test]
    async fn an_incident_is_kept_with_its_history() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(folder.path()).await;
        let mut known = incident("one", &["cong-son"], 1_000.0);
        let open = event(1_060.0, Happened::Open, &known);
        registry
            .incidents_changed(vec![open.clone()], at(1_060))
            .await
            .unwrap();
        known.until = Some(1_600.5);
        let close = event(1_700.0, Happened::Close, &known);
        registry
            .incidents_changed(vec![close.clone()], at(1_700))
            .await
            .unwrap();
        let (kept, history) = registry.incident("one".into()).await.unwrap().unwrap();
        assert_eq!(kept.incident, known);
        assert!(kept.notified && !kept.revised && !kept.withdrawn);
        assert_eq!(kept.told_at, at(1_700));
        assert_eq!(history, [open, close]);
        assert_eq!(registry.incident("two".into()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn they_are_found_by_time_centre_and_whether_they_are_open() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(folder.path()).await;
        let mut old = incident("old", &["cong-son", "mau-son"], 1_000.0);
        old.until = Some(2_000.0);
        let new = incident("new", &["mau-son"], 5_000.0);
        let events = vec![
            event(1_000.0, Happened::Close, &old),
            event(5_000.0, Happened::Open, &new),
        ];
        registry.incidents_changed(events, at(5_000)).await.unwrap();
        assert_eq!(ids(&registry, all()).await, ["new", "old"]);
        let check = async |filter: IncidentFilter, expected: &[&str]| {
            let filter = IncidentFilter {
                most: 1_000,
                ..filter
            };
            assert_eq!(ids(&registry, filter.clone()).await, expected, "{filter:?}");
        };
        let active = |active| IncidentFilter {
            active: Some(active),
            ..IncidentFilter::default()
        };
        check(active(true), &["new"]).await;
        check(active(false), &["old"]).await;
        let between = |from, to| IncidentFilter {
            from: Some(at(from)),
            to: Some(at(to)),
            ..IncidentFilter::default()
        };
        check(between(0, 999), &[]).await;
        check(between(1_500, 1_600), &["old"]).await;
        check(between(2_001, 9_000), &["new"]).await;
        let of = |centre: &str| IncidentFilter {
            centre: Some(centre.parse().unwrap()),
            ..IncidentFilter::default()
        };
        check(of("cong-son"), &["old"]).await;
        check(of("mau-son"), &["new", "old"]).await;
    }

    #[tokio::test]
    async fn what_ended_long_ago_is_forgotten_with_its_history() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(folder.path()).await;
        let mut old = incident("old", &["cong-son"], 1_000.0);
        old.until = Some(2_000.0);
        let still = incident("still", &["cong-son"], 1_000.0);
        let events = vec![
            event(2_000.0, Happened::Close, &old),
            event(2_000.0, Happened::Open, &still),
        ];
        registry.incidents_changed(events, at(2_000)).await.unwrap();
        assert_eq!(ids(&registry, all()).await, ["old", "still"]);
        let later = at(2_000) + AGE + Duration::from_secs(1);
        registry.incidents_changed(Vec::new(), later).await.unwrap();
        assert_eq!(ids(&registry, all()).await, ["still"]);
        assert_eq!(registry.incident("old".into()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn of_a_long_history_the_beginning_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(folder.path()).await;
        let known = incident("long", &["cong-son"], 0.0);
        let events = (0..300).map(|n| event(f64::from(n), Happened::Update, &known));
        registry
            .incidents_changed(events.collect(), at(300))
            .await
            .unwrap();
        let (_, history) = registry.incident("long".into()).await.unwrap().unwrap();
        let times: Vec<f64> = history.iter().map(|event| event.at).collect();
        assert_eq!(
            times.len(),
            usize::try_from(EVENTS_PER_INCIDENT).unwrap() + 1
        );
        assert_eq!((times[0], times[1], times[200]), (0.0, 100.0, 299.0));
    }
}
