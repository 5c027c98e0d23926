//! The measure the engine is compared with: a fair set of hand-made rules, evaluated by a real Prometheus over the same
//! records.
//!
//! `metrics` scrapes what a collector would show, `prometheus` keeps and queries it, `table` has the rules,
//! `alertmanager` makes messages of what they find. The judge is the same for both. Readiness is not compared: rules
//! have none.

mod alertmanager;
mod metrics;
mod prometheus;
mod table;

use diagnosis::calendar::Centre;
use diagnosis::record::Record;
use tempfile::TempDir;

use super::said::{History, Said};

/// What rules make of a stream of records.
#[derive(Debug)]
pub(crate) struct Rules {
    centres: Vec<Centre>,
    scraper: metrics::Scraper,
    folder: TempDir,
}

impl Rules {
    /// Nothing yet; an error where Prometheus is not installed.
    pub(crate) fn new(centres: &[Centre]) -> anyhow::Result<Self> {
        if let Some(why) = prometheus::missing() {
            anyhow::bail!("rules skipped, because {why}");
        }
        Ok(Self {
            centres: centres.to_vec(),
            scraper: metrics::Scraper::new(centres),
            folder: TempDir::with_prefix("dawnwatch-rules-")?,
        })
    }

    /// Takes a record, in the order of arrival.
    pub(crate) fn take(&mut self, record: &Record) -> anyhow::Result<()> {
        match self.scraper.take(record) {
            Some(block) => prometheus::add_block(self.folder.path(), &block),
            None => Ok(()),
        }
    }

    /// What people would have been told.
    pub(crate) fn history(mut self) -> anyhow::Result<History> {
        if let Some(block) = self.scraper.rest() {
            prometheus::add_block(self.folder.path(), &block)?;
        }
        let Some((from, to)) = self.scraper.span else {
            return Ok(History::default());
        };
        let server = prometheus::Prometheus::start(self.folder.path())?;
        let ask = |expression: &str| {
            let mut all = Vec::new();
            // Prometheus gives at most 11,000 points of a series.
            let mut begin = from;
            while begin <= to {
                let end = to.min(begin + metrics::STEP * 10_000.0);
                all.extend(server.range(expression, begin, end, metrics::STEP)?);
                begin = end + metrics::STEP;
            }
            Ok(all)
        };
        let centres_of = |isp: Option<&str>| {
            let of = |centre: &&Centre| isp.is_none_or(|isp| centre.isp == isp);
            self.centres
                .iter()
                .filter(of)
                .map(|centre| centre.id.clone())
                .collect()
        };
        let alerts = alertmanager::all(ask, centres_of)?;
        let messages: Vec<Said> = alertmanager::messages(&alerts);
        Ok(messages.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use diagnosis::record::Line;

    use super::*;

    /// Monday 2026-07-20, 08:00 at UTC+7.
    const START: f64 = 1_784_509_200.0;

    fn report(minute: u32, centre: &str, received: u32) -> Record {
        let at = START + f64::from(minute) * 60.0;
        let line = serde_json::json!({
            "t": at, "arrived": at + 2.0, "centre": centre, "agent": "pc-01",
            "links": [
                {"segment": "gateway", "target": "10.0.0.1", "sent": 60, "received": 60, "rtt_ms": 1.0},
                {"segment": "hop", "hop": 1, "target": "10.9.0.1", "sent": 60, "received": received, "rtt_ms": 9.0},
                {"segment": "anchor", "target": "anchor-1", "sent": 60, "received": received, "rtt_ms": 20.0},
            ],
        });
        let line: Line = serde_json::from_value(line).unwrap();
        line.records().remove(0)
    }

    /// One line goes dead after half an hour, one loses, one is well; after lunch break begins nothing counts.
    #[test]
    fn a_real_prometheus_finds_a_dead_and_a_lossy_line() {
        let centres = ["dead", "lossy", "well"].map(|id| Centre {
            id: id.into(),
            ..Centre::default()
        });
        let mut rules = match Rules::new(&centres) {
            Ok(rules) => rules,
            Err(why) => {
                assert!(std::env::var_os("CI").is_none(), "{why}");
                return;
            }
        };
        for minute in 0..150 {
            if minute < 30 {
                rules.take(&report(minute, "dead", 60)).unwrap();
            }
            let lost = if (60..80).contains(&minute) { 6 } else { 0 };
            rules.take(&report(minute, "lossy", 60 - lost)).unwrap();
            rules.take(&report(minute, "well", 60)).unwrap();
        }
        let history = rules.history().unwrap();
        let told: Vec<String> = history
            .notifications()
            .into_iter()
            .map(|said| {
                format!(
                    "{:.0} {} {}",
                    said.at - START,
                    said.verdict.fault,
                    said.scope.join(",")
                )
            })
            .collect();
        // Down two and a half minutes after its last report, at the next scrape; then two minutes and the group's wait.
        assert_eq!(told, ["2070 line_down dead", "3990 line_lossy lossy"]);
    }
}
