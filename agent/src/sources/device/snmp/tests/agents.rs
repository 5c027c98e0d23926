//! The transport against agents of others: Debian's snmpd, and snmpsim with our own captures.
//!
//! Each is started with a configuration of its own in a folder of its own, at a free port of loopback,
//! and ended with the test. `skipped, because` where it is not installed, which fails where `CI` is set.

use std::net::UdpSocket;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use proto::plan::{Authentication, Privacy, Secret, Security, Snmp};
use tokio::time::{Instant, sleep};

use super::super::recorded::Recorded;
use super::super::{Binding, Oid, Session, Transport, Trouble, oid};
use super::{IF_DESCR, LOCALHOST, PATIENT, SYS_DESCR, SYS_UP_TIME, v1, v2c};

const SECRET: &str = "auctoritas1";
const PRIVATE: &str = "privatus11";

/// A program that is ended, with all it started, when the test ends.
struct Agent {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// Starts a program that is to answer at a free port; what it is told depends on that and a folder.
fn start(program: &str, told: impl FnOnce(&mut Command, u16, &Path)) -> Option<Agent> {
    let free = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    told(&mut command, port, folder.path());
    let silent = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match silent.process_group(0).spawn() {
        Ok(child) => Some(Agent {
            child,
            port,
            _folder: folder,
        }),
        Err(error) => {
            skip(&format!("{program} cannot be started: {error}"));
            None
        }
    }
}

fn skip(why: &str) {
    assert!(std::env::var("CI").is_err(), "a skip fails here: {why}");
    println!("skipped, because {why}");
}

fn snmpd() -> Option<Agent> {
    let path = ["/usr/sbin/snmpd", "/usr/local/sbin/snmpd"];
    let found = path.into_iter().find(|path| Path::new(path).exists());
    start(found.unwrap_or("snmpd"), |command, port, folder| {
        let config = format!(
            "agentaddress udp:127.0.0.1:{port}\n\
             rocommunity public 127.0.0.1\n\
             createUser plain\n\
             createUser signed SHA {SECRET}\n\
             createUser modern SHA-256 {SECRET} AES {PRIVATE}\n\
             createUser sealed SHA {SECRET} AES {PRIVATE}\n\
             createUser strong SHA-512 {SECRET} AES-256 {PRIVATE}\n\
             createUser old MD5 {SECRET} DES {PRIVATE}\n\
             rouser plain noauth\nrouser signed auth\nrouser sealed priv\n\
             rouser modern priv\nrouser strong priv\nrouser old priv\n"
        );
        let path = folder.join("snmpd.conf");
        std::fs::write(&path, config).unwrap();
        command.args(["-f", "-Le", "-C", "-c"]).arg(path);
        command
            .env("SNMP_PERSISTENT_DIR", folder)
            .env("SNMPCONFPATH", folder);
    })
}

fn v3(
    port: u16,
    user: &str,
    authentication: Option<(Authentication, &str)>,
    privacy: Option<(Privacy, &str)>,
) -> Snmp {
    let user = user.to_owned();
    let authentication = authentication.map(|(by, text)| (by, Secret(text.to_owned())));
    let privacy = privacy.map(|(by, text)| (by, Secret(text.to_owned())));
    let security = Security::V3 {
        user,
        authentication,
        privacy,
    };
    Snmp { port, security }
}

/// Waits until the agent answers.
async fn ready(agent: &Agent, snmp: &Snmp) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let mut session = Transport::new().session(LOCALHOST, snmp, PATIENT).unwrap();
        match session.get(&[SYS_DESCR]).await {
            Ok(_) => return,
            Err(trouble) => assert!(Instant::now() < deadline, "{}: {trouble}", agent.port),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn ask(transport: &Transport, snmp: &Snmp, oid: Oid) -> Result<usize, Trouble> {
    let mut session = transport.session(LOCALHOST, snmp, PATIENT)?;
    Ok(session.get(&[oid]).await?.len())
}

#[tokio::test]
async fn snmpd_says_the_same_in_every_version() {
    let Some(agent) = snmpd() else { return };
    let port = agent.port;
    ready(&agent, &v2c(port)).await;
    let devices = std::fs::read_to_string("/proc/net/dev").unwrap();
    let interfaces = devices.lines().filter(|line| line.contains(':')).count();
    let (sha, sha256) = (
        Some((Authentication::Sha1, SECRET)),
        Some((Authentication::Sha256, SECRET)),
    );
    let aes = Some((Privacy::Aes128, PRIVATE));
    let transport = Transport::new();
    for snmp in [
        v1(port),
        v2c(port),
        v3(port, "plain", None, None),
        v3(port, "signed", sha, None),
        v3(port, "sealed", sha, aes),
        v3(port, "modern", sha256, aes),
        v3(
            port,
            "strong",
            Some((Authentication::Sha512, SECRET)),
            Some((Privacy::Aes256, PRIVATE)),
        ),
        v3(
            port,
            "old",
            Some((Authentication::Md5, SECRET)),
            Some((Privacy::Des, PRIVATE)),
        ),
    ] {
        let mut session = transport.session(LOCALHOST, &snmp, PATIENT).unwrap();
        let absent = oid!("1.3.6.1.2.1.1.99.0");
        let found = session
            .get(&[SYS_DESCR, absent, SYS_UP_TIME])
            .await
            .unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.oid.clone(), one.value.as_text()))
            .collect();
        let [(first, Some(text)), (second, None)] = found.as_slice() else {
            panic!("{snmp:?}: {found:?}");
        };
        assert!(text.starts_with("Linux "), "{text}");
        assert_eq!((first, second), (&SYS_DESCR, &SYS_UP_TIME));
        let walked = session.walk(&IF_DESCR, 1_000).await;
        assert_eq!(
            (walked.rows.len(), walked.trouble),
            (interfaces, None),
            "{snmp:?}"
        );
        assert!(
            walked
                .rows
                .iter()
                .any(|row| row.value.as_text().as_deref() == Some("lo"))
        );
    }
}

#[tokio::test]
async fn snmpd_that_is_asked_with_a_wrong_password_or_user_says_so() {
    let Some(agent) = snmpd() else { return };
    let port = agent.port;
    ready(&agent, &v2c(port)).await;
    let sha = Some((Authentication::Sha1, SECRET));
    let transport = Transport::new();
    for snmp in [
        v3(port, "nobody", None, None),
        v3(port, "nobody", sha, None),
        v3(
            port,
            "signed",
            Some((Authentication::Sha1, "not-the-password")),
            None,
        ),
        v3(port, "signed", sha, Some((Privacy::Aes128, PRIVATE))),
        v3(
            port,
            "sealed",
            sha,
            Some((Privacy::Aes128, "not-the-password")),
        ),
    ] {
        let answer = ask(&transport, &snmp, SYS_DESCR).await;
        assert_eq!(answer, Err(Trouble::Unauthorized), "{snmp:?}");
    }
}

#[tokio::test]
async fn snmpd_is_walked_whole_and_in_order() {
    let Some(agent) = snmpd() else { return };
    ready(&agent, &v2c(agent.port)).await;
    let mib2 = oid!("1.3.6.1.2.1");
    let mut rows = Vec::new();
    for snmp in [v1(agent.port), v2c(agent.port)] {
        let mut session = Transport::new().session(LOCALHOST, &snmp, PATIENT).unwrap();
        // What is below `system` stays as it is while it is walked.
        let walked = session.walk(&mib2.child(&[1]), 5_000).await;
        assert_eq!(walked.trouble, None);
        assert!(walked.rows.is_sorted_by(|one, next| one.oid < next.oid));
        let oids: Vec<_> = walked.rows.into_iter().map(|row| row.oid).collect();
        assert!(oids.len() > 10, "{oids:?}");
        rows.push(oids);
    }
    assert_eq!(rows[0], rows[1]);
}

/// The community is the file below its folder, as is the context of the user `monitor`.
fn snmpsim(captures: &Path) -> Option<Agent> {
    start("snmpsimd", |command, port, folder| {
        command
            .arg(format!("--data-dir={}", captures.display()))
            .arg(format!("--cache-dir={}", folder.join("cache").display()))
            .arg(format!("--agent-udpv4-endpoint=127.0.0.1:{port}"))
            .args(["--v3-user=monitor", "--v3-auth-proto=SHA"])
            .arg(format!("--v3-auth-key={SECRET}"))
            .env("TMPDIR", folder);
        if rustix::process::geteuid().is_root() {
            // It changes to another user, who may not be allowed to read the files.
            command.args(["--process-user=root", "--process-group=root"]);
        }
    })
}

/// What is played says in each context what its file does, in every version.
#[tokio::test]
async fn a_captured_device_says_what_it_holds_in_every_version_and_context() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let Some(agent) = snmpsim(&captures) else {
        return;
    };
    let port = agent.port;
    let of = |security| Snmp { port, security };
    let community = |name: &str| Secret(name.to_owned());
    let v1 = |name: &str| {
        let community = community(name);
        of(Security::V1 { community })
    };
    let v2c = |name: &str| {
        let community = community(name);
        of(Security::V2c { community })
    };
    let signed = v3(port, "monitor", Some((Authentication::Sha1, SECRET)), None);
    let everything = oid!("1.3.6.1");
    let held = async |name: &str| {
        let text = std::fs::read_to_string(captures.join(format!("{name}.snmprec"))).unwrap();
        let walked = Recorded::parse(&text).walk(&everything, 5_000).await;
        walked.rows
    };
    ready(&agent, &v2c("printer/healthy")).await;
    for name in ["printer/healthy", "ups/on_battery"] {
        let held = held(name).await;
        assert!(held.len() > 9, "{held:?}");
        for (snmp, context) in [(v1(name), ""), (v2c(name), ""), (signed.clone(), name)] {
            let said = rows(&snmp, &[context], &everything).await;
            assert_eq!(said, std::slice::from_ref(&held), "{snmp:?}");
        }
    }

    // Supplies are told in a context alone. (snmpsim has none with an `@` in SNMPv3.)
    let usual = held("printer/jetdirect").await;
    let supplies = held("printer/jetdirect@Jetdirect").await;
    for snmp in [v1("printer/jetdirect"), v2c("printer/jetdirect")] {
        let said = rows(&snmp, &["", "Jetdirect", ""], &everything).await;
        let expected = [usual.clone(), supplies.clone(), usual.clone()];
        assert_eq!(said, expected, "{snmp:?}");
    }
}

/// What one session walks in each context.
async fn rows(snmp: &Snmp, contexts: &[&str], below: &Oid) -> Vec<Vec<Binding>> {
    let mut session = Transport::new().session(LOCALHOST, snmp, PATIENT).unwrap();
    let mut rows = Vec::new();
    for context in contexts {
        session.in_context(context);
        let walked = session.walk(below, 5_000).await;
        assert_eq!(walked.trouble, None, "{snmp:?} {context:?}");
        rows.push(walked.rows);
    }
    rows
}
