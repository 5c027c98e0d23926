//! What the API says of devices, and what is said nowhere: secrets, and markup from a device.

use axum::http::StatusCode;
use proto::plan::{Kind, Secret, Security, Snmp};
use serde_json::json;

use super::{CENTRE, PRINTER, cong_son, one_of_each};
use crate::registry::{Approval, Asked, LostKey, Status};
use crate::web::tests::fixture::{asked, get, now};

#[tokio::test]
async fn the_api_says_of_devices_what_ask_says() {
    let mut province = cong_son();
    province.enrol("cong-son", "pc-1");
    one_of_each(&mut province, "cong-son");
    let router = province.router();
    let devices = get(&router, "/api/v1/devices").await.json();
    let devices = devices.as_array().unwrap();
    let names: Vec<_> = devices.iter().map(|device| &device["device"]).collect();
    assert_eq!(names, ["cong-mang", "luu-dien", "may-in", "pc-1"]);
    let printers = get(&router, "/api/v1/devices?kind=printer").await.json();
    assert_eq!(printers.as_array().unwrap().len(), 1);
    let printer = &printers[0];
    for (field, value) in [
        ("kind", json!("printer")),
        ("agent", json!(null)),
        ("up", json!(true)),
        ("address", json!("192.168.1.40")),
        ("vendor", json!("HP")),
        ("model", json!("HP LaserJet M404")),
        ("serial", json!("PHB1")),
        ("firmware", json!("2.1")),
        ("status", json!("idle")),
        ("conditions", json!([])),
        ("pages_total", json!(12_345.0)),
        (
            "trays",
            json!([
                {"name": "Tray 1", "ratio": 0.5, "state": "measured"},
                {"name": "Tray 2", "ratio": null, "state": "some_remaining"},
            ]),
        ),
    ] {
        assert_eq!(printer[field], value, "{field}");
    }
    let toner = json!({
        "description": "Black Cartridge", "type": "tonerCartridge", "colour": "black",
        "receptacle": false, "ratio": 0.45, "state": "measured",
    });
    assert_eq!(printer["supplies"][0], toner);
    assert_eq!(printer["supplies"][1]["receptacle"], true);
    assert_eq!(devices[1]["ups"]["battery_ratio"], 1.0);
    assert!(devices[0].get("interfaces").is_none(), "not in a list");
    let one = get(&router, "/api/v1/devices/cong-son/cong-mang")
        .await
        .json();
    assert_eq!(one["interfaces"][0]["name"], "wan");
    assert_eq!(one["interfaces"][0]["wan"], true);
    assert_eq!(one["interfaces"][0]["receive_usage_ratio"], 0.032);
    let centre = get(&router, "/api/v1/centres/cong-son").await.json();
    assert_eq!(centre["scout"], "pc-1");
    assert_eq!(centre["devices"].as_array().unwrap().len(), 4);
    assert_eq!(centre["agents"]["never"], 1, "of agents alone");
}

#[tokio::test]
async fn no_secret_is_on_any_page() {
    const SECRET: &str = "hunter2-hunter2";
    let mut province = cong_son();
    one_of_each(&mut province, "cong-son");
    province.registers().await;
    let snmp = Snmp {
        port: Snmp::PORT,
        security: Security::V2c {
            community: Secret(SECRET.into()),
        },
    };
    let set = province
        .registry
        .set_credential("office".into(), None, snmp, now(), LostKey::Refuse);
    set.await.unwrap();
    let approval = Approval {
        credential: Some("office".into()),
        ..Default::default()
    };
    let (centre, device) = ("cong-son".parse().unwrap(), "may-in".parse().unwrap());
    let approved = province.registry.approve(centre, device, approval, now());
    approved.await.unwrap();
    let router = province.router();
    for path in [
        "/",
        CENTRE,
        PRINTER,
        "/api/v1/devices",
        "/api/v1/devices/cong-son/may-in",
        "/api/v1/centres/cong-son",
        "/api/v1/events?centre=cong-son",
    ] {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.does_not_say(SECRET);
    }
    // What is shown is the name of the credential.
    get(&router, PRINTER)
        .await
        .says("Mật khẩu SNMP dùng để hỏi: office");
}

#[tokio::test]
async fn hostile_devices_are_shown_and_do_nothing() {
    const HOSTILE: &str = "\"><script>alert(1)</script>'&\u{202e}";
    let mut province = cong_son();
    let known = Asked {
        name: Some(HOSTILE.into()),
        ..asked("cong-son", "may-in", Kind::Printer)
    };
    province.known.push(Asked {
        status: Status::Found,
        device: "found".parse().unwrap(),
        ..known.clone()
    });
    let device = province.asks(known);
    let info = ["vendor", "model", "serial", "firmware"].map(|name| (name, HOSTILE));
    device
        .was_asked("answered")
        .suffers_from(&[HOSTILE])
        .has_supply(HOSTILE, HOSTILE, HOSTILE, -1e300)
        .has_supply("full", "wasteToner", "black", f64::MAX)
        .reports("dawnwatch_device_info", &info, 1.0)
        .reports("dawnwatch_printer_status", &[("status", HOSTILE)], 1.0)
        .reports("dawnwatch_printer_pages_total", &[], f64::MAX)
        .reports(
            "dawnwatch_printer_tray_level_ratio",
            &[("tray", HOSTILE)],
            f64::MIN,
        )
        .reports("dawnwatch_ups_runtime_seconds", &[], f64::MAX)
        .reports("dawnwatch_ups_load_ratio", &[], f64::MAX)
        .reports("dawnwatch_ups_on_battery", &[], 1.0)
        .reports("dawnwatch_boot_time_seconds", &[], f64::MIN);
    let labels = [("interface", HOSTILE), ("direction", HOSTILE)];
    device
        .reports("dawnwatch_wan_bits_per_second", &labels, f64::MAX)
        .reports("dawnwatch_wan_usage_ratio", &labels, f64::MAX)
        .reports("dawnwatch_interface_up", &[("interface", HOSTILE)], -1.0);
    let router = province.router();
    for path in ["/", CENTRE, PRINTER] {
        let page = get(&router, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.does_not_say("<script>");
        if path != "/" {
            page.says("&lt;script&gt;");
        }
    }
}
