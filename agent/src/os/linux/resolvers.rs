//! The resolvers that programs on this machine ask, from `/etc/resolv.conf`.
//!
//! systemd's local stub hides the resolvers that answer in the end; those are listed too, because
//! they are what can be far away. Resolvers that a router's own forwarder asks stay unseen.

use std::net::{IpAddr, Ipv4Addr};

use super::super::{Address, Root, Unreadable};

const STUBS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54)),
];

/// The resolvers in the order they are asked, without duplicates. None configured is no error.
pub fn resolvers(root: &Root) -> Result<Vec<Address>, Unreadable> {
    let mut resolvers = parse(&read_if_there(root, "etc/resolv.conf")?, root);
    if !resolvers.is_empty() && resolvers.iter().all(|address| STUBS.contains(&address.ip)) {
        let upstreams = read_if_there(root, "run/systemd/resolve/resolv.conf")?;
        for address in parse(&upstreams, root) {
            if !resolvers.contains(&address) {
                resolvers.push(address);
            }
        }
    }
    Ok(resolvers)
}

fn read_if_there(root: &Root, path: &str) -> Result<String, Unreadable> {
    match root.read(path) {
        Err(error) if error.is_missing() => Ok(String::new()),
        result => result,
    }
}

fn parse(resolv_conf: &str, root: &Root) -> Vec<Address> {
    let mut resolvers = Vec::new();
    for line in resolv_conf.lines() {
        let mut words = line.split_whitespace();
        if words.next() == Some("nameserver")
            && let Some(address) = words.next().and_then(|text| Address::parse(text, root))
            && !resolvers.contains(&address)
        {
            resolvers.push(address);
        }
    }
    resolvers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = resolvers(&Root(folder.path().to_owned())).unwrap();
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected, "{files:?}");
    }

    #[test]
    fn resolv_conf_names_the_resolvers() {
        check(&[], &[]);
        check(
            &[("etc/resolv.conf", "search x\n# nameserver 192.0.2.9\n")],
            &[],
        );
        check(
            &[(
                "etc/resolv.conf",
                "nameserver 192.0.2.1\nnameserver\t2001:db8::53 \nnameserver 192.0.2.1\nnameserver what\n",
            )],
            &["192.0.2.1", "2001:db8::53"],
        );
        check(
            &[
                (
                    "etc/resolv.conf",
                    "nameserver fe80::1%eth0\nnameserver fe80::1%gone0\n",
                ),
                ("sys/class/net/eth0/ifindex", "2\n"),
            ],
            &["fe80::1%eth0"],
        );
    }

    #[test]
    fn behind_the_local_stub_are_the_real_resolvers() {
        let upstream = ("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.1\n");
        check(
            &[
                ("etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0\n"),
                upstream,
            ],
            &["127.0.0.53", "192.0.2.1"],
        );
        check(
            &[("etc/resolv.conf", "nameserver 127.0.0.53\n")],
            &["127.0.0.53"],
        );
        check(
            &[
                (
                    "etc/resolv.conf",
                    "nameserver 127.0.0.53\nnameserver 192.0.2.2\n",
                ),
                upstream,
            ],
            &["127.0.0.53", "192.0.2.2"],
        );
    }
}
