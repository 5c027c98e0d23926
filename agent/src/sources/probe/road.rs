//! For tests: a PC, its gateway, a router of the ISP and a server, each in a network namespace of its
//! own, one after another. The thread of the test is the PC.
//!
//! Names are made of the process id and a counter; the guard takes everything away on drop.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests, which say what they skip"
)]

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::thread::{
    CapabilitySet, LinkNameSpaceType, capabilities, move_into_link_name_space, set_capabilities,
};

use socket2::{Domain, Protocol, Socket, Type};

use super::packets::checksum;
use crate::os::{Address, Root};

pub(super) const GATEWAY: &str = "100.88.0.1";
pub(super) const ROUTER: &str = "100.88.1.2";
pub(super) const SERVER: &str = "100.88.2.2";

/// The same in IPv6, from the gateway on.
pub(super) const V6: [&str; 3] = ["fd88::1", "fd88:1::2", "fd88:2::2"];

/// Who is on the road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Pc,
    Gateway,
    Router,
    Server,
}

const ALL: [Who; 4] = [Who::Pc, Who::Gateway, Who::Router, Who::Server];

/// What a PC may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icmp {
    Datagram,
    Raw,
    Forbidden,
}

/// The road. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Road {
    names: Vec<String>,
    before: File,
}

impl Road {
    /// Builds it and moves this thread onto the PC; says why where that is not possible here.
    pub(crate) fn new(icmp: Icmp) -> Option<Self> {
        match Self::build(icmp) {
            Ok(road) => Some(road),
            Err(reason) => {
                let is_fatal = std::env::var_os("CI").is_some();
                assert!(!is_fatal, "a skip fails here: {reason}");
                println!("skipped, because {reason}");
                None
            }
        }
    }

    fn build(icmp: Icmp) -> Result<Self, String> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root".into());
        }
        run("nft", &["--version"])?;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = |who: Who| format!("dwa-{who:?}-{number}-{}", std::process::id()).to_lowercase();
        let before = File::open("/proc/thread-self/ns/net").map_err(|error| error.to_string())?;
        let mut road = Self {
            names: Vec::new(),
            before,
        };
        for who in ALL {
            ip(&format!("netns add {}", name(who)))?;
            road.names.push(name(who));
            road.ip(who, "link set lo up")?;
        }
        road.connect(0, Who::Pc, Who::Gateway)?;
        road.connect(1, Who::Gateway, Who::Router)?;
        road.connect(2, Who::Router, Who::Server)?;
        for (who, interface, next) in [
            (Who::Pc, "right", "100.88.0.1 fd88::1"),
            (Who::Gateway, "right", "100.88.1.2 fd88:1::2"),
            (Who::Router, "left", "100.88.1.1 fd88:1::1"),
            (Who::Server, "left", "100.88.2.1 fd88:2::1"),
        ] {
            for next in next.split(' ') {
                road.ip(
                    who,
                    &format!("route add default via {next} dev {interface}"),
                )?;
            }
        }
        if icmp == Icmp::Datagram {
            road.write(Who::Pc, "net/ipv4/ping_group_range", "0 2147483647")?;
        }
        let pc = File::open(format!("/run/netns/{}", name(Who::Pc)));
        enter(&pc.map_err(|error| error.to_string())?)?;
        if icmp == Icmp::Forbidden {
            may_be_raw(false)?;
        }
        Ok(road)
    }

    /// A cable between two, to the right of one and to the left of the other.
    pub(super) fn connect(&self, number: u8, one: Who, other: Who) -> Result<(), String> {
        let name = self.name(other);
        let hardware = |host: u8| format!("02:88:00:00:00:{number}{host}");
        // The PC and the server have the last address of their cable.
        let first = if one == Who::Pc { 2 } else { 1 };
        let last = 3 - first;
        let right = format!("link add right address {}", hardware(first));
        let left = format!("peer name left address {} netns {name}", hardware(last));
        self.ip(one, &format!("{right} type veth {left}"))?;
        for (who, interface, host) in [(one, "right", first), (other, "left", last)] {
            let net = match number {
                0 => "fd88::".to_owned(),
                _ => format!("fd88:{number}::"),
            };
            let v4 = format!("100.88.{number}.{host}");
            self.ip(who, &format!("address add {v4}/24 dev {interface}"))?;
            self.ip(
                who,
                &format!("address add {net}{host}/64 dev {interface} nodad"),
            )?;
            self.ip(who, &format!("link set {interface} up"))?;
            // Over IPv6 nobody hears a question for a neighbour in the first second of a link.
            let neighbour = 3 - host;
            let there = format!("{net}{neighbour} lladdr {}", hardware(neighbour));
            self.ip(
                who,
                &format!("neighbour add {there} dev {interface} nud permanent"),
            )?;
            self.write(who, "net/ipv4/ip_forward", "1")?;
            self.write(who, "net/ipv6/conf/all/forwarding", "1")?;
            self.write(who, "net/ipv4/icmp_ratelimit", "0")?;
            self.write(who, "net/ipv6/icmp/ratelimit", "0")?;
        }
        Ok(())
    }

    /// A socket there, for what comes to a port by UDP.
    pub(crate) fn listen(&self, who: Who, port: u16) -> std::net::UdpSocket {
        let there = File::open(format!("/run/netns/{}", self.name(who))).unwrap();
        let bound = std::thread::spawn(move || {
            enter(&there).unwrap();
            std::net::UdpSocket::bind(("0.0.0.0", port)).unwrap()
        });
        bound.join().unwrap()
    }

    /// Runs `ip` there.
    pub(super) fn ip(&self, who: Who, arguments: &str) -> Result<(), String> {
        ip(&format!("-n {} {arguments}", self.name(who)))
    }

    /// Sets a knob of the kernel there.
    pub(super) fn write(&self, who: Who, knob: &str, value: &str) -> Result<(), String> {
        let script = format!("echo {value} > /proc/sys/{knob}");
        let name = self.name(who);
        run("ip", &["netns", "exec", name, "sh", "-c", &script])
    }

    /// Replaces what somebody drops, by rules of nft for what they forward (`forward`), send (`output`)
    /// or get (`input`).
    pub(super) fn filter(&self, who: Who, hook: &str, rules: &str) {
        let table = format!(
            "table inet {hook}\ndelete table inet {hook}\ntable inet {hook} {{\nchain it {{\n\
             type filter hook {hook} priority 0\n{rules}\n}}\n}}\n"
        );
        self.nft(who, &table);
    }

    /// Runs `nft` there, and returns what it prints.
    pub(super) fn nft(&self, who: Who, script: &str) -> String {
        let arguments = ["netns", "exec", self.name(who), "nft", script];
        let printed = output("ip", &arguments);
        printed.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The server answers echoes of IPv4 with these messages, made of the right one; all with a right
    /// checksum. Dropped, it ends.
    pub(super) fn serve_echoes(
        &self,
        mut answers: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Arc<()> {
        must(self.write(Who::Server, "net/ipv4/icmp_echo_ignore_all", "1"));
        let there = File::open(format!("/run/netns/{}", self.name(Who::Server)));
        let (ready, is_ready) = std::sync::mpsc::channel();
        let running = Arc::new(());
        let stop = Arc::downgrade(&running);
        std::thread::spawn(move || {
            let there = there.map_err(|error| error.to_string());
            must(there.and_then(|there| enter(&there)));
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_millis(100)))
                .unwrap();
            ready.send(()).unwrap();
            while stop.upgrade().is_some() {
                let mut packet = [0; 2048];
                let Ok(length) = (&socket).read(&mut packet) else {
                    continue;
                };
                let from: [u8; 4] = packet[12..16].try_into().unwrap();
                let mut reply = packet[20..length].to_vec();
                if reply[0] != 8 {
                    continue;
                }
                reply[0] = 0;
                for mut answer in answers(&reply) {
                    answer[2..4].fill(0);
                    let checksum = checksum(&answer);
                    answer[2..4].copy_from_slice(&checksum.to_be_bytes());
                    let to = SocketAddr::from((from, 0));
                    socket.send_to(&answer, &to.into()).unwrap();
                }
            }
        });
        is_ready.recv().unwrap();
        running
    }

    /// The queue of the PC takes three packets, and gives one away each tenth of a second.
    pub(super) fn crowd(&self) {
        let queue = "tc qdisc add dev right root tbf rate 8kbit burst 100 limit 300";
        let arguments = format!("netns exec {} {queue}", self.name(Who::Pc));
        must(ip(&arguments));
    }

    /// The link between the gateway and the router takes packets of this size only.
    pub(super) fn narrow(&self, mtu: u16) {
        let mtu = format!("mtu {mtu}");
        must(self.ip(Who::Gateway, &format!("link set right {mtu}")));
        must(self.ip(Who::Router, &format!("link set left {mtu}")));
    }

    fn name(&self, who: Who) -> &str {
        let place = ALL.iter().position(|other| *other == who);
        let name = place.and_then(|place| self.names.get(place));
        name.map_or("", String::as_str)
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        let mut ended = enter(&self.before).and(may_be_raw(true));
        for name in &self.names {
            ended = ended.and(ip(&format!("netns delete {name}")));
        }
        if let Err(error) = ended {
            println!("the road of a test stays behind: {error}");
        }
    }
}

/// An address, as the engine takes it.
pub(super) fn address(text: &str) -> Address {
    let Some(address) = Address::parse(text, &Root::default()) else {
        panic!("{text} is no address");
    };
    address
}

/// Ends the test when something cannot be set up in the middle of it.
fn must(done: Result<(), String>) {
    if let Err(error) = done {
        panic!("{error}");
    }
}

/// Whether this thread may open raw sockets; what it runs may.
fn may_be_raw(may: bool) -> Result<(), String> {
    let set = capabilities(None).and_then(|mut sets| {
        sets.effective.set(CapabilitySet::NET_RAW, may);
        set_capabilities(None, sets)
    });
    set.map_err(|error| format!("cannot change what this thread may do: {error}"))
}

fn enter(namespace: &File) -> Result<(), String> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| format!("cannot enter a network namespace: {error}"))
}

fn ip(arguments: &str) -> Result<(), String> {
    run("ip", &arguments.split(' ').collect::<Vec<_>>())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    output(program, arguments).map(drop)
}

fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} does not run: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("{program} {}: {error}", arguments.join(" ")))
    }
}
