//! Systems nobody has written for yet, Windows among them: what `sysinfo` reads alike everywhere is
//! all there is. On Windows routes, interfaces and disks follow, through calls of the system
//! (`GetIpForwardTable2` and its kin), never WMI or PowerShell.

use std::io;
use std::net::IpAddr;

use socket2::SockRef;

use super::{
    Address, Disk, Filesystem, Interface, LocalNetwork, Neighbour, Root, Temperature, Unreadable,
    Wifi,
};

/// What a person can do so that the agent may send ICMP.
pub const ICMP_REMEDY: &str = if cfg!(windows) {
    "run the agent as a service of the system account"
} else {
    "run the agent with the right to open raw sockets"
};

/// Whether a socket can be bound to an interface.
pub const CAN_BIND: bool = false;

/// Not available on this system yet: `Unsupported`.
pub fn bind_to(_: &SockRef<'_>, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not available on this system yet.
#[must_use]
pub fn boot_id(_: &Root) -> String {
    String::new()
}

/// Not available on this system yet.
#[must_use]
pub fn interface_index(_: &Root, _: &str) -> Option<u32> {
    None
}

/// Known of this machine alone, on this system so far.
#[must_use]
pub fn is_near(_: &Root, ip: IpAddr) -> bool {
    ip.is_loopback()
}

/// Not available on this system yet.
#[must_use]
pub fn is_wireless(_: &Root, _: &str) -> bool {
    false
}

/// Not available on this system yet.
#[must_use]
pub fn neighbours(_: &Root) -> Vec<Neighbour> {
    Vec::new()
}

/// Not known on this system yet.
#[must_use]
pub fn shuts_down(_: &Root) -> bool {
    false
}

/// Nobody says so on this system yet.
pub fn hidden_serial_number(_: &Root) -> Option<Unreadable> {
    None
}

/// Not available on this system yet.
#[must_use]
pub fn temperatures(_: &Root) -> Vec<Temperature> {
    Vec::new()
}

macro_rules! nothing {
    ($($name:ident: $type:ty),*) => {
        $(
            /// Not available on this system yet.
            pub fn $name(_: &Root) -> Result<$type, Unreadable> {
                Ok(<$type>::default())
            }
        )*
    };
}

nothing! {
    gateways: Vec<Address>,
    resolvers: Vec<Address>,
    interfaces: Vec<Interface>,
    disks: Vec<Disk>,
    filesystems: Vec<Filesystem>,
    load_average: Option<[f64; 3]>,
    wireless: Vec<Wifi>,
    own_addresses: Vec<IpAddr>,
    own_macs: Vec<proto::plan::Mac>,
    local_networks: Vec<LocalNetwork>
}
