//! The API keeps its word: shapes, refusals, and a description that is true.

use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::asked::one_of_each;
use super::fixture::{Province, ask, asked, centre, get};
use crate::registry::{Asked, Status};
use proto::plan::Kind;

fn province() -> Province {
    let mut province = Province::of([centre("b", "Xã B"), centre("a", "Xã A")]);
    province.centres[1].hours = None;
    let pc = province.enrol("a", "pc-1");
    pc.has_link("gateway", "gateway", 0.0012, 0.5);
    pc.reports("dawnwatch_cpu_usage_ratio", &[], 0.25);
    let google = [("target", "google")];
    pc.used("portal", "http_error", &[("dns", 0.01), ("connect", 0.02)])
        .asked("system", "answered", 0.014)
        .traced("google", &[("1", "192.0.2.1")], 9.0)
        .reports("dawnwatch_path_mtu_bytes", &google, 1_412.0)
        .reports("dawnwatch_path_mtu_blackhole", &google, 1.0);
    let portal = [("service", "portal")];
    let expiry = "dawnwatch_probe_tls_expiry_timestamp_seconds";
    pc.reports(expiry, &portal, 1_800_000_000.0);
    pc.reports("dawnwatch_probe_http_status_code", &portal, 503.0);
    province.enrol("a", "pc-2").says_goodbye();
    province
}

#[tokio::test]
async fn centres_are_listed_with_their_agents() {
    let centres = get(&province().router(), "/api/v1/centres").await.json();
    let expected = json!([
        {
            "id": "a", "name": "Xã A", "area": "Huyện Lộc Bình", "isp": "VNPT", "latitude": 21.75,
            "longitude": null, "hours": null, "days": null, "notes": null, "open": null,
            "agents": {"live": 1, "silent": 0, "goodbye": 1, "never": 0},
        },
        {
            "id": "b", "name": "Xã B", "area": "Huyện Lộc Bình", "isp": "VNPT", "latitude": 21.75,
            "longitude": null, "hours": "07:30-11:30 13:30-17:00", "days": "mon-fri",
            "notes": null, "open": true,
            "agents": {"live": 0, "silent": 0, "goodbye": 0, "never": 0},
        },
    ]);
    assert_eq!(centres, expected);
}

#[tokio::test]
async fn a_centre_comes_with_its_devices() {
    let centre = get(&province().router(), "/api/v1/centres/a").await.json();
    assert_eq!(centre["name"], "Xã A");
    assert_eq!(centre["devices"][0]["device"], "pc-1");
    assert_eq!(centre["devices"][1]["presence"], "goodbye");
}

#[tokio::test]
async fn paths_services_and_resolvers_are_shown_of_devices_and_of_their_centre() {
    let router = province().router();
    let centre = get(&router, "/api/v1/centres/a").await.json();
    let pc = &centre["devices"][0];
    let route = json!([{
        "target": "google", "hops": [{"hop": 1, "address": "192.0.2.1", "rtt_seconds": 0.0042}],
        "hops_total": 9.0, "changes_total": null, "mtu_bytes": 1412.0, "mtu_blackhole": true,
    }]);
    assert_eq!(pc["path"], route);
    let service = json!([{
        "service": "portal", "outcome": "http_error", "phases": {"dns": 0.01, "connect": 0.02},
        "http_status_code": 503.0, "tls_expiry": "2027-01-15T08:00:00Z",
    }]);
    assert_eq!(pc["services"], service);
    let resolver =
        json!([{"resolver": "system", "outcome": "answered", "duration_seconds": 0.014}]);
    assert_eq!(pc["resolvers"], resolver);
    let found = json!([{
        "name": "portal", "devices": 1, "outcomes": {"http_error": 1}, "duration_seconds": 0.03,
    }]);
    assert_eq!(centre["services"], found);
    assert_eq!(centre["resolvers"][0]["outcomes"], json!({"answered": 1}));
    assert_eq!(centre["path"][0]["target"], "gateway");
    assert_eq!(centre["path"][0]["recent_loss_ratio"], 0.5);
    let devices = get(&router, "/api/v1/devices").await.json();
    assert_eq!(devices[0]["services"], service);
    assert_eq!(devices[1]["services"], json!([]), "said goodbye");
}

#[tokio::test]
async fn devices_show_links_and_values_when_asked() {
    let router = province().router();
    let devices = get(&router, "/api/v1/devices?centre=a&kind=pc&values=true")
        .await
        .json();
    let pc = &devices[0];
    assert_eq!(pc["presence"], "live");
    assert_eq!(pc["last_report"], "2026-03-12T02:30:00Z");
    assert_eq!(pc["clock_offset_seconds"], 0.1);
    assert_eq!(pc["links"][0]["rtt_median_seconds"], 0.0012);
    assert_eq!(pc["links"][0]["recent_loss_ratio"], 0.5);
    let cpu = json!({
        "metric": "dawnwatch_cpu_usage_ratio", "labels": {}, "value": 0.25,
        "time": "2026-03-12T02:30:00Z",
    });
    assert!(pc["values"].as_array().unwrap().contains(&cpu), "{pc}");
    assert_eq!(
        devices[1]["values"],
        json!([]),
        "a goodbye has no live values"
    );
    let all = get(&router, "/api/v1/devices").await.json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(all[0].get("values").is_none());
    assert_eq!(
        get(&router, "/api/v1/devices?kind=router").await.json(),
        json!([])
    );
}

#[tokio::test]
async fn refusals_are_json_and_say_what_to_do() {
    let router = province().router();
    let check = async |path: &str, status: StatusCode, code: &str, says: &str| {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, status, "{path}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], code, "{path}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(says), "{path}: {message}");
    };
    let (bad, absent) = (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND);
    check("/api/v1/centres?area=x", bad, "invalid_parameter", "area").await;
    check("/api/v1/centres/a?x=1", bad, "invalid_parameter", "x").await;
    check(
        "/api/v1/devices?center=a",
        bad,
        "invalid_parameter",
        "center",
    )
    .await;
    check(
        "/api/v1/devices?centre=A+B",
        bad,
        "invalid_parameter",
        "no id",
    )
    .await;
    check(
        "/api/v1/devices?values=maybe",
        bad,
        "invalid_parameter",
        "values: ",
    )
    .await;
    check(
        "/api/v1/devices?values=true",
        bad,
        "invalid_parameter",
        "centre=",
    )
    .await;
    check(
        "/api/v1/devices?centre=nowhere",
        absent,
        "not_found",
        "nowhere",
    )
    .await;
    check("/api/v1/centres/nowhere", absent, "not_found", "nowhere").await;
    check("/api/v1/centres/%ff", bad, "invalid_parameter", "UTF-8").await;
    check("/api/v1/nonsense", absent, "not_found", "openapi").await;
}

#[tokio::test]
async fn what_is_only_for_reading_says_so() {
    let router = province().router();
    for path in ["/api/v1/centres", "/api/v1/devices", "/openapi.json"] {
        let answer = ask(&router, Request::post(path)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.json()["error"]["code"], "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET,HEAD", "{path}");
    }
    let page = ask(&router, Request::post("/")).await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_description_covers_every_route_and_tells_the_truth() {
    let mut province = province();
    one_of_each(&mut province, "a");
    let found = Asked {
        status: Status::Found,
        mac: "001ba9000001".parse().ok(),
        ..asked("a", "found-1", Kind::Printer)
    };
    province.registers().await;
    a_fault(&province).await;
    province.known.push(found);
    let router = province.router();
    let description = get(&router, "/openapi.json").await.json();
    let paths = description["paths"].as_object().unwrap();
    let mut described: Vec<_> = paths.keys().map(String::as_str).collect();
    described.sort_unstable();
    let one = "/api/v1/devices/{centre}/{device}";
    let asked = [
        ("/api/v1/centres", "/api/v1/centres", "200"),
        ("/api/v1/centres", "/api/v1/centres?x=1", "400"),
        ("/api/v1/centres/{id}", "/api/v1/centres/a", "200"),
        ("/api/v1/centres/{id}", "/api/v1/centres/nowhere", "404"),
        ("/api/v1/devices", "/api/v1/devices", "200"),
        (
            "/api/v1/devices",
            "/api/v1/devices?centre=a&values=true",
            "200",
        ),
        ("/api/v1/devices", "/api/v1/devices?values=true", "400"),
        (one, "/api/v1/devices/a/pc-1", "200"),
        (one, "/api/v1/devices/a/may-in", "200"),
        (one, "/api/v1/devices/a/cong-mang", "200"),
        (one, "/api/v1/devices/a/luu-dien", "200"),
        (one, "/api/v1/devices/a/nothing", "404"),
        (one, "/api/v1/devices/a/pc-1?x=1", "400"),
        ("/api/v1/events", "/api/v1/events?centre=a", "200"),
        ("/api/v1/events", "/api/v1/events", "400"),
        ("/api/v1/events", "/api/v1/events?centre=nowhere", "404"),
        ("/api/v1/faults", "/api/v1/faults", "200"),
        (
            "/api/v1/faults",
            "/api/v1/faults?active=true&centre=a",
            "200",
        ),
        (
            "/api/v1/faults",
            "/api/v1/faults?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00%2B07:00",
            "200",
        ),
        ("/api/v1/faults", "/api/v1/faults?active=perhaps", "400"),
        ("/api/v1/faults", "/api/v1/faults?centre=nowhere", "404"),
        ("/api/v1/faults/{id}", "/api/v1/faults/a-1", "200"),
        ("/api/v1/faults/{id}", "/api/v1/faults/nothing", "404"),
        ("/api/v1/readiness", "/api/v1/readiness", "200"),
        (
            "/api/v1/readiness/scores",
            "/api/v1/readiness/scores",
            "200",
        ),
    ];
    let mut covered: Vec<_> = asked.iter().map(|(path, ..)| *path).collect();
    covered.dedup();
    assert_eq!(described, covered);
    let judged = "/components/schemas/LinkBody/properties/recent_loss_ratio/description";
    let judged = description.pointer(judged).unwrap().as_str().unwrap();
    let minutes = proto::thresholds::JUDGED_OVER.as_secs() / 60;
    assert!(judged.contains(&format!("{minutes} minutes")), "{judged}");
    for (path, address, status) in asked {
        let answer = get(&router, address).await;
        assert_eq!(answer.status.as_str(), status, "{address}");
        let response = &paths[path]["get"]["responses"][status];
        let schema = &response["content"]["application/json"]["schema"];
        let mut problems = Vec::new();
        conform(&description, schema, &answer.json(), address, &mut problems);
        assert_eq!(problems, [""; 0], "{schema}");
    }
}

/// One that hits both centres.
async fn a_fault(province: &Province) {
    let incident = crate::watch::fixture::incident("a-1", &["a", "b"], 1_790_000_000.0);
    let event = diagnosis::event::Event {
        at: 1_790_000_060.0,
        event: diagnosis::event::Happened::Open,
        notify: true,
        incident,
    };
    let kept = province
        .registry
        .incidents_changed(vec![event], super::fixture::now());
    kept.await.unwrap();
}

#[tokio::test]
async fn a_fault_is_told_with_its_reasons_and_its_history() {
    let province = province();
    a_fault(&province).await;
    let router = province.router();
    let faults = get(&router, "/api/v1/faults?active=true").await.json();
    assert_eq!(faults.as_array().unwrap().len(), 1);
    let fault = &faults[0];
    assert_eq!(fault["scope"], json!({"centres": ["a", "b"]}));
    assert_eq!(
        (
            &fault["centre"],
            &fault["segment"],
            &fault["fault"],
            &fault["culprit"]
        ),
        (
            &json!("a"),
            &json!("line"),
            &json!("line_down"),
            &json!("VNPT")
        )
    );
    assert_eq!(fault["since"], "2026-09-21T14:13:20Z");
    assert_eq!(fault["until"], Value::Null);
    assert_eq!(fault["sentence"]["en"], "The line is dead.");
    assert_eq!(fault["evidence"][0]["speaks"], "for");
    assert_eq!(
        (&fault["revised"], &fault["stage"]),
        (&json!(false), &json!("provisional"))
    );
    let one = get(&router, "/api/v1/faults/a-1").await.json();
    assert_eq!(one["history"][0]["event"], "open");
    assert_eq!(one["history"][0]["notify"], true);
    let none = get(&router, "/api/v1/faults?active=false").await.json();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn the_check_against_the_description_finds_what_is_wrong() {
    let schema = json!({
        "type": "object", "required": ["a"],
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "array", "items": {"type": "number"}}},
    });
    let check = |value: Value, expected: &[&str]| {
        let mut problems = Vec::new();
        conform(&Value::Null, &schema, &value, "$", &mut problems);
        assert_eq!(problems, expected);
    };
    check(json!({"a": null, "b": [1]}), &[]);
    check(
        json!({"b": ["x"]}),
        &["$.a is missing", "$.b[0] is no number"],
    );
    check(
        json!({"a": 1, "c": 1}),
        &["$.a is no string or null", "$.c is not described"],
    );
}

/// Checks a value against the part of JSON schema that the description uses. Anything it does not
/// know is a problem too, so that it cannot pass by ignorance.
fn conform(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        match root.pointer(reference.trim_start_matches('#')) {
            Some(schema) => conform(root, schema, value, at, problems),
            None => problems.push(format!("{at}: {reference} is not there")),
        }
        return;
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        // Each part describes some of the fields: together they are one object.
        conform(root, &merged(root, parts), value, at, problems);
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        if !allowed.contains(value) {
            problems.push(format!("{at} is none of {allowed:?}"));
        }
        return;
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.iter().any(|kind| is_a(kind, value)) {
        problems.push(format!("{at} is no {}", kinds.join(" or ")));
        return;
    }
    if schema["format"] == "date-time"
        && let Some(text) = value.as_str()
        && text.parse::<jiff::Timestamp>().is_err()
    {
        problems.push(format!("{at} is no time"));
    }
    if let Some(items) = value.as_array() {
        for (position, item) in items.iter().enumerate() {
            conform(
                root,
                &schema["items"],
                item,
                &format!("{at}[{position}]"),
                problems,
            );
        }
    }
    if let Some(fields) = value.as_object() {
        let required = schema["required"].as_array();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                problems.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, field) in fields {
            let described = schema["properties"].get(name);
            match described.or_else(|| schema.get("additionalProperties")) {
                Some(schema) => conform(root, schema, field, &format!("{at}.{name}"), problems),
                None => problems.push(format!("{at}.{name} is not described")),
            }
        }
    }
}

fn merged(root: &Value, parts: &[Value]) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for part in parts {
        let reference = part.get("$ref").and_then(Value::as_str);
        let part = reference
            .and_then(|reference| root.pointer(reference.trim_start_matches('#')))
            .unwrap_or(part);
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}
