//! The lab: a whole way from a PC to a portal, in this machine, and what can go wrong on it.
//!
//! Everything ends when it is dropped, also when a test fails; then it says by which seed the dice were
//! thrown and what the links really did. One lab at a time in a process, so that none is measured while
//! another computes.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::emulator::truth::{Echo, Way};
use crate::emulator::{Fate, Link, Truth};
use crate::harness::process::Folder;
use crate::network::{ISP_RESOLVER, Inside, Namespace, Network, Route};
use crate::servers::captive::Captive;
use crate::servers::portal::Portal;
use crate::servers::resolver::Resolver;
use crate::servers::{PORTALS, Servers};

/// Repeats the dice of a run: the number it printed.
const SEED: &str = "DAWNWATCH_LAB_SEED";

/// Everything. What is declared first is taken away first.
#[derive(Debug)]
pub struct Lab {
    servers: Servers,
    network: Network,
    folder: Folder,
    seed: u64,
    _turn: Turn,
}

/// So many milliseconds.
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

impl Lab {
    /// Builds it, with everything well. An error where that is not allowed or not possible: it is meant
    /// for `needs!`.
    pub fn new() -> Result<Self, String> {
        let turn = Turn::taken();
        let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(rand::random);
        let network = Network::build(seed)?;
        let servers = Servers::start(&network)?;
        let lab = Self {
            servers,
            network,
            folder: Folder::new("lab"),
            seed,
            _turn: turn,
        };
        lab.write_files();
        Ok(lab)
    }

    /// What the PCs find in their files.
    fn write_files(&self) {
        let resolver = format!("nameserver {ISP_RESOLVER}\noptions timeout:1 attempts:1\n");
        let resolver = self.folder.write("resolv.conf", resolver);
        let trusted = self
            .folder
            .write("authority.pem", self.servers.authority.pem());
        let script = format!(
            "#!/bin/sh\n\
             # Runs a command as a program of a PC of the lab.\n\
             mount -t sysfs sysfs /sys 2>/dev/null\n\
             mount --bind {} /etc/resolv.conf || exit 125\n\
             SSL_CERT_FILE={} exec \"$@\"\n",
            resolver.display(),
            trusted.display()
        );
        let script = self.folder.write("on-a-pc", script);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(script, executable).expect("a file of our own");
    }

    /// Writes a file that lives as long as the lab.
    pub fn keeps(&self, name: &str, content: &str) -> std::path::PathBuf {
        self.folder.write(name, content)
    }

    /// What comes in front of a command that runs on a PC, 1 or 2: there it has the lab's resolver and
    /// trusts the lab's authority. The program that is started is the command itself.
    pub fn on_pc(&self, number: usize) -> Vec<String> {
        let namespace = self.pc(number).path();
        let script = self.folder.path().join("on-a-pc");
        [
            "nsenter".to_owned(),
            format!("--net={}", namespace.display()),
            "unshare".to_owned(),
            "--mount".to_owned(),
            script.display().to_string(),
        ]
        .into()
    }

    /// The same for a program without any rights, such as to send packets of its own making.
    pub fn on_pc_without_rights(&self, number: usize) -> Vec<String> {
        let none = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
        let mut within = self.on_pc(number);
        within.extend(none.map(str::to_owned));
        within
    }

    /// Also programs without rights may send echoes from the PCs. Without this the kernel lets none.
    pub fn everybody_may_ping(&self) {
        // Root's group is all that a user namespace knows.
        for pc in &self.network.pcs {
            said(pc.set("net.ipv4.ping_group_range", "0 0"));
        }
    }

    /// A command that runs on a PC.
    pub fn command_on_pc(&self, number: usize, program: &str) -> Command {
        let within = self.on_pc(number);
        let mut command = Command::new(&within[0]);
        command.args(&within[1..]).arg(program);
        command
    }

    /// The namespace of a PC, 1 or 2.
    pub fn pc(&self, number: usize) -> &Namespace {
        &self.network.pcs[number - 1]
    }

    /// All namespaces, for what has no word of its own here.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Moves this thread, and the programs it starts, into the world: that is where a collector belongs,
    /// listening on [`crate::network::COLLECTOR`].
    pub fn in_the_world(&self) -> Inside {
        self.network
            .world
            .visit()
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// From the gateway to the provider.
    pub fn line(&self) -> &Link {
        &self.network.line
    }

    /// Inside the provider's network.
    pub fn isp(&self) -> &Link {
        &self.network.isp
    }

    /// From the provider to the world.
    pub fn core(&self) -> &Link {
        &self.network.core
    }

    /// The cable of PC 1 is pulled out of the switch: no carrier.
    pub fn cable_out(&self) {
        said(self.network.switch.ip("link set port-1 down"));
    }

    /// And put back.
    pub fn cable_in(&self) {
        said(self.network.switch.ip("link set port-1 up"));
    }

    /// The gateway does not answer any more; the switch still gives the PCs a carrier.
    pub fn gateway_dies(&self) {
        said(self.network.gateway.ip("link set lan0 down"));
    }

    /// Until somebody switches it off and on.
    pub fn gateway_lives(&self) {
        said(self.network.gateway.ip("link set lan0 up"));
    }

    /// A router does not say any more that it dropped a packet for its TTL: it is silent in traces, and
    /// forwards as before.
    pub fn hides(&self, router: &Namespace) {
        self.answers_traces(router, &["icmp type time-exceeded drop"]);
    }

    /// A router says so at most this often a second.
    pub fn hides_above(&self, router: &Namespace, each_second: u32) {
        let rule = format!("icmp type time-exceeded limit rate over {each_second}/second drop");
        self.answers_traces(router, &[&rule]);
    }

    /// A router says so as often as its kernel lets it.
    pub fn shows(&self, router: &Namespace) {
        self.answers_traces(router, &[]);
    }

    fn answers_traces(&self, router: &Namespace, rules: &[&str]) {
        let hook = "type filter hook output priority 0";
        said(router.filter("traces", hook, rules));
    }

    /// Sends packets to the world another way.
    pub fn route(&self, route: Route) {
        said(self.network.route(route));
    }

    /// The resolver that the PCs are told to use.
    pub fn resolver(&self) -> &Resolver {
        &self.servers.isp_resolver
    }

    /// 1.1.1.1 and 8.8.8.8.
    pub fn public_resolvers(&self) -> &[Resolver; 2] {
        &self.servers.public_resolvers
    }

    /// Gives a name these addresses, at all resolvers; none is also possible.
    pub fn name(&self, name: &str, addresses: &[Ipv4Addr]) {
        let mut names = self
            .servers
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        names.insert(name.to_owned(), addresses.to_vec());
    }

    /// The national portal, `https://dichvucong.gov.vn/`.
    pub fn portal(&self) -> &Portal {
        &self.servers.portals[0]
    }

    /// All portals, in the order of [`PORTALS`].
    pub fn portals(&self) -> &[Portal; PORTALS.len()] {
        &self.servers.portals
    }

    /// The login page of the gateway.
    pub fn captive_portal(&self) -> &Captive {
        &self.servers.captive
    }

    /// For `SSL_CERT_FILE`, and for clients of a test's own.
    pub fn authority_pem(&self) -> String {
        self.servers.authority.pem()
    }

    /// The links, from near to far.
    fn links(&self) -> [&Link; 3] {
        [self.line(), self.isp(), self.core()]
    }

    /// All links start to count anew.
    pub fn forget(&self) {
        self.links().into_iter().for_each(Link::forget);
    }

    /// What the links did to each echo that an address was asked since they last forgot: the time they
    /// took of its round trip, or nothing where they lost it or its reply. In the order of sending.
    /// An echo that is asked twice, with the same identifier and sequence number, counts as one.
    pub fn echoes_to(&self, asked: Ipv4Addr) -> Vec<Option<Duration>> {
        let ways: Vec<Truth> = self
            .links()
            .iter()
            .flat_map(|link| [link.truth_up(), link.truth_down()])
            .collect();
        let of = |truth: &Truth, way| -> Vec<Echo> {
            let wanted = |echo: &&Echo| echo.asked == asked && echo.way == way;
            truth.echoes.iter().filter(wanted).cloned().collect()
        };
        let mut sent = of(&ways[0], Way::Request);
        sent.dedup_by_key(|echo| (echo.asking, echo.identifier, echo.sequence));
        sent.iter().map(|one| round_trip(one, &ways)).collect()
    }
}

/// The time that an echo spent on all links, unless one of them lost it.
fn round_trip(sent: &Echo, ways: &[Truth]) -> Option<Duration> {
    let is_it = |echo: &&Echo| {
        (echo.asking, echo.asked, echo.identifier, echo.sequence)
            == (sent.asking, sent.asked, sent.identifier, sent.sequence)
    };
    let mut sum = Duration::ZERO;
    let mut came_back = false;
    for truth in ways {
        let Some(echo) = truth.echoes.iter().find(is_it) else {
            continue;
        };
        match echo.fate {
            Fate::Arrived(after) => sum += after,
            _ => return None,
        }
        came_back |= echo.way == Way::Reply;
    }
    came_back.then_some(sum)
}

/// What cannot be done to a lab that stands is a mistake of its test.
#[track_caller]
fn said(done: Result<(), String>) {
    if let Err(error) = done {
        panic!("{error}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut text = format!("the dice: {SEED}={}\n", self.seed);
        for (name, link) in ["line", "isp", "core"].iter().zip(self.links()) {
            for (way, mut truth) in [("up", link.truth_up()), ("down", link.truth_down())] {
                truth.echoes.clear();
                let _ = writeln!(text, "{name} {way}: {truth:?}");
            }
        }
        eprintln!("{text}");
    }
}

/// The right to have a lab.
#[derive(Debug)]
struct Turn;

static TAKEN: Mutex<bool> = Mutex::new(false);
static GIVEN_BACK: Condvar = Condvar::new();

impl Turn {
    fn taken() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = GIVEN_BACK
            .wait_while(taken, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        *taken = true;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = false;
        GIVEN_BACK.notify_one();
    }
}
