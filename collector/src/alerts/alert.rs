//! What one alert says: labels that name it for as long as it lives, and texts that may change.
//!
//! Alertmanager knows an alert by its labels alone, so those of an incident are made once, from what is known when it is
//! first told, and kept: a verdict that is revised changes texts, never labels. No label has a value that changes by
//! itself, such as a confidence or a number of centres.

use std::collections::BTreeMap;

use diagnosis::Fault;
use diagnosis::event::Incident;
use diagnosis::sentence::{Words, alert_text};
use jiff::Timestamp;
use reqwest::Url;
use serde::Serialize;

use super::severity::{Centres, Severity};

/// Of a label's value.
const LABEL_BYTES: usize = 200;

/// Of a text.
const TEXT_BYTES: usize = 4_000;

/// Names and values.
pub type Pairs = BTreeMap<String, String>;

/// An alert as `POST /api/v2/alerts` takes it.
///
/// <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert<'a> {
    /// What it is known by.
    pub labels: &'a Pairs,
    /// What people read.
    pub annotations: &'a Pairs,
    /// RFC 3339.
    pub starts_at: String,
    /// In the future while it lasts.
    pub ends_at: String,
    /// Where there is more to read.
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    pub generator: Option<&'a str>,
}

/// Where people read on.
#[derive(Debug, Clone, PartialEq)]
pub struct Links {
    /// The page as its readers reach it.
    pub page: Option<Url>,
    /// Where the runbooks are.
    pub runbooks: String,
}

impl Links {
    /// An incident's card.
    fn card(&self, id: &str) -> Option<String> {
        let mut url = self.page.clone()?;
        let mut path = url.path_segments_mut().ok()?;
        path.pop_if_empty().extend(["faults", id]);
        drop(path);
        Some(url.into())
    }
}

/// The labels of an incident, but for its severity.
#[must_use]
pub fn labels(incident: &Incident, centres: &Centres<'_>) -> Pairs {
    let mut labels = Pairs::new();
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            labels.insert(name.to_owned(), beginning(value, LABEL_BYTES).to_owned());
        }
    };
    set("alertname", &name(&incident.fault));
    set("incident", &incident.id);
    set("fault", &incident.fault);
    set("segment", incident.segment.as_deref().unwrap_or("unknown"));
    set("culprit", incident.culprit.as_deref().unwrap_or_default());
    let shared = |of: fn(&diagnosis::calendar::Centre) -> &str| {
        let mut all = incident
            .scope
            .iter()
            .map(|id| centres.get(id).map_or("", of));
        let first = all.next().unwrap_or_default();
        if all.all(|other| other == first) {
            first
        } else {
            ""
        }
    };
    let (area, isp) = (shared(|centre| &centre.area), shared(|centre| &centre.isp));
    match &*incident.scope {
        [centre] => set("centre", centre),
        _ => set(
            "scope",
            if isp.is_empty() && area.is_empty() {
                "province"
            } else {
                "several"
            },
        ),
    }
    set("area", area);
    set("isp", isp);
    labels
}

/// The labels with how loud it is.
#[must_use]
pub fn with_severity(mut labels: Pairs, severity: Severity) -> Pairs {
    labels.insert("severity".to_owned(), severity.to_string());
    labels
}

/// `line_down` is `LineDown`; what is not known is a `DawnwatchFault`.
fn name(fault: &str) -> String {
    if fault
        .parse()
        .is_ok_and(|fault: Fault| fault != Fault::Unknown)
    {
        camel_case(fault)
    } else {
        "DawnwatchFault".to_owned()
    }
}

fn camel_case(word: &str) -> String {
    let parts = word.split('_').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    parts.collect()
}

/// The texts of an incident as it is known now.
#[must_use]
pub fn annotations(incident: &Incident, links: &Links) -> Pairs {
    let mut texts = Pairs::new();
    let (summary, description) = alert_text(incident);
    set_words(&mut texts, "summary", &summary);
    set_words(&mut texts, "description", &description);
    set_words(&mut texts, "action", &incident.action);
    set(
        &mut texts,
        "confidence",
        &format!("{:.2}", incident.confidence),
    );
    set(
        &mut texts,
        "page_url",
        &links.card(&incident.id).unwrap_or_default(),
    );
    let runbook = format!("{}#{}", links.runbooks, incident.fault);
    set(&mut texts, "runbook_url", &runbook);
    texts
}

/// A text in both languages; the English one has the plain name, as in our rules of Prometheus.
pub fn set_words(texts: &mut Pairs, name: &str, words: &Words) {
    set(texts, name, &words.en);
    set(texts, &format!("{name}_vi"), &words.vi);
}

fn set(texts: &mut Pairs, name: &str, text: &str) {
    if !text.is_empty() {
        texts.insert(name.to_owned(), beginning(text, TEXT_BYTES).to_owned());
    }
}

/// As much of a text as fits.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or_default()
}

/// RFC 3339.
#[must_use]
pub fn moment(unix_seconds: f64) -> String {
    timestamp(unix_seconds).to_string()
}

/// To the millisecond; what is no moment of a calendar is its beginning.
#[must_use]
pub fn timestamp(unix_seconds: f64) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float of any size becomes the nearest number"
    )]
    let milliseconds = (unix_seconds * 1000.0) as i64;
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
