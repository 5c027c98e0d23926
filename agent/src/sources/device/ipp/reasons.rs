//! What is the matter with a printer: `printer-state-reasons` (RFC 8011, section 5.4.12; PWG 5100.9 for
//! those of its parts).
//!
//! A reason is what is the matter, and how much that matters: `-error` stops the printer, `-warning` will,
//! `-report` does not affect what is printed now. Of reasons that have a word here a report counts like the
//! others: printers say so (`toner-low-report`) of what people want to know before it stops the printer.
//! Words that nobody has heard of count as [`Condition::Other`] where they warn, or stop it. Levels make no
//! conditions: at which one something is low the printer alone knows, and it says so here.

use super::super::said::Condition;

/// How much a reason matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Report,
    Warning,
    Error,
    /// Not told.
    Untold,
}

/// Whether the printer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    On,
    Stopped,
}

/// By how it begins and ends, what a reason means; the first that fits does.
const MEANINGS: &[(&str, &str, Condition)] = &[
    ("", "jam", Condition::Jam),
    ("", "cover-open", Condition::CoverOpen),
    ("", "door-open", Condition::CoverOpen),
    ("", "interlock-open", Condition::CoverOpen),
    ("media-", "empty", Condition::PaperEmpty),
    ("media-", "needed", Condition::PaperEmpty),
    ("media-", "low", Condition::PaperLow),
    ("input-", "media-supply-empty", Condition::PaperEmpty),
    ("input-", "media-supply-low", Condition::PaperLow),
    ("input-", "missing", Condition::TrayMissing),
    ("output-", "missing", Condition::OutputTrayMissing),
    ("output-", "almost-full", Condition::OutputNearlyFull),
    ("output-", "full", Condition::OutputFull),
    ("marker-waste", "almost-full", Condition::WasteNearlyFull),
    ("marker-waste", "full", Condition::WasteFull),
    ("marker-developer", "", Condition::Service),
    ("marker-opc", "", Condition::Service),
    ("marker-cleaner", "", Condition::Service),
    ("marker-fuser", "", Condition::Service),
    ("marker-", "missing", Condition::SupplyMissing),
    ("marker-", "almost-empty", Condition::TonerLow),
    ("marker-", "low", Condition::TonerLow),
    ("marker-", "empty", Condition::TonerEmpty),
    ("toner-", "low", Condition::TonerLow),
    ("toner-", "empty", Condition::TonerEmpty),
    ("developer-", "", Condition::Service),
    ("opc-", "", Condition::Service),
    ("fuser-", "", Condition::Service),
    ("cleaner-", "", Condition::Service),
    ("", "near-eol", Condition::Service),
    ("", "at-eol", Condition::Service),
    ("", "life-over", Condition::Service),
    ("", "life-almost-over", Condition::Service),
    ("", "failure", Condition::Service),
    ("", "unrecoverable", Condition::Service),
    ("offline", "", Condition::Offline),
    ("shutdown", "", Condition::Offline),
    ("deactivated", "", Condition::Offline),
    ("timed-out", "", Condition::Offline),
    ("power-down", "", Condition::Offline),
    ("paused", "", Condition::Paused),
    ("moving-to-paused", "", Condition::Paused),
];

/// How those begin that say nothing of what is the matter: what CUPS thinks of a printer's IPP, and what
/// passes by itself.
const HARMLESS: &[&str] = &[
    "none",
    "cups-",
    "connecting-to-device",
    "configuration-change",
    "identify-printer-requested",
    "power-up",
    "printer-ready-to-print",
    "resuming",
    "spool-area-full",
    "stopped-partly",
    "stopping",
    "warming-up",
];

/// What these reasons mean, each once.
pub(super) fn conditions<'a>(
    reasons: impl IntoIterator<Item = &'a str>,
    going: Going,
) -> Vec<Condition> {
    let mut found: Vec<_> = reasons
        .into_iter()
        .filter_map(|reason| condition(reason, going))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn condition(reason: &str, going: Going) -> Option<Condition> {
    let (word, severity) = split(reason);
    if word.is_empty() || HARMLESS.iter().any(|known| word.starts_with(known)) {
        return None;
    }
    let fits = |(begins, ends, _): &&(&str, &str, Condition)| {
        word.starts_with(begins) && word.ends_with(ends)
    };
    if let Some((_, _, meaning)) = MEANINGS.iter().find(fits) {
        return Some(*meaning);
    }
    let matters = match severity {
        Severity::Error | Severity::Warning => true,
        Severity::Report => false,
        Severity::Untold => going == Going::Stopped || word == "other",
    };
    matters.then_some(Condition::Other)
}

fn split(reason: &str) -> (&str, Severity) {
    let suffixes = [
        ("-report", Severity::Report),
        ("-warning", Severity::Warning),
        ("-error", Severity::Error),
    ];
    let split = |(suffix, severity)| Some((reason.strip_suffix(suffix)?, severity));
    let found = suffixes.into_iter().find_map(split);
    found.unwrap_or((reason, Severity::Untold))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reasons: &[&str], expected: &[Condition]) {
        assert_eq!(
            conditions(reasons.iter().copied(), Going::On),
            expected,
            "{reasons:?}"
        );
    }

    #[test]
    fn reasons_of_the_rfc_have_their_condition_whatever_their_severity() {
        use Condition as C;
        check(&["none"], &[]);
        check(&["media-jam-error"], &[C::Jam]);
        check(&["door-open-warning", "interlock-open"], &[C::CoverOpen]);
        check(&["media-empty-error"], &[C::PaperEmpty]);
        check(&["media-needed"], &[C::PaperEmpty]);
        check(&["media-low-report"], &[C::PaperLow]);
        check(&["marker-supply-low-warning"], &[C::TonerLow]);
        check(&["toner-low-report"], &[C::TonerLow]);
        check(&["toner-empty-error"], &[C::TonerEmpty]);
        check(&["marker-waste-almost-full-report"], &[C::WasteNearlyFull]);
        check(&["marker-waste-full"], &[C::WasteFull]);
        check(&["input-tray-missing"], &[C::TrayMissing]);
        check(&["output-tray-missing"], &[C::OutputTrayMissing]);
        check(&["output-area-almost-full"], &[C::OutputNearlyFull]);
        check(&["output-area-full-error"], &[C::OutputFull]);
        check(&["opc-near-eol-warning", "fuser-over-temp"], &[C::Service]);
        check(&["moving-to-paused", "paused"], &[C::Paused]);
        check(&["offline-report"], &[C::Offline]);
        check(&["other-warning"], &[C::Other]);
    }

    #[test]
    fn reasons_of_parts_are_understood_by_how_they_are_made() {
        use Condition as C;
        check(&["bander-jam-error"], &[C::Jam]);
        check(&["finisher-cover-open"], &[C::CoverOpen]);
        check(&["marker-ink-almost-empty"], &[C::TonerLow]);
        check(&["marker-toner-empty-error"], &[C::TonerEmpty]);
        check(&["marker-toner-cartridge-missing"], &[C::SupplyMissing]);
        check(
            &["marker-waste-toner-receptacle-almost-full"],
            &[C::WasteNearlyFull],
        );
        check(&["marker-developer-empty"], &[C::Service]);
        check(&["lamp-failure-warning"], &[C::Service]);
    }

    #[test]
    fn what_nobody_has_heard_of_counts_where_it_warns_or_stops() {
        check(&["vendor-oddity-warning"], &[Condition::Other]);
        check(&["vendor-oddity-report", "vendor-oddity"], &[]);
        check(
            &[
                "cups-ipp-missing-send-document",
                "cups-missing-filter-warning",
            ],
            &[],
        );
        let stopped = conditions(["vendor-oddity"], Going::Stopped);
        assert_eq!(stopped, [Condition::Other]);
    }
}
