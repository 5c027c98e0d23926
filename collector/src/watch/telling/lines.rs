//! Lines of centres as the province sees them from outside: what the counters of a round grew by, as one record each.
//!
//! A record is of one round and not of a minute: echoes from before a centre fell silent and from after it say
//! different things.

use diagnosis::record::{Kind, Record, ReversePing, What};

use super::Taken;
use super::counts::{Counted, whole};

/// One line, as it was told last.
#[derive(Debug, Default)]
pub(super) struct Line {
    sent: Counted,
    received: Counted,
    /// What the round at hand tells of it.
    here: (Option<f64>, Option<f64>),
}

impl Line {
    pub(super) fn sent(&mut self, at: i64, value: f64) {
        self.here.0 = self.sent.grew(at, value).map(|(grew, _)| grew);
    }

    pub(super) fn received(&mut self, at: i64, value: f64) {
        self.here.1 = self.received.grew(at, value).map(|(grew, _)| grew);
    }
}

/// What the round at hand tells of lines, as far as whoever tells it is to look at them.
pub(super) fn told(
    lines: &mut [Line],
    names: &[Box<str>],
    at: i64,
    taken: &Taken<'_>,
) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for (line, name) in lines.iter_mut().zip(names) {
        let (sent, received) = std::mem::take(&mut line.here);
        let sent = whole(sent.unwrap_or_default());
        let whose = taken
            .reverse
            .and_then(|reverse| reverse.told_by(taken.centre, name));
        let Some(centre) = whose.filter(|_| sent > 0) else {
            continue;
        };
        let of_centre = |record: &&Record| {
            let what = record.what.as_ref();
            what.is_some_and(|what| what.centre == centre.as_str())
        };
        // A record is known by its time: two lines of a centre have not one.
        let before = records.iter().filter(of_centre).count();
        let at = at.saturating_add(i64::try_from(before).unwrap_or(0));
        records.push(Record {
            arrived: taken.arrived,
            what: Some(What {
                t: super::super::seconds(at),
                centre: centre.to_string(),
                agent: String::new(),
                kind: Kind::ReversePing(ReversePing {
                    sent,
                    received: whole(received.unwrap_or_default()).min(sent),
                }),
            }),
        });
    }
    records
}
