//! One more centre of the lab, with machines of its own behind a line of its own.
//!
//! ```text
//!  pc-1, pc-2 … ─ switch ─ gateway ════ line ════ a provider's router
//!  10.20.N.11 …             10.20.N.1   100.64.N.0/30: gateway .2, provider .1
//! ```
//!
//! What can go wrong here goes wrong for this centre alone.

use std::process::Command;

use crate::Lab;
use crate::emulator::Link;
use crate::harness::{Agent, Collector};
use crate::network::{ISP_RESOLVER, Namespace};

/// A device has the same name at both ends of a line, and a provider's router has many lines.
const LINES: [&str; 16] = [
    "line-0", "line-1", "line-2", "line-3", "line-4", "line-5", "line-6", "line-7", "line-8",
    "line-9", "line-10", "line-11", "line-12", "line-13", "line-14", "line-15",
];

/// A centre. What is declared first is taken away first.
#[derive(Debug)]
pub struct Branch {
    pub id: &'static str,
    pub agents: Vec<Agent>,
    pub line: Link,
    number: usize,
    pcs: Vec<Namespace>,
    switch: Namespace,
    gateway: Namespace,
    /// What a program of a PC stands behind, by PC.
    within: Vec<Vec<String>>,
}

/// A router of a provider that lines end at, and by which address the provider's core reaches it.
#[derive(Debug, Clone, Copy)]
pub struct Provider<'lab> {
    pub router: &'lab Namespace,
    pub address: &'lab str,
}

impl Branch {
    /// A centre with so many PCs.
    pub fn new(
        lab: &Lab,
        (id, number): (&'static str, usize),
        pcs: usize,
        provider: Provider<'_>,
    ) -> Result<Self, String> {
        let named = |role: &str| {
            let name = format!("dw-town-{number}-{role}-{}", std::process::id());
            Namespace::new(name)
        };
        let (switch, gateway) = (named("switch")?, named("gateway")?);
        let name = LINES.get(number).ok_or("too many centres")?;
        let line = Link::between(name, &gateway, provider.router, number as u64)?;
        let all = (1..=pcs).map(|pc| named(&format!("pc-{pc}")));
        let branch = Self {
            id,
            agents: Vec::new(),
            line,
            number,
            pcs: all.collect::<Result<_, _>>()?,
            switch,
            gateway,
            within: Vec::new(),
        };
        branch.wire(name)?;
        branch.route(lab, name, provider)?;
        Ok(branch.behind(lab))
    }

    /// PCs, switch and gateway.
    fn wire(&self, line: &str) -> Result<(), String> {
        let number = self.number;
        let switch = &self.switch;
        switch.ips(&["link add br0 type bridge", "link set br0 up"])?;
        let pcs = self.pcs.iter().enumerate();
        let pcs = pcs.map(|(at, pc)| (at + 1, pc, "eth0", at + 11));
        for (port, namespace, device, host) in pcs.chain([(0, &self.gateway, "lan0", 1)]) {
            let name = namespace.name();
            switch.ips(&[
                format!("link add port-{port} type veth peer name {device} netns {name}"),
                format!("link set port-{port} master br0"),
                format!("link set port-{port} up"),
            ])?;
            namespace.ips(&[
                format!("address add 10.20.{number}.{host}/24 dev {device}"),
                format!("link set {device} up"),
            ])?;
        }
        for pc in &self.pcs {
            pc.ip(&format!("route add default via 10.20.{number}.1"))?;
        }
        self.gateway.set("net.ipv4.ip_forward", "1")?;
        self.gateway.ips(&[
            format!("address add 100.64.{number}.2/30 dev {line}"),
            format!("link set {line} up"),
            format!("route add default via 100.64.{number}.1"),
        ])
    }

    /// The provider knows the way here.
    fn route(&self, lab: &Lab, line: &str, provider: Provider<'_>) -> Result<(), String> {
        let (number, address) = (self.number, provider.address);
        provider.router.ips(&[
            format!("address add 100.64.{number}.1/30 dev {line}"),
            format!("link set {line} up"),
            format!("route add 10.20.{number}.0/24 via 100.64.{number}.2"),
        ])?;
        lab.network().isp_2.ips(&[
            format!("route add 10.20.{number}.0/24 via {address}"),
            format!("route add 100.64.{number}.0/30 via {address}"),
        ])
    }

    fn behind(mut self, lab: &Lab) -> Self {
        let within = |pc: &Namespace| {
            let mut within = lab.on_pc(1);
            within[1] = format!("--net={}", pc.path().display());
            within
        };
        self.within = self.pcs.iter().map(within).collect();
        self
    }

    /// An agent on each PC, enrolled and running.
    pub async fn staff(&mut self, collector: &Collector) {
        for (at, within) in self.within.iter().enumerate() {
            let name = format!("pc-{}", at + 1);
            let token = collector.token_with(self.id, &["--device", &name]).await;
            let mut agent = Agent::installed_within(within);
            agent.enrol(collector, &token, &[]).await.succeeded();
            agent.run();
            self.agents.push(agent);
        }
    }

    /// The cable of PC 1 is out of the switch, or in.
    pub fn cable(&self, is_in: bool) {
        self.set(&self.switch, "port-1", is_in);
    }

    /// The switch is without power, or has it: no machine has a link, nor has the router.
    pub fn switch(&self, works: bool) {
        for port in 0..=self.pcs.len() {
            self.set(&self.switch, &format!("port-{port}"), works);
        }
    }

    /// The gateway is dead to the centre and to the line, or lives.
    pub fn gateway(&self, lives: bool) {
        self.set(&self.gateway, "lan0", lives);
        self.forwards(lives);
    }

    fn forwards(&self, lives: bool) {
        if lives {
            self.line.heal();
        } else {
            self.line.cut();
        }
    }

    /// Questions to the resolver the centre depends on are answered, or nothing comes back.
    pub fn resolver(&self, answers: bool) {
        let rule = format!("ip daddr {ISP_RESOLVER} udp dport 53 drop");
        let tcp = format!("ip daddr {ISP_RESOLVER} tcp dport 53 drop");
        let rules: &[&str] = if answers { &[] } else { &[&rule, &tcp] };
        let hook = "type filter hook forward priority 0";
        self.gateway.filter("resolver", hook, rules).unwrap();
    }

    /// All power is gone: machines stop where they are, and the router with them.
    pub fn power_is_cut(&mut self) {
        // First of all: what dies says no word more.
        self.gateway(false);
        self.agents.iter_mut().for_each(Agent::kill);
    }

    /// It is back: machines start in a boot that began just now.
    pub fn power_is_back(&mut self, lab: &Lab) {
        self.gateway(true);
        for (within, agent) in self.within.iter().zip(&mut self.agents) {
            agent.run_as(&mut booted(lab, within, agent));
        }
    }

    fn set(&self, namespace: &Namespace, device: &str, up: bool) {
        namespace
            .ip(&format!("link set {device} {}", word(up)))
            .unwrap();
    }
}

const fn word(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// The command of an agent for which the machine has just started: its boot has another name, and its clock
/// since the boot, which a time namespace sets back, is short.
fn booted(lab: &Lab, within: &[String], agent: &Agent) -> Command {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
    let name = lab.keeps("boot_id", &name);
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    // A little is left: it has to be more than nothing.
    #[allow(clippy::cast_possible_truncation, reason = "years at most")]
    let back = (uptime - 2.0).max(0.0) as i64;
    let script = format!(
        "mount --bind {} /proc/sys/kernel/random/boot_id && \
         exec unshare --time --monotonic -{back} --boottime -{back} \"$@\"",
        name.display()
    );
    let mut command = Command::new(&within[0]);
    command.args(&within[1..]).args(["sh", "-c", &script, "sh"]);
    command.arg(crate::harness::binaries::agent().get_program());
    command.args(["run", "--data"]).arg(agent.data());
    command
}
