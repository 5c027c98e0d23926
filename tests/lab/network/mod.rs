//! The namespaces of the lab, their cables, addresses and routes. The picture is in `main.rs`.

mod namespace;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

pub use namespace::{Inside, Namespace};

use crate::emulator::Link;
use crate::harness::skip::program;

/// Of the centre's network, all its PCs' way out.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// The centre's PCs.
pub const PCS: [Ipv4Addr; 2] = [
    Ipv4Addr::new(192, 168, 1, 11),
    Ipv4Addr::new(192, 168, 1, 12),
];
/// The first hop beyond the gateway: where the line ends at the provider's.
pub const ISP_1: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
/// The second: the provider's core.
pub const ISP_2: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
/// The second hop of the other way through the provider's network.
pub const DETOUR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 6);
/// The provider's resolver, which the PCs are told to use. In the provider's core.
pub const ISP_RESOLVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 53);
/// Public resolvers, the anchors of the usual plan.
pub const ANCHORS: [Ipv4Addr; 2] = [Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(8, 8, 8, 8)];
/// The portals' addresses, in the order of [`crate::servers::PORTALS`].
pub const PORTALS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(192, 0, 2, 10),
    Ipv4Addr::new(192, 0, 2, 11),
    Ipv4Addr::new(192, 0, 2, 12),
];
/// Where a collector may listen.
pub const COLLECTOR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);

/// All of it. What is declared first is taken away first.
#[derive(Debug)]
pub struct Network {
    pub line: Link,
    pub isp: Link,
    pub core: Link,
    pub pcs: [Namespace; 2],
    pub switch: Namespace,
    pub gateway: Namespace,
    pub isp_1: Namespace,
    pub isp_2: Namespace,
    pub detour: Namespace,
    pub world: Namespace,
}

/// Which way packets to the world take through the provider's network. Those from the world always come
/// the usual way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Over isp-2.
    Usual,
    /// Over the detour.
    Detour,
    /// Over either, chosen by addresses and ports, so that a flow keeps its way.
    Balanced,
}

impl Network {
    /// Builds it. An error where that is not allowed or not possible.
    pub fn build(seed: u64) -> Result<Self, String> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        for name in ["ip", "nft"] {
            program(name)?;
        }
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root: see test.sh for how to do without".into());
        }
        let lab = COUNTER.fetch_add(1, Ordering::Relaxed);
        let named = |role: &str| {
            let name = format!("dw-lab-{lab}-{role}-{}", std::process::id());
            Namespace::new(name)
        };
        let [gateway, isp_1, isp_2] = [named("gateway")?, named("isp-1")?, named("isp-2")?];
        let [detour, world] = [named("detour")?, named("world")?];
        let network = Self {
            line: Link::between("line", &gateway, &isp_1, seed)?,
            isp: Link::between("isp", &isp_1, &isp_2, seed.wrapping_add(1))?,
            core: Link::between("core", &isp_2, &world, seed.wrapping_add(2))?,
            pcs: [named("pc-1")?, named("pc-2")?],
            switch: named("switch")?,
            gateway,
            isp_1,
            isp_2,
            detour,
            world,
        };
        network.centre()?;
        network.provider()?;
        network.outside()?;
        network.route(Route::Usual)?;
        Ok(network)
    }

    /// PCs, switch and the gateway's near side.
    fn centre(&self) -> Result<(), String> {
        let switch = &self.switch;
        switch.ips(&["link add br0 type bridge", "link set br0 up"])?;
        let pcs = self.pcs.iter().zip(PCS).enumerate();
        let pcs = pcs.map(|(index, (pc, address))| (index + 1, pc, "eth0", address));
        for (port, namespace, device, address) in pcs.chain([(0, &self.gateway, "lan0", GATEWAY)]) {
            let name = namespace.name();
            switch.ips(&[
                format!("link add port-{port} type veth peer name {device} netns {name}"),
                format!("link set port-{port} master br0"),
                format!("link set port-{port} up"),
            ])?;
            namespace.ips(&[
                format!("address add {address}/24 dev {device}"),
                format!("link set {device} up"),
            ])?;
        }
        for pc in &self.pcs {
            pc.ip(&format!("route add default via {GATEWAY}"))?;
        }
        Ok(())
    }

    /// From the gateway's far side to the provider's core.
    fn provider(&self) -> Result<(), String> {
        let routers = [&self.gateway, &self.isp_1, &self.isp_2, &self.detour];
        for router in routers {
            router.set("net.ipv4.ip_forward", "1")?;
            // Else they would tell hosts of a network of a better way; nobody here is to take it.
            router.set("net.ipv4.conf.all.send_redirects", "0")?;
        }
        self.gateway.ips(&[
            "address add 100.64.0.2/30 dev line",
            "link set line up",
            "route add default via 100.64.0.1",
        ])?;
        let detour = self.detour.name();
        self.isp_1.ips(&[
            "address add 100.64.0.1/30 dev line",
            "link set line up",
            "route add 192.168.1.0/24 via 100.64.0.2",
            "address add 203.0.113.1/30 dev isp",
            "link set isp up",
            &format!("link add detour type veth peer name isp netns {detour}"),
            "address add 203.0.113.5/30 dev detour",
            "link set detour up",
        ])?;
        self.isp_2.ips(&[
            "address add 203.0.113.2/30 dev isp",
            "link set isp up",
            "address add 198.51.100.1/30 dev core",
            "link set core up",
            &format!("address add {ISP_RESOLVER}/32 dev lo"),
            "route add default via 198.51.100.2",
            "route add 203.0.113.4/30 via 203.0.113.1",
            "route add 100.64.0.0/30 via 203.0.113.1",
            "route add 192.168.1.0/24 via 203.0.113.1",
        ])?;
        let world = self.world.name();
        self.detour.ips(&[
            "address add 203.0.113.6/30 dev isp",
            "link set isp up",
            &format!("link add world type veth peer name detour netns {world}"),
            "address add 198.51.100.5/30 dev world",
            "link set world up",
            "route add default via 198.51.100.6",
            "route add 100.64.0.0/30 via 203.0.113.5",
            "route add 192.168.1.0/24 via 203.0.113.5",
            &format!("route add {ISP_RESOLVER}/32 via 203.0.113.5"),
        ])
    }

    /// The world, which has every address that somebody is to be found at.
    fn outside(&self) -> Result<(), String> {
        self.world.ips(&[
            "address add 198.51.100.2/30 dev core",
            "link set core up",
            "route add default via 198.51.100.1",
            "address add 198.51.100.6/30 dev detour",
            "link set detour up",
        ])?;
        let everybody = ANCHORS.iter().chain(&PORTALS).chain([&COLLECTOR]);
        let add = |address| format!("address add {address}/32 dev lo");
        self.world.ips(&everybody.map(add).collect::<Vec<_>>())
    }

    /// Sends packets to the world another way.
    pub fn route(&self, route: Route) -> Result<(), String> {
        let (isp, detour) = ("via 203.0.113.2 dev isp", "via 203.0.113.6 dev detour");
        let isp_1 = &self.isp_1;
        isp_1.set("net.ipv4.fib_multipath_hash_policy", "1")?;
        isp_1.ip(&format!("route replace {ISP_RESOLVER}/32 {isp}"))?;
        isp_1.ip(&match route {
            Route::Usual => format!("route replace default {isp}"),
            Route::Detour => format!("route replace default {detour}"),
            Route::Balanced => format!("route replace default nexthop {isp} nexthop {detour}"),
        })
    }
}
