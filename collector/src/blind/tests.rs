//! Gaps are found, and told of by what comes late, in any order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use diagnosis::record::{Kind, LinkRound, Measured, Place, Record, What};

use super::{Blind, Stretch};

/// A round in which the router answered, and the line as it is said.
pub(crate) fn round(arrived: f64, t: f64, line_answers: bool) -> Record {
    let link = |segment, received| LinkRound {
        segment,
        sent: 5,
        received,
        ..LinkRound::default()
    };
    let measured = Measured {
        links: vec![
            link(Place::Gateway, 5),
            link(Place::Hop, if line_answers { 5 } else { 0 }),
        ],
        ..Measured::default()
    };
    Record {
        arrived,
        what: Some(What {
            t,
            centre: "cong-son".into(),
            agent: "pc-1".into(),
            kind: Kind::Measured(Box::new(measured)),
        }),
    }
}

/// Live until 1,000, a cut until 1,900, of which 1,060 to 1,800 comes late.
fn records() -> (Vec<Record>, Vec<Record>) {
    let live = vec![
        round(940.0, 938.0, true),
        round(1_000.0, 998.0, true),
        round(1_900.0, 1_899.0, true),
    ];
    let late = (0..13_u8).map(|n| {
        let t = 1_062.0 + 60.0 * f64::from(n);
        round(1_901.0, t, t > 1_500.0)
    });
    (live, late.collect())
}

#[test]
fn a_cut_is_told_of_by_what_comes_late_in_any_order() {
    let (live, mut late) = records();
    let told = |late: &[Record]| {
        let blind = Blind::default();
        live.iter()
            .chain(late)
            .for_each(|record| blind.take(record));
        blind.of("cong-son")
    };
    let gaps = told(&late);
    late.reverse();
    assert_eq!(gaps, told(&late));
    let [gap] = gaps.as_slice() else {
        panic!("{gaps:?}")
    };
    assert_eq!((gap.from, gap.until), (1_000.0, 1_900.0));
    assert_eq!((gap.machines(), gap.records), (1, 13));
    let dead: Vec<f64> = gap
        .slots()
        .filter(|slot| slot.of(Stretch::Line).unwrap().is_bad())
        .map(|slot| slot.from)
        .collect();
    assert_eq!(dead.first(), Some(&1_020.0));
    assert_eq!(dead.last(), Some(&1_440.0));
    assert!(
        gap.slots()
            .all(|slot| !slot.of(Stretch::Gateway).unwrap().is_bad())
    );
    assert!(gap.slots().all(|slot| slot.of(Stretch::Services).is_none()));
}

#[test]
fn what_is_told_again_counts_once() {
    let (live, late) = records();
    let blind = Blind::default();
    for record in live.iter().chain(&late).chain(&live) {
        blind.take(record);
    }
    assert_eq!(blind.of("cong-son").len(), 1);
    // Only what came after the cut is near enough to be new.
    assert_eq!(blind.of("cong-son")[0].records, 13);
}

#[test]
fn a_night_that_nobody_tells_of_is_no_cut() {
    let blind = Blind::default();
    for day in 0..5_u8 {
        let morning = f64::from(day) * 86_400.0;
        for minute in 0..10_u8 {
            let at = morning + 60.0 * f64::from(minute);
            blind.take(&round(at, at - 2.0, true));
        }
    }
    assert_eq!(blind.of("cong-son"), []);
    assert_eq!(blind.of("nowhere"), []);
}

#[test]
fn a_long_cut_is_told_coarsely_and_a_hostile_time_does_no_harm() {
    let blind = Blind::default();
    blind.take(&round(0.0, 0.0, true));
    blind.take(&round(90_000.0, 89_999.0, true));
    for minute in 1..1_400_u16 {
        blind.take(&round(90_001.0, 60.0 * f64::from(minute), true));
    }
    for t in [f64::NAN, f64::INFINITY, f64::MIN, f64::MAX] {
        blind.take(&round(90_001.0, t, true));
        blind.take(&round(t, 90_001.0, true));
    }
    let gaps = blind.of("cong-son");
    assert!(gaps.iter().all(|gap| gap.slots().count() <= 48), "{gaps:?}");
    let longest = gaps.iter().find(|gap| gap.until == 90_000.0).unwrap();
    assert_eq!(longest.records, 1_399);
}
