//! For tests: an incident.

use diagnosis::event::{Incident, Stage};
use diagnosis::sentence::Words;

/// A dead line of these centres, since then.
pub(crate) fn incident(id: &str, scope: &[&str], since: f64) -> Incident {
    let words = |text: &str| Words {
        vi: text.to_owned(),
        en: text.to_owned(),
    };
    Incident {
        id: id.to_owned(),
        scope: scope.iter().map(|&centre| centre.to_owned()).collect(),
        segment: Some("line".into()),
        fault: "line_down".into(),
        culprit: Some("VNPT".into()),
        since,
        until: None,
        confidence: 0.97,
        stage: Stage::Provisional,
        alternatives: Vec::new(),
        sentence: words("The line is dead."),
        action: words("Call the ISP."),
        supports: vec![words("The router answers, nothing behind it does.")],
        against: Vec::new(),
        settles: None,
    }
}
