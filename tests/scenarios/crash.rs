//! Whoever is killed, and whenever: what was measured is in the stores once, with its time, or counted.
//!
//! A counting agent under load reports over a [`Line`] to a collector that writes to a real Prometheus
//! and to a real VictoriaMetrics. At random moments the agent, the collector or both get `kill -9`, and
//! the line is cut or joined. In the end everything stands again, and the stores are compared with the
//! agent's ledger.
//!
//! **Once, in effect.** A collector that dies after a store took a request and before it could note so
//! sends that request again: remote write has no memory. Prometheus takes the same sample at the same
//! time for one; VictoriaMetrics does so with `-dedup.minScrapeInterval=1ms`, so it has that here, as
//! `docs/remote_write.md` asks for. A sample that reached the collector twice and was taken for two
//! would have another time or another value only if somebody made it up; such a one is found here.
//!
//! **Or counted.** What the killed agent had in memory alone is gone, and
//! `dawnwatch_agent_dropped_samples_total` says how much it was, once the agent is back and has asked
//! what did arrive. In nobody's hand, and so neither in a store nor counted, is the round that is being
//! read at the very moment of the kill: it is in the ledger, whose line is written before the round is
//! handed on, and nowhere else. So this is the bound: per kill of the agent at most one round, the last
//! of its process. Kills of the collector, cuts of the line, and an agent that is asked to end cost
//! nothing.
//!
//! What is counted are all samples of the agent, and so those too that a round says of its source and a
//! batch of the spool; of the latter nobody knows how many they were, but that they were few.
//!
//! `DAWNWATCH_KILLS` says how many kills, `DAWNWATCH_SEED` repeats their order.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Signal;

use crate::harness::ledger::{COUNTS, Ledger};
use crate::harness::line::Line;
use crate::harness::{
    Agent, Collector, Prometheus, Victoria, binaries, collector::ONE_CENTRE, eventually, metric,
};
use crate::needs;

/// Series of the counting agent, and how often it reads them.
const SERIES: u64 = 100;
const INTERVAL: Duration = Duration::from_millis(50);

/// Beside its counts, a round says how long it took and that it succeeded.
const SAMPLES_OF_A_ROUND: u64 = SERIES + 2;

/// What the agent says of its own spool, with each batch.
const SAMPLES_OF_A_BATCH: u64 = 2;

/// Between two blows.
const PAUSE: std::ops::Range<u64> = 0..900;

/// Until all that waits has arrived.
const CALM: Duration = Duration::from_secs(180);

struct Province {
    collector: Collector,
    prometheus: Prometheus,
    victoria: Victoria,
    line: Line,
    agent: Agent,
    /// How the processes of the agent ended.
    ends: Vec<End>,
}

/// The end of a process.
struct End {
    /// When it was seen to have ended, Unix milliseconds.
    time_unix_ms: i64,
    was_killed: bool,
}

impl End {
    fn seen(was_killed: bool) -> Self {
        Self {
            time_unix_ms: agent::clock::wall_unix_ms(),
            was_killed,
        }
    }
}

/// What was done to it.
#[derive(Debug, Default)]
struct Blows {
    agent_kills: u64,
    collector_kills: u64,
    stops: u64,
    cuts: u64,
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is {text:?}, which is no number")),
    )
}

#[tokio::test]
async fn whatever_is_killed_each_sample_is_in_the_stores_once_or_counted() {
    let prometheus = needs!(Prometheus::receiving().await);
    let victoria = needs!(Victoria::receiving().await);
    let seed = number("DAWNWATCH_SEED").unwrap_or_else(rand::random);
    let kills = number("DAWNWATCH_KILLS").unwrap_or(200);
    eprintln!("DAWNWATCH_SEED={seed} DAWNWATCH_KILLS={kills}");
    let mut province = Province::started(prometheus, victoria).await;
    let blows = province.suffer(kills, StdRng::seed_from_u64(seed)).await;
    let counted = province.calm_down().await;
    province.judge(&blows, counted).await;
}

impl Province {
    async fn started(prometheus: Prometheus, victoria: Victoria) -> Self {
        let targets = [prometheus.write_url(), victoria.write_url()]
            .map(|url| format!("[[remote_write]]\nurl = {url:?}\n"));
        let collector = Collector::with_centres(ONE_CENTRE)
            .in_a_hurry()
            .with_settings(&targets.concat())
            .start()
            .await;
        let line = Line::to(collector.agent_address()).await;
        let agent = Agent::installed();
        let token = collector.token("cong-son").await;
        let url = format!("https://{}", line.address());
        agent.enrol_at(&url, &token, &[]).await.succeeded();
        let mut province = Self {
            collector,
            prometheus,
            victoria,
            line,
            agent,
            ends: Vec::new(),
        };
        province.start_agent();
        province
    }

    fn ledger(&self) -> PathBuf {
        self.agent.folder().path().join("ledger")
    }

    fn start_agent(&mut self) {
        let mut command = binaries::counting_agent();
        command.arg(self.agent.data()).arg(self.ledger());
        command.arg(SERIES.to_string());
        command.arg(INTERVAL.as_millis().to_string());
        self.agent.run_as(&mut command);
    }

    fn kill_agent(&mut self) {
        assert_eq!(self.agent.process().ended(), None, "it ended by itself");
        self.agent.kill();
        self.ends.push(End::seen(true));
    }

    async fn stop_agent(&mut self) {
        let status = self.agent.stop().await.status;
        // Before it listens, whoever asks it to end kills it.
        let was_killed = status.signal() == Some(Signal::TERM.as_raw());
        assert!(was_killed || status.success(), "{status}");
        self.ends.push(End::seen(was_killed));
    }

    /// Kills and cuts at random moments.
    async fn suffer(&mut self, kills: u64, mut random: StdRng) -> Blows {
        let mut blows = Blows::default();
        while blows.agent_kills + blows.collector_kills < kills {
            // The moment is what is random here; no state is waited for.
            tokio::time::sleep(Duration::from_millis(random.random_range(PAUSE))).await;
            match random.random_range(0..100) {
                0..15 => {
                    blows.agent_kills += 1;
                    self.kill_agent();
                    self.start_agent();
                }
                15..55 => {
                    blows.collector_kills += 1;
                    self.collector.kill();
                    self.collector.restart().await;
                }
                55..65 => {
                    blows.agent_kills += 1;
                    blows.collector_kills += 1;
                    self.kill_agent();
                    self.collector.kill();
                    self.start_agent();
                    self.collector.restart().await;
                }
                65..75 => {
                    blows.stops += 1;
                    self.stop_agent().await;
                    self.start_agent();
                }
                _ if !self.line.is_joined() => self.line.join(),
                75..80 => {
                    blows.cuts += 1;
                    self.line.cut();
                }
                80..85 => {
                    blows.cuts += 1;
                    self.line.silence();
                }
                _ => {}
            }
        }
        blows
    }

    /// Joins all, waits until all that waits has arrived, and stops the agent: how many samples it
    /// has counted as dropped.
    async fn calm_down(&mut self) -> u64 {
        self.line.join();
        // The one that runs may have learned to be patient.
        self.stop_agent().await;
        let counted = loop {
            self.start_agent();
            let counted = self.nothing_left_to_send().await;
            self.stop_agent().await;
            // It does not wait long for the last acknowledgements: without them, it keeps what it has.
            let status = self.agent.status().await.unwrap();
            if status["waiting_batches"] == 0 {
                break counted;
            }
        };
        eventually("all that waits is in the stores", CALM, async || {
            let page = self.collector.metrics().await?;
            let waiting = metric("dawnwatch_collector_remote_write_queue_samples").all_in(&page);
            match waiting.iter().all(|waiting| waiting.value == 0.0) && waiting.len() == 2 {
                true => Ok(()),
                false => Err(format!("{waiting:?}")),
            }
        })
        .await;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let counted = counted as u64;
        counted
    }

    /// Waits until the agent has sent all: how many samples it has counted as dropped, by the
    /// collector's page and by its own word.
    async fn nothing_left_to_send(&self) -> f64 {
        eventually("the agent has nothing left to send", CALM, async || {
            let status = self.agent.status().await?;
            let page = self.collector.metrics().await?;
            let counted = metric("dawnwatch_agent_dropped_samples_total").found_in(&page)?;
            let is_calm = status["connected"] == true && status["waiting_batches"] == 0;
            match status["dropped_samples"].as_f64() == Some(counted) && is_calm {
                true => Ok(counted),
                false => Err(format!("{counted} counted, {status}")),
            }
        })
        .await
    }

    async fn judge(&self, blows: &Blows, counted: u64) {
        let ends: Vec<i64> = self.ends.iter().map(|end| end.time_unix_ms).collect();
        let ledger = Ledger::read(&self.ledger(), &ends);
        let prometheus = self.prometheus.raw(COUNTS, "2h").await.unwrap();
        let victoria = self.victoria.raw(COUNTS).await.unwrap();
        let missing = ledger.missing_from(&prometheus).expect("Prometheus");
        let also_missing = ledger.missing_from(&victoria).expect("VictoriaMetrics");
        let samples = ledger.samples();
        let rounds = missing.len() as u64;
        eprintln!(
            "{blows:?}: {samples} samples, {} missing, {counted} counted with what rounds and \
             batches say of themselves",
            rounds * SERIES,
        );
        assert_eq!(missing, also_missing, "the stores differ");
        let mut last_of = BTreeMap::new();
        for (first, round) in ledger.rounds() {
            last_of.insert(round.process, first);
            let was_killed = self.ends[round.process].was_killed;
            let is_there = !missing.contains(&first);
            assert!(
                is_there || was_killed,
                "an agent that was stopped lost {round:?}"
            );
        }
        let last = last_of.values().filter(|first| missing.contains(*first));
        let least = (rounds - last.count() as u64) * SAMPLES_OF_A_ROUND;
        let most = rounds * SAMPLES_OF_A_ROUND + self.lost_batches() * SAMPLES_OF_A_BATCH;
        let expected = least..=most;
        assert!(
            expected.contains(&counted),
            "{counted} is not in {expected:?}"
        );
    }

    /// Batches that the agent has counted as dropped.
    fn lost_batches(&self) -> u64 {
        let folder = self.agent.data().join("spool");
        let spool = spool::Spool::open(&folder, spool::Limits::default(), None).unwrap();
        let stats = spool.stats();
        assert_eq!((stats.records, stats.lost_samples), (0, 0), "{stats:?}");
        stats.dropped_records
    }
}
