//! A machine becomes an agent: with a token that is right, once, at the collector that made it.

use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::{Agent, Collector, collector::ONE_CENTRE, eventually, metric};

#[tokio::test]
async fn an_enrolled_agent_is_seen_within_half_a_minute() {
    let collector = Collector::started().await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    eventually("its values are shown", FIRST_VALUES, async || {
        let page = collector.metrics().await?;
        let of_centre = |name: &str| metric(name).label("centre", "cong-son");
        of_centre("dawnwatch_agent_up").is(1.0).found_in(&page)?;
        of_centre("dawnwatch_cpu_usage_ratio").found_in(&page)?;
        of_centre("dawnwatch_memory_available_bytes").found_in(&page)?;
        of_centre("dawnwatch_filesystem_size_bytes").found_in(&page)
    })
    .await;
    eventually("it knows that it is connected", FIRST_VALUES, async || {
        let status = agent.status().await?;
        match status["connected"] == true && status["running"] == true {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    let devices = collector
        .api("/api/v1/devices?centre=cong-son")
        .await
        .unwrap();
    assert!(devices.to_string().contains("cong-son"), "{devices}");
}

#[tokio::test]
async fn a_token_is_good_once() {
    let collector = Collector::started().await;
    let token = collector.token("cong-son").await;
    let first = Agent::enrolled_with(&collector, &token).await;
    let second = Agent::installed();
    let error = second.enrol(&collector, &token, &[]).await.failed_with(1);
    assert!(error.contains("this token was used already"), "{error}");
    // What the first did is not undone.
    assert!(first.status().await.is_ok());
}

#[tokio::test]
async fn a_token_that_expired_is_refused() {
    let collector = Collector::started().await;
    let token = collector
        .token_with("cong-son", &["--reusable", "--valid", "1s"])
        .await;
    let agent = Agent::installed();
    // Good until then: each try is a machine of its own, and one that enrols proves only that.
    eventually("the token expires", Duration::from_secs(10), async || {
        let finished = Agent::installed().enrol(&collector, &token, &[]).await;
        match finished.status.success() {
            true => Err("enrolled".into()),
            false => Ok(()),
        }
    })
    .await;
    let error = agent.enrol(&collector, &token, &[]).await.failed_with(1);
    assert!(error.contains("this token has expired"), "{error}");
}

#[tokio::test]
async fn a_token_that_nobody_made_is_refused() {
    let collector = Collector::started().await;
    let token = collector.token("cong-son").await;
    let (fingerprint, secret) = token.rsplit_once('-').unwrap();
    let last = if secret.ends_with('0') { '1' } else { '0' };
    let forged = format!("{fingerprint}-{}{last}", &secret[..secret.len() - 1]);
    let agent = Agent::installed();
    let error = agent.enrol(&collector, &forged, &[]).await;
    let error = error.failed_with(1);
    assert!(error.contains("does not know this token"), "{error}");
    assert!(agent.status().await.is_err(), "it is no agent now");
}

#[tokio::test]
async fn a_text_that_is_no_token_is_a_mistake_of_usage() {
    let collector = Collector::started().await;
    let agent = Agent::installed();
    let error = agent
        .enrol(&collector, "let-me-in", &[])
        .await
        .failed_with(64);
    assert!(error.contains("token"), "{error}");
}

#[tokio::test]
async fn a_token_is_never_sent_to_another_collector() {
    let (right, wrong) = (Collector::started().await, Collector::started().await);
    let token = right.token("cong-son").await;
    let agent = Agent::installed();
    let error = agent.enrol(&wrong, &token, &[]).await.failed_with(1);
    assert!(error.contains("not sent"), "{error}");
    // So it is still good where it belongs.
    agent.enrol(&right, &token, &[]).await.succeeded();
}

#[tokio::test]
async fn an_address_that_the_collector_does_not_know_is_told_apart() {
    let collector = Collector::started().await;
    let token = collector.token("cong-son").await;
    let (inside, outside) = (collector.agent_address(), "127.0.0.2:0");
    let listener = tokio::net::TcpListener::bind(outside).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let forwarded = async {
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let mut to = tokio::net::TcpStream::connect(inside.to_string())
                .await
                .unwrap();
            let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
        }
    };
    let agent = Agent::installed();
    let finished = tokio::select! {
        finished = agent.enrol_at(&url, &token, &[]) => finished,
        () = forwarded => unreachable!(),
    };
    let error = finished.failed_with(1);
    assert!(error.contains("[grpc] names"), "{error}");
}

#[tokio::test]
async fn a_fingerprint_that_contradicts_the_token_is_refused() {
    let collector = Collector::started().await;
    let token = collector.token("cong-son").await;
    let other = "00".repeat(32);
    let agent = Agent::installed();
    let finished = agent
        .enrol(&collector, &token, &["--ca-fingerprint", &other])
        .await;
    let error = finished.failed_with(1);
    assert!(error.contains("fingerprint"), "{error}");
}

#[tokio::test]
async fn revocation_ends_a_live_stream_at_once() {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&collector, "cong-son").await;
    agent.run();
    let up = metric("dawnwatch_agent_up").label("centre", "cong-son");
    eventually("the agent is connected", FIRST_VALUES, async || {
        up.clone().is(1.0).found_in(&collector.metrics().await?)
    })
    .await;
    collector.revoke_agent_of("cong-son").await;
    eventually("its stream ends", Duration::from_secs(5), async || {
        let page = collector.metrics().await?;
        metric("dawnwatch_collector_streams")
            .is(0.0)
            .found_in(&page)?;
        up.absent_from(&page)
    })
    .await;
    eventually("the agent says why", Duration::from_secs(10), async || {
        let status = agent.status().await?;
        let problem = status["connection_problem"].as_str().unwrap_or_default();
        match problem.contains("revoked") {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
}

#[tokio::test]
async fn an_agent_of_another_collector_is_not_let_in() {
    let home = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let other = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    let mut agent = Agent::enrolled_at(&home, "cong-son").await;
    let url = format!("https://{}", other.agent_address());
    let settings = home
        .folder()
        .write("moved.toml", format!("collector = {url:?}\n"));
    agent.run_with(&["--config", settings.to_str().unwrap()]);
    eventually("the agent says what is wrong", FIRST_VALUES, async || {
        let status = agent.status().await?;
        match status["connection_problem"].as_str() {
            Some(_) if status["connected"] == false => Ok(()),
            _ => Err(status.to_string()),
        }
    })
    .await;
    let page = other.metrics().await.unwrap();
    metric("dawnwatch_collector_streams").is(0.0).in_(&page);
    assert_eq!(metric("dawnwatch_agent_up").absent_from(&page), Ok(()));
}
