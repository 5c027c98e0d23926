//! What a person would want to know now, and not with the next report: a switch that flipped, a link
//! that died or came back, a link that began or ceased to lose packets, a source that began or ceased
//! to fail, a printer that jammed, a device that fell silent.
//!
//! A round of echoes is few packets, so one lost packet is no event: a link is called lossy by its last
//! rounds together, and dead by one. What a device is has no value before it is so; there the first one is
//! an event, unless the device itself is new. Deliberately absent: how bad it is and whose fault, which the
//! diagnosis says.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use proto::ids::DeviceId;
use proto::limits::SERIES_PER_AGENT;
use proto::metrics::{
    AGENT_BURSTS, DEVICE_POLL_OUTCOME, LINK_LOSS, PRINTER_CONDITION, PRINTER_STATUS, Unit,
};
use proto::stream::Series;
use proto::thresholds::LOSS;
use tokio::time::Instant;

use crate::sources::Reading;
use crate::sources::device::said::Status;
use crate::uplink::Bucket;

/// Rounds that loss is judged over: a minute of the usual plan.
const ROUNDS: usize = 4;

/// Between two reports because of events.
const APART: Duration = Duration::from_secs(1);

/// Reports because of events per minute, however much happens; as many again after a quiet time.
const PER_MINUTE: f64 = 10.0;

/// Watches readings go by.
#[derive(Debug, Default)]
pub struct Events {
    known: HashMap<Arc<Series>, State>,
    /// Those without an agent of which something was seen.
    devices: HashSet<DeviceId>,
}

/// The last that was seen of a series.
#[derive(Debug)]
enum State {
    Switch(f64),
    Link(Link),
}

#[derive(Debug, Default)]
struct Link {
    /// Of the last rounds, the newest last.
    losses: [f64; ROUNDS],
    is_dead: bool,
    is_lossy: bool,
}

impl Events {
    /// Whether there is something to tell among these. What is seen for the first time is the
    /// beginning, not an event.
    pub fn any_in(&mut self, readings: &[Reading]) -> bool {
        if self.known.len() > SERIES_PER_AGENT {
            // Of a machine whose interfaces come and go.
            self.known.clear();
            self.devices.clear();
        }
        let mut any = false;
        for reading in readings {
            any |= self.is_event(reading);
        }
        // What is read together is about one device.
        let device = readings.first().and_then(|one| one.series.device.as_ref());
        if let Some(device) = device.filter(|device| !self.devices.contains(*device)) {
            self.devices.insert(device.clone());
        }
        any
    }

    fn is_event(&mut self, Reading { series, value }: &Reading) -> bool {
        if series.metric == &AGENT_BURSTS {
            // Somebody waits for what it found.
            let before = self.known.insert(Arc::clone(series), State::Switch(*value));
            return !matches!(before, Some(State::Switch(last)) if last == *value);
        }
        let make: fn(f64) -> State = if series.metric == &LINK_LOSS {
            |loss| State::Link(Link::first(loss))
        } else if is_routine(series) {
            return false;
        } else if series.metric.unit == Unit::Boolean {
            State::Switch
        } else {
            return false;
        };
        match self.known.get_mut(series) {
            Some(State::Switch(last)) => std::mem::replace(last, *value) != *value,
            Some(State::Link(link)) => link.changes(*value),
            None => {
                self.known.insert(Arc::clone(series), make(*value));
                let is_known = |device| self.devices.contains(device);
                begins_as_event(series)
                    && *value > 0.0
                    && series.device.as_ref().is_some_and(is_known)
            }
        }
    }
}

/// What a printer does all day. That it stopped, and that it goes on, is an event.
fn is_routine(series: &Series) -> bool {
    let is_stopped = |(_, value): &(&str, String)| value == Status::Stopped.as_str();
    series.metric == &PRINTER_STATUS && !series.labels.iter().any(is_stopped)
}

/// Whether this has no value before it is so.
fn begins_as_event(series: &Series) -> bool {
    [&PRINTER_CONDITION, &PRINTER_STATUS, &DEVICE_POLL_OUTCOME].contains(&series.metric)
}

impl Link {
    fn first(loss: f64) -> Self {
        let mut link = Self::default();
        link.changes(loss);
        link
    }

    /// Takes the loss of a round; says whether the link is another one now.
    fn changes(&mut self, loss: f64) -> bool {
        self.losses.rotate_left(1);
        if let Some(newest) = self.losses.last_mut() {
            *newest = loss;
        }
        let judged = self.losses.iter().sum::<f64>() / ROUNDS as f64;
        let is_dead = loss >= 1.0;
        let is_lossy = if self.is_lossy {
            judged >= LOSS.warning
        } else {
            judged >= LOSS.critical
        };
        let before = (
            std::mem::replace(&mut self.is_dead, is_dead),
            std::mem::replace(&mut self.is_lossy, is_lossy),
        );
        before != (is_dead, is_lossy)
    }
}

/// When to report because of an event: soon, not too often.
#[derive(Debug)]
pub struct Urgency {
    allowed: Bucket,
    last: Option<Instant>,
}

impl Default for Urgency {
    fn default() -> Self {
        Self {
            allowed: Bucket::new(PER_MINUTE / 60.0, PER_MINUTE),
            last: None,
        }
    }
}

impl Urgency {
    /// When the next report because of an event may go out: now, mostly.
    #[must_use]
    pub fn next(&self) -> Instant {
        let allowed = Instant::now() + self.allowed.wait_for(1.0);
        let apart = self.last.map(|last| last + APART);
        apart.map_or(allowed, |apart| apart.max(allowed))
    }

    /// Counts one.
    pub fn reported(&mut self) {
        self.last = Some(Instant::now());
        self.allowed.take(1.0);
    }
}

#[cfg(test)]
mod tests {
    use proto::metrics::{self, Metric};

    use super::*;
    use crate::sources::Readings;

    fn seen(events: &mut Events, metric: &'static Metric, labels: &[&str], value: f64) -> bool {
        let mut readings = Readings::default();
        readings.push(&metrics::DEVICE_CPU_USAGE, &[], value);
        readings.push(metric, labels, value);
        events.any_in(&readings.taken)
    }

    #[test]
    fn a_switch_that_flips_is_an_event() {
        let mut events = Events::default();
        let mut check = |interface: &str, value: f64, expected: bool| {
            let happened = seen(
                &mut events,
                &metrics::DEVICE_INTERFACE_UP,
                &[interface],
                value,
            );
            assert_eq!(happened, expected, "{interface} {value}");
        };
        check("eth0", 1.0, false);
        check("eth0", 1.0, false);
        check("eth1", 0.0, false);
        check("eth0", 0.0, true);
        check("eth0", 0.0, false);
        check("eth0", 1.0, true);
        check("eth1", 0.0, false);
        let mut source = |value| {
            seen(
                &mut events,
                &metrics::AGENT_SOURCE_SUCCESS,
                &["icmp"],
                value,
            )
        };
        assert_eq!(
            [1.0, 0.0, 0.0, 1.0].map(&mut source),
            [false, true, false, true]
        );
    }

    /// Whether there is something to tell of a device that is this, and was before that.
    fn of_device(events: &mut Events, metric: &'static Metric, states: &[(&str, f64)]) -> bool {
        let mut readings = Readings::default();
        readings.device = "mfp-1".parse().ok();
        readings.push(&metrics::DEVICE_POLL_OUTCOME, &["snmp", "answered"], 1.0);
        for (state, value) in states {
            readings.push(metric, &[state], *value);
        }
        events.any_in(&readings.taken)
    }

    #[test]
    fn a_condition_of_a_device_is_an_event_when_it_comes_and_when_it_goes() {
        let mut events = Events::default();
        let mut check = |conditions: &[(&str, f64)], expected: bool| {
            let happened = of_device(&mut events, &metrics::PRINTER_CONDITION, conditions);
            assert_eq!(happened, expected, "{conditions:?}");
        };
        check(&[("paper_low", 1.0)], false);
        check(&[("paper_low", 1.0), ("jam", 1.0)], true);
        check(&[("paper_low", 1.0), ("jam", 1.0)], false);
        check(&[("paper_low", 1.0), ("jam", 0.0)], true);
        check(&[("paper_low", 1.0), ("jam", 0.0), ("offline", 0.0)], false);
    }

    #[test]
    fn a_printer_that_prints_is_no_event_and_one_that_stops_is() {
        let mut events = Events::default();
        let mut check = |states: &[(&str, f64)], expected: bool| {
            let happened = of_device(&mut events, &metrics::PRINTER_STATUS, states);
            assert_eq!(happened, expected, "{states:?}");
        };
        check(&[("idle", 1.0)], false);
        check(&[("idle", 0.0), ("printing", 1.0)], false);
        check(&[("printing", 0.0), ("stopped", 1.0)], true);
        check(&[("printing", 1.0), ("stopped", 0.0)], true);
    }

    #[test]
    fn a_device_that_falls_silent_or_comes_back_is_an_event() {
        let mut events = Events::default();
        let mut check = |outcomes: &[(&str, f64)], expected: bool| {
            let mut readings = Readings::default();
            readings.device = "mfp-1".parse().ok();
            for (outcome, value) in outcomes {
                readings.push(&metrics::DEVICE_POLL_OUTCOME, &["snmp", outcome], *value);
            }
            assert_eq!(events.any_in(&readings.taken), expected, "{outcomes:?}");
        };
        check(&[("answered", 1.0)], false);
        check(&[("answered", 0.0), ("timeout", 1.0)], true);
        check(&[("answered", 0.0), ("timeout", 1.0)], false);
        check(&[("answered", 1.0), ("timeout", 0.0)], true);
    }

    /// Which of these rounds, in percent lost, are events.
    fn told(rounds: &[u32]) -> Vec<bool> {
        let mut events = Events::default();
        let loss = |percent: &u32| f64::from(*percent) / 100.0;
        let labels = ["gateway", "192.0.2.1"];
        let mut tell = |loss| seen(&mut events, &metrics::LINK_LOSS, &labels, loss);
        rounds.iter().map(loss).map(&mut tell).collect()
    }

    #[test]
    fn a_link_that_dies_or_comes_back_is_an_event_at_once() {
        assert_eq!(told(&[0, 100, 100, 0]), [false, true, false, true]);
        assert_eq!(told(&[100, 100, 0]), [false, false, true]);
    }

    #[test]
    fn a_link_becomes_lossy_by_more_than_one_packet_and_clean_after_a_clean_minute() {
        assert_eq!(told(&[0, 20, 0, 0, 0, 20, 0]), [false; 7], "single packets");
        assert_eq!(
            told(&[0, 20, 20, 20, 20]),
            [false, false, true, false, false]
        );
        assert_eq!(
            told(&[0, 40, 0, 0, 0, 0]),
            [false, true, false, false, false, true]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_event_is_told_at_once_and_many_not_too_often() {
        let mut urgency = Urgency::default();
        assert_eq!(urgency.next(), Instant::now());
        let minute = Instant::now() + Duration::from_mins(1);
        let mut reports = 0;
        while urgency.next() <= minute {
            tokio::time::sleep_until(urgency.next()).await;
            urgency.reported();
            reports += 1;
        }
        assert!(
            (15..=20).contains(&reports),
            "{reports} in the first minute"
        );
        let hour = Instant::now() + Duration::from_hours(1);
        let mut reports = 0;
        while urgency.next() <= hour {
            tokio::time::sleep_until(urgency.next()).await;
            urgency.reported();
            reports += 1;
        }
        assert!((590..=601).contains(&reports), "{reports} in an hour");
    }
}
