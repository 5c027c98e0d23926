//! HTTP: what an answer is worth, and answers that never end.

use rustls::version::TLS13;

use super::authority::Authority;
use super::servers::{Act, Server, say};
use super::*;

const PHASES: [&str; 4] = ["dns", "connect", "first_byte", "transfer"];
const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";

async fn answered(answer: &str) -> Attempt {
    let server = Server::saying(answer).await;
    try_at(&server.url("http")).ended().await
}

async fn with_status(status: u16) -> Attempt {
    answered(&format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")).await
}

#[tokio::test]
async fn alive_is_what_answers_in_its_own_words() {
    for status in [200, 204, 302, 304, 401, 403, 405] {
        let attempt = with_status(status).await;
        assert_eq!(attempt.outcome, Outcome::Answered, "{attempt:?}");
        assert_eq!(attempt.status, Some(status));
        assert_eq!(finished(&attempt), PHASES);
    }
    for status in [400, 404, 429, 500, 502, 503, 599] {
        let attempt = with_status(status).await;
        check(
            &attempt,
            Outcome::HttpError,
            &PHASES,
            &format!("status {status}"),
        );
        assert_eq!(attempt.status, Some(status));
    }
    check(&with_status(511).await, Outcome::Captive, &PHASES, "511");
}

#[tokio::test]
async fn the_expected_text_is_found_wherever_it_is_cut() {
    let (one, other) = ("<p>Đăng nh", "ập hệ thống</p>");
    let apart = Duration::from_millis(20);
    let acts = vec![Act::Hear, say(HEAD), say(one), Act::Wait(apart), say(other)];
    let server = Server::doing(acts).await;
    let attempt = try_at(&server.url("http"))
        .expecting("Đăng nhập")
        .ended()
        .await;
    assert_eq!(attempt.outcome, Outcome::Answered, "{attempt:?}");
    let attempt = try_at(&server.url("http"))
        .expecting("Đăng xuất")
        .ended()
        .await;
    check(&attempt, Outcome::Unexpected, &PHASES, "not in the first");
}

#[tokio::test]
async fn a_slow_first_byte_is_in_its_own_phase() {
    let slow = Duration::from_millis(300);
    let acts = vec![Act::Hear, Act::Wait(slow), say(HEAD)];
    let server = Server::doing(acts).await;
    let attempt = try_at(&server.url("http")).ended().await;
    assert_eq!(
        (attempt.outcome, finished(&attempt)),
        (Outcome::Answered, PHASES.to_vec())
    );
    let (phase, took) = slowest(&attempt);
    assert!(phase == "first_byte" && took >= slow, "{attempt:?}");
}

#[tokio::test]
async fn slow_headers_and_bodies_are_in_the_transfer() {
    let slow = Duration::from_millis(300);
    let acts = vec![
        Act::Hear,
        say("HTTP/1.1 "),
        Act::Wait(slow),
        say("200 OK\r\n\r\n"),
    ];
    let server = Server::doing(acts).await;
    let phases = try_at(&server.url("http")).ended().await.phases;
    assert!(phases.transfer.unwrap() >= slow, "{phases:?}");
    assert!(phases.first_byte < phases.transfer, "{phases:?}");
}

#[tokio::test]
async fn what_never_ends_ends_here() {
    let now = Duration::ZERO;
    let seldom = Duration::from_millis(50);
    let body = |bytes: &str, time| Act::Repeat(bytes.as_bytes().to_vec(), time);
    let ended = |acts: Vec<Act>, expect: Option<&'static str>, limit: u64| async move {
        let server = Server::doing(acts).await;
        let mut attempt = try_at(&server.url("http"));
        attempt.service.expect = expect.map(str::to_owned);
        attempt.within(Duration::from_millis(limit)).ended().await
    };
    let itself = "this machine itself";
    let many = "0123456789abcdef".repeat(64);

    let endless = ended(vec![Act::Hear, say(HEAD), body(&many, now)], None, 10_000).await;
    check(&endless, Outcome::Answered, &PHASES, itself);
    let searched = ended(
        vec![Act::Hear, say(HEAD), body(&many, now)],
        Some("g"),
        10_000,
    )
    .await;
    check(
        &searched,
        Outcome::Unexpected,
        &PHASES,
        "first 262144 bytes",
    );

    let dripping = ended(vec![Act::Hear, say(HEAD), body("x", seldom)], None, 1_000).await;
    check(
        &dripping,
        Outcome::Timeout,
        &["dns", "connect", "first_byte"],
        "no end of transfer",
    );
    assert_eq!(dripping.status, Some(200), "what came is kept");

    let head = say("HTTP/1.1 200 OK\r\n");
    let lines = "a: b\r\n".repeat(64);
    let headers = ended(
        vec![Act::Hear, head.clone(), body(&lines, now)],
        None,
        10_000,
    )
    .await;
    check(
        &headers,
        Outcome::TooLarge,
        &["dns", "connect", "first_byte"],
        "headers",
    );
    let header = ended(
        vec![Act::Hear, head.clone(), body(&many, now)],
        None,
        10_000,
    )
    .await;
    check(
        &header,
        Outcome::TooLarge,
        &["dns", "connect", "first_byte"],
        "headers",
    );
    let few = ended(vec![Act::Hear, head, body("a: b\r\n", seldom)], None, 1_000).await;
    check(
        &few,
        Outcome::Timeout,
        &["dns", "connect", "first_byte"],
        "no end of transfer",
    );
    let interim = body("HTTP/1.1 100 Continue\r\n\r\n", seldom);
    let interim = ended(vec![Act::Hear, interim], None, 1_000).await;
    check(
        &interim,
        Outcome::Timeout,
        &["dns", "connect", "first_byte"],
        "no end of transfer",
    );

    let half_open = ended(vec![Act::Hang], None, 1_000).await;
    check(
        &half_open,
        Outcome::Timeout,
        &["dns", "connect"],
        "no end of first_byte",
    );
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let begun = ["dns", "connect", "first_byte"];
    let cases: [(&str, &[&str], &str); 5] = [
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", &begun, "no HTTP"),
        ("\0\0\u{1}\0\0", &begun, "no HTTP"),
        ("HTTP/1.1 abc\r\n\r\n", &begun, "no HTTP"),
        ("", &["dns", "connect"], "no HTTP"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
            &begun,
            "end of file",
        ),
    ];
    for (answer, phases, detail) in cases {
        let attempt = answered(answer).await;
        check(&attempt, Outcome::HttpError, phases, detail);
    }
}

#[tokio::test]
async fn a_redirection_is_an_answer_unless_it_leads_out() {
    let redirected = |location: &str| {
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        async move { answered(&answer).await }
    };
    for location in [
        "/login",
        "https://portal.example/login",
        "https://sso.portal.example/",
    ] {
        let attempt = redirected(location).await;
        assert_eq!(attempt.outcome, Outcome::Answered, "{location}");
        assert_eq!(attempt.redirected_to.as_deref(), Some(location));
    }
    let login = "http://192.168.88.1/login?to=http://portal.example/";
    let attempt = redirected(login).await;
    check(&attempt, Outcome::Captive, &PHASES, login);
    let long = redirected(&"x".repeat(10_000)).await;
    assert_eq!(long.redirected_to.unwrap().len(), 256);
}

#[tokio::test]
async fn a_login_in_place_of_the_page_is_a_captive_portal_where_nothing_is_proven() {
    let login = "HTTP/1.1 200 OK\r\n\r\n<form><input type=\"password\"></form>";
    let server = Server::saying(login).await;
    let attempt = try_at(&server.url("http"))
        .expecting("Cổng dịch vụ")
        .ended()
        .await;
    check(&attempt, Outcome::Captive, &PHASES, "a login");
    let attempt = try_at(&server.url("http")).ended().await;
    assert_eq!(
        attempt.outcome,
        Outcome::Answered,
        "nothing else is expected"
    );

    let root = Authority::new("root");
    let secretly = |name: &str| {
        let config = root.certify(name, 2026, 2028).serve(&[&TLS13]);
        let trust = root.trust();
        async move {
            let server = Server::saying_secretly(config, login).await;
            let attempt = try_at(&server.url("https")).trusting(trust);
            attempt.expecting("Cổng dịch vụ").ended().await.outcome
        }
    };
    assert_eq!(secretly("portal.example").await, Outcome::Unexpected);
    assert_eq!(secretly("hotspot.example").await, Outcome::Captive);
}

#[tokio::test]
async fn a_login_under_the_certificate_of_another_is_a_captive_portal_whatever_is_expected() {
    let login = "HTTP/1.1 200 OK\r\n\r\n<form><input type=\"password\"></form>";
    let plain = "HTTP/1.1 200 OK\r\n\r\n<p>It works!";
    let (root, stranger) = (Authority::new("root"), Authority::new("stranger"));
    let ended = |by: &Authority, name: &str, answer: &'static str| {
        let config = by.certify(name, 2026, 2028).serve(&[&TLS13]);
        let trust = root.trust();
        async move {
            let server = Server::saying_secretly(config, answer).await;
            let attempt = try_at(&server.url("https")).trusting(trust);
            attempt.ended().await.outcome
        }
    };
    let (service, other) = ("portal.example", "hotspot.example");
    assert_eq!(ended(&root, other, login).await, Outcome::Captive);
    assert_eq!(ended(&stranger, other, login).await, Outcome::Captive);
    // A portal's own, of an authority that this machine does not know, may have a login.
    let untrusted = Outcome::CertificateUntrusted;
    assert_eq!(ended(&stranger, service, login).await, untrusted);
    assert_eq!(ended(&root, service, login).await, Outcome::Answered);
    let misnamed = Outcome::CertificateName;
    assert_eq!(ended(&root, other, plain).await, misnamed);
}

#[tokio::test]
async fn a_certificate_out_of_its_time_may_lead_anywhere_and_is_not_a_captive_portal() {
    let root = Authority::new("root");
    let answer = "HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n";
    let ended = |from, to, told| {
        let config = root.certify("portal.example", from, to).serve(&[&TLS13]);
        let trust = root.trust();
        async move {
            let server = Server::saying_secretly(config, answer).await;
            let mut attempt = try_at(&server.url("https")).trusting(trust);
            attempt.told = told;
            attempt.ended().await.outcome
        }
    };
    let expired = Outcome::CertificateExpired;
    assert_eq!(ended(2024, 2026, None).await, expired);
    let early = Outcome::CertificateNotYetValid;
    assert_eq!(ended(2028, 2030, None).await, early);
    let told = Some(new_year(2025));
    assert_eq!(ended(2024, 2026, told).await, Outcome::ClockWrong);
}

#[tokio::test]
async fn a_service_that_proved_to_be_it_may_lead_anywhere() {
    let root = Authority::new("root");
    let answer = "HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n";
    let secretly = |name: &str| {
        let config = root.certify(name, 2026, 2028).serve(&[&TLS13]);
        let trust = root.trust();
        async move {
            let server = Server::saying_secretly(config, answer).await;
            let attempt = try_at(&server.url("https")).trusting(trust);
            attempt.ended().await
        }
    };
    assert_eq!(secretly("portal.example").await.outcome, Outcome::Answered);
    assert_eq!(secretly("hotspot.example").await.outcome, Outcome::Captive);
}

#[tokio::test]
async fn a_certificate_outweighs_what_comes_over_it() {
    let root = Authority::new("root");
    let config = root.certify("other.example", 2026, 2028).serve(&[&TLS13]);
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let server = Server::saying_secretly(config, answer).await;
    let attempt = try_at(&server.url("https"))
        .trusting(root.trust())
        .ended()
        .await;
    let phases = ["dns", "connect", "tls", "first_byte", "transfer"];
    check(
        &attempt,
        Outcome::CertificateName,
        &phases,
        "another name; status 503",
    );
}
