//! The one place where numbers turn into worry: pages, dashboards and rules take them from here, and
//! texts are filled in from here.
//!
//! The levels are a starting point for a public office's line, not a law of nature. Deliberately
//! absent: what to do about them. A page judges the last minutes for a reader's eye, a rule decides
//! when somebody is told.

use std::time::Duration;

/// From where on a value is worth a look, a warning, and an alarm. Ascending.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Worth a look, by whoever plans.
    pub notice: f64,
    /// People notice that things are slow.
    pub warning: f64,
    /// People cannot work.
    pub critical: f64,
}

/// Share of echoes that stay unanswered. TCP copes with 1 %; at 3 % pages visibly stall; at 8 % forms
/// time out.
pub const LOSS: Levels = Levels {
    notice: 0.01,
    warning: 0.03,
    critical: 0.08,
};

/// Round-trip time in seconds: its 95th percentile where there is a histogram, its median elsewhere.
/// One page of a portal is some ten round trips.
pub const RTT: Levels = Levels {
    notice: 0.08,
    warning: 0.15,
    critical: 0.3,
};

/// Share of processor time or memory in use. A PC at 70 % still answers; above 90 % it swaps or
/// stutters.
pub const USE: Levels = Levels {
    notice: 0.7,
    warning: 0.8,
    critical: 0.9,
};

/// Share of what a line can carry that goes through it: below half nobody notices, near its end everything
/// waits.
pub const LINE_USE: Levels = Levels {
    notice: 0.5,
    warning: 0.8,
    critical: 0.95,
};

/// Share of its power that is drawn of a UPS. Above the whole it gives up when the mains do.
pub const UPS_LOAD: Levels = Levels {
    notice: 0.7,
    warning: 0.9,
    critical: 1.0,
};

/// Share that is left of toner, ink, a drum, or the room for waste: from here down it is time to have a new
/// one at hand. It lasts a centre for about a week.
pub const SUPPLY_LOW: f64 = 0.1;

/// Loss is judged over this range: one lost packet among the 60 of 5 minutes would already be 1.7 %.
pub const JUDGED_OVER: Duration = Duration::from_mins(15);

/// Curves are drawn over this range: short enough to see when something began.
pub const DRAWN_OVER: Duration = Duration::from_mins(5);

/// Below this many echoes within [`JUDGED_OVER`] there is no verdict on loss. One PC with the default
/// plan sends 300.
pub const FEWEST_ECHOES: u32 = 100;

/// How long an agent may be silent before somebody is told: longer than a reboot.
pub const SILENT_FOR: Duration = Duration::from_mins(5);

/// How long loss must persist before somebody is told.
pub const LOSSY_FOR: Duration = Duration::from_mins(5);

/// An agent's clock further off than this is called wrong.
pub const CLOCK_OFF: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worry_grows_with_the_value() {
        for levels in [LOSS, RTT, USE, LINE_USE, UPS_LOAD] {
            let ascending = [0.0, levels.notice, levels.warning, levels.critical];
            assert!(ascending.is_sorted_by(|one, next| one < next), "{levels:?}");
        }
        assert!(DRAWN_OVER < JUDGED_OVER);
    }
}
