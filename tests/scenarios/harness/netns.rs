//! A centre's network in miniature: two network namespaces, the centre's PC and its gateway, with one
//! cable between them.
//!
//! Names are made of the process id and a counter, so that tests never meet each other's; the guard
//! takes both namespaces away on drop, and the cable with them.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::skip::program;

/// The gateway's address. Namespaces are apart, so that each may have the same.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

const PC: &str = "10.77.0.2/24";

/// A PC and its gateway.
#[derive(Debug)]
pub struct Network {
    pc: Namespace,
    gateway: Namespace,
}

#[derive(Debug)]
struct Namespace(String);

impl Network {
    /// Builds it. An error where that is not allowed or not possible.
    pub fn new() -> Result<Self, String> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        for name in ["ip", "nft"] {
            program(name)?;
        }
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root".into());
        }
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = |role: &str| format!("dw-{role}-{number}-{}", std::process::id());
        let network = Self {
            pc: Namespace::new(name("pc"))?,
            gateway: Namespace::new(name("gw"))?,
        };
        let (pc, gateway) = (&network.pc.0, &network.gateway.0);
        ip(&format!(
            "-n {pc} link add eth0 type veth peer name lan0 netns {gateway}"
        ))?;
        ip(&format!("-n {pc} address add {PC} dev eth0"))?;
        ip(&format!("-n {gateway} address add {GATEWAY}/24 dev lan0"))?;
        for (namespace, device) in [(pc, "lo"), (gateway, "lo"), (pc, "eth0"), (gateway, "lan0")] {
            ip(&format!("-n {namespace} link set {device} up"))?;
        }
        ip(&format!("-n {pc} route add default via {GATEWAY}"))?;
        Ok(network)
    }

    /// What comes in front of a command that runs on the PC.
    pub fn on_the_pc(&self) -> Vec<String> {
        ["ip", "netns", "exec", &self.pc.0]
            .map(str::to_owned)
            .into()
    }

    /// Moves this thread, and the programs it starts, to the gateway, for as long as the guard lives.
    pub fn at_the_gateway(&self) -> Result<Inside, String> {
        let before = File::open("/proc/thread-self/ns/net").map_err(|error| error.to_string())?;
        let there = File::open(format!("/run/netns/{}", self.gateway.0));
        enter(&there.map_err(|error| error.to_string())?)?;
        Ok(Inside { before })
    }

    /// The gateway loses this many of 100 echoes, by chance; 0 heals it.
    pub fn lose_percent_of_echoes(&self, percent: u32) {
        let rule = match percent.checked_sub(1) {
            Some(last) => format!("icmp type echo-request numgen random mod 100 0-{last} drop"),
            None => String::new(),
        };
        let rules = format!(
            "table inet loss\ndelete table inet loss\ntable inet loss {{\nchain input {{\n\
             type filter hook input priority 0\n{rule}\n}}\n}}\n"
        );
        let arguments = ["netns", "exec", &self.gateway.0, "nft", &rules];
        if let Err(error) = run("ip", &arguments) {
            panic!("{error}");
        }
    }
}

/// While this lives, its thread is elsewhere.
#[derive(Debug)]
pub struct Inside {
    before: File,
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Err(error) = enter(&self.before) {
            eprintln!("the thread stays in the namespace of its test: {error}");
        }
    }
}

fn enter(namespace: &File) -> Result<(), String> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| format!("cannot enter a network namespace: {error}"))
}

impl Namespace {
    fn new(name: String) -> Result<Self, String> {
        ip(&format!("netns add {name}"))?;
        Ok(Self(name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = ip(&format!("netns delete {}", self.0)) {
            eprintln!("a network namespace stays behind: {error}");
        }
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    run("ip", &arguments.split(' ').collect::<Vec<_>>())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} does not run: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("{program} {}: {error}", arguments.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs;

    #[test]
    fn a_pc_reaches_its_gateway_until_echoes_are_lost() {
        let network = needs!(Network::new());
        needs!(program("ping"));
        let answered = || {
            let [ip, arguments @ ..] = &network.on_the_pc()[..] else {
                unreachable!("a command has a name")
            };
            let mut ping = Command::new(ip);
            ping.args(arguments)
                .args(["ping", "-c", "2", "-i", "0.2", "-W", "1"]);
            ping.arg(GATEWAY.to_string());
            ping.output().expect("ping runs").status.success()
        };
        assert!(answered());
        network.lose_percent_of_echoes(100);
        assert!(!answered());
        network.lose_percent_of_echoes(0);
        assert!(answered());
    }

    #[test]
    fn a_thread_comes_home_from_the_gateway() {
        let network = needs!(Network::new());
        let bind = || std::net::UdpSocket::bind((GATEWAY, 0)).is_ok();
        assert!(!bind());
        let there = needs!(network.at_the_gateway());
        assert!(bind());
        drop(there);
        assert!(!bind());
    }

    #[test]
    fn nothing_stays_behind() {
        let network = needs!(Network::new());
        let path = format!("/run/netns/{}", network.pc.0);
        assert!(std::path::Path::new(&path).exists());
        drop(network);
        assert!(!std::path::Path::new(&path).exists());
    }
}
