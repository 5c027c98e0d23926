//! Whoever runs `dawnwatch-agent check`: in front of it stand the commands that put them there. Nobody has an
//! identity or a plan.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tokio::time::Instant;

use super::verdict::{Read, Told};
use crate::Lab;
use crate::harness::process::{Folder, Process};
use crate::harness::{binaries, eventually};

/// A check is over within this, whatever it finds.
const LONGEST: Duration = Duration::from_secs(30);

/// Of it is shown when it is not.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody, somewhere.
#[derive(Debug)]
pub struct Who {
    name: &'static str,
    within: Vec<String>,
    /// Everybody may read what is in it.
    folder: Folder,
}

impl Who {
    /// Behind any commands.
    pub fn behind(name: &'static str, within: Vec<String>) -> Self {
        let folder = Folder::new("check");
        let everybody = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everybody).expect("a folder of our own");
        Self {
            name,
            within,
            folder,
        }
    }

    /// Root, on a PC.
    pub fn root(lab: &Lab, pc: usize) -> Self {
        Self::behind("root", lab.on_pc(pc))
    }

    /// An ordinary user, on a PC.
    pub fn somebody(lab: &Lab, pc: usize) -> Self {
        let mut who = Self::behind("somebody", lab.on_pc_without_rights(pc));
        // Where there are other users than root; elsewhere the rights alone are gone.
        if is_anybody_here() {
            who = who.and_behind(&["--reuid=65534", "--clear-groups"]);
        }
        let trusted = who.folder.write("authority.pem", lab.authority_pem());
        let trusted = format!("SSL_CERT_FILE={}", trusted.display());
        who.and_behind(&["env", &trusted])
    }

    /// With further commands in front.
    pub fn and_behind<C: AsRef<str>>(mut self, commands: &[C]) -> Self {
        let commands = commands.iter().map(|command| command.as_ref().to_owned());
        self.within.extend(commands);
        self
    }

    /// On a machine that is told to ask these resolvers.
    pub fn asking(self, resolvers: [Ipv4Addr; 2]) -> Self {
        let lines = resolvers.map(|one| format!("nameserver {one}\n")).concat();
        let text = lines + "options timeout:1 attempts:1\n";
        let file = self.folder.write("resolv.conf", text);
        let mount = format!("mount --bind {} /etc/resolv.conf", file.display());
        self.and_behind(&["sh", "-c", &format!("{mount} && exec \"$@\""), "sh"])
    }

    /// On a machine whose card is hardware, which is known also while it leads nowhere. The lab's are not.
    pub fn with_a_card(self) -> Self {
        let made = "cd /sys && mkdir -p class/net/eth0/device && cd class/net/eth0 && \
            echo up > operstate && echo 1 > carrier && cd /";
        let script = format!("mount -t tmpfs tmpfs /sys && {made} && exec \"$@\"");
        self.and_behind(&["sh", "-c", &script, "sh"])
    }

    /// A file for `--config`.
    pub fn settings(&self, text: &str) -> PathBuf {
        self.folder.write("agent.toml", text)
    }

    /// Checks, and reads what is said in `vi` or `en`.
    pub async fn reads(&self, language: &str) -> Read {
        let (mut process, began) = self.starts("reads", &["--lang", language]);
        let mut came = Vec::new();
        let code = eventually("the check ends", PATIENCE, async || {
            // Before looking: what it prints last is then seen.
            let ended = process.ended();
            let lines = process.stdout().lines().count();
            came.resize(lines, began.elapsed());
            ended.ok_or_else(|| process.stdout())
        });
        let code = code.await.code();
        let (text, took) = (self.ended(&process, began), began.elapsed());
        Read {
            text,
            code,
            took,
            came,
        }
    }

    /// Checks for a program, with these arguments beside `--json`.
    pub async fn gets_json(&self, arguments: &[&str]) -> Told {
        let (mut process, began) = self.starts("gets", &[&["--json"], arguments].concat());
        let code = process.finish(PATIENCE).await.status.code();
        let (text, took) = (self.ended(&process, began), began.elapsed());
        let json = serde_json::from_str(&text);
        Told {
            who: self.name,
            json: json.unwrap_or_else(|error| panic!("{error}: {text}{}", process.stderr())),
            code,
            took,
        }
    }

    fn starts(&self, how: &str, arguments: &[&str]) -> (Process, Instant) {
        let agent = binaries::agent();
        let (first, rest) = self.within.split_first().expect("a command");
        let mut command = Command::new(first);
        command.args(rest).arg(agent.get_program()).arg("check");
        command.args(arguments).arg("--data");
        command.arg(self.folder.path().join("nothing"));
        (
            Process::start(&format!("{}-{how}", self.name), &mut command, &self.folder),
            Instant::now(),
        )
    }

    /// Shows how it went, where somebody looks, and returns the text.
    fn ended(&self, process: &Process, began: Instant) -> String {
        let (text, took) = (process.stdout(), began.elapsed());
        eprintln!(
            "--- {}, after {took:?}\n{text}{}",
            self.name,
            process.stderr()
        );
        assert!(took <= LONGEST, "it took {took:?}");
        text
    }
}

/// Whether this user namespace knows more users than root.
fn is_anybody_here() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let counts = map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    counts
        .flat_map(str::parse::<u64>)
        .any(|count| count > 65_534)
}
