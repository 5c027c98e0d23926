//! Everything that differs between operating systems, behind plain functions of the same names.
//!
//! The sources ask here and stay free of `cfg`. What every system answers alike through `sysinfo`
//! (processor, memory, names) is not here. Nothing here runs a program, and everything here blocks:
//! call it from a blocking thread unless it is a file of the kernel's.
//!
//! All functions take a [`Root`], so that tests can lay out files of their own. A system that has
//! no answer gives an empty list, not an error.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use proto::plan::Mac;

pub use system::{
    CAN_BIND, ICMP_REMEDY, bind_to, boot_id, disks, filesystems, gateways, hidden_serial_number,
    interface_index, interfaces, is_near, is_wireless, load_average, local_networks, neighbours,
    own_addresses, own_macs, resolvers, shuts_down, temperatures, wireless,
};

/// Where the system's files are: `/`, except in tests.
#[derive(Debug, Clone)]
pub struct Root(pub PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self(PathBuf::from("/"))
    }
}

/// A file of the system that should have been there.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct Unreadable {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// An address with the interface it belongs to, where it means nothing without (RFC 4007).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The address itself.
    pub ip: IpAddr,
    /// For link-local IPv6.
    pub zone: Option<Zone>,
}

/// The interface of a link-local address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone {
    /// Such as `eth0`.
    pub interface: String,
    /// What a socket address calls its scope.
    pub index: u32,
}

impl Address {
    /// Reads `192.0.2.1`, `2001:db8::1` or `fe80::1%eth0`. `None` when it is no address, or its
    /// interface does not exist.
    #[must_use]
    pub fn parse(text: &str, root: &Root) -> Option<Self> {
        let Some((ip, interface)) = text.split_once('%') else {
            let ip = text.parse().ok()?;
            return Some(Self { ip, zone: None });
        };
        Self::on_interface(ip.parse().ok()?, interface, root)
    }

    /// An address reached through an interface; keeps the interface only where it is needed.
    fn on_interface(ip: IpAddr, interface: &str, root: &Root) -> Option<Self> {
        let zone = if is_link_local(ip) {
            Some(Zone {
                interface: interface.to_owned(),
                index: interface_index(root, interface)?,
            })
        } else {
            None
        };
        Some(Self { ip, zone })
    }

    /// The scope of a socket address, 0 where there is none.
    #[must_use]
    pub fn scope(&self) -> u32 {
        self.zone.as_ref().map_or(0, |zone| zone.index)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}%{}", self.ip, zone.interface),
            None => self.ip.fmt(f),
        }
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// One network interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Such as `eth0`.
    pub name: String,
    /// Whether it has a link; `None` where the system does not say.
    pub up: Option<bool>,
    /// Bits per second, where it was negotiated.
    pub speed: Option<f64>,
    /// Whether it sends and receives at the same time, where that was negotiated.
    pub full_duplex: Option<bool>,
    /// How often it lost or found its link since it exists.
    pub carrier_changes: Option<u64>,
    /// What came in.
    pub received: Traffic,
    /// What went out.
    pub transmitted: Traffic,
}

/// An address of the local network, and the interface it is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The address.
    pub ip: IpAddr,
    /// Such as `eth0`.
    pub interface: String,
    /// Whether it is somebody's.
    pub is_there: bool,
    /// Whose.
    pub mac: Option<Mac>,
}

/// A network of IPv4 that this machine is in, with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalNetwork {
    /// Such as `eth0`.
    pub interface: String,
    /// This machine's address there.
    pub own: Ipv4Addr,
    /// That of the network.
    pub address: Ipv4Addr,
    /// Of its prefix, in bits; never 0.
    pub length: u32,
    /// Whether a default route goes through the interface.
    pub leads_everywhere: bool,
}

/// One wireless interface and its access point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wifi {
    /// Such as `wlan0`.
    pub interface: String,
    /// dBm; `None` where the driver tells a level of its own making.
    pub signal: Option<i32>,
}

/// Totals of one direction of an interface since it exists.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Traffic {
    pub bytes: u64,
    pub errors: u64,
    pub drops: u64,
}

/// One physical disk and its totals since boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Such as `sda`.
    pub name: String,
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

/// One file system on a disk of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filesystem {
    /// Where it is mounted.
    pub mountpoint: String,
    /// Bytes.
    pub size: u64,
    /// Bytes that ordinary users can still fill.
    pub available: u64,
}

/// One temperature sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// Chip and place: `coretemp Package id 0`.
    pub sensor: String,
    /// Degrees Celsius, as the sensor says it.
    pub celsius: f64,
}
