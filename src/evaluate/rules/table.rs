//! Alert rules as somebody who knows Prometheus well would write them for these measurements: by centre rather than by
//! PC, wider causes inhibiting narrower ones, nothing outside opening hours, and a `for` that rides out bursts.
//!
//! They see what `metrics` exports and nothing else. They are the measure the engine is compared with, so they are
//! meant to be good; what they cannot do is what expressions over live values cannot: late evidence, shares of blame.

/// What the alerts of a rule are grouped by, and whom they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A centre, or something in it.
    Centre,
    /// An ISP: all its centres.
    Isp,
    /// A service: all centres.
    Service,
    /// All centres.
    All,
}

/// One alert rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// What it says is wrong: the word of a fault.
    pub(super) fault: &'static str,
    pub(super) expression: &'static str,
    /// How long it must be true, seconds.
    pub(super) persists: f64,
    pub(super) by: By,
    /// The label that has the culprit's name.
    pub(super) culprit: &'static str,
}

const fn rule(
    fault: &'static str,
    persists: f64,
    by: By,
    culprit: &'static str,
    expression: &'static str,
) -> Rule {
    Rule {
        fault,
        expression,
        persists,
        by,
        culprit,
    }
}

/// Widest first: an alert inhibits those of later rules whose centres it covers, where [`Rule::inhibits`] says so.
pub(super) const RULES: &[Rule] = &[
    rule(
        "collector_down",
        120.0,
        By::All,
        "",
        "count(max by (centre) (agent_up) == 0 and on (centre) centre_open == 1) > 0.7 * count(centre_open == 1)",
    ),
    rule(
        "isp_down",
        120.0,
        By::Isp,
        "isp",
        "count by (isp) (max by (centre, isp) (agent_up) == 0 and on (centre) centre_open == 1) >= 3 and count by (isp) (max by (centre, isp) (agent_up) == 0 and on (centre) centre_open == 1) > 0.5 * count by (isp) (centre_open == 1)",
    ),
    rule(
        "isp_area_down",
        120.0,
        By::Isp,
        "isp",
        "count by (isp) (max by (centre, isp) (agent_up) == 0 and on (centre) centre_open == 1) >= 3 unless count by (isp) (max by (centre, isp) (agent_up) == 0 and on (centre) centre_open == 1) > 0.5 * count by (isp) (centre_open == 1)",
    ),
    rule(
        "line_down",
        120.0,
        By::Centre,
        "",
        "max by (centre, isp) (agent_up) == 0 and on (centre) centre_open == 1 and on (centre) max by (centre) (max_over_time(agent_up[15m])) == 1 unless on (centre) max by (centre) (agent_goodbye) == 1",
    ),
    rule(
        "dns_isp_down",
        120.0,
        By::Isp,
        "isp",
        "count by (isp) (max by (centre, isp) (dns_ok{resolver=\"isp\"}) == 0) >= 3",
    ),
    rule(
        "isp_degraded",
        300.0,
        By::Isp,
        "isp",
        "count by (isp) (avg by (centre, isp) (link_loss_ratio{segment=\"isp\"}) > 0.03) >= 3",
    ),
    rule(
        "certificate_expired",
        60.0,
        By::Service,
        "service",
        "count by (service) (max by (centre, service) (service_outcome{outcome=\"certificate_expired\"}) == 1) >= 2",
    ),
    rule(
        "service_down",
        120.0,
        By::Service,
        "service",
        "count by (service) (avg by (centre, service) (service_ok) < 0.5) > 0.5 * count by (service) (max by (centre, service) (service_ok) >= 0)",
    ),
    rule(
        "service_slow",
        300.0,
        By::Service,
        "service",
        "quantile by (service) (0.5, service_seconds) > 4",
    ),
    rule(
        "gateway_down",
        120.0,
        By::Centre,
        "",
        "avg by (centre) (link_loss_ratio{segment=\"gateway\"}) == 1 and on (centre) centre_open == 1",
    ),
    rule(
        "gateway_overloaded",
        300.0,
        By::Centre,
        "",
        "avg by (centre) (link_loss_ratio{segment=\"gateway\"}) > 0.05 and on (centre) centre_open == 1",
    ),
    rule(
        "line_lossy",
        300.0,
        By::Centre,
        "",
        "avg by (centre) (link_loss_ratio{segment=\"line\"}) > 0.03 and on (centre) avg by (centre) (link_loss_ratio{segment=\"anchor\"}) > 0.03 unless on (centre) avg by (centre) (link_loss_ratio{segment=\"gateway\"}) > 0.02",
    ),
    rule(
        "line_saturated",
        300.0,
        By::Centre,
        "",
        "avg by (centre) (link_rtt_seconds{segment=\"line\"}) > 0.1 and on (centre) centre_open == 1",
    ),
    rule(
        "collector_path_down",
        180.0,
        By::All,
        "",
        "count(avg by (centre) (link_loss_ratio{segment=\"collector\"}) > 0.5 and avg by (centre) (link_loss_ratio{segment=\"anchor\"}) < 0.2) >= 3",
    ),
    rule(
        "dns_down",
        120.0,
        By::Centre,
        "",
        "max by (centre) (dns_ok{resolver=\"isp\"}) == 0 and on (centre) centre_open == 1",
    ),
    rule(
        "captive_portal",
        120.0,
        By::Centre,
        "",
        "max by (centre) (service_outcome{outcome=\"captive\"}) == 1",
    ),
    rule(
        "mtu_blackhole",
        300.0,
        By::Centre,
        "",
        "max by (centre) (mtu_ok) == 0",
    ),
    rule(
        "route_blocked",
        300.0,
        By::Centre,
        "",
        "avg by (centre, service) (service_ok) < 0.2 and on (service) avg by (service) (service_ok) > 0.7 and on (centre) centre_open == 1",
    ),
    rule(
        "pc_link_down",
        600.0,
        By::Centre,
        "device",
        "agent_up == 0 and on (centre, device) max_over_time(agent_up[30m]) == 1 and on (centre, device) agent_active == 1 unless on (centre, device) agent_goodbye == 1 unless on (centre) max by (centre) (agent_up) == 0",
    ),
    rule(
        "pc_wifi_lossy",
        600.0,
        By::Centre,
        "device",
        "link_loss_ratio{segment=\"gateway\"} > 0.08 and on (centre) quantile by (centre) (0.5, link_loss_ratio{segment=\"gateway\"}) < 0.02",
    ),
    rule(
        "pc_overloaded",
        600.0,
        By::Centre,
        "device",
        "cpu_usage_ratio > 0.95 and on (centre) centre_open == 1",
    ),
    rule(
        "pc_nic_errors",
        300.0,
        By::Centre,
        "device",
        "nic_errors > 50",
    ),
    rule(
        "pc_clock_wrong",
        120.0,
        By::Centre,
        "device",
        "abs(clock_offset_seconds) > 30",
    ),
    rule(
        "printer_fault",
        300.0,
        By::Centre,
        "printer",
        "printer_ok == 0 and on (centre) centre_open == 1",
    ),
];

impl Rule {
    /// Whether its alerts silence those of a later rule, where they are about the same centre.
    pub(super) fn inhibits(&self, other: &Self) -> bool {
        let is_cut = |rule: &Self| {
            matches!(
                rule.fault,
                "collector_down" | "isp_down" | "isp_area_down" | "line_down"
            )
        };
        let is_path = |rule: &Self| {
            matches!(
                rule.fault,
                "gateway_down"
                    | "gateway_overloaded"
                    | "isp_degraded"
                    | "dns_isp_down"
                    | "service_down"
                    | "certificate_expired"
            )
        };
        // A dead centre has nothing else to tell; what is nearer explains what is behind it.
        self.fault != other.fault
            && (is_cut(self)
                || (is_path(self)
                    && !is_cut(other)
                    && other.culprit != "device"
                    && other.culprit != "printer")
                || (matches!(self.fault, "line_lossy" | "dns_down" | "captive_portal")
                    && matches!(
                        other.fault,
                        "line_saturated" | "mtu_blackhole" | "route_blocked"
                    )))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// The same rules as a Prometheus loads them.
    fn yaml() -> String {
        let mut text = "# Generated; change table.rs and run `UPDATE=1 cargo test -p dawnwatch --bin dawnwatch rules`.\n\
            groups:\n  - name: compared\n    rules:\n"
            .to_owned();
        for rule in RULES {
            let expression = serde_json::Value::from(rule.expression);
            let (fault, persists) = (rule.fault, rule.persists);
            let _ = write!(
                text,
                "      - alert: {fault}\n        expr: {expression}\n        for: {persists}s\n"
            );
        }
        text
    }

    #[test]
    fn every_rule_names_a_fault() {
        for rule in RULES {
            assert!(
                rule.fault.parse::<diagnosis::Fault>().is_ok(),
                "{}",
                rule.fault
            );
        }
    }

    #[test]
    fn the_file_of_rules_is_this_table_and_prometheus_loads_it() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/evaluate/rules/rules.yaml");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, yaml()).expect("the source can be written");
        }
        let found = std::fs::read_to_string(&path).expect("rules.yaml");
        assert!(
            found == yaml(),
            "run `UPDATE=1 cargo test -p dawnwatch --bin dawnwatch rules`"
        );
        let Ok(output) = std::process::Command::new("promtool")
            .args(["check", "rules"])
            .arg(&path)
            .output()
        else {
            assert!(
                std::env::var_os("CI").is_none(),
                "promtool is not installed"
            );
            return;
        };
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
    }
}
