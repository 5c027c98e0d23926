//! The way to the diagnosis: bounded, and never waited for. What has no room is dropped and counted: a verdict
//! can do without a minute, agents cannot do without their acknowledgements.

use diagnosis::record::Record;
use prometheus::IntCounter;
use tokio::sync::mpsc;

/// Batches' worth of records that may wait: some seconds of a country.
const WAITING: usize = 8_192;

/// Where records go. Clones share the way.
#[derive(Debug, Clone)]
pub struct Feed {
    records: mpsc::Sender<Vec<Record>>,
    dropped: IntCounter,
}

/// A way, and its other end.
#[must_use]
pub fn feed(dropped: IntCounter) -> (Feed, mpsc::Receiver<Vec<Record>>) {
    let (records, receiver) = mpsc::channel(WAITING);
    (Feed { records, dropped }, receiver)
}

impl Feed {
    /// Tells what became known.
    pub fn tell(&self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        if let Err(refused) = self.records.try_send(records) {
            let (mpsc::error::TrySendError::Full(records)
            | mpsc::error::TrySendError::Closed(records)) = refused;
            self.dropped.inc_by(records.len() as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_has_no_room_is_counted_and_holds_up_nobody() {
        let dropped = IntCounter::new("dropped", "dropped").unwrap();
        let (feed, mut receiver) = feed(dropped.clone());
        let record = Record {
            arrived: 1.0,
            what: None,
        };
        for _ in 0..WAITING + 3 {
            feed.tell(vec![record.clone()]);
        }
        assert_eq!(dropped.get(), 3);
        assert_eq!(receiver.try_recv().unwrap(), std::slice::from_ref(&record));
        feed.tell(vec![record]);
        assert_eq!(dropped.get(), 3);
    }
}
