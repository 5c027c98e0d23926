//! How bad things get and how long they last: the two sets of ranges the diagnosis is tuned and judged with.
//!
//! Whoever tunes the diagnosis looks at `tuning` alone. `held_out` differs in severity, length, cadence, sizes, round-trip
//! times and the mix of ISPs, and has kinds of fault that the other never shows: what is reached there is what counts.

use std::str::FromStr;

use serde::Serialize;

/// Two bounds; a value is drawn evenly between them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl FromStr for Range {
    type Err = ();

    /// `3-15`, `0.02-0.3`, or one value for both bounds.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| ());
        let range = range(number(from)?, number(to)?);
        let is_right = range.from.is_finite()
            && range.to.is_finite()
            && (0.0..=range.to).contains(&range.from);
        is_right.then_some(range).ok_or(())
    }
}

/// A range in short.
pub(crate) const fn range(from: f64, to: f64) -> Range {
    Range { from, to }
}

/// Which ranges are used where a scenario does not say otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Set {
    /// To tune with
    #[default]
    Tuning,
    /// To judge with
    HeldOut,
}

impl FromStr for Set {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "tuning" => Ok(Self::Tuning),
            "held_out" | "held-out" => Ok(Self::HeldOut),
            _ => Err(()),
        }
    }
}

/// Everything that is drawn from a range.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameters {
    /// Agents of a centre.
    pub(crate) agents: Range,
    /// How long something is broken outright, minutes.
    pub(crate) hard_minutes: Range,
    /// How long something is bad, minutes.
    pub(crate) soft_minutes: Range,
    /// How long many centres are hit by one cause, minutes.
    pub(crate) wide_minutes: Range,
    /// How long a line gets worse before it fails, minutes.
    pub(crate) degrading_minutes: Range,
    /// Share of packets a bad stretch loses.
    pub(crate) loss: Range,
    /// What a slow stretch adds, milliseconds.
    pub(crate) delay_ms: Range,
    /// What a full line adds, milliseconds.
    pub(crate) queue_ms: Range,
    /// How much longer a slow service takes.
    pub(crate) slowness: Range,
    /// Round trip of an access line, milliseconds.
    pub(crate) line_rtt_ms: Range,
    /// Round trip inside an ISP and beyond, milliseconds.
    pub(crate) backbone_rtt_ms: Range,
    /// Time between measuring and arriving, seconds.
    pub(crate) report_delay: Range,
    /// Time from a recovery to the drain of what was buffered, seconds.
    pub(crate) reconnect: Range,
    /// Length of a round, seconds.
    pub(crate) round: f64,
    /// Rounds of a line.
    pub(crate) rounds: u32,
    /// Echoes to each address in a round.
    pub(crate) echoes: u32,
    /// Share of machines on Wi-Fi.
    pub(crate) wifi: f64,
    /// Share of soft faults that come and go.
    pub(crate) intermittent: f64,
    /// How the centres are shared among the ISPs.
    pub(crate) isps: [f64; 4],
    /// Whether kinds of fault happen that the other set never shows.
    pub(crate) shows_all: bool,
}

impl Parameters {
    /// The ranges of a set.
    pub(crate) fn of(set: Set) -> Self {
        match set {
            Set::Tuning => Self::tuning(),
            Set::HeldOut => Self::held_out(),
        }
    }

    /// How much time a line tells of, seconds.
    pub(crate) fn line_seconds(&self) -> f64 {
        self.round * f64::from(self.rounds)
    }

    fn tuning() -> Self {
        Self {
            agents: range(3.0, 15.0),
            hard_minutes: range(8.0, 60.0),
            soft_minutes: range(20.0, 90.0),
            wide_minutes: range(12.0, 50.0),
            degrading_minutes: range(90.0, 240.0),
            loss: range(0.06, 0.30),
            delay_ms: range(70.0, 250.0),
            queue_ms: range(200.0, 900.0),
            slowness: range(6.0, 20.0),
            line_rtt_ms: range(3.0, 18.0),
            backbone_rtt_ms: range(2.0, 10.0),
            report_delay: range(1.0, 4.0),
            reconnect: range(10.0, 100.0),
            round: 12.0,
            rounds: 5,
            echoes: 5,
            wifi: 0.30,
            intermittent: 0.12,
            isps: [0.45, 0.30, 0.15, 0.10],
            shows_all: false,
        }
    }

    fn held_out() -> Self {
        Self {
            agents: range(2.0, 18.0),
            hard_minutes: range(6.0, 90.0),
            soft_minutes: range(15.0, 120.0),
            wide_minutes: range(8.0, 70.0),
            degrading_minutes: range(60.0, 300.0),
            loss: range(0.04, 0.40),
            delay_ms: range(50.0, 400.0),
            queue_ms: range(150.0, 1500.0),
            slowness: range(4.0, 30.0),
            line_rtt_ms: range(2.0, 35.0),
            backbone_rtt_ms: range(1.0, 18.0),
            report_delay: range(0.5, 6.0),
            reconnect: range(20.0, 170.0),
            round: 20.0,
            rounds: 3,
            echoes: 8,
            wifi: 0.42,
            intermittent: 0.22,
            isps: [0.25, 0.40, 0.20, 0.15],
            shows_all: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_others_refused() {
        assert_eq!("3-15".parse(), Ok(range(3.0, 15.0)));
        assert_eq!("0.5".parse(), Ok(range(0.5, 0.5)));
        for text in ["", "15-3", "a-b", "-1-2", "nan", "1-inf", "1-2-3"] {
            assert_eq!(text.parse::<Range>(), Err(()), "{text}");
        }
    }

    #[test]
    fn the_sets_differ() {
        let (tuning, held_out) = (Parameters::of(Set::Tuning), Parameters::of(Set::HeldOut));
        assert_ne!(tuning.loss, held_out.loss);
        assert_ne!(tuning.round.to_bits(), held_out.round.to_bits());
        assert!(held_out.shows_all && !tuning.shows_all);
    }
}
