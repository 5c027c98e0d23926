//! The API: the live view and the list of centres as JSON, for other programs.
//!
//! Stable: fields are added, never renamed. Absent values are left out or `null`, as the schema
//! says. A parameter that we do not know is refused, so that a misspelt filter does not silently
//! return everything. Every refusal is `{error:{code,message}}`.

mod asked;
mod faults;
mod model;
mod path;
mod readiness;

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use proto::ids::{CentreId, DeviceId};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{Info, OpenApi};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::asked::{EventBody, Interfaces};
use self::model::{CentreBody, CentreWithDevices, DeviceBody, Things};
use super::Web;
use super::view::Detail;
use crate::registry::RegistryError;

/// The API's routes and, at `/openapi.json`, their description.
pub(super) fn routes() -> Router<Arc<Web>> {
    let (routes, description) = described();
    let describe = move || {
        let description = description.clone();
        async move { Json(description) }
    };
    routes.route("/openapi.json", get(describe))
}

fn described() -> (Router<Arc<Web>>, OpenApi) {
    let mut info = Info::new("Dawnwatch collector", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Centres and devices as the collector sees them now. Times are RFC 3339, in UTC; values are \
         in base units: seconds, bytes, ratios from 0 to 1."
            .to_owned(),
    );
    let base = OpenApi::new(info, utoipa::openapi::Paths::new());
    OpenApiRouter::with_openapi(base)
        .routes(routes!(list_centres))
        .routes(routes!(show_centre))
        .routes(routes!(list_devices))
        .routes(routes!(show_device))
        .routes(routes!(list_events))
        .routes(routes!(faults::list_faults))
        .routes(routes!(faults::show_fault))
        .routes(routes!(readiness::list_readiness))
        .routes(routes!(readiness::list_scores))
        .split_for_parts()
}

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
struct Failure {
    error: FailureBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct FailureBody {
    /// A stable word: `invalid_parameter`, `not_found`, `method_not_allowed`, `busy`, `internal`.
    code: &'static str,
    /// What is wrong and what to do, for people.
    message: String,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_parameter",
            message: message.into(),
        }
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            message: message.into(),
        }
    }

    fn failed() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "internal",
            message: "the collector failed to answer; see its log".to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = FailureBody {
            code: self.code,
            message: self.message,
        };
        (self.status, Json(Failure { error })).into_response()
    }
}

/// There is no such route.
pub(super) fn nothing_here() -> Response {
    Refusal::not_found("there is no such route; /openapi.json lists them").into_response()
}

/// The route is there, for reading.
pub(super) fn only_for_reading() -> Response {
    let refusal = Refusal {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: "method_not_allowed",
        message: "the API only answers GET; see /openapi.json".to_owned(),
    };
    refusal.into_response()
}

/// Too many requests wait for an answer.
pub(super) fn busy() -> Response {
    let refusal = Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "busy",
        message: "too many requests at once; ask again in a few seconds".to_owned(),
    };
    refusal.into_response()
}

/// The handler failed.
pub(super) fn failed() -> Response {
    Refusal::failed().into_response()
}

/// A query that has these parameters and no others.
struct Parameters<T>(T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                Err(Refusal::invalid(error.body_text()))
            }
            Err(other) => Err(Refusal::invalid(other.to_string())),
        }
    }
}

/// No parameters at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeviceFilter {
    /// Id of a centre.
    #[param(value_type = Option<String>, example = "cong-son")]
    centre: Option<CentreId>,
    /// What the devices are: `pc`, `printer`, `router`, `switch`, `ups`, `access-point`, `other`.
    kind: Option<String>,
    /// Whether to add every live value. Needs `centre`: a province has too many for one answer.
    #[serde(default)]
    values: bool,
}

/// All centres, in order of id.
#[utoipa::path(
    get,
    path = "/api/v1/centres",
    responses(
        (status = 200, description = "All centres", body = [CentreBody]),
        (status = 400, description = "A parameter is not known", body = Failure),
    )
)]
async fn list_centres(
    State(web): State<Arc<Web>>,
    _: Parameters<Nothing>,
) -> Json<Vec<CentreBody>> {
    let mut centres: Vec<_> = web.centres_now().into_iter().map(CentreBody::of).collect();
    centres.sort_by(|one, other| one.id.cmp(&other.id));
    Json(centres)
}

/// One centre, its path as the middle of its devices, and the devices.
#[utoipa::path(
    get,
    path = "/api/v1/centres/{id}",
    params(("id" = String, Path, description = "Id of a centre", example = "cong-son")),
    responses(
        (status = 200, description = "The centre", body = CentreWithDevices),
        (status = 400, description = "A parameter is not known, or the id is no text", body = Failure),
        (status = 404, description = "There is no such centre", body = Failure),
    )
)]
async fn show_centre(
    State(web): State<Arc<Web>>,
    id: Result<Path<String>, PathRejection>,
    _: Parameters<Nothing>,
) -> Result<Json<CentreWithDevices>, Refusal> {
    let Path(id) = id.map_err(|error| Refusal::invalid(error.body_text()))?;
    let (centre, devices) = web.centre_now(&id).ok_or_else(|| no_such_centre(&id))?;
    let things = Things {
        asked: web.asked_in(&centre.centre.id),
        scout: web.scout_of(&centre.centre.id),
        waiting: web.waiting_in(&centre.centre.id),
    };
    Ok(Json(CentreWithDevices::of(centre, &devices, &things)))
}

/// All devices, with an agent or without one, in order of centre and name.
#[utoipa::path(
    get,
    path = "/api/v1/devices",
    params(DeviceFilter),
    responses(
        (status = 200, description = "The devices that match", body = [DeviceBody]),
        (status = 400, description = "A parameter is not known or makes no sense", body = Failure),
        (status = 404, description = "There is no such centre", body = Failure),
    )
)]
async fn list_devices(
    State(web): State<Arc<Web>>,
    Parameters(filter): Parameters<DeviceFilter>,
) -> Result<Json<Vec<DeviceBody>>, Refusal> {
    if let Some(id) = &filter.centre
        && !web.known_centres().iter().any(|centre| centre.id == *id)
    {
        return Err(no_such_centre(id.as_str()));
    }
    if filter.values && filter.centre.is_none() {
        return Err(Refusal::invalid(
            "values=true needs centre=…; /metrics has the values of all centres",
        ));
    }
    let detail = if filter.values {
        Detail::Values
    } else {
        Detail::Links
    };
    let mut devices = Vec::new();
    web.visit_devices(
        filter.centre.as_ref(),
        filter.kind.as_deref(),
        detail,
        |device| devices.push(DeviceBody::of(&device, filter.values)),
    );
    let kind = filter.kind.as_deref();
    web.visit_asked(filter.centre.as_ref(), detail, |asked| {
        if kind.is_none_or(|kind| asked.kind().as_str() == kind) {
            let interfaces = Interfaces::LeftOut;
            devices.push(DeviceBody::of_asked(&asked, filter.values, interfaces));
        }
    });
    devices.sort_by(|one, other| one.place().cmp(&other.place()));
    Ok(Json(devices))
}

/// One device, with all its values and interfaces.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{centre}/{device}",
    params(
        ("centre" = String, Path, description = "Id of a centre", example = "cong-son"),
        ("device" = String, Path, description = "Name of a device there", example = "printer-1"),
    ),
    responses(
        (status = 200, description = "The device", body = DeviceBody),
        (status = 400, description = "A parameter is not known, or a name is no text", body = Failure),
        (status = 404, description = "There is no such device", body = Failure),
    )
)]
async fn show_device(
    State(web): State<Arc<Web>>,
    names: Result<Path<(String, String)>, PathRejection>,
    _: Parameters<Nothing>,
) -> Result<Json<DeviceBody>, Refusal> {
    let Path((centre, device)) = names.map_err(|error| Refusal::invalid(error.body_text()))?;
    let asked = web.asked_now(&centre, &device);
    let asked = asked.map(|asked| DeviceBody::of_asked(&asked, true, Interfaces::All));
    let with_agent = || Some(DeviceBody::of(&web.device_now(&centre, &device)?, true));
    let found = asked.or_else(with_agent).map(Json);
    found.ok_or_else(|| {
        let [centre, device] = [centre, device].map(|name| shown(&name));
        Refusal::not_found(format!(
            "there is no device {device:?} in {centre:?}; /api/v1/devices lists them"
        ))
    })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventFilter {
    /// Id of a centre.
    #[param(value_type = String, example = "cong-son")]
    centre: CentreId,
    /// Name of a device there.
    #[param(value_type = Option<String>, example = "printer-1")]
    device: Option<DeviceId>,
}

/// Events of one answer.
const MOST_EVENTS: usize = 1_000;

/// What happened to the machines and devices of a centre: found, approved, another address, serial number or
/// firmware. The newest first, 1,000 at most.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    params(EventFilter),
    responses(
        (status = 200, description = "What happened", body = [EventBody]),
        (status = 400, description = "A parameter is missing, not known or makes no sense", body = Failure),
        (status = 404, description = "There is no such centre", body = Failure),
        (status = 500, description = "The registry cannot be read", body = Failure),
    )
)]
async fn list_events(
    State(web): State<Arc<Web>>,
    Parameters(filter): Parameters<EventFilter>,
) -> Result<Json<Vec<EventBody>>, Refusal> {
    let EventFilter { centre, device } = filter;
    match web.events(centre, device).await {
        Ok(events) => {
            let newest = events.into_iter().take(MOST_EVENTS);
            Ok(Json(newest.map(EventBody::from).collect()))
        }
        Err(RegistryError::UnknownCentre { centre }) => Err(no_such_centre(centre.as_str())),
        Err(error) => {
            tracing::warn!(%error, "What happened to devices cannot be read.");
            Err(Refusal::failed())
        }
    }
}

fn no_such_centre(id: &str) -> Refusal {
    let shown = shown(id);
    Refusal::not_found(format!(
        "there is no centre {shown:?}; /api/v1/centres lists them"
    ))
}

/// As much of a text of the request as there is room for.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
