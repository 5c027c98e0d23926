//! Physical disks and their totals since boot, from `/proc/diskstats`.
//!
//! Physical is what has a `device` in `/sys/block`: no partitions, loop, RAM, RAID or mapped devices,
//! whose traffic is that of the disks beneath. Optical and floppy drives are left out.

use super::super::{Disk, Root, Unreadable};

/// "Sectors" in this file are 512 bytes whatever the disk uses.
/// <https://docs.kernel.org/block/stat.html>
const SECTOR_BYTES: u64 = 512;

/// Every physical disk.
pub fn disks(root: &Root) -> Result<Vec<Disk>, Unreadable> {
    let mut disks = parse(&root.read("proc/diskstats")?);
    disks.retain(|disk| is_physical(root, &disk.name));
    Ok(disks)
}

fn is_physical(root: &Root, name: &str) -> bool {
    let removable_media = name.starts_with("sr") || name.starts_with("fd");
    // A slash in a name would be a folder: the kernel writes an exclamation mark.
    let folder = name.replace('/', "!");
    !removable_media && root.join(format!("sys/block/{folder}/device")).exists()
}

fn parse(diskstats: &str) -> Vec<Disk> {
    diskstats.lines().filter_map(parse_line).collect()
}

/// `major minor name reads merged sectors_read ms_reading writes merged sectors_written …`
fn parse_line(line: &str) -> Option<Disk> {
    let mut words = line.split_whitespace();
    let name = words.nth(2)?.to_owned();
    let sectors_read: u64 = words.nth(2)?.parse().ok()?;
    let sectors_written: u64 = words.nth(3)?.parse().ok()?;
    Some(Disk {
        name,
        read: sectors_read.saturating_mul(SECTOR_BYTES),
        written: sectors_written.saturating_mul(SECTOR_BYTES),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const DISKSTATS: &str = "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
   8       0 sda 120 3 4096 50 77 9 2048 66 0 40 116 0 0 0 0 0 0
   8       1 sda1 100 3 4000 50 77 9 2048 66 0 40 116
  11       0 sr0 1 0 8 0 0 0 0 0 0 0 0
 104       0 cciss/c0d0 1 0 10 0 1 0 20 0 0 0 0
 253       0 dm-0 1 0 10 0 1 0 20 0 0 0 0
   8 torn
";

    #[test]
    fn only_physical_disks_count_in_sectors_of_512_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/diskstats", DISKSTATS);
        for disk in ["sda", "sr0", "cciss!c0d0"] {
            write(&format!("sys/block/{disk}/device/vendor"), "x");
        }
        write("sys/block/dm-0/size", "1");
        let disk = |name: &str, read, written| Disk {
            name: name.into(),
            read,
            written,
        };
        assert_eq!(
            disks(&Root(folder.path().to_owned())).unwrap(),
            [
                disk("sda", 4096 * 512, 2048 * 512),
                disk("cciss/c0d0", 5120, 10240)
            ]
        );
    }
}
