//! What UPS say, from captures written by the MIBs, one for each carelessness.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::snmp::recorded::{Recorded, capture};
use super::*;

async fn read(mut session: Recorded) -> Said {
    let mut said = Said::default();
    super::read(&mut session, &mut said).await.unwrap();
    said
}

#[tokio::test]
async fn the_mains_are_off_and_the_battery_is_old() {
    let said = read(capture("ups/on_battery")).await;
    let expected = Ups {
        on_battery: Some(true),
        battery_ratio: Some(0.18),
        runtime_seconds: Some(240.0),
        // Of two outputs the higher.
        load_ratio: Some(1.1),
        battery_low: Some(true),
        battery_replace: Some(true),
    };
    assert_eq!(said.ups, Some(expected));
}

#[tokio::test]
async fn numbers_in_texts_are_numbers_and_empty_texts_are_none() {
    let said = read(capture("ups/texts")).await;
    let expected = Ups {
        on_battery: Some(false),
        battery_ratio: Some(1.0),
        runtime_seconds: Some(1320.0),
        load_ratio: None,
        battery_low: Some(false),
        battery_replace: Some(false),
    };
    assert_eq!(said.ups, Some(expected));
}

#[tokio::test]
async fn what_is_not_known_is_not_told() {
    let said = read(capture("ups/unknown")).await;
    let expected = Ups {
        battery_ratio: Some(1.0),
        ..Ups::default()
    };
    assert_eq!(said.ups, Some(expected));
    let problem = "it says that its battery is fuller than full";
    assert_eq!(said.problems, [problem]);
}

#[tokio::test]
async fn tenths_and_ticks_of_a_maker_are_read_as_such() {
    let said = read(capture("ups/powernet")).await;
    let expected = Ups {
        // Trimming what is too much, on the mains.
        on_battery: Some(false),
        battery_ratio: Some(0.915),
        runtime_seconds: Some(3960.0),
        load_ratio: Some(0.169),
        battery_low: Some(false),
        battery_replace: Some(true),
    };
    assert_eq!(said.ups, Some(expected));
}

#[tokio::test]
async fn seconds_of_a_maker_are_seconds() {
    let said = read(capture("ups/mge")).await;
    let expected = Ups {
        on_battery: Some(true),
        battery_ratio: Some(0.8),
        runtime_seconds: Some(2594.0),
        load_ratio: Some(0.59),
        battery_low: Some(false),
        battery_replace: Some(false),
    };
    assert_eq!(said.ups, Some(expected));
}

#[tokio::test]
async fn a_maker_fills_what_the_standard_leaves_open() {
    let said = read(capture("ups/card_and_maker")).await;
    let expected = Ups {
        on_battery: Some(false),
        battery_ratio: Some(1.0),
        // 43 minutes by UPS-MIB, not 2594 seconds.
        runtime_seconds: Some(2580.0),
        load_ratio: Some(0.59),
        ..Ups::default()
    };
    assert_eq!(said.ups, Some(expected));
}

#[tokio::test]
async fn what_is_no_ups_says_nothing_of_one() {
    let said = read(Recorded::parse("1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.1\n")).await;
    assert_eq!(said.ups, None);
    let mut silent = Recorded::parse("1.3.1|2|1");
    silent.in_context("nobody");
    let answer = super::read(&mut silent, &mut Said::default()).await;
    assert_eq!(answer, Err(Trouble::Timeout));
}

#[tokio::test]
async fn an_old_battery_that_only_the_maker_tells_of_is_to_be_replaced() {
    // UPS-MIB says all there is, and that no alarm is present.
    let standard = "\
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.318.1.3.27
1.3.6.1.2.1.33.1.2.1.0|2|2
1.3.6.1.2.1.33.1.2.3.0|2|43
1.3.6.1.2.1.33.1.2.4.0|2|100
1.3.6.1.2.1.33.1.4.1.0|2|3
1.3.6.1.2.1.33.1.4.4.1.5.1|2|20
1.3.6.1.2.1.33.1.6.1.0|66|0
";
    for (low, replace, expected) in [("2", "1", (false, false)), ("3", "2", (true, true))] {
        let own = format!(
            "1.3.6.1.4.1.318.1.1.1.2.1.1.0|2|{low}\n1.3.6.1.4.1.318.1.1.1.2.2.4.0|2|{replace}\n"
        );
        let ups = read(Recorded::parse(&format!("{standard}{own}"))).await;
        let ups = ups.ups.unwrap();
        let told = (ups.battery_low, ups.battery_replace);
        assert_eq!(told, (Some(expected.0), Some(expected.1)));
    }
    // And the other way round.
    let alarm = standard.replace("6.1.0|66|0", "6.1.0|66|1")
        + "1.3.6.1.2.1.33.1.6.2.1.2.1|6|1.3.6.1.2.1.33.1.6.3.1\n1.3.6.1.4.1.318.1.1.1.2.2.4.0|2|1\n";
    let said = read(Recorded::parse(&alarm)).await;
    assert_eq!(said.ups.unwrap().battery_replace, Some(true));
}
