//! What a round of echoes amounts to, and what all rounds of a link do. Pure.
//!
//! Round-trip times count to three digits, and to a microsecond: what is beyond says nothing of a
//! link and would cost bytes for ever. The sum is the exact sum of those.

use std::time::Duration;

use proto::metrics;

use super::super::Readings;
use super::histogram::Histogram;

/// One echo of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Echo {
    /// When it was sent, from the beginning of its round.
    pub(super) sent: Duration,
    /// `None` without an answer.
    pub(super) rtt: Option<Duration>,
    /// Answers beyond the first, where they are looked for.
    pub(super) duplicates: u32,
}

impl Echo {
    fn arrival(&self) -> Option<Duration> {
        Some(self.sent + self.rtt?)
    }
}

/// A time to three digits, and to a microsecond at best.
pub(super) fn three_digits(time: Duration) -> Duration {
    let nanoseconds = time.as_nanos();
    let digits = nanoseconds.max(1).ilog10() + 1;
    let step = 10_u128.pow(digits.saturating_sub(3).max(3));
    let rounded = (nanoseconds + step / 2) / step * step;
    Duration::from_nanos(u64::try_from(rounded).unwrap_or(u64::MAX))
}

/// The double nearest to the decimal number, so that it is as short as that. For whole microseconds.
pub(super) fn seconds(time: Duration) -> f64 {
    number(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)) / 1e6
}

/// Echoes of one link since the agent started.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: u64,
    received: u64,
    reordered: u64,
    /// `None` before the first burst: in a round nobody looks for them.
    duplicates: Option<u64>,
    rtt: Histogram,
    recent: Recent,
    /// Whether the last round or burst was.
    is_answered: bool,
}

impl Counts {
    /// Counts the echoes of one round, in the order of sending.
    pub(super) fn add(&mut self, echoes: &[Echo]) {
        for echo in echoes {
            self.sent += 1;
            if let Some(rtt) = echo.rtt.map(three_digits) {
                self.received += 1;
                self.rtt.observe(rtt);
                self.recent.add(rtt);
            }
        }
        self.reordered += reordered(echoes);
        self.is_answered = echoes.iter().any(|echo| echo.rtt.is_some());
    }

    /// Counts the echoes of a burst, in the order of sending.
    pub(super) fn add_burst(&mut self, echoes: &[Echo]) {
        self.add(echoes);
        let again = echoes.iter().map(|echo| u64::from(echo.duplicates));
        *self.duplicates.get_or_insert(0) += again.sum::<u64>();
    }

    /// Adds how many echoes there were, and answers.
    pub(super) fn push_echoes(&self, labels: [&str; 2], readings: &mut Readings) {
        readings.push(&metrics::LINK_SENT, &labels, number(self.sent));
        readings.push(&metrics::LINK_RECEIVED, &labels, number(self.received));
    }

    /// Adds all there is of a segment and target to the readings.
    pub(super) fn push(&self, labels: [&str; 2], readings: &mut Readings) {
        self.push_echoes(labels, readings);
        readings.push(&metrics::LINK_REORDERED, &labels, number(self.reordered));
        if let Some(duplicates) = self.duplicates {
            readings.push(&metrics::LINK_DUPLICATES, &labels, number(duplicates));
        }
        // The times of before the line died say nothing of now.
        let spread = self.recent.spread().filter(|_| self.is_answered);
        if let Some(spread) = spread {
            let spread = seconds(three_digits(spread));
            readings.push(&metrics::LINK_RTT_SPREAD, &labels, spread);
        }
        self.rtt.push(labels, readings);
    }
}

/// Answers that came after that of an echo sent later: those whose place in the order of sending is
/// before that of one already seen (RFC 4737, section 3.3).
fn reordered(echoes: &[Echo]) -> u64 {
    let mut earliest_behind = Duration::MAX;
    let mut reordered = 0;
    for arrival in echoes.iter().rev().filter_map(Echo::arrival) {
        if arrival > earliest_behind {
            reordered += 1;
        }
        earliest_behind = earliest_behind.min(arrival);
    }
    reordered
}

/// The last round-trip times, the oldest replaced first.
#[derive(Debug, Default)]
struct Recent {
    /// Microseconds: a hundred of them for each link.
    times: Vec<u32>,
    next: usize,
}

impl Recent {
    /// How many are kept.
    const KEPT: usize = 100;

    /// Fewer have no 95th percentile: it would be their longest.
    const LEAST: usize = 20;

    fn add(&mut self, rtt: Duration) {
        let rtt = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        match self.times.get_mut(self.next) {
            Some(oldest) => *oldest = rtt,
            None => self.times.push(rtt),
        }
        self.next = (self.next + 1) % Self::KEPT;
    }

    /// 95th percentile less median.
    fn spread(&self) -> Option<Duration> {
        if self.times.len() < Self::LEAST {
            return None;
        }
        let times = self
            .times
            .iter()
            .map(|time| Duration::from_micros(u64::from(*time)));
        let mut sorted: Vec<Duration> = times.collect();
        sorted.sort_unstable();
        let high = sorted.get((sorted.len() * 95).div_ceil(100) - 1)?;
        Some(high.saturating_sub(median(&sorted)?))
    }
}

/// One round. Times are absent when nothing was answered.
#[derive(Debug, PartialEq)]
pub(super) struct Summary {
    min: Option<Duration>,
    median: Option<Duration>,
    max: Option<Duration>,
    /// Mean absolute difference of neighbouring answers; absent below two.
    jitter: Option<Duration>,
    /// Share of echoes without answer.
    loss: f64,
}

impl Summary {
    /// Adds what there is to the readings.
    pub(super) fn push(&self, labels: [&str; 2], readings: &mut Readings) {
        readings.push(&metrics::LINK_LOSS, &labels, self.loss);
        for (metric, time) in [
            (&metrics::LINK_RTT_MIN, self.min),
            (&metrics::LINK_RTT_MEDIAN, self.median),
            (&metrics::LINK_RTT_MAX, self.max),
            (&metrics::LINK_JITTER, self.jitter),
        ] {
            if let Some(time) = time {
                readings.push(metric, &labels, seconds(three_digits(time)));
            }
        }
    }
}

/// Sums up a round of at least one echo, in the order of sending.
pub(super) fn summarise(echoes: &[Echo]) -> Summary {
    let answered: Vec<Duration> = echoes.iter().filter_map(|echo| echo.rtt).collect();
    let lost = echoes.len() - answered.len();
    let mut sorted = answered.clone();
    sorted.sort_unstable();
    Summary {
        min: sorted.first().copied(),
        median: median(&sorted),
        max: sorted.last().copied(),
        jitter: jitter(&answered),
        loss: count(lost) / count(echoes.len()).max(1.0),
    }
}

/// Of times in their order; of an even number, the middle of the middle two.
pub(super) fn median(sorted: &[Duration]) -> Option<Duration> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some((lower + upper) / 2)
}

fn jitter(answered: &[Duration]) -> Option<Duration> {
    let differences = answered.iter().zip(answered.iter().skip(1));
    let sum: Duration = differences.map(|(one, next)| one.abs_diff(*next)).sum();
    let pairs = u32::try_from(answered.len().checked_sub(1)?).ok()?;
    sum.checked_div(pairs)
}

fn count(things: usize) -> f64 {
    u32::try_from(things).map_or(f64::INFINITY, f64::from)
}

/// Counters are exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_no_nanoseconds() {
        let check = |nanoseconds, expected: f64| {
            let time = three_digits(Duration::from_nanos(nanoseconds));
            assert_eq!(seconds(time), expected, "{nanoseconds} ns");
        };
        check(0, 0.0);
        check(400, 0.0);
        check(45_678, 0.000_046);
        check(234_567, 0.000_235);
        check(23_456_789, 0.0235);
        check(999_960_000, 1.0);
        check(1_234_567_890, 1.23);
    }

    const fn ms(milliseconds: u64) -> Option<Duration> {
        Some(Duration::from_millis(milliseconds))
    }

    /// Echoes that are sent at once.
    fn round(rtts: &[Option<Duration>]) -> Vec<Echo> {
        let echo = |rtt: &Option<Duration>| Echo {
            rtt: *rtt,
            ..Echo::default()
        };
        rtts.iter().map(echo).collect()
    }

    #[test]
    fn an_answer_that_was_overtaken_is_reordered() {
        let check = |sent_and_rtt: &[(u64, Option<Duration>)], expected| {
            let echo = |(sent, rtt): &(u64, Option<Duration>)| Echo {
                sent: Duration::from_millis(*sent),
                rtt: *rtt,
                duplicates: 0,
            };
            let echoes: Vec<Echo> = sent_and_rtt.iter().map(echo).collect();
            assert_eq!(reordered(&echoes), expected, "{sent_and_rtt:?}");
        };
        check(&[(0, ms(5)), (20, ms(5)), (40, ms(5))], 0);
        check(&[(0, ms(30)), (20, ms(5)), (40, ms(5))], 1);
        check(&[(0, ms(90)), (20, ms(80)), (40, ms(5))], 2);
        check(&[(0, ms(90)), (20, None), (40, None)], 0);
        check(&[(0, ms(20)), (20, ms(0))], 0);
        check(&[], 0);
    }

    #[test]
    fn the_spread_is_of_the_last_hundred_and_absent_below_twenty() {
        let mut recent = Recent::default();
        for time in 1..=19 {
            recent.add(Duration::from_millis(time));
        }
        assert_eq!(recent.spread(), None);
        recent.add(Duration::from_millis(20));
        assert_eq!(
            recent.spread(),
            Some(Duration::from_micros(19_000 - 10_500))
        );
        for time in (1..=100).chain(1..=100).rev() {
            recent.add(Duration::from_millis(time));
        }
        assert_eq!(recent.times.len(), 100);
        assert_eq!(
            recent.spread(),
            Some(Duration::from_micros(95_000 - 50_500))
        );
    }

    fn told(counts: &Counts, metric: &'static metrics::Metric) -> Option<f64> {
        let mut readings = Readings::default();
        counts.push(["core", "x"], &mut readings);
        let mut taken = readings.taken.into_iter();
        let found = taken.find(|one| one.series.metric == metric);
        found.map(|one| one.value)
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let check = |times: &[u64], expected: Option<u64>| {
            let sorted: Vec<_> = times.iter().copied().map(Duration::from_millis).collect();
            assert_eq!(median(&sorted), expected.and_then(ms), "{times:?}");
        };
        check(&[100, 120, 900], Some(120));
        check(&[100, 120], Some(110));
        check(&[], None);
    }

    #[test]
    fn a_dead_link_has_no_spread() {
        let mut counts = Counts::default();
        let spread = |counts: &Counts| told(counts, &metrics::LINK_RTT_SPREAD);
        counts.add(&round(&[ms(5); 20]));
        assert_eq!(spread(&counts), Some(0.0));
        counts.add(&round(&[None; 5]));
        assert_eq!(spread(&counts), None);
        counts.add(&round(&[None, ms(5)]));
        assert_eq!(spread(&counts), Some(0.0));
    }

    #[test]
    fn duplicates_are_told_once_somebody_looked_for_them() {
        let mut counts = Counts::default();
        let told = |counts: &Counts| told(counts, &metrics::LINK_DUPLICATES);
        counts.add(&round(&[ms(5), None]));
        assert_eq!(told(&counts), None);
        counts.add_burst(&round(&[ms(5)]));
        assert_eq!(told(&counts), Some(0.0));
        let again = Echo {
            duplicates: 2,
            ..Echo::default()
        };
        counts.add_burst(&[again]);
        assert_eq!(told(&counts), Some(2.0));
        assert_eq!((counts.sent, counts.received), (4, 2));
    }

    #[test]
    fn a_round_is_summed_up() {
        let check = |echoes: &[Option<Duration>], [min, median, max, jitter]: [_; 4], loss: f64| {
            let expected = Summary {
                min,
                median,
                max,
                jitter,
                loss,
            };
            assert_eq!(summarise(&round(echoes)), expected, "{echoes:?}");
        };
        check(
            &[ms(3), ms(1), ms(2), ms(9), ms(5)],
            [ms(1), ms(3), ms(9), Some(Duration::from_micros(3500))],
            0.0,
        );
        check(
            &[ms(10), None, ms(20), None, None],
            [ms(10), ms(15), ms(20), ms(10)],
            0.6,
        );
        check(&[None, ms(7)], [ms(7), ms(7), ms(7), None], 0.5);
        check(&[None; 5], [None; 4], 1.0);
    }
}
