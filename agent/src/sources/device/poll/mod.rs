//! Asks the devices of the plan, again and again, and tells what they say as series of theirs.
//!
//! In reading order: `task` (one device: when, and for how long), `answers` (what comes of asking),
//! `identity` (is it the one that is meant?), `tellers` (whose word counts?), `tell/` (what it said, as
//! series), with `memory`, `states` and `traffic` (what was told before), `newcomers` (how many new names),
//! `share` and `faring` (what all devices share: room, and lines of `status`).
//!
//! This is no [`crate::sources::Source`]: those are there from the start, one task each; devices come and go
//! with the plan. One that stays as it is in a new plan keeps its phase and what was told of it.

mod answers;
mod faring;
mod identity;
mod memory;
mod newcomers;
mod share;
mod states;
mod task;
mod tell;
mod tellers;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::ids::DeviceId;
use proto::plan::{Device, Plan};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use self::answers::Ask;
use self::task::{Order, Shared, Task};
use super::snmp::Transport;
use crate::clock;
use crate::schedule::Taken;
use crate::sources::Context;

/// What `status` calls all of them together.
const SOURCE: &str = "devices";

/// Who asks one device now.
struct Worker {
    orders: watch::Sender<Order>,
    task: AbortHandle,
}

/// Asks what the plan says until there is none any more, or nobody takes what is read.
pub(crate) async fn run(context: Context, taken: mpsc::Sender<Taken>) {
    let lead = context.collector_lead_ms.subscribe();
    let transport = Transport::new();
    let shared = Shared::new(transport.clone(), lead, taken);
    tokio::select! {
        () = follow(shared, context.plan.clone()) => {}
        () = forget(&transport, context.plan) => {}
    }
}

/// Has what is kept for secrets forgotten as soon as no device of the plan needs it. Ends with the plans.
async fn forget(transport: &Transport, mut plan: watch::Receiver<Plan>) {
    while plan.changed().await.is_ok() {
        let plan = plan.borrow_and_update();
        transport.keep(
            plan.devices
                .iter()
                .filter_map(|device| device.snmp.as_ref()),
        );
    }
}

async fn follow<A: Ask>(shared: Shared<A>, mut plan: watch::Receiver<Plan>) {
    let shared = Arc::new(shared);
    let mut tasks = JoinSet::new();
    let mut workers = BTreeMap::new();
    loop {
        let orders = orders(&plan.borrow_and_update());
        let gone = arrange(orders, &mut workers, &mut tasks, &shared);
        if gone > 0 && shared.taken.send(word(&shared)).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                changed = plan.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                // Of those that were told to end, or by themselves, when nobody takes what they read.
                Some(_) = tasks.join_next() => {}
                () = shared.taken.closed() => return,
            }
        }
    }
}

fn orders(plan: &Plan) -> Vec<Order> {
    let interval = plan.device_interval;
    let order = |device: &Device| Order {
        device: device.clone(),
        interval,
    };
    plan.devices.iter().map(order).collect()
}

/// Starts, changes and stops tasks, so that these orders are followed. Says how many are asked no more.
fn arrange<A: Ask>(
    orders: Vec<Order>,
    workers: &mut BTreeMap<DeviceId, Worker>,
    tasks: &mut JoinSet<()>,
    shared: &Arc<Shared<A>>,
) -> usize {
    let before = workers.len();
    workers.retain(|name, worker| {
        let stays = orders.iter().any(|order| order.device.name == *name);
        if !stays {
            worker.task.abort();
            shared.faring.forget(name);
        }
        stays
    });
    let gone = before - workers.len();
    for order in orders {
        match workers.get(&order.device.name) {
            Some(worker) => {
                worker.orders.send_if_modified(|known| {
                    let is_other = *known != order;
                    *known = order;
                    is_other
                });
            }
            None => {
                let name = order.device.name.clone();
                let (orders, received) = watch::channel(order);
                let task = tasks.spawn(Task::new(Arc::clone(shared)).run(received));
                workers.insert(name, Worker { orders, task });
            }
        }
    }
    gone
}

/// That some are asked no more, for `status`: nothing was read.
fn word<A>(shared: &Shared<A>) -> Taken {
    Taken {
        source: SOURCE,
        clock: clock::now(),
        readings: Vec::new(),
        limitations: shared.faring.problems(),
        problem: None,
    }
}

#[cfg(test)]
mod tests;
