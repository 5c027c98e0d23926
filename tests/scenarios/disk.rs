//! A full disk is a state, on either side: it is told, nothing is acknowledged that is not kept, what
//! there is room for again is kept, and what there never was room for is counted. So is a read-only one.
//!
//! The disks are small ones in memory, mounted over the folder in question for the time of a test.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use prost::Message as _;
use proto::stream::Measured;
use proto::wire;
use spool::Spool;

use crate::clocks::{is_stored, measures_more, shows_true_times};
use crate::harness::backlog::Backlog;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::skip::program;
use crate::harness::{Agent, Collector, Prometheus, eventually, metric};
use crate::needs;
use crate::outage::{is_reporting, is_whole, is_whole_after};
use crate::store::{COUNTED, writing_to};

/// An agent without collector looks at its disk each minute, and tries to come back as often.
const NOTICED: Duration = Duration::from_mins(3);

/// A disk of a few megabytes.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it over a folder. An error where that is not allowed.
    fn over(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).unwrap();
        mount(
            &["-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs"],
            folder,
        )?;
        Ok(Self(folder.to_owned()))
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let mut options = File::options();
        let mut ballast = options
            .create(true)
            .append(true)
            .open(self.ballast())
            .unwrap();
        while let Ok(written @ 1..) = ballast.write(&[0; 4096]) {
            assert!(written <= 4096);
        }
    }

    /// Makes room again.
    fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// A folder that nobody can write to.
#[derive(Debug)]
struct ReadOnly(PathBuf);

impl ReadOnly {
    /// With what is in it. An error where mounting is not allowed.
    fn made_of(folder: &Path) -> Result<Self, String> {
        mount(&["--bind", folder.to_str().unwrap()], folder)?;
        let read_only = Self(folder.to_owned());
        mount(&["-o", "remount,bind,ro"], folder)?;
        Ok(read_only)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

fn mount(options: &[&str], folder: &Path) -> Result<(), String> {
    let mount = program("mount")?;
    let output = Command::new(mount).args(options).arg(folder).output();
    let output = output.map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

fn unmount(folder: &Path) {
    // Whoever still has files on it keeps them until it ends.
    let unmounted = Command::new("umount").arg("--lazy").arg(folder).status();
    if !unmounted.is_ok_and(|status| status.success()) {
        eprintln!("something stays mounted on {}", folder.display());
    }
}

#[tokio::test]
async fn an_agent_with_a_full_disk_reports_says_so_and_keeps_all_when_there_is_room() {
    let prometheus = needs!(Prometheus::receiving().await);
    let setup = writing_to(&[("prometheus", prometheus.write_url())]);
    let mut collector = setup.start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let disk = needs!(SmallDisk::over(&agent.data().join("spool")));
    let backlog = Backlog::of(Duration::from_mins(10));
    backlog.fill(&agent).await;
    disk.fill();
    let since_unix_ms = agent::clock::wall_unix_ms();
    agent.run();
    says_that_its_disk_is_full(&agent).await;
    is_live(&collector).await;
    is_whole("prometheus", &backlog, async |selector| {
        prometheus.raw(selector, "1h").await
    })
    .await;

    // What left the disk had made room.
    disk.fill();
    collector.kill();
    says_that_its_disk_is_full(&agent).await;
    measures_more(&agent).await;
    disk.empty();
    eventually(
        "it says that all is well",
        NOTICED,
        async || match spool_problem(&agent).await? {
            None => Ok(()),
            Some(problem) => Err(problem),
        },
    )
    .await;
    agent.stop().await.succeeded();
    let kept = counted_in_the_spool(&agent);
    assert!(!kept.is_empty());
    collector.restart().await;
    agent.run();
    is_live(&collector).await;
    is_stored(&prometheus, since_unix_ms, &kept).await;
    assert_eq!(agent.status().await.unwrap()["dropped_samples"], 0);
}

#[tokio::test]
async fn an_agent_on_a_disk_that_is_read_only_by_now_starts_and_reports() {
    let collector = Collector::with_centres(ONE_CENTRE).start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    is_live(&collector).await;
    agent.stop().await.succeeded();
    eventually("it is gone", NOTICED, async || {
        metric("dawnwatch_agent_up")
            .is(0.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
    let _read_only = needs!(ReadOnly::made_of(&agent.data()));
    agent.run();
    is_live(&collector).await;
    agent.stop().await.succeeded();
}

#[tokio::test]
async fn a_spool_that_is_full_drops_the_oldest_and_counts_every_sample() {
    const LIMIT: u64 = 1_000_000;
    let prometheus = needs!(Prometheus::receiving().await);
    let setup = writing_to(&[("prometheus", prometheus.write_url())]);
    let collector = setup.start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    let backlog = Backlog::of(Duration::from_hours(24));
    let limits = spool::Limits {
        bytes: LIMIT,
        ..spool::Limits::default()
    };
    let dropped = backlog.fill_within(&agent, limits).await;
    let rounds = usize::try_from(dropped).unwrap() / backlog.series.len();
    assert!(0 < rounds && rounds < backlog.times.len(), "{dropped}");
    let settings = format!("[limits]\nspool_bytes = \"{LIMIT}B\"\n");
    let settings = collector.folder().write("small.toml", settings);
    agent.run_with(&["--config", settings.to_str().unwrap()]);

    is_whole_after(rounds, "prometheus", &backlog, async |selector| {
        prometheus.raw(selector, "2d").await
    })
    .await;
    let page = collector.metrics().await.unwrap();
    let told = metric("dawnwatch_agent_dropped_samples_total").in_(&page);
    assert!(
        (told - f64::from(u32::try_from(dropped).unwrap())).abs() < 0.5,
        "{told}"
    );
}

#[tokio::test]
async fn a_collector_with_a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let prometheus = needs!(Prometheus::receiving().await);
    let setup = writing_to(&[("prometheus", prometheus.write_url())]);
    let mut collector = setup.start().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    collector.stop().await.succeeded();
    let queue = collector.folder().path().join("data/queue-prometheus");
    let disk = needs!(SmallDisk::over(&queue));
    disk.fill();
    collector.restart().await;
    let backlog = Backlog::of(Duration::from_hours(1));
    backlog.fill(&agent).await;
    let since_unix_ms = agent::clock::wall_unix_ms();
    agent.run();
    is_live(&collector).await;
    keeps(&collector, false).await;
    let status = agent.status().await.unwrap();
    assert!(status["last_ack_unix_ms"].is_null(), "{status}");

    // What was not acknowledged may be lost by the collector.
    collector.kill();
    collector.restart().await;
    is_live(&collector).await;
    keeps(&collector, false).await;
    let status = agent.status().await.unwrap();
    assert!(status["last_ack_unix_ms"].is_null(), "{status}");

    let seen = shows_true_times(&collector).await;
    disk.empty();
    keeps(&collector, true).await;
    eventually("it is acknowledged", NOTICED, async || {
        let status = agent.status().await?;
        let waiting = status["waiting_batches"].as_u64().unwrap_or(u64::MAX);
        match status["last_ack_unix_ms"].is_i64() && waiting < 60 {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    is_whole("prometheus", &backlog, async |selector| {
        prometheus.raw(selector, "2h").await
    })
    .await;
    agent.stop().await.succeeded();
    is_stored(&prometheus, since_unix_ms, &seen).await;
    let page = collector.metrics().await.unwrap();
    for outcome in ["dropped", "rejected", "unreadable"] {
        let lost = metric("dawnwatch_collector_remote_write_samples_total");
        let lost = lost.label("outcome", outcome).in_(&page);
        assert!(lost < 0.5, "{lost} {outcome}");
    }
}

async fn is_live(collector: &Collector) {
    let reports = async || is_reporting(collector).await;
    eventually("the agent reports", NOTICED, reports).await;
}

/// The collector says whether its queue can be kept.
async fn keeps(collector: &Collector, does: bool) {
    let durable = metric("dawnwatch_collector_remote_write_queue_durable");
    let durable = durable.is(f64::from(u8::from(does)));
    eventually("the collector tells of its disk", NOTICED, async || {
        durable.found_in(&collector.metrics().await?)
    })
    .await;
}

async fn says_that_its_disk_is_full(agent: &Agent) {
    eventually(
        "it says that its disk is full",
        NOTICED,
        async || match spool_problem(agent).await? {
            Some(problem) if problem.contains("full") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn spool_problem(agent: &Agent) -> Result<Option<String>, String> {
    let status = agent.status().await?;
    Ok(status["spool_problem"].as_str().map(str::to_owned))
}

/// Times and values of [`COUNTED`] in the spool of an agent that is not running.
fn counted_in_the_spool(agent: &Agent) -> Vec<(i64, f64)> {
    let folder = agent.data().join("spool");
    let mut spool = Spool::open(&folder, spool::Limits::default(), None).unwrap();
    let mut counted = vec![];
    let mut next = spool.oldest();
    while let Some(entry) = next {
        let record = spool.read(entry.sequence).unwrap().unwrap();
        let batch = wire::Batch::decode(&record.bytes[..]).unwrap();
        let measured = Measured::unpack(&batch).unwrap();
        let is_it = |series: &wire::Series| {
            let mut values = series.labels.iter().map(|label| &label.value);
            series.metric == COUNTED.0 && values.any(|value| value == COUNTED.1)
        };
        let id = measured.series.iter().position(is_it);
        let id = id.and_then(|place| u32::try_from(place).ok());
        for round in measured.rounds.iter() {
            let values = round.samples().filter(|(series, _)| Some(*series) == id);
            counted.extend(values.map(|(_, value)| (round.time_unix_ms, value)));
        }
        next = spool.after(entry.sequence);
    }
    counted
}
