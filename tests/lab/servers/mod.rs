//! Real servers in the namespaces of the lab, whose behaviour can be changed while they run.
//!
//! [`resolver`]: hickory, over UDP and TCP · [`portal`]: rustls and hyper · [`captive`]: the login page of a
//! gateway that lets nobody out · [`authority`]: whose certificates they show. Each namespace has one
//! thread with a runtime of its own, because a socket belongs to the namespace its thread is in when it
//! is opened.

pub mod authority;
pub mod captive;
pub mod portal;
pub mod resolver;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use crate::network::{self, ANCHORS, GATEWAY, ISP_RESOLVER, Namespace, Network};
use authority::Authority;
use captive::Captive;
use portal::Portal;
use resolver::Resolver;

/// The names of the portals: those of the usual plan.
pub const PORTALS: [&str; 3] = [
    "dichvucong.gov.vn",
    "xacthuc.dichvucong.gov.vn",
    "vneid.gov.vn",
];

/// Which addresses a name has; of no entry nobody knows.
pub type Names = Arc<Mutex<BTreeMap<String, Vec<Ipv4Addr>>>>;

/// All servers of a lab; they end with it.
#[derive(Debug)]
pub struct Servers {
    threads: Vec<Serving>,
    pub names: Names,
    pub isp_resolver: Resolver,
    pub public_resolvers: [Resolver; 2],
    pub portals: [Portal; 3],
    pub captive: Captive,
    pub authority: Authority,
}

impl Servers {
    /// Starts them all, at their best behaviour.
    pub fn start(network: &Network) -> Result<Self, String> {
        let authority = Authority::new("Dawnwatch lab authority")?;
        let portals = PORTALS.iter().zip(network::PORTALS);
        let names: BTreeMap<_, _> = portals
            .clone()
            .map(|(name, address)| ((*name).to_owned(), vec![address]))
            .collect();
        let names = Arc::new(Mutex::new(names));
        let resolver = |address, at: &Namespace| Resolver::new(address, at, &names);
        let world = &network.world;
        let made: Result<Vec<_>, String> = portals
            .map(|(name, address)| Portal::new(name, address, world, &authority))
            .collect();
        let made = <[Portal; 3]>::try_from(made?);
        let portals = made.map_err(|_| "three portals have three names".to_owned())?;
        let mut servers = Self {
            threads: Vec::new(),
            isp_resolver: resolver(ISP_RESOLVER, &network.isp_2),
            public_resolvers: ANCHORS.map(|address| resolver(address, world)),
            captive: Captive::new(&network.gateway, GATEWAY)?,
            portals,
            names,
            authority,
        };
        servers.serve(network)?;
        Ok(servers)
    }

    fn serve(&mut self, network: &Network) -> Result<(), String> {
        let isp_resolver = self.isp_resolver.clone();
        let at_isp_2 = Serving::start(&network.isp_2, async move |done| {
            isp_resolver.serve(done).await
        })?;
        let (resolvers, portals) = (self.public_resolvers.clone(), self.portals.clone());
        let in_the_world = Serving::start(&network.world, async move |done| {
            for resolver in resolvers {
                resolver.serve(done.clone()).await?;
            }
            for portal in portals {
                portal.serve().await?;
            }
            Ok(())
        })?;
        let captive = self.captive.clone();
        let at_the_gateway =
            Serving::start(&network.gateway, async move |_| captive.serve().await)?;
        self.threads
            .extend([at_isp_2, in_the_world, at_the_gateway]);
        Ok(())
    }
}

/// A thread that is in a namespace, with a runtime.
#[derive(Debug)]
struct Serving {
    done: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Opens what `open` opens, and lets what it spawned run until dropped.
    fn start(
        namespace: &Namespace,
        open: impl AsyncFnOnce(CancellationToken) -> std::io::Result<()> + Send + 'static,
    ) -> Result<Self, String> {
        let done = CancellationToken::new();
        let (tell, told) = std::sync::mpsc::channel();
        let (namespace, ending) = (namespace.clone(), done.clone());
        let thread = std::thread::spawn(move || {
            let runtime = namespace.enter().and_then(|()| {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                let built = runtime.enable_all().build();
                built.map_err(|error| format!("no runtime: {error}"))
            });
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            runtime.block_on(async {
                let opened = open(ending.clone()).await;
                let opened = opened.map_err(|error| format!("a server does not start: {error}"));
                // Nobody listens when the lab was given up meanwhile.
                let _ = tell.send(opened);
                ending.cancelled().await;
            });
        });
        let serving = Self {
            done,
            thread: Some(thread),
        };
        match told.recv() {
            Ok(opened) => opened.map(|()| serving),
            Err(_) => Err("the thread of a server has panicked".to_owned()),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.done.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the thread of a server has panicked");
        }
    }
}

/// How the outside finds a server at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// It is there.
    Open,
    /// Its machine says that nobody listens there.
    Closed,
    /// Its machine does not say a word.
    Gone,
}

/// Opens or closes the ports of an address; `ports` is what `dport` takes.
fn set_door(at: &Namespace, address: Ipv4Addr, ports: &str, door: Door) -> Result<(), String> {
    let rule = |protocol: &str, verdict: &str| {
        format!("ip daddr {address} {protocol} dport {ports} {verdict}")
    };
    let rules = match door {
        Door::Open => Vec::new(),
        Door::Closed => vec![
            rule("tcp", "reject with tcp reset"),
            rule("udp", "reject with icmp port-unreachable"),
        ],
        Door::Gone => vec![rule("tcp", "drop"), rule("udp", "drop")],
    };
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let table = format!("door_{}", address.to_string().replace('.', "_"));
    at.filter(&table, "type filter hook input priority 0", &rules)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
