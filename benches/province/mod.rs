//! Centres enough for many agents: one centre takes only so many.

use super::harness::collector::Collector;

/// As many as a province has.
const CENTRES: usize = 65;

/// Their file, as an operator writes it.
pub(crate) fn file() -> String {
    let centres = (0..CENTRES).map(|number| format!("centre-{number},Centre {number}\n"));
    "id,name\n".to_owned() + &centres.collect::<String>()
}

/// Tokens for this many agents, spread over the centres.
pub(crate) async fn tokens(collector: &Collector, agents: usize) -> Vec<String> {
    let mut reusable = Vec::new();
    for number in 0..CENTRES.min(agents) {
        let centre = format!("centre-{number}");
        reusable.push(collector.token_with(&centre, &["--reusable"]).await);
    }
    reusable.into_iter().cycle().take(agents).collect()
}
