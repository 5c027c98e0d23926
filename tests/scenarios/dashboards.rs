//! Every query of the dashboards and every rule works against a real Prometheus that scraped a real
//! collector, and finds what there is.

use dashboards::rules;
use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

use crate::FIRST_VALUES;
use crate::harness::{Agent, Collector, Prometheus, collector::ONE_CENTRE, eventually, metric};
use crate::needs;

/// A Prometheus that has seen an agent for long enough to know rates.
async fn watched() -> Result<(Prometheus, Collector, Agent), String> {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let prometheus = Prometheus::scraping(collector.http_address()).await?;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    eventually("rates are known", 2 * FIRST_VALUES, async || {
        metric("dawnwatch_link_sent_total").found_in(&collector.metrics().await?)?;
        let rates = prometheus
            .query("rate(dawnwatch_link_sent_total[1m]) > 0")
            .await?;
        let cpu = prometheus.query("dawnwatch_cpu_usage_ratio").await?;
        match rates.is_empty() || cpu.is_empty() {
            true => Err(format!("{rates:?} {cpu:?}")),
            false => Ok(()),
        }
    })
    .await;
    Ok((prometheus, collector, agent))
}

#[tokio::test]
async fn panels_show_what_there_is() {
    let (prometheus, _collector, _agent) = needs!(watched().await);
    let links = r#"dawnwatch_link_sent_total{segment="gateway"}"#;
    let has_gateway = !prometheus.query(links).await.unwrap().is_empty();
    for (panel, query) in panel_queries() {
        let query = query.replace("$centre", "cong-son");
        let mut complete = true;
        for selector in selectors(&query) {
            let found = !prometheus.query(&selector).await.unwrap().is_empty();
            // A machine without gateway has nothing to show of one; everything else is there.
            let excused = !has_gateway && selector.contains("gateway");
            assert!(found || excused, "{panel}: nothing matches {selector}");
            complete &= found;
        }
        let shown = prometheus.query(&query).await;
        let shown = shown.unwrap_or_else(|error| panic!("{panel}: {error}"));
        assert!(!complete || !shown.is_empty(), "{panel} is empty: {query}");
    }
}

#[tokio::test]
async fn tiles_name_the_centre_and_its_state() {
    let (prometheus, collector, mut agent) = needs!(watched().await);
    let (_, tiles) = panel_queries()
        .into_iter()
        .find(|(panel, _)| panel == "Centres")
        .unwrap();
    let state = async || match &prometheus.query(&tiles).await?[..] {
        [(labels, value)] => Ok((labels.get("name").cloned().unwrap_or_default(), *value)),
        other => Err(format!("one tile: {other:?}")),
    };
    assert_eq!(state().await, Ok(("Công Sơn".into(), 2.0)));
    agent.stop().await.succeeded();
    eventually(
        "the tile says that it is off",
        FIRST_VALUES,
        async || match state().await? {
            (_, 1.0) => Ok(()),
            other => Err(format!("{other:?}; {:?}", collector.http_address())),
        },
    )
    .await;
}

#[tokio::test]
async fn rules_are_healthy() {
    let (prometheus, _collector, _agent) = needs!(watched().await);
    for alert in rules::all() {
        let firing = prometheus.query(&alert.expression).await;
        assert_eq!(
            firing,
            Ok(vec![]),
            "{} is silent when all is well",
            alert.name
        );
    }
    eventually("all were evaluated", FIRST_VALUES, async || {
        let rules = prometheus.rules().await?;
        let healthy = rules.iter().filter(|(_, health, _)| health == "ok").count();
        match healthy == rules::all().len() {
            true => Ok(()),
            false => Err(format!("{rules:?}")),
        }
    })
    .await;
}

/// Title and expression of every panel.
fn panel_queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in dashboards::files() {
        if !file.path.ends_with(".json") {
            continue;
        }
        let dashboard: Value = serde_json::from_str(&file.content).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                queries.push((text(&panel["title"]), text(&target["expr"])));
            }
        }
    }
    queries
}

/// What a query selects, each as a query of its own.
fn selectors(query: &str) -> Vec<String> {
    struct Selectors(Vec<String>);
    impl ExprVisitor for Selectors {
        type Error = ();
        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, ()> {
            match expression {
                Expr::VectorSelector(selector) => self.0.push(selector.to_string()),
                Expr::MatrixSelector(matrix) => self.0.push(matrix.vs.to_string()),
                _ => {}
            }
            Ok(true)
        }
    }
    let mut selectors = Selectors(Vec::new());
    walk_expr(&mut selectors, &parser::parse(query).unwrap()).unwrap();
    selectors.0
}
