//! What was said of each opening of each centre before it, and what it was. The newest are kept, for two years.

use std::collections::BTreeMap;
use std::time::Duration;

use diagnosis::event::Readiness;
use diagnosis::readiness::score::Truth;
use jiff::Timestamp;
use proto::ids::CentreId;
use rusqlite::{Connection, Row, TransactionBehavior, named_params, params};

use super::{Registry, RegistryError, milliseconds, time};

/// Openings that are kept: two years of a province, and ten weeks of a country.
const OPENINGS: u32 = 150_000;

/// For how long.
const AGE: Duration = Duration::from_hours(2 * 366 * 24);

/// An opening as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptOpening {
    /// Whose.
    pub centre: String,
    /// When its doors open.
    pub at: Timestamp,
    /// What was said at its checks, the first check first.
    pub checks: Vec<Readiness>,
    /// What it was; nothing until it was compared, and when nobody knows.
    pub truth: Option<Truth>,
    /// How the verdict of ten minutes before fared; nothing until it was compared.
    pub score: Option<String>,
}

/// Which openings are asked for: those from the first moment, before the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningFilter {
    /// The first moment.
    pub from: Timestamp,
    /// The moment that is too late.
    pub before: Timestamp,
    /// Of this centre alone.
    pub centre: Option<CentreId>,
    /// At most so many, the newest.
    pub most: u32,
}

/// How many verdicts fared how, by the word of `KeptOpening::score`.
pub type Scores = BTreeMap<String, u32>;

impl Registry {
    /// Notes openings as they are known now, and forgets what is old. Not a change of version.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn openings_changed(
        &self,
        openings: Vec<KeptOpening>,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        self.call("note openings", move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for opening in &openings {
                note(&transaction, opening)?;
            }
            forget(&transaction, now)?;
            transaction.commit()
        })
        .await
    }

    /// The openings that match, the newest first, then by centre.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn openings(&self, filter: OpeningFilter) -> Result<Vec<KeptOpening>, RegistryError> {
        self.call("list openings", move |connection: &mut Connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM openings
                     WHERE opening >= :from AND opening < :before
                     AND (:centre IS NULL OR centre = :centre)
                     ORDER BY opening DESC, centre LIMIT :most",
                )?
                .query_map(
                    named_params! {
                        ":from": milliseconds(filter.from),
                        ":before": milliseconds(filter.before),
                        ":centre": filter.centre.as_ref().map(CentreId::as_str),
                        ":most": filter.most,
                    },
                    from_row,
                )?
                .collect()
        })
        .await
    }

    /// How the verdicts on openings from then on fared, by local day (days since 1970-01-01, `offset` seconds east of
    /// UTC).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn scores(
        &self,
        from: Timestamp,
        centre: Option<CentreId>,
        offset: i32,
    ) -> Result<BTreeMap<i64, Scores>, RegistryError> {
        self.call("count scores", move |connection: &mut Connection| {
            let mut days: BTreeMap<i64, Scores> = BTreeMap::new();
            let mut statement = connection.prepare_cached(
                "SELECT (opening / 1000 + :offset) / 86400 AS day, score, count(*) AS number FROM openings
                 WHERE opening >= :from AND score IS NOT NULL
                 AND (:centre IS NULL OR centre = :centre) GROUP BY day, score",
            )?;
            let mut rows = statement.query(named_params! {
                ":offset": offset,
                ":from": milliseconds(from),
                ":centre": centre.as_ref().map(CentreId::as_str),
            })?;
            while let Some(row) = rows.next()? {
                let scores = days.entry(row.get("day")?).or_default();
                scores.insert(row.get("score")?, row.get("number")?);
            }
            Ok(days)
        })
        .await
    }
}

fn note(connection: &Connection, opening: &KeptOpening) -> rusqlite::Result<()> {
    let unwritable = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    connection
        .prepare_cached(
            "INSERT INTO openings (centre, opening, checks, truth, score)
             VALUES (:centre, :opening, :checks, :truth, :score)
             ON CONFLICT (opening, centre) DO UPDATE
                 SET checks = :checks, truth = :truth, score = :score",
        )?
        .execute(named_params! {
            ":centre": opening.centre,
            ":opening": milliseconds(opening.at),
            ":checks": serde_json::to_string(&opening.checks).map_err(unwritable)?,
            ":truth": opening.truth.map(word),
            ":score": opening.score,
        })?;
    Ok(())
}

fn forget(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let age = i64::try_from(AGE.as_millis()).unwrap_or(i64::MAX);
    let oldest = milliseconds(now).saturating_sub(age);
    connection.execute("DELETE FROM openings WHERE opening < ?", [oldest])?;
    connection.execute(
        "DELETE FROM openings WHERE opening <=
             (SELECT opening FROM openings ORDER BY opening DESC LIMIT 1 OFFSET ?)",
        params![OPENINGS],
    )?;
    Ok(())
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::Good => "good",
        Truth::Weak => "weak",
        Truth::Bad => "bad",
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<KeptOpening> {
    let truth: Option<String> = row.get("truth")?;
    let truths = [Truth::Good, Truth::Weak, Truth::Bad];
    Ok(KeptOpening {
        centre: row.get("centre")?,
        at: time(row, "opening")?,
        checks: super::convert(row, "checks", |text: String| serde_json::from_str(&text))?,
        truth: truths
            .into_iter()
            .find(|known| truth.as_deref() == Some(word(*known))),
        score: row.get("score")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use diagnosis::event::{Reason, State};
    use diagnosis::sentence::Words;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn opening(centre: &str, seconds: i64, score: Option<&str>) -> KeptOpening {
        let check = Readiness {
            at: 1.0,
            centre: centre.to_owned(),
            check: "T-10".into(),
            state: State::AtRisk,
            reason: Reason {
                code: "line_lossy".into(),
                segment: Some("line".into()),
                not_ours: false,
                sentence: Words::default(),
                action: Words::default(),
            },
        };
        KeptOpening {
            centre: centre.to_owned(),
            at: at(seconds),
            checks: vec![check],
            truth: score.map(|_| Truth::Weak),
            score: score.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn openings_are_kept_as_they_are_known_last_counted_by_day_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::create(&folder.path().join("registry.sqlite")).unwrap();
        let day = 86_400;
        let note = async |openings: Vec<KeptOpening>, now| {
            registry.openings_changed(openings, at(now)).await.unwrap();
        };
        let all = [
            opening("a", 10 * day, None),
            opening("b", 10 * day, Some("right")),
        ];
        note(all.to_vec(), 10 * day).await;
        let compared = opening("a", 10 * day, Some("right"));
        let next = opening("a", 11 * day - 3_600, Some("too_bright"));
        note(vec![compared.clone(), next.clone()], 11 * day).await;
        let filter = OpeningFilter {
            from: at(10 * day),
            before: at(11 * day - 3_600),
            centre: Some("a".parse().unwrap()),
            most: 10,
        };
        assert_eq!(registry.openings(filter.clone()).await.unwrap(), [compared]);
        let everywhere = OpeningFilter {
            before: at(12 * day),
            centre: None,
            most: 2,
            ..filter
        };
        let newest = registry.openings(everywhere.clone()).await.unwrap();
        assert_eq!((newest.len(), &newest[0]), (2, &next));
        // An hour east the last of them is of the next day.
        let scores = registry.scores(at(0), None, 3_600).await.unwrap();
        assert_eq!(scores[&10]["right"], 2);
        assert_eq!(scores[&11]["too_bright"], 1);

        let late = i64::try_from(AGE.as_secs()).unwrap() + 10 * day + 1;
        note(Vec::new(), late).await;
        let left = registry.openings(everywhere).await.unwrap();
        assert_eq!(left, [next]);
    }
}
