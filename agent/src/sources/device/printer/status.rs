//! What a printer does and what is the matter with it, from Host-Resources (RFC 2790).
//!
//! `hrPrinterStatus` alone says little: idle does not mean healthy, and `other` is standby or stopped,
//! depending on `hrDeviceStatus` (the table of RFC 3805, section 2.2.13.2). Where a printer does not tell
//! `hrPrinterStatus`, nothing is known but that it is stopped. Deliberately absent: conclusions from
//! levels of trays and supplies; an empty manual feed is not a printer without paper.

use super::super::said::{Condition, Status};

/// `hrDeviceStatus`.
const RUNNING: i64 = 2;
const WARNING: i64 = 3;
const TESTING: i64 = 4;
const DOWN: i64 = 5;

/// `hrPrinterDetectedErrorState`: bit 0 is the most significant of the first octet. A printer sends as
/// many octets as it likes, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Errors(pub(super) Vec<u8>);

/// What each bit means, from bit 0 (`lowPaper`) to bit 14 (`overduePreventMaint`).
const BITS: [Condition; 15] = [
    Condition::PaperLow,
    Condition::PaperEmpty,
    Condition::TonerLow,
    Condition::TonerEmpty,
    Condition::CoverOpen,
    Condition::Jam,
    Condition::Offline,
    Condition::Service,
    Condition::TrayMissing,
    Condition::OutputTrayMissing,
    Condition::SupplyMissing,
    Condition::OutputNearlyFull,
    Condition::OutputFull,
    // inputTrayEmpty: of one of several.
    Condition::PaperEmpty,
    Condition::Service,
];

/// What stops a printer, among the bits.
const STOPPING: [Condition; 5] = [
    Condition::PaperEmpty,
    Condition::TonerEmpty,
    Condition::CoverOpen,
    Condition::Jam,
    Condition::Offline,
];

impl Errors {
    /// What is set.
    pub(super) fn conditions(&self) -> impl Iterator<Item = Condition> {
        let bits = BITS.iter().enumerate();
        bits.filter_map(|(bit, condition)| self.bit(bit).filter(|set| *set).map(|_| *condition))
    }

    /// Whether no bit is set.
    pub(super) fn are_none(&self) -> bool {
        self.0.iter().all(|octet| *octet == 0)
    }

    /// Whether it was said in so many bits that this is not the matter.
    pub(super) fn denies(&self, condition: Condition) -> bool {
        let mut bits = BITS.iter().enumerate().filter(|(_, of)| **of == condition);
        let first = bits.next().map(|(bit, _)| self.bit(bit));
        first == Some(Some(false)) && bits.all(|(bit, _)| self.bit(bit) == Some(false))
    }

    /// `None` where the octet of it was not sent.
    fn bit(&self, bit: usize) -> Option<bool> {
        let octet = self.0.get(bit / 8)?;
        Some(octet & (0x80 >> (bit % 8)) != 0)
    }
}

/// Whether `hrDeviceStatus` says that something is the matter.
pub(super) fn is_troubled(device: Option<i64>) -> bool {
    matches!(device, Some(WARNING | DOWN))
}

/// What it does. `None` where it does not say.
pub(super) fn status(
    device: Option<i64>,
    printer: Option<i64>,
    errors: Option<&Errors>,
) -> Option<Status> {
    let is_stopped = errors.is_some_and(|errors| {
        let mut conditions = errors.conditions();
        conditions.any(|condition| STOPPING.contains(&condition))
    });
    let status = match (device, printer) {
        // Moving on-line.
        (Some(DOWN), Some(5)) => Status::Warmup,
        (Some(DOWN), _) => Status::Stopped,
        (Some(TESTING), None | Some(1)) => Status::Other,
        (_, Some(3)) => Status::Idle,
        (_, Some(4)) => Status::Printing,
        (_, Some(5)) => Status::Warmup,
        (_, Some(1)) if is_stopped => Status::Stopped,
        // A printer that sleeps and is low on toner is a warning, and no less asleep.
        (Some(RUNNING | WARNING), Some(1)) => Status::Standby,
        (_, Some(1)) => Status::Other,
        (_, Some(_)) => Status::Unknown,
        (_, None) => return None,
    };
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(octets: &[u8], expected: &[Condition]) {
        let errors = Errors(octets.to_vec());
        assert_eq!(errors.conditions().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn bit_0_is_the_most_significant_of_the_first_octet() {
        check(&[0x80], &[Condition::PaperLow]);
        check(&[0x01], &[Condition::Service]);
        check(&[0x04], &[Condition::Jam]);
        check(&[0x00, 0x80], &[Condition::TrayMissing]);
        check(&[0x00, 0x04], &[Condition::PaperEmpty]);
        check(&[0x00, 0x02], &[Condition::Service]);
        check(&[0x28], &[Condition::TonerLow, Condition::CoverOpen]);
    }

    #[test]
    fn as_many_octets_as_a_printer_likes() {
        check(&[], &[]);
        check(&[0x00], &[]);
        check(&[0x02, 0x00, 0x00, 0xff], &[Condition::Offline]);
        // Bit 15 has no meaning.
        check(&[0x00, 0x01], &[]);
    }

    #[test]
    fn only_bits_that_were_sent_deny() {
        assert!(Errors(vec![0]).denies(Condition::Jam));
        assert!(!Errors(vec![]).denies(Condition::Jam));
        assert!(!Errors(vec![0x04]).denies(Condition::Jam));
        // noPaper is denied, inputTrayEmpty is in the octet that was not sent.
        assert!(!Errors(vec![0]).denies(Condition::PaperEmpty));
        assert!(Errors(vec![0, 0]).denies(Condition::PaperEmpty));
        assert!(!Errors(vec![0, 0]).denies(Condition::WasteFull));
    }

    #[test]
    fn status_is_that_of_the_table() {
        let none = Errors(vec![0]);
        let offline = Errors(vec![0x02]);
        for (device, printer, errors, expected) in [
            (Some(2), Some(3), &none, Some(Status::Idle)),
            (Some(2), Some(4), &none, Some(Status::Printing)),
            (Some(3), Some(3), &none, Some(Status::Idle)),
            (Some(3), Some(4), &none, Some(Status::Printing)),
            (Some(5), Some(1), &none, Some(Status::Stopped)),
            (Some(5), Some(1), &offline, Some(Status::Stopped)),
            (Some(3), Some(3), &offline, Some(Status::Idle)),
            (Some(5), Some(5), &none, Some(Status::Warmup)),
            (Some(2), Some(5), &none, Some(Status::Warmup)),
            (Some(2), Some(1), &none, Some(Status::Standby)),
            (Some(3), Some(1), &none, Some(Status::Standby)),
            (Some(2), Some(1), &offline, Some(Status::Stopped)),
            (Some(2), Some(2), &none, Some(Status::Unknown)),
            (Some(4), None, &none, Some(Status::Other)),
            (Some(5), None, &none, Some(Status::Stopped)),
            (None, Some(1), &none, Some(Status::Other)),
            (None, Some(3), &none, Some(Status::Idle)),
            (Some(2), None, &none, None),
            (None, None, &none, None),
        ] {
            let told = status(device, printer, Some(errors));
            assert_eq!(told, expected, "{device:?} {printer:?} {errors:?}");
        }
    }
}
