//! TLS: whose certificate it is, when, and whose clock is wrong.

use rustls::version::{TLS12, TLS13};

use super::authority::{Authority, Identity, new_year};
use super::servers::{Act, Server, say};
use super::*;

const PHASES: [&str; 3] = ["dns", "connect", "tls"];
const ALL_PHASES: [&str; 5] = ["dns", "connect", "tls", "first_byte", "transfer"];
const ITSELF: &str = "leads to this machine itself";

async fn shown(identity: Identity, authority: &Authority) -> Attempt {
    let config = identity.serve(&[&TLS13]);
    let server = Server::doing(vec![Act::Encrypt(config), Act::Hang]).await;
    let attempt = try_at(&server.url("tls")).trusting(authority.trust());
    attempt.ended().await
}

#[tokio::test]
async fn a_good_certificate_is_an_answer_and_says_when_it_expires() {
    let authority = Authority::new("root");
    let attempt = shown(authority.certify("portal.example", 2026, 2028), &authority).await;
    check(&attempt, Outcome::Answered, &PHASES, ITSELF);
    assert_eq!(attempt.expires_unix_s, Some(new_year(2028)));
}

#[tokio::test]
async fn an_authority_below_the_trusted_one_has_to_show_itself() {
    let root = Authority::new("root");
    let below = root.below("below");
    let identity = below.certify("portal.example", 2026, 2028);
    check(
        &shown(identity, &root).await,
        Outcome::Answered,
        &PHASES,
        ITSELF,
    );

    let mut identity = below.certify("portal.example", 2026, 2028);
    identity.chain.truncate(1);
    let attempt = shown(identity, &root).await;
    check(
        &attempt,
        Outcome::CertificateUntrusted,
        &PHASES,
        "UnknownIssuer",
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_apart() {
    let root = Authority::new("root");
    let other = Authority::new("other");
    let verdict = |identity, expires| {
        let root = &root;
        async move {
            let attempt = shown(identity, root).await;
            assert_eq!(finished(&attempt), PHASES);
            assert_eq!(attempt.expires_unix_s, Some(new_year(expires)));
            attempt.outcome
        }
    };
    let mine = "portal.example";
    let late = verdict(root.certify(mine, 2025, 2027), 2027).await;
    assert_eq!(late, Outcome::CertificateExpired);
    let early = verdict(root.certify(mine, 2028, 2029), 2029).await;
    assert_eq!(early, Outcome::CertificateNotYetValid);
    let name = verdict(root.certify("other.example", 2026, 2028), 2028).await;
    assert_eq!(name, Outcome::CertificateName);
    let unknown = verdict(other.certify(mine, 2026, 2028), 2028).await;
    assert_eq!(unknown, Outcome::CertificateUntrusted);
    // Who comes before when.
    let unknown = verdict(other.certify(mine, 2025, 2027), 2027).await;
    assert_eq!(unknown, Outcome::CertificateUntrusted);
    let name = verdict(root.certify("other.example", 2028, 2029), 2029).await;
    assert_eq!(name, Outcome::CertificateName);
}

#[tokio::test]
async fn an_old_certificate_that_is_not_needed_expires_nothing() {
    let root = Authority::new("root");
    let mut identity = root.certify("portal.example", 2026, 2028);
    let old = root.certify("old.example", 2001, 2002);
    identity.chain.extend(old.chain);
    let attempt = shown(identity, &root).await;
    check(&attempt, Outcome::Answered, &PHASES, ITSELF);
    assert_eq!(attempt.expires_unix_s, Some(new_year(2028)));
}

#[tokio::test]
async fn a_machine_without_authorities_judges_none() {
    let identity = Authority::new("root").certify("other.example", 2001, 2002);
    let config = identity.serve(&[&TLS13]);
    let server = Server::doing(vec![Act::Encrypt(config), Act::Hang]).await;
    let attempt = try_at(&server.url("tls"));
    let limitation = attempt.trust.limitation().unwrap();
    assert!(limitation.what.contains("not judged"), "{limitation}");
    check(&attempt.ended().await, Outcome::Answered, &PHASES, ITSELF);
    assert_eq!(Authority::new("root").trust().limitation(), None);
}

#[tokio::test]
async fn the_version_before_the_last_is_spoken() {
    let root = Authority::new("root");
    let config = root.certify("portal.example", 2026, 2028).serve(&[&TLS12]);
    let server = Server::saying_secretly(config, "HTTP/1.1 204 No Content\r\n\r\n").await;
    let attempt = try_at(&server.url("https")).trusting(root.trust());
    check(
        &attempt.ended().await,
        Outcome::Answered,
        &ALL_PHASES,
        ITSELF,
    );
}

#[tokio::test]
async fn what_is_no_tls_fails_and_silence_is_late() {
    let root = Authority::new("root");
    let ended = |acts| {
        let trust = root.trust();
        async move {
            let server = Server::doing(acts).await;
            let attempt = try_at(&server.url("https")).trusting(trust);
            attempt.within(Duration::from_secs(1)).ended().await
        }
    };
    let before = ["dns", "connect"];
    let garbage = ended(vec![say("SSH-2.0-OpenSSH_9.2\r\n"), Act::Hang]).await;
    check(&garbage, Outcome::TlsFailed, &before, "tls: ");
    let gone = ended(Vec::new()).await;
    check(&gone, Outcome::TlsFailed, &before, "tls: ");
    let silent = ended(vec![Act::Hang]).await;
    check(&silent, Outcome::Timeout, &before, "no end of tls");
}

#[tokio::test]
async fn a_slow_handshake_is_in_its_own_phase() {
    let root = Authority::new("root");
    let config = root.certify("portal.example", 2026, 2028).serve(&[&TLS13]);
    let slow = Duration::from_millis(300);
    let answer = say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let acts = vec![Act::Wait(slow), Act::Encrypt(config), Act::Hear, answer];
    let server = Server::doing(acts).await;
    let attempt = try_at(&server.url("https")).trusting(root.trust());
    let attempt = attempt.ended().await;
    check(&attempt, Outcome::Answered, &ALL_PHASES, ITSELF);
    let (phase, took) = slowest(&attempt);
    assert!(phase == "tls" && took >= slow, "{attempt:?}");
}

/// A service whose certificate is good in 2026 and 2027, and which says that this is its time.
async fn dated(root: &Authority, date: &str) -> Server {
    let config = root.certify("portal.example", 2026, 2028).serve(&[&TLS13]);
    let answer = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n");
    Server::saying_secretly(config, &answer).await
}

#[tokio::test]
async fn a_wrong_clock_is_told_from_a_bad_certificate_by_what_time_others_say_it_is() {
    let root = Authority::new("root");
    let attempt = |server: &Server, scheme, now, told| {
        let mut attempt = try_at(&server.url(scheme)).trusting(root.trust());
        (attempt.now, attempt.told) = (now, told);
        attempt.ended()
    };
    let server = dated(&root, "Thu, 01 Jul 2027 00:00:00 GMT").await;
    let late = attempt(&server, "https", new_year(2035), None).await;
    check(
        &late,
        Outcome::ClockWrong,
        &ALL_PHASES,
        "expired by our clock",
    );
    assert_eq!(late.server_time_unix_s, Some(1_814_400_000));

    // The server agrees with us.
    let agreeing = dated(&root, "Mon, 01 Jan 2035 00:00:00 GMT").await;
    let expired = attempt(&agreeing, "https", new_year(2035), None).await;
    check(
        &expired,
        Outcome::CertificateExpired,
        &ALL_PHASES,
        "expired",
    );

    // Nobody says anything.
    let alone = attempt(&server, "tls", new_year(2035), None).await;
    check(&alone, Outcome::CertificateExpired, &PHASES, "expired");
    // Somebody said something before.
    let told = attempt(&server, "tls", new_year(2035), Some(new_year(2027))).await;
    check(&told, Outcome::ClockWrong, &PHASES, "expired");
}

#[tokio::test]
async fn a_clock_from_before_this_program_is_wrong_without_witnesses() {
    let root = Authority::new("root");
    let server = dated(&root, "").await;
    for now in [new_year(2001), 0, -1_000_000_000] {
        let mut attempt = try_at(&server.url("tls")).trusting(root.trust());
        attempt.now = now;
        check(
            &attempt.ended().await,
            Outcome::ClockWrong,
            &PHASES,
            "not valid yet",
        );
    }
}
