//! The morning board, the card of a fault, the list of them, and times nobody saw.

use axum::http::StatusCode;
use diagnosis::event::{Alternative, Event, Happened, Incident, Stage};
use diagnosis::sentence::Words;
use tokio::sync::watch;

use super::fixture::{Province, centre, get, now};
use crate::alerts::{Status, Trouble};
use crate::blind::tests::round;
use crate::watch::fixture::incident;

const HOSTILE: &str = "\"><script>alert(1)</script>'&";

fn words(vi: &str, en: &str) -> Words {
    Words {
        vi: vi.into(),
        en: en.into(),
    }
}

/// So many seconds ago.
fn ago(seconds: f64) -> f64 {
    now().as_duration().as_secs_f64() - seconds
}

fn event(at: f64, event: Happened, incident: &Incident) -> Event {
    Event {
        at,
        event,
        notify: event == Happened::Open,
        incident: incident.clone(),
    }
}

/// A line of Công Sơn that was first taken for the power, and a province that knows it.
async fn told() -> Province {
    let province = Province::of([
        centre("cong-son", "Xã Công Sơn"),
        centre("mau-son", "Xã Mẫu Sơn"),
    ]);
    province.registers().await;
    let first = Incident {
        segment: Some("power".into()),
        fault: "power_outage".into(),
        culprit: None,
        confidence: 0.5,
        sentence: words(
            "Xã Công Sơn: có thể mất điện.",
            "Công Sơn: possibly no power.",
        ),
        ..incident("a-1", &["cong-son"], ago(1_800.0))
    };
    let known = Incident {
        confidence: 0.72,
        stage: Stage::Confirmed,
        sentence: words(
            "Xã Công Sơn: đường truyền đứt.",
            "Công Sơn: the line is dead.",
        ),
        action: words("Gọi nhà mạng VNPT.", "Call VNPT."),
        against: vec![words("một máy vẫn có tin", "one machine is still heard")],
        settles: Some(words("xem đèn DSL", "look at the lamp")),
        alternatives: vec![Alternative {
            segment: Some("gateway".into()),
            fault: "gateway_down".into(),
            p: 0.2,
        }],
        ..incident("a-1", &["cong-son"], ago(1_800.0))
    };
    let events = vec![
        event(ago(1_740.0), Happened::Open, &first),
        event(ago(1_700.0), Happened::Update, &first),
        event(ago(600.0), Happened::Revise, &known),
    ];
    province
        .registry
        .incidents_changed(events, now())
        .await
        .unwrap();
    province
}

fn position(body: &str, text: &str) -> usize {
    body.find(text)
        .unwrap_or_else(|| panic!("no {text:?} in\n{body}"))
}

#[tokio::test]
async fn a_card_says_what_to_do_first_and_who_does_it_before_anything_else() {
    let router = told().await.router();
    let page = get(&router, "/faults/a-1").await;
    assert_eq!(page.status, StatusCode::OK);
    let order = [
        "<h1>Xã Công Sơn: đường truyền đứt.",
        "Làm trước tiên",
        "Gọi nhà mạng VNPT.",
        "Ai làm",
        "Bắt đầu",
        "Vì sao nói vậy",
        "Hỏng ở: Đường truyền",
        "Đã nói gì",
        "Sổ tay xử lý",
    ];
    let positions = order.map(|text| position(&page.body, text));
    assert!(positions.is_sorted(), "{positions:?}\n{}", page.body);
    page.says("Đang xảy ra, đã 30 phút")
        .says("nhiều khả năng (72%)")
        .says("class=\"who\">cán bộ tại trung tâm; rồi VNPT<")
        .says("một máy vẫn có tin")
        .says("xem đèn DSL")
        .says("href=\"/centres/cong-son\">Xã Công Sơn")
        .says("hỏng ở đây")
        .does_not_say("{}");
    get(&router, "/faults/a-1?lang=en")
        .await
        .says("First thing to do")
        .says("Call VNPT.")
        .says("fails here");
}

#[tokio::test]
async fn a_card_says_what_was_said_before_and_why_it_changed() {
    let router = told().await.router();
    let page = get(&router, "/faults/a-1?lang=en").await;
    page.says("First said")
        .says("Corrected, because late measurements came")
        .says("Before, it said: ");
    // An update that says the same is none for a reader.
    assert_eq!(
        page.body.matches("possibly no power").count(),
        1,
        "{}",
        page.body
    );
}

#[tokio::test]
async fn faults_are_listed_by_whether_they_are_over_and_by_centre() {
    let province = told().await;
    let over = Incident {
        until: Some(ago(86_000.0)),
        ..incident("b 2/..", &["mau-son"], ago(86_400.0))
    };
    let events = vec![event(ago(86_000.0), Happened::Close, &over)];
    province
        .registry
        .incidents_changed(events, now())
        .await
        .unwrap();
    let router = province.router();
    let page = get(&router, "/faults?lang=en").await;
    let order = [
        "Going on",
        "Công Sơn: the line is dead.",
        "Over, last 7 days",
        "/faults/b%202%2F..",
        "Over, lasted 6 min",
    ];
    let positions = order.map(|text| position(&page.body.replace('\u{a0}', " "), text));
    assert!(positions.is_sorted(), "{positions:?}");
    let one = get(&router, "/faults?lang=en&centre=mau-son").await;
    one.says("Faults of Xã Mẫu Sơn")
        .says("Nothing is wrong.")
        .does_not_say("/faults/a-1");
    assert_eq!(
        get(&router, "/faults?centre=nowhere").await.status,
        StatusCode::OK
    );
    assert_eq!(
        get(&router, "/faults/b%202%2F..").await.status,
        StatusCode::OK
    );
    for path in [
        "/faults/nothing",
        "/faults/%ff",
        &format!("/faults/{}", "x".repeat(1_000)),
    ] {
        let none = get(&router, path).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{path}");
        none.says("Không tìm thấy trang");
    }
}

#[tokio::test]
async fn hostile_words_of_a_fault_do_nothing() {
    let province = Province::of([centre("cong-son", HOSTILE)]);
    province.registers().await;
    let both = || words(HOSTILE, HOSTILE);
    let mut hostile = Incident {
        segment: Some(HOSTILE.into()),
        fault: HOSTILE.into(),
        culprit: Some(HOSTILE.into()),
        scope: vec![HOSTILE.into(), "cong-son".into()],
        confidence: f64::MAX,
        sentence: both(),
        action: both(),
        supports: vec![both()],
        against: vec![both()],
        settles: Some(both()),
        ..incident("h", &[], f64::MIN)
    };
    let mut events = vec![event(ago(60.0), Happened::Open, &hostile)];
    hostile.confidence = -1.0;
    hostile.alternatives = vec![Alternative {
        segment: None,
        fault: HOSTILE.into(),
        p: f64::MIN,
    }];
    events.push(event(ago(30.0), Happened::Revise, &hostile));
    province
        .registry
        .incidents_changed(events, now())
        .await
        .unwrap();
    let router = province.router();
    for path in [
        "/faults",
        "/faults?centre=%22%3E%3Cscript%3E",
        "/faults/h",
        "/faults/h?lang=en",
    ] {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.does_not_say("<script>")
            .says("&lt;script&gt;")
            .does_not_say("style=");
    }
}

#[tokio::test]
async fn nobody_being_told_of_faults_is_said_on_top() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let (status, receiver) = watch::channel(Status::default());
    province.alerts = Some(receiver);
    let router = province.router();
    get(&router, "/?lang=en").await.does_not_say("Alertmanager");
    status.send_replace(Status {
        trouble: Some(Trouble {
            since: now().as_second(),
            answer: HOSTILE.into(),
        }),
    });
    for path in ["/?lang=en", "/morning?lang=en", "/faults?lang=en"] {
        get(&router, path)
            .await
            .says("Alerts cannot be sent since 09:30, 12 Mar 2026")
            .does_not_say("<script>");
    }
}

#[tokio::test]
async fn a_cut_is_told_of_afterwards_on_the_centre_and_on_the_card() {
    let province = told().await;
    let blind = province.faults.blind();
    for (arrived, t) in [(1_860.0, 1_861.0), (660.0, 661.0)] {
        blind.take(&round(ago(arrived), ago(t), true));
    }
    for minute in 0..18_u8 {
        blind.take(&round(
            ago(650.0),
            ago(1_800.0 - 60.0 * f64::from(minute)),
            minute >= 10,
        ));
    }
    let router = province.router();
    for path in ["/centres/cong-son", "/faults/a-1"] {
        let page = get(&router, path).await;
        page.says("Trong lúc mất liên lạc")
            .says("Từ 08:59 12/03/2026 đến 09:19 12/03/2026 (20 phút)")
            .says("1 máy gửi bù 18 lượt đo")
            .says("không dùng được 09:00–09:10")
            .says("tốt suốt thời gian đó");
    }
    get(&router, "/centres/cong-son?lang=en")
        .await
        .says("Faults in that time")
        .says("/faults/a-1");
    get(&router, "/centres/mau-son")
        .await
        .does_not_say("Trong lúc mất liên lạc");
}
