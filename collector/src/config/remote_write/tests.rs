//! Targets as people write them, right and wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::config::Config;

fn parse(text: &str) -> Vec<RemoteWrite> {
    let text = format!("[[remote_write]]\n{text}");
    Config::parse("c.toml", &text).unwrap().remote_write
}

/// The one mistake of a target.
fn mistake(text: &str) -> String {
    let text = format!("[[remote_write]]\n{text}");
    let mistakes = Config::parse("c.toml", &text).unwrap_err();
    assert_eq!(mistakes.mistakes.len(), 1, "{mistakes}");
    mistakes.to_string()
}

#[test]
fn an_address_is_enough() {
    let targets = parse("url = 'http://localhost:8428/api/v1/write'");
    let url = "http://localhost:8428/api/v1/write".parse().unwrap();
    assert_eq!(targets, [RemoteWrite::to("localhost-8428", url)]);
    let targets = parse("url = 'https://metrics.example/push'");
    assert_eq!(targets[0].name, "metrics-example-443");
}

#[test]
fn everything_can_be_said() {
    let targets = parse(
        "url = 'http://h/w'\nname = 'a'\nprotocol = '2.0'\nusername = 'u'\npassword_file = 'p'\n\
         headers = ['X-Scope-OrgID: lang-son']\nca_file = 'ca'\ntimeout = '5s'\nshards = 2\n\
         queue_bytes = '64MB'\nqueue_age = '1h'",
    );
    let expected = RemoteWrite {
        protocol: Protocol::V2,
        credentials: Credentials::Basic {
            username: "u".into(),
            password_file: "p".into(),
        },
        headers: Headers(vec![(
            "x-scope-orgid".parse().unwrap(),
            HeaderValue::from_static("lang-son"),
        )]),
        ca_file: Some("ca".into()),
        timeout: Duration::from_secs(5),
        shards: 2,
        queue_bytes: 64_000_000,
        queue_age: Duration::from_hours(1),
        ..RemoteWrite::to("a", "http://h/w".parse().unwrap())
    };
    assert_eq!(targets, [expected]);
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let check = |text: &str, expected: &str| {
        let told = mistake(text);
        assert!(told.starts_with(expected), "{text}: {told}");
    };
    check("name = 'a'", "c.toml:1: missing key \"remote_write.url\"");
    let url = "url = 'http://h/w'\n";
    let with = |text: &str| format!("{url}{text}");
    check("url = 'h:80/w'", "c.toml:2: remote_write.url must be a URL");
    check(
        "url = 'ftp://h/w'",
        "c.toml:2: remote_write.url must be a URL",
    );
    check(
        "url = 'http://u:p@h/w'",
        "c.toml:2: remote_write.url must not hold a password",
    );
    check(&with("name = 'A'"), "c.toml:3: remote_write.name must be");
    check(
        &with("protocol = '3'"),
        "c.toml:3: remote_write.protocol must be",
    );
    check(&with("shards = 0"), "c.toml:3: remote_write.shards must be");
    check(
        &with("timeout = '0s'"),
        "c.toml:3: remote_write.timeout must be",
    );
    check(
        &with("queue_bytes = '1MB'"),
        "c.toml:3: remote_write.queue_bytes must be",
    );
    check(
        &with("queue_age = '1s'"),
        "c.toml:3: remote_write.queue_age must be",
    );
    check(
        &with("headers = ['X-A']"),
        "c.toml:3: remote_write.headers must be",
    );
    check(
        &with("headers = ['Content-Type: x']"),
        "c.toml:3: remote_write.headers must not hold",
    );
    check(
        &with("username = 'u'"),
        "c.toml:3: remote_write.username needs",
    );
    check(
        &with("password_file = 'u'"),
        "c.toml:3: remote_write.password_file needs",
    );
    check(
        &with("bearer_token_file = ''"),
        "c.toml:3: remote_write.bearer_token_file must be",
    );
    check(
        &with("bearer_token_file = 't'\nusername = 'u'"),
        "c.toml:3: remote_write.bearer_token_file excludes",
    );
}

#[test]
fn two_targets_have_two_queues() {
    let url = "url = 'http://h/w'";
    let text = format!("{url}\n[[remote_write]]\n{url}");
    assert!(mistake(&text).starts_with("c.toml:4: remote_write.url belongs to another"));
    assert_eq!(parse(&format!("{text}\nname = 'b'")).len(), 2);
    let many = "[[remote_write]]\nurl = 'http://h/w'\n".repeat(TARGETS + 1);
    let told = Config::parse("c.toml", &many).unwrap_err().to_string();
    assert!(told.contains("one target too many: 8"), "{told}");
}

#[test]
fn values_of_headers_are_no_text_for_logs() {
    let targets = parse("url = 'http://h/w'\nheaders = ['X-Key: s3cret']");
    let shown = format!("{targets:?}");
    assert!(
        shown.contains("x-key") && !shown.contains("s3cret"),
        "{shown}"
    );
}

#[test]
fn relative_files_are_beside_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let text = "[[remote_write]]\nurl = 'http://h/w'\nbearer_token_file = 'token'\nca_file = '/ca'";
    std::fs::write(&file, text).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    let target = &config.remote_write[0];
    let token_file = folder.path().join("token");
    assert_eq!(target.credentials, Credentials::Bearer { token_file });
    assert_eq!(target.ca_file.as_deref(), Some(Path::new("/ca")));
}
