//! Linux: files of `/proc` and `/sys`, read and parsed apart. OpenWrt is Linux too.

mod addresses;
mod disks;
mod filesystems;
mod interfaces;
mod neighbours;
mod networks;
mod power;
mod resolvers;
mod routes;
mod temperatures;
mod wireless;

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use socket2::SockRef;

use super::{Root, Unreadable};

pub use addresses::{is_near, is_wireless, own_addresses, own_macs};
pub use disks::disks;
pub use filesystems::filesystems;
pub use interfaces::{interface_index, interfaces};
pub use neighbours::neighbours;
pub use networks::local_networks;
pub use power::shuts_down;
pub use resolvers::resolvers;
pub use routes::gateways;
pub use temperatures::temperatures;
pub use wireless::wireless;

/// What a person can do so that the agent may send ICMP.
pub const ICMP_REMEDY: &str = "set net.ipv4.ping_group_range to \"0 2147483647\" with sysctl, \
     or give the agent the capability CAP_NET_RAW";

/// Whether a socket can be bound to an interface.
pub const CAN_BIND: bool = true;

/// Has a socket use this interface alone, also where a route of another is better. Needs no rights since
/// Linux 5.7.
///
/// # Errors
/// `NotFound` when there is no such interface, `PermissionDenied` when the kernel does not allow it.
pub fn bind_to(socket: &SockRef<'_>, interface: &str) -> io::Result<()> {
    let bound = socket.bind_device(Some(interface.as_bytes()));
    bound.map_err(|error| {
        if error.raw_os_error() == Some(Errno::NODEV.raw_os_error()) {
            io::Error::new(io::ErrorKind::NotFound, "no such interface")
        } else {
            error
        }
    })
}

impl Root {
    fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.join(path)
    }

    fn read(&self, path: &str) -> Result<String, Unreadable> {
        let path = self.join(path);
        std::fs::read_to_string(&path).map_err(|source| Unreadable { path, source })
    }
}

impl Unreadable {
    fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// A name for this boot, new after each. Empty when the kernel has none.
#[must_use]
pub fn boot_id(root: &Root) -> String {
    root.read("proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// The file with this machine's serial number, where there is one that the agent's user may not read.
#[must_use]
pub fn hidden_serial_number(root: &Root) -> Option<Unreadable> {
    let path = root.join("sys/class/dmi/id/product_serial");
    match std::fs::File::open(&path) {
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            Some(Unreadable { path, source })
        }
        _ => None,
    }
}

/// Load averages over 1, 5 and 15 minutes.
pub fn load_average(root: &Root) -> Result<Option<[f64; 3]>, Unreadable> {
    Ok(parse_load_average(&root.read("proc/loadavg")?))
}

fn parse_load_average(loadavg: &str) -> Option<[f64; 3]> {
    let mut words = loadavg.split_whitespace();
    let mut next = || words.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_average_is_three_numbers() {
        let check = |text: &str, expected| assert_eq!(parse_load_average(text), expected);
        check("0.52 0.58 1.59 2/389 12345\n", Some([0.52, 0.58, 1.59]));
        check("0.52 0.58", None);
        check("", None);
    }

    #[test]
    fn boot_id_stays_the_same_within_a_boot() {
        let root = Root::default();
        assert_eq!(boot_id(&root), boot_id(&root));
        assert_eq!(boot_id(&root).len(), 36);
        assert_eq!(boot_id(&Root("/nowhere".into())), "");
    }
}
