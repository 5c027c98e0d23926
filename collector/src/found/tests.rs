//! What scouts find, into a real registry.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proto::limits::FOUND_PER_MESSAGE;
use proto::plan::Plan;
use proto::wire::FoundDevice;
use tokio::task::JoinHandle;

use super::*;
use crate::plans::{Newcomer, Planned};
use crate::registry::{Agent, Approval, Asked, Change, Status, fixture};

struct World {
    _folder: tempfile::TempDir,
    registry: Registry,
    own: Arc<Own>,
    scout: Agent,
    _connected: Planned,
    found: mpsc::Sender<ingest::Look>,
    finder: JoinHandle<()>,
}

impl World {
    /// Công Sơn, with a scout at 10.0.0.1.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (registry, scout) = fixture::with_one_agent(folder.path()).await;
        let change = Change {
            centre: scout.centre.clone(),
            agent: Some(scout.id.clone()),
            at: Timestamp::now(),
        };
        registry.scouts_changed(vec![change]).await.unwrap();
        let settings = Plan::default();
        let own = Arc::new(Own::new(Timestamp::now()).unwrap());
        let scouts = Scouts::new(&settings, registry.terms().await.unwrap());
        let plans = Plans::new(settings, Arc::clone(&scouts));
        let newcomer = Newcomer {
            addresses: &["10.0.0.1".to_owned()],
            can_scout: true,
            held: 0,
        };
        let connected = plans.connected(&scout, newcomer);
        let finder = Finder {
            registry: registry.clone(),
            latest: Arc::new(Latest::under(&Plan::default())),
            scouts,
            plans,
            own: Arc::clone(&own),
        };
        let (found, finds) = mpsc::channel(WAITING);
        Self {
            _folder: folder,
            registry,
            own,
            scout,
            _connected: connected,
            found,
            finder: tokio::spawn(finder.run(finds)),
        }
    }

    async fn says(&self, agent: &Agent, devices: Vec<FoundDevice>) {
        self.found.send((agent.clone(), devices)).await.unwrap();
    }

    /// Everything that was said is noted.
    async fn end(self) -> (Registry, Arc<Own>) {
        drop(self.found);
        self.finder.await.unwrap();
        (self.registry, self.own)
    }
}

fn device(address: &str, serial: &str) -> FoundDevice {
    FoundDevice {
        address: address.into(),
        serial: serial.into(),
        kind: "printer".into(),
        model: "HL-1".into(),
        ..FoundDevice::default()
    }
}

async fn names(registry: &Registry) -> Vec<String> {
    let devices: Vec<Asked> = registry.devices().await.unwrap();
    devices.iter().map(|one| one.device.to_string()).collect()
}

fn refused(own: &Own, reason: &str) -> u64 {
    own.found_refused.with_label_values(&[reason]).get()
}

#[tokio::test(start_paused = true)]
async fn what_a_scout_finds_waits_to_be_approved() {
    let world = World::new().await;
    let look = vec![
        device("10.0.0.9", "S1"),
        // The scout itself.
        device("10.0.0.1", "S2"),
        device("nowhere", "S3"),
    ];
    world.says(&world.scout, look).await;
    let (registry, own) = world.end().await;
    let devices = registry.devices().await.unwrap();
    assert_eq!(names(&registry).await, ["hl-1-s1"]);
    assert_eq!(devices[0].status, Status::Found);
    assert_eq!(
        (refused(&own, "no_address"), refused(&own, "too_many")),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_else_finds_anything() {
    let world = World::new().await;
    let other = fixture::another_agent(&world.registry, 1).await;
    world.says(&other, vec![device("10.0.0.9", "S1")]).await;
    let (registry, own) = world.end().await;
    assert_eq!(names(&registry).await, Vec::<String>::new());
    assert_eq!(refused(&own, "not_scout"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_in_several_messages_is_one_look() {
    let world = World::new().await;
    world
        .says(&world.scout, vec![device("10.0.0.9", "S1")])
        .await;
    let registry = world.registry.clone();
    while registry.devices().await.unwrap().is_empty() {
        tokio::time::sleep(GATHER).await;
    }
    let (centre, name) = (world.scout.centre.clone(), "hl-1-s1".parse().unwrap());
    let approval = Approval {
        ipp: Some("631/ipp/print".parse().unwrap()),
        ..Approval::default()
    };
    let at = Timestamp::now();
    registry.approve(centre, name, approval, at).await.unwrap();
    // Its serial number at two addresses, told apart from each other.
    world
        .says(&world.scout, vec![device("10.0.0.10", "S1")])
        .await;
    world
        .says(&world.scout, vec![device("10.0.0.11", "S1")])
        .await;
    let (registry, _) = world.end().await;
    let devices = registry.devices().await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].address.to_string(), "10.0.0.9");
}

#[tokio::test(start_paused = true)]
async fn a_hostile_scout_fills_its_own_centre_to_the_bound_and_no_further() {
    let world = World::new().await;
    let most = FOUND_PER_CENTRE as usize;
    for message in 0..8 {
        let all = (0..FOUND_PER_MESSAGE).map(|n| device(&format!("10.1.{message}.{n}"), ""));
        world
            .says(
                &world.scout,
                all.filter(|one| one.address != "10.1.0.0").collect(),
            )
            .await;
    }
    let (registry, own) = world.end().await;
    assert_eq!(names(&registry).await.len(), most);
    assert_eq!(
        refused(&own, "too_many"),
        8 * FOUND_PER_MESSAGE as u64 - 1 - u64::from(FOUND_PER_CENTRE)
    );
}

#[test]
fn labels_are_an_inventory() {
    let key = DeviceKey {
        centre: "cong-son".parse().unwrap(),
        device: "printer".parse().unwrap(),
    };
    let labels = vec![("serial", "S1".to_owned()), ("firmware", "2".to_owned())];
    let told = described(&(key.clone(), labels));
    let expected = Inventory {
        serial: "S1".into(),
        firmware: "2".into(),
        ..Inventory::default()
    };
    assert_eq!(told.inventory, expected);
    let hostile = vec![
        ("serial", "S\u{1b}[2J".to_owned()),
        ("model", "M\n".to_owned()),
    ];
    assert_eq!(described(&(key, hostile)).inventory, Inventory::default());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_noted_is_noted_later() {
    let world = World::new().await;
    let file = rusqlite::Connection::open(world._folder.path().join("registry.sqlite")).unwrap();
    file.execute_batch("ALTER TABLE inventory RENAME TO away")
        .unwrap();
    let identities: Arc<Identities> = Arc::default();
    let keeping = keep_inventory(
        world.registry.clone(),
        Arc::clone(&identities),
        Arc::clone(&world.own),
    );
    let keeping = tokio::spawn(keeping);
    let key = DeviceKey {
        centre: world.scout.centre.clone(),
        device: world.scout.device.clone(),
    };
    identities.put_back(&[(key.clone(), vec![("model", "OptiPlex".to_owned())])]);
    let failed = async {
        while world.own.registry_errors.get() == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(AGAIN, failed).await.unwrap();
    file.execute_batch("ALTER TABLE away RENAME TO inventory")
        .unwrap();
    let noted = async {
        loop {
            let inventory = world.registry.inventory(key.centre.clone()).await.unwrap();
            if let Some(noted) = inventory.get(&key.device) {
                return noted.model.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let noted = tokio::time::timeout(AGAIN * 3, noted).await;
    assert_eq!(noted.unwrap(), "OptiPlex");
    keeping.abort();
}
