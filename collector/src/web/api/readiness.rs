//! Whether each centre can open: as it looks now, what was said at each check, who is there to say so, and how often such
//! verdicts were right.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use diagnosis::event::{Readiness, Reason};
use diagnosis::readiness::score::Truth;
use diagnosis::sentence::incident::Owner;
use jiff::Timestamp;
use jiff::civil::Date;
use proto::ids::CentreId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Web;
use super::faults::WordsBody;
use super::{Failure, Parameters, Refusal, no_such_centre};
use crate::readiness::{Fares, Standing, Witnesses, owner_of, word};
use crate::registry::{KeptOpening, OpeningFilter, RegistryError};
use crate::web::format::timestamp_of;

/// How ready a centre is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadinessBody {
    /// Its id.
    centre: String,
    /// As people call it.
    name: String,
    /// `ready`, `at_risk`, `not_ready` or `unknown`.
    state: &'static str,
    /// When this was judged.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// The opening it is about; `null` when its hours are not known.
    #[schema(value_type = Option<String>, format = DateTime)]
    opening: Option<Timestamp>,
    /// The newest check of that opening: `T-60`, `T-30`, `T-10` or `T-0`; `null` before the first.
    check: Option<String>,
    reason: ReasonBody,
    /// What was said at the checks of that opening, the first check first.
    checks: Vec<CheckBody>,
    /// What that opening really was: `good`, `weak` or `bad`; `null` until it was compared, or when nobody knows.
    #[schema(value_type = Option<String>)]
    was: Option<Truth>,
    /// Who is there to say anything; left out of past days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    witnesses: Option<WitnessesBody>,
    /// How often verdicts on it were right; left out of past days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    score: Option<ScoreBody>,
}

/// Why, what to do and who does it.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonBody {
    /// A stable word: a fault's, or `well`, `no_witness`, `line_proven_no_pc`, `dark` …
    code: String,
    /// Where; `null` where there is no such place.
    segment: Option<String>,
    /// Whether it is beyond what the centre or its technician can mend.
    not_ours: bool,
    /// Why, for people.
    sentence: WordsBody,
    /// What to do, and who does it.
    action: WordsBody,
    /// Who: `clerk`, `technician`, `provincial_it`, `isp`, `portal` or `electricity`; `null` where nothing is to be done.
    owner: Option<OwnerBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OwnerBody {
    /// The word.
    code: &'static str,
    /// As people call them.
    name: WordsBody,
}

/// A verdict before opening.
#[derive(Debug, Serialize, ToSchema)]
struct CheckBody {
    check: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    state: &'static str,
    reason: ReasonBody,
}

/// The machines that can say anything.
#[derive(Debug, Serialize, ToSchema)]
struct WitnessesBody {
    /// Machines with an agent.
    expected: usize,
    /// Of them, those that are heard.
    awake: usize,
    /// Of those, the ones by cable.
    wired: usize,
    /// The machine that is to be awake an hour before opening, where one is named.
    named: Option<String>,
    /// Of the last openings, at most seven: how many were looked at an hour before …
    openings: u8,
    /// … and at how many of those nobody was awake.
    missed: u8,
    /// What to do so that somebody is awake tomorrow; `null` where somebody is.
    advice: Option<WordsBody>,
    /// When the named machine was asked to be woken for this opening.
    #[schema(value_type = Option<String>, format = DateTime)]
    woken: Option<Timestamp>,
}

/// How verdicts fared that were given ten minutes before opening, compared with the first quarter of an hour.
#[derive(Debug, Serialize, ToSchema)]
struct ScoreBody {
    /// As said.
    right: u32,
    /// Somebody was called for nothing.
    too_dark: u32,
    /// People waited before a door that was said to be fine.
    too_bright: u32,
    /// It said that it cannot know.
    unanswered: u32,
    /// Openings nobody knows the truth of.
    unseen: u32,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadinessFilter {
    /// Id of a centre.
    #[param(value_type = Option<String>, example = "cong-son")]
    centre: Option<CentreId>,
    /// A day in local time: what was said of its openings, and what they were. If left out: as it looks now.
    #[param(value_type = Option<String>, example = "2026-11-24")]
    date: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ScoreFilter {
    /// Id of a centre; all together if left out.
    #[param(value_type = Option<String>, example = "cong-son")]
    centre: Option<CentreId>,
}

/// How the verdicts of one day fared.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DayBody {
    /// In local time.
    date: String,
    #[serde(flatten)]
    score: ScoreBody,
}

/// Days of the record.
const DAYS: i32 = 90;

/// Openings of one day: a country's.
const MOST: u32 = 20_000;

/// How ready centres are, in order of id.
#[utoipa::path(
    get,
    path = "/api/v1/readiness",
    params(ReadinessFilter),
    responses(
        (status = 200, description = "The centres that match", body = [ReadinessBody]),
        (status = 400, description = "A parameter is not known or makes no sense", body = Failure),
        (status = 404, description = "There is no such centre", body = Failure),
        (status = 500, description = "The registry cannot be read", body = Failure),
    )
)]
pub(super) async fn list_readiness(
    State(web): State<Arc<Web>>,
    Parameters(filter): Parameters<ReadinessFilter>,
) -> Result<Json<Vec<ReadinessBody>>, Refusal> {
    let names: HashMap<String, String> = web
        .known_centres()
        .iter()
        .map(|centre| (centre.id.to_string(), centre.name.clone()))
        .collect();
    if let Some(id) = &filter.centre
        && !names.contains_key(id.as_str())
    {
        return Err(no_such_centre(id.as_str()));
    }
    if let Some(date) = &filter.date {
        return of_day(&web, date, filter.centre, &names).await.map(Json);
    }
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let morning = web.faults.readiness().now();
    let matching = morning.centres.iter().filter(|(id, _)| {
        let wanted = filter.centre.as_ref();
        wanted.is_none_or(|wanted| wanted.as_str() == id.as_str())
    });
    let bodies = matching.map(|(id, standing)| ReadinessBody::of(standing, name(id)));
    Ok(Json(bodies.collect()))
}

/// How verdicts that were given ten minutes before opening fared, compared with the first quarter of an hour: day by day,
/// the newest first, 90 days at most.
#[utoipa::path(
    get,
    path = "/api/v1/readiness/scores",
    params(ScoreFilter),
    responses(
        (status = 200, description = "The days on which there were openings", body = [DayBody]),
        (status = 400, description = "A parameter is not known or makes no sense", body = Failure),
        (status = 404, description = "There is no such centre", body = Failure),
        (status = 500, description = "The registry cannot be read", body = Failure),
    )
)]
pub(super) async fn list_scores(
    State(web): State<Arc<Web>>,
    Parameters(filter): Parameters<ScoreFilter>,
) -> Result<Json<Vec<DayBody>>, Refusal> {
    if let Some(id) = &filter.centre
        && !web.known_centres().iter().any(|centre| centre.id == *id)
    {
        return Err(no_such_centre(id.as_str()));
    }
    let from = (web.now)()
        .checked_sub(jiff::SignedDuration::from_hours(i64::from(DAYS) * 24))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let offset = web.utc_offset.seconds();
    let days = web.registry.scores(from, filter.centre, offset).await;
    let days = days.map_err(unreadable)?;
    let bodies = days.into_iter().rev().filter_map(|(day, scores)| {
        let count = |word: &str| scores.get(word).copied().unwrap_or_default();
        let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(day).ok()?);
        Some(DayBody {
            date: date.ok()?.to_string(),
            score: ScoreBody {
                right: count("right"),
                too_dark: count("too_dark"),
                too_bright: count("too_bright"),
                unanswered: count("unanswered"),
                unseen: count("unseen"),
            },
        })
    });
    Ok(Json(bodies.collect()))
}

/// What was said of the openings of a day, by centre.
async fn of_day(
    web: &Web,
    date: &str,
    centre: Option<CentreId>,
    names: &HashMap<String, String>,
) -> Result<Vec<ReadinessBody>, Refusal> {
    let wrong = || Refusal::invalid("date must be a day such as 2026-11-24");
    let date: Date = date.parse().map_err(|_| wrong())?;
    let begins = |date: Date| {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        web.utc_offset.to_timestamp(midnight).map_err(|_| wrong())
    };
    let filter = OpeningFilter {
        from: begins(date)?,
        before: begins(date.tomorrow().map_err(|_| wrong())?)?,
        centre,
        most: MOST,
    };
    let openings = web.registry.openings(filter).await.map_err(unreadable)?;
    let mut bodies: Vec<ReadinessBody> = openings
        .into_iter()
        .filter_map(|opening| {
            let name = names.get(&opening.centre);
            let name = name.unwrap_or(&opening.centre).clone();
            ReadinessBody::past(opening, name)
        })
        .collect();
    bodies.sort_by(|one, other| one.centre.cmp(&other.centre));
    Ok(bodies)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn unreadable(error: RegistryError) -> Refusal {
    tracing::warn!(%error, "Openings cannot be read.");
    Refusal::failed()
}

impl ReadinessBody {
    /// Of an opening that was; nothing when nothing was said of it.
    fn past(opening: KeptOpening, name: String) -> Option<Self> {
        let last = opening.checks.last()?.clone();
        Some(Self {
            centre: opening.centre,
            name,
            state: word(last.state),
            at: timestamp_of(last.at),
            opening: Some(opening.at),
            check: Some(last.check),
            reason: last.reason.into(),
            checks: opening.checks.into_iter().map(CheckBody::from).collect(),
            was: opening.truth,
            witnesses: None,
            score: None,
        })
    }

    fn of(standing: &Standing, name: String) -> Self {
        let Readiness {
            at,
            centre,
            check,
            state,
            reason,
        } = standing.verdict.clone();
        Self {
            centre,
            name,
            state: word(state),
            at: timestamp_of(at),
            opening: standing.opening.and_then(timestamp_of),
            check: (!check.is_empty()).then_some(check),
            reason: reason.into(),
            checks: standing
                .checks
                .iter()
                .cloned()
                .map(CheckBody::from)
                .collect(),
            was: standing.truth,
            witnesses: Some(standing.witnesses.clone().into()),
            score: Some(standing.fares.into()),
        }
    }
}

impl From<Reason> for ReasonBody {
    fn from(reason: Reason) -> Self {
        let owner = owner_of(&reason).map(OwnerBody::from);
        let Reason {
            code,
            segment,
            not_ours,
            sentence,
            action,
        } = reason;
        Self {
            code,
            segment,
            not_ours,
            sentence: sentence.into(),
            action: action.into(),
            owner,
        }
    }
}

impl From<Owner> for OwnerBody {
    fn from(owner: Owner) -> Self {
        Self {
            code: owner.as_str(),
            name: owner.name(None).into(),
        }
    }
}

impl From<Readiness> for CheckBody {
    fn from(verdict: Readiness) -> Self {
        Self {
            check: verdict.check,
            at: timestamp_of(verdict.at),
            state: word(verdict.state),
            reason: verdict.reason.into(),
        }
    }
}

impl From<Witnesses> for WitnessesBody {
    fn from(witnesses: Witnesses) -> Self {
        let Witnesses {
            expected,
            awake,
            wired,
            named,
            openings,
            missed,
            advice,
            woken,
        } = witnesses;
        Self {
            expected,
            awake,
            wired,
            named,
            openings,
            missed,
            advice: advice.map(WordsBody::from),
            woken: woken.and_then(timestamp_of),
        }
    }
}

impl From<Fares> for ScoreBody {
    fn from(fares: Fares) -> Self {
        let Fares {
            right,
            too_dark,
            too_bright,
            unanswered,
            unseen,
        } = fares;
        Self {
            right,
            too_dark,
            too_bright,
            unanswered,
            unseen,
        }
    }
}
