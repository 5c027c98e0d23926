//! What holds whatever comes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

proptest! {
    /// However time jumps, each centre gets each check of each opening once, in order.
    #[test]
    fn no_check_is_missed(jumps in prop::collection::vec(1.0..200_000.0_f64, 1..40), first in 0.0..600_000.0_f64) {
        let mut readiness = Readiness::new(vec![centre("a"), centre("b")]);
        let begin = OPENING + first;
        let mut now = begin;
        readiness.pass(now, &[]);
        let calendar = crate::calendar::Calendar::default();
        let mut verdicts = Vec::new();
        for jump in jumps {
            now += jump;
            verdicts.extend(readiness.pass(now, &[]));
        }
        let mut expected = 0;
        let mut opening = calendar.next_opening(begin - 1.0).unwrap();
        while opening - 3600.0 <= now {
            expected += [3600.0, 1800.0, 600.0, 0.0]
                .into_iter()
                .filter(|before| (begin..=now).contains(&(opening - before)))
                .count();
            opening = calendar.next_opening(opening).unwrap();
        }
        for id in ["a", "b"] {
            prop_assert_eq!(verdicts.iter().filter(|verdict| verdict.centre == id).count(), expected);
        }
        prop_assert!(verdicts.iter().all(|verdict| verdict.state == State::Unknown));
    }

    /// A centre from which nothing was heard for ten minutes is never called ready, whatever came before.
    #[test]
    fn silence_is_never_ready(
        times in prop::collection::vec((-20_000.0..-1_300.0_f64, 0usize..4, any::<bool>()), 0..60),
    ) {
        let mut times = times;
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut morning = Morning::new();
        for (before, agent, is_measured) in times {
            let kind = if is_measured { Kind::Measured(Box::new(good())) } else { Kind::Hello(Hello::CleanBoot) };
            morning.take(&record(OPENING + before, "a", ["p", "q", "r", "s"][agent], kind));
        }
        morning.verdicts.clear();
        morning.pass(OPENING - 600.0);
        prop_assert!(morning.of_a().iter().filter(|(check, ..)| check == "T-10").all(|(_, state, _)| *state == State::Unknown));
    }

    /// Odd numbers are no reason to fail, nor to grow.
    #[test]
    fn nonsense_does_no_harm(
        lines in prop::collection::vec((any::<f64>(), any::<f64>(), "[a-f]", "[a-z]{1,2}", any::<u32>(), any::<u32>(), any::<f64>()), 0..200),
    ) {
        let mut readiness = Readiness::new(vec![centre("a"), centre("b")]);
        readiness.pass(OPENING - 4000.0, &[]);
        for (t, arrived, id, agent, sent, received, rtt) in lines {
            let mut measured = good();
            measured.links[1].sent = sent;
            measured.links[1].received = received;
            measured.links[1].rtt_ms = Some(rtt);
            let mut odd = record(t, &id, &agent, Kind::Measured(Box::new(measured)));
            odd.arrived = arrived;
            readiness.take(&odd);
        }
        let verdicts = readiness.pass(OPENING, &[]);
        prop_assert_eq!(verdicts.len(), 8);
    }
}
