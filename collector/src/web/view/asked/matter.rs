//! What is the matter with a device, from what it said: one thing a reader can do something about each.
//!
//! What a printer says in general (toner is low) gives way to what it says in particular (black toner has
//! 7 % left). A printer that is off is no fault: offices switch theirs off at night.

use proto::thresholds::{LINE_USE, SUPPLY_LOW, UPS_LOAD};

use super::said::{Interface, Poll, Said, Supply, Ups};
use crate::web::view::Standing;

/// Something is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) enum Matter {
    /// What a printer says of itself, in the word of the metrics.
    Condition(String),
    /// Toner, ink or something else that it says has run out; a receptacle that is full.
    Empty(Supply),
    /// The same, nearly.
    Low(Supply),
    /// The mains are off; seconds that the battery lasts, where it says.
    OnBattery(Option<f64>),
    BatteryLow,
    BatteryReplace,
    /// Share of a UPS's power that is drawn.
    Overloaded(f64),
    /// The interface to the line has no link.
    LineDown(String),
    /// Share of the line in use, the busier way.
    LineFull(f64),
    /// Something is there and does not answer as it should: how asking it ended.
    Refuses(Poll),
    /// It is off, or nobody can reach it: how asking it ended.
    Away(Poll),
}

/// A printer that waits for somebody and does not say why.
const STOPPED: &str = "stopped";

/// What printers say, the most pressing first, and whether it keeps people from printing.
const CONDITIONS: [(&str, Standing); 18] = [
    ("jam", Standing::Poor),
    ("cover_open", Standing::Poor),
    ("paper_empty", Standing::Poor),
    ("toner_empty", Standing::Poor),
    ("offline", Standing::Poor),
    ("tray_missing", Standing::Poor),
    ("supply_missing", Standing::Poor),
    ("output_full", Standing::Poor),
    ("output_tray_missing", Standing::Poor),
    ("waste_full", Standing::Poor),
    ("paused", Standing::Poor),
    (STOPPED, Standing::Poor),
    ("service", Standing::Notice),
    ("other", Standing::Notice),
    ("paper_low", Standing::Notice),
    ("toner_low", Standing::Notice),
    ("waste_nearly_full", Standing::Notice),
    ("output_nearly_full", Standing::Notice),
];

/// How asking ended where somebody is there, or where nobody is, the most telling first.
const ENDS: [&str; 7] = [
    "other_device",
    "unauthorized",
    "failed",
    "unreadable",
    "refused",
    "unreachable",
    "timeout",
];

/// A supply at this share is as good as empty.
const NOTHING: f64 = 0.01;

impl Matter {
    /// All that is the matter, worst first.
    pub(super) fn of(is_up: Option<bool>, said: &Said) -> Vec<Self> {
        let mut matters = Vec::new();
        match is_up {
            None => return matters,
            Some(false) => matters.extend(Self::of_polls(&said.polls)),
            Some(true) => {
                Self::of_printer(said, &mut matters);
                if let Some(ups) = &said.ups {
                    Self::of_ups(ups, &mut matters);
                }
                let lines = said.interfaces.iter().filter(|interface| interface.is_wan);
                matters.extend(lines.filter_map(Self::of_line));
            }
        }
        // What is equally bad stays in its order.
        matters.sort_by_key(Self::standing);
        matters
    }

    /// How much attention it deserves.
    pub(in crate::web) fn standing(&self) -> Standing {
        match self {
            Self::Condition(word) => CONDITIONS
                .iter()
                .find(|(known, _)| known == word)
                .map_or(Standing::Notice, |(_, standing)| *standing),
            Self::Empty(_) | Self::OnBattery(_) | Self::BatteryLow | Self::LineDown(_) => {
                Standing::Poor
            }
            Self::Overloaded(load) if *load >= UPS_LOAD.critical => Standing::Poor,
            Self::Low(_)
            | Self::BatteryReplace
            | Self::Overloaded(_)
            | Self::LineFull(_)
            | Self::Refuses(_) => Standing::Notice,
            Self::Away(_) => Standing::Off,
        }
    }

    /// How asking a device ended that did not answer.
    fn of_polls(polls: &[Poll]) -> Option<Self> {
        let rank = |poll: &&Poll| ENDS.iter().position(|end| *end == poll.outcome);
        let poll = polls.iter().min_by_key(rank)?.clone();
        Some(match &*poll.outcome {
            "timeout" | "unreachable" => Self::Away(poll),
            _ => Self::Refuses(poll),
        })
    }

    fn of_printer(said: &Said, matters: &mut Vec<Self>) {
        let conditions = said.conditions.as_deref().unwrap_or_default();
        let says = |word: &str| conditions.iter().any(|known| known == word);
        let mut supplies = Vec::new();
        for supply in &said.supplies {
            let Some(ratio) = supply.ratio().filter(|ratio| *ratio <= SUPPLY_LOW) else {
                continue;
            };
            let is_used_up = (supply.is_colorant() && says("toner_empty"))
                || (supply.receptacle && says("waste_full"));
            supplies.push(if is_used_up && ratio <= NOTHING {
                Self::Empty(supply.clone())
            } else {
                Self::Low(supply.clone())
            });
        }
        let is_told = |word: &str| match word {
            "toner_empty" => supplies.iter().any(|it| it.is_empty(Supply::is_colorant)),
            "toner_low" => supplies.iter().any(|it| it.is_of(Supply::is_colorant)),
            "waste_full" => supplies.iter().any(|it| it.is_empty(is_receptacle)),
            "waste_nearly_full" => supplies.iter().any(|it| it.is_of(is_receptacle)),
            _ => false,
        };
        let rank = |word: &&String| CONDITIONS.iter().position(|(known, _)| known == word);
        let mut words: Vec<_> = conditions.iter().filter(|word| !is_told(word)).collect();
        // Words of a newer agent come last.
        words.sort_by_key(|word| rank(word).unwrap_or(usize::MAX));
        matters.extend(words.into_iter().cloned().map(Self::Condition));
        matters.extend(supplies);
        let is_told = matters.iter().any(|it| it.standing() <= Standing::Poor);
        if said.status.as_deref() == Some(STOPPED) && !is_told {
            matters.push(Self::Condition(STOPPED.to_owned()));
        }
    }

    fn is_of(&self, which: fn(&Supply) -> bool) -> bool {
        matches!(self, Self::Empty(supply) | Self::Low(supply) if which(supply))
    }

    fn is_empty(&self, which: fn(&Supply) -> bool) -> bool {
        matches!(self, Self::Empty(supply) if which(supply))
    }

    fn of_ups(ups: &Ups, matters: &mut Vec<Self>) {
        if ups.on_battery == Some(true) {
            matters.push(Self::OnBattery(ups.runtime));
        }
        if ups.battery_low == Some(true) {
            matters.push(Self::BatteryLow);
        }
        if ups.battery_replace == Some(true) {
            matters.push(Self::BatteryReplace);
        }
        let load = ups.load.filter(|load| *load >= UPS_LOAD.warning);
        matters.extend(load.map(Self::Overloaded));
    }

    fn of_line(interface: &Interface) -> Option<Self> {
        if interface.is_up == Some(false) && interface.enabled != Some(false) {
            return Some(Self::LineDown(interface.name.clone()));
        }
        let usage = [interface.received.usage, interface.sent.usage];
        let busiest = usage.into_iter().flatten().reduce(f64::max)?;
        (busiest >= LINE_USE.warning).then_some(Self::LineFull(busiest))
    }
}

fn is_receptacle(supply: &Supply) -> bool {
    supply.receptacle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(outcome: &str) -> Poll {
        Poll {
            protocol: "snmp".into(),
            outcome: outcome.into(),
        }
    }

    #[test]
    fn what_answers_wrongly_is_told_from_what_is_away() {
        let of = |outcomes: &[&str]| {
            let polls = outcomes.iter().map(|outcome| poll(outcome));
            Matter::of_polls(&polls.collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["timeout"]), Some(Matter::Away(poll("timeout"))));
        let refused = Some(Matter::Refuses(poll("refused")));
        assert_eq!(of(&["timeout", "refused"]), refused);
        let other = Some(Matter::Refuses(poll("other_device")));
        assert_eq!(of(&["unauthorized", "other_device"]), other);
        assert_eq!(of(&["new"]), Some(Matter::Refuses(poll("new"))));
    }

    #[test]
    fn a_line_that_somebody_switched_off_is_not_down() {
        let interface = |is_up, enabled| Interface {
            name: "wan".into(),
            is_up: Some(is_up),
            enabled,
            is_wan: true,
            ..Interface::default()
        };
        let down = Some(Matter::LineDown("wan".into()));
        assert_eq!(Matter::of_line(&interface(false, None)), down);
        assert_eq!(Matter::of_line(&interface(false, Some(true))), down);
        assert_eq!(Matter::of_line(&interface(false, Some(false))), None);
        assert_eq!(Matter::of_line(&interface(true, None)), None);
    }
}
