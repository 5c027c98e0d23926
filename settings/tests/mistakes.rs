//! What a user reads after editing a settings file wrongly: whole files in, exact messages out.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::SocketAddr, path::Path, time::Duration};

/// Reads the file as a small collector would and returns what it would tell the user.
fn check(text: &str, expected: &[&str]) {
    let file = settings::parse("c.toml", text);
    let root = file.root();
    root.text("data");
    root.list("names");
    root.bytes("size");
    let http = root.table("http");
    http.value::<SocketAddr>("listen", "an address such as \"127.0.0.1:9780\"");
    http.duration("timeout");
    for anchor in root.tables("anchor") {
        anchor.require(&["name", "address"]);
        anchor.text("name");
        anchor.text("address");
    }
    let found = file.finish().err().map(|mistakes| mistakes.to_string());
    let found: Vec<&str> = found.iter().flat_map(|text| text.lines()).collect();
    assert_eq!(found, expected, "in:\n{text}");
}

#[test]
fn a_right_file_gives_its_values() {
    let file = settings::parse(
        "c.toml",
        "\u{feff}data = '/var/lib'\r\nsize = '1MiB'\r\nnames = ['a', 'b']\r\nshare = 0.5\r\n\
         [http]\r\nlisten = '[::1]:80'\r\ntimeout = '1m30s'\r\n[[anchor]]\r\nname = 'x'\r\n[[anchor]]\r\nname = 'y'\r\n",
    );
    let root = file.root();
    assert_eq!(root.text("data").as_deref(), Some("/var/lib"));
    assert_eq!(root.bytes("size"), Some(1 << 20));
    assert_eq!(root.list("names"), Some(vec!["a".into(), "b".into()]));
    assert_eq!(root.value("share", "a share"), Some(0.5));
    let http = root.table("http");
    assert_eq!(
        http.value::<SocketAddr>("listen", "an address"),
        Some("[::1]:80".parse().unwrap())
    );
    assert_eq!(http.duration("timeout"), Some(Duration::from_secs(90)));
    let names: Vec<_> = root
        .tables("anchor")
        .iter()
        .filter_map(|anchor| anchor.text("name"))
        .collect();
    assert_eq!(names, ["x", "y"]);
    assert_eq!(root.text("absent"), None);
    assert!(!root.table("nowhere").has("key"));
    assert_eq!(file.finish(), Ok(()));
}

#[test]
fn every_mistake_is_reported_in_the_order_of_the_file() {
    check(
        "dta = 'x'\n\
         names = 'one'\n\
         size = '64 MB'\n\
         [http]\n\
         listen = 9780\n\
         timeout = 'soon'\n\
         colour = 'red'\n\
         [[anchor]]\n\
         name = 'a'\n\
         [[anchor]]\n\
         address = '10.0.0.1'\n\
         adress = '10.0.0.2'\n",
        &[
            "c.toml:1: unknown key \"dta\"; did you mean \"data\"?",
            "c.toml:2: names must be a list of texts such as [\"a\", \"b\"]",
            "c.toml:3: size must be a size such as \"900kB\", \"64MB\" or \"1GiB\"",
            "c.toml:5: http.listen must be an address such as \"127.0.0.1:9780\"",
            "c.toml:6: http.timeout must be a duration such as \"15s\", \"5m\", \"1h30m\" or \"7d\"",
            "c.toml:7: unknown key \"http.colour\"; known here: listen, timeout",
            "c.toml:8: missing key \"anchor.address\"",
            "c.toml:10: missing key \"anchor.name\"",
            "c.toml:12: unknown key \"anchor.adress\"; did you mean \"address\"?",
        ],
    );
}

#[test]
fn the_wrong_kind_of_table_is_named() {
    check(
        "http = 1\nanchor = 'x'\n",
        &[
            "c.toml:1: http must be a table: [http]",
            "c.toml:2: anchor must be a list of tables: [[anchor]]",
        ],
    );
    check(
        "[data]\nx = 1\n[anchor]\nname = 'a'\n[[http]]\nlisten = 1\n",
        &[
            "c.toml:1: data must be a text in quotes",
            "c.toml:3: anchor must be a list of tables: [[anchor]]",
            "c.toml:5: http must be a table: [http]",
        ],
    );
    check(
        "anchor = [\n  { name = 'a', address = 'b' },\n  7,\n]\n",
        &["c.toml:3: anchor must be a list of tables: [[anchor]]"],
    );
}

#[test]
fn an_unknown_section_is_one_mistake() {
    check(
        "[htttp]\nlisten = 'x'\ntimeout = 'y'\n",
        &["c.toml:1: unknown key \"htttp\"; did you mean \"http\"?"],
    );
}

#[test]
fn keys_and_sections_set_twice() {
    check(
        "data = 'a'\ndata = 'b'\nsize = -1\n",
        &[
            "c.toml:2: \"data\" is set twice; first in line 1",
            "c.toml:3: size must be a size such as \"900kB\", \"64MB\" or \"1GiB\"",
        ],
    );
    check(
        "[http]\ntimeout = '1s'\n[http]\ntimeout = '2s'\n[[anchor]]\nname = 'a'\n",
        &[
            "c.toml:3: [http] is there twice; first in line 1",
            // `missing key "anchor.address"` waits until every line can be read.
        ],
    );
}

#[test]
fn reading_goes_on_after_a_line_that_is_not_toml() {
    check(
        "data = C:\\dawnwatch\nsize = many\nnames = [\"a\"]\n[http\nlisten = 1\n[[anchor]]\ncolour = 'x'\n",
        &[
            "c.toml:1: not TOML: text needs quotes around it",
            "c.toml:2: not TOML: text needs quotes around it",
            "c.toml:4: not TOML: expected a right bracket, found a newline",
            "c.toml:7: unknown key \"anchor.colour\"; known here: name, address",
        ],
    );
    check(
        "data = \"C:\\dawnwatch\"\ntypo = 1\n",
        &[
            "c.toml:1: not TOML: \"\\\" has a meaning between double quotes; write the text in single quotes",
            "c.toml:2: unknown key \"typo\"; known here: data, names, size, http, anchor",
        ],
    );
}

#[test]
fn what_was_never_closed_is_one_mistake() {
    check(
        "names = [\n  \"a\",\ndata = 'x'\nsize = 'y'\n",
        &["c.toml:3: not TOML: a bracket or quote above this line is not closed"],
    );
    check(
        "names = [\n  \"a\",\n",
        &["c.toml:2: not TOML: the file ends before this is closed"],
    );
    check(
        "data = '''\nnames = 1\n",
        &["c.toml:1: not TOML: the file ends before this is closed"],
    );
}

#[test]
fn a_file_that_is_something_else_does_not_flood() {
    let file = settings::parse("c.toml", &"<html>\n".repeat(1000));
    assert_eq!(file.finish().unwrap_err().mistakes.len(), 20);
}

#[test]
fn callers_add_their_own_mistakes_at_the_line_of_the_key() {
    let file = settings::parse("a.toml", "\n[limits]\n\nspool_age = '0s'\n");
    let limits = file.root().table("limits");
    assert_eq!(limits.duration("spool_age"), Some(Duration::ZERO));
    limits.mistake_at("spool_age", "must not be 0");
    limits.mistake_at("spool_bytes", "is needed here");
    assert_eq!(
        file.finish().unwrap_err().to_string(),
        "a.toml:2: limits.spool_bytes is needed here\na.toml:4: limits.spool_age must not be 0"
    );
}

#[test]
fn messages_never_repeat_a_value() {
    check(
        "data = hunter2\nsize = 'hunter2'\n[http]\nlisten = 'hunter2'\ntimeout = 'hunter2'\n",
        &[
            "c.toml:1: not TOML: text needs quotes around it",
            "c.toml:2: size must be a size such as \"900kB\", \"64MB\" or \"1GiB\"",
            "c.toml:4: http.listen must be an address such as \"127.0.0.1:9780\"",
            "c.toml:5: http.timeout must be a duration such as \"15s\", \"5m\", \"1h30m\" or \"7d\"",
        ],
    );
}

#[test]
fn an_absent_file_is_told_from_one_that_cannot_be_read() {
    let absent = settings::read(Path::new("/nonexistent/a.toml")).unwrap_err();
    assert!(matches!(absent, settings::ReadError::NotFound { .. }));
    assert_eq!(
        absent.to_string(),
        "there is no settings file /nonexistent/a.toml"
    );
    let folder = settings::read(Path::new("/")).unwrap_err();
    assert!(matches!(folder, settings::ReadError::Unreadable { .. }));
    assert_eq!(folder.to_string(), "cannot read the settings file /");
}
