//! PromQL against the catalogue: every query parses, names only metrics and labels that exist, and
//! treats counters as counters.

use std::collections::HashSet;

use dawnwatch_dashboards::metrics_page::labels;
use dawnwatch_dashboards::rules;
use promql_parser::parser::{self, Expr, LabelModifier, MatrixSelector, VectorSelector};
use proto::metrics::{CATALOGUE, Kind, Part, find};

use crate::{dashboards, panels};

#[test]
fn panels_ask_for_what_exists() {
    for (path, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let query = target["expr"].as_str().unwrap();
                let wrong = faults(query);
                assert!(wrong.is_empty(), "{path}: {query}: {wrong:?}");
                let legend = target["legendFormat"].as_str().unwrap();
                for label in placeholders(legend) {
                    assert!(known_labels().contains(label), "{path}: {legend}");
                }
            }
        }
    }
}

#[test]
fn variables_are_values_of_labels_that_exist() {
    for (path, dashboard) in dashboards() {
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            let Some(query) = variable["query"]["query"].as_str() else {
                continue;
            };
            let inside = query
                .strip_prefix("label_values(")
                .and_then(|q| q.strip_suffix(')'));
            let (metric, label) = inside.and_then(|q| q.split_once(", ")).unwrap();
            let (metric, _) = find(metric).unwrap_or_else(|| panic!("{path}: {query}"));
            assert!(
                labels(metric).any(|known| known == label),
                "{path}: {query}"
            );
        }
    }
}

#[test]
fn rules_ask_for_what_exists() {
    for alert in rules::all() {
        let wrong = faults(&alert.expression);
        assert!(wrong.is_empty(), "{}: {wrong:?}", alert.name);
    }
}

#[test]
fn the_check_finds_planted_faults() {
    let check = |query: &str, expected: &[&str]| assert_eq!(faults(query), expected, "{query}");
    check("dawnwatch_agent_up", &[]);
    check(
        "dawnwatch_agent_upp",
        &["dawnwatch_agent_upp is not in the catalogue"],
    );
    check(
        r#"dawnwatch_agent_up{segment="lan"}"#,
        &["dawnwatch_agent_up has no label segment"],
    );
    check(
        r#"dawnwatch_agent_up{instance="a"}"#,
        &["dawnwatch_agent_up has no label instance"],
    );
    check(
        "dawnwatch_link_sent_total",
        &["dawnwatch_link_sent_total is a counter outside rate or increase"],
    );
    check(
        "deriv(dawnwatch_link_sent_total[5m])",
        &["dawnwatch_link_sent_total is a counter outside rate or increase"],
    );
    check("rate(dawnwatch_link_sent_total[5m])", &[]);
    check(
        "rate(dawnwatch_agent_up[5m])",
        &["dawnwatch_agent_up is no counter"],
    );
    check(
        "sum by (job) (dawnwatch_agent_up)",
        &["no metric has the label job"],
    );
    check(
        "dawnwatch_agent_up * on (centre) group_left (nam) dawnwatch_centre_info",
        &["no metric has the label nam"],
    );
    check(
        "sum by (le) (rate(dawnwatch_link_rtt_seconds_bucket[5m]))",
        &[],
    );
    check(
        "histogram_quantile(0.9, sum by (centre) (rate(dawnwatch_link_rtt_seconds_bucket[5m])))",
        &["a quantile without le"],
    );
}

/// What is wrong with a query.
fn faults(query: &str) -> Vec<String> {
    let mut faults = Vec::new();
    match parser::parse(query) {
        Ok(expression) => look(&expression, "", &mut faults),
        Err(error) => faults.push(error),
    }
    faults
}

fn look(expression: &Expr, function: &str, faults: &mut Vec<String>) {
    match expression {
        Expr::Aggregate(aggregate) => {
            look_at_grouping(aggregate.modifier.as_ref(), faults);
            aggregate
                .param
                .iter()
                .for_each(|param| look(param, "", faults));
            look(&aggregate.expr, "", faults);
        }
        Expr::Unary(unary) => look(&unary.expr, "", faults),
        Expr::Paren(paren) => look(&paren.expr, function, faults),
        Expr::Subquery(subquery) => look(&subquery.expr, "", faults),
        Expr::Binary(binary) => {
            if let Some(modifier) = &binary.modifier {
                look_at_grouping(modifier.matching.as_ref(), faults);
                let names = modifier.card.labels().into_iter().flat_map(|l| &l.labels);
                names.for_each(|name| look_at_label(name, faults));
            }
            look(&binary.lhs, "", faults);
            look(&binary.rhs, "", faults);
        }
        Expr::Call(call) => {
            if call.func.name == "histogram_quantile" && !call.args.args.iter().any(|a| keeps_le(a))
            {
                faults.push("a quantile without le".into());
            }
            for argument in &call.args.args {
                look(argument, call.func.name, faults);
            }
        }
        Expr::VectorSelector(selector) => look_at_selector(selector, "", faults),
        Expr::MatrixSelector(MatrixSelector { vs, .. }) => look_at_selector(vs, function, faults),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn keeps_le(argument: &Expr) -> bool {
    match argument {
        Expr::Aggregate(aggregate) => matches!(
            &aggregate.modifier,
            Some(LabelModifier::Include(by)) if by.labels.iter().any(|label| label == "le")
        ),
        _ => false,
    }
}

fn look_at_selector(selector: &VectorSelector, function: &str, faults: &mut Vec<String>) {
    let name = selector
        .name
        .as_deref()
        .unwrap_or("a selector without name");
    let Some((metric, part)) = find(name) else {
        faults.push(format!("{name} is not in the catalogue"));
        return;
    };
    for matcher in &selector.matchers.matchers {
        let le = part == Part::Bucket && matcher.name == "le";
        if !le && !labels(metric).any(|label| label == matcher.name) {
            faults.push(format!("{name} has no label {}", matcher.name));
        }
    }
    let counts = metric.kind == Kind::Counter || part != Part::Value;
    let rated = ["rate", "increase"].contains(&function);
    if counts && !rated {
        faults.push(format!("{name} is a counter outside rate or increase"));
    } else if !counts && rated {
        faults.push(format!("{name} is no counter"));
    }
}

fn look_at_grouping(modifier: Option<&LabelModifier>, faults: &mut Vec<String>) {
    for name in modifier
        .into_iter()
        .flat_map(|modifier| &modifier.labels().labels)
    {
        look_at_label(name, faults);
    }
}

fn look_at_label(name: &str, faults: &mut Vec<String>) {
    if !known_labels().contains(name) {
        faults.push(format!("no metric has the label {name}"));
    }
}

fn known_labels() -> HashSet<&'static str> {
    let of_metrics = CATALOGUE.iter().flat_map(|metric| labels(metric));
    of_metrics.chain(["le"]).collect()
}

/// `a {{b}} {{c}}` names b and c.
fn placeholders(legend: &str) -> impl Iterator<Item = &str> {
    legend
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next())
        .map(str::trim)
}
