//! What readers see of printers, routers and UPS: what is the matter first, nothing old, no secrets.

mod safety;

use axum::http::StatusCode;
use proto::plan::Kind;
use serde_json::json;

use super::fixture::{Province, STALE_AFTER, asked, centre, get, now};
use crate::registry::{Asked, Described, Inventory, Status};

const CENTRE: &str = "/centres/cong-son";
const PRINTER: &str = "/centres/cong-son/devices/may-in";

fn cong_son() -> Province {
    Province::of([centre("cong-son", "Xã Công Sơn")])
}

/// A printer, a router and a UPS that are well, and say all that such devices say.
pub(super) fn one_of_each(province: &mut Province, centre: &str) {
    let printer = province.asks(asked(centre, "may-in", Kind::Printer));
    let info = [
        ("vendor", "HP"),
        ("model", "HP LaserJet M404"),
        ("serial", "PHB1"),
        ("firmware", "2.1"),
    ];
    printer
        .was_asked("answered")
        .suffers_from(&[])
        .has_supply("Black Cartridge", "tonerCartridge", "black", 0.45)
        .has_supply("Waste box", "wasteToner", "", 0.6)
        .reports("dawnwatch_device_info", &info, 1.0)
        .reports("dawnwatch_printer_status", &[("status", "idle")], 1.0)
        .reports("dawnwatch_printer_pages_total", &[], 12_345.0)
        .reports(
            "dawnwatch_printer_tray_level_ratio",
            &[("tray", "Tray 1")],
            0.5,
        );
    let some = [("tray", "Tray 2"), ("state", "some_remaining")];
    printer.reports("dawnwatch_printer_tray_state", &some, 1.0);
    let router = province.asks(asked(centre, "cong-mang", Kind::Router));
    router
        .was_asked("answered")
        .reports("dawnwatch_cpu_usage_ratio", &[], 0.12)
        .reports("dawnwatch_memory_size_bytes", &[], 2e8)
        .reports("dawnwatch_memory_available_bytes", &[], 1e8)
        .reports("dawnwatch_boot_time_seconds", &[], 1.77e9);
    for (name, is_up) in [("wan", 1.0), ("lan1", 1.0), ("lan2", 0.0)] {
        let interface = [("interface", name)];
        router
            .reports("dawnwatch_interface_up", &interface, is_up)
            .reports("dawnwatch_interface_speed_bits_per_second", &interface, 1e8)
            .reports(
                "dawnwatch_interface_receive_bytes_total",
                &interface,
                5_000_000.0,
            )
            .reports("dawnwatch_interface_receive_errors_total", &interface, 3.0)
            .reports("dawnwatch_interface_transmit_drops_total", &interface, 4.0);
    }
    for (direction, rate) in [("receive", 3.2e6), ("transmit", 1.1e6)] {
        let labels = [("interface", "wan"), ("direction", direction)];
        router
            .reports("dawnwatch_wan_bits_per_second", &labels, rate)
            .reports("dawnwatch_wan_usage_ratio", &labels, rate / 1e8);
    }
    let ups = province.asks(asked(centre, "luu-dien", Kind::Ups));
    ups.was_asked("answered")
        .reports("dawnwatch_ups_on_battery", &[], 0.0)
        .reports("dawnwatch_ups_battery_ratio", &[], 1.0)
        .reports("dawnwatch_ups_runtime_seconds", &[], 1_500.0)
        .reports("dawnwatch_ups_load_ratio", &[], 0.4);
}

#[tokio::test]
async fn what_is_well_is_one_line_each_beside_the_machines() {
    let mut province = cong_son();
    province
        .enrol("cong-son", "pc-1")
        .reports("dawnwatch_cpu_usage_ratio", &[], 0.1);
    one_of_each(&mut province, "cong-son");
    let router = province.router();
    let page = get(&router, CENTRE).await;
    page.says("do máy pc-1 hỏi")
        .says("<h3>Máy in</h3>")
        .says("Sẵn sàng · Mực đen còn 45%")
        .says("HP LaserJet M404 · 0 giây trước")
        .says("nhận 3,2 Mb/s, gửi 1,1 Mb/s · 2/3 cổng có kết nối")
        .says("Điện lưới · pin 100% · đủ dùng 25 phút")
        .does_not_say("chưa có thiết bị");
    let english = get(&router, "/centres/cong-son?lang=en").await;
    english
        .says("<h3>Printers</h3>")
        .says("Ready · Black toner: 45% left")
        .says("3.2 Mb/s received, 1.1 Mb/s sent · 2 of 3 ports connected")
        .says("Mains · battery 100% · lasts 25 min");
    // A line is judged by what measures it, and machines are counted by agents.
    english.does_not_say("Needs a look");
    let page = get(&router, "/").await;
    page.says("1/1").does_not_say("Cần người xử lý");
}

#[tokio::test]
async fn a_printer_that_stopped_and_does_not_say_why_needs_a_look() {
    let mut province = cong_son();
    let printer = province.asks(asked("cong-son", "may-in", Kind::Printer));
    let stopped = [("status", "stopped")];
    printer.was_asked("answered").suffers_from(&[]).reports(
        "dawnwatch_printer_status",
        &stopped,
        1.0,
    );
    let router = province.router();
    get(&router, CENTRE).await.says("<b>Máy in đã dừng</b>");
    printer.suffers_from(&["cover_open"]);
    get(&router, CENTRE)
        .await
        .says("<b>Nắp đang mở</b>")
        .does_not_say("Máy in đã dừng");
}

#[tokio::test]
async fn what_is_the_matter_comes_first_with_what_to_do() {
    let check = async |conditions: &[&str], supplies: &[(&str, f64)], vi: &str, en: &str| {
        let mut province = cong_son();
        let printer = province.asks(asked("cong-son", "may-in", Kind::Printer));
        printer.was_asked("answered").suffers_from(conditions);
        for (colour, ratio) in supplies {
            printer.has_supply(&format!("{colour} cartridge"), "toner", colour, *ratio);
        }
        let router = province.router();
        for path in [CENTRE, PRINTER] {
            get(&router, path).await.says(vi);
            get(&router, &format!("{path}?lang=en")).await.says(en);
        }
    };
    check(&["jam"], &[], "Kẹt giấy", "Paper jam").await;
    check(&["cover_open"], &[], "Nắp đang mở", "Cover open").await;
    check(&["paper_empty"], &[], "Hết giấy", "Out of paper").await;
    check(&["offline"], &[], "ngoại tuyến", "Printer offline").await;
    check(&["toner_low"], &[], "Sắp hết mực", "Toner or ink is low").await;
    let low = [("black", 0.07), ("cyan", 0.5)];
    let vi = "Mực đen còn 7%";
    check(&["toner_low"], &low, vi, "Black toner: 7% left").await;
    check(&[], &low, vi, "Black toner: 7% left").await;
    let empty = [("black", 0.0)];
    let vi = "Mực đen đã hết";
    check(&["toner_empty"], &empty, vi, "Black toner has run out").await;
    // Many go on printing at 0.
    check(&[], &empty, "Mực đen còn 0%", "Black toner: 0% left").await;
    check(&["new_word"], &[], "new_word", "new_word").await;
}

#[tokio::test]
async fn a_jam_is_told_on_top_of_its_centre_and_of_the_province() {
    let mut province = cong_son();
    province
        .enrol("cong-son", "pc-1")
        .has_link("core", "collector", 0.035, 0.0);
    one_of_each(&mut province, "cong-son");
    let second = province.asks(asked("cong-son", "may-in-2", Kind::Printer));
    second
        .was_asked("answered")
        .suffers_from(&["toner_low", "jam", "paper_low"])
        .reports("dawnwatch_printer_status", &[("status", "stopped")], 1.0);
    let router = province.router();
    let page = get(&router, CENTRE).await;
    page.says("may-in-2</a>: <b>Kẹt giấy</b>. Mở các nắp và lấy giấy kẹt ra.")
        .says("Kẹt giấy · Sắp hết giấy · Sắp hết mực");
    let jam = page.body.find("<b>Kẹt giấy").unwrap();
    let facts = page.body.find("Giờ làm việc").unwrap();
    assert!(jam < facts, "before everything else");
    let page = get(&router, "/").await;
    page.says("Cần người xử lý tại chỗ ở 1 trung tâm")
        .says("Xã Công Sơn</a>: may-in-2 Kẹt giấy")
        .says("id=\"good\"");
}

#[tokio::test]
async fn a_printer_that_does_not_answer_is_no_fault_and_shows_nothing_of_before() {
    let mut province = cong_son();
    let printer = province.asks(asked("cong-son", "may-in", Kind::Printer));
    printer
        .was_asked("answered")
        .suffers_from(&["jam"])
        .has_supply("Black", "toner", "black", 0.03);
    let router = province.router();
    get(&router, "/").await.says("Kẹt giấy");
    let answered = [("protocol", "snmp"), ("outcome", "answered")];
    printer.reports("dawnwatch_device_poll_outcome", &answered, 0.0);
    printer.was_asked("timeout");
    for path in [CENTRE, PRINTER] {
        get(&router, path)
            .await
            .says("Đã tắt hoặc không liên lạc được")
            .does_not_say("Kẹt giấy")
            .does_not_say("3%");
    }
    get(&router, PRINTER)
        .await
        .says("class=\"verdict off\"")
        .says("192.168.1.40");
    get(&router, "/").await.does_not_say("Cần người xử lý");
    let device = get(&router, "/api/v1/devices/cong-son/may-in").await.json();
    assert_eq!(device["up"], false);
    assert_eq!(device["poll_outcomes"], json!({"snmp": "timeout"}));
    assert!(device.get("conditions").is_none() && device.get("supplies").is_none());
}

#[tokio::test]
async fn what_answers_and_may_not_be_asked_is_told_from_what_is_off() {
    for (outcome, vi) in [
        ("unauthorized", "từ chối tên hoặc mật khẩu"),
        ("refused", "đang bật nhưng không cho hỏi"),
        ("other_device", "Thiết bị khác đang trả lời tại địa chỉ này"),
        ("unreadable", "không đọc được"),
        ("failed", "trả lời bằng một lỗi"),
    ] {
        let mut province = cong_son();
        let printer = province.asks(asked("cong-son", "may-in", Kind::Printer));
        printer.was_asked(outcome);
        let router = province.router();
        for path in [CENTRE, PRINTER] {
            get(&router, path).await.says(vi).does_not_say("Đã tắt");
        }
        get(&router, PRINTER).await.says("class=\"verdict notice\"");
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_nobody_asks_says_so() {
    let mut province = cong_son();
    let printer = province.asks(asked("cong-son", "may-in", Kind::Printer));
    let router = province.router();
    get(&router, CENTRE).await.says("Chưa hỏi lần nào");
    printer.was_asked("answered").suffers_from(&["jam"]);
    tokio::time::advance(STALE_AFTER).await;
    get(&router, PRINTER)
        .await
        .says("Không ai hỏi")
        .does_not_say("Kẹt giấy");
    let device = get(&router, "/api/v1/devices/cong-son/may-in").await.json();
    assert_eq!(
        (&device["up"], &device["presence"]),
        (&json!(null), &json!("silent"))
    );
}

#[tokio::test]
async fn a_ups_on_battery_says_for_how_long() {
    let mut province = cong_son();
    let ups = province.asks(asked("cong-son", "luu-dien", Kind::Ups));
    ups.was_asked("answered")
        .reports("dawnwatch_ups_on_battery", &[], 1.0)
        .reports("dawnwatch_ups_runtime_seconds", &[], 720.0)
        .reports("dawnwatch_ups_battery_replace", &[], 1.0);
    let router = province.router();
    let page = get(&router, CENTRE).await;
    page.says("<b>Chạy pin, còn 12 phút</b>. Mất điện lưới: lưu việc")
        .says("Chạy pin, còn 12 phút · Cần thay ắc quy");
}

#[tokio::test]
async fn the_line_of_a_router_that_is_full_or_cut_is_told() {
    let mut province = cong_son();
    let router = province.asks(asked("cong-son", "cong-mang", Kind::Router));
    let wan = [("interface", "ether1"), ("direction", "receive")];
    router
        .was_asked("answered")
        .reports("dawnwatch_interface_up", &[("interface", "ether1")], 1.0)
        .reports("dawnwatch_wan_bits_per_second", &wan, 93e6)
        .reports("dawnwatch_wan_usage_ratio", &wan, 0.93);
    let pages = province.router();
    get(&pages, CENTRE).await.says("Đường truyền đang dùng 93%");
    get(&pages, "/centres/cong-son/devices/cong-mang")
        .await
        .says("93 Mb/s (93%)")
        .says("đường truyền</span>");
    router.reports("dawnwatch_interface_up", &[("interface", "ether1")], 0.0);
    get(&pages, CENTRE)
        .await
        .says("Cổng đường truyền ether1 không có kết nối");
}

#[tokio::test]
async fn a_device_shows_what_it_is_what_is_left_and_what_changed() {
    let mut province = cong_son();
    one_of_each(&mut province, "cong-son");
    province.registers().await;
    for (firmware, minute) in [("2.0", 2), ("2.1", 1)] {
        let inventory = Inventory {
            firmware: firmware.into(),
            ..Inventory::default()
        };
        let described = Described {
            centre: "cong-son".parse().unwrap(),
            device: "may-in".parse().unwrap(),
            inventory,
        };
        let at = now() - jiff::Span::new().minutes(minute);
        province
            .registry
            .described(vec![described], at)
            .await
            .unwrap();
    }
    let router = province.router();
    let page = get(&router, PRINTER).await;
    page.says("PHB1")
        .says("192.168.1.40")
        .says("Black Cartridge")
        .says("còn 45%")
        .says("còn chỗ 60%")
        .says("Tray 2")
        .says("còn, máy không cho biết bao nhiêu")
        .says("12.345")
        .says("SNMP: trả lời · do máy pc-1 hỏi")
        .says("Không báo lỗi gì.")
        .says("09:29 12/03/2026</dt><dd>Phần mềm: 2.0 → 2.1");
    let changed = page.body.find("2.0 → 2.1").unwrap();
    assert!(
        changed < page.body.find("Được thêm").unwrap(),
        "newest first"
    );
    get(&router, "/centres/cong-son/devices/cong-mang")
        .await
        .says("12%")
        .says("95 MB")
        .says("3 / 4");
    let events = "/api/v1/events?centre=cong-son&device=may-in";
    let events = get(&router, events).await.json();
    let newest = json!({
        "centre": "cong-son", "device": "may-in", "at": "2026-03-12T02:29:00Z",
        "what": "firmware", "before": "2.0", "after": "2.1",
    });
    assert_eq!(events[0], newest);
    assert_eq!(events.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_found_waits_with_the_commands_that_decide() {
    let mut province = cong_son();
    let found = |device: &str, credential: Option<&str>| Asked {
        status: Status::Found,
        credential: credential.map(str::to_owned),
        inventory: Inventory {
            vendor: "Brother".into(),
            model: "HL-L5200".into(),
            ..Inventory::default()
        },
        ..asked("cong-son", device, Kind::Printer)
    };
    province.known.push(found("brother-1", Some("public")));
    province.known.push(found("brother-2", None));
    province.known.push(Asked {
        status: Status::Ignored,
        ..found("brother-3", None)
    });
    let router = province.router();
    let page = get(&router, CENTRE).await;
    page.says("chờ duyệt: 2")
        .says("Máy in · Brother HL-L5200 · 192.168.1.40")
        .says("dawnwatch-collector device approve cong-son brother-1</code>")
        .says("dawnwatch-collector device approve cong-son brother-2 --snmp TÊN</code>")
        .says("dawnwatch-collector device ignore cong-son brother-1</code>")
        .does_not_say("brother-3");
    let unknown = get(&router, "/centres/cong-son/devices/brother-1").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "nobody asks it yet");
    let centre = get(&router, "/api/v1/centres/cong-son").await.json();
    assert_eq!(centre["found_devices"][0]["device"], "brother-1");
    assert_eq!(centre["found_devices"][0]["model"], "HL-L5200");
    assert_eq!(centre["found_devices"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn pages_stay_light_with_many_devices() {
    let mut province = cong_son();
    province
        .enrol("cong-son", "pc-1")
        .has_link("core", "collector", 0.035, 0.0);
    for number in 0..30 {
        let printer = province.asks(asked(
            "cong-son",
            &format!("may-in-{number}"),
            Kind::Printer,
        ));
        printer
            .was_asked("answered")
            .suffers_from(&["jam", "paper_low"]);
        for colour in ["black", "cyan", "magenta", "yellow"] {
            printer.has_supply(&format!("{colour} toner"), "toner", colour, 0.05);
        }
        province.known.push(Asked {
            status: Status::Found,
            ..asked("cong-son", &format!("found-{number}"), Kind::Printer)
        });
    }
    let router = province.router();
    let page = get(&router, CENTRE).await;
    assert!(page.body.len() < 40_000, "{} bytes", page.body.len());
    page.says("và 25 thiết bị khác");
    let page = get(&router, "/").await;
    page.says("(+29)");
    assert!(page.body.len() < 6_000, "{} bytes", page.body.len());
}
