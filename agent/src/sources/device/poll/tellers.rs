//! Which protocol tells what both know, poll after poll: the one that did last.
//!
//! Two protocols of one printer count pages from other starts and call supplies otherwise, so one that
//! stood in for a single lost answer would tell pages that nobody printed, and supplies that come and go.
//! The other stands in only when one has told nothing for some polls; then it stays, and the count begins
//! anew, as `dawnwatch_device_reading_info` says. What is the matter is not here: it is what either says.

use crate::sources::device::merge::{Told, richer};
use crate::sources::device::said::{Origin, Said, Status};

/// Polls in a row in which one told nothing and the other did, until the other stands in.
const PATIENCE: u8 = 3;

/// By reading, who tells it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tellers {
    pages: Teller,
    uptime: Teller,
    supplies: Teller,
    trays: Teller,
    status: Teller,
}

/// Who told a reading last, and for how many polls it has not.
#[derive(Debug, Clone, Copy, Default)]
struct Teller(Option<(Origin, u8)>);

impl Tellers {
    /// Takes out what is not theirs to tell.
    pub(super) fn settle(&mut self, snmp: &mut Said, ipp: &mut Said) {
        self.pages
            .settle(&mut snmp.pages_total, &mut ipp.pages_total, Origin::Snmp);
        self.uptime.settle(
            &mut snmp.uptime_seconds,
            &mut ipp.uptime_seconds,
            Origin::Snmp,
        );
        let first = richer(&snmp.supplies, &ipp.supplies, |supply| supply.level);
        self.supplies
            .settle(&mut snmp.supplies, &mut ipp.supplies, first);
        let first = richer(&snmp.trays, &ipp.trays, |tray| tray.level);
        self.trays.settle(&mut snmp.trays, &mut ipp.trays, first);
        // Of two, each says what the other does not see; and who stopped says so in one protocol alone.
        let are_both = snmp.status.is_some() && ipp.status.is_some();
        if are_both {
            self.status = Teller(Some((Origin::Snmp, 0)));
        } else if ipp.status != Some(Status::Stopped) {
            self.status
                .settle(&mut snmp.status, &mut ipp.status, Origin::Snmp);
        }
    }
}

impl Teller {
    fn settle<T: Told + Default>(&mut self, snmp: &mut T, ipp: &mut T, first: Origin) {
        let teller = self.choose(snmp.is_told(), ipp.is_told(), first);
        if teller != Some(Origin::Snmp) {
            *snmp = T::default();
        }
        if teller != Some(Origin::Ipp) {
            *ipp = T::default();
        }
    }

    /// Who tells it now; the `first` where nobody did before and both can.
    fn choose(&mut self, snmp: bool, ipp: bool, first: Origin) -> Option<Origin> {
        let others = match (snmp, ipp) {
            (true, true) => {
                let (teller, _) = self.0.unwrap_or((first, 0));
                self.0 = Some((teller, 0));
                return Some(teller);
            }
            (true, false) => Origin::Snmp,
            (false, true) => Origin::Ipp,
            (false, false) => return None,
        };
        let missed = match self.0 {
            Some((teller, missed)) if teller != others => missed.saturating_add(1),
            _ => PATIENCE,
        };
        if missed >= PATIENCE {
            self.0 = Some((others, 0));
            return Some(others);
        }
        self.0 = self.0.map(|(teller, _)| (teller, missed));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::device::merge::merged;

    fn printer(pages: u64, status: Status) -> Said {
        Said {
            pages_total: Some(pages),
            status: Some(status),
            ..Said::default()
        }
    }

    fn silent() -> Said {
        Said::default()
    }

    /// Pages and what it does, as they are told of polls one after the other.
    fn told(polls: &[(Said, Said)]) -> Vec<(Option<u64>, Option<Status>)> {
        let mut tellers = Tellers::default();
        let mut tell = |(snmp, ipp): &(Said, Said)| {
            let (mut snmp, mut ipp) = (snmp.clone(), ipp.clone());
            tellers.settle(&mut snmp, &mut ipp);
            let said = merged(snmp, ipp);
            (said.pages_total, said.status)
        };
        polls.iter().map(&mut tell).collect()
    }

    #[test]
    fn an_answer_that_is_lost_is_not_stood_in_for() {
        let snmp = |pages| printer(pages, Status::Standby);
        let ipp = || printer(119_400, Status::Idle);
        let standby = Some(Status::Standby);
        let polls = [
            (snmp(120_000), ipp()),
            (silent(), ipp()),
            (silent(), ipp()),
            (snmp(120_001), ipp()),
            (silent(), ipp()),
        ];
        let expected = [
            (Some(120_000), standby),
            (None, None),
            (None, None),
            (Some(120_001), standby),
            (None, None),
        ];
        assert_eq!(told(&polls), expected);
    }

    #[test]
    fn who_is_silent_for_long_is_stood_in_for_and_not_at_once_come_back_to() {
        let (snmp, ipp) = (
            || printer(120_000, Status::Idle),
            || printer(119_400, Status::Idle),
        );
        let polls = [
            (snmp(), ipp()),
            (silent(), ipp()),
            (silent(), silent()),
            (silent(), ipp()),
            (silent(), ipp()),
            (snmp(), ipp()),
            (snmp(), silent()),
            (snmp(), silent()),
            (snmp(), silent()),
        ];
        let (by_snmp, by_ipp) = (Some(120_000), Some(119_400));
        let expected = [
            by_snmp, None, None, None, by_ipp, by_ipp, None, None, by_snmp,
        ];
        let pages: Vec<_> = told(&polls).into_iter().map(|(pages, _)| pages).collect();
        assert_eq!(pages, expected);
    }

    #[test]
    fn who_tells_it_alone_tells_it_at_once_and_always() {
        let states = [Status::Printing, Status::Stopped, Status::Idle];
        let polls = states.map(|status| (silent(), printer(5, status)));
        let expected = states.map(|status| (Some(5), Some(status)));
        assert_eq!(told(&polls), expected);
    }

    #[test]
    fn a_printer_that_stopped_says_so_whoever_is_silent() {
        let polls = [
            (printer(1, Status::Idle), printer(1, Status::Idle)),
            (silent(), printer(1, Status::Stopped)),
        ];
        let expected = [(Some(1), Some(Status::Idle)), (None, Some(Status::Stopped))];
        assert_eq!(told(&polls), expected);
    }
}
