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

/// The PC's address.
pub const PC: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// That of another one.
pub const OTHER_PC: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A PC and its gateway, and another PC where one was added.
#[derive(Debug)]
pub struct Network {
    pc: Namespace,
    other: Option<Namespace>,
    gateway: Namespace,
}

#[derive(Debug)]
struct Namespace(String);

impl Network {
    /// Builds it. An error where that is not allowed or not possible.
    pub fn new() -> Result<Self, String> {
        for name in ["ip", "nft"] {
            program(name)?;
        }
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root".into());
        }
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = |role: &str| name(role, number);
        let network = Self {
            pc: Namespace::new(name("pc"))?,
            other: None,
            gateway: Namespace::new(name("gw"))?,
        };
        let (pc, gateway) = (&network.pc.0, &network.gateway.0);
        ip(&format!(
            "-n {pc} link add eth0 type veth peer name lan0 netns {gateway}"
        ))?;
        ip(&format!("-n {pc} address add {PC}/24 dev eth0"))?;
        ip(&format!("-n {gateway} address add {GATEWAY}/24 dev lan0"))?;
        for (namespace, device) in [(pc, "lo"), (gateway, "lo"), (pc, "eth0"), (gateway, "lan0")] {
            ip(&format!("-n {namespace} link set {device} up"))?;
        }
        ip(&format!("-n {pc} route add default via {GATEWAY}"))?;
        Ok(network)
    }

    /// Puts a switch between PC and gateway, and another PC to it. Its address is [`OTHER_PC`].
    pub fn with_another_pc(mut self) -> Result<Self, String> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let other = self.other.insert(Namespace::new(name("pc", number))?);
        let (other, gateway) = (&other.0, &self.gateway.0);
        for command in [
            format!("-n {other} link add eth0 type veth peer name lan1 netns {gateway}"),
            format!("-n {gateway} address delete {GATEWAY}/24 dev lan0"),
            format!("-n {gateway} link add switch type bridge"),
            format!("-n {gateway} link set lan0 master switch"),
            format!("-n {gateway} link set lan1 master switch"),
            format!("-n {gateway} address add {GATEWAY}/24 dev switch"),
            format!("-n {gateway} link set lan1 up"),
            format!("-n {gateway} link set switch up"),
            format!("-n {other} address add {OTHER_PC}/24 dev eth0"),
            format!("-n {other} link set lo up"),
            format!("-n {other} link set eth0 up"),
            format!("-n {other} route add default via {GATEWAY}"),
        ] {
            ip(&command)?;
        }
        Ok(self)
    }

    /// Puts something else to the switch that is there with another PC. Its card has this MAC address.
    pub fn settle(&self, address: Ipv4Addr, mac: &str) -> Result<Place, String> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let place = Namespace::new(name("place", number))?;
        let (place_name, gateway) = (&place.0, &self.gateway.0);
        for command in [
            format!(
                "-n {place_name} link add eth0 address {mac} type veth peer name lan{number} netns {gateway}"
            ),
            format!("-n {gateway} link set lan{number} master switch up"),
            format!("-n {place_name} address add {address}/24 dev eth0"),
            format!("-n {place_name} link set lo up"),
            format!("-n {place_name} link set eth0 up"),
            format!("-n {place_name} route add default via {GATEWAY}"),
        ] {
            ip(&command)?;
        }
        Ok(Place(place))
    }

    /// The PC forgets who has which address, as it does when those who get one say so.
    pub fn hears_of_other_addresses(&self) -> Result<(), String> {
        ip(&format!("-n {} neighbour flush dev eth0", self.pc.0))
    }

    /// Lets the cable of the PC carry no more than this, each way, and wait so long before it drops.
    pub fn limit(&self, kilobits_per_second: u32, queue_ms: u32) -> Result<(), String> {
        let shape =
            format!("root tbf rate {kilobits_per_second}kbit burst 16kb latency {queue_ms}ms");
        for (namespace, device) in [(&self.pc.0, "eth0"), (&self.gateway.0, "lan0")] {
            ip(&format!(
                "netns exec {namespace} tc qdisc add dev {device} {shape}"
            ))?;
        }
        Ok(())
    }

    /// What comes in front of a command that runs on the PC.
    pub fn on_the_pc(&self) -> Vec<String> {
        within(&self.pc)
    }

    /// What comes in front of a command that runs on the other PC.
    #[track_caller]
    pub fn on_the_other_pc(&self) -> Vec<String> {
        within(self.other.as_ref().expect("there is another PC"))
    }

    /// Moves this thread, and the programs it starts, to the gateway, for as long as the guard lives.
    pub fn at_the_gateway(&self) -> Result<Inside, String> {
        Inside::of(&self.gateway)
    }

    /// The gateway loses this many of 100 echoes, by chance; 0 heals it.
    pub fn lose_percent_of_echoes(&self, percent: u32) {
        lose(&self.gateway, percent);
    }

    /// The PC loses this many of 100 echoes to it, likewise.
    pub fn pc_loses_percent_of_echoes(&self, percent: u32) {
        lose(&self.pc, percent);
    }
}

fn lose(at: &Namespace, percent: u32) {
    let rule = match percent.checked_sub(1) {
        Some(last) => format!("icmp type echo-request numgen random mod 100 0-{last} drop"),
        None => String::new(),
    };
    let rules = format!(
        "table inet loss\ndelete table inet loss\ntable inet loss {{\nchain input {{\n\
             type filter hook input priority 0\n{rule}\n}}\n}}\n"
    );
    let arguments = ["netns", "exec", &at.0, "nft", &rules];
    if let Err(error) = run("ip", &arguments) {
        panic!("{error}");
    }
}

fn name(role: &str, number: u32) -> String {
    format!("dw-{role}-{number}-{}", std::process::id())
}

fn within(namespace: &Namespace) -> Vec<String> {
    ["ip", "netns", "exec", &namespace.0]
        .map(str::to_owned)
        .into()
}

/// Somewhere at the switch, where something may run.
#[derive(Debug)]
pub struct Place(Namespace);

impl Place {
    /// Moves this thread there, and the programs it starts, for as long as the guard lives.
    pub fn enter(&self) -> Result<Inside, String> {
        Inside::of(&self.0)
    }

    /// Gets another address, as DHCP gives one out.
    pub fn moves(&self, from: Ipv4Addr, to: Ipv4Addr) -> Result<(), String> {
        let name = &self.0.0;
        ip(&format!("-n {name} address delete {from}/24 dev eth0"))?;
        ip(&format!("-n {name} address add {to}/24 dev eth0"))?;
        ip(&format!("-n {name} route add default via {GATEWAY}"))
    }

    /// Whoever calls a TCP port here gets one of its loopback.
    pub fn redirects(&self, from: u16, to: u16) -> Result<(), String> {
        let _there = self.enter()?;
        let may_be_local = "/proc/sys/net/ipv4/conf/eth0/route_localnet";
        std::fs::write(may_be_local, "1").map_err(|error| error.to_string())?;
        let rules = format!(
            "table ip to_another {{\nchain input {{\ntype nat hook prerouting priority dstnat\n\
             tcp dport {from} dnat to 127.0.0.1:{to}\n}}\n}}\n"
        );
        run("nft", &[&rules]).map(drop)
    }

    /// Counts what comes here by IP from this address, echoes aside.
    pub fn counts(&self, from: Ipv4Addr) -> Result<(), String> {
        let rules = format!(
            "table inet count {{\nchain input {{\ntype filter hook input priority 0\n\
             ip saddr {from} meta l4proto != icmp counter\n}}\n}}\n"
        );
        run("ip", &["netns", "exec", &self.0.0, "nft", &rules]).map(drop)
    }

    /// Packets that came since.
    pub fn counted(&self) -> Result<u64, String> {
        let rules = run(
            "ip",
            &["netns", "exec", &self.0.0, "nft", "list", "ruleset"],
        )?;
        let number = rules.split_once("counter packets ").map(|(_, rest)| rest);
        let number = number.and_then(|rest| rest.split(' ').next()?.parse().ok());
        number.ok_or_else(|| format!("no counter in {rules}"))
    }
}

/// While this lives, its thread is elsewhere.
#[derive(Debug)]
pub struct Inside {
    before: File,
}

impl Inside {
    fn of(namespace: &Namespace) -> Result<Self, String> {
        let before = File::open("/proc/thread-self/ns/net").map_err(|error| error.to_string())?;
        let there = File::open(format!("/run/netns/{}", namespace.0));
        enter(&there.map_err(|error| error.to_string())?)?;
        Ok(Self { before })
    }
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
    run("ip", &arguments.split(' ').collect::<Vec<_>>()).map(drop)
}

/// What it printed.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} does not run: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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
