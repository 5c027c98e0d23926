//! What lets agents ask devices is known to the scout of a centre and to nobody else: it is in no log, on no page,
//! in no file of the collector as it is, and not with a machine that is no scout any more.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::FIRST_VALUES;
use crate::harness::asked::CENTRE;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::snmpd::{PASSWORDS, Snmpd, USER};
use crate::harness::{Agent, Collector, binaries, eventually, metric};
use crate::needs;

/// No device answers this one, so that there is something to complain about.
const COMMUNITY: &str = "Kh0ng-ai-biet";

const PLAN: &str = "[plan]\ndevice_interval = \"5s\"\nreport_interval = \"1s\"\n";

/// A scout that died is waited for, and who starts comes at a random moment.
const TAKEN_OVER: Duration = Duration::from_secs(90);

/// All of a kind, with everything that is said at all in their logs.
async fn talkative(collector: &Collector, name: &str) -> Agent {
    let token = collector.token_with(CENTRE, &["--device", name]).await;
    let agent = Agent::enrolled_with(collector, &token).await;
    start(agent)
}

fn start(mut agent: Agent) -> Agent {
    let mut command = binaries::agent();
    command.env("DAWNWATCH_LOG", "trace").arg("run");
    command.arg("--data").arg(agent.data());
    agent.run_as(&mut command);
    agent
}

#[tokio::test]
async fn credentials_are_with_the_scout_alone() {
    let snmpd = needs!(Snmpd::started().await);
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(PLAN);
    let collector = setup.start().await;
    let port = snmpd.port().to_string();
    let signed = ["--version", "3", "--port", &port, "--user", USER];
    let signed = [&signed[..], &["--auth", "sha256", "--privacy", "aes128"]].concat();
    collector.credential("signed", &signed, PASSWORDS).await;
    let wrong = ["--version", "2c", "--port", &port];
    collector.credential("wrong", &wrong, COMMUNITY).await;
    let address = snmpd.address().to_string();
    for (name, credential) in [("modem", "signed"), ("stranger", "wrong")] {
        let how = ["--address", &address, "--snmp", credential];
        collector.device(CENTRE, name, "router", &how).await;
    }
    let mut first = talkative(&collector, "pc-1").await;
    is_asked_by("pc-1", &collector).await;
    let second = talkative(&collector, "pc-2").await;
    let there = metric("dawnwatch_agent_up").label("device", "pc-2").is(1.0);
    eventually("the other is there", FIRST_VALUES, async || {
        there.found_in(&collector.metrics().await?)
    })
    .await;
    only_its_plan_has_them(&first).await;
    has_none(&second);

    first.kill();
    is_asked_by("pc-2", &collector).await;
    only_its_plan_has_them(&second).await;
    let first = start(first);
    eventually(
        "it learns that it is no scout",
        TAKEN_OVER,
        async || match holders(&first.data()).is_empty() {
            true => Ok(()),
            false => Err("it still has them".to_owned()),
        },
    )
    .await;
    only_its_plan_has_them(&second).await;

    collector.shows_none(&["modem", "stranger"]).await;
    let said = [&first, &second].map(|agent| logs(agent.folder().path()));
    for said in said.iter().chain([&logs(collector.folder().path())]) {
        assert!(said.len() > 100, "nothing was logged: {said}");
        assert_eq!(secrets_in(said.as_bytes()), Vec::<&str>::new());
    }
    let status = second.status().await.unwrap().to_string();
    assert_eq!(secrets_in(status.as_bytes()), Vec::<&str>::new());
    assert_eq!(
        holders(&collector.folder().path().join("data")),
        Vec::<PathBuf>::new()
    );
}

impl Collector {
    /// Neither any page nor the API nor a command has any of them.
    async fn shows_none(&self, devices: &[&str]) {
        let mut pages = ["/", "/metrics", "/api/v1/devices", "/api/v1/centres"]
            .map(str::to_owned)
            .to_vec();
        pages.push(format!("/centres/{CENTRE}"));
        pages.push(format!("/api/v1/centres/{CENTRE}"));
        pages.push(format!("/api/v1/events?centre={CENTRE}"));
        for one in devices {
            pages.push(format!("/centres/{CENTRE}/devices/{one}"));
            pages.push(format!("/api/v1/devices/{CENTRE}/{one}"));
        }
        for path in pages {
            let page = self.page(&path).await.unwrap();
            assert_eq!(secrets_in(page.as_bytes()), Vec::<&str>::new(), "{path}");
        }
        for command in [
            &["credential", "list"][..],
            &["device", "list"],
            &["device", "events", CENTRE],
        ] {
            let listed = self.command(command).await.succeeded();
            assert_eq!(secrets_in(listed.as_bytes()), Vec::<&str>::new());
        }
    }
}

/// Waits until this machine asks the router, and gets an answer.
async fn is_asked_by(name: &str, collector: &Collector) {
    eventually("it asks", TAKEN_OVER, async || {
        let page = collector.metrics().await?;
        let scout = metric("dawnwatch_centre_scout_info").label("scout", name);
        scout.is(1.0).found_in(&page)?;
        let outcome = metric("dawnwatch_device_poll_outcome").is(1.0);
        let answered = outcome.clone().label("device", "modem");
        answered.label("outcome", "answered").found_in(&page)?;
        outcome.label("device", "stranger").found_in(&page)
    })
    .await;
}

/// All secrets there are.
fn secrets() -> Vec<&'static str> {
    PASSWORDS.lines().chain([COMMUNITY]).collect()
}

fn secrets_in(bytes: &[u8]) -> Vec<&'static str> {
    let is_in = |secret: &&str| {
        bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes())
    };
    secrets().into_iter().filter(is_in).collect()
}

/// The plan of a scout has them all, and is its own; no other file has any.
async fn only_its_plan_has_them(agent: &Agent) {
    let plan = agent.data().join("plan.json");
    eventually(
        "it has been told how to ask",
        FIRST_VALUES,
        async || match secrets_in(&std::fs::read(&plan).unwrap()) {
            all if all == secrets() => Ok(()),
            some => Err(format!("its plan has {some:?}")),
        },
    )
    .await;
    assert_eq!(holders(&agent.data()), [&*plan]);
    let mode = std::fs::metadata(&plan).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", plan.display());
}

#[track_caller]
fn has_none(agent: &Agent) {
    assert_eq!(holders(&agent.data()), Vec::<PathBuf>::new());
}

/// Files below a folder that have one of them. One that goes away meanwhile has none.
fn holders(folder: &Path) -> Vec<PathBuf> {
    let mut holders = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            match std::fs::read(&path) {
                Ok(bytes) if !secrets_in(&bytes).is_empty() => holders.push(path),
                Err(_) if path.is_dir() => folders.push(path),
                _ => {}
            }
        }
    }
    holders
}

/// All that was logged or printed.
fn logs(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let logs = files.filter(|file| file.path().extension().is_some_and(|end| end == "log"));
    logs.map(|log| String::from_utf8_lossy(&std::fs::read(log.path()).unwrap()).into_owned())
        .collect()
}
