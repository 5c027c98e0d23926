//! The program as people meet it: its help, its complaints, its exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod devices;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A data folder, and commands run on it.
struct Place {
    folder: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// What went wrong, which is told on stderr alone.
    #[track_caller]
    fn bad(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        self.stderr
    }
}

fn collector(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dawnwatch-collector"));
    command.env_remove("DAWNWATCH_LOG").args(arguments);
    command.output().unwrap().into()
}

impl Place {
    /// An empty folder.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    /// A folder that is set up, with the centre `cong-son`.
    fn with_centre() -> Self {
        let place = Self::new();
        place.run(&["init"]).good();
        let file = place.write("one.csv", "id,name\ncong-son,Công Sơn\n");
        place.run(&["centre", "import", &file]).good();
        place
    }

    fn data(&self) -> String {
        let data = self.folder.path().join("data");
        data.to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        collector(&[&["--data", &self.data()], arguments].concat())
    }

    /// Runs with something to read from a pipe.
    fn run_with(&self, input: &str, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dawnwatch-collector"));
        command.env_remove("DAWNWATCH_LOG");
        command.args(["--data", &self.data()]).args(arguments);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes.stderr(Stdio::piped()).spawn().unwrap();
        // It may have complained and gone before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    fn registry(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(Path::new(&self.data()).join("registry.sqlite")).unwrap()
    }

    /// Puts an agent where an enrolment would have put it.
    fn add_agent(&self, id: &str, device: &str) {
        let sql = "INSERT INTO agents (id, centre, device, kind, hostname, os, arch, version,
                                       key_hash, enrolled_at, certificate_until)
                   VALUES (?1, 'cong-son', ?2, 'pc', 'PC', 'linux', 'x86_64', '0.1.0', ?3, 0, 0)";
        let mut key = [0_u8; 32];
        let bytes = key.iter_mut().zip(id.bytes());
        bytes.for_each(|(to, from)| *to = from);
        let added = self.registry().execute(sql, (id, device, key));
        assert_eq!(added.unwrap(), 1);
    }
}

const HELP: &str = "\
The central program of Dawnwatch: enrols agents, keeps the newest values, serves the page and /metrics

Usage: dawnwatch-collector [OPTIONS] <COMMAND>

Commands:
  serve            Receive agents, serve the page and /metrics
  init             Make the data folder: the authority that agents trust, and the registry
  token            Make, list and revoke tokens that let machines enrol
  centre           Import and list service centres
  agent            List and revoke agents
  device           Add, approve and list printers, routers and the like
  credential       Set and list what lets agents ask devices
  export-evidence  Print what the diagnosis was told, as JSON lines that `dawnwatch diagnose` replays
  help             Print this message or the help of the given subcommand(s)

Options:
      --config <FILE>  Settings; see collector.example.toml [default: none, every setting has a default]
      --data <DIR>     Folder of the authority and the registry [default: /var/lib/dawnwatch-collector]
  -h, --help           Print help
  -V, --version        Print version

DAWNWATCH_LOG sets what is logged to stderr: info, debug, …
Exit codes: 0 good, 1 failed, 64 bad usage or configuration.
";

#[test]
fn help_is_no_failure() {
    assert_eq!(collector(&["--help"]).good(), HELP);
    let version = collector(&["--version"]).good();
    assert_eq!(version, format!("dawnwatch-collector {}\n", proto::VERSION));
}

/// Of a device, as far as it goes without a mistake.
const ADD: [&str; 6] = ["device", "add", "--centre", "a", "--name", "b"];

#[test]
fn bad_usage_is_64() {
    let create = ["token", "create", "--centre"];
    for arguments in [
        &["fly"][..],
        &["token", "create"],
        &[&create[..], &["Công Sơn"]].concat(),
        &[&create[..], &["a", "--valid", "0s"]].concat(),
        &[&create[..], &["a", "--reusable", "--device", "b"]].concat(),
        &["agent", "revoke"],
        &["token", "revoke", "no-token"],
        &["--colour", "init"],
        &["device", "add", "--centre", "a", "--name", "b"],
        &["device", "approve", "a"],
        &[&ADD[..], &["--kind", "fridge", "--address", "10.0.0.9"]].concat(),
        &[
            &ADD[..],
            &["--kind", "printer", "--address", "printer.local"],
        ]
        .concat(),
        &[
            &ADD[..],
            &["--kind", "ups", "--address", "10.0.0.9", "--ipp", "631"],
        ]
        .concat(),
        &[
            &ADD[..],
            &["--kind", "ups", "--address", "10.0.0.9", "--mac", "0"],
        ]
        .concat(),
        &["credential", "set", "a"],
        &["credential", "set", "a", "--version", "2"],
        &["credential", "set", "a", "--version", "3"],
        &[
            "credential",
            "set",
            "a",
            "--version",
            "3",
            "--user",
            "u",
            "--auth",
            "rot13",
        ],
        &[
            "credential",
            "set",
            "a",
            "--version",
            "3",
            "--user",
            "u",
            "--privacy",
            "des",
        ],
    ] {
        let told = collector(arguments).bad(64);
        assert!(told.starts_with("error: "), "{arguments:?}: {told}");
    }
    assert!(collector(&[]).bad(64).contains("Usage:"));
}

#[test]
fn every_mistake_of_the_settings_is_told_at_once() {
    let place = Place::new();
    let text = "data = 1\ncolour = 'red'\n[http]\nlisten = '9780'\n[alertmanager]\nurl = 'x'\n";
    let file = place.write("bad.toml", text);
    let told = place.run(&["--config", &file, "serve"]).bad(64);
    let expected = [
        "1: data must be a text in quotes",
        "2: unknown key \"colour\"",
        "4: http.listen must be an address with port such as \"127.0.0.1:9780\" or \"[::]:9781\"",
        "6: alertmanager.url must be a URL such as \"http://localhost:9093\"",
    ];
    for (line, expected) in told.lines().zip(expected) {
        assert!(line.starts_with(&format!("{file}:{expected}")), "{line}");
    }
    assert_eq!(told.lines().count(), expected.len(), "{told}");
    let missing = place.run(&["--config", "/nowhere.toml", "serve"]).bad(64);
    assert!(missing.contains("/nowhere.toml"), "{missing}");
}

#[test]
fn nothing_works_before_init_and_everything_says_so() {
    let place = Place::new();
    for arguments in [
        &["serve"][..],
        &["token", "create", "--centre", "cong-son"],
        &["centre", "list"],
        &["agent", "list"],
        &["device", "list"],
        &["credential", "list"],
    ] {
        let told = place.run(arguments).bad(1);
        assert!(told.contains("dawnwatch-collector init"), "{told}");
    }
    assert!(!Path::new(&place.data()).exists());
}

#[test]
fn a_second_init_changes_nothing() {
    let place = Place::new();
    let first = place.run(&["init"]).good();
    assert!(first.contains("Fingerprint of the authority: "), "{first}");
    let authority = Path::new(&place.data()).join("authority.pem");
    let before = std::fs::read(&authority).unwrap();
    let told = place.run(&["init"]).bad(1);
    assert!(told.contains("set up already"), "{told}");
    assert_eq!(std::fs::read(&authority).unwrap(), before);
}

#[test]
fn a_half_finished_init_is_finished_and_a_lost_authority_is_not_replaced() {
    let place = Place::with_centre();
    let authority = Path::new(&place.data()).join("authority.pem");
    std::fs::remove_file(&authority).unwrap();
    place.run(&["init"]).good();
    place.add_agent("0a", "pc-01");
    std::fs::remove_file(&authority).unwrap();
    let told = place.run(&["init"]).bad(1);
    assert!(told.contains("restore that file from a backup"), "{told}");
    assert!(!authority.exists());
}

#[test]
fn a_token_is_the_whole_command_and_nothing_else() {
    let place = Place::with_centre();
    let text = "[grpc]\nnames = ['dw.example']\nlisten = '[::]:99'\n";
    let file = place.write("c.toml", text);
    let create = ["--config", &file, "token", "create", "--centre", "cong-son"];
    let said = place.run(&create);
    let note = &said.stderr;
    assert!(
        note.starts_with("For one machine of cong-son, until "),
        "{note}"
    );
    assert_eq!(note.lines().count(), 1, "{note}");
    let command = said.good();
    let token = command
        .strip_prefix("dawnwatch-agent enroll --collector https://dw.example:99 --token ")
        .unwrap_or_else(|| panic!("{command}"));
    let token: proto::token::Token = token.parse().unwrap();
    // What is kept cannot be turned back into a token.
    let registry = std::fs::read(Path::new(&place.data()).join("registry.sqlite")).unwrap();
    assert!(!registry.windows(16).any(|bytes| bytes == token.secret.0));
    assert_ne!(place.run(&create).good(), command);
}

#[test]
fn tokens_are_listed_without_secrets_and_revoked() {
    let place = Place::with_centre();
    let create = ["token", "create", "--centre", "cong-son"];
    let command = place.run(&[&create[..], &["--reusable"]].concat()).good();
    let named = [&create[..], &["--device", "pc-03", "--valid", "7d"]].concat();
    place.run(&named).good();
    let list = || place.run(&["token", "list"]).good();
    let listed = list();
    let rows: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [header, leaked, other] = &rows[..] else {
        panic!("{listed}");
    };
    assert_eq!(
        *header,
        ["ID", "CENTRE", "DEVICE", "REUSABLE", "EXPIRES", "USED"]
    );
    assert_eq!(leaked[1..4], ["cong-son", "-", "yes"]);
    assert_eq!(other[1..4], ["cong-son", "pc-03", "no"]);
    assert_eq!((leaked[5], other[5]), ("no", "no"));
    let secret = command.trim().rsplit('-').next().unwrap();
    assert!(!listed.contains(secret) && !secret.contains(leaked[0]));
    let revoked = place.run(&["token", "revoke", leaked[0]]).good();
    assert_eq!(revoked, format!("{} (cong-son) revoked\n", leaked[0]));
    assert!(!list().contains(leaked[0]) && list().contains(other[0]));
    let told = place.run(&["token", "revoke", leaked[0]]).bad(1);
    assert!(told.contains("there is no token"), "{told}");
}

#[test]
fn a_token_needs_a_known_centre() {
    let place = Place::with_centre();
    let create = ["token", "create", "--centre", "binh-gia"];
    let told = place.run(&create).bad(1);
    assert!(told.contains("there is no centre binh-gia"), "{told}");
    assert!(told.contains("centre list"), "{told}");
}

#[test]
fn a_file_of_centres_with_mistakes_changes_nothing() {
    let place = Place::with_centre();
    let text = "\u{feff}id;name;hours;days\r\n\
                that-khe;Thất Khê;7h30;mon\r\n\
                Bad Id;X;;\r\n\
                binh-gia;Bình Gia;07:30-11:30;mon-fri\r\n\
                binh-gia;Bình Gia;;\r\n";
    let file = place.write("bad.csv", text);
    let told = place.run(&["centre", "import", &file]).bad(1);
    let expected = ["2: hours or days", "3: id", "5: id binh-gia is also on"];
    for (line, expected) in told.lines().zip(expected) {
        assert!(line.contains(&format!("{file}:{expected}")), "{line}");
    }
    assert_eq!(told.lines().count(), expected.len(), "{told}");
    let list = place.run(&["centre", "list"]).good();
    assert_eq!(list.lines().count(), 2, "{list}");
}

#[test]
fn an_import_says_what_it_changed() {
    let place = Place::with_centre();
    let text = "id,name,hours\ncong-son,Xã Công Sơn,07:30-11:30\nthat-khe,Thất Khê,\n";
    let file = place.write("two.csv", text);
    let import = || place.run(&["centre", "import", &file]).good();
    assert_eq!(
        import(),
        "added that-khe\nchanged cong-son\n1 added, 1 changed, 0 unchanged\n"
    );
    assert_eq!(import(), "0 added, 0 changed, 2 unchanged\n");
    let list = "\
ID        NAME         AREA  ISP  OPEN
cong-son  Xã Công Sơn  -     -    mon-fri 07:30-11:30
that-khe  Thất Khê     -     -    -
";
    assert_eq!(place.run(&["centre", "list"]).good(), list);
}

#[test]
fn agents_are_listed_and_revoked() {
    let place = Place::with_centre();
    place.add_agent("0a", "pc-01");
    place.add_agent("0b", "pc-02");
    let revoke = || place.run(&["agent", "revoke", "0b"]).good();
    let revoked = revoke();
    assert!(
        revoked.starts_with("0b (cong-son pc-02) revoked 20"),
        "{revoked}"
    );
    assert_eq!(revoke(), revoked);
    let list = "\
ID  CENTRE    DEVICE  KIND  STATE     VERSION  LAST SEEN  CERTIFICATE UNTIL
0a  cong-son  pc-01   pc    enrolled  0.1.0    -          1970-01-01T07:00+07:00
0b  cong-son  pc-02   pc    revoked   0.1.0    -          1970-01-01T07:00+07:00
";
    assert_eq!(place.run(&["agent", "list"]).good(), list);
    let told = place.run(&["agent", "revoke", "0c"]).bad(1);
    assert!(told.contains("there is no agent 0c"), "{told}");
}

#[test]
fn a_registry_of_a_newer_version_is_refused() {
    let place = Place::with_centre();
    let registry = place.registry();
    registry.pragma_update(None, "user_version", 99).unwrap();
    for arguments in [&["serve"][..], &["agent", "list"]] {
        let told = place.run(arguments).bad(1);
        assert!(told.contains("registry.sqlite was written by a newer version"));
        assert!(told.contains("update dawnwatch-collector"), "{told}");
    }
}

/// Starts `serve` where so many files may be open, waits until it serves, and gives what it logged
/// until then and the limit that it has.
fn serve_with_files(soft: u32, hard: u32) -> (String, String) {
    let place = Place::with_centre();
    let settings = "[http]\nlisten = '127.0.0.1:0'\n[grpc]\nlisten = '127.0.0.1:0'\n";
    let file = place.write("c.toml", settings);
    let mut shell = Command::new("sh");
    let script = format!("ulimit -Sn {soft}; ulimit -Hn {hard}; exec \"$@\"");
    shell.args([
        "-c",
        &script,
        "sh",
        env!("CARGO_BIN_EXE_dawnwatch-collector"),
    ]);
    shell.args(["--data", &place.data(), "--config", &file, "serve"]);
    shell.env_remove("DAWNWATCH_LOG");
    let mut serving = shell.stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
    let serving = serving.as_mut().unwrap();
    let mut logged = String::new();
    let mut log = BufReader::new(serving.stderr.take().unwrap());
    while !logged.contains("Serving.") {
        assert_ne!(log.read_line(&mut logged).unwrap(), 0, "{logged}");
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serving.id()));
    serving.kill().unwrap();
    serving.wait().unwrap();
    let limits = limits.unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    (
        logged,
        files.unwrap().split_whitespace().nth(3).unwrap().to_owned(),
    )
}

#[test]
fn as_many_connections_are_allowed_as_the_system_lets() {
    let (logged, files) = serve_with_files(300, 4096);
    assert_eq!(files, "4096");
    assert!(!logged.contains("WARN"), "{logged}");
    let (logged, files) = serve_with_files(300, 1000);
    assert_eq!(files, "1000");
    assert!(logged.contains("limit=1000 agents=744"), "{logged}");
}
