//! The dashboard model, against what Grafana accepts and a reader needs.

use std::path::Path;

use serde_json::Value;

use crate::{dashboards, panels};

/// The ids of Grafana's units that we use; from `packages/grafana-data/src/valueFormats/categories.ts`.
const UNITS: [&str; 7] = [
    "s",
    "bytes",
    "bps",
    "percentunit",
    "celsius",
    "short",
    "dateTimeAsIso",
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn is_row(panel: &&Value) -> bool {
    panel["type"] == "row"
}

#[test]
fn a_dashboard_is_found_by_its_file_name() {
    for (path, dashboard) in dashboards() {
        let stem = Path::new(path).file_stem().unwrap().to_str().unwrap();
        assert_eq!(dashboard["uid"], stem);
        assert_eq!(dashboard["id"], Value::Null, "{path}");
        assert_eq!(dashboard["schemaVersion"], 39, "{path}");
        assert_eq!(dashboard["editable"], false, "{path}");
        assert_eq!(dashboard["timezone"], "Asia/Ho_Chi_Minh", "{path}");
        assert_eq!(dashboard["tags"][0], "dawnwatch", "{path}");
        assert!(!text(&dashboard, "description").is_empty(), "{path}");
    }
}

#[test]
fn the_reader_chooses_the_data_source() {
    for (path, dashboard) in dashboards() {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        assert_eq!(variables[0]["type"], "datasource", "{path}");
        assert_eq!(variables[0]["name"], "datasource", "{path}");
        let named = |value: &Value| value["uid"] == "${datasource}";
        for variable in &variables[1..] {
            assert_eq!(variable["refresh"], 2, "{path}");
            assert!(named(&variable["datasource"]), "{path}: {variable}");
        }
        for panel in panels(&dashboard).iter().filter(|panel| !is_row(panel)) {
            assert!(named(&panel["datasource"]), "{path}: {}", panel["title"]);
            for target in panel["targets"].as_array().unwrap() {
                assert!(named(&target["datasource"]), "{path}: {}", panel["title"]);
            }
        }
    }
}

#[test]
fn panels_lie_side_by_side() {
    for (path, dashboard) in dashboards() {
        let mut taken = std::collections::HashMap::new();
        let mut ids = std::collections::HashSet::new();
        for panel in panels(&dashboard) {
            let title = text(panel, "title");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{path}: {title}");
            let number = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let (left, right) = (number("x"), number("x") + number("w"));
            assert!(left < right && right <= 24, "{path}: {title}");
            for x in left..right {
                for y in number("y")..number("y") + number("h") {
                    let other = taken.insert((x, y), title);
                    assert_eq!(other, None, "{path}: {title} lies on it");
                }
            }
        }
    }
}

#[test]
fn a_panel_says_what_it_shows_and_in_which_unit() {
    for (path, dashboard) in dashboards() {
        for panel in panels(&dashboard).iter().filter(|panel| !is_row(panel)) {
            let title = text(panel, "title");
            assert!(!title.is_empty(), "{path}");
            assert!(text(panel, "description").ends_with('.'), "{path}: {title}");
            let field = &panel["fieldConfig"]["defaults"];
            assert!(UNITS.contains(&text(field, "unit")), "{path}: {title}");
            let steps = field["thresholds"]["steps"].as_array().unwrap();
            assert_eq!(steps[0]["value"], Value::Null, "{path}: {title}");
            let values: Vec<f64> = steps[1..]
                .iter()
                .map(|step| step["value"].as_f64().unwrap())
                .collect();
            assert!(values.is_sorted(), "{path}: {title}: {values:?}");
        }
    }
}

/// A link to a dashboard that does not exist, or that sets a variable it does not have, shows
/// something else than was clicked.
#[test]
fn links_lead_somewhere() {
    let all = dashboards();
    for (path, dashboard) in &all {
        for panel in panels(dashboard) {
            let links = panel["fieldConfig"]["defaults"]["links"].as_array();
            for link in links.into_iter().flatten() {
                let url = text(link, "url");
                let (target, query) = url.split_once('?').unwrap();
                let target = target
                    .strip_prefix("d/")
                    .expect("relative to Grafana's root");
                let (_, target) = all
                    .iter()
                    .find(|(_, other)| other["uid"] == target)
                    .unwrap_or_else(|| panic!("{path}: {url} leads nowhere"));
                let variables = target["templating"]["list"].as_array().unwrap();
                for variable in query
                    .split('&')
                    .filter_map(|part| part.strip_prefix("var-"))
                {
                    let name = variable.split('=').next().unwrap();
                    let known = variables.iter().any(|variable| variable["name"] == name);
                    assert!(known, "{path}: {url} sets {name}");
                }
                assert!(query.contains("${__url_time_range}"), "{path}: {url}");
            }
        }
    }
}
