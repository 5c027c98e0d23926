//! What each answer leads to: the rules of the protocol, and that nothing is lost by keeping them.

use std::time::Duration;

use dawnwatch_collector::config::{Credentials, Headers, Protocol};
use dawnwatch_collector::remote_write::{Metrics, RemoteWrite};
use prometheus::Registry;

use crate::harness::wait::eventually;
use crate::receiver::{Receiver, Reply, reply};
use crate::writing::{DELIVERY, NAME, Writing, expected, late, live, target, times};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_carry_every_sample_in_order_as_the_specifications_say() {
    for protocol in [Protocol::V1, Protocol::V2] {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start().await;
        let mut target = target(&receiver.url());
        target.protocol = protocol;
        let tenant = (
            "x-scope-orgid".parse().unwrap(),
            "lang-son".parse().unwrap(),
        );
        target.headers = Headers(vec![tenant]);
        let writing = Writing::start(folder.path(), &target);
        // More than a request holds, in several records, of several devices; and a moment's order is
        // not the order of coming.
        let all = times(60, MINUTE);
        let batches: Vec<_> = all
            .chunks(4)
            .flat_map(|times| {
                let mut times = times.to_vec();
                times.reverse();
                ["pc-01", "pc-02", "pc-03"].map(|device| live(device, 100, times.clone()))
            })
            .chain([late("pc-04", 3, times(5, 60 * MINUTE))])
            .collect();
        for batches in batches.chunks(6) {
            writing.put(batches);
        }
        writing.is_done().await;
        receiver.has_no_complaint();
        assert_eq!(receiver.stored(), expected(&batches));
        let count = 3 * 100 * 60 + 3 * 5;
        assert_eq!(
            writing.count("samples_total", "outcome", "delivered"),
            f64::from(count)
        );
        for request in receiver.received() {
            assert_eq!(request.headers["x-scope-orgid"], "lang-son");
            assert!(request.samples() <= 5_000, "{}", request.samples());
            for series in request.series {
                let help = "Bytes received by the network interface.".to_owned();
                let metadata = (1, help, "bytes".to_owned());
                let expected = (protocol == Protocol::V2).then_some(metadata);
                assert_eq!(series.metadata, expected, "{NAME}");
            }
        }
        writing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_now_is_sent_again_and_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([503, 500, 429, 502, 408].map(|status| reply(status, "not now")));
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    let batch = live("pc-01", 5, times(4, MINUTE));
    writing.put(std::slice::from_ref(&batch));
    writing.is_done().await;
    receiver.has_no_complaint();
    assert_eq!(receiver.stored(), expected([&batch]));
    assert_eq!(receiver.received().len(), 6);
    let requests = |outcome| writing.count("requests_total", "outcome", outcome);
    assert_eq!(
        ["failing", "throttled", "written", "refused"].map(requests),
        [4.0, 1.0, 1.0, 0.0]
    );
    assert_eq!(writing.count("samples_total", "outcome", "delivered"), 20.0);
    assert_eq!(writing.count("samples_total", "outcome", "rejected"), 0.0);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_asks_for_time_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([Reply {
        headers: vec![("Retry-After", "2".into())],
        ..reply(429, "slowly")
    }]);
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    writing.put(&[live("pc-01", 5, times(4, MINUTE))]);
    writing.is_done().await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert!(received[1].at - received[0].at >= Duration::from_secs(2));
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_samples_that_are_refused_cost_no_live_one() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let border = times(1, 60 * MINUTE)[0];
    receiver.judges(move |request| {
        let samples = request.series.iter().flat_map(|series| &series.samples);
        let (old, new): (Vec<_>, Vec<_>) = samples.copied().partition(|(time, _)| *time < border);
        assert!(
            old.is_empty() || new.is_empty(),
            "late and live in one request"
        );
        // As Prometheus says it before 2.49: with a status that asks for another attempt.
        (!old.is_empty()).then(|| reply(500, "too old sample\n"))
    });
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    let (now, then) = (times(4, MINUTE), times(8, 120 * MINUTE));
    writing.put(&[live("pc-01", 10, now.clone()), late("pc-01", 10, then)]);
    writing.is_done().await;
    receiver.has_no_complaint();
    assert_eq!(receiver.stored(), expected([&live("pc-01", 10, now)]));
    assert_eq!(
        writing.count("samples_rejected_total", "reason", "too_old"),
        80.0
    );
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_2_0_that_takes_a_part_says_how_much_and_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([Reply {
        headers: vec![("X-Prometheus-Remote-Write-Samples-Written", "15".into())],
        ..reply(400, "duplicate sample for timestamp")
    }]);
    let mut target = target(&receiver.url());
    target.protocol = Protocol::V2;
    let writing = Writing::start(folder.path(), &target);
    writing.put(&[live("pc-01", 5, times(4, MINUTE))]);
    writing.is_done().await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(writing.count("samples_total", "outcome", "delivered"), 15.0);
    assert_eq!(
        writing.count("samples_rejected_total", "reason", "duplicate"),
        5.0
    );
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_protocol_loses_nothing_until_the_settings_are_right() {
    for is_careless in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start().await;
        if is_careless {
            receiver.knows_only_1_0();
        } else {
            receiver.judges(|request| {
                let version = &request.headers["x-prometheus-remote-write-version"];
                (version == "2.0.0").then(|| reply(415, "unsupported"))
            });
        }
        let mut target = target(&receiver.url());
        target.protocol = Protocol::V2;
        let batch = live("pc-01", 5, times(4, MINUTE));
        let writing = Writing::start(folder.path(), &target);
        writing.put(std::slice::from_ref(&batch));
        eventually("it is told", DELIVERY, async || {
            match writing.count("requests_total", "outcome", "misconfigured") {
                0.0 => Err("not asked yet".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
        assert!(writing.queue.status().waiting_since.is_some());
        writing.stop().await;

        target.protocol = Protocol::V1;
        let writing = Writing::start(folder.path(), &target);
        writing.is_done().await;
        assert_eq!(receiver.stored(), expected([&batch]));
        writing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "old\n").unwrap();
    let receiver = Receiver::start().await;
    let new_one = token_file.clone();
    receiver.judges(move |request| {
        let is_right = request.headers["authorization"] == "Bearer new";
        std::fs::write(&new_one, "new\n").unwrap();
        // Also not now, so that the wait is short.
        (!is_right).then(|| reply(503, "not with that"))
    });
    let mut target = target(&receiver.url());
    target.credentials = Credentials::Bearer { token_file };
    let writing = Writing::start(folder.path(), &target);
    writing.put(&[live("pc-01", 5, times(4, MINUTE))]);
    writing.is_done().await;
    assert_eq!(receiver.received().len(), 2);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_password_are_sent_as_http_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    for (password, expected) in [
        ("a", "Basic dTph"),
        ("ab", "Basic dTphYg=="),
        ("abc?~ÿ", "Basic dTphYmM/fsO/"),
    ] {
        std::fs::write(&password_file, password).unwrap();
        let receiver = Receiver::start().await;
        let mut target = target(&receiver.url());
        target.name = format!("store-{}", password.len());
        target.credentials = Credentials::Basic {
            username: "u".into(),
            password_file: password_file.clone(),
        };
        let writing = Writing::start(folder.path(), &target);
        writing.put(&[live("pc-01", 1, times(1, MINUTE))]);
        writing.is_done().await;
        assert_eq!(receiver.received()[0].headers["authorization"], expected);
        writing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_hand_can_set_right_is_kept() {
    for status in [302, 401, 403, 404, 405] {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start().await;
        let url = receiver.url();
        receiver.judges(move |_| {
            Some(Reply {
                headers: vec![("Location", url.clone())],
                ..reply(status, "no")
            })
        });
        let writing = Writing::start(folder.path(), &target(&receiver.url()));
        writing.put(&[live("pc-01", 1, times(1, MINUTE))]);
        eventually("it is told", DELIVERY, async || {
            match writing.count("requests_total", "outcome", "misconfigured") {
                0.0 => Err(format!("{status}: not asked yet")),
                _ => Ok(()),
            }
        })
        .await;
        assert!(writing.queue.status().waiting_since.is_some(), "{status}");
        assert_eq!(writing.count("samples_total", "outcome", "rejected"), 0.0);
        writing.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_read_to_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.answers([reply(503, &"x".repeat(50_000_000))]);
    let writing = Writing::start(folder.path(), &target(&receiver.url()));
    writing.put(&[live("pc-01", 1, times(1, MINUTE))]);
    writing.is_done().await;
    assert_eq!(receiver.received().len(), 2);
    writing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_trusted_for_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, certificate) = Receiver::start_with_tls().await;
    let ca_file = folder.path().join("ca.pem");
    let mut target = target(&receiver.tls_url());
    let batch = live("pc-01", 5, times(4, MINUTE));

    // Somebody else's authority.
    let (_, other) = Receiver::start_with_tls().await;
    std::fs::write(&ca_file, other).unwrap();
    target.ca_file = Some(ca_file.clone());
    let writing = Writing::start(folder.path(), &target);
    writing.put(std::slice::from_ref(&batch));
    eventually("it is a stranger", DELIVERY, async || {
        match writing.count("requests_total", "outcome", "unreachable") {
            0.0 => Err("not asked yet".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    writing.stop().await;

    std::fs::write(&ca_file, certificate).unwrap();
    let writing = Writing::start(folder.path(), &target);
    writing.is_done().await;
    assert_eq!(receiver.stored(), expected([&batch]));
    writing.stop().await;
}

#[tokio::test]
async fn a_file_without_an_authority_is_told_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let mut target = target("https://localhost:1/write");
    target.ca_file = Some(ca_file.clone());
    let metrics = Metrics::new(&Registry::new()).unwrap();
    let open = || RemoteWrite::open(folder.path(), std::slice::from_ref(&target), &metrics);
    for (content, expected) in [
        (None, "cannot read a PEM certificate from"),
        (Some("nothing"), "there is no usable certificate in"),
    ] {
        if let Some(content) = content {
            std::fs::write(&ca_file, content).unwrap();
        }
        let error = open().unwrap_err();
        assert!(error.to_string().contains("\"store\""), "{error}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.starts_with(expected), "{source}");
        assert!(source.contains("ca.pem"), "{source}");
    }
}
