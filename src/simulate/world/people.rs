//! When machines are on and how they go off: what people do from their arrival to their leaving, and what the mains do
//! after them. None of it is a fault.

use diagnosis::calendar::{Calendar, Hours, UTC_PLUS_7};
use diagnosis::record::{Goodbye, Hello};
use rand::rngs::StdRng;

use super::chance::{between, float, happens};
use super::places::{DAYS, HOURS, Machine, Mains, Place};
use crate::simulate::scenario::Scenario;

const MINUTE: f64 = 60.0;
pub(crate) const DAY: f64 = 86_400.0;

/// One day on which the centres open, Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OpenDay {
    pub(crate) opens: f64,
    pub(crate) lunch: f64,
    pub(crate) back: f64,
    pub(crate) closes: f64,
}

/// The days of a scenario on which centres open.
pub(crate) fn open_days(scenario: &Scenario) -> Vec<OpenDay> {
    let calendar = Calendar::weekly(Hours::parse(HOURS, DAYS).ok(), UTC_PLUS_7);
    let days = (0..scenario.days).filter_map(|day| {
        let date = calendar.local(scenario.start + f64::from(day) * DAY).date;
        let periods = calendar.periods(date);
        let (first, last) = (periods.first()?, periods.last()?);
        Some(OpenDay {
            opens: calendar.moment(date, first.opens),
            lunch: calendar.moment(date, first.closes),
            back: calendar.moment(date, last.opens),
            closes: calendar.moment(date, last.closes),
        })
    });
    days.collect()
}

/// How a machine goes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Shutdown,
    Sleep,
    /// The agent alone.
    Stop,
    /// Without a word: the button, the mains, a cut.
    Cut,
}

impl Ending {
    pub(crate) fn goodbye(self) -> Option<Goodbye> {
        match self {
            Self::Shutdown => Some(Goodbye::Shutdown),
            Self::Sleep => Some(Goodbye::Sleep),
            Self::Stop => Some(Goodbye::Stop),
            Self::Cut => None,
        }
    }

    /// What it says when it is there again.
    pub(crate) fn hello_after(self) -> Hello {
        match self {
            Self::Shutdown => Hello::CleanBoot,
            Self::Sleep => Hello::Wake,
            Self::Stop => Hello::Restart,
            Self::Cut => Hello::PowerLossBoot,
        }
    }
}

/// A time in which a machine is on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Session {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) ending: Ending,
}

/// What a centre does on its days: when its mains are off, when its people leave.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    /// When the mains are off.
    pub(crate) dark: Vec<(f64, f64)>,
    /// When the last ones leave, day by day.
    leave: Vec<f64>,
}

pub(crate) fn habits(
    scenario: &Scenario,
    place: &Place,
    days: &[OpenDay],
    rng: &mut StdRng,
) -> Habits {
    let end = scenario.start + f64::from(scenario.days) * DAY;
    let mut habits = Habits::default();
    let mut dark_since = scenario.start;
    for day in days {
        let is_early = happens(rng, scenario.weather.early_closing);
        let leave = day.closes
            - if is_early {
                between(rng, 30.0, 90.0) * MINUTE
            } else {
                0.0
            };
        habits.leave.push(leave);
        let (on, off) = (
            day.opens - between(rng, 22.0, 45.0) * MINUTE,
            leave + between(rng, 12.0, 30.0) * MINUTE,
        );
        if place.mains != Mains::AlwaysOn {
            habits.dark.push((dark_since, on));
        }
        if place.mains == Mains::OffAtNightAndLunch {
            let (from, to) = (between(rng, 6.0, 14.0), between(rng, 22.0, 35.0));
            habits
                .dark
                .push((day.lunch + from * MINUTE, day.back - to * MINUTE));
        }
        dark_since = off;
    }
    if place.mains != Mains::AlwaysOn {
        habits.dark.push((dark_since, end));
    }
    habits
}

/// When one machine is on, in order.
pub(crate) fn sessions(
    scenario: &Scenario,
    machine: &Machine,
    habits: &Habits,
    days: &[OpenDay],
    rng: &mut StdRng,
) -> Vec<Session> {
    let often = scenario.weather.habits;
    let mut sessions = Vec::new();
    if machine.is_witness {
        let end = scenario.start + f64::from(scenario.days) * DAY;
        sessions.push(Session {
            from: scenario.start,
            to: end,
            ending: Ending::Cut,
        });
        for day in days {
            if happens(rng, 0.02 * often) {
                let at = between(rng, day.opens, day.closes);
                interrupt(
                    &mut sessions,
                    at,
                    at + between(rng, 60.0, 150.0),
                    Ending::Shutdown,
                );
            }
        }
        return sessions;
    }
    for (day, leave) in days.iter().zip(&habits.leave) {
        if !happens(rng, 0.08 * often) {
            work_day(machine, day, *leave, often, rng, &mut sessions);
        }
    }
    for (from, to) in &habits.dark {
        if !machine.is_laptop {
            // Whoever has switched the mains on walks from one to the next; the router has a start.
            let back = to + between(rng, 20.0, 300.0);
            interrupt(&mut sessions, *from, back, Ending::Cut);
        }
    }
    sessions
}

fn work_day(
    machine: &Machine,
    day: &OpenDay,
    leave: f64,
    often: f64,
    rng: &mut StdRng,
    sessions: &mut Vec<Session>,
) {
    let from = day.opens - between(rng, 4.0, 35.0) * MINUTE;
    let to = leave + between(rng, -8.0, 25.0) * MINUTE;
    let usual = if machine.leaves_by_sleep {
        Ending::Sleep
    } else {
        Ending::Shutdown
    };
    sessions.push(Session {
        from,
        to,
        ending: usual,
    });
    if !machine.stays_at_lunch || happens(rng, 0.05 * often) {
        let (off, on) = (
            day.lunch + between(rng, -2.0, 15.0) * MINUTE,
            day.back - between(rng, 2.0, 22.0) * MINUTE,
        );
        let ending = if happens(rng, 0.6) {
            Ending::Sleep
        } else {
            Ending::Shutdown
        };
        interrupt(sessions, off, on, ending);
    }
    let moments = [
        (0.04, Ending::Shutdown, 60.0, 180.0),
        (0.03, Ending::Stop, 5.0, 20.0),
        (0.03, Ending::Cut, 90.0, 1500.0),
        (0.08, Ending::Sleep, 600.0, 3600.0),
    ];
    for (share, ending, shortest, longest) in moments {
        if happens(rng, share * often) {
            let at = between(rng, day.opens, leave);
            interrupt(sessions, at, at + between(rng, shortest, longest), ending);
        }
    }
}

/// Nothing is on between these times.
pub(crate) fn interrupt(sessions: &mut Vec<Session>, from: f64, to: f64, ending: Ending) {
    let mut kept = Vec::with_capacity(sessions.len() + 1);
    for session in sessions.drain(..) {
        if session.to <= from || session.from >= to {
            kept.push(session);
            continue;
        }
        if from - session.from > MINUTE {
            kept.push(Session {
                to: from,
                ending,
                ..session
            });
        }
        if session.to - to > MINUTE {
            kept.push(Session {
                from: to,
                ..session
            });
        }
    }
    *sessions = kept;
}

/// How much is going on in a centre: nothing at night, most in the middle of the morning and of the afternoon.
pub(crate) fn load(days: &[OpenDay], t: f64) -> f64 {
    let next = days.partition_point(|day| day.closes <= t);
    let Some(day) = days.get(next).filter(|day| day.opens <= t) else {
        return 0.02;
    };
    let within = |from: f64, to: f64| ((t - from) / (to - from) * std::f64::consts::PI).sin();
    if t < day.lunch {
        0.25 + 0.6 * within(day.opens, day.lunch)
    } else if t < day.back {
        0.08
    } else {
        0.25 + 0.5 * within(day.back, day.closes)
    }
}

/// The number of a ten-minute stretch, for what stays the same so long.
pub(crate) fn stretch(t: f64) -> u64 {
    u64::try_from(super::chance::count((t / 600.0).min(1e9))).unwrap_or(0)
}

/// The middle of many days' work: for tests and for choosing.
pub(crate) fn is_on(sessions: &[Session], t: f64) -> bool {
    let next = sessions.partition_point(|session| session.to <= t);
    sessions.get(next).is_some_and(|session| session.from <= t)
}

/// Which share of a time a machine is on.
pub(crate) fn share_on(sessions: &[Session], from: f64, to: f64) -> f64 {
    let steps: usize = 20;
    let on = (0..steps).filter(|step| {
        is_on(
            sessions,
            from + (to - from) * (float(*step) + 0.5) / float(steps),
        )
    });
    float(on.count()) / float(steps)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn on(from: f64, to: f64) -> Session {
        Session {
            from,
            to,
            ending: Ending::Shutdown,
        }
    }

    #[test]
    fn an_interruption_leaves_what_is_before_and_behind() {
        let mut sessions = vec![on(0.0, 1000.0), on(2000.0, 3000.0), on(3500.0, 3600.0)];
        interrupt(&mut sessions, 900.0, 2500.0, Ending::Cut);
        assert_eq!(
            sessions,
            [
                Session {
                    from: 0.0,
                    to: 900.0,
                    ending: Ending::Cut
                },
                on(2500.0, 3000.0),
                on(3500.0, 3600.0)
            ]
        );
        assert!(is_on(&sessions, 2600.0) && !is_on(&sessions, 950.0));
    }

    #[test]
    fn a_week_has_five_open_days_from_half_past_seven() {
        let scenario = Scenario::default();
        let days = open_days(&scenario);
        assert_eq!(days.len(), 5);
        assert_eq!(days[0].opens - scenario.start, 7.5 * 3600.0);
        assert!(load(&days, days[1].opens + 7200.0) > 0.8);
        assert!(load(&days, days[1].closes + 1.0) < 0.1);
    }
}
