//! From expressions that were true to messages, as Prometheus and Alertmanager document it.
//!
//! An alert fires when its expression was true for its `for` without a gap, and until it is not. Alerts are grouped by
//! centre, ISP or service: the first of a group waits `group_wait`, further ones of an active group at most each
//! `group_interval`, and the same again after `repeat_interval`. An alert whose centres are covered by a firing one that
//! inhibits it is not told while that one fires. Messages that all is well again are not counted.

use std::collections::BTreeMap;

use diagnosis::event::Happened;

use super::metrics::STEP;
use super::prometheus::Points;
use super::table::{By, RULES, Rule};
use crate::evaluate::said::{Said, Verdict};

const GROUP_WAIT: f64 = 30.0;
const GROUP_INTERVAL: f64 = 300.0;
const REPEAT_INTERVAL: f64 = 4.0 * 3600.0;

/// One alert, from the moment it fires.
#[derive(Debug, Clone)]
pub(super) struct Alert {
    rule: Rule,
    /// How early in the list of rules.
    rank: usize,
    scope: Vec<String>,
    culprit: Option<String>,
    /// The group it belongs to.
    group: String,
    from: f64,
    to: f64,
}

/// The alerts of a rule. `centres_of` gives all centres of an ISP, or all.
pub(super) fn alerts(
    rank: usize,
    rule: Rule,
    series: &[Points],
    centres_of: impl Fn(Option<&str>) -> Vec<String>,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (labels, times) in series {
        let label = |name: &str| {
            labels
                .iter()
                .find(|(label, _)| label == name)
                .map(|(_, value)| value.clone())
        };
        let (scope, group) = match rule.by {
            By::Centre => {
                let centre = label("centre").unwrap_or_default();
                (vec![centre.clone()], format!("centre {centre}"))
            }
            By::Isp => {
                let isp = label("isp").unwrap_or_default();
                (centres_of(Some(&isp)), format!("isp {isp}"))
            }
            By::Service => (
                centres_of(None),
                format!("service {}", label("service").unwrap_or_default()),
            ),
            By::All => (centres_of(None), "all".to_owned()),
        };
        for (from, to) in firing(times, rule.persists) {
            alerts.push(Alert {
                rule,
                rank,
                scope: scope.clone(),
                culprit: label(rule.culprit),
                group: group.clone(),
                from,
                to,
            });
        }
    }
    alerts
}

/// From when to when an alert fires whose expression was true at these times.
fn firing(times: &[f64], persists: f64) -> Vec<(f64, f64)> {
    let mut runs: Vec<(f64, f64)> = Vec::new();
    for time in times {
        match runs.last_mut() {
            Some(run) if time - run.1 <= STEP * 1.5 => run.1 = *time,
            _ => runs.push((*time, *time)),
        }
    }
    let long = runs
        .into_iter()
        .map(|(from, to)| (from + persists, to + STEP));
    long.filter(|(from, to)| to - STEP >= *from).collect()
}

/// The messages people get of alerts, and how they change what an incident is said to be.
pub(super) fn messages(alerts: &[Alert]) -> Vec<Said> {
    let mut groups: BTreeMap<&str, Vec<(f64, f64, &Alert)>> = BTreeMap::new();
    for alert in alerts {
        for (from, to) in told(alert, alerts) {
            groups
                .entry(&alert.group)
                .or_default()
                .push((from, to, alert));
        }
    }
    let mut messages = Vec::new();
    for (group, mut alerts) in groups {
        alerts.sort_by(|a, b| a.0.total_cmp(&b.0));
        messages.extend(of_group(group, &alerts));
    }
    messages.sort_by(|a: &Said, b| a.at.total_cmp(&b.at));
    messages
}

/// The times in which an alert fires and nothing inhibits it.
fn told(alert: &Alert, all: &[Alert]) -> Vec<(f64, f64)> {
    let covers = |other: &&Alert| {
        other.rule.inhibits(&alert.rule)
            && other.from < alert.to
            && other.to > alert.from
            && alert.scope.iter().all(|id| other.scope.contains(id))
    };
    let mut free = vec![(alert.from, alert.to)];
    for other in all.iter().filter(covers) {
        let cut = |(from, to): (f64, f64)| [(from, to.min(other.from)), (from.max(other.to), to)];
        free = free
            .into_iter()
            .flat_map(cut)
            .filter(|(from, to)| from < to)
            .collect();
    }
    free
}

/// The messages of one group; its alerts are in order of time.
fn of_group(group: &str, alerts: &[(f64, f64, &Alert)]) -> Vec<Said> {
    let mut messages: Vec<Said> = Vec::new();
    let mut active_until = f64::NEG_INFINITY;
    let mut flushed = f64::NEG_INFINITY;
    let mut id = String::new();
    for (from, to, alert) in alerts {
        let is_new = *from > active_until;
        let at = if is_new {
            from + GROUP_WAIT
        } else {
            from.max(flushed + GROUP_INTERVAL)
        };
        active_until = active_until.max(*to);
        // Over before the group is told, or told with those that are waiting.
        if *to < at || (!is_new && *from <= flushed) {
            continue;
        }
        if is_new {
            id = format!("{group} {from:.0}");
        }
        let active: Vec<&Alert> = alerts
            .iter()
            .filter(|(from, to, _)| *from <= at && at <= *to)
            .map(|(_, _, alert)| *alert)
            .collect();
        flushed = at;
        messages.push(message(
            &id,
            at,
            if is_new {
                Happened::Open
            } else {
                Happened::Revise
            },
            &active,
            alert,
        ));
        let mut again = at + REPEAT_INTERVAL;
        while again < *to {
            messages.push(message(&id, again, Happened::Update, &active, alert));
            again += REPEAT_INTERVAL;
        }
    }
    messages
}

/// A message names all alerts of its group; taken as said is that of the widest rule.
fn message(id: &str, at: f64, event: Happened, active: &[&Alert], trigger: &Alert) -> Said {
    let main = active
        .iter()
        .min_by_key(|alert| alert.rank)
        .copied()
        .unwrap_or(trigger);
    let mut scope: Vec<String> = active
        .iter()
        .flat_map(|alert| alert.scope.clone())
        .collect();
    scope.sort();
    scope.dedup();
    let segment = main
        .rule
        .fault
        .parse()
        .ok()
        .and_then(diagnosis::Fault::segment);
    Said {
        at,
        event,
        notify: true,
        id: id.to_owned(),
        scope: if scope.is_empty() {
            trigger.scope.clone()
        } else {
            scope
        },
        verdict: Verdict {
            segment: segment.map(|segment| segment.to_string()),
            fault: main.rule.fault.to_owned(),
            culprit: main.culprit.clone(),
        },
        since: main.from,
        until: None,
        confidence: 1.0,
        alternatives: Vec::new(),
    }
}

/// All alerts of all rules, asked from a Prometheus.
pub(super) fn all(
    mut ask: impl FnMut(&str) -> anyhow::Result<Vec<Points>>,
    centres_of: impl Fn(Option<&str>) -> Vec<String>,
) -> anyhow::Result<Vec<Alert>> {
    let mut found = Vec::new();
    for (rank, rule) in RULES.iter().enumerate() {
        found.extend(alerts(rank, *rule, &ask(rule.expression)?, &centres_of));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn rule(fault: &str) -> (usize, Rule) {
        let rank = RULES.iter().position(|rule| rule.fault == fault).unwrap();
        (rank, RULES[rank])
    }

    /// `fault label=value minute-minute`, both inclusive.
    fn alert(text: &str) -> Vec<Alert> {
        let words: Vec<&str> = text.split(' ').collect();
        let (rank, rule) = rule(words[0]);
        let (label, value) = words[1].split_once('=').unwrap();
        let (from, to) = words[2].split_once('-').unwrap();
        let (from, to): (u32, u32) = (from.parse().unwrap(), to.parse().unwrap());
        let times = (from..=to).map(|minute| f64::from(minute) * 60.0).collect();
        let series = [(vec![(label.to_owned(), value.to_owned())], times)];
        alerts(rank, rule, &series, |_| vec!["a".into(), "b".into()])
    }

    fn told(texts: &[&str]) -> Vec<String> {
        let all: Vec<Alert> = texts.iter().flat_map(|text| alert(text)).collect();
        let text = |said: Said| {
            format!(
                "{} {} {}",
                said.at,
                said.verdict.fault,
                said.scope.join(",")
            )
        };
        messages(&all).into_iter().map(text).collect()
    }

    #[test]
    fn an_alert_fires_when_it_was_true_long_enough() {
        assert_eq!(told(&["line_down centre=a 0-1"]), [""; 0]);
        assert_eq!(told(&["line_down centre=a 0-2"]), ["150 line_down a"]);
        assert_eq!(
            told(&["line_lossy centre=a 0-4", "line_lossy centre=a 6-8"]),
            [""; 0]
        );
    }

    #[test]
    fn a_group_is_told_again_at_most_each_five_minutes() {
        let texts = [
            "line_lossy centre=a 0-60",
            "pc_nic_errors centre=a 1-60",
            "mtu_blackhole centre=a 2-60",
        ];
        // After 30 s those that fire; the rest together, five minutes later. The last is inhibited.
        assert_eq!(told(&texts), ["330 line_lossy a", "630 line_lossy a"]);
    }

    #[test]
    fn a_wide_cause_silences_what_it_covers() {
        let texts = [
            "isp_down isp=x 0-60",
            "line_down centre=a 0-60",
            "line_down centre=c 0-60",
        ];
        assert_eq!(told(&texts), ["150 line_down c", "150 isp_down a,b"]);
        // It was told before the wide one fired.
        let texts = ["isp_down isp=x 5-60", "line_down centre=a 0-60"];
        assert_eq!(told(&texts), ["150 line_down a", "450 isp_down a,b"]);
    }

    #[test]
    fn it_is_repeated_after_hours() {
        assert_eq!(told(&["line_down centre=a 0-300"]).len(), 2);
    }
}
