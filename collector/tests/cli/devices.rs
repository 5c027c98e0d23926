//! Devices without an agent and their credentials, as administrators meet them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::*;

/// What nobody may ever see.
const SECRETS: [&str; 3] = ["K0ng-Son-community", "auth-Passw0rd", "priv-Passw0rd"];

impl Place {
    fn set_credentials(&self) {
        let community = format!("{}\n", SECRETS[0]);
        let set = ["credential", "set", "printers", "--version", "2c"];
        assert_eq!(self.run_with(&community, &set).good(), "printers set\n");
        let passwords = self.write("secrets", &SECRETS[1..].join("\r\n"));
        let set = "credential set routers --version 3 --port 1161 --centre cong-son --user dawnwatch \
                   --auth sha256 --privacy aes128 --from";
        let set: Vec<&str> = set.split_whitespace().chain([passwords.as_str()]).collect();
        assert_eq!(self.run(&set).good(), "routers set\n");
    }

    fn device(&self, arguments: &str) -> Said {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.run(&[&["device"], &arguments[..]].concat())
    }
}

fn holds_no_secret(text: &[u8]) -> bool {
    SECRETS.iter().all(|secret| {
        !text
            .windows(secret.len())
            .any(|part| part == secret.as_bytes())
    })
}

/// The cells of each line but the first.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().skip(1);
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn credentials_are_set_listed_without_secrets_and_removed() {
    let place = Place::with_centre();
    place.set_credentials();
    let listed = place.run(&["credential", "list"]).good();
    assert!(holds_no_secret(listed.as_bytes()), "{listed}");
    let rows = rows(&listed);
    let [printers, routers] = &rows[..] else {
        panic!("{listed}");
    };
    assert_eq!(
        printers[..7],
        ["printers", "all", "2c", "161", "-", "-", "-"]
    );
    let expected = [
        "routers",
        "cong-son",
        "3",
        "1161",
        "dawnwatch",
        "sha256",
        "aes128",
    ];
    assert_eq!(routers[..7], expected);
    let add =
        "add --centre cong-son --name printer --kind printer --address 10.0.0.9 --snmp printers";
    place.device(add).good();
    let remove = || place.run(&["credential", "remove", "printers"]);
    let told = remove().bad(1);
    assert!(told.contains("is used by cong-son printer"), "{told}");
    place.device("remove cong-son printer").good();
    assert_eq!(remove().good(), "printers removed\n");
    let told = remove().bad(1);
    assert!(told.contains("there is no credential printers"), "{told}");
}

#[test]
fn a_secret_that_is_missing_or_cannot_be_used_is_told_of_and_not_shown() {
    let place = Place::with_centre();
    let set = ["credential", "set", "a", "--version"];
    let v2c = [&set[..], &["2c"]].concat();
    for nothing in ["", "\n", "\r\n"] {
        let told = place.run_with(nothing, &v2c).bad(1);
        assert!(told.contains("Community is missing"), "{told}");
    }
    let v3 = [&set[..], &["3", "--user", "u", "--auth", "sha1"]].concat();
    let told = place.run_with("short77\n", &v3).bad(1);
    assert!(
        told.contains("at least 8 characters") && !told.contains("short77"),
        "{told}"
    );
    let told = place
        .run_with("x\n", &[&v2c[..], &["--user", "u"]].concat())
        .bad(1);
    assert!(told.contains("use --version 3"), "{told}");
    let told = place
        .run(&[&v2c[..], &["--from", "/nowhere"]].concat())
        .bad(1);
    assert!(told.contains("cannot read /nowhere"), "{told}");
    assert_eq!(
        rows(&place.run(&["credential", "list"]).good()),
        Vec::<Vec<&str>>::new()
    );
}

#[test]
fn devices_are_added_listed_changed_and_removed() {
    let place = Place::with_centre();
    place.set_credentials();
    let add = "add --centre cong-son --name printer-1 --kind printer --address 10.0.0.9 --snmp printers \
               --ipp 631/ipp/print --serial E78094 --mac 00:1B:A9:12:34:56";
    assert_eq!(place.device(add).good(), "cong-son printer-1 added\n");
    let told = place.device(add).bad(1);
    assert!(
        told.contains("has a device or an agent named printer-1"),
        "{told}"
    );
    let list = "\
CENTRE    DEVICE     KIND     STATUS    ADDRESS   SNMP      IPP            SERIAL  MAC           MODEL
cong-son  printer-1  printer  approved  10.0.0.9  printers  631/ipp/print  E78094  001ba9123456  -
";
    assert_eq!(place.device("list").good(), list);
    assert_eq!(
        rows(&place.device("list --centre elsewhere").good()).len(),
        0
    );
    assert_eq!(rows(&place.device("list --found").good()).len(), 0);
    let change =
        "approve cong-son printer-1 --name counter --kind other --snmp routers --address ::1";
    assert_eq!(place.device(change).good(), "cong-son counter approved\n");
    let listed = place.device("list").good();
    assert_eq!(
        rows(&listed)[0][1..6],
        ["counter", "other", "approved", "::1", "routers"]
    );
    assert_eq!(
        place.device("ignore cong-son counter").good(),
        "cong-son counter ignored\n"
    );
    assert_eq!(rows(&place.device("list").good())[0][3], "ignored");
    assert_eq!(
        place.device("remove cong-son counter").good(),
        "cong-son counter removed\n"
    );
    let told = place.device("ignore cong-son counter").bad(1);
    assert!(told.contains("cong-son has no device counter"), "{told}");
    let events = place.device("events cong-son").good();
    let what: Vec<&str> = rows(&events).iter().map(|row| row[2]).collect();
    let expected = [
        "removed",
        "ignored",
        "credential",
        "address",
        "kind",
        "name",
        "added",
    ];
    assert_eq!(what, expected, "{events}");
    assert_eq!(
        place.device("events cong-son other").good().lines().count(),
        1
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_to_do() {
    let place = Place::with_centre();
    let add = |more: &str| {
        let add = "add --centre cong-son --name x --kind ups --address 10.0.0.9";
        place.device(&format!("{add} {more}")).bad(1)
    };
    let told = add("");
    assert!(
        told.contains("--snmp CREDENTIAL, --ipp 631/ipp/print"),
        "{told}"
    );
    let told = add("--snmp nothing");
    assert!(
        told.contains("dawnwatch-collector credential set nothing"),
        "{told}"
    );
}

/// A page of the program's own server.
fn page(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_running_collector_follows_and_tells_nobody_a_secret() {
    let place = Place::with_centre();
    let settings = "[http]\nlisten = '127.0.0.1:0'\n[grpc]\nlisten = '127.0.0.1:0'\n";
    let file = place.write("c.toml", settings);
    let log = place.folder.path().join("log");
    let mut serve = Command::new(env!("CARGO_BIN_EXE_dawnwatch-collector"));
    serve.args(["--data", &place.data(), "--config", &file, "serve"]);
    serve.env("DAWNWATCH_LOG", "trace");
    let output = serve.stdout(Stdio::piped());
    let output = output.stderr(std::fs::File::create(&log).unwrap());
    let mut serving = output.spawn().unwrap();
    let mut told = String::new();
    let mut lines = BufReader::new(serving.stdout.take().unwrap());
    lines.read_line(&mut told).unwrap();
    let address = told.trim().trim_start_matches("page     http://");
    let address = address.trim_end_matches('/');
    assert!(!page(address, "/metrics").contains("dawnwatch_centre_found_devices{"));
    place.set_credentials();
    let add =
        "add --centre cong-son --name router --kind router --address 127.0.0.9 --snmp routers";
    place.device(add).good();
    let deadline = std::time::SystemTime::now() + Duration::from_secs(20);
    let shown = loop {
        let shown = page(address, "/metrics");
        let is_there = shown.contains("dawnwatch_centre_found_devices{centre=\"cong-son\"} 0");
        if is_there || std::time::SystemTime::now() > deadline {
            break shown;
        }
    };
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(shown.contains("dawnwatch_centre_found_devices{"), "{shown}");
    assert!(holds_no_secret(shown.as_bytes()));
    let logged = std::fs::read(&log).unwrap();
    assert!(!logged.is_empty() && holds_no_secret(&logged));
    for entry in std::fs::read_dir(place.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert!(
                holds_no_secret(&std::fs::read(&path).unwrap()),
                "{}",
                path.display()
            );
        }
    }
}
