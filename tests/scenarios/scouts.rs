//! One machine of a centre asks its devices. Whatever becomes of it, another goes on: the series of a device
//! stay the same, no reading comes twice, and what two machines measured at the same time counts once.
//!
//! All of it is judged by what a real Prometheus has stored.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::FIRST_VALUES;
use crate::harness::asked::CENTRE;
use crate::harness::collector::{ONE_CENTRE, Setup};
use crate::harness::line::Line;
use crate::harness::prometheus::Raw;
use crate::harness::scrape::{Page, Wanted};
use crate::harness::settable::Settable;
use crate::harness::snmpsim::COMMUNITY;
use crate::harness::{Agent, Collector, Prometheus, eventually, metric};
use crate::needs;
use crate::store::targets;

/// Between two polls; as long, a scout may be gone without a word.
const INTERVAL: Duration = Duration::from_secs(5);

/// Asking takes some of it, and so does a busy machine.
const ASKING: Duration = Duration::from_secs(3);

/// An agent takes a new plan no sooner after the last.
const PACE: Duration = Duration::from_secs(10);

/// A machine that says goodbye is not waited for.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Whoever lost the collector comes back at a random moment.
const BACK: Duration = Duration::from_secs(90);

const PLAN: &str = "[plan]\ndevice_interval = \"5s\"\nreport_interval = \"1s\"\n";

/// What a device says that counts: a meter that runs, and how far.
const COUNTER: &str = "dawnwatch_interface_receive_bytes_total";

/// One port, whose counter grows by a hundred bytes a second for whoever asks.
const ROUTER: &str = "1.3.6.1.2.1.1.1.0|4|Plain router\n\
    1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10\n\
    1.3.6.1.2.1.1.3.0|67:numeric|rate=100,initial=1000000\n\
    1.3.6.1.2.1.2.2.1.1.1|2|1\n\
    1.3.6.1.2.1.2.2.1.2.1|4|ether1\n\
    1.3.6.1.2.1.2.2.1.3.1|2|6\n\
    1.3.6.1.2.1.2.2.1.6.1|4x|020000000011\n\
    1.3.6.1.2.1.2.2.1.7.1|2|1\n\
    1.3.6.1.2.1.2.2.1.8.1|2|1\n\
    1.3.6.1.2.1.31.1.1.1.1.1|4|ether1\n\
    1.3.6.1.2.1.31.1.1.1.6.1|70:numeric|rate=100,initial=50000\n\
    1.3.6.1.2.1.31.1.1.1.10.1|70:numeric|rate=10,initial=20000\n\
    1.3.6.1.2.1.31.1.1.1.15.1|66|1000\n";

/// A centre whose router is asked by the first of its machines.
struct Centre {
    prometheus: Prometheus,
    collector: Collector,
    _router: Settable,
    line: Line,
    machines: Vec<Agent>,
    began: Instant,
}

impl Centre {
    async fn with_machines(names: &[&str]) -> Result<Self, String> {
        let prometheus = Prometheus::receiving().await?;
        let router = Settable::of(ROUTER, &[]).await?;
        let collector = writing_to(&prometheus).start().await;
        collector
            .asks("modem", "router", router.address(), COMMUNITY)
            .await;
        // The first machine is at the end of a line that can be cut.
        let line = Line::to(collector.agent_address()).await;
        let mut machines = Vec::new();
        for name in names {
            let address = match machines.is_empty() {
                true => line.address(),
                false => collector.agent_address(),
            };
            machines.push(collector.machine_by_way_of(address, name).await);
            let up = metric("dawnwatch_agent_up").label("device", name).is(1.0);
            eventually("it is there", FIRST_VALUES, async || {
                up.found_in(&collector.metrics().await?)
            })
            .await;
        }
        let centre = Self {
            prometheus,
            collector,
            _router: router,
            line,
            machines,
            began: Instant::now(),
        };
        centre.is_asked_by(&names[..1], FIRST_VALUES).await;
        centre.goes_on(FIRST_VALUES).await;
        Ok(centre)
    }

    /// Waits until one of these is the scout. Who it is, and how long that took.
    async fn is_asked_by(&self, names: &[&str], within: Duration) -> (String, Duration) {
        let began = Instant::now();
        let who = eventually("another machine asks", within, async || {
            let scout = scout(&self.collector.metrics().await?)?;
            match names.contains(&scout.as_str()) {
                true => Ok(scout),
                false => Err(format!("{scout} is the scout")),
            }
        });
        (who.await, began.elapsed())
    }

    /// Waits until something new was measured and stored. How long that took.
    async fn goes_on(&self, within: Duration) -> Duration {
        let began = Instant::now();
        let newest = async || -> Result<i64, String> {
            let series = self.stored(COUNTER).await?;
            let samples = series.iter().flat_map(|(_, samples)| samples);
            Ok(samples.map(|(at, _)| *at).max().unwrap_or_default())
        };
        let before = eventually("the store can be asked", FIRST_VALUES, newest).await;
        eventually("the device is told of", within, async || {
            match newest().await? {
                now if now > before => Ok(()),
                now => Err(format!("the newest value is of {now}")),
            }
        })
        .await;
        began.elapsed()
    }

    /// Of the device, as it is stored.
    async fn stored(&self, name: &str) -> Result<Vec<Raw>, String> {
        let selector = format!("{name}{{device=\"modem\"}}");
        self.prometheus.raw(&selector, "1h").await
    }

    /// All series of the device, whatever they are called.
    async fn series(&self) -> Vec<Raw> {
        let selector = "{device=\"modem\"}";
        eventually("the store tells", FIRST_VALUES, async || {
            self.prometheus.raw(selector, "1h").await
        })
        .await
    }

    /// The series are those of before under the same names; none has more values than polls, and what counts
    /// goes on counting.
    async fn nothing_doubled(&self, before: &BTreeSet<String>, terms: usize) {
        let polls = self.began.elapsed().as_secs() / INTERVAL.as_secs();
        // A scout's first poll comes at once, the second at its own phase; so many were under way before.
        let most = usize::try_from(polls).unwrap() + 3 * terms + 3;
        let series = self.series().await;
        assert_eq!(&names(&series), before);
        for (labels, samples) in &series {
            assert!(
                samples.len() <= most,
                "{} of {most}: {labels:?}",
                samples.len()
            );
            let times = samples.windows(2).map(|pair| pair[1].0 - pair[0].0);
            assert!(
                times.min() > Some(0),
                "two of one moment: {labels:?} {samples:?}"
            );
            if labels["__name__"].ends_with("_total") {
                let falls = samples.windows(2).find(|pair| pair[1].1 < pair[0].1);
                assert_eq!(falls, None, "{labels:?}");
            }
        }
        let page = self.collector.metrics().await.unwrap();
        for outcome in ["dropped", "rejected", "unreadable"] {
            let lost = metric("dawnwatch_collector_remote_write_samples_total");
            assert!(lost.label("outcome", outcome).in_(&page) < 0.5, "{outcome}");
        }
    }

    /// The longest time without a value of the device.
    async fn longest_gap(&self) -> Result<Duration, String> {
        let series = self.stored(COUNTER).await?;
        let [(_, samples)] = &series[..] else {
            return Err(format!("{} series", series.len()));
        };
        let gaps = samples.windows(2).map(|pair| pair[1].0 - pair[0].0);
        let longest = gaps.max().unwrap_or_default();
        Ok(Duration::from_millis(longest.unsigned_abs()))
    }
}

#[tokio::test]
async fn another_machine_takes_over_from_one_that_dies_and_the_series_go_on() {
    let mut centre = needs!(Centre::with_machines(&["pc-1", "pc-2", "pc-3"]).await);
    let before = names(&centre.series().await);
    assert!(before.len() > 5, "{before:?}");
    centre.machines[0].kill();
    let within = 2 * INTERVAL + ASKING;
    let (heir, took) = centre.is_asked_by(&["pc-2", "pc-3"], within).await;
    let went_on = centre.goes_on(PACE + INTERVAL + ASKING).await;
    eprintln!("killed: another took over after {took:.1?} and asked {went_on:.1?} later");

    // The next says goodbye, and is not waited for.
    let (number, last) = match heir.as_str() {
        "pc-2" => (1, "pc-3"),
        _ => (2, "pc-2"),
    };
    centre.machines[number].stop().await.succeeded();
    let (_, took) = centre.is_asked_by(&[last], AT_ONCE).await;
    let went_on = centre.goes_on(INTERVAL + ASKING).await;
    eprintln!("goodbye: another took over after {took:.1?} and asked {went_on:.1?} later");

    // Who comes back does not take it back.
    centre.machines[0].run();
    let up = metric("dawnwatch_agent_up").label("device", "pc-1").is(1.0);
    eventually("it is back", BACK, async || {
        up.found_in(&centre.collector.metrics().await?)
    })
    .await;
    centre.goes_on(2 * INTERVAL).await;
    centre.is_asked_by(&[last], Duration::ZERO).await;
    centre.nothing_doubled(&before, 3).await;
}

#[tokio::test]
async fn a_scout_that_is_cut_off_and_comes_back_is_believed_for_its_own_time_alone() {
    let centre = needs!(Centre::with_machines(&["pc-1", "pc-2"]).await);
    let before = names(&centre.series().await);
    // Nobody tells the collector, nor the machine, which goes on asking.
    centre.line.cut();
    centre.is_asked_by(&["pc-2"], 2 * INTERVAL + ASKING).await;
    for _ in 0..3 {
        centre.goes_on(PACE + INTERVAL + ASKING).await;
    }
    let refused = async || -> Result<f64, String> {
        let rejected = metric("dawnwatch_collector_samples_rejected_total");
        let page = centre.collector.metrics().await?;
        rejected.label("reason", "not_scout").found_in(&page)
    };
    assert!(refused().await.unwrap() < 0.5);
    centre.line.join();
    eventually(
        "its word of the other's time is refused",
        BACK,
        async || match refused().await? {
            none if none < 0.5 => Err("nothing was refused".to_owned()),
            some => Ok(some),
        },
    )
    .await;
    // What it measured after the cut and before the other took over is there, though it came late.
    eventually("no time is missing", BACK, async || {
        match centre.longest_gap().await? {
            gap if gap <= PACE + INTERVAL + ASKING => Ok(()),
            gap => Err(format!("{gap:?} without a value")),
        }
    })
    .await;
    centre.is_asked_by(&["pc-2"], Duration::ZERO).await;
    centre.nothing_doubled(&before, 2).await;
}

#[tokio::test]
async fn the_scout_stays_one_when_the_collector_is_started_again() {
    let mut centre = needs!(Centre::with_machines(&["pc-1", "pc-2"]).await);
    let before = names(&centre.series().await);
    for kill in [true, false] {
        match kill {
            true => centre.collector.kill(),
            false => drop(centre.collector.stop().await.succeeded()),
        }
        centre.collector.restart().await;
        eventually("both are back", BACK, async || {
            let page = centre.collector.metrics().await?;
            // Nobody else at any moment, whoever comes back first.
            assert_eq!(scout(&page).as_deref(), Ok("pc-1"));
            metric("dawnwatch_collector_streams")
                .is(2.0)
                .found_in(&page)
        })
        .await;
        centre.goes_on(BACK).await;
        centre.is_asked_by(&["pc-1"], Duration::ZERO).await;
    }
    centre.nothing_doubled(&before, 1).await;
    let said = centre.collector.process().stderr();
    assert!(!said.contains("another scout"), "{said}");
}

fn writing_to(prometheus: &Prometheus) -> Setup {
    Collector::with_centres(ONE_CENTRE)
        .with_settings(PLAN)
        .with_settings(&targets(&[("prometheus", prometheus.write_url())]))
}

fn scout(page: &Page) -> Result<String, String> {
    let info: Wanted = metric("dawnwatch_centre_scout_info").label("centre", CENTRE);
    match &info.is(1.0).all_in(page)[..] {
        [scout] => Ok(scout.labels["scout"].clone()),
        others => Err(format!("scouts: {others:?}")),
    }
}

/// What each is called, with all its labels.
fn names(series: &[Raw]) -> BTreeSet<String> {
    let name = |(labels, _): &Raw| format!("{labels:?}");
    series.iter().map(name).collect()
}
