//! Culprits, figures and questions appear where they belong.

use super::*;

#[test]
fn the_isp_is_named_where_it_has_to_act() {
    for fault in [
        Fault::LineDown,
        Fault::LineDegrading,
        Fault::IspDegraded,
        Fault::DnsIspDown,
    ] {
        let told = Told {
            culprit: Some("MobiFone"),
            ..told(fault)
        };
        for said in [incident_sentence(&told), incident_action(&told)] {
            assert!(
                said.vi.contains("MobiFone") && said.en.contains("MobiFone"),
                "{said:?}"
            );
        }
    }
}

#[test]
fn culprits_are_named() {
    for fault in Fault::ALL {
        let named = matches!(
            fault.segment(),
            Some(Segment::Device | Segment::Printer | Segment::Isp | Segment::Service)
        ) || matches!(fault, Fault::RouteBlocked | Fault::DnsIspDown);
        let said = incident_sentence(&Told {
            culprit: Some("KC-7"),
            ..told(*fault)
        });
        let expected = named || fault.segment() == Some(Segment::Line);
        assert_eq!(said.vi.contains("KC-7"), expected, "{said:?}");
        assert_eq!(said.en.contains("KC-7"), expected, "{said:?}");
    }
}

#[test]
fn figures_appear_in_the_sentence() {
    let conditions = vec!["jam".to_owned(), "toner_low".to_owned()];
    for (fault, figure, vi, en) in [
        (
            Fault::LineLossy,
            Figure::Loss(0.052),
            "(mất 5% gói tin)",
            "(5% of the packets)",
        ),
        (
            Fault::LineSlow,
            Figure::Delay {
                ms: 181.6,
                usual_ms: 19.9,
            },
            "(182 ms, bình thường 20 ms)",
            "(182 ms, usually 20 ms)",
        ),
        (
            Fault::LanPartial,
            Figure::Share { of: 3.0, all: 12.0 },
            "(3/12 máy)",
            "(3 of 12 PCs)",
        ),
        (
            Fault::IspDegraded,
            Figure::Share { of: 7.0, all: 22.0 },
            "(7/22 trung tâm)",
            "(7 of 22 centres)",
        ),
        (
            Fault::ServiceError,
            Figure::Share { of: 4.0, all: 5.0 },
            "(4/5 lần thử bị lỗi)",
            "(4 of 5 attempts fail)",
        ),
        (
            Fault::PcOverloaded,
            Figure::Share { of: 0.98, all: 1.0 },
            "(bận 98%)",
            "(98% busy)",
        ),
        (
            Fault::PcClockWrong,
            Figure::Offset { seconds: -480.0 },
            "(chậm 8 phút)",
            "(8 minutes slow)",
        ),
        (
            Fault::PrinterFault,
            Figure::Conditions(conditions),
            "(kẹt giấy, sắp hết mực)",
            "(paper jam, little toner)",
        ),
    ] {
        let said = incident_sentence(&Told {
            figure,
            ..told(fault)
        });
        assert!(said.vi.contains(vi) && said.en.contains(en), "{said:?}");
    }
}

#[test]
fn names_of_faults_are_short_and_their_own() {
    let all = of_all(named);
    let vi: HashSet<&String> = all.iter().map(|words| &words.vi).collect();
    let en: HashSet<&String> = all.iter().map(|words| &words.en).collect();
    assert_eq!((vi.len(), en.len()), (Fault::ALL.len(), Fault::ALL.len()));
    assert!(
        all.iter()
            .all(|words| !words.vi.contains("máy này") && !words.en.contains("this PC"))
    );
}

#[test]
fn a_question_settles_any_two_faults_in_either_order() {
    for fault in Fault::ALL {
        for other in Fault::ALL {
            let asked = settles(*fault, *other);
            assert_eq!(asked, settles(*other, *fault));
            let none = fault == other || [*fault, *other].contains(&Fault::Unknown);
            assert_eq!(asked.is_none(), none, "{fault} {other}");
        }
    }
    let asked = settles(Fault::GatewayDown, Fault::LineDown).unwrap();
    assert!(asked.en.contains("lights of the router"), "{asked:?}");
    let asked = settles(Fault::LineDown, Fault::IspDown).unwrap();
    assert!(asked.vi.contains("cùng nhà mạng"), "{asked:?}");
}
