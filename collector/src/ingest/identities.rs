//! What machines and devices say they are, for whoever keeps an inventory: the newest word of each, when
//! it is another than before. After a restart of the collector each is news once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::latest::{Device, DeviceKey};

/// What waits to be noted. At most one word of each device, so it needs no other bound.
#[derive(Debug, Default)]
pub struct Identities {
    waiting: Mutex<BTreeMap<DeviceKey, Labels>>,
    more: Notify,
}

/// The labels of [`proto::metrics::DEVICE_INFO`] that have a value.
pub type Labels = Vec<(&'static str, String)>;

impl Identities {
    /// Looks at what a device says now. Whether it says anything.
    pub(super) fn look_at(&self, device: &mut Device) -> bool {
        let Some((name, is_new)) = device.inventory() else {
            return false;
        };
        if is_new {
            let labels = name.series.labels.clone();
            self.lock().insert(device.key.clone(), labels);
            self.more.notify_one();
        }
        true
    }

    /// What is new; waits until something is. For one reader.
    pub async fn next(&self) -> BTreeMap<DeviceKey, Labels> {
        loop {
            let waiting = std::mem::take(&mut *self.lock());
            if !waiting.is_empty() {
                return waiting;
            }
            self.more.notified().await;
        }
    }

    /// Has it told again where it could not be noted, unless there is newer.
    pub fn put_back(&self, unnoted: &[(DeviceKey, Labels)]) {
        let mut waiting = self.lock();
        for (key, labels) in unnoted {
            waiting.entry(key.clone()).or_insert_with(|| labels.clone());
        }
        drop(waiting);
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeviceKey, Labels>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
