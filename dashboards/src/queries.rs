//! PromQL, out of the metric catalogue and the thresholds.
//!
//! Every query aggregates the labels `job` and `instance` away: they belong to whoever scrapes, and
//! nothing of ours relies on them.

use proto::metrics::{
    AGENT_GOODBYE, AGENT_UP, CENTRE_INFO, DEVICE_MEMORY_AVAILABLE, DEVICE_MEMORY_SIZE,
    LINK_RECEIVED, LINK_RTT, LINK_SENT, Metric, Part,
};

use crate::thresholds::{FEWEST_ECHOES, JUDGED_OVER, LOSS};

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

/// A range that moves along the curve.
#[must_use]
pub fn over(range: &str) -> String {
    format!("[{range}]")
}

/// The last range of what is drawn, the same for the whole curve.
#[must_use]
pub fn at_the_end_over(range: &str) -> String {
    format!("[{range}] @ end()")
}

/// Share of echoes that stayed unanswered; `over` is a range in brackets.
#[must_use]
pub fn loss(by: &str, matching: &str, over: &str) -> String {
    let rate = |metric: &Metric| {
        let name = metric.name;
        format!("sum by ({by}) (rate({name}{{{matching}}}{over}))")
    };
    let (sent, received) = (rate(&LINK_SENT), rate(&LINK_RECEIVED));
    format!("clamp_min({sent} - {received}, 0) / {sent}")
}

/// Whether enough echoes were sent for a verdict on loss.
#[must_use]
pub fn enough_echoes(by: &str, matching: &str) -> String {
    let sent = LINK_SENT.name;
    format!("sum by ({by}) (increase({sent}{{{matching}}}[{JUDGED_OVER}])) >= {FEWEST_ECHOES}")
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
pub fn ten_highest(query: impl Fn(&str) -> String, range: &str) -> String {
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
