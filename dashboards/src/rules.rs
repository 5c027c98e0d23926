//! Prometheus alert rules: somebody must act, and the alert says who and what.
//!
//! Texts are English with a Vietnamese twin (`…_vi`), so that Alertmanager's templates can choose.
//! `dashboard_url` is below Grafana's root, which only its operator knows. What is deliberately
//! absent: alerts on late or derived data; a cause is alerted once.

use std::fmt::Write as _;

use proto::metrics::{AGENT_GOODBYE, AGENT_UP};

use crate::queries::{gateway_loses, newest};
use crate::thresholds::{LOSSY_FOR, SILENT_FOR};

/// One alert.
#[derive(Debug)]
pub struct Alert {
    /// `alertname`.
    pub name: &'static str,
    /// True while it should fire.
    pub expression: String,
    /// How long it must be true.
    pub persists: &'static str,
    /// Whose fault it is.
    pub segment: &'static str,
    /// What happened; what to do; where to look. Prometheus' templates.
    pub annotations: Vec<(&'static str, &'static str)>,
}

/// Every alert.
#[must_use]
pub fn all() -> Vec<Alert> {
    vec![agent_silent(), gateway_loss()]
}

fn agent_silent() -> Alert {
    let (up, goodbye) = (
        newest(&AGENT_UP, "centre, device, kind", ""),
        AGENT_GOODBYE.name,
    );
    Alert {
        name: "DawnwatchAgentSilent",
        expression: format!("{up} == 0 unless on (centre, device) {goodbye} == 1"),
        persists: SILENT_FOR,
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
                "See whether other devices of the centre report. If none does, check power and line, then call the ISP. \
                 If only this one is silent, see that it is on and its cable is plugged in, then restart the service dawnwatch-agent.",
            ),
            (
                "runbook_vi",
                "Xem các máy khác của điểm này còn gửi số liệu không. Nếu không máy nào gửi: kiểm tra điện và đường truyền, rồi gọi nhà mạng. \
                 Nếu chỉ máy này: kiểm tra máy đã bật và dây mạng đã cắm, rồi khởi động lại dịch vụ dawnwatch-agent.",
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
                "Lỗi nằm trong điểm phục vụ, không phải của nhà mạng. Kiểm tra dây mạng và bộ chia, tắt bật lại bộ định tuyến; \
                 nếu vẫn còn thì thay dây, rồi thay bộ định tuyến.",
            ),
            ("dashboard_url", DASHBOARD),
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
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: warning\n          segment: {}\n        annotations:\n",
            alert.name,
            quoted(&alert.expression),
            alert.persists,
            alert.segment,
        );
        for (name, text) in &alert.annotations {
            let _ = writeln!(yaml, "          {name}: {}", quoted(text));
        }
    }
    yaml
}
