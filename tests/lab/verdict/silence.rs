//! A centre that nobody hears: what people read of it while it is silent, and once what it measured meanwhile has come.
//!
//! From outside a dead line and lost electricity look the same, so both are named until then; afterwards the API, the
//! page and the metrics tell the past as it was.

use diagnosis::Fault;
use diagnosis::sentence::incident::named;
use serde_json::Value;

use super::town::Town;
use crate::harness::metric;

/// From here on a verdict is said as a fact.
const CERTAIN: f64 = 0.9;

/// What nobody can tell apart from outside.
const CANDIDATES: [&str; 2] = ["line_down", "power_outage"];

/// Of what was lost so much is counted at least: the count goes on in rounds of seconds.
const COUNTED: f64 = 0.9;

/// Whether both candidates are named everywhere, and none as a fact. The error says what is wrong.
pub async fn is_told_as_unsure(town: &Town<'_>, fault: &Value) -> Result<(), String> {
    let others = fault["alternatives"].as_array().into_iter().flatten();
    let others: Vec<&str> = others.filter_map(|one| one["fault"].as_str()).collect();
    let first = word(fault, "fault");
    let is_named = |name: &&str| first == *name || others.contains(name);
    says(CANDIDATES.iter().all(is_named), "not both are named", fault)?;
    says(number(fault) < CERTAIN, "it is said as a fact", fault)?;

    let page = page(town, fault).await?;
    for other in &others {
        let other: Fault = other.parse().map_err(|_| format!("no fault: {other}"))?;
        reads(&page, &named(other).en)?;
    }

    let metrics = town.collector.metrics().await?;
    let [centre] = &scope(fault)[..] else {
        return Err(format!("not of one centre: {fault:#}"));
    };
    let here = |name| metric(name).label("centre", centre).label("fault", first);
    here("dawnwatch_fault_active").is(1.0).found_in(&metrics)?;
    let sure = here("dawnwatch_fault_confidence_ratio").found_in(&metrics)?;
    says(sure < CERTAIN, "the metrics are sure of it", fault)
}

/// Whether the truth of the past is told everywhere: that it was this, for so long, and what was said before. The error
/// says what is wrong.
pub async fn is_told_as_it_was(town: &Town<'_>, fault: &Value) -> Result<(), String> {
    let truth = word(fault, "fault");
    says(number(fault) >= CERTAIN, "it is not certain", fault)?;

    let page = page(town, fault).await?;
    let first = &fault["history"][0];
    let guess = word(first, "fault");
    if guess != truth {
        says(fault["revised"] == true, "it is not revised", fault)?;
        reads(&page, "Before, it said: ")?;
        reads(&page, &escaped(word(&first["sentence"], "en")))?;
    }

    let metrics = town.collector.metrics().await?;
    let [centre] = &scope(fault)[..] else {
        return Err(format!("not of one centre: {fault:#}"));
    };
    let here = |name| metric(name).label("centre", centre);
    here("dawnwatch_fault_active").absent_from(&metrics)?;
    let lost = here("dawnwatch_centre_lost_service_seconds_total")
        .label("segment", word(fault, "segment"))
        .found_in(&metrics)?;
    let lasted = moment(fault, "until")? - moment(fault, "since")?;
    let is_counted = lost >= lasted * COUNTED;
    says(is_counted, &format!("{lost} of {lasted} s counted"), fault)
}

/// Its page, which says what the API says.
async fn page(town: &Town<'_>, fault: &Value) -> Result<String, String> {
    let address = format!("/faults/{}?lang=en", word(fault, "id"));
    let page = town.collector.page(&address).await?;
    reads(&page, &escaped(word(&fault["sentence"], "en")))?;
    Ok(page)
}

fn reads(page: &str, text: &str) -> Result<(), String> {
    let is_there = page.contains(text);
    is_there
        .then_some(())
        .ok_or_else(|| format!("the page does not say {text:?}: {page}"))
}

fn says(is_so: bool, wrong: &str, fault: &Value) -> Result<(), String> {
    is_so
        .then_some(())
        .ok_or_else(|| format!("{wrong}: {fault:#}"))
}

/// As it stands in HTML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn number(fault: &Value) -> f64 {
    fault["confidence"].as_f64().unwrap_or_default()
}

/// Unix seconds.
fn moment(fault: &Value, key: &str) -> Result<f64, String> {
    let at: jiff::Timestamp = word(fault, key)
        .parse()
        .map_err(|error| format!("{key}: {error}"))?;
    Ok(at.as_duration().as_secs_f64())
}

/// The centres it hits.
pub fn scope(fault: &Value) -> Vec<&str> {
    let scope = fault["scope"]["centres"].as_array().into_iter().flatten();
    scope.filter_map(Value::as_str).collect()
}
