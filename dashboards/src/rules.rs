//! Prometheus alert rules: somebody must act, and the alert says who and what.
//!
//! Texts are English with a Vietnamese twin (`…_vi`), so that Alertmanager's templates can choose.
//! `dashboard_url` is below Grafana's root, which only its operator knows. What is deliberately
//! absent: alerts on late or derived data; a cause is alerted once.

use std::fmt::Write as _;
use std::time::Duration;

use proto::metrics;
use proto::thresholds::{LOSSY_FOR, SILENT_FOR};

use crate::queries::{duration, gateway_loses, reporting_centres, silent};

/// One alert.
#[derive(Debug)]
pub struct Alert {
    /// `alertname`.
    pub name: &'static str,
    /// True while it should fire.
    pub expression: String,
    /// How long it must be true.
    pub persists: Duration,
    /// How loud it is.
    pub severity: &'static str,
    /// Whose fault it is.
    pub segment: &'static str,
    /// What happened; what to do; where to look. Prometheus' templates.
    pub annotations: Vec<(&'static str, &'static str)>,
}

/// Every alert.
#[must_use]
pub fn all() -> Vec<Alert> {
    vec![
        agent_silent(),
        centre_silent(),
        gateway_loss(),
        collector_gone(),
    ]
}

/// One device, while others of its centre report: it is that device.
fn agent_silent() -> Alert {
    Alert {
        name: "DawnwatchAgentSilent",
        expression: format!("{} and on (centre) {}", silent(), reporting_centres()),
        persists: SILENT_FOR,
        severity: "warning",
        segment: "device",
        annotations: vec![
            (
                "summary",
                "{{ $labels.device }} of {{ $labels.centre }} fell silent without saying goodbye.",
            ),
            (
                "summary_vi",
                "Máy {{ $labels.device }} ở {{ $labels.centre }} ngừng gửi số liệu mà không báo tắt.",
            ),
            (
                "runbook",
                "Other devices of the centre report, so its line is good. See that this one is on and its cable is plugged in, \
                 then restart the service dawnwatch-agent.",
            ),
            (
                "runbook_vi",
                "Các máy khác của trung tâm vẫn gửi số liệu, nên đường truyền tốt. Kiểm tra máy này đã bật và dây mạng đã cắm, \
                 rồi khởi động lại dịch vụ dawnwatch-agent.",
            ),
            ("dashboard_url", DASHBOARD),
        ],
    }
}

/// All devices of a centre: one alert, not twenty. From outside, power, switch, router and line look
/// the same, so it names none of them.
fn centre_silent() -> Alert {
    Alert {
        name: "DawnwatchCentreSilent",
        expression: format!(
            "count by (centre) ({}) unless on (centre) {}",
            silent(),
            reporting_centres()
        ),
        persists: SILENT_FOR,
        severity: "warning",
        segment: "unknown",
        annotations: vec![
            (
                "summary",
                "No device of {{ $labels.centre }} reports; {{ $value }} fell silent without saying goodbye.",
            ),
            (
                "summary_vi",
                "Không máy nào của {{ $labels.centre }} gửi số liệu; {{ $value }} máy ngừng mà không báo tắt.",
            ),
            (
                "runbook",
                "Call the centre. No power: wait for it. Power, but no lights on the router: turn it off and on again. \
                 Lights on, but no Internet: call the ISP.",
            ),
            (
                "runbook_vi",
                "Gọi cho trung tâm. Mất điện: chờ có điện. Có điện nhưng bộ định tuyến không sáng đèn: tắt bật lại. \
                 Đèn sáng mà không vào được mạng: gọi nhà mạng.",
            ),
            ("dashboard_url", DASHBOARD),
        ],
    }
}

fn gateway_loss() -> Alert {
    Alert {
        name: "DawnwatchGatewayLoss",
        expression: gateway_loses(),
        persists: LOSSY_FOR,
        severity: "warning",
        segment: "gateway",
        annotations: vec![
            (
                "summary",
                "{{ $labels.centre }} loses {{ $value | humanizePercentage }} of packets between its devices and its router.",
            ),
            (
                "summary_vi",
                "{{ $labels.centre }} mất {{ $value | humanizePercentage }} gói tin giữa các máy và bộ định tuyến.",
            ),
            (
                "runbook",
                "The fault is inside the centre, not the ISP's. Check the cables and the switch, turn the router off and on again; \
                 if it stays, replace the cable, then the router.",
            ),
            (
                "runbook_vi",
                "Lỗi nằm trong trung tâm, không phải của nhà mạng. Kiểm tra dây mạng và bộ chuyển mạch, tắt bật lại bộ định tuyến; \
                 nếu vẫn còn thì thay dây, rồi thay bộ định tuyến.",
            ),
            ("dashboard_url", DASHBOARD),
        ],
    }
}

/// The other half of the dead man's switch: what the collector itself cannot tell. Nothing is left to name but the
/// absence of what it always exports.
fn collector_gone() -> Alert {
    Alert {
        name: "DawnwatchCollectorGone",
        expression: format!("absent({})", metrics::COLLECTOR_BUILD_INFO.name),
        persists: SILENT_FOR,
        severity: "critical",
        segment: "core",
        annotations: vec![
            (
                "summary",
                "Prometheus gets nothing from the Dawnwatch collector: nobody is told of faults.",
            ),
            (
                "summary_vi",
                "Prometheus không nhận được gì từ máy thu thập Dawnwatch: không ai được báo về sự cố.",
            ),
            (
                "runbook",
                "See that the collector's machine is on, that the service dawnwatch-collector runs, and that Prometheus reaches \
                 its /metrics.",
            ),
            (
                "runbook_vi",
                "Kiểm tra máy thu thập đã bật, dịch vụ dawnwatch-collector đang chạy, và Prometheus truy cập được /metrics.",
            ),
            ("dashboard_url", "d/province"),
        ],
    }
}

const DASHBOARD: &str = "d/province?var-centre={{ $labels.centre }}";

/// The rule file. Strings are written as JSON's, which YAML reads.
#[must_use]
pub fn to_yaml(alerts: &[Alert]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut yaml = String::from(
        "# Generated; change dashboards/src/rules.rs and run `UPDATE=1 cargo test -p dawnwatch-dashboards`.\n\
         groups:\n  - name: dawnwatch\n    rules:\n",
    );
    for alert in alerts {
        let _ = write!(
            yaml,
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n          segment: {}\n        annotations:\n",
            alert.name,
            quoted(&alert.expression),
            duration(alert.persists),
            alert.severity,
            alert.segment,
        );
        for (name, text) in &alert.annotations {
            let _ = writeln!(yaml, "          {name}: {}", quoted(text));
        }
    }
    yaml
}
