//! PromQL, out of the metric catalogue and the thresholds.
//!
//! Every query aggregates the labels `job` and `instance` away: they belong to whoever scrapes, and
//! nothing of ours relies on them.

use std::time::Duration;

use proto::metrics::{
    AGENT_GOODBYE, AGENT_LAST_REPORT, AGENT_UP, CENTRE_INFO, CENTRE_OPEN, DEVICE_MEMORY_AVAILABLE,
    DEVICE_MEMORY_SIZE, LINK_RECEIVED, LINK_RTT, LINK_SENT, Metric, Part,
};

use proto::thresholds::{FEWEST_ECHOES, JUDGED_OVER, LOSS};

/// Reads "of the centre chosen above".
pub const OF_THE_CENTRE: &str = r#"centre="$centre""#;

/// Reads "between the devices and their gateway".
pub const TO_THE_GATEWAY: &str = r#"segment="gateway""#;

/// Reads "between the devices and the core network": the line is on the way.
pub const TO_THE_CORE: &str = r#"segment="core""#;

/// What [`presence`] and [`centres`] say.
pub mod state {
    /// A centre without agents.
    pub const NONE: i32 = -1;
    /// No word, and none announced.
    pub const SILENT: i32 = 0;
    /// The agent said goodbye: off is not down.
    pub const OFF: i32 = 1;
    /// Reports.
    pub const REPORTING: i32 = 2;
    /// A centre that reports, though one of its devices is silent.
    pub const PARTLY_SILENT: i32 = 3;
    /// A centre that reports that its gateway loses packets.
    pub const GATEWAY_LOSES: i32 = 4;
}

/// The newest value of a metric per group, whoever scraped it.
#[must_use]
pub fn newest(metric: &Metric, by: &str, matching: &str) -> String {
    let name = metric.name;
    if matching.is_empty() {
        format!("max by ({by}) ({name})")
    } else {
        format!("max by ({by}) ({name}{{{matching}}})")
    }
}

/// The [`state`] of each device.
#[must_use]
pub fn presence(matching: &str) -> String {
    let up = newest(&AGENT_UP, "centre, device", matching);
    let goodbye = newest(&AGENT_GOODBYE, "centre, device", matching);
    format!("2 * {up} + {goodbye}")
}

/// The devices that ceased to report, without a goodbye, though their centre is open or has no hours.
/// One that never reported has not ceased.
#[must_use]
pub fn silent() -> String {
    let up = newest(&AGENT_UP, "centre, device, kind", "");
    let (goodbye, reported) = (AGENT_GOODBYE.name, AGENT_LAST_REPORT.name);
    format!(
        "{up} == 0 unless on (centre, device) {goodbye} == 1 and on (centre, device) {reported} \
         unless on (centre) {} == 0",
        CENTRE_OPEN.name
    )
}

/// The centres of which at least one device reports.
#[must_use]
pub fn reporting_centres() -> String {
    format!("{} == 1", newest(&AGENT_UP, "centre", ""))
}

/// The [`state`] of each centre, labelled with its name: that of its best device, and if that one
/// reports, what is wrong in spite of it.
#[must_use]
pub fn centres() -> String {
    let presence = presence("");
    let (best, worst) = (
        format!("max by (centre) ({presence})"),
        format!("min by (centre) ({presence})"),
    );
    let (reporting, silent) = (state::REPORTING, state::SILENT);
    let state = [
        format!("{best} < {reporting}"),
        format!("{} + 0 * ({})", state::GATEWAY_LOSES, gateway_loses()),
        format!("{} + ({worst} == {silent})", state::PARTLY_SILENT),
        best,
        format!("{} * {}", state::NONE, newest(&CENTRE_INFO, "centre", "")),
    ];
    named(&state.join(" or "))
}

/// The same per centre, labelled with the centre's name too.
#[must_use]
pub fn named(query: &str) -> String {
    let name = newest(&CENTRE_INFO, "centre, name", "");
    format!("{name} * on (centre) group_left () ({query})")
}

/// How many devices are in a [`state`]; 0 when none is.
#[must_use]
pub fn devices_in(state: i32) -> String {
    format!("count({} == {state}) or vector(0)", presence(""))
}

/// A duration as Prometheus writes it.
#[must_use]
pub fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// A range that moves along the curve.
#[must_use]
pub fn over(range: Duration) -> String {
    format!("[{}]", duration(range))
}

/// The last range of what is drawn, the same for the whole curve.
#[must_use]
pub fn at_the_end_over(range: Duration) -> String {
    format!("{} @ end()", over(range))
}

/// Share of echoes that stayed unanswered; `over` is a range in brackets. A target that answered none
/// of them does not count: many routers and resolvers ignore echoes, and who reports got through.
#[must_use]
pub fn loss(by: &str, matching: &str, over: &str) -> String {
    let rate = |metric: &Metric| format!("rate({}{{{matching}}}{over})", metric.name);
    let (sent, received) = (rate(&LINK_SENT), rate(&LINK_RECEIVED));
    let sent = format!("sum by ({by}) ({sent} and {received} > 0)");
    format!("clamp_min({sent} - sum by ({by}) ({received}), 0) / {sent}")
}

/// Whether enough echoes were sent for a verdict on loss.
#[must_use]
pub fn enough_echoes(by: &str, matching: &str) -> String {
    let (sent, over) = (LINK_SENT.name, over(JUDGED_OVER));
    format!("sum by ({by}) (increase({sent}{{{matching}}}{over})) >= {FEWEST_ECHOES}")
}

/// The centres whose devices lose too much on the way to their own gateway, and how much.
#[must_use]
pub fn gateway_loses() -> String {
    let loss = loss("centre", TO_THE_GATEWAY, &over(JUDGED_OVER));
    let enough = enough_echoes("centre", TO_THE_GATEWAY);
    format!("{loss} > {} and {enough}", LOSS.warning)
}

/// 95th percentile of round-trip times; `over` is a range in brackets.
#[must_use]
pub fn rtt_p95(by: &str, matching: &str, over: &str) -> String {
    let (name, bucket) = (LINK_RTT.name, Part::Bucket.suffix());
    format!(
        "histogram_quantile(0.95, sum by ({by}, le) (rate({name}{bucket}{{{matching}}}{over})))"
    )
}

/// Ten of many centres' curves: those that are highest at the end, so that no curve begins or ceases along
/// the way. The query is given twice, drawn and at the end.
#[must_use]
pub fn ten_highest(query: impl Fn(&str) -> String, range: Duration) -> String {
    let (drawn, end) = (query(&over(range)), query(&at_the_end_over(range)));
    named(&format!("{drawn} and topk(10, {end})"))
}

/// Share of the memory in use.
#[must_use]
pub fn memory_use(by: &str, matching: &str) -> String {
    let available = newest(&DEVICE_MEMORY_AVAILABLE, by, matching);
    let size = newest(&DEVICE_MEMORY_SIZE, by, matching);
    format!("1 - {available} / {size}")
}
