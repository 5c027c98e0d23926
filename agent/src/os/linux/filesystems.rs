//! File systems on disks of this machine, from `/proc/self/mounts` and `statvfs`.
//!
//! Only kinds that are known to keep files on a local disk: no memory, network, overlay, image or
//! kernel file systems. Network ones are left out before they are asked, because asking one whose
//! server is away does not return.

use super::super::{Filesystem, Root, Unreadable};

const KINDS: [&str; 20] = [
    "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "hfsplus", "jffs2",
    "jfs", "msdos", "nilfs2", "ntfs", "ntfs3", "reiserfs", "ubifs", "vfat", "xfs", "zfs",
];

/// Every real file system, once, under its shortest mount point; one that cannot be asked is left
/// out. Sorted by length of mount point, so that a bound keeps what matters.
pub fn filesystems(root: &Root) -> Result<Vec<Filesystem>, Unreadable> {
    let mounts = real(parse(&root.read("proc/self/mounts")?));
    Ok(mounts.into_iter().filter_map(space).collect())
}

fn space(mount: Mount) -> Option<Filesystem> {
    let space = rustix::fs::statvfs(mount.point.as_str()).ok()?;
    Some(Filesystem {
        mountpoint: mount.point,
        size: space.f_frsize.checked_mul(space.f_blocks)?,
        available: space.f_frsize.checked_mul(space.f_bavail)?,
    })
    .filter(|filesystem| filesystem.size > 0)
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    device: String,
    point: String,
    kind: String,
}

fn parse(mounts: &str) -> Vec<Mount> {
    mounts.lines().filter_map(parse_line).collect()
}

/// `device mountpoint kind options …`, with odd characters as octal.
fn parse_line(line: &str) -> Option<Mount> {
    let mut words = line.split(' ');
    Some(Mount {
        device: unescape(words.next()?),
        point: unescape(words.next()?),
        kind: words.next()?.to_owned(),
    })
}

fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn real(mut mounts: Vec<Mount>) -> Vec<Mount> {
    mounts.retain(|mount| KINDS.contains(&mount.kind.as_str()));
    mounts.sort_by_key(|mount| mount.point.len());
    let mut kept: Vec<Mount> = Vec::new();
    for mount in mounts {
        let known = |other: &Mount| other.device == mount.device || other.point == mount.point;
        if !kept.iter().any(known) {
            kept.push(mount);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_file_systems_are_listed_once_under_their_shortest_mount_point() {
        let mounts = "\
proc /proc proc rw,relatime 0 0
/dev/sda2 /var/lib/docker/btrfs btrfs rw 0 0
/dev/sda2 / btrfs rw,subvol=/@ 0 0
/dev/sda2 /home btrfs rw,subvol=/@home 0 0
tmpfs /run tmpfs rw 0 0
overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0
/dev/loop3 /snap/core/1 squashfs ro 0 0
server:/files /mnt/nfs nfs4 rw 0 0
/dev/sdb1 /media/kho\\040so\\134 ext4 rw 0 0
torn
";
        let points: Vec<String> = real(parse(mounts)).into_iter().map(|m| m.point).collect();
        assert_eq!(points, ["/", "/media/kho so\\"]);
    }

    #[test]
    fn a_mount_point_that_is_gone_is_left_out() {
        let gone = Mount {
            device: "/dev/sdz1".into(),
            point: "/nowhere/at/all".into(),
            kind: "ext4".into(),
        };
        assert_eq!(space(gone), None);
    }
}
