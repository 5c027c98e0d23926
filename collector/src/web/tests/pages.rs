//! What readers see: facts, empty states, both languages, order, size.

use axum::http::StatusCode;

use super::fixture::{Province, STALE_AFTER, centre, enrolled, get, get_with, now};

/// One centre per standing, with names that say which.
fn province_of_all_standings() -> Province {
    let mut province = Province::of(
        [
            "a-good",
            "b-off",
            "c-unknown",
            "d-notice",
            "e-poor",
            "f-lost",
        ]
        .map(|id| centre(id, &format!("Xã {id}"))),
    );
    let link = |province: &mut Province, centre: &str, loss: f64| {
        let device = province.enrol(centre, "pc-1");
        device.has_link("gateway", "gateway", 0.0012, 0.0);
        device.has_link("core", "collector", 0.035, loss);
    };
    link(&mut province, "a-good", 0.0);
    link(&mut province, "d-notice", 0.04);
    link(&mut province, "e-poor", 0.2);
    province.enrol("b-off", "pc-1").says_goodbye();
    province.centres[1].hours = None;
    province.enrol("c-unknown", "pc-1");
    province.enrol_as("f-lost", "pc-1", silent("silent"));
    province
}

fn position(body: &str, text: &str) -> usize {
    body.find(text)
        .unwrap_or_else(|| panic!("no {text:?} in\n{body}"))
}

#[tokio::test]
async fn what_needs_attention_comes_first() {
    let page = get(&province_of_all_standings().router(), "/").await;
    assert_eq!(page.status, StatusCode::OK);
    let order = [
        "f-lost",
        "e-poor",
        "d-notice",
        "c-unknown",
        "a-good",
        "b-off",
    ];
    let positions = order.map(|id| position(&page.body, &format!("/centres/{id}")));
    assert!(positions.is_sorted(), "{positions:?}\n{}", page.body);
    page.says("<title>(2) Lạng Sơn")
        .says("24 phút trước")
        .says("1,2 / 35 ms")
        .says("20%<small>Mạng lõi</small>")
        .says("đang mở cửa");
}

#[tokio::test]
async fn both_languages_are_offered_and_remembered() {
    let router = province_of_all_standings().router();
    get(&router, "/")
        .await
        .says("lang=\"vi\"")
        .says("Mất liên lạc");
    let accept = [("accept-language", "en-GB")];
    let english = get_with(&router, "/?q=lost", &accept).await;
    english
        .says("lang=\"en\"")
        .says("No contact")
        .says("24 min ago");
    english.says("href=\"?q=lost&amp;lang=vi\"");
    assert_eq!(english.header("set-cookie"), "");
    let chosen = get(&router, "/?lang=en").await;
    chosen.says("No contact");
    assert!(chosen.header("set-cookie").starts_with("lang=en;"));
    let cookie = [("cookie", "lang=en"), ("accept-language", "vi")];
    get_with(&router, "/centres/f-lost", &cookie)
        .await
        .says("No contact");
}

#[tokio::test]
async fn a_filter_finds_names_without_their_accents() {
    let mut province = province_of_all_standings();
    province.centres[0].name = "Xã Đồng Đăng".into();
    province.centres[0].isp = Some("Viettel".into());
    let router = province.router();
    let check = async |query: &str, found: &[&str]| {
        let page = get(&router, query).await;
        for id in [
            "a-good",
            "b-off",
            "c-unknown",
            "d-notice",
            "e-poor",
            "f-lost",
        ] {
            let listed = page.body.contains(&format!("/centres/{id}"));
            assert_eq!(listed, found.contains(&id), "{query}: {id}");
        }
    };
    check("/?q=dong+dang", &["a-good"]).await;
    check("/?q=%C4%90%E1%BB%92NG", &["a-good"]).await;
    check("/?isp=Viettel", &["a-good"]).await;
    check("/?q=viettel+xa", &["a-good"]).await;
    check("/?isp=Viettel&q=lost", &[]).await;
    check("/?standing=lost", &["f-lost"]).await;
    check("/?standing=lost&isp=Viettel", &[]).await;
    get(&router, "/?q=nowhere")
        .await
        .says("Không có trung tâm nào khớp.");
}

#[tokio::test]
async fn empty_states_say_what_to_do_next() {
    let router = Province::of([]).router();
    get(&router, "/")
        .await
        .says("dawnwatch-collector centre import");
    get(&router, "/?lang=en").await.says("No centres yet");
    let router = Province::of([centre("cong-son", "Xã Công Sơn")]).router();
    get(&router, "/centres/cong-son")
        .await
        .says("dawnwatch-collector token create --centre cong-son");
}

#[tokio::test]
async fn a_centre_shows_its_facts_devices_and_links() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    pc.has_link("gateway", "gateway", 0.0012, 0.0);
    pc.reports("dawnwatch_cpu_usage_ratio", &[], 0.25);
    let root = [("mountpoint", "/")];
    pc.reports("dawnwatch_filesystem_size_bytes", &root, 100.0);
    pc.reports("dawnwatch_filesystem_available_bytes", &root, 9.0);
    let method = [
        ("segment", "gateway"),
        ("target", "gateway"),
        ("address", "192.0.2.1"),
        ("method", "tcp_connect"),
    ];
    pc.reports("dawnwatch_link_method_info", &method, 1.0);
    pc.has_clock_off_by(-86_400.0);
    province.enrol("cong-son", "pc-2").says_goodbye();
    let page = get(&province.router(), "/centres/cong-son").await;
    page.says("T2–T6 07:30–11:30 13:30–17:00")
        .says("Huyện Lộc Bình")
        .says("25%")
        .says("91%")
        .says("Cổng mạng → 192.0.2.1")
        .says("đo bằng TCP")
        .says("đồng hồ sai: −1 ngày 0 giờ so với máy chủ")
        .says("đã tắt");
}

#[tokio::test]
async fn a_centre_says_in_figures_why_it_needs_attention() {
    let router = province_of_all_standings().router();
    let check = async |centre: &str, says: &str| {
        get(&router, &format!("/centres/{centre}")).await.says(says);
    };
    check(
        "f-lost",
        "Mất liên lạc</b>: 1 mất tín hiệu · Báo về 24 phút trước",
    )
    .await;
    check("e-poor", "Kết nối kém</b>: mất gói 20% (Mạng lõi)").await;
    check("a-good", "Bình thường</b>. Thiết bị đang báo về").await;
}

#[tokio::test]
async fn a_device_shows_live_values_and_their_last_hour() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    pc.reports_for(20, "dawnwatch_cpu_usage_ratio", &[], 0.25);
    pc.has_link("gateway", "gateway", 0.0012, 0.0);
    let source = |name| [("source", name)];
    pc.reports(
        "dawnwatch_agent_source_success",
        &source("temperature"),
        0.0,
    );
    pc.reports("dawnwatch_agent_source_success", &source("cpu"), 1.0);
    let page = get(&province.router(), "/centres/cong-son/devices/pc-1").await;
    page.says("<svg class=\"spark\"")
        .says("Mức sử dụng, 60 phút qua: từ 25% đến 25%")
        .says("Không đo được: temperature.")
        .says("1,2 ms")
        .says("01/06/2026")
        .does_not_say("đồng hồ sai");
}

#[tokio::test(start_paused = true)]
async fn a_silent_device_shows_since_when_and_no_values() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    pc.reports("dawnwatch_cpu_usage_ratio", &[], 0.25);
    tokio::time::advance(STALE_AFTER).await;
    let path = "/centres/cong-son/devices/pc-1";
    let silent = get(&province.router(), path).await;
    silent
        .says("Mất tín hiệu từ 09:30 12/03/2026")
        .does_not_say("25%");
    pc.reports("dawnwatch_cpu_usage_ratio", &[], 0.25);
    pc.says_goodbye();
    let off = get(&province.router(), path).await;
    off.says("Máy đã báo tắt lúc 09:30").does_not_say("25%");
}

#[tokio::test]
async fn a_closed_centre_whose_devices_fell_silent_is_off_but_a_silent_router_is_not() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    province.centres[0].hours = crate::calendar::Hours::parse("13:30-17:00", "mon-fri").ok();
    let silent = |kind: &str| crate::latest::Enrolled {
        last_report: Some(now()),
        kind: kind.into(),
        ..enrolled(kind)
    };
    province.enrol_as("cong-son", "pc-1", silent("pc"));
    get(&province.router(), "/").await.says("id=\"off\"");
    province.enrol_as("cong-son", "router", silent("router"));
    get(&province.router(), "/").await.says("id=\"lost\"");
}

fn silent(agent: &str) -> crate::latest::Enrolled {
    crate::latest::Enrolled {
        last_report: now().checked_sub(jiff::Span::new().minutes(24)).ok(),
        ..enrolled(agent)
    }
}

#[tokio::test]
async fn one_silent_device_among_others_that_said_goodbye_is_no_lost_centre() {
    let closed = crate::calendar::Hours::parse("13:30-17:00", "mon-fri").ok();
    for (hours, kind) in [(None, "pc"), (closed, "router")] {
        let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
        province.centres[0].hours = hours;
        let device = crate::latest::Enrolled {
            kind: kind.into(),
            ..silent("one")
        };
        province.enrol_as("cong-son", "one", device);
        get(&province.router(), "/").await.says("id=\"lost\"");
        province.enrol("cong-son", "pc-2").says_goodbye();
        let router = province.router();
        let page = get(&router, "/").await;
        page.says("id=\"notice\"").does_not_say("id=\"lost\"");
        page.says("24 phút trước")
            .does_not_say("tất cả đã tắt trong giờ mở cửa</small>");
        let page = get(&router, "/centres/cong-son?lang=en").await;
        page.says("no device reports: 1 silent, 1 off · Last report 24 min ago");
    }
}

#[tokio::test]
async fn a_line_is_called_good_only_when_something_was_measured_across_it() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    let check = async |expected: &str| {
        let page = get(&province.router(), "/centres/cong-son?lang=en").await;
        page.says(&format!("</i><b>{expected}"));
        let praised = page.body.contains("the line is good");
        assert_eq!(praised, expected.starts_with("Fine"), "{}", page.body);
    };
    pc.reports("dawnwatch_cpu_usage_ratio", &[], 0.25);
    check("Devices report</b>. Nothing has been measured across the line").await;
    pc.has_link("gateway", "gateway", 0.0012, 0.0);
    check("Devices report</b>. ").await;
    pc.has_link("core", "collector", 0.035, 0.0);
    check("Fine</b>. ").await;
    pc.has_link("gateway", "switch", 0.2, 0.0);
    check("Needs a look</b>: delay 200 ms (Gateway)").await;
}

#[tokio::test]
async fn texts_take_their_figures_from_the_thresholds() {
    let router = province_of_all_standings().router();
    let page = get(&router, "/?lang=en").await;
    page.says("Loss of 8% or delay of 300 ms or more over the last 15 minutes, or names")
        .says("loss of 3% or delay of 150 ms or more over the last 15 minutes,")
        .says("refreshes every 15 seconds")
        .does_not_say("{}");
}

#[tokio::test]
async fn a_target_that_never_answered_is_told_from_loss() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    pc.has_link("gateway", "gateway", 0.0, 1.0);
    pc.has_link("dns", "resolver-1", 0.0, 1.0);
    let router = province.router();
    get(&router, "/")
        .await
        .says("id=\"unmeasured\"")
        .does_not_say("100%");
    pc.has_link("core", "anchor-1", 0.0, 1.0);
    let page = get(&router, "/").await;
    page.says("id=\"notice\"")
        .says("anchor-1 không trả lời ping");
}

#[tokio::test]
async fn a_collector_on_the_same_machine_proves_no_line() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    pc.has_link("core", "collector", 0.001, 0.0);
    let router = province.router();
    get(&router, "/").await.says("id=\"good\"");
    let method = [
        ("segment", "core"),
        ("target", "collector"),
        ("address", "127.0.0.1"),
        ("method", "icmp_raw"),
    ];
    pc.reports("dawnwatch_link_method_info", &method, 1.0);
    get(&router, "/").await.says("id=\"unmeasured\"");
}

#[tokio::test]
async fn a_round_or_two_are_too_few_to_judge_a_link() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let labels = [("segment", "core"), ("target", "collector")];
    let pc = province.enrol("cong-son", "pc-1");
    pc.reports_for(2, "dawnwatch_link_loss_ratio", &labels, 0.2);
    get(&province.router(), "/")
        .await
        .says("id=\"unmeasured\"")
        .says("20%")
        .does_not_say("class=\"poor\"");
    pc.reports_for(3, "dawnwatch_link_loss_ratio", &labels, 0.2);
    get(&province.router(), "/").await.says("id=\"poor\"");
}

/// `count` centres as long-named as real ones, with two devices each.
fn large_province(count: usize) -> Province {
    let id = |number: usize| format!("xa-thien-thuat-{number}");
    let mut province = Province::of((0..count).map(|number| centre(&id(number), "Xã Thiện Thuật")));
    for number in 0..count {
        let pc = province.enrol(&id(number), "pc-1");
        if count < 100 {
            pc.has_link("gateway", "gateway", 0.0012, 0.0);
            pc.has_link("core", "collector", 0.035, 0.0);
        }
    }
    province
}

#[tokio::test]
async fn a_province_fits_a_slow_line_and_a_country_fits_on_pages() {
    let page = get(&large_province(65).router(), "/").await;
    assert!(page.body.len() < 20_000, "{} bytes", page.body.len());
    let mut province = large_province(65);
    for number in 65..3_300 {
        province
            .centres
            .push(centre(&format!("xa-{number:04}"), "Xã"));
    }
    let router = province.router();
    let page = get(&router, "/").await;
    assert!(page.body.len() < 40_000, "{} bytes", page.body.len());
    page.says("Trang 1 / 33")
        .says("href=\"?page=2\"")
        .does_not_say("rel=\"prev\"");
    let last = get(&router, "/?page=33").await;
    last.says("xa-3299").does_not_say("rel=\"next\"");
    get(&router, "/?page=999999").await.says("Trang 33 / 33");
    get(&router, "/?page=-1").await.says("Trang 1 / 33");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_both_languages() {
    let router = province_of_all_standings().router();
    for path in [
        "/nowhere",
        "/centres/nowhere",
        "/centres/%3Cscript%3E",
        "/centres/a-good/devices/pc-9",
        "/centres/nowhere/devices/pc-1",
        "/centres/a-good/devices/..%2F",
        "/centres/%ff",
        "/centres/a-good/devices/%ff",
        "//evil.example/",
    ] {
        let vietnamese = get(&router, path).await;
        assert_eq!(vietnamese.status, StatusCode::NOT_FOUND, "{path}");
        vietnamese.says("Không tìm thấy trang");
        let english = get(&router, &format!("{path}?lang=en")).await;
        english.says("Page not found").does_not_say("refresh");
    }
}
