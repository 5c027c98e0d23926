//! Every fault has words of its own, in both languages, with its figures, its times and nothing left unsaid.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod figures;
mod reasons;
mod runbooks;

use std::collections::HashSet;

use super::*;

/// 24 November 2026, 07:12 in Lạng Sơn.
const SINCE: f64 = 1_795_479_120.0;

fn told(fault: Fault) -> Told<'static> {
    Told {
        fault,
        segment: fault.segment(),
        culprit: None,
        centres: &["Công Sơn"],
        isp: None,
        since: SINCE,
        until: None,
        now: Some(SINCE + 60.0),
        confidence: 0.97,
        other: None,
        silent: false,
        figure: Figure::None,
        offset_seconds: 25_200,
    }
}

fn check(told: &Told, vi: &str, en: &str) {
    assert_eq!(incident_sentence(told), words(vi, en));
}

#[test]
fn a_certain_verdict_is_told_as_a_fact() {
    let told = Told {
        isp: Some("VNPT"),
        ..told(Fault::LineDown)
    };
    check(
        &told,
        "Công Sơn: đường truyền Internet VNPT bị đứt từ 07:12.",
        "Công Sơn: the VNPT Internet line has been dead since 07:12.",
    );
}

#[test]
fn a_likely_one_is_told_as_likely() {
    let told = Told {
        confidence: 0.7,
        other: Some(Fault::LineDown),
        silent: true,
        ..told(Fault::PowerOutage)
    };
    check(
        &told,
        "Công Sơn: nhiều khả năng mất điện từ 07:12.",
        "Công Sơn: most likely the electricity has been off since 07:12.",
    );
}

#[test]
fn of_two_that_are_close_both_are_named() {
    let close = Told {
        confidence: 0.5,
        other: Some(Fault::LineDown),
        isp: Some("Viettel"),
        silent: true,
        ..told(Fault::PowerOutage)
    };
    check(
        &close,
        "Công Sơn: không có tin từ 07:12; chưa chắc chắn: hoặc mất điện, hoặc đường truyền Internet Viettel bị đứt.",
        "Công Sơn: nothing has been heard since 07:12; not certain: either the electricity is off, or the Viettel Internet line is dead.",
    );
    let action = incident_action(&close);
    assert!(
        action.vi.starts_with(
            "Gọi điện hỏi trung tâm: có điện không? Nếu có: cán bộ tại trung tâm xem đèn quang"
        ),
        "{action:?}"
    );
    assert!(
        action.vi.contains(
            "gọi Viettel báo đứt đường truyền. Nếu không: kỹ thuật viên hỏi trung tâm: nhà bên cạnh"
        ),
        "{action:?}"
    );
    assert!(action.en.starts_with("Phone the centre: is there electricity? If so: staff of the centre look at the fibre light"), "{action:?}");
    assert!(
        action
            .en
            .contains("If not: the technician asks the centre: do the neighbours"),
        "{action:?}"
    );

    let over = Told {
        until: Some(SINCE + 1_680.0),
        silent: false,
        ..close
    };
    check(
        &over,
        "Công Sơn: có sự cố từ 07:12 đến 07:40; chưa chắc chắn: hoặc mất điện, hoặc đường truyền Internet Viettel bị đứt.",
        "Công Sơn: something was wrong from 07:12 to 07:40; not certain: either the electricity was off, or the Viettel Internet line was dead.",
    );
}

#[test]
fn a_wide_fault_says_how_wide_and_names_a_few() {
    let told = Told {
        culprit: Some("VNPT"),
        centres: &["Công Sơn", "Bắc Sơn", "Na Sầm", "Thất Khê"],
        ..told(Fault::IspDown)
    };
    check(
        &told,
        "Toàn mạng VNPT bị sự cố từ 07:12 (4 trung tâm: Công Sơn, Bắc Sơn, Na Sầm…).",
        "The whole network of VNPT has been down since 07:12 (4 centres: Công Sơn, Bắc Sơn, Na Sầm…).",
    );
    let none = Told {
        centres: &[],
        ..self::told(Fault::CollectorDown)
    };
    check(
        &none,
        "Máy chủ giám sát không hoạt động từ 07:12.",
        "The monitoring server has been down since 07:12.",
    );
}

#[test]
fn what_follows_is_told_after_the_time() {
    check(
        &told(Fault::LineDegrading),
        "Công Sơn: đường truyền Internet kém dần từ 07:12, có thể sắp mất hẳn.",
        "Công Sơn: the Internet line has been getting worse since 07:12 and may fail soon.",
    );
    let somewhere = Told {
        segment: Some(Segment::Line),
        ..told(Fault::Unknown)
    };
    check(
        &somewhere,
        "Công Sơn: có sự cố ở đường truyền Internet từ 07:12, chưa rõ nguyên nhân.",
        "Công Sơn: something has been wrong with the Internet line since 07:12; the cause is not known yet.",
    );
}

#[test]
fn dates_are_told_where_the_day_does_not_go_without_saying() {
    let day = 86_400.0;
    let lossy = |now, until| {
        incident_sentence(&Told {
            now,
            until,
            ..told(Fault::LineLossy)
        })
    };
    let check = |now, until, vi: &str, en: &str| {
        let said = lossy(now, until);
        assert!(said.vi.ends_with(vi), "{said:?}");
        assert!(said.en.ends_with(en), "{said:?}");
    };
    check(
        Some(SINCE + day),
        None,
        "từ 07:12 ngày 24/11.",
        "since 07:12 on 24/11.",
    );
    check(
        None,
        Some(SINCE + 60.0),
        "từ 07:12 đến 07:13 ngày 24/11.",
        "from 07:12 to 07:13 on 24/11.",
    );
    check(
        Some(SINCE + day),
        Some(SINCE + day),
        "từ 07:12 ngày 24/11 đến 07:12.",
        "from 07:12 on 24/11 to 07:12.",
    );
    check(
        Some(SINCE + 1.0),
        Some(SINCE + 120.0),
        "chập chờn từ 07:12 đến 07:14.",
        "was losing data from 07:12 to 07:14.",
    );
}

#[test]
fn what_is_over_needs_nothing_done() {
    let action = incident_action(&Told {
        until: Some(SINCE + 60.0),
        other: Some(Fault::LineDown),
        confidence: 0.5,
        ..told(Fault::PowerOutage)
    });
    assert!(
        action
            .vi
            .starts_with("Đã hết. Nếu lặp lại: kỹ thuật viên hỏi"),
        "{action:?}"
    );
    assert!(
        action
            .en
            .starts_with("It is over. If it happens again: the technician asks"),
        "{action:?}"
    );
}

/// Both languages of something about every fault.
fn of_all(say: impl Fn(Fault) -> Words) -> Vec<Words> {
    Fault::ALL.iter().map(|fault| say(*fault)).collect()
}

/// Nothing is left of a template, of Rust, or of a name that is not there, and it is a sentence.
fn is_whole(text: &str) {
    for left in [
        "{", "}", " None", "Some(", "NaN", "  ", "..", " .", " ,", "::",
    ] {
        assert!(!text.contains(left), "{left:?} in {text}");
    }
    assert!(text.len() > 10 && text.ends_with(['.', '?']), "{text}");
    assert!(!text.starts_with(char::is_lowercase), "{text}");
}

#[test]
fn every_fault_has_a_sentence_and_an_action_of_its_own() {
    let say: [fn(&Told) -> Words; 2] = [incident_sentence, incident_action];
    for say in say {
        let all = of_all(|fault| say(&told(fault)));
        for language in [
            |words: &Words| words.vi.clone(),
            |words: &Words| words.en.clone(),
        ] {
            let mut seen = HashSet::new();
            for said in all.iter().map(language) {
                is_whole(&said);
                assert!(seen.insert(said.clone()), "twice: {said}");
            }
        }
        assert!(all.iter().all(|words| words.vi != words.en));
    }
}

/// Of each of these something is told of each fault: every candidate beside it, how sure, where, over or not.
#[test]
fn nothing_is_left_unsaid_whatever_is_told() {
    let others = Fault::ALL.iter().map(|other| Some(*other)).chain([None]);
    let others: Vec<Option<Fault>> = others.collect();
    let centres: [&[&str]; 3] = [&[], &["Công Sơn", "Bắc Sơn"], &["A", "B", "C", "D", "E"]];
    let figures = [
        Figure::None,
        Figure::Loss(0.2),
        Figure::Conditions(Vec::new()),
    ];
    for fault in Fault::ALL {
        for (index, other) in others.iter().enumerate() {
            for confidence in [0.3, 0.7, 0.95] {
                for (centres, figure) in centres.iter().zip(&figures) {
                    let told = Told {
                        other: *other,
                        confidence,
                        centres,
                        figure: figure.clone(),
                        silent: index % 2 == 0,
                        until: (index % 3 == 0).then_some(SINCE + 600.0),
                        ..told(*fault)
                    };
                    for said in [incident_sentence(&told), incident_action(&told)] {
                        is_whole(&said.vi);
                        is_whole(&said.en);
                    }
                }
            }
        }
    }
}

#[test]
fn a_printer_that_says_much_is_cut_short() {
    let all = vec!["jam".to_owned(); 100];
    let said = incident_sentence(&Told {
        figure: Figure::Conditions(all),
        ..told(Fault::PrinterFault)
    });
    assert_eq!(said.en.matches("paper jam").count(), 4, "{said:?}");
}

#[test]
fn whoever_ends_a_fault_is_named_in_what_to_do() {
    for fault in Fault::ALL {
        let told = Told {
            isp: Some("FPT"),
            ..told(*fault)
        };
        let who = owner(*fault).name(told.isp);
        let action = incident_action(&told);
        for (who, action) in [(who.vi, action.vi), (who.en, action.en)] {
            assert!(
                action.to_lowercase().contains(&who.to_lowercase()),
                "{fault}: {who:?} is not in {action:?}"
            );
        }
    }
}

#[test]
fn whoever_acts_first_is_named_first_in_what_to_do() {
    for fault in Fault::ALL {
        let told = Told {
            isp: Some("FPT"),
            ..told(*fault)
        };
        let doers = doers(*fault);
        let action = incident_action(&told);
        for (text, vi) in [(action.vi, true), (action.en, false)] {
            let text = text.to_lowercase();
            let at = |owner: &Owner| {
                let name = owner.name(told.isp);
                text.find(&if vi { name.vi } else { name.en }.to_lowercase())
            };
            let named: Vec<_> = doers.iter().map(at).collect();
            assert!(
                named.iter().all(Option::is_some) && named.is_sorted(),
                "{fault}: {doers:?} are not, in this order, in {text:?}"
            );
            let first = Owner::ALL.iter().filter_map(at).min();
            assert_eq!(first, named[0], "{fault}: another acts first in {text:?}");
        }
        assert!(
            doers.contains(&owner(*fault)),
            "{fault}: who ends it does nothing"
        );
    }
}
