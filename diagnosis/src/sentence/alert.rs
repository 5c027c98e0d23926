//! What an alert says of an incident: a line for the screen of a phone, and the rest for whoever opens it.
//!
//! Deliberately absent: links and labels, which are the collector's.

use super::{Words, incident};
use crate::Fault;
use crate::event::{Incident, Stage};

/// Reasons that are told, each way.
const REASONS: usize = 3;

/// Summary and description of an incident: what is wrong; then what to do, what speaks for and against it, what else it
/// may be and what would settle it.
#[must_use]
pub fn alert_text(incident: &Incident) -> (Words, Words) {
    let mut text = Words::default();
    line(&mut text, ("Việc cần làm", "What to do"), &incident.action);
    for (title, reasons) in [
        (("Vì", "Because"), &incident.supports),
        (("Nhưng", "But"), &incident.against),
    ] {
        for reason in reasons.iter().take(REASONS) {
            line(&mut text, title, &stopped(reason));
        }
    }
    if let Some(other) = incident.alternatives.first() {
        let name = other.fault.parse().map_or_else(
            |_| Words {
                vi: other.fault.clone(),
                en: other.fault.clone(),
            },
            |known: Fault| incident::named(known),
        );
        let said = Words {
            vi: format!("{} ({:.0}%).", name.vi, other.p * 100.0),
            en: format!("{} ({:.0}%).", name.en, other.p * 100.0),
        };
        line(&mut text, ("Cũng có thể là", "It may also be"), &said);
    }
    if let Some(question) = &incident.settles {
        line(&mut text, ("Để biết chắc", "To be sure"), question);
    }
    let known = match incident.stage {
        Stage::Provisional => None,
        Stage::Confirmed => Some((
            "Đã xác nhận bằng số liệu nhận được sau.",
            "Confirmed by what arrived later.",
        )),
        Stage::Final => Some(("Kết luận cuối cùng.", "This is final.")),
    };
    if let Some((vi, en)) = known {
        push(&mut text, vi, en);
    }
    (incident.sentence.clone(), text)
}

fn line(text: &mut Words, (vi, en): (&str, &str), said: &Words) {
    if !said.vi.is_empty() && !said.en.is_empty() {
        push(
            text,
            &format!("{vi}: {}", said.vi),
            &format!("{en}: {}", said.en),
        );
    }
}

fn push(text: &mut Words, vi: &str, en: &str) {
    for (text, line) in [(&mut text.vi, vi), (&mut text.en, en)] {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
}

/// With a full stop, which a clause has not.
fn stopped(clause: &Words) -> Words {
    Words {
        vi: format!("{}.", clause.vi.trim_end_matches('.')),
        en: format!("{}.", clause.en.trim_end_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Alternative;

    fn words(vi: &str, en: &str) -> Words {
        Words {
            vi: vi.into(),
            en: en.into(),
        }
    }

    #[test]
    fn an_alert_says_what_to_do_before_why() {
        let incident = Incident {
            id: "i-1".into(),
            scope: vec!["cong-son".into()],
            segment: Some("power".into()),
            fault: "power_outage".into(),
            culprit: None,
            since: 0.0,
            until: None,
            confidence: 0.7,
            stage: Stage::Provisional,
            alternatives: vec![Alternative {
                segment: Some("line".into()),
                fault: "line_down".into(),
                p: 0.25,
            }],
            sentence: words("Mất điện.", "No electricity."),
            action: words("Gọi điện lực.", "Call the electricity company."),
            supports: vec![words("2 máy chạy bằng pin", "2 PCs run on battery")],
            against: vec![words("đang gần giờ nghỉ", "it is about closing time")],
            settles: Some(words("có điện không?", "is there electricity?")),
        };
        let (summary, description) = alert_text(&incident);
        assert_eq!(summary, incident.sentence);
        assert_eq!(
            description.vi,
            "Việc cần làm: Gọi điện lực.\nVì: 2 máy chạy bằng pin.\nNhưng: đang gần giờ nghỉ.\n\
             Cũng có thể là: đường truyền Internet bị đứt (25%).\nĐể biết chắc: có điện không?"
        );
        assert_eq!(
            description.en,
            "What to do: Call the electricity company.\nBecause: 2 PCs run on battery.\n\
             But: it is about closing time.\nIt may also be: the Internet line is dead (25%).\n\
             To be sure: is there electricity?"
        );
        let confirmed = Incident {
            stage: Stage::Confirmed,
            alternatives: Vec::new(),
            ..incident
        };
        let (_, description) = alert_text(&confirmed);
        assert!(description.en.ends_with("Confirmed by what arrived later."));
        assert!(!description.en.contains("may also be"));
    }
}
