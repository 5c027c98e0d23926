//! Scouts of a real registry: who gets which devices to ask, and who takes over when.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use jiff::Timestamp;
use proto::plan::{Kind, Secret, Security, Snmp};
use tokio::task::JoinHandle;

use super::*;
use crate::config::Config;
use crate::directory::Directory;
use crate::latest::Latest;
use crate::metrics::own::Own;
use crate::plans::{GATHER, Newcomer, Planned, Plans};
use crate::registry::{Agent, Approval, LostKey, NewDevice, Registry, fixture};

/// Longer than a scout may be gone without a word.
const LONG: Duration = Duration::from_secs(40);

/// A collector's part that has to do with scouts, and the agents of Công Sơn.
struct World {
    _folder: Arc<tempfile::TempDir>,
    registry: Registry,
    directory: Arc<Directory>,
    scouts: Arc<Scouts>,
    plans: Arc<Plans>,
    agents: Vec<Agent>,
    chooser: JoinHandle<()>,
}

impl World {
    /// With one printer, these settings of plans, and so many agents that are not connected.
    async fn with(agents: u8, settings: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let (registry, first) = fixture::with_one_agent(folder.path()).await;
        let mut all = vec![first];
        for number in 1..agents {
            all.push(fixture::another_agent(&registry, number).await);
        }
        set_community(&registry, "public").await;
        registry
            .add_device(printer("printer"), Timestamp::now())
            .await
            .unwrap();
        Self::start(folder, registry, all, settings).await
    }

    async fn new() -> Self {
        Self::with(2, "").await
    }

    async fn start(
        folder: Arc<tempfile::TempDir>,
        registry: Registry,
        agents: Vec<Agent>,
        settings: &str,
    ) -> Self {
        let settings = format!("[plan]\nusual = false\n{settings}");
        let plan = Config::parse("c.toml", &settings).unwrap().plan;
        let own = Arc::new(Own::new(Timestamp::now()).unwrap());
        let latest = Arc::new(Latest::under(&plan));
        let directory = Directory::read(registry.clone(), latest, Arc::clone(&own)).await;
        let directory = Arc::new(directory.unwrap());
        let scouts = Scouts::new(&plan, registry.terms().await.unwrap());
        let plans = Plans::new(plan, Arc::clone(&scouts));
        let (of, with) = (Arc::clone(&scouts), Arc::clone(&plans));
        let chooser = Chooser::new(of, with, registry.clone(), &directory, own);
        Self {
            _folder: folder,
            registry,
            directory,
            scouts,
            plans,
            agents,
            chooser: tokio::spawn(chooser.run()),
        }
    }

    /// The collector is started again.
    async fn restart(self) -> Self {
        self.chooser.abort();
        let _ = self.chooser.await;
        let (folder, agents) = (self._folder, self.agents);
        Self::start(folder, self.registry, agents, "").await
    }

    fn connect(&self, number: usize, held: u64) -> Planned {
        let addresses = [format!("10.0.0.{}", number + 1)];
        let newcomer = Newcomer {
            addresses: &addresses,
            can_scout: true,
            held,
        };
        self.plans.connected(&self.agents[number], newcomer)
    }

    /// Waits until this agent is the scout, or nobody; fails when it takes longer.
    async fn scout_is(&self, number: Option<usize>, within: Duration) {
        let centre = &self.agents[0].centre;
        let expected = number.map(|number| &self.agents[number].device);
        let mut asking = self.scouts.asking();
        let is_it = |all: &Arc<HashMap<CentreId, Asking>>| {
            all.get(centre).and_then(|asking| asking.scout.as_ref()) == expected
        };
        let waited = tokio::time::timeout(within, asking.wait_for(is_it)).await;
        assert!(
            waited.is_ok(),
            "{expected:?}: {:?}",
            self.scouts.asking().borrow()
        );
    }

    async fn changed(&self) {
        self.directory.refresh().await.unwrap();
    }
}

fn printer(name: &str) -> NewDevice {
    NewDevice {
        centre: "cong-son".parse().unwrap(),
        device: name.parse().unwrap(),
        kind: Kind::Printer,
        address: "10.0.0.200".parse().unwrap(),
        credential: Some("shared".into()),
        ipp: None,
        serial: None,
        mac: None,
    }
}

fn community(text: &str) -> Snmp {
    let security = Security::V2c {
        community: Secret(text.into()),
    };
    Snmp {
        port: Snmp::PORT,
        security,
    }
}

async fn set_community(registry: &Registry, text: &str) {
    let at = Timestamp::now();
    let set = registry.set_credential("shared".into(), None, community(text), at, LostKey::Refuse);
    set.await.unwrap();
}

/// The next plan that an agent is told, which must come at once.
async fn told(planned: &mut Planned) -> Plan {
    let next = tokio::time::timeout(Duration::from_secs(1), planned.next());
    next.await.unwrap()
}

fn asked(plan: &Plan) -> Vec<&str> {
    let devices = plan.devices.iter();
    devices.map(|device| device.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_scout_alone_is_given_devices_and_secrets() {
    let world = World::new().await;
    let mut first = world.connect(0, 0);
    let mut second = world.connect(1, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let plan = told(&mut first).await;
    assert_eq!(asked(&plan), ["printer"]);
    assert_eq!(plan.devices[0].snmp, Some(community("public")));
    assert_eq!(plan.validate(), Ok(()));
    assert!(told(&mut second).await.devices.is_empty());
    let unread = tokio::time::timeout(Duration::from_secs(10), second.next());
    assert!(unread.await.is_err(), "nothing of it is for others");
}

#[tokio::test(start_paused = true)]
async fn no_serial_number_makes_a_plan_that_agents_refuse() {
    let world = World::with(1, "").await;
    let hostile = NewDevice {
        serial: Some("S\u{1b}[2J".into()),
        ..printer("hostile")
    };
    let added = world.registry.add_device(hostile, Timestamp::now()).await;
    added.unwrap();
    world.changed().await;
    let mut scout = world.connect(0, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let plan = told(&mut scout).await;
    assert_eq!(asked(&plan), ["hostile", "printer"]);
    assert_eq!(plan.validate(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn other_devices_and_secrets_are_told_at_once() {
    let world = World::with(1, "").await;
    let mut scout = world.connect(0, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let plan = told(&mut scout).await;
    set_community(&world.registry, "another").await;
    world.changed().await;
    let other = told(&mut scout).await;
    assert_eq!(other.devices[0].snmp, Some(community("another")));
    assert_ne!(other.version, plan.version);
    let at = Timestamp::now();
    world
        .registry
        .add_device(printer("second"), at)
        .await
        .unwrap();
    world.changed().await;
    assert_eq!(asked(&told(&mut scout).await), ["printer", "second"]);
    for device in ["printer", "second"] {
        let (centre, device) = ("cong-son".parse().unwrap(), device.parse().unwrap());
        world.registry.ignore(centre, device, at).await.unwrap();
    }
    world.changed().await;
    assert!(told(&mut scout).await.devices.is_empty());
    world.scout_is(None, Duration::from_secs(1)).await;
    let again = Approval::default();
    let (centre, device) = ("cong-son".parse().unwrap(), "printer".parse().unwrap());
    let approved = world.registry.approve(centre, device, again, at).await;
    approved.unwrap();
    world.changed().await;
    assert_eq!(asked(&told(&mut scout).await), ["printer"]);
}

#[tokio::test(start_paused = true)]
async fn who_says_goodbye_is_followed_at_once_and_who_is_silent_after_a_while() {
    let world = World::new().await;
    let first = world.connect(0, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let mut second = world.connect(1, 0);
    let _ = told(&mut second).await;
    first.goodbye();
    drop(first);
    world.scout_is(Some(1), Duration::from_secs(1)).await;
    assert_eq!(asked(&told(&mut second).await), ["printer"]);
    // It stays, although the other one is back.
    let _first = world.connect(0, 0);
    let held = second.plan().version;
    drop(second);
    tokio::time::sleep(PATIENCE / 2).await;
    let second = world.connect(1, held);
    tokio::time::sleep(LONG).await;
    world.scout_is(Some(1), Duration::ZERO).await;
    drop(second);
    let began = tokio::time::Instant::now();
    world.scout_is(Some(0), LONG).await;
    assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
    let centre = &world.agents[0].centre;
    let holds = |number: usize, at: Timestamp| {
        let agent = &world.agents[number].id;
        world.scouts.holds(agent, centre, at.as_millisecond())
    };
    assert!(holds(0, Timestamp::now()) && !holds(1, Timestamp::now()));
}

#[tokio::test(start_paused = true)]
async fn a_short_interval_makes_for_short_patience() {
    let world = World::with(2, "device_interval = '2s'").await;
    let first = world.connect(0, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let _second = world.connect(1, 0);
    drop(first);
    world.scout_is(Some(1), Duration::from_secs(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_changes_no_scout_that_comes_back() {
    let world = World::new().await;
    let mut second = world.connect(1, 0);
    world.scout_is(Some(1), Duration::from_secs(1)).await;
    let plan = told(&mut second).await;
    drop(second);
    let world = world.restart().await;
    let _first = world.connect(0, 0);
    tokio::time::sleep(GATHER / 2).await;
    world.scout_is(Some(1), Duration::ZERO).await;
    let mut second = world.connect(1, plan.version);
    tokio::time::sleep(GATHER).await;
    world.scout_is(Some(1), Duration::ZERO).await;
    // Told of its neighbour by now, and of nothing that it has to do otherwise.
    let same = told(&mut second).await;
    assert_eq!(same.devices, plan.devices);
    drop(second);
    let world = world.restart().await;
    let _first = world.connect(0, 0);
    tokio::time::sleep(GATHER - Duration::from_secs(1)).await;
    world.scout_is(Some(1), Duration::ZERO).await;
    world.scout_is(Some(0), Duration::from_secs(2)).await;
    let terms = world.registry.terms().await.unwrap();
    let open: Vec<_> = terms.iter().filter(|term| term.until.is_none()).collect();
    assert_eq!((terms.len(), open.len()), (2, 1));
    assert_eq!(open[0].agent, world.agents[0].id);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_scout_is_followed_at_once() {
    let world = World::new().await;
    let _first = world.connect(0, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let revoked = world.agents[0].id.clone();
    world
        .registry
        .revoke(revoked.clone(), Timestamp::now())
        .await
        .unwrap();
    world.changed().await;
    world.scout_is(None, Duration::from_secs(1)).await;
    let _second = world.connect(1, 0);
    world.scout_is(Some(1), Duration::from_secs(1)).await;
    assert!(!world.scouts.is_scout(&revoked, &world.agents[0].centre));
}

#[tokio::test(start_paused = true)]
async fn whoever_looks_for_devices_is_given_the_credentials_of_its_centre() {
    let world = World::with(1, "").await;
    let at = Timestamp::now();
    let elsewhere = crate::registry::Centre::named("binh-gia".parse().unwrap(), "Bình Gia");
    world
        .registry
        .import_centres(vec![elsewhere])
        .await
        .unwrap();
    for (name, centre) in [("zz-own", "cong-son"), ("foreign", "binh-gia")] {
        let centre = Some(centre.parse().unwrap());
        let set = world.registry.set_credential(
            name.into(),
            centre,
            community(name),
            at,
            LostKey::Refuse,
        );
        set.await.unwrap();
    }
    let World {
        _folder: folder,
        registry,
        agents,
        ..
    } = world;
    let (centre, device) = ("cong-son".parse().unwrap(), "printer".parse().unwrap());
    registry.remove_device(centre, device, at).await.unwrap();
    let looking = "discovery_interval = '1h'";
    let world = World::start(folder, registry, agents, looking).await;
    let mut scout = world.connect(0, 0);
    world.scout_is(Some(0), Duration::from_secs(1)).await;
    let plan = told(&mut scout).await;
    let discovery = plan.discovery.unwrap();
    let names: Vec<_> = discovery
        .credentials
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["zz-own", "shared"]);
    assert_eq!(discovery.interval, Duration::from_hours(1));
}
