//! What an agent measured while its line was dead, made without waiting for it: batches as the agent
//! makes them, in the spool of an agent that is not running, through the agent's own queue.
//!
//! The values are those of a recorded host where the recording is beside the repository, and made up
//! otherwise; it is repeated as often as needed, so counters go back at each repetition, as they do
//! when a machine is started again. The labels belong to no real sensor, so what the real agent
//! measures afterwards never gets among them.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use agent::clock;
use agent::queue::Queue;
use agent::record::Recorded;
use prost::Message as _;
use proto::stream::Measured;
use proto::wire;

use super::agent::Agent;
use super::recording;
use super::wait::eventually;

/// How often the recorded host was looked at, and how often this one was.
pub const STEP: Duration = Duration::from_secs(15);

/// Moments in one batch: a batch a minute.
const ROUNDS: usize = 4;

/// Series of a recorded host.
const SERIES: usize = 88;

/// Batches that are added before the disk is waited for.
const AT_ONCE: usize = 100;

/// What was measured at moments that are [`STEP`] apart.
#[derive(Debug)]
pub struct Backlog {
    /// By the true clock, Unix milliseconds, oldest first.
    pub times: Vec<i64>,
    /// What was measured.
    pub series: Vec<Series>,
}

/// One series and its values.
#[derive(Debug)]
pub struct Series {
    /// Of the catalogue.
    pub metric: &'static str,
    /// The one that tells it from others of the metric: name and value.
    pub label: (&'static str, String),
    /// As many as there are times.
    pub values: Vec<f64>,
}

impl Backlog {
    /// Of an agent that measured for this long, up to now.
    pub fn of(length: Duration) -> Self {
        Self::ending_at(clock::wall_unix_ms(), length)
    }

    /// Of an agent that measured for this long, up to a moment.
    pub fn ending_at(end_unix_ms: i64, length: Duration) -> Self {
        let rounds = length.as_secs().div_ceil(STEP.as_secs());
        let step = i64::try_from(STEP.as_millis()).unwrap();
        let rounds = i64::try_from(rounds).unwrap();
        let times: Vec<i64> = (1 - rounds..=0)
            .map(|round| end_unix_ms + round * step)
            .collect();
        let series = recorded_columns().into_iter().enumerate();
        let series = series.map(|(number, column)| Series::of(number, &column, times.len()));
        Self {
            series: series.collect(),
            times,
        }
    }

    /// How many values there are.
    pub fn samples(&self) -> usize {
        self.times.len() * self.series.len()
    }

    /// Puts it into the spool of an agent that is enrolled and not running.
    pub async fn fill(&self, agent: &Agent) {
        let dropped = self.fill_within(agent, spool::Limits::default()).await;
        assert_eq!(dropped, 0);
    }

    /// The same, for a spool that may be too small. Returns how many samples were dropped, and
    /// counted.
    pub async fn fill_within(&self, agent: &Agent, limits: spool::Limits) -> u64 {
        let queue = Queue::open(&agent.data().join("spool"), limits).unwrap();
        queue.heard_time(clock::wall_unix_ms());
        for (batch, start) in (0..self.times.len()).step_by(ROUNDS).enumerate() {
            queue.append(self.batch(&queue, start));
            if batch % AT_ONCE == 0 {
                queue.persist().await;
            }
        }
        queue.persist().await;
        let stats = queue.stats();
        drop(queue);
        is_let_go(&agent.data().join("spool")).await;
        let all = stats.samples + stats.dropped_samples;
        assert_eq!(all, self.samples() as u64, "{stats:?}");
        assert_eq!(stats.records_in_memory, 0, "{stats:?}");
        stats.dropped_samples
    }

    /// What was measured in the minute that starts at this round.
    fn batch(&self, queue: &Queue, start: usize) -> Recorded {
        let mut measured = Measured {
            series: self.series.iter().map(Series::definition).collect(),
            ..Measured::default()
        };
        let times = self.times.iter().enumerate().skip(start).take(ROUNDS);
        for (round, time) in times {
            let values = self.series.iter().map(|series| series.values[round]);
            measured.rounds.push(*time, (0..).zip(values)).unwrap();
        }
        // Only their difference counts, which is the same for the whole boot; this machine may not
        // have been up for as long as the outage lasted.
        let now = clock::now();
        let recorded = wire::Recorded {
            boot_id: clock::boot_id().to_owned(),
            clock: Some(now),
        };
        Recorded {
            samples: u32::try_from(measured.rounds.samples()).unwrap(),
            oldest_monotonic_ms: self.times[start] - clock::lead_ms(now),
            bytes: measured.pack(queue.instance, recorded).encode_to_vec(),
        }
    }

    /// That a store has every value of a series once, at its time, and no other.
    pub fn is_whole(&self, series: &Series, stored: &[(i64, f64)]) -> Result<(), String> {
        self.is_whole_after(0, series, stored)
    }

    /// The same for all but the oldest rounds, of which it has nothing.
    pub fn is_whole_after(
        &self,
        rounds: usize,
        series: &Series,
        stored: &[(i64, f64)],
    ) -> Result<(), String> {
        let expected = self
            .times
            .iter()
            .copied()
            .zip(series.values.iter().copied());
        let mut expected = expected.skip(rounds).peekable();
        let (mut missing, mut wrong) = (0, Vec::new());
        for (time, value) in stored {
            while expected.next_if(|(due, _)| due < time).is_some() {
                missing += 1;
            }
            let is_it = |(due, expected): &(i64, f64)| due == time && is_same(*expected, *value);
            if expected.next_if(is_it).is_none() {
                wrong.push((*time, *value));
            }
        }
        missing += expected.count();
        if missing == 0 && wrong.is_empty() {
            return Ok(());
        }
        let (metric, (_, label)) = (series.metric, &series.label);
        let of = self.times.len() - rounds;
        wrong.truncate(5);
        Err(format!(
            "{metric} of {label}: {missing} of {of} values are missing, \
             not or no longer expected were {wrong:?}"
        ))
    }
}

/// VictoriaMetrics keeps decimals: the last bit of a number may become another.
fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= one.abs() * 2.0 * f64::EPSILON
}

/// The last task that had to do with a queue may end after its owner let it go.
async fn is_let_go(spool: &Path) {
    let lock = File::open(spool.join("lock")).unwrap();
    eventually("the spool is let go", STEP, async || {
        lock.try_lock().map_err(|error| error.to_string())
    })
    .await;
}

impl Series {
    fn of(number: usize, column: &(Kind, Vec<f64>), length: usize) -> Self {
        let (kind, values) = column;
        let (metric, label) = match kind {
            Kind::Counter => ("dawnwatch_disk_written_bytes_total", "disk"),
            Kind::Gauge => ("dawnwatch_temperature_celsius", "sensor"),
        };
        Self {
            metric,
            label: (label, format!("recorded-{number:02}")),
            values: values.iter().copied().cycle().take(length).collect(),
        }
    }

    fn definition(&self) -> wire::Series {
        let (name, value) = &self.label;
        wire::Series {
            id: 0,
            metric: self.metric.to_owned(),
            labels: vec![wire::Label {
                name: (*name).to_owned(),
                value: value.clone(),
            }],
            device: String::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// The columns of the recording but the first, which has the times.
fn recorded_columns() -> Vec<(Kind, Vec<f64>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces/host_15s.csv");
    match std::fs::read_to_string(path) {
        Ok(text) => columns(&text),
        Err(_) => made_up(),
    }
}

fn columns(text: &str) -> Vec<(Kind, Vec<f64>)> {
    let recorded = recording::parse(text).unwrap();
    let column = |series: &recording::Series| match series.is_counter {
        true => (Kind::Counter, Vec::new()),
        false => (Kind::Gauge, Vec::new()),
    };
    let mut columns: Vec<_> = recorded.series.iter().map(column).collect();
    for (column, value) in recorded
        .scrapes
        .into_iter()
        .flat_map(|scrape| scrape.values)
    {
        columns[column].1.push(value);
    }
    columns
}

/// Half of it counts, half of it goes up and down.
fn made_up() -> Vec<(Kind, Vec<f64>)> {
    let column = |number: u32| {
        let step = f64::from(number) + 0.25;
        let rounds = (0..100).map(f64::from);
        if number.is_multiple_of(2) {
            (Kind::Counter, rounds.map(|round| round * step).collect())
        } else {
            (
                Kind::Gauge,
                rounds.map(|round| (round % 7.0) * step).collect(),
            )
        }
    };
    (0..u32::try_from(SERIES).unwrap()).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_now_and_has_a_moment_every_15_s() {
        let backlog = Backlog::ending_at(1_000_000_000, Duration::from_mins(1));
        assert_eq!(
            backlog.times,
            [999_955_000, 999_970_000, 999_985_000, 1_000_000_000]
        );
        assert_eq!(backlog.series.len(), SERIES);
        assert_eq!(backlog.samples(), 4 * SERIES);
        for series in &backlog.series {
            assert_eq!(series.values.len(), 4);
            assert!(proto::stream::Series::try_from(series.definition()).is_ok());
        }
    }

    #[test]
    fn a_recording_is_read_by_columns() {
        let text =
            "timestamp_ms,\"a{b=\"\"c\"\",d=\"\"e\"\"}\",f\ntype,counter,gauge\n1,2,3.5\n4,5,6\n";
        let expected = [
            (Kind::Counter, vec![2.0, 5.0]),
            (Kind::Gauge, vec![3.5, 6.0]),
        ];
        assert_eq!(columns(text), expected);
        assert_eq!(made_up().len(), SERIES);
        let back = |values: &Vec<f64>| values.windows(2).any(|pair| pair[1] < pair[0]);
        assert!(
            made_up()
                .iter()
                .any(|(kind, values)| *kind == Kind::Gauge && back(values))
        );
    }

    type Samples = Vec<(i64, f64)>;

    #[test]
    fn gaps_duplicates_and_wrong_values_are_seen() {
        let backlog = Backlog::ending_at(1_000_000_000, Duration::from_mins(1));
        let series = &backlog.series[0];
        let good: Vec<_> = backlog
            .times
            .iter()
            .copied()
            .zip(series.values.clone())
            .collect();
        assert_eq!(backlog.is_whole(series, &good), Ok(()));
        let seen = |change: &dyn Fn(&mut Samples)| {
            let mut stored = good.clone();
            change(&mut stored);
            backlog.is_whole(series, &stored).is_err()
        };
        for place in 0..good.len() {
            assert!(
                seen(&|stored| stored.retain(|sample| *sample != good[place])),
                "a gap at {place}"
            );
            assert!(
                seen(&|stored| stored.insert(place, good[place])),
                "{place} twice"
            );
            assert!(seen(&|stored| stored[place].1 += 1.0), "a value at {place}");
            assert!(seen(&|stored| stored[place].0 += 1), "a time at {place}");
        }
        assert!(
            seen(&|stored| stored.push((1_000_015_000, 1.0))),
            "one more"
        );
    }

    #[tokio::test]
    async fn it_waits_in_the_spool() {
        let agent = Agent::installed();
        let backlog = Backlog::of(Duration::from_mins(10));
        std::fs::create_dir(agent.data()).unwrap();
        backlog.fill(&agent).await;
        let folder = agent.data().join("spool");
        let waiting = spool::Spool::open(&folder, spool::Limits::default(), None).unwrap();
        assert_eq!(waiting.stats().records, 10);
        // The relation of the two clocks is known to the millisecond, and was looked at twice.
        let oldest = waiting.stats().oldest_time_unix_ms.unwrap();
        assert!(oldest.abs_diff(backlog.times[0]) <= 2, "{oldest}");
    }
}
