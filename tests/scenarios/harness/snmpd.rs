//! A real SNMP agent, Debian's snmpd, with settings of its own: it tells of this machine.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use super::process::{Folder, Process};
use super::skip::program;
use super::snmpsim::free_port;

/// Of SNMPv1 and v2c.
pub const COMMUNITY: &str = "public";

/// Of SNMPv3, with [`PASSWORDS`].
pub const USER: &str = "sealed";

/// By which the user signs, with SHA-256, and encrypts, with AES: one a line, as `credential set` reads them.
pub const PASSWORDS: &str = "auctoritas1\nprivatus11\n";

const START: Duration = Duration::from_secs(20);

/// An snmpd that runs.
#[derive(Debug)]
pub struct Snmpd {
    _process: Process,
    address: IpAddr,
    port: u16,
    _folder: Folder,
}

impl Snmpd {
    /// One at a free port of loopback. An error where none is installed.
    pub async fn started() -> Result<Self, String> {
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        let program = program("snmpd")?;
        let folder = Folder::new("snmpd");
        for _ in 0..5 {
            let port = free_port();
            let settings = format!(
                "agentaddress udp:{address}:{port}\nrocommunity {COMMUNITY}\n\
                 createUser {USER} SHA-256 auctoritas1 AES privatus11\nrouser {USER} priv\n"
            );
            let settings = folder.write("snmpd.conf", settings);
            let mut command = Command::new(&program);
            // It says its version when it is ready.
            command.args(["-f", "-Le", "-C", "-c"]).arg(settings);
            command
                .env("SNMP_PERSISTENT_DIR", folder.path())
                .env("SNMPCONFPATH", folder.path());
            let mut process = Process::start("snmpd", &mut command, &folder);
            if process.line("NET-SNMP version", START).await.is_ok() {
                return Ok(Self {
                    _process: process,
                    address,
                    port,
                    _folder: folder,
                });
            }
        }
        panic!("snmpd does not start");
    }

    /// Where it is.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// UDP.
    pub fn port(&self) -> u16 {
        self.port
    }
}
