//! The one place where numbers turn into worry: rules, dashboards and their colours read it here.
//!
//! The levels are a starting point for a government office's line, not a law of nature. Change them
//! here, run `UPDATE=1 cargo test -p dawnwatch-dashboards`, and everything that is drawn and alerted
//! follows.

/// From where on a value is worth a look, a warning, and an alarm. Ascending.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// Worth a look.
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

/// 95th percentile of round-trip times, seconds. One page of a portal is some ten round trips.
pub const RTT_P95: Levels = Levels {
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

/// Loss is judged over this range: one lost packet among the 60 of 5 minutes would already be 1.7 %.
pub const JUDGED_OVER: &str = "15m";

/// Curves are drawn over this range: short enough to see when something began.
pub const DRAWN_OVER: &str = "5m";

/// Below this many echoes within [`JUDGED_OVER`] there is no verdict on loss. One PC with the default
/// plan sends 300.
pub const FEWEST_ECHOES: u32 = 100;

/// How long an agent may be silent before somebody is told: longer than a reboot.
pub const SILENT_FOR: &str = "5m";

/// How long loss must persist before somebody is told.
pub const LOSSY_FOR: &str = "5m";
