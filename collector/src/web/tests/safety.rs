//! What must never happen: markup from an agent, a dropped connection, a stale style sheet.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get as on_get;
use tokio::task::JoinSet;

use super::fixture::{Province, centre, get, get_with};
use crate::web::{MADE_AT_ONCE, MOST_WAITING, Web, guard};

const HOSTILE: &str = "\"><script>alert(1)</script>'&\u{202e}";

#[tokio::test]
async fn hostile_texts_are_shown_and_do_nothing() {
    let mut hostile = centre("cong-son", HOSTILE);
    hostile.area = Some(HOSTILE.into());
    hostile.isp = Some("x".repeat(10_000));
    hostile.notes = Some(HOSTILE.into());
    let mut province = Province::of([hostile, centre("other", "Xã")]);
    let pc = province.enrol("cong-son", "pc-1");
    pc.has_link(HOSTILE, HOSTILE, 0.0012, 0.2);
    pc.reports(
        "dawnwatch_agent_source_success",
        &[("source", HOSTILE)],
        0.0,
    );
    let root = [("mountpoint", HOSTILE)];
    pc.reports("dawnwatch_filesystem_size_bytes", &root, 0.0);
    pc.reports("dawnwatch_filesystem_available_bytes", &root, -1e300);
    pc.used(HOSTILE, HOSTILE, &[("tls", f64::MAX), ("dns", -1e300)])
        .used(
            "portal",
            "answered",
            &[("tls", f64::MAX), ("dns", f64::MAX)],
        )
        .asked(HOSTILE, HOSTILE, f64::MAX)
        .asked("system", HOSTILE, -1.0)
        .traced(
            HOSTILE,
            &[("1", HOSTILE), (HOSTILE, "x"), ("255", "x")],
            1e300,
        )
        .traced("far", &[("255", "x")], f64::MIN);
    let hostile = [("target", HOSTILE)];
    pc.reports("dawnwatch_path_mtu_blackhole", &hostile, 1.0)
        .reports("dawnwatch_path_mtu_bytes", &hostile, f64::MIN);
    let service = [("service", HOSTILE)];
    pc.reports("dawnwatch_probe_http_status_code", &service, f64::MAX)
        .reports(
            "dawnwatch_probe_tls_expiry_timestamp_seconds",
            &service,
            f64::MAX,
        );
    for metric in [
        "dawnwatch_interface_up",
        "dawnwatch_wifi_signal_dbm",
        "dawnwatch_interface_carrier_changes_total",
    ] {
        pc.reports(metric, &[("interface", HOSTILE)], f64::MAX);
    }
    let direction = [("direction", HOSTILE)];
    pc.reports("dawnwatch_throughput_bits_per_second", &direction, -1e300);
    pc.reports("dawnwatch_boot_time_seconds", &[], 1e300);
    pc.reports("dawnwatch_agent_spool_bytes", &[], f64::MAX);
    pc.reports("dawnwatch_cpu_usage_ratio", &[], f64::MIN);
    pc.has_clock_off_by(f64::MAX);
    let router = province.router();
    let query = "q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&%3Cscript%3E=%3Cscript%3E";
    for path in [
        "/".to_owned(),
        format!("/?{query}"),
        format!("/centres/cong-son?{query}"),
        format!("/centres/cong-son/devices/pc-1?{query}"),
    ] {
        let page = get(&router, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.does_not_say("<script>").says("&lt;script&gt;");
    }
}

#[tokio::test]
async fn every_answer_forbids_what_it_does_not_need() {
    let router = Province::of([centre("cong-son", "Xã")]).router();
    for path in [
        "/",
        "/centres/cong-son",
        "/nowhere",
        "/api/v1/centres",
        "/openapi.json",
    ] {
        let answer = get(&router, path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    // The policy allows neither, so a page that had them would be broken.
    let page = get(&router, "/centres/cong-son").await;
    page.does_not_say("style=")
        .does_not_say("<style")
        .does_not_say("onclick");
    page.does_not_say("http://").does_not_say("https://");
}

#[tokio::test]
async fn assets_are_cached_until_they_change() {
    let router = Province::of([]).router();
    let page = get(&router, "/").await;
    for (path, media_type) in [
        ("/assets/style.css?v=", "text/css; charset=utf-8"),
        ("/assets/renew.js?v=", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg?v=", "image/svg+xml"),
    ] {
        let start = page.body.find(path).unwrap();
        let address: String = page.body[start..]
            .chars()
            .take_while(|c| *c != '"')
            .collect();
        let asset = get(&router, &address).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert_eq!(asset.header("content-type"), media_type);
        assert!(asset.header("cache-control").contains("immutable"));
        let tag = asset.header("etag").to_owned();
        let again = get_with(&router, &address, &[("if-none-match", &tag)]).await;
        assert_eq!(
            (again.status, again.body.len()),
            (StatusCode::NOT_MODIFIED, 0)
        );
        let changed = get_with(&router, &address, &[("if-none-match", "\"old\"")]).await;
        assert_eq!(changed.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn no_page_leads_elsewhere() {
    let router = Province::of([centre("cong-son", "Xã")]).router();
    for path in [
        "//evil.example/",
        "//evil.example/centres/x?q=1",
        "/\\evil.example/",
    ] {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.does_not_say("evil").says("lang=en\"");
    }
}

/// One thread serves all here, as for a collector whose every thread is at work.
#[tokio::test]
async fn readers_of_heavy_pages_wait_for_each_other_and_hold_up_nobody_else() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let heavy = on_get(async move || {
        let next = released.lock().unwrap().recv();
        next.map_or("gave up", |()| "made")
    });
    let web: Arc<Web> = Arc::new(Province::of([]).web());
    let routes = Router::new()
        .route("/heavy", heavy.clone())
        .route("/api/v1/heavy", heavy);
    let router = guard(routes, &web).with_state(web);
    let mut readers = JoinSet::new();
    for _ in 0..=MADE_AT_ONCE + MOST_WAITING {
        let router = router.clone();
        readers.spawn(async move { get(&router, "/heavy").await });
    }
    // One too many: the first answer, while all others wait.
    let page = readers.join_next().await.unwrap().unwrap();
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    page.says("Đang có nhiều người xem");
    let answer = get(&router, "/api/v1/heavy").await;
    assert_eq!(answer.json()["error"]["code"], "busy");
    for _ in 0..MADE_AT_ONCE + MOST_WAITING {
        release.send(()).unwrap();
    }
    while let Some(answer) = readers.join_next().await {
        answer.unwrap().says("made");
    }
}

#[tokio::test]
async fn a_panic_is_answered_in_the_readers_language() {
    async fn panics() -> &'static str {
        panic!("a defect")
    }
    let web: Arc<Web> = Arc::new(Province::of([]).web());
    let routes = Router::new()
        .route("/broken", on_get(panics))
        .route("/api/v1/broken", on_get(panics));
    let router = guard(routes, &web).with_state(web);
    let page = get(&router, "/broken").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    page.says("Có lỗi ở máy chủ");
    get(&router, "/broken?lang=en")
        .await
        .says("The server failed");
    let answer = get(&router, "/api/v1/broken").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json()["error"]["code"], "internal");
}
