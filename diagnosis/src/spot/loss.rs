//! When lost echoes mean a lossy path: one of ten does not.
//!
//! A path that loses 1 % is fit for work (TCP copes). Loss counts when so much of it would hardly ever
//! happen on such a path, and when it is enough to be felt. 4 of 50 count, 3 of 50 do not; 6 of 150 do.

/// What a fit path may lose.
const FIT: f64 = 0.01;

/// From here on pages stall.
const FELT: f64 = 0.03;

/// How seldom a fit path may be called lossy.
const CHANCE: f64 = 0.005;

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
