//! Two messages a day: before the doors open what is not ready, and after they closed what the day was like.
//!
//! The first is sorted by what can still be done before opening; what many centres share is one line. Deliberately
//! absent: when they are sent, and to whom.

use std::collections::BTreeMap;

use super::Words;
use super::incident::{figure_length, place_names, stretch_name};
use crate::Segment;
use crate::event::{Incident, Readiness, State};

/// Lines of a digest; the page has the rest.
const LINES: usize = 20;

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// The counts, for a subject or a notification.
    pub summary: Words,
    /// A line for each thing to know, at most twenty; empty when there is nothing.
    pub text: Words,
}

/// Before opening: the newest readiness of each centre. `name` gives a centre's name by its id.
#[must_use]
pub fn before_opening<'a>(all: &'a [Readiness], name: impl Fn(&'a str) -> &'a str) -> Digest {
    let count = |state| all.iter().filter(|one| one.state == state).count();
    let (ready, risk) = (count(State::Ready), count(State::AtRisk));
    let (not, unknown) = (count(State::NotReady), count(State::Unknown));
    let summary = Words {
        vi: format!(
            "Trước giờ mở cửa: {ready} trung tâm sẵn sàng, {not} chưa sẵn sàng, {risk} có nguy cơ, {unknown} chưa rõ."
        ),
        en: format!(
            "Before opening: ready {ready}, not ready {not}, at risk {risk}, unknown {unknown}."
        ),
    };
    // What centres share is said once: by state and by whose it is, then in its own words.
    let mut shared: BTreeMap<_, (&Readiness, Vec<&str>)> = BTreeMap::new();
    for one in all.iter().filter(|one| one.state != State::Ready) {
        let key = (urgency(one), &one.reason.sentence.en, &one.reason.action.en);
        let (_, names) = shared.entry(key).or_insert((one, Vec::new()));
        names.push(name(&one.centre));
    }
    let mut lines: Vec<_> = shared.into_iter().collect();
    // The widest first, of those that are equally urgent.
    lines.sort_by_key(|((urgency, ..), (_, names))| (*urgency, usize::MAX - names.len()));
    let lines = lines.into_iter().map(|(_, (one, names))| {
        let (state, place) = (state(one.state), place_names(&names));
        let (why, what) = (&one.reason.sentence, &one.reason.action);
        Words {
            vi: format!("{} – {}: {} {}", place.vi, state.vi, why.vi, what.vi),
            en: format!("{} – {}: {} {}", place.en, state.en, why.en, what.en),
        }
    });
    Digest {
        summary,
        text: listed(lines),
    }
}

/// What can still be mended comes first, then what somebody has to look at, then what only others can mend.
fn urgency(one: &Readiness) -> u8 {
    match (one.state, one.reason.not_ours) {
        (State::NotReady, false) => 0,
        (State::Unknown, _) => 1,
        (State::NotReady, true) => 2,
        (State::AtRisk, _) => 3,
        (State::Ready, _) => 4,
    }
}

fn state(state: State) -> Words {
    let (vi, en) = match state {
        State::Ready => ("sẵn sàng", "ready"),
        State::AtRisk => ("có nguy cơ", "at risk"),
        State::NotReady => ("chưa sẵn sàng", "not ready"),
        State::Unknown => ("chưa rõ", "unknown"),
    };
    Words {
        vi: vi.into(),
        en: en.into(),
    }
}

/// After closing: the incidents of a day, from its first opening to its last closing, Unix seconds.
#[must_use]
pub fn after_closing(all: &[Incident], opening: f64, closing: f64) -> Digest {
    let within =
        |one: &&Incident| one.since < closing && one.until.is_none_or(|until| until > opening);
    let mut hit: Vec<(&Incident, f64)> = all
        .iter()
        .filter(within)
        .map(|one| (one, lost(one, opening, closing)))
        .collect();
    // What is not over first; then what cost most.
    hit.sort_by(|(one, cost), (other, other_cost)| {
        let over = one.until.is_some().cmp(&other.until.is_some());
        over.then(other_cost.total_cmp(cost))
            .then(one.id.cmp(&other.id))
    });
    let open = hit.iter().filter(|(one, _)| one.until.is_none()).count();
    let summary = if hit.is_empty() {
        Words {
            vi: "Sau giờ đóng cửa: hôm nay không có sự cố nào.".into(),
            en: "After closing: no faults today.".into(),
        }
    } else {
        Words {
            vi: format!(
                "Sau giờ đóng cửa: hôm nay có {} sự cố, {open} chưa xong.",
                hit.len()
            ),
            en: format!(
                "After closing: {} today, {open} not over.",
                if hit.len() == 1 {
                    "1 fault".into()
                } else {
                    format!("{} faults", hit.len())
                }
            ),
        }
    };
    let told = hit.iter().map(|(one, _)| {
        let (vi, en) = if one.until.is_none() {
            ("Chưa xong: ", "Not over: ")
        } else {
            ("", "")
        };
        Words {
            vi: format!("{vi}{}", one.sentence.vi),
            en: format!("{en}{}", one.sentence.en),
        }
    });
    Digest {
        summary,
        text: listed(costs(&hit).into_iter().chain(told)),
    }
}

/// Seconds of opening hours that an incident cost, over all its centres.
fn lost(one: &Incident, opening: f64, closing: f64) -> f64 {
    let until = one.until.unwrap_or(closing).min(closing);
    let centres = u32::try_from(one.scope.len()).unwrap_or(u32::MAX);
    (until - one.since.max(opening)).max(0.0) * f64::from(centres)
}

/// Where the time went, the most first.
fn costs(hit: &[(&Incident, f64)]) -> Option<Words> {
    let mut by_segment: BTreeMap<Segment, f64> = BTreeMap::new();
    for (one, cost) in hit {
        let segment = one.segment.as_deref().and_then(|word| word.parse().ok());
        if let Some(segment) = segment.filter(|_| *cost >= 60.0) {
            *by_segment.entry(segment).or_default() += cost;
        }
    }
    let mut all: Vec<(Segment, f64)> = by_segment.into_iter().collect();
    all.sort_by(|one, other| other.1.total_cmp(&one.1));
    let said = all.iter().map(|(segment, cost)| {
        let (place, length) = (stretch_name(*segment), figure_length(*cost));
        Words {
            vi: format!("{} {}", place.vi, length.vi),
            en: format!("{} {}", place.en, length.en),
        }
    });
    let said: Vec<Words> = said.collect();
    let join = |pick: fn(&Words) -> &str| said.iter().map(pick).collect::<Vec<_>>().join(", ");
    (!said.is_empty()).then(|| Words {
        vi: format!(
            "Thời gian bị ảnh hưởng, cộng các trung tâm: {}.",
            join(|one| &one.vi)
        ),
        en: format!(
            "Time hit, of all centres together: {}.",
            join(|one| &one.en)
        ),
    })
}

/// One under the other, and how many there are besides.
fn listed(lines: impl Iterator<Item = Words>) -> Words {
    let mut lines: Vec<Words> = lines.collect();
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(Words {
            vi: format!("… và {more} mục khác, xem trên trang."),
            en: format!("… and {more} more, on the page."),
        });
    }
    let join = |pick: fn(&Words) -> &str| lines.iter().map(pick).collect::<Vec<_>>().join("\n");
    Words {
        vi: join(|line| &line.vi),
        en: join(|line| &line.en),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Reason, Stage};

    const OPENING: f64 = 1_000_000.0;
    const CLOSING: f64 = OPENING + 34_200.0;

    fn words(vi: &str, en: &str) -> Words {
        Words {
            vi: vi.into(),
            en: en.into(),
        }
    }

    fn judged(centre: &str, state: State, not_ours: bool, why: &str) -> Readiness {
        Readiness {
            at: OPENING - 600.0,
            centre: centre.into(),
            check: "T-10".into(),
            state,
            reason: Reason {
                code: "x".into(),
                segment: None,
                not_ours,
                sentence: words(&format!("[vi] {why}."), &format!("{why}.")),
                action: words("[vi] Làm.", "Do it."),
            },
        }
    }

    fn incident(id: &str, segment: &str, since: f64, until: Option<f64>) -> Incident {
        Incident {
            id: id.into(),
            scope: vec!["a".into(), "b".into()],
            segment: Some(segment.into()),
            fault: format!("{segment}_down"),
            culprit: None,
            since,
            until,
            confidence: 0.95,
            stage: Stage::Final,
            alternatives: Vec::new(),
            sentence: words(&format!("[vi] {id}."), &format!("{id}.")),
            action: Words::default(),
            supports: Vec::new(),
            against: Vec::new(),
            settles: None,
        }
    }

    fn name(id: &str) -> &str {
        match id {
            "a" => "Công Sơn",
            "b" => "Bắc Sơn",
            other => other,
        }
    }

    #[test]
    fn what_can_still_be_mended_comes_first_and_what_is_shared_once() {
        let all = [
            judged("c", State::Ready, false, "All well"),
            judged("d", State::AtRisk, false, "Little paper"),
            judged("a", State::NotReady, true, "The portal is down"),
            judged("b", State::NotReady, true, "The portal is down"),
            judged("e", State::Unknown, false, "Nobody is awake there"),
            judged("f", State::NotReady, false, "The router is down"),
        ];
        let digest = before_opening(&all, name);
        assert_eq!(
            digest.summary.en,
            "Before opening: ready 1, not ready 3, at risk 1, unknown 1."
        );
        assert_eq!(
            digest.text.en,
            "f – not ready: The router is down. Do it.\n\
             e – unknown: Nobody is awake there. Do it.\n\
             Công Sơn and Bắc Sơn – not ready: The portal is down. Do it.\n\
             d – at risk: Little paper. Do it."
        );
        assert!(
            digest
                .text
                .vi
                .contains("Công Sơn và Bắc Sơn – chưa sẵn sàng: [vi] The portal")
        );
    }

    #[test]
    fn a_day_is_told_by_what_it_cost() {
        let all = [
            incident("short", "lan", OPENING + 60.0, Some(OPENING + 360.0)),
            incident("long", "line", OPENING - 3_600.0, Some(OPENING + 3_600.0)),
            incident("open", "power", CLOSING - 300.0, None),
            incident("before", "line", OPENING - 7_200.0, Some(OPENING - 60.0)),
            incident("after", "line", CLOSING + 60.0, None),
        ];
        let digest = after_closing(&all, OPENING, CLOSING);
        assert_eq!(
            digest.summary.en,
            "After closing: 3 faults today, 1 not over."
        );
        assert_eq!(
            digest.text.en,
            "Time hit, of all centres together: the Internet line 2 hours, the network inside the centre 10 minutes, \
             the electricity 10 minutes.\nNot over: open.\nlong.\nshort."
        );
        assert!(digest.text.vi.starts_with(
            "Thời gian bị ảnh hưởng, cộng các trung tâm: đường truyền Internet 2 giờ, "
        ));
    }

    #[test]
    fn a_day_without_faults_says_so_and_a_bad_one_is_bounded() {
        let digest = after_closing(&[], OPENING, CLOSING);
        assert_eq!(
            digest.summary.vi,
            "Sau giờ đóng cửa: hôm nay không có sự cố nào."
        );
        assert_eq!(digest.text, Words::default());

        let many: Vec<Incident> = (0..50)
            .map(|n| incident(&format!("i{n}"), "line", OPENING, None))
            .collect();
        let text = after_closing(&many, OPENING, CLOSING).text.en;
        assert_eq!(text.lines().count(), LINES + 1);
        assert!(text.ends_with("… and 31 more, on the page."), "{text}");
    }
}
