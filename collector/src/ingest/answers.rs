//! Which batches of a stream are still to be acknowledged, and when.
//!
//! An agent asks now and then; the answer waits until everything that came before the question is
//! written or given up, or the disk is known to take nothing, and names all that is durable by then. Nothing is told unasked, unless more
//! gaps come together than are worth remembering.

use proto::wire;

use crate::seen::{Account, Run};

/// Runs of batches that one stream may leave unacknowledged before it is told of them unasked.
const RUNS: usize = 256;

/// What one stream owes its agent.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Received on this stream and not acknowledged.
    open: Vec<Run>,
    /// The number of claims that the question covers.
    asked: Option<u64>,
    /// Samples refused since the last answer.
    rejected_samples: u32,
}

impl Answers {
    /// Notes a batch, new or not, and how many of its samples were refused.
    pub(super) fn received(&mut self, instance: u64, sequence: u64, rejected_samples: u32) {
        self.rejected_samples = self.rejected_samples.saturating_add(rejected_samples);
        let neighbour = |run: &&mut Run| {
            run.instance == instance
                && sequence >= run.first.saturating_sub(1)
                && sequence <= run.last.saturating_add(1)
        };
        if let Some(run) = self.open.iter_mut().rev().find(neighbour) {
            run.first = run.first.min(sequence);
            run.last = run.last.max(sequence);
        } else {
            self.open.push(Run {
                instance,
                first: sequence,
                last: sequence,
            });
        }
    }

    /// Notes that the agent waits for an answer about everything so far.
    pub(super) fn asked(&mut self, account: &Account) {
        self.asked = Some(account.claims());
    }

    /// Whether the agent waits for an answer.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The answer, when it is time for one. A disk that takes nothing now may do so for days: then an
    /// agent is told of what is durable, be it nothing, so that it knows that somebody is there.
    pub(super) fn due(
        &mut self,
        account: &Account,
        is_failing: bool,
        now_unix_ms: i64,
    ) -> Option<wire::Ack> {
        if self.asked.is_none() && self.open.len() > RUNS {
            self.asked(account);
        }
        self.asked
            .filter(|claims| is_failing || account.is_written(*claims))
            .map(|_| self.answer(account, now_unix_ms))
    }

    fn answer(&mut self, account: &Account, now_unix_ms: i64) -> wire::Ack {
        let mut batches = Vec::new();
        let mut open = Vec::new();
        for run in self.open.drain(..) {
            let taken = account.taken(run);
            leftovers(run, &taken, &mut open);
            batches.extend(taken.into_iter().map(batches_of));
        }
        // What was given up stays with the agent, which sends it again on another stream.
        open.truncate(RUNS);
        self.open = open;
        self.asked = None;
        wire::Ack {
            batches,
            server_time_unix_ms: now_unix_ms,
            rejected_samples: std::mem::take(&mut self.rejected_samples),
        }
    }
}

/// What of a run is in none of these parts of it, which are in order.
fn leftovers(run: Run, parts: &[Run], left: &mut Vec<Run>) {
    let mut next = Some(run.first);
    for part in parts {
        if let Some(first) = next.filter(|first| *first < part.first) {
            let last = part.first - 1;
            left.push(Run { first, last, ..run });
        }
        next = part.last.checked_add(1);
    }
    if let Some(first) = next.filter(|first| *first <= run.last) {
        left.push(Run { first, ..run });
    }
}

pub(super) fn batches_of(run: Run) -> wire::Batches {
    wire::Batches {
        instance: run.instance,
        first: run.first,
        last: run.last,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use super::*;
    use crate::seen::Claimed;

    fn acked(ack: &wire::Ack) -> Vec<(u64, u64)> {
        let pair = |batches: &wire::Batches| (batches.first, batches.last);
        ack.batches.iter().map(pair).collect()
    }

    #[test]
    fn an_answer_waits_for_what_is_being_written_and_names_what_is_durable() {
        let account = Arc::new(Account::default());
        let mut answers = Answers::default();
        let claim = |sequence| match account.claim(1, sequence) {
            Claimed::New(claim) => claim,
            other => panic!("{other:?}"),
        };
        let claims: Vec<_> = (1..=4).map(claim).collect();
        for sequence in 1..=4 {
            answers.received(1, sequence, 1);
        }
        assert!(answers.due(&account, false, 0).is_none(), "nobody asked");
        answers.asked(&account);
        let later = claim(9);
        answers.received(1, 9, 0);
        for (number, claim) in claims.into_iter().enumerate() {
            assert!(
                answers.due(&account, false, 0).is_none(),
                "{number} are written"
            );
            if number == 1 {
                drop(claim);
            } else {
                claim.taken();
            }
        }
        let ack = answers.due(&account, false, 5).unwrap();
        assert_eq!(acked(&ack), [(1, 1), (3, 4)]);
        assert_eq!((ack.rejected_samples, ack.server_time_unix_ms), (4, 5));
        assert!(answers.due(&account, false, 5).is_none());
        later.taken();
        answers.asked(&account);
        let ack = answers.due(&account, false, 5).unwrap();
        assert_eq!((acked(&ack), ack.rejected_samples), (vec![(9, 9)], 0));
    }

    #[test]
    fn many_gaps_are_acknowledged_unasked() {
        let account = Account::default();
        let mut answers = Answers::default();
        for sequence in (0..100_000).step_by(2) {
            account.take(Run {
                instance: 1,
                first: sequence,
                last: sequence,
            });
            answers.received(1, sequence, 0);
            answers.due(&account, false, 0);
            assert!(answers.open.len() <= RUNS);
        }
    }

    #[test]
    fn while_the_disk_fails_a_question_is_answered_with_what_is_durable() {
        let account = Arc::new(Account::default());
        let mut answers = Answers::default();
        let Claimed::New(waits) = account.claim(1, 1) else {
            panic!("it is new");
        };
        answers.received(1, 1, 0);
        answers.asked(&account);
        assert!(answers.due(&account, false, 0).is_none(), "being written");
        let ack = answers.due(&account, true, 0).unwrap();
        assert!(acked(&ack).is_empty());
        assert!(!answers.is_asked());
        waits.taken();
        answers.asked(&account);
        let ack = answers.due(&account, false, 0).unwrap();
        assert_eq!(acked(&ack), [(1, 1)], "told once it is durable");
    }

    #[test]
    fn leftovers_are_what_remains() {
        let run = |first, last| Run {
            instance: 1,
            first,
            last,
        };
        let check = |whole, parts: &[Run], expected: &[Run]| {
            let mut left = Vec::new();
            leftovers(whole, parts, &mut left);
            assert_eq!(left, expected);
        };
        check(run(1, 9), &[], &[run(1, 9)]);
        check(run(1, 9), &[run(1, 9)], &[]);
        check(
            run(1, 9),
            &[run(2, 3), run(5, 5)],
            &[run(1, 1), run(4, 4), run(6, 9)],
        );
        check(run(0, u64::MAX), &[run(1, u64::MAX)], &[run(0, 0)]);
    }
}
