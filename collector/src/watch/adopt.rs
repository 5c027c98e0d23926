//! Incidents across a restart: what was known goes on under its name, and nobody is told twice.
//!
//! The diagnosis begins anew and finds again what is wrong, under names of its own making. Such an incident is
//! the one from before when fault and culprit are the same, their centres meet and their times too. What was
//! open and is not found again within a while is over.

use std::collections::HashMap;

use diagnosis::event::{Event, Happened, Incident};

use crate::registry::KeptIncident;

/// How long the diagnosis has to find again what was open: agents come back within a minute, and what is slow
/// to show needs half an hour.
const PATIENCE: f64 = 2_400.0;

/// What is less apart goes on.
const PAUSE: f64 = 1_800.0;

/// What was known when the collector was started, and the names of what was found again.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    waiting: Vec<KeptIncident>,
    /// The diagnosis' names of incidents that have another.
    names: HashMap<String, String>,
    until: f64,
}

impl Adopted {
    /// These were known.
    pub(super) fn new(known: Vec<KeptIncident>, now: f64) -> Self {
        Self {
            waiting: known,
            names: HashMap::new(),
            until: now + PATIENCE,
        }
    }

    /// An event under the name that its incident has for ever.
    pub(super) fn event(&mut self, mut event: Event) -> Event {
        let own = &event.incident.id;
        if let Some(name) = self.names.get(own) {
            event.incident.id.clone_from(name);
            return event;
        }
        let is_it = |known: &KeptIncident| is_it(&known.incident, &event.incident);
        let Some(place) = self.waiting.iter().position(is_it) else {
            return event;
        };
        let known = self.waiting.swap_remove(place);
        self.names.insert(own.clone(), known.incident.id.clone());
        event.notify &= !known.notified;
        if event.event == Happened::Open {
            event.event = Happened::Update;
        }
        event.incident.id = known.incident.id;
        event
    }

    /// The ends of what was open and is not found again.
    pub(super) fn over(&mut self, now: f64) -> Vec<Event> {
        if now < self.until {
            return Vec::new();
        }
        let open = self
            .waiting
            .drain(..)
            .filter(|one| one.incident.until.is_none());
        let over = open.map(|KeptIncident { mut incident, .. }| {
            incident.until = Some(now);
            Event {
                at: now,
                event: Happened::Close,
                notify: false,
                incident,
            }
        });
        over.collect()
    }
}

/// Whether what is found is what was known.
fn is_it(known: &Incident, found: &Incident) -> bool {
    let same = (&known.fault, &known.culprit) == (&found.fault, &found.culprit);
    let mut centres = found.scope.iter();
    let meet = centres.any(|centre| known.scope.contains(centre));
    let before = |one: &Incident, other: &Incident| {
        one.until.is_none_or(|until| other.since <= until + PAUSE)
    };
    same && meet && before(known, found) && before(found, known)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::watch::fixture::incident;

    fn opened(incident: &Incident) -> Event {
        Event {
            at: 2_000.0,
            event: Happened::Open,
            notify: true,
            incident: incident.clone(),
        }
    }

    fn kept(incident: Incident, notified: bool) -> KeptIncident {
        KeptIncident {
            incident,
            told_at: Timestamp::UNIX_EPOCH,
            notified,
            revised: false,
            withdrawn: false,
        }
    }

    #[test]
    fn what_is_found_again_goes_on_and_nobody_is_told_twice() {
        let known = incident("before", &["cong-son", "mau-son"], 1_000.0);
        let mut adopted = Adopted::new(vec![kept(known, true)], 1_900.0);
        let found = incident("one", &["cong-son"], 1_950.0);
        let event = adopted.event(opened(&found));
        assert_eq!(event.incident.id, "before");
        assert_eq!((event.event, event.notify), (Happened::Update, false));
        // And stays it.
        let mut close = opened(&found);
        close.event = Happened::Close;
        assert_eq!(adopted.event(close).incident.id, "before");
        assert_eq!(adopted.over(f64::MAX), []);
    }

    #[test]
    fn who_was_not_told_before_is_told_now() {
        let known = incident("before", &["cong-son"], 1_000.0);
        let mut adopted = Adopted::new(vec![kept(known, false)], 1_900.0);
        let event = adopted.event(opened(&incident("one", &["cong-son"], 1_950.0)));
        assert!(event.notify);
    }

    #[test]
    fn elsewhere_or_at_another_time_is_new_and_what_is_not_found_again_is_over() {
        let known = incident("open", &["cong-son"], 9_000.0);
        let mut ended = incident("ended", &["cong-son"], 1_000.0);
        ended.until = Some(1_500.0);
        let mut adopted = Adopted::new(vec![kept(known, true), kept(ended, true)], 9_900.0);
        let mut check = |mut found: Incident, until: Option<f64>| {
            found.until = until;
            let event = adopted.event(opened(&found));
            assert_eq!((event.incident.id, event.notify), (found.id, true));
        };
        check(incident("a", &["mau-son"], 9_000.0), None);
        check(incident("b", &["cong-son"], 4_000.0), Some(5_000.0));
        assert_eq!(adopted.over(9_900.0 + PATIENCE - 1.0), []);
        let over = adopted.over(9_900.0 + PATIENCE);
        let over: Vec<_> = over
            .iter()
            .map(|event| (&*event.incident.id, event.event))
            .collect();
        assert_eq!(over, [("open", Happened::Close)]);
        assert_eq!(adopted.over(f64::MAX), []);
    }
}
