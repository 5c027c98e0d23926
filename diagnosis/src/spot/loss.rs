//! When lost echoes mean a lossy path: one of ten does not.
//!
//! A path that loses 1 % is fit for work (TCP copes). Loss counts when so much of it would hardly ever
//! happen on such a path, and when it is enough to be felt. 4 of 50 count, 3 of 50 do not; 6 of 150 do.
//!
//! One point loses less than another only when chance hardly ever makes such a difference between two that
//! lose alike (Fisher's exact test): 0 of 150 is less than 6 of 150, 5 is not less than 8.

/// What a fit path may lose.
const FIT: f64 = 0.01;

/// From here on pages stall.
const FELT: f64 = 0.03;

/// How seldom a fit path may be called lossy.
const CHANCE: f64 = 0.005;

/// How seldom two points that lose alike may be told apart. A way has three places to be wrong at.
const LUCK: f64 = 0.02;

/// How seldom a point that loses like those behind it may be called a reluctant one: it is compared with all
/// of them.
const RELUCTANT: f64 = 0.005;

/// How seldom a fit path may be called the beginning of what is lost behind it.
const BEGINNING: f64 = 0.05;

/// Fewer echoes say nothing of loss.
pub(super) const FEWEST: u32 = 20;

/// Echoes and those that were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) sent: u32,
    pub(super) lost: u32,
}

impl Loss {
    pub(super) fn rate(self) -> f64 {
        f64::from(self.lost) / f64::from(self.sent.max(1))
    }

    pub(super) fn is_judged(self) -> bool {
        self.sent >= FEWEST
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            lost: self.lost.saturating_add(other.lost),
        }
    }

    /// Whether this is less for certain, and not by luck.
    pub(super) fn is_less_than(self, other: Self) -> bool {
        self.is_less(other, LUCK)
    }

    /// Whether this is so much less that the other's loss is none of the way.
    pub(super) fn shows_reluctance_of(self, other: Self) -> bool {
        self.is_less(other, RELUCTANT)
    }

    fn is_less(self, other: Self, luck: f64) -> bool {
        self.rate() < other.rate() && as_few_by_luck(self, other) < luck
    }

    /// More than a fit path likely loses, although it would not be called lossy for that alone.
    pub(super) fn is_suspect(self) -> bool {
        self.rate() >= FELT && at_least(self.lost, self.sent) < BEGINNING
    }

    /// More than a fit path loses by chance, and enough to be felt.
    pub(super) fn is_lossy(self) -> bool {
        self.is_judged() && self.rate() >= FELT && at_least(self.lost, self.sent) < CHANCE
    }
}

/// How likely a fit path loses at least so many.
fn at_least(lost: u32, sent: u32) -> f64 {
    // The terms of the binomial distribution below `lost`, each from the one before.
    let mut term = (1.0 - FIT).powf(f64::from(sent));
    let mut below = 0.0;
    for number in 0..lost {
        below += term;
        term *= f64::from(sent - number) / f64::from(number + 1) * FIT / (1.0 - FIT);
    }
    (1.0 - below).max(0.0)
}

/// How likely one of two that lose alike has so few or fewer of what they lost together: the lower tail of
/// the hypergeometric distribution.
fn as_few_by_luck(one: Loss, other: Loss) -> f64 {
    let lost = one.lost.saturating_add(other.lost);
    let sent = f64::from(one.sent) + f64::from(other.sent);
    // None of them: each that was lost is one of the other's.
    let mut term: f64 = (0..lost)
        .map(|gone| (f64::from(other.sent) - f64::from(gone)) / (sent - f64::from(gone)))
        .product();
    let mut tail = term;
    for number in 0..one.lost {
        let (number, sent) = (f64::from(number), f64::from(one.sent));
        let rest = f64::from(lost) - number;
        term *= (sent - number) / (number + 1.0) * rest / (f64::from(other.sent) - rest + 1.0);
        tail += term;
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_needs_packets() {
        let check = |lost, sent, lossy| {
            assert_eq!(Loss { sent, lost }.is_lossy(), lossy, "{lost} of {sent}");
        };
        check(1, 10, false);
        check(5, 10, false);
        check(0, 50, false);
        check(3, 50, false);
        check(4, 50, true);
        check(3, 20, true);
        check(2, 20, false);
        check(5, 150, false);
        check(6, 150, true);
        check(25, 1000, false);
        check(31, 1000, true);
        check(50, 50, true);
    }

    #[test]
    fn less_is_not_luck() {
        let check = |(lost, sent), (other_lost, other_sent), less| {
            let (one, other) = (
                Loss { sent, lost },
                Loss {
                    sent: other_sent,
                    lost: other_lost,
                },
            );
            assert_eq!(one.is_less_than(other), less, "{one:?} {other:?}");
            assert!(!other.is_less_than(one), "{one:?} {other:?}");
        };
        check((0, 150), (6, 150), true);
        check((0, 50), (6, 50), true);
        check((5, 150), (8, 150), false);
        check((3, 150), (8, 150), false);
        check((2, 150), (12, 150), true);
        check((0, 50), (3, 50), false);
        check((4, 50), (4, 50), false);
        check((0, 50), (50, 50), true);
    }

    #[test]
    fn luck_is_that_of_drawing_without_putting_back() {
        let one = Loss { sent: 10, lost: 1 };
        let other = Loss { sent: 20, lost: 4 };
        // (C(10,0) C(20,5) + C(10,1) C(20,4)) / C(30,5)
        let expected = (15_504.0 + 48_450.0) / 142_506.0;
        assert!((as_few_by_luck(one, other) - expected).abs() < 1e-12);
        let all = Loss { sent: 50, lost: 50 };
        assert!(as_few_by_luck(all, Loss { sent: 50, lost: 0 }).is_finite());
    }

    #[test]
    fn chances_are_those_of_the_binomial_distribution() {
        assert!((at_least(0, 50) - 1.0).abs() < 1e-12);
        assert!((at_least(1, 50) - (1.0 - 0.99_f64.powi(50))).abs() < 1e-12);
        assert!(
            (at_least(4, 50) - 0.001_60).abs() < 1e-4,
            "{}",
            at_least(4, 50)
        );
    }
}
