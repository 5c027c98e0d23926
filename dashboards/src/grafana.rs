//! The part of Grafana's classic dashboard model that we use, schema version 39: Grafana 10 to 13
//! load it.
//!
//! No Angular panels, no library panels, no transformations where a query can do. A panel says what
//! it shows, in which unit, and from where on that is bad.

use proto::metrics::Unit;
use serde_json::{Value, json};

use proto::thresholds::Levels;

/// A dashboard: fixed width of 24 columns, panels laid out from left to right in rows.
#[derive(Debug)]
pub struct Dashboard {
    /// Also its file's name: links are made of it.
    pub uid: &'static str,
    /// What a reader looks for.
    pub title: &'static str,
    /// What it answers, and for whom.
    pub description: &'static str,
    /// Beside the data source, which comes first.
    pub variables: Vec<Variable>,
    /// From top to bottom.
    pub sections: Vec<Section>,
}

/// A choice that the reader makes, out of the values a label has.
#[derive(Debug)]
pub struct Variable {
    /// `$name` in queries.
    pub name: &'static str,
    /// Beside the box.
    pub label: &'static str,
    /// The metric that is asked.
    pub metric: &'static str,
    /// Its label that is chosen from.
    pub of: &'static str,
}

/// A titled row of panels.
#[derive(Debug)]
pub struct Section {
    /// May use variables.
    pub title: &'static str,
    /// Of equal height, side by side, then in the next line.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug)]
pub struct Panel {
    /// What is shown.
    pub title: &'static str,
    /// How to read it: what is good, and what to do when it is not.
    pub description: &'static str,
    /// In columns.
    pub width: u32,
    /// PromQL.
    pub query: String,
    /// What a curve or tile is called; may use `{{label}}`.
    pub legend: &'static str,
    /// Of the values.
    pub unit: Unit,
    /// Where a click on a curve or tile leads.
    pub link: Option<Link>,
    /// How it looks.
    pub look: Look,
}

/// A way to what is behind a curve or tile.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// What the reader will see there.
    pub title: &'static str,
    /// Below Grafana's root.
    pub url: &'static str,
}

/// How a panel looks.
#[derive(Debug)]
pub enum Look {
    /// One coloured tile for each series, which says a word for each value.
    Tiles {
        /// What each value means, and its colour.
        words: Vec<(i32, &'static str, &'static str)>,
        /// Of all tiles together, in rows.
        height: u32,
    },
    /// One number.
    Number {
        /// Its colour when it is 0.
        none: &'static str,
        /// Its colour when it is not.
        some: &'static str,
    },
    /// Curves, with levels drawn beneath.
    Curves {
        /// From where on it is bad.
        levels: Levels,
    },
}

const COLUMNS: u32 = 24;
const TITLE_HEIGHT: u32 = 1;

impl Look {
    fn height(&self) -> u32 {
        match self {
            Self::Tiles { height, .. } => *height,
            Self::Curves { .. } => 8,
            Self::Number { .. } => 3,
        }
    }
}

impl Dashboard {
    /// The file Grafana loads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let variables: Vec<Value> = std::iter::once(data_source_variable())
            .chain(self.variables.iter().map(Variable::to_json))
            .collect();
        let dashboard = json!({
            "id": null,
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["dawnwatch"],
            "schemaVersion": 39,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "timezone": "Asia/Ho_Chi_Minh",
            "weekStart": "monday",
            "time": { "from": "now-3h", "to": "now" },
            "refresh": "30s",
            "annotations": { "list": [] },
            "links": [other_dashboards()],
            "templating": { "list": variables },
            "panels": self.panels(),
        });
        format!("{dashboard:#}\n")
    }

    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut y = 0;
        for section in &self.sections {
            panels.push(section.to_json(panels.len() + 1, y));
            y += TITLE_HEIGHT;
            let (mut x, mut height) = (0, 0);
            for panel in &section.panels {
                if x + panel.width > COLUMNS {
                    (x, y, height) = (0, y + height, 0);
                }
                panels.push(panel.to_json(panels.len() + 1, x, y));
                x += panel.width;
                height = height.max(panel.look.height());
            }
            y += height;
        }
        panels
    }
}

fn data_source_variable() -> Value {
    json!({
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
    })
}

fn data_source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// A menu of all our dashboards that takes the choices and the time range along.
fn other_dashboards() -> Value {
    json!({
        "type": "dashboards",
        "title": "Dawnwatch",
        "tooltip": "All dashboards of Dawnwatch",
        "icon": "external link",
        "targetBlank": false,
        "tags": ["dawnwatch"],
        "asDropdown": true,
        "includeVars": true,
        "keepTime": true,
    })
}

impl Variable {
    fn to_json(&self) -> Value {
        let query = format!("label_values({}, {})", self.metric, self.of);
        json!({
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": data_source(),
            "query": { "query": query, "refId": "values" },
            // Asked again whenever the time range changes.
            "refresh": 2,
            "sort": 1,
            "multi": false,
            "includeAll": false,
            "hide": 0,
        })
    }
}

impl Section {
    fn to_json(&self, id: usize, y: u32) -> Value {
        json!({
            "id": id,
            "type": "row",
            "title": self.title,
            "collapsed": false,
            "panels": [],
            "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": TITLE_HEIGHT },
        })
    }
}

impl Panel {
    fn to_json(&self, id: usize, x: u32, y: u32) -> Value {
        let (kind, options) = match self.look {
            Look::Tiles { .. } => ("stat", stat_options("value_and_name", "background")),
            Look::Number { .. } => ("stat", stat_options("value", "value")),
            Look::Curves { .. } => ("timeseries", curve_options()),
        };
        // Tiles and numbers show what is; asking for a range would draw what was.
        let instant = kind == "stat";
        json!({
            "id": id,
            "type": kind,
            "title": self.title,
            "description": self.description,
            "datasource": data_source(),
            "gridPos": { "x": x, "y": y, "w": self.width, "h": self.look.height() },
            "targets": [{
                "refId": "A",
                "datasource": data_source(),
                "expr": self.query,
                "legendFormat": self.legend,
                "instant": instant,
                "range": !instant,
            }],
            "fieldConfig": { "defaults": self.field(), "overrides": [] },
            "options": options,
        })
    }

    fn field(&self) -> Value {
        let links = self.link.iter();
        let links = links.map(|link| json!({ "title": link.title, "url": link.url }));
        let mut field = json!({ "unit": unit(self.unit), "links": links.collect::<Vec<_>>() });
        let more = match &self.look {
            Look::Tiles { words, .. } => json!({
                "color": { "mode": "thresholds" },
                "mappings": [{ "type": "value", "options": mapping(words) }],
                "thresholds": steps("green", &[]),
            }),
            Look::Number { none, some } => json!({
                "color": { "mode": "thresholds" },
                "thresholds": steps(none, &[(1.0, some)]),
            }),
            Look::Curves { levels } => json!({
                "color": { "mode": "palette-classic" },
                "min": 0,
                "custom": {
                    "drawStyle": "line",
                    "lineWidth": 1,
                    "fillOpacity": 0,
                    "showPoints": "never",
                    "spanNulls": false,
                    // Where all is well curves lie low, instead of filling the panel with noise.
                    "axisSoftMax": if levels.critical > 0.5 { 1.0 } else { levels.warning },
                    "thresholdsStyle": { "mode": "dashed" },
                },
                "thresholds": steps("green", &[
                    (levels.notice, "yellow"),
                    (levels.warning, "orange"),
                    (levels.critical, "red"),
                ]),
            }),
        };
        if let (Value::Object(field), Value::Object(more)) = (&mut field, more) {
            field.extend(more);
        }
        field
    }
}

/// Grafana's id of a unit.
#[must_use]
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Timestamp => "dateTimeAsIso",
        Unit::DecibelMilliwatts => "dBm",
        Unit::Bytes => "bytes",
        Unit::BitsPerSecond => "bps",
        Unit::Ratio => "percentunit",
        Unit::Celsius => "celsius",
        Unit::Count | Unit::Boolean | Unit::Info => "short",
    }
}

fn mapping(words: &[(i32, &str, &str)]) -> Value {
    words
        .iter()
        .enumerate()
        .map(|(index, (value, text, color))| {
            let meaning = json!({ "text": text, "color": color, "index": index });
            (value.to_string(), meaning)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Colours from a value on, and one below them all.
fn steps(base: &str, steps: &[(f64, &str)]) -> Value {
    let base = json!({ "value": null, "color": base });
    let more = steps
        .iter()
        .map(|(value, color)| json!({ "value": value, "color": color }));
    json!({ "mode": "absolute", "steps": std::iter::once(base).chain(more).collect::<Vec<_>>() })
}

fn stat_options(text: &str, colour: &str) -> Value {
    json!({
        "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
        "orientation": "auto",
        "textMode": text,
        "colorMode": colour,
        "graphMode": "none",
        "justifyMode": "auto",
        "wideLayout": true,
    })
}

fn curve_options() -> Value {
    json!({
        "legend": {
            "showLegend": true,
            "displayMode": "table",
            "placement": "right",
            "calcs": ["lastNotNull", "max"],
            "sortBy": "Last *",
            "sortDesc": true,
        },
        "tooltip": { "mode": "multi", "sort": "desc" },
    })
}
