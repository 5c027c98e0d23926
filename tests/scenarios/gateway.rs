//! Round-trip times and loss to the gateway are those that `ping` sees beside the agent.

use std::process::Stdio;
use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::collector::{ONE_CENTRE, Setup};
use crate::harness::netns::{GATEWAY, Network};
use crate::harness::scrape::Page;
use crate::harness::skip::program;
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// A round of echoes, and some.
const AT_ONCE: Duration = Duration::from_secs(12);

/// A PC with an agent behind a gateway with the collector, which asks for reports each second. Call it
/// at the gateway.
async fn watched(network: &Network) -> (Collector, Agent) {
    watched_by(Collector::with_centres(ONE_CENTRE).in_a_hurry(), network).await
}

async fn watched_by(setup: Setup, network: &Network) -> (Collector, Agent) {
    let collector = setup.listening_on(GATEWAY.into()).start().await;
    let mut agent = Agent::installed_within(&network.on_the_pc());
    let token = collector.token("cong-son").await;
    agent.enrol(&collector, &token, &[]).await.succeeded();
    agent.run();
    eventually("the gateway is probed", FIRST_VALUES, async || {
        to_gateway("sent_total").found_in(&collector.metrics().await?)
    })
    .await;
    (collector, agent)
}

fn to_gateway(what: &str) -> crate::harness::scrape::Wanted {
    metric(&format!("dawnwatch_link_{what}")).label("segment", "gateway")
}

#[tokio::test]
async fn a_good_gateway_is_seen_as_ping_sees_it() {
    let network = needs!(Network::new());
    needs!(program("ping"));
    let _there = needs!(network.at_the_gateway());
    let (collector, _agent) = watched(&network).await;
    let seen = ping(&network, 50).await;
    assert_eq!(seen.loss, 0.0, "an idle cable");
    eventually("the agent agrees", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        to_gateway("loss_ratio").is(0.0).found_in(&page)?;
        let [sent, received] = counters(&page)?;
        if received < sent {
            return Err(format!("{sent} sent, {received} answered"));
        }
        // Both measure tens of microseconds here; what differs by more is no round trip.
        let fastest = to_gateway("rtt_min_seconds").found_in(&page)?;
        match fastest > 0.0 && (fastest - seen.fastest).abs() < 0.000_5 {
            true => Ok(()),
            false => Err(format!("{fastest} s, by ping {} s", seen.fastest)),
        }
    })
    .await;
}

#[tokio::test]
async fn loss_is_counted_as_ping_counts_it() {
    let network = needs!(Network::new());
    needs!(program("ping"));
    let _there = needs!(network.at_the_gateway());
    let (collector, _agent) = watched(&network).await;
    network.lose_percent_of_echoes(30);
    let [sent_before, received_before] = counters(&collector.metrics().await.unwrap()).unwrap();
    let seen = ping(&network, 400).await;
    // Of 150 and of 400 echoes the shares differ by chance: five times the standard deviation is 0.22.
    eventually("the agent agrees", Duration::from_secs(90), async || {
        let [sent, received] = counters(&collector.metrics().await?)?;
        let (sent, received) = (sent - sent_before, received - received_before);
        let loss = 1.0 - received / sent;
        match sent >= 150.0 && (loss - seen.loss).abs() < 0.22 {
            true => Ok(()),
            false => Err(format!("{loss} of {sent}, by ping {}", seen.loss)),
        }
    })
    .await;
    network.lose_percent_of_echoes(100);
    eventually("all are lost", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        to_gateway("loss_ratio").is(1.0).found_in(&page)?;
        to_gateway("rtt_median_seconds").absent_from(&page)
    })
    .await;
    network.lose_percent_of_echoes(0);
    eventually("none is lost", FIRST_VALUES, async || {
        to_gateway("loss_ratio")
            .is(0.0)
            .found_in(&collector.metrics().await?)
    })
    .await;
}

/// Reports come a minute apart, but nobody waits for the next one to hear that a gateway is gone.
#[tokio::test]
async fn a_gateway_that_dies_and_comes_back_is_told_at_once() {
    let network = needs!(Network::new());
    let _there = needs!(network.at_the_gateway());
    let each_second = "[plan]\nlink_interval = \"1s\"\n";
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(each_second);
    let (collector, _agent) = watched_by(setup, &network).await;
    for lost in [100, 0] {
        network.lose_percent_of_echoes(lost);
        eventually("it is told", AT_ONCE, async || {
            let loss = to_gateway("loss_ratio").is(f64::from(lost) / 100.0);
            loss.found_in(&collector.metrics().await?)
        })
        .await;
    }
}

fn counters(page: &Page) -> Result<[f64; 2], String> {
    Ok([
        to_gateway("sent_total").found_in(page)?,
        to_gateway("received_total").found_in(page)?,
    ])
}

/// What `ping` saw.
struct Seen {
    loss: f64,
    fastest: f64,
}

async fn ping(network: &Network, count: u32) -> Seen {
    let command = network.on_the_pc();
    let output = tokio::process::Command::new(&command[0])
        .args(&command[1..])
        .args(["ping", "-q", "-n", "-i", "0.05", "-W", "1", "-c"])
        .args([count.to_string(), GATEWAY.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let received = text
        .split(", ")
        .find_map(|part| part.strip_suffix(" received"))
        .unwrap_or_else(|| panic!("{text}"));
    let fastest = text
        .split_once("mdev = ")
        .and_then(|(_, times)| times.split('/').next())
        .unwrap_or_else(|| panic!("{text}"));
    Seen {
        loss: 1.0 - received.parse::<f64>().unwrap() / f64::from(count),
        fastest: fastest.parse::<f64>().unwrap() / 1000.0,
    }
}
