//! A real SNMP simulator, as the system packages it: each recorded device at an address of its own, as in a
//! centre, and all at one port.
//!
//! Each answers SNMPv1 and v2c to the community [`COMMUNITY`], and SNMPv3 to the user [`USER`], who signs with
//! SHA and [`PASSWORD`]. Deliberately absent: encryption, of which this simulator has a form of its own (it
//! fills up what AES leaves as it is); `snmpd` has the real one.

use std::net::{IpAddr, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{Folder, Process};
use super::skip::program;

/// Of SNMPv1 and v2c.
pub const COMMUNITY: &str = "public";

/// Of SNMPv3.
pub const USER: &str = "monitor";

/// Its password; it signs with SHA.
pub const PASSWORD: &str = "auctoritas1";

/// Recordings are read to the end before it listens.
const START: Duration = Duration::from_secs(60);

/// How it names the data of a device: by its transport…
const TRANSPORT: &str = "1.3.6.1.6.1.1";

/// … in a folder for the context that is asked for. That of a community is its MD5: of `public`, and of
/// `public@Jetdirect`.
const CONTEXTS: [(&str, &str); 4] = [
    ("", "."),
    ("", "4c9184f37cff01bcdc32dc486ec36961"),
    ("Jetdirect", "Jetdirect"),
    ("Jetdirect", "83eb0c5bdcdb177f5f157712e357706a"),
];

/// What a device says; named after its file.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Of the file, without its end.
    pub name: String,
    file: PathBuf,
}

/// A simulator of some devices, numbered from 0.
#[derive(Debug)]
pub struct Snmpsim {
    /// While it runs.
    process: Option<Process>,
    port: u16,
    devices: usize,
    folder: Folder,
}

impl Recording {
    /// That in a file; what the device says in a context is beside it, in `NAME@CONTEXT.snmprec`.
    pub fn at(file: &Path) -> Self {
        let name = file.file_stem().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            file: file.to_owned(),
        }
    }

    /// All of a folder, in the order of their names.
    pub fn all_in(folder: &Path) -> Result<Vec<Self>, String> {
        let missing = |error| format!("there is no {}: {error}", folder.display());
        let entries = std::fs::read_dir(folder).map_err(missing)?;
        let mut files: Vec<PathBuf> = entries.filter_map(|file| Some(file.ok()?.path())).collect();
        files.retain(|file| {
            let is_recording = file.extension().is_some_and(|end| end == "snmprec");
            is_recording && !file.to_string_lossy().contains('@')
        });
        files.sort();
        Ok(files.iter().map(|file| Self::at(file)).collect())
    }

    fn in_context(&self, context: &str) -> PathBuf {
        match context {
            "" => self.file.clone(),
            context => self
                .file
                .with_file_name(format!("{}@{context}.snmprec", self.name)),
        }
    }
}

impl Snmpsim {
    /// Devices that say what was recorded. An error where no simulator is installed.
    pub async fn of(recordings: &[Recording]) -> Result<Self, String> {
        program("snmpsimd")?;
        let mut simulator = Self {
            process: None,
            port: 0,
            devices: recordings.len(),
            folder: Folder::new("snmpsim"),
        };
        // Who sends a community that it has no data for is not heard at all.
        std::fs::create_dir(simulator.folder.path().join("data")).expect("a folder");
        for community in [COMMUNITY, "public@Jetdirect"] {
            let data = format!("data/{community}.snmprec");
            simulator
                .folder
                .write(&data, "1.3.6.1.2.1.1.1.0|4|nobody\n");
        }
        for (number, recording) in recordings.iter().enumerate() {
            simulator.link(number, recording);
        }
        for _ in 0..5 {
            simulator.port = free_port();
            match simulator.begin().await {
                Ok(()) => return Ok(simulator),
                Err(error) if error.contains("in use") => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the simulator finds no port");
    }

    /// Where the device is.
    pub fn address(&self, number: usize) -> IpAddr {
        let [high, low] = u16::try_from(number + 1)
            .expect("few devices")
            .to_be_bytes();
        [127, 0, high, low].into()
    }

    /// Of all devices.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn link(&self, number: usize, recording: &Recording) {
        for (context, folder) in CONTEXTS {
            let target = recording.in_context(context);
            let link = format!("data/{folder}/{TRANSPORT}.{number}.snmprec");
            let link = self.folder.path().join(link);
            std::fs::create_dir_all(link.parent().expect("in data")).expect("a folder");
            if target.exists() {
                symlink(target.canonicalize().expect("it is there"), link).expect("a link");
            }
        }
    }

    async fn begin(&mut self) -> Result<(), String> {
        let mut command = Command::new("snmpsimd");
        let folder = self.folder.path();
        for number in 0..self.devices {
            let address = format!("{}:{}", self.address(number), self.port);
            command.arg(format!("--agent-udpv4-endpoint={address}"));
        }
        command
            .arg(format!("--data-dir={}", folder.join("data").display()))
            .arg(format!("--cache-dir={}", folder.join("cache").display()))
            .arg(format!("--v3-user={USER}"))
            .arg(format!("--v3-auth-key={PASSWORD}"))
            .arg("--v3-auth-proto=SHA")
            .env("TMPDIR", folder);
        if rustix::process::geteuid().is_root() {
            // It wants to be told. Others may not be allowed to read the recordings.
            command.args(["--process-user=root", "--process-group=root"]);
        }
        let mut process = Process::start("snmpsim", &mut command, &self.folder);
        let last = self.address(self.devices.saturating_sub(1));
        process
            .line(&format!("endpoint {last}:{}", self.port), START)
            .await?;
        self.process = Some(process);
        Ok(())
    }
}

/// A UDP port that nobody uses on this machine.
pub fn free_port() -> u16 {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    address.port()
}
