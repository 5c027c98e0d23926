//! Network interfaces: the line first, then what is used.
//!
//! A switch has more of them than anybody looks at, and an order that moved with the traffic would make series
//! come and go: an interface keeps the best rank it had.

use proto::metrics::{self, Metric};
use tokio::time::Instant;

use super::labels::Labels;
use super::{push_some, truth};
use crate::sources::Readings;
use crate::sources::device::poll::memory::{self, Memory};
use crate::sources::device::poll::traffic::{Direction, Told, Traffic};
use crate::sources::device::said::Interface;
use crate::sources::host::number;

/// Interfaces of one device.
const BOUND: usize = 64;

/// Interfaces that are remembered: some are not told every time.
const REMEMBERED: usize = 4 * BOUND;

/// What each says, in the order of their rank. What it carried is of a moment by its index.
pub(super) fn tell(
    interfaces: &[Interface],
    at: impl Fn(u32) -> Instant,
    was_restarted: bool,
    memory: &mut Memory,
    readings: &mut Readings,
) {
    let mut labels = Labels::default();
    let mut ranked = Vec::with_capacity(interfaces.len());
    for interface in interfaces {
        let Some(label) = labels.next(&interface.name) else {
            continue;
        };
        let known = memory.interfaces.entry(label.to_owned()).or_default();
        let best = known.rank.unwrap_or(u8::MAX).min(rank(interface));
        known.rank = Some(best);
        if known.index != interface.index {
            // Another that has its name now: of two of one name the first went away.
            known.traffic = Traffic::default();
            known.index = interface.index;
        }
        ranked.push((best, label.to_owned(), interface));
    }
    ranked.sort_by_key(|(rank, _, _)| *rank);
    ranked.truncate(BOUND);
    for (_, label, interface) in &ranked {
        let known = memory.interfaces.entry(label.clone()).or_default();
        let then = at(interface.index);
        tell_one(interface, label, then, was_restarted, known, readings);
    }
    if memory.interfaces.len() > REMEMBERED {
        let is_there = |name: &String| ranked.iter().any(|(_, label, _)| label == name);
        memory.interfaces.retain(|name, _| is_there(name));
    }
}

/// 0 matters most.
fn rank(interface: &Interface) -> u8 {
    let is_physical = Interface::is_physical(interface.if_type);
    let carried = [
        interface.receive_bytes_total,
        interface.transmit_bytes_total,
    ];
    let is_used = interface.up == Some(true) && carried.into_iter().flatten().any(|it| it > 0);
    match (interface.wan, is_used, is_physical) {
        (true, _, _) => 0,
        _ if interface.if_type == Some(Interface::LOOPBACK) => 5,
        (_, true, true) => 1,
        (_, true, false) => 2,
        (_, false, true) => 3,
        (_, false, false) => 4,
    }
}

fn tell_one(
    interface: &Interface,
    label: &str,
    then: Instant,
    was_restarted: bool,
    known: &mut memory::Interface,
    readings: &mut Readings,
) {
    let mut push = |metric: &'static Metric, value: Option<f64>| {
        push_some(metric, &[label], value, readings);
    };
    push(&metrics::DEVICE_INTERFACE_UP, interface.up.map(truth));
    push(
        &metrics::DEVICE_INTERFACE_ENABLED,
        interface.enabled.map(truth),
    );
    let speed = interface.speed_bits_per_second.filter(|speed| *speed > 0);
    push(&metrics::DEVICE_INTERFACE_SPEED, speed.map(number));
    push(
        &metrics::DEVICE_INTERFACE_FULL_DUPLEX,
        interface.full_duplex.map(truth),
    );
    let bits = interface.counter_bits.unwrap_or(64);
    let count = |direction: &mut Direction, count: Option<u64>| {
        direction.count(count?, bits, was_restarted, then)
    };
    let received = count(&mut known.traffic.receive, interface.receive_bytes_total);
    let sent = count(&mut known.traffic.transmit, interface.transmit_bytes_total);
    let total = |told: Option<Told>| told.map(|told| number(told.total));
    push(&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, total(received));
    push(&metrics::DEVICE_INTERFACE_TRANSMIT_BYTES, total(sent));
    for (metric, count) in [
        (
            &metrics::DEVICE_INTERFACE_RECEIVE_ERRORS,
            interface.receive_errors_total,
        ),
        (
            &metrics::DEVICE_INTERFACE_TRANSMIT_ERRORS,
            interface.transmit_errors_total,
        ),
        (
            &metrics::DEVICE_INTERFACE_RECEIVE_DROPS,
            interface.receive_drops_total,
        ),
        (
            &metrics::DEVICE_INTERFACE_TRANSMIT_DROPS,
            interface.transmit_drops_total,
        ),
    ] {
        push(metric, count.map(number));
    }
    if interface.wan {
        for (direction, told) in [("receive", received), ("transmit", sent)] {
            usage(label, direction, told, speed, readings);
        }
    }
}

/// How much goes through the line.
fn usage(
    label: &str,
    direction: &str,
    told: Option<Told>,
    speed: Option<u64>,
    readings: &mut Readings,
) {
    let Some(bytes) = told.and_then(|told| told.per_second) else {
        return;
    };
    let rate = (bytes * 8.0).round();
    let labels = [label, direction];
    readings.push(&metrics::DEVICE_WAN_RATE, &labels, rate);
    // Some tell a speed that is not theirs: a line is never used beyond it.
    let share = speed.map(|speed| rate / number(speed));
    let share = share.filter(|share| *share <= BEYOND);
    let rounded = share.map(|share| (share.min(1.0) * 1e4).round() / 1e4);
    push_some(&metrics::DEVICE_WAN_USAGE, &labels, rounded, readings);
}

/// The moments of two polls are known to a tenth or so.
const BEYOND: f64 = 1.1;
