//! A real IPP printer, CUPS' `ippeveprinter`, without mDNS: its web form sets what is in it.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use super::process::{Folder, Process};
use super::prometheus::free_port;
use super::scrape::fetch;
use super::skip::program;
use super::wait::eventually;

const START: Duration = Duration::from_secs(20);

/// A printer that is switched on.
#[derive(Debug)]
pub struct IppPrinter {
    process: Process,
    _bus: Process,
    port: u16,
    _folder: Folder,
}

impl IppPrinter {
    /// One of this name. An error where no such printer is installed.
    pub async fn switched_on(name: &str) -> Result<Self, String> {
        let printer = program("ippeveprinter")?;
        program("dbus-daemon")?;
        let folder = Folder::new("printer");
        let bus = folder.path().join("bus");
        let address = format!("unix:path={}", bus.display());
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--address", &address]);
        let running_bus = Process::start("dbus", &mut command, &folder);
        eventually("there is a bus", START, async || match bus.exists() {
            true => Ok(()),
            false => Err(format!("no {}", bus.display())),
        })
        .await;
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).map_err(|error| error.to_string())?;
        let port = free_port().port();
        let mut command = Command::new(&printer);
        command
            // Without DNS-SD: nobody has to find it.
            .args(["-r", "off", "-n", "localhost", "-p", &port.to_string()])
            .args(["-f", "application/pdf,image/pwg-raster", "-d"])
            .arg(&spool)
            .arg(name)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &address);
        let mut printer = Self {
            process: Process::start("ippeveprinter", &mut command, &folder),
            _bus: running_bus,
            port,
            _folder: folder,
        };
        eventually("the printer is ready", START, async || {
            assert_eq!(printer.process.ended(), None, "it ended");
            printer.page("/").await
        })
        .await;
        Ok(printer)
    }

    /// Sets by its web form how much is left of supplies, in percent, in their order.
    pub async fn supplies(&self, levels: &[u8]) {
        let fields = levels.iter().enumerate();
        let fields = fields.map(|(number, level)| format!("supply{number}={level}"));
        self.set("supplies", &fields.collect::<Vec<_>>()).await;
    }

    /// Sets by its web form how many sheets are in its two trays: 250, 125, 50, 25, 5 or 0.
    pub async fn paper(&self, sheets: [u8; 2]) {
        // What each is in its list of sources of paper.
        let fields = [1, 3].into_iter().zip(sheets).map(|(tray, sheets)| {
            format!("size{tray}=iso_a4_210x297mm&type{tray}=stationery&level{tray}={sheets}")
        });
        self.set("media", &fields.collect::<Vec<_>>()).await;
    }

    async fn set(&self, form: &str, fields: &[String]) {
        let page = self.page(&format!("/{form}?{}", fields.join("&"))).await;
        page.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A page of its web server.
    pub async fn page(&self, path: &str) -> Result<String, String> {
        fetch(&format!("http://{}:{}{path}", self.address(), self.port)).await
    }

    /// Where it is.
    pub fn address(&self) -> IpAddr {
        Ipv4Addr::LOCALHOST.into()
    }

    /// Where it answers IPP: port and path, as `device add --ipp` has them.
    pub fn ipp(&self) -> String {
        format!("{}/ipp/print", self.port)
    }
}
