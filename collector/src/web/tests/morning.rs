//! The morning board: what can still be mended comes first, with what to do and who does it.

use std::sync::Arc;

use diagnosis::event::{Happened, Incident, Readiness, Reason, State};
use diagnosis::sentence::Words;

use super::fixture::{Province, centre, get, now};
use crate::readiness::{Fares, Morning, Standing, Witnesses, owner_of};

fn words(vi: &str, en: &str) -> Words {
    Words {
        vi: vi.into(),
        en: en.into(),
    }
}

/// A verdict for an opening in so many minutes.
fn standing(id: &str, state: State, code: &str, not_ours: bool, minutes: f64) -> Standing {
    let at = now().as_duration().as_secs_f64();
    let reason = Reason {
        code: code.into(),
        segment: None,
        not_ours,
        sentence: words(&format!("Lý do {code}."), &format!("Because of {code}.")),
        action: words(&format!("Việc {code}."), &format!("Do {code}.")),
    };
    let verdict = |check: &str, state| Readiness {
        at,
        centre: id.into(),
        check: check.into(),
        state,
        reason: reason.clone(),
    };
    Standing {
        owner: owner_of(&reason),
        verdict: verdict("T-30", state),
        opening: Some(at + minutes * 60.0),
        checks: vec![verdict("T-60", State::Unknown), verdict("T-30", state)],
        truth: None,
        witnesses: Witnesses {
            expected: 3,
            awake: 2,
            wired: 1,
            ..Witnesses::default()
        },
        fares: Fares::default(),
    }
}

fn province(standings: Vec<(&str, Standing)>) -> Province {
    let centres = standings
        .iter()
        .map(|(id, _)| centre(id, &format!("Xã {id}")));
    let province = Province::of(centres.collect::<Vec<_>>());
    let centres = standings
        .into_iter()
        .map(|(id, standing)| (id.to_owned(), Arc::new(standing)));
    let morning = Morning {
        at: 1.0,
        centres: centres.collect(),
        fares: Fares {
            right: 40,
            too_dark: 1,
            too_bright: 2,
            unanswered: 3,
            unseen: 0,
        },
    };
    province.faults.readiness().publish(morning, Vec::new());
    province
}

fn mixed() -> Province {
    province(vec![
        (
            "a-ready",
            standing("a-ready", State::Ready, "well", false, 10.0),
        ),
        (
            "b-elsewhere",
            standing("b-elsewhere", State::NotReady, "service_down", true, 20.0),
        ),
        (
            "c-weak",
            standing("c-weak", State::AtRisk, "line_lossy", false, 30.0),
        ),
        (
            "d-unknown",
            standing("d-unknown", State::Unknown, "no_witness", false, 40.0),
        ),
        (
            "e-late",
            standing("e-late", State::NotReady, "gateway_down", false, 60.0),
        ),
        (
            "f-soon",
            standing("f-soon", State::NotReady, "line_down", false, 50.0),
        ),
    ])
}

#[tokio::test]
async fn what_can_still_be_mended_comes_first() {
    let page = get(&mixed().router(), "/morning").await;
    let order = [
        "f-soon",
        "e-late",
        "d-unknown",
        "c-weak",
        "b-elsewhere",
        "a-ready",
    ];
    let places = order.map(|id| page.body.find(&format!("/centres/{id}\"")).unwrap());
    assert!(places.is_sorted(), "{places:?}\n{}", page.body);
    page.says("<title>(2) Trước giờ mở cửa")
        .says("còn 50 phút nữa mở cửa")
        .says("Làm trước tiên: </b>Việc line_down.")
        .says("Ai làm: <b>cán bộ tại trung tâm; rồi nhà mạng</b>")
        .says("Chưa sẵn sàng")
        .says("2/3 máy đang bật, 1 máy nối dây")
        .says("báo đúng 40")
        .does_not_say("Việc well.")
        .does_not_say("{}");
    get(&mixed().router(), "/morning?lang=en")
        .await
        .says("First thing to do: </b>Do line_down.")
        .says("opens in 50 min")
        .says("Not known: one PC switched on will tell");
}

#[tokio::test]
async fn centres_with_one_cause_are_one_card_that_leads_to_the_fault() {
    let of = |id| standing(id, State::NotReady, "isp_down", true, 30.0);
    let province = province(vec![("a", of("a")), ("b", of("b")), ("c", of("c"))]);
    let open = crate::watch::fixture::incident("isp 1", &["a", "b", "c"], 1_773_000_000.0);
    let incident = Incident {
        fault: "isp_down".into(),
        ..open
    };
    province.faults.opens(&diagnosis::event::Event {
        at: 1_773_000_000.0,
        event: Happened::Open,
        notify: true,
        incident,
    });
    let page = get(&province.router(), "/morning?lang=en").await;
    assert_eq!(
        page.body.matches("Because of isp_down.").count(),
        1,
        "{}",
        page.body
    );
    page.says("3 centres")
        .says("href=\"/faults/isp%201\"")
        .says("Xã b");
    // The page of the province says it too.
    get(&province.router(), "/?lang=en")
        .await
        .says("Not ready: 3")
        .says("/faults/isp%201")
        .says("href=\"/morning\"");
}

#[tokio::test]
async fn a_centre_says_how_ready_it_is() {
    let router = mixed().router();
    let page = get(&router, "/centres/f-soon?lang=en").await;
    page.says("T-60: Not known · T-30: Not ready")
        .says("Because of line_down.")
        .says("Do line_down.");
    get(&router, "/centres/a-ready?lang=en")
        .await
        .says("T-30: Ready")
        .does_not_say("Because of well.");
    // Nothing was looked at yet.
    let none = Province::of([centre("a", "Xã")]).router();
    get(&none, "/morning?lang=en")
        .await
        .says("has just started");
    get(&none, "/").await.does_not_say("Chưa sẵn sàng");
}

#[tokio::test]
async fn a_country_fits_and_hostile_names_do_nothing() {
    let ids: Vec<String> = (0..3_300).map(|number| format!("xa-{number:04}")).collect();
    let standings = ids.iter().map(|id| {
        let code = if id.ends_with('0') {
            id.as_str()
        } else {
            "no_witness"
        };
        (
            id.as_str(),
            standing(id, State::NotReady, code, false, 30.0),
        )
    });
    let mut province = province(standings.collect());
    province.centres[0].name = "\"><script>alert(1)</script>".into();
    let page = get(&province.router(), "/morning").await;
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    page.does_not_say("<script>")
        .says("&lt;script&gt;")
        .says("và 2910 nơi khác");
}
