//! What a printer's attributes mean, in the words that all devices share.

use proto::plan::Kind;

use super::super::said::{Said, Status};
use super::message::{Attributes, Value};
use super::reasons::{Going, conditions};
use super::supplies::{self, field};

/// A start before which no printer was built, as seconds since 1970: what is larger is no uptime but the
/// time of day, as CUPS tells it.
const UNIX_TIME_SECONDS: i32 = 1_000_000_000;

/// Alerts and their like, for people: so many, and of each so many characters.
const MESSAGES: usize = 16;
const MESSAGE_CHARACTERS: usize = 200;

pub(super) fn tell(attributes: &Attributes, said: &mut Said) {
    said.kind = Some(Kind::Printer);
    identify(attributes, said);
    let up = attributes.number("printer-up-time");
    let up = up.filter(|seconds| (1..UNIX_TIME_SECONDS).contains(seconds));
    said.uptime_seconds = up.map(f64::from);
    said.pages_total = ["printer-impressions-completed", "printer-pages-completed"]
        .into_iter()
        .find_map(|name| count(attributes, name));
    said.queued_jobs = count(attributes, "queued-job-count");
    said.messages = messages(attributes);
    judge(attributes, said);
    supplies::tell(attributes, said);
}

fn identify(attributes: &Attributes, said: &mut Said) {
    let own = |text: Option<&str>| text.map(str::to_owned);
    // IEEE 1284: `MFG:HP;MDL:Officejet Pro 6830;SN:TH55R620W0;`
    let id = attributes.text("printer-device-id").unwrap_or_default();
    let of_id = |keys: &[&str]| keys.iter().find_map(|key| field(id, ':', key));
    said.vendor = own(of_id(&["MFG", "MANUFACTURER"]));
    let model = attributes.text("printer-make-and-model");
    said.model = own(model.or_else(|| of_id(&["MDL", "MODEL"])));
    let serial = attributes.text("printer-serial-number");
    said.serial = own(serial.or_else(|| of_id(&["SN", "SERN", "SERIALNUMBER"])));
    said.firmware = own(attributes.text("printer-firmware-string-version"));
    let name = attributes.text("printer-name");
    said.name = own(name.or_else(|| attributes.text("printer-info")));
}

/// RFC 8011, section 5.4.11, and the reasons for it.
fn judge(attributes: &Attributes, said: &mut Said) {
    said.status = attributes.number("printer-state").map(|state| match state {
        3 => Status::Idle,
        4 => Status::Printing,
        5 => Status::Stopped,
        _ => Status::Unknown,
    });
    let reasons = attributes.of("printer-state-reasons");
    if reasons.is_empty() {
        return;
    }
    let going = match said.status {
        Some(Status::Stopped) => Going::Stopped,
        _ => Going::On,
    };
    said.conditions = Some(conditions(reasons.iter().filter_map(Value::text), going));
}

fn messages(attributes: &Attributes) -> Vec<String> {
    let alerts = attributes.of("printer-alert").iter();
    let descriptions = attributes.of("printer-alert-description").iter();
    let serious = alerts.zip(descriptions).filter_map(|(alert, description)| {
        let severity = field(alert.text()?, '=', "severity")?;
        let is_serious = severity == "critical" || severity.starts_with("warning");
        is_serious.then(|| bare(description.text()?)).flatten()
    });
    let state = attributes.text("printer-state-message");
    let is_accepting = attributes.of("printer-is-accepting-jobs");
    let refusal = (is_accepting == [Value::Boolean(false)]).then_some("does not take jobs");
    let all = state.into_iter().chain(refusal).chain(serious);
    let short = all.map(|text| text.chars().take(MESSAGE_CHARACTERS).collect::<String>());
    let mut messages: Vec<String> = Vec::new();
    for message in short {
        if messages.len() < MESSAGES && !messages.contains(&message) {
            messages.push(message);
        }
    }
    messages
}

/// Some printers put into a value how it is written: `printer-alert-description[0] = 'Paper jam'`.
fn bare(text: &str) -> Option<&str> {
    let text = match text.split_once("] = ") {
        Some((name, value)) if name.starts_with("printer-alert") => value.trim_matches('\''),
        _ => text,
    };
    Some(text.trim()).filter(|text| !text.is_empty() && *text != "none")
}

fn count(attributes: &Attributes, name: &str) -> Option<u64> {
    u64::try_from(attributes.number(name)?).ok()
}
