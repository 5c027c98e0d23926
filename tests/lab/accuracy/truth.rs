//! What the links did to the echoes of one program, one by one.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::Lab;
use crate::emulator::truth::Way;
use crate::emulator::{Fate, Link, Truth};

/// An echo that somebody sent.
#[derive(Debug, Clone, Copy)]
pub struct Trip {
    /// Of the socket it was sent through.
    pub identifier: u16,
    pub sequence: u16,
    /// What the links took of its round trip; nothing where they lost it or its reply.
    pub time: Option<Duration>,
}

/// The echoes of one address to another since the links last forgot, in the order of sending.
pub fn trips(lab: &Lab, asking: Ipv4Addr, asked: Ipv4Addr) -> Vec<Trip> {
    trips_over(&[lab.line(), lab.isp(), lab.core()], asking, asked)
}

/// The same, as far as it went over these links, from near to far.
pub fn trips_over(links: &[&Link], asking: Ipv4Addr, asked: Ipv4Addr) -> Vec<Trip> {
    let of = |truth: Truth, way| -> Vec<((u16, u16), Fate)> {
        let echoes = truth.echoes.into_iter();
        let wanted =
            echoes.filter(|echo| (echo.way, echo.asking, echo.asked) == (way, asking, asked));
        wanted
            .map(|echo| ((echo.identifier, echo.sequence), echo.fate))
            .collect()
    };
    // Replies first: what was not asked for when they were looked at is left out.
    let down = links.iter().map(|link| of(link.truth_down(), Way::Reply));
    let down: Vec<Fates> = down.map(|fates| fates.into_iter().collect()).collect();
    let up: Vec<_> = links
        .iter()
        .map(|link| of(link.truth_up(), Way::Request))
        .collect();
    let sent: Vec<(u16, u16)> = up[0].iter().map(|(key, _)| *key).collect();
    let up: Vec<Fates> = up
        .into_iter()
        .map(|fates| fates.into_iter().collect())
        .collect();
    let trip = |key: (u16, u16)| Trip {
        identifier: key.0,
        sequence: key.1,
        time: there(&up, key)
            .zip(back(&down, key))
            .map(|(there, back)| there + back),
    };
    sent.into_iter().map(trip).collect()
}

/// Of one link, by identifier and sequence number.
type Fates = HashMap<(u16, u16), Fate>;

/// The time on the links that the echo came to, unless one lost it.
fn there(fates: &[Fates], key: (u16, u16)) -> Option<Duration> {
    let on = fates.iter().filter_map(|fates| fates.get(&key));
    on.map(|fate| match fate {
        Fate::Arrived(after) => Some(*after),
        _ => None,
    })
    .sum()
}

/// The same, of a reply that there has to be.
fn back(fates: &[Fates], key: (u16, u16)) -> Option<Duration> {
    let is_there = fates.iter().any(|fates| fates.contains_key(&key));
    there(fates, key).filter(|_| is_there)
}

/// Those of the socket that sent most: rounds, without bursts and traces.
pub fn of_rounds(trips: &[Trip]) -> Vec<Trip> {
    let mut counts: HashMap<u16, usize> = HashMap::new();
    for trip in trips {
        *counts.entry(trip.identifier).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    let is_of = |trip: &&Trip| most.is_some_and(|(identifier, _)| trip.identifier == identifier);
    trips.iter().filter(is_of).copied().collect()
}

/// Echoes without answer.
pub fn lost(trips: &[Trip]) -> usize {
    trips.iter().filter(|trip| trip.time.is_none()).count()
}

/// In seconds, as metrics are.
pub fn times(trips: &[Trip]) -> Vec<f64> {
    let times = trips.iter().filter_map(|trip| trip.time);
    times.map(|time| time.as_secs_f64()).collect()
}

/// The middle; the mean of both where there are two.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(*upper, *lower))
}

/// The mean difference of neighbours.
pub fn jitter(values: &[f64]) -> Option<f64> {
    let pairs = values.windows(2);
    mean(&pairs.map(|two| (two[0] - two[1]).abs()).collect::<Vec<_>>())
}

/// The sum by the number.
#[expect(clippy::cast_precision_loss, reason = "few values")]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
