//! Original time, and clocks are suspects: whatever an agent's wall clock says, and however often it
//! is set, what the agent measures is shown and stored with its true time, in order, and none is lost.
//!
//! The wall clock of a real agent is moved with libfaketime; the clock that counts from the machine's
//! start is not, just as on a real machine. Deliberately absent: a suspend, which no test can do to
//! its own machine; the collector's tests of clocks show that one by numbers.

use std::time::Duration;

use serde_json::Value;

use crate::FIRST_VALUES;
use crate::harness::faketime::{Error, FakeClock};
use crate::harness::{Agent, Collector, Prometheus, eventually, metric};
use crate::needs;
use crate::outage::live_values;
use crate::store::{COUNTED, writing_to};

const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(365 * 24);

/// How far from the truth a time may be.
const TRUE_MS: i64 = 3_000;

/// New values that are looked at before a clock is believed to be corrected.
const VALUES: usize = 4;

/// A change of the clock, or of the line, shows within this.
const SHOWN: Duration = Duration::from_secs(60);

/// A collector with certificates that last so long, and what stores for it.
async fn watched(lifetime: &'static str) -> Result<(Prometheus, Collector), String> {
    let prometheus = Prometheus::receiving().await?;
    let setup = writing_to(&[("prometheus", prometheus.write_url())]);
    let collector = setup.with_certificates_for(lifetime).start().await;
    Ok((prometheus, collector))
}

async fn enrolled(collector: &Collector, clock: &FakeClock) -> Agent {
    let agent = Agent::installed_within(&clock.before_commands());
    let token = collector.token("cong-son").await;
    agent.enrol(collector, &token, &[]).await.succeeded();
    agent
}

/// What the live view has of the echoes: time and value.
async fn newest(collector: &Collector) -> Result<(i64, f64), String> {
    let values = live_values(collector).await?;
    let (counted, target) = COUNTED;
    let is_it = |value: &&Value| value["metric"] == counted && value["labels"]["target"] == target;
    let value = values.iter().find(is_it);
    let value = value.ok_or_else(|| format!("no {counted} in {values:?}"))?;
    let time: jiff::Timestamp = value["time"].as_str().unwrap().parse().unwrap();
    Ok((time.as_millisecond(), value["value"].as_f64().unwrap()))
}

/// What is measured now is seen to be measured now. Returns what was seen.
pub async fn shows_true_times(collector: &Collector) -> Vec<(i64, f64)> {
    let mut seen: Vec<(i64, f64)> = vec![];
    // How long ago each was measured, by what is shown, when it was first seen.
    let mut ages: Vec<i64> = vec![];
    eventually("new values are shown with true times", SHOWN, async || {
        let new = newest(collector).await?;
        let now_unix_ms = agent::clock::wall_unix_ms();
        if seen.last() != Some(&new) {
            let age = now_unix_ms - new.0;
            assert!(age > -TRUE_MS, "{age} ms old: {new:?} after {seen:?}");
            ages.push(age);
            seen.push(new);
        }
        // The first was there when we came. Some of the others are seen as soon as they are there.
        let fresh = ages.iter().skip(1).min();
        match fresh {
            Some(age) if ages.len() > VALUES && *age < TRUE_MS => Ok(()),
            _ => Err(format!("{ages:?} ms ago")),
        }
    })
    .await;
    seen
}

/// The clock's error is told, and shown to people when it is one.
async fn tells_its_error(collector: &Collector, error: Error) {
    let expected = error.seconds();
    eventually("the clock's error is told", SHOWN, async || {
        let page = collector.metrics().await?;
        let told = metric("dawnwatch_agent_clock_offset_seconds").found_in(&page)?;
        if (told - expected).abs() > 5.0 {
            return Err(format!("{told} s, it is {expected} s"));
        }
        let devices = collector.api("/api/v1/devices?centre=cong-son").await?;
        let device = devices[0]["device"].as_str().unwrap_or_default();
        let path = format!("/centres/cong-son/devices/{device}?lang=en");
        let shown = collector.page(&path).await?.contains("wrong clock");
        match shown == (expected.abs() > 5.0) {
            true => Ok(()),
            false => Err(format!("shown as wrong: {shown}, at {told} s")),
        }
    })
    .await;
}

/// All rounds are in the store, once, one after the other, also where the agent began to count anew;
/// and these, which are known, have the very time that they are known with.
pub async fn is_stored(prometheus: &Prometheus, since_unix_ms: i64, known: &[(i64, f64)]) {
    let (counted, target) = COUNTED;
    let selector = format!("{counted}{{target={target:?}}}");
    let stored = eventually("all that is known is stored", SHOWN, async || {
        let stored = prometheus.raw(&selector, "1h").await?;
        let [(_, samples)] = &stored[..] else {
            return Err(format!("{} series", stored.len()));
        };
        match known.iter().find(|sample| !samples.contains(sample)) {
            Some(missing) => Err(format!("no {missing:?} in {samples:?}")),
            None => Ok(samples.clone()),
        }
    })
    .await;
    let now_unix_ms = agent::clock::wall_unix_ms();
    let times = since_unix_ms - TRUE_MS..now_unix_ms + TRUE_MS;
    let (_, round) = stored[0];
    for pair in stored.windows(2) {
        let [(before, total), (time, next)] = *pair else {
            unreachable!("windows of two")
        };
        let counted = if next < total { next } else { next - total };
        assert!(
            (counted - round).abs() < 0.5,
            "{round} a round: {pair:?} of {stored:?}"
        );
        assert!(before < time, "{pair:?} of {stored:?}");
        assert!(times.contains(&time), "{pair:?} of {stored:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_while_it_is_watched_moves_no_measurement() {
    let clock = needs!(FakeClock::new());
    let (prometheus, collector) = needs!(watched("90d").await);
    let mut agent = enrolled(&collector, &clock).await;
    let since_unix_ms = agent::clock::wall_unix_ms();
    agent.run();
    let mut seen = vec![];
    eventually("the first round is over", FIRST_VALUES, async || {
        newest(&collector).await
    })
    .await;
    for error in [
        Error::Ahead(HOUR),
        Error::Behind(HOUR),
        Error::Ahead(10 * YEAR),
        Error::Behind(10 * YEAR),
        Error::Ahead(Duration::ZERO),
    ] {
        clock.set(error);
        tells_its_error(&collector, error).await;
        seen.extend(shows_true_times(&collector).await);
    }
    is_stored(&prometheus, since_unix_ms, &seen).await;
}

#[tokio::test]
async fn a_clock_that_is_set_while_nobody_watches_moves_no_measurement() {
    let clock = needs!(FakeClock::new());
    let (prometheus, mut collector) = needs!(watched("90d").await);
    let mut agent = enrolled(&collector, &clock).await;
    let since_unix_ms = agent::clock::wall_unix_ms();
    agent.run();
    eventually("the first round is over", FIRST_VALUES, async || {
        newest(&collector).await
    })
    .await;
    let mut seen = shows_true_times(&collector).await;
    collector.kill();
    for error in [
        Error::Ahead(10 * YEAR),
        Error::Behind(10 * YEAR),
        Error::Ahead(HOUR),
    ] {
        clock.set(error);
        measures_more(&agent).await;
    }
    collector.restart().await;
    eventually("it is back", 2 * SHOWN, async || {
        metric("dawnwatch_agent_up")
            .is(1.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
    tells_its_error(&collector, Error::Ahead(HOUR)).await;
    seen.extend(shows_true_times(&collector).await);
    is_stored(&prometheus, since_unix_ms, &seen).await;
}

/// An agent without collector measures a few rounds.
pub async fn measures_more(agent: &Agent) {
    let waiting = async || {
        let status = agent.status().await?;
        let waiting = status["waiting_batches"].as_u64();
        waiting.ok_or_else(|| status.to_string())
    };
    let before = waiting().await.unwrap();
    // It is told with each attempt to connect.
    eventually(
        "more waits at the agent",
        2 * SHOWN,
        async || match waiting().await? {
            now if now >= before + 3 => Ok(()),
            now => Err(format!("{now} batches, {before} before")),
        },
    )
    .await;
}

/// The battery of its clock is dead.
#[tokio::test]
async fn an_agent_of_2009_enrols_reports_and_renews() {
    an_agent_is_as_good_as_any("2009-01-01T00:00:00Z").await;
}

#[tokio::test]
async fn an_agent_of_2035_enrols_reports_and_renews() {
    an_agent_is_as_good_as_any("2035-01-01T00:00:00Z").await;
}

async fn an_agent_is_as_good_as_any(now: &str) {
    let clock = needs!(FakeClock::new());
    let (prometheus, collector) = needs!(watched("8s").await);
    let error = Error::of_a_clock_at(now.parse().unwrap());
    clock.set(error);
    let mut agent = enrolled(&collector, &clock).await;
    let status = agent.status().await.unwrap();
    let until = status["certificate_until_unix_ms"].as_f64().unwrap() / 1000.0;
    let since_unix_ms = agent::clock::wall_unix_ms();
    agent.run();
    eventually("it is renewed", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_agent_up").is(1.0).found_in(&page)?;
        let expiry = metric("dawnwatch_agent_certificate_expiry_timestamp_seconds");
        match expiry.found_in(&page)? {
            expiry if expiry > until => Ok(()),
            expiry => Err(format!("expires at {expiry}")),
        }
    })
    .await;
    tells_its_error(&collector, error).await;
    let seen = shows_true_times(&collector).await;
    is_stored(&prometheus, since_unix_ms, &seen).await;
}
