//! Loss that chance spreads over the points of a way is blamed on the stretch that loses, or on two of
//! which it is one.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::judge;
use crate::evidence::{Evidence, Link, Place, Rtt};
use crate::{Fault, Segment};

const PLACES: [Place; 4] = [Place::Gateway, Place::Hop(1), Place::Hop(2), Place::Anchor];

fn seen(sent: u32, lost: [u32; 4]) -> Evidence {
    let rtt = std::time::Duration::from_millis(5);
    let rtt = Rtt {
        min: rtt,
        median: rtt,
        p95: rtt,
    };
    let links = PLACES.into_iter().zip(lost).map(|(place, lost)| Link {
        place,
        target: format!("{place:?}"),
        sent,
        received: sent - lost,
        rtt: Some(rtt),
        present: None,
        network: None,
    });
    Evidence {
        links: links.collect(),
        ..Evidence::default()
    }
}

/// As even as it has to be here: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / 2_f64.powi(32)
    }

    fn lost(&mut self, sent: u32, rate: f64) -> u32 {
        (0..sent).map(|_| u32::from(self.next() < rate)).sum()
    }
}

/// What is said of a thousand ways that lose so much before their first, second … point.
fn verdicts(rates: [f64; 4]) -> BTreeMap<Option<Fault>, u32> {
    let mut said = BTreeMap::new();
    for seed in 0..1_000 {
        let mut chance = Chance(seed);
        let verdict = judge(&seen(150, rates.map(|rate| chance.lost(150, rate))));
        *said.entry(verdict.fault).or_default() += 1;
    }
    said
}

fn named(said: &BTreeMap<Option<Fault>, u32>, wanted: impl Fn(Fault) -> bool) -> u32 {
    let of = said.iter().filter(|(fault, _)| fault.is_some_and(&wanted));
    of.map(|(_, times)| *times).sum()
}

#[test]
fn the_wrong_stretch_is_hardly_ever_blamed() {
    let check = |rates: [f64; 4], right: Segment, at_least: u32| {
        let said = verdicts(rates);
        let blamed = |fault: Fault| fault.segment().is_some_and(|segment| segment != right);
        let wrong = named(&said, blamed);
        assert!(wrong < 50, "{rates:?}: {said:?}");
        let found = named(&said, |fault| fault.segment() == Some(right));
        assert!(found >= at_least, "{rates:?}: {said:?}");
    };
    check([0.04; 4], Segment::Lan, 600);
    check([0.08; 4], Segment::Lan, 900);
    check([0.001, 0.04, 0.04, 0.04], Segment::Line, 500);
    check([0.001, 0.08, 0.08, 0.08], Segment::Line, 900);
    check([0.001, 0.001, 0.06, 0.06], Segment::Isp, 600);
    check([0.0, 0.12, 0.12, 0.12], Segment::Line, 995);
    check([0.0, 0.0, 0.15, 0.15], Segment::Isp, 995);
}

#[test]
fn a_fit_way_is_hardly_ever_blamed() {
    let said = verdicts([0.002, 0.01, 0.01, 0.01]);
    assert!(named(&said, |_| true) < 20, "{said:?}");
}

#[test]
fn a_nearer_point_is_clean_when_that_is_no_luck() {
    let check = |lost: [u32; 4], expected: Option<Fault>| {
        let verdict = judge(&seen(150, lost));
        assert_eq!(verdict.fault, expected, "{lost:?}: {verdict:#?}");
    };
    check([5, 8, 8, 8], Some(Fault::LanLossy));
    check([8, 5, 5, 8], Some(Fault::LanLossy));
    check([0, 8, 8, 8], Some(Fault::LineLossy));
    check([0, 0, 9, 8], Some(Fault::IspDegraded));
    check([0, 4, 12, 12], Some(Fault::IspDegraded));
    check([0, 4, 8, 8], Some(Fault::Unknown));
    // Routers that answer seldom.
    check([12, 0, 0, 0], None);
    check([0, 60, 1, 0], None);
    check([40, 10, 11, 10], Some(Fault::LineLossy));
    // One lucky point among those that lose.
    check([0, 17, 4, 11], Some(Fault::LineLossy));
}

#[test]
fn where_it_may_be_luck_both_are_named() {
    let verdict = judge(&seen(150, [4, 6, 6, 7]));
    assert_eq!(verdict.fault, Some(Fault::Unknown));
    assert!(verdict.confidence < 0.6);
    let named: Vec<Fault> = verdict.alternatives.iter().map(|one| one.fault).collect();
    assert_eq!(named, [Fault::LineLossy, Fault::LanLossy]);
}
