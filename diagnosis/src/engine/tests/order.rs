//! The same records in any order, and more than once, end in the same verdict.

use proptest::prelude::*;

use super::town::{NINE, delayed, line_is_dead, replay};
use super::{MINUTE, during, morning, towns, with_goodbyes};
use crate::event::{Incident, Stage};
use crate::record::Record;

fn verdicts(all: Vec<Record>) -> Vec<Incident> {
    let (_, incidents) = replay(&towns(), all);
    let mut last: Vec<Incident> = incidents
        .into_iter()
        .map(|incident| Incident {
            id: String::new(),
            ..incident
        })
        .collect();
    last.sort_by(|one, other| one.since.total_cmp(&other.since));
    assert!(
        last.iter().all(|one| one.stage == Stage::Final),
        "{last:#?}"
    );
    last
}

fn cut() -> Vec<Record> {
    let mut all = morning(|town, _, t, measured| {
        if town == "an-lac" && during(t) {
            line_is_dead(measured);
        }
    });
    delayed(
        &mut all,
        "an-lac",
        NINE,
        NINE + 12.0 * MINUTE,
        NINE + 12.5 * MINUTE,
    );
    with_goodbyes(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 3, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_of_arrival_nor_duplicates_change_the_final_verdict(
        delays in prop::collection::vec(0.0..2_400.0_f64, 64),
        twice in 0..7_usize,
    ) {
        let all = cut();
        let expected = verdicts(all.clone());
        prop_assert_eq!(expected.len(), 1);
        let mut shuffled = Vec::new();
        for (index, mut record) in all.into_iter().enumerate() {
            record.arrived += delays[index * 31 % delays.len()];
            if index % 7 == twice {
                let mut again = record.clone();
                again.arrived += 60.0;
                shuffled.push(again);
            }
            shuffled.push(record);
        }
        prop_assert_eq!(verdicts(shuffled), expected);
    }
}
