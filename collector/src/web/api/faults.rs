//! What is wrong, and what was: incidents with their reasons, and the history of each.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use diagnosis::event::{Event, Incident};
use diagnosis::sentence::Words;
use jiff::Timestamp;
use proto::ids::CentreId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Web;
use super::{Failure, Nothing, Parameters, Refusal, no_such_centre, shown};
use crate::registry::{IncidentFilter, KeptIncident, RegistryError};
use crate::watch;
use crate::web::format::timestamp_of;

/// Faults of one answer.
const MOST: u32 = 1_000;

/// A diagnosed cause: one, however much it breaks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FaultBody {
    /// Its name for ever.
    id: String,
    /// The centre it hits, the first of several.
    centre: Option<String>,
    /// Where it is; `null` where that is not known.
    segment: Option<String>,
    /// What it is: `line_down`, `service_error`, …, or `unknown`.
    fault: String,
    /// A PC's or a printer's name, the ISP, the area or the service.
    culprit: Option<String>,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// When it ended; `null` while it is active.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// How likely the diagnosis is right: from 0.9 certain, from 0.6 likely.
    confidence: f64,
    /// `provisional` (by what was live), `confirmed` (what was measured meanwhile has arrived), `final`.
    #[schema(value_type = String)]
    stage: diagnosis::event::Stage,
    /// What is wrong, for people.
    sentence: WordsBody,
    /// What to do, and who does it.
    action: WordsBody,
    /// What speaks for it, strongest first, and what speaks against it.
    evidence: Vec<EvidenceBody>,
    /// What else it may be, likeliest first.
    alternatives: Vec<AlternativeBody>,
    /// What would settle it, where something would.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    settles: Option<WordsBody>,
    /// Whether something else was said of it before.
    revised: bool,
    /// Whether data that came late disproved it.
    withdrawn: bool,
    /// Whether people were to be told of it.
    notified: bool,
    /// Who is hit.
    scope: ScopeBody,
}

/// A fault and all that was said of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FaultWithHistory {
    #[serde(flatten)]
    fault: FaultBody,
    /// The oldest first.
    history: Vec<HistoryBody>,
}

/// The same in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WordsBody {
    en: String,
    vi: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct EvidenceBody {
    /// `for` or `against`.
    speaks: &'static str,
    sentence: WordsBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct AlternativeBody {
    segment: Option<String>,
    fault: String,
    /// How likely.
    confidence: f64,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScopeBody {
    /// Ids of all centres it hits, in order.
    centres: Vec<String>,
}

/// What was said at one time.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryBody {
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// `open`, `update`, `revise`, `withdraw` or `close`.
    event: &'static str,
    /// Whether people were told by it.
    notify: bool,
    segment: Option<String>,
    fault: String,
    culprit: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    confidence: f64,
    #[schema(value_type = String)]
    stage: diagnosis::event::Stage,
    sentence: WordsBody,
    scope: ScopeBody,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FaultFilter {
    /// Whether they are active; all if left out.
    active: Option<bool>,
    /// They ended later, or did not end.
    #[param(value_type = Option<String>, example = "2026-11-24T00:00:00Z")]
    from: Option<Timestamp>,
    /// They began earlier.
    #[param(value_type = Option<String>, example = "2026-11-25T00:00:00Z")]
    to: Option<Timestamp>,
    /// Id of a centre that they hit.
    #[param(value_type = Option<String>, example = "cong-son")]
    centre: Option<CentreId>,
}

/// Faults, those that began last first, 1,000 at most.
#[utoipa::path(
    get,
    path = "/api/v1/faults",
    params(FaultFilter),
    responses(
        (status = 200, description = "The faults that match", body = [FaultBody]),
        (status = 400, description = "A parameter is not known or makes no sense", body = Failure),
        (status = 404, description = "There is no such centre", body = Failure),
        (status = 500, description = "The registry cannot be read", body = Failure),
    )
)]
pub(super) async fn list_faults(
    State(web): State<Arc<Web>>,
    Parameters(filter): Parameters<FaultFilter>,
) -> Result<Json<Vec<FaultBody>>, Refusal> {
    if let Some(id) = &filter.centre
        && !web.known_centres().iter().any(|centre| centre.id == *id)
    {
        return Err(no_such_centre(id.as_str()));
    }
    let FaultFilter {
        active,
        from,
        to,
        centre,
    } = filter;
    let filter = IncidentFilter {
        active,
        from,
        to,
        centre,
        most: MOST,
    };
    let kept = web.registry.incidents(filter).await.map_err(unreadable)?;
    Ok(Json(kept.into_iter().map(FaultBody::from).collect()))
}

/// One fault, and all that was said of it.
#[utoipa::path(
    get,
    path = "/api/v1/faults/{id}",
    params(("id" = String, Path, description = "Id of a fault")),
    responses(
        (status = 200, description = "The fault", body = FaultWithHistory),
        (status = 400, description = "A parameter is not known, or the id is no text", body = Failure),
        (status = 404, description = "There is no such fault", body = Failure),
        (status = 500, description = "The registry cannot be read", body = Failure),
    )
)]
pub(super) async fn show_fault(
    State(web): State<Arc<Web>>,
    id: Result<Path<String>, PathRejection>,
    _: Parameters<Nothing>,
) -> Result<Json<FaultWithHistory>, Refusal> {
    let Path(id) = id.map_err(|error| Refusal::invalid(error.body_text()))?;
    let found = web.registry.incident(id.clone()).await;
    let (kept, history) = found.map_err(unreadable)?.ok_or_else(|| {
        let id = shown(&id);
        Refusal::not_found(format!(
            "there is no fault {id:?}; /api/v1/faults lists them"
        ))
    })?;
    Ok(Json(FaultWithHistory {
        fault: FaultBody::from(kept),
        history: history.into_iter().map(HistoryBody::from).collect(),
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn unreadable(error: RegistryError) -> Refusal {
    tracing::warn!(%error, "Faults cannot be read.");
    Refusal::failed()
}

impl From<KeptIncident> for FaultBody {
    fn from(kept: KeptIncident) -> Self {
        let Incident {
            id,
            scope,
            segment,
            fault,
            culprit,
            since,
            until,
            confidence,
            stage,
            alternatives,
            sentence,
            action,
            supports,
            against,
            settles,
        } = kept.incident;
        let speaks = |speaks: &'static str| {
            move |words: Words| EvidenceBody {
                speaks,
                sentence: words.into(),
            }
        };
        let evidence = supports.into_iter().map(speaks("for"));
        let alternatives = alternatives.into_iter().map(|other| AlternativeBody {
            segment: other.segment,
            fault: other.fault,
            confidence: other.p,
        });
        Self {
            id,
            centre: scope.first().cloned(),
            segment,
            fault,
            culprit,
            since: timestamp_of(since),
            until: until.and_then(timestamp_of),
            confidence,
            stage,
            sentence: sentence.into(),
            action: action.into(),
            evidence: evidence
                .chain(against.into_iter().map(speaks("against")))
                .collect(),
            alternatives: alternatives.collect(),
            settles: settles.map(WordsBody::from),
            revised: kept.revised,
            withdrawn: kept.withdrawn,
            notified: kept.notified,
            scope: ScopeBody { centres: scope },
        }
    }
}

impl From<Event> for HistoryBody {
    fn from(event: Event) -> Self {
        let incident = event.incident;
        Self {
            at: timestamp_of(event.at),
            event: watch::word(event.event),
            notify: event.notify,
            segment: incident.segment,
            fault: incident.fault,
            culprit: incident.culprit,
            since: timestamp_of(incident.since),
            until: incident.until.and_then(timestamp_of),
            confidence: incident.confidence,
            stage: incident.stage,
            sentence: incident.sentence.into(),
            scope: ScopeBody {
                centres: incident.scope,
            },
        }
    }
}

impl From<Words> for WordsBody {
    fn from(words: Words) -> Self {
        let Words { vi, en } = words;
        Self { en, vi }
    }
}
