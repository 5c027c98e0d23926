//! Lets simulated time pass as fast as it shall, and hands each machine's agent what it has to tell when it has arrived.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use agent::clock;
use agent::tls::Address;
use anyhow::Context as _;
use diagnosis::record::{Kind, Record, What};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Door;
use super::readings::{Stretch, Teller};
use super::session::{Kept, Session, Told};
use crate::simulate::scenario::Scenario;
use crate::simulate::truth::{Label, Seen};
use crate::simulate::world::{Site, World};

/// Machines that enrol at the same time.
const AT_ONCE: usize = 16;

/// What one machine may have to tell and has not taken: more is dropped, and counted.
const QUEUE: usize = 1_000;

/// So long before the first fault it begins: enough to see a province that is well.
const LEAD: Duration = Duration::from_secs(75);

/// How many lines may fail to come before a machine is cut off.
const LINES_MISSED: f64 = 2.5;

/// Never sooner, whatever the speed.
const LEAST_SILENCE: Duration = Duration::from_secs(3);

/// Faults that everybody understands, for the first.
const PLAIN: &[&str] = &[
    "line_down",
    "gateway_down",
    "dns_down",
    "lan_down",
    "power_outage",
];

/// How many times faster than the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Speed(f64);

impl Default for Speed {
    fn default() -> Self {
        Self(1.0)
    }
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let speed: f64 = text.parse().map_err(|_| "write a number such as 10")?;
        if (1.0..=100.0).contains(&speed) {
            Ok(Self(speed))
        } else {
            Err("between 1 and 100")
        }
    }
}

/// A simulated province that is told to a collector.
pub(crate) struct Live {
    pub(crate) scenario: Scenario,
    pub(crate) speed: Speed,
    pub(crate) collector: Address,
    /// Where its machines keep who they are.
    pub(crate) folder: PathBuf,
    pub(crate) door: Door,
}

/// Simulated and true time.
#[derive(Debug, Clone, Copy)]
struct Pace {
    from: f64,
    speed: f64,
    began: Instant,
    began_ms: i64,
}

impl Pace {
    /// The true time, Unix milliseconds, of a simulated one.
    fn wall_ms(self, t: f64) -> i64 {
        let after = (t - self.from) / self.speed * 1e3;
        self.began_ms.saturating_add(whole(after))
    }

    fn moment(self, t: f64) -> Instant {
        let after = ((t - self.from) / self.speed).clamp(0.0, 1e9);
        self.began + Duration::from_secs_f64(after)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

impl Live {
    /// Enrols everybody, and tells what happens until it is over or was asked to stop. `told` gets a line for each
    /// fault that begins or ends.
    pub(crate) async fn run(
        self,
        stop: CancellationToken,
        told: impl Fn(&str),
    ) -> anyhow::Result<()> {
        let scenario = self.scenario.clone();
        let (world, from) = tokio::task::spawn_blocking(move || begun(&scenario)).await?;
        let mut sessions = JoinSet::new();
        let agents = tokio::select! {
            agents = self.agents(&world, &mut sessions) => agents?,
            () = stop.cancelled() => return Ok(()),
        };
        let pace = Pace {
            from,
            speed: self.speed.0,
            began: Instant::now(),
            began_ms: clock::wall_unix_ms(),
        };
        let lines = Lines {
            agents,
            // A line tells of so much.
            stretch_ms: whole(self.scenario.parameters.line_seconds() / self.speed.0 * 1e3).max(20),
            dropped: 0,
        };
        tokio::select! {
            dropped = lines.run(world, pace, &told) => {
                if dropped > 0 {
                    tracing::warn!(dropped, "Simulated agents were too slow to tell everything.");
                }
            }
            () = stop.cancelled() => {}
        }
        // Their queues are closed now: they say goodbye.
        let goodbyes = async { while sessions.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(10), goodbyes).await;
        Ok(())
    }

    /// An agent for each machine of each centre.
    async fn agents(
        &self,
        world: &World,
        sessions: &mut JoinSet<()>,
    ) -> anyhow::Result<HashMap<(String, String), mpsc::Sender<Told>>> {
        let silence = self.scenario.parameters.line_seconds() * LINES_MISSED / self.speed.0;
        let silence = Duration::from_secs_f64(silence).max(LEAST_SILENCE);
        let mut agents = HashMap::new();
        for (number, site) in world.sites().into_iter().enumerate() {
            let identities = self.enrolled(number, &site).await?;
            let names: HashMap<String, String> = identities
                .iter()
                .map(|(machine, _, identity)| (machine.clone(), identity.device.to_string()))
                .collect();
            for (machine, folder, identity) in identities {
                let (sender, receiver) = mpsc::channel(QUEUE);
                let session = Session {
                    folder,
                    collector: self.collector.clone(),
                    hostname: identity.device.to_string(),
                    identity,
                    teller: Teller::new(names.clone()),
                    told: receiver,
                    silence,
                    kept: Kept::new(),
                };
                sessions.spawn(session.run());
                agents.insert((site.id.clone(), machine), sender);
            }
        }
        Ok(agents)
    }

    async fn enrolled(
        &self,
        number: usize,
        site: &Site,
    ) -> anyhow::Result<Vec<(String, PathBuf, agent::identity::Identity)>> {
        let mut identities = Vec::new();
        for machines in site.machines.chunks(AT_ONCE) {
            let enrolling = machines.iter().map(|machine| async move {
                let folder = folder_of(&self.folder, &site.id, machine);
                let identity = self
                    .door
                    .enrolled(&self.collector, &folder, number, &site.id, machine)
                    .await
                    .with_context(|| format!("{machine} of {} could not enrol", site.id))?;
                anyhow::Ok((machine.clone(), folder, identity))
            });
            identities.extend(futures_util::future::try_join_all(enrolling).await?);
        }
        Ok(identities)
    }
}

fn folder_of(folder: &Path, centre: &str, machine: &str) -> PathBuf {
    folder.join(centre).join(machine)
}

/// The world shortly before its first plain fault, and that time.
fn begun(scenario: &Scenario) -> (World, f64) {
    let mut world = World::new(scenario);
    let labels = world.labels();
    let is_plain = |label: &&Label| label.seen == Seen::Known && PLAIN.contains(&label.fault);
    let first = labels.iter().find(is_plain).or_else(|| labels.first());
    let from =
        first.map_or(scenario.start + 9.0 * 3600.0, |label| label.start) - LEAD.as_secs_f64();
    world.skip_to(from);
    (world, from)
}

/// Everybody's queue.
struct Lines {
    agents: HashMap<(String, String), mpsc::Sender<Told>>,
    stretch_ms: i64,
    dropped: u64,
}

impl Lines {
    async fn run(mut self, world: World, pace: Pace, told: &impl Fn(&str)) -> u64 {
        let mut news = news(&world.labels(), pace.from);
        for record in world {
            if record.arrived < pace.from {
                continue;
            }
            while let Some((_, text)) = news.pop_if(|(at, _)| *at <= record.arrived) {
                told(&text);
            }
            tokio::time::sleep_until(pace.moment(record.arrived)).await;
            self.hand_over(record, pace);
        }
        self.dropped
    }

    fn hand_over(&mut self, record: Record, pace: Pace) {
        let Some(what) = record.what else { return };
        let What {
            t,
            centre,
            agent,
            kind,
        } = what;
        let Some(sender) = self.agents.get(&(centre, agent)) else {
            return;
        };
        let at_ms = pace.wall_ms(t);
        let told = match kind {
            Kind::Measured(measured) => Told::Measured {
                when: Stretch {
                    from_ms: at_ms - self.stretch_ms,
                    to_ms: at_ms,
                },
                ahead_ms: measured
                    .host
                    .as_ref()
                    .and_then(|host| host.clock_offset_s)
                    .map_or(0, |ahead| whole(ahead * 1e3)),
                measured,
            },
            Kind::Hello(how) => Told::Came { at_ms, how },
            Kind::Goodbye(why) => Told::Left { at_ms, why },
            Kind::Printer(_) | Kind::ReversePing(_) => return,
        };
        if sender.try_send(told).is_err() {
            self.dropped += 1;
        }
    }
}

/// What becomes of faults, the last first.
fn news(labels: &[Label], from: f64) -> Vec<(f64, String)> {
    let mut news = Vec::new();
    for label in labels.iter().filter(|label| label.end > from) {
        let Label {
            fault,
            culprit,
            scope,
            ..
        } = label;
        let culprit = culprit.as_deref().unwrap_or_default();
        let scope = match scope.as_slice() {
            [one] => one.clone(),
            many => format!("{} centres", many.len()),
        };
        let what = if culprit.is_empty() {
            format!("{fault} in {scope}")
        } else {
            format!("{fault} {culprit} in {scope}")
        };
        let begins = if label.start < from {
            "goes on"
        } else {
            "begins"
        };
        news.push((label.start, format!("{begins}: {what}")));
        news.push((label.end, format!("ends: {what}")));
    }
    news.sort_by(|a, b| b.0.total_cmp(&a.0));
    news
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::simulate::live::to_be_seen;

    #[test]
    fn speeds_are_read_and_others_refused() {
        assert_eq!("10".parse(), Ok(Speed(10.0)));
        for text in ["", "fast", "0", "0.5", "101", "inf", "nan"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_begins_shortly_before_something_that_everybody_understands() {
        for seed in 1..20 {
            let (mut world, from) = begun(&to_be_seen(seed, 3));
            let first = world.next().unwrap();
            assert!(first.arrived >= from - 60.0 && first.arrived < from + 60.0);
            let is_near = |label: &&Label| (label.start - from - LEAD.as_secs_f64()).abs() < 0.1;
            let labels = world.labels();
            let fault = labels.iter().find(is_near).unwrap();
            assert!(PLAIN.contains(&fault.fault), "{fault:?}");
        }
    }

    #[test]
    fn faults_are_told_when_they_begin_and_end() {
        let label = |start, end| Label {
            start,
            end,
            ..World::new(&to_be_seen(1, 1)).labels().remove(0)
        };
        let news = news(
            &[label(10.0, 40.0), label(30.0, 50.0), label(1.0, 5.0)],
            20.0,
        );
        let words: Vec<&str> = news
            .iter()
            .rev()
            .map(|(_, text)| text.split(':').next().unwrap())
            .collect();
        assert_eq!(words, ["goes on", "begins", "ends", "ends"]);
    }

    #[tokio::test]
    async fn compressed_time_keeps_its_order_and_the_wall_clock() {
        let pace = Pace {
            from: 1_000.0,
            speed: 10.0,
            began: Instant::now(),
            began_ms: 7_000,
        };
        assert_eq!(pace.wall_ms(1_060.0), 13_000);
        assert_eq!(pace.wall_ms(990.0), 6_000);
        assert_eq!(pace.moment(1_060.0) - pace.began, Duration::from_secs(6));
    }
}
