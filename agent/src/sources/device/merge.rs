//! One printer, one object: what it said by SNMP and by IPP, put together, each reading with its origin.
//!
//! SNMP first, since it tells more, and IPP where it is silent. Where both speak:
//!
//! * What it does is what SNMP says, unless that is `unknown` or `other`, or IPP says that it is stopped:
//!   many printers are idle by `hrPrinterStatus` whatever is the matter.
//! * What is the matter is what either says: bits that are not set mean little (many printers set none), and
//!   an IPP reason is never made up. But of one matter in two words the stronger stands: `toner_low` of one
//!   gives way to `toner_empty` of the other, and `other` to whatever the other calls by its name.
//! * Supplies are one protocol's list as a whole, and so are trays: the one with more numbers, SNMP's where
//!   both have as many. The same cartridge has another name in each, so mixed lists would have it twice.

use std::collections::BTreeMap;

use super::said::{Condition, Level, Origin, Said, Status};

/// Of one matter, the weaker word and the stronger.
const STRONGER: [(Condition, Condition); 4] = [
    (Condition::PaperLow, Condition::PaperEmpty),
    (Condition::TonerLow, Condition::TonerEmpty),
    (Condition::OutputNearlyFull, Condition::OutputFull),
    (Condition::WasteNearlyFull, Condition::WasteFull),
];

/// Puts both together. What one protocol did not say at all is [`Said::default`].
pub(crate) fn merged(snmp: Said, ipp: Said) -> Said {
    let mut origins = Origins(BTreeMap::new());
    let mut problems = snmp.problems;
    problems.extend(ipp.problems);
    let supplies = whole(snmp.supplies, ipp.supplies, |supply| supply.level);
    let trays = whole(snmp.trays, ipp.trays, |tray| tray.level);
    let status = status(snmp.status, ipp.status);
    let conditions = conditions(snmp.conditions, ipp.conditions);
    let said = Said {
        kind: snmp.kind.or(ipp.kind),
        vendor: origins.first("vendor", snmp.vendor, ipp.vendor),
        model: origins.first("model", snmp.model, ipp.model),
        serial: origins.first("serial", snmp.serial, ipp.serial),
        firmware: origins.first("firmware", snmp.firmware, ipp.firmware),
        name: origins.first("name", snmp.name, ipp.name),
        macs: origins.first("macs", snmp.macs, ipp.macs),
        uptime_seconds: origins.first("uptime_seconds", snmp.uptime_seconds, ipp.uptime_seconds),
        status: origins.first("status", status.0, status.1),
        conditions: origins.first("conditions", conditions.0, conditions.1),
        pages_total: origins.first("pages_total", snmp.pages_total, ipp.pages_total),
        queued_jobs: origins.first("queued_jobs", snmp.queued_jobs, ipp.queued_jobs),
        supplies: origins.first("supplies", supplies.0, supplies.1),
        trays: origins.first("trays", trays.0, trays.1),
        messages: origins.first("messages", snmp.messages, ipp.messages),
        interfaces: origins.first("interfaces", snmp.interfaces, ipp.interfaces),
        cpu_usage_ratio: origins.first(
            "cpu_usage_ratio",
            snmp.cpu_usage_ratio,
            ipp.cpu_usage_ratio,
        ),
        memory_size_bytes: origins.first(
            "memory_size_bytes",
            snmp.memory_size_bytes,
            ipp.memory_size_bytes,
        ),
        memory_available_bytes: origins.first(
            "memory_available_bytes",
            snmp.memory_available_bytes,
            ipp.memory_available_bytes,
        ),
        ups: origins.first("ups", snmp.ups, ipp.ups),
        origins: BTreeMap::new(),
        problems,
    };
    Said {
        origins: origins.0,
        ..said
    }
}

/// By reading, whose it is.
struct Origins(BTreeMap<&'static str, Origin>);

impl Origins {
    /// The first that says something.
    fn first<T: Told>(&mut self, reading: &'static str, snmp: T, ipp: T) -> T {
        let (told, origin) = if snmp.is_told() {
            (snmp, Origin::Snmp)
        } else {
            (ipp, Origin::Ipp)
        };
        if told.is_told() {
            self.0.insert(reading, origin);
        }
        told
    }
}

/// What may be absent.
pub(super) trait Told {
    fn is_told(&self) -> bool;
}

impl<T> Told for Option<T> {
    fn is_told(&self) -> bool {
        self.is_some()
    }
}

impl<T> Told for Vec<T> {
    fn is_told(&self) -> bool {
        !self.is_empty()
    }
}

/// Of both, by SNMP and by IPP; whichever does not count is absent.
type Both<T> = (T, T);

fn status(snmp: Option<Status>, ipp: Option<Status>) -> Both<Option<Status>> {
    let is_vague = matches!(snmp, Some(Status::Unknown | Status::Other));
    let is_better = ipp.is_some() && (is_vague || ipp == Some(Status::Stopped));
    match is_better && snmp != ipp {
        true => (None, ipp),
        false => (snmp, ipp),
    }
}

fn conditions(
    snmp: Option<Vec<Condition>>,
    ipp: Option<Vec<Condition>>,
) -> Both<Option<Vec<Condition>>> {
    let (Some(by_snmp), Some(by_ipp)) = (&snmp, &ipp) else {
        return (snmp, ipp);
    };
    let mut all: Vec<_> = stands(by_snmp, by_ipp)
        .chain(stands(by_ipp, by_snmp))
        .collect();
    all.sort_unstable();
    all.dedup();
    // What SNMP alone would have said is SNMP's.
    match all.iter().all(|condition| by_snmp.contains(condition)) {
        true => (Some(all), None),
        false => (None, Some(all)),
    }
}

/// Of the words of one, those that the other has no better word for.
fn stands<'a>(
    one: &'a [Condition],
    other: &'a [Condition],
) -> impl Iterator<Item = Condition> + 'a {
    let has_better = |word: Condition| {
        let mut stronger = STRONGER.iter().filter(|(weak, _)| *weak == word);
        stronger.any(|(_, strong)| other.contains(strong))
            || word == Condition::Other && !other.is_empty()
    };
    let words = one.iter().copied();
    words.filter(move |word| other.contains(word) || !has_better(*word))
}

fn whole<T>(snmp: Vec<T>, ipp: Vec<T>, level: impl Fn(&T) -> Level) -> Both<Vec<T>> {
    match richer(&snmp, &ipp, level) {
        Origin::Snmp => (snmp, ipp),
        Origin::Ipp => (Vec::new(), ipp),
    }
}

/// Whose list has more numbers; SNMP's where both have as many.
pub(super) fn richer<T>(snmp: &[T], ipp: &[T], level: impl Fn(&T) -> Level) -> Origin {
    let numbers = |list: &[T]| {
        list.iter()
            .filter(|one| level(one).ratio().is_some())
            .count()
    };
    match numbers(ipp) > numbers(snmp) {
        true => Origin::Ipp,
        false => Origin::Snmp,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::super::said::Tray;
    use super::*;

    fn tray(name: &str, level: Level) -> Tray {
        let name = name.to_owned();
        Tray { name, level }
    }

    #[test]
    fn each_reading_has_its_origin_and_snmp_goes_first() {
        let snmp = Said {
            model: Some("by SNMP".to_owned()),
            pages_total: Some(7),
            problems: vec!["a".to_owned()],
            ..Said::default()
        };
        let ipp = Said {
            model: Some("by IPP".to_owned()),
            queued_jobs: Some(2),
            problems: vec!["b".to_owned()],
            ..Said::default()
        };
        let both = merged(snmp, ipp);
        assert_eq!(both.model.as_deref(), Some("by SNMP"));
        assert_eq!((both.pages_total, both.queued_jobs), (Some(7), Some(2)));
        assert_eq!(both.problems, ["a", "b"]);
        let origins = [
            ("model", Origin::Snmp),
            ("pages_total", Origin::Snmp),
            ("queued_jobs", Origin::Ipp),
        ];
        assert_eq!(both.origins, BTreeMap::from(origins));
    }

    #[test]
    fn what_one_protocol_says_alone_stays_as_it_is() {
        let said = Said {
            status: Some(Status::Other),
            conditions: Some(vec![]),
            trays: vec![tray("1", Level::Unknown)],
            ..Said::default()
        };
        for (both, origin) in [
            (merged(said.clone(), Said::default()), Origin::Snmp),
            (merged(Said::default(), said.clone()), Origin::Ipp),
        ] {
            assert!(both.origins.values().all(|one| *one == origin), "{both:?}");
            assert_eq!(both.origins.len(), 3);
            let origins = BTreeMap::new();
            assert_eq!(Said { origins, ..both }, said);
        }
    }

    #[test]
    fn the_list_with_more_numbers_is_taken_as_a_whole() {
        let known = || tray("known", Level::Measured(0.5));
        let some = || tray("some", Level::SomeRemaining);
        let check = |snmp: Vec<Tray>, ipp: Vec<Tray>, expected: Origin| {
            let of = |trays| Said {
                trays,
                ..Said::default()
            };
            let both = merged(of(snmp.clone()), of(ipp.clone()));
            assert_eq!(both.origins["trays"], expected);
            assert_eq!(both.trays, if expected == Origin::Ipp { ipp } else { snmp });
        };
        check(vec![some(), some()], vec![known()], Origin::Ipp);
        check(vec![known()], vec![known(), some()], Origin::Snmp);
        check(vec![known(), some()], vec![known(), known()], Origin::Ipp);
        check(vec![some()], vec![], Origin::Snmp);
        check(vec![], vec![some()], Origin::Ipp);
    }

    #[test]
    fn what_is_the_matter_is_what_either_says_in_the_stronger_word() {
        use Condition as C;
        let check = |snmp: &[C], ipp: &[C], expected: &[C], origin: Origin| {
            let of = |conditions: &[C]| Said {
                conditions: Some(conditions.to_vec()),
                ..Said::default()
            };
            let both = merged(of(snmp), of(ipp));
            assert_eq!(
                both.conditions.as_deref(),
                Some(expected),
                "{snmp:?} {ipp:?}"
            );
            assert_eq!(both.origins["conditions"], origin, "{snmp:?} {ipp:?}");
        };
        check(&[], &[], &[], Origin::Snmp);
        check(&[], &[C::TonerLow], &[C::TonerLow], Origin::Ipp);
        check(&[C::Jam], &[], &[C::Jam], Origin::Snmp);
        check(
            &[C::Jam],
            &[C::CoverOpen],
            &[C::Jam, C::CoverOpen],
            Origin::Ipp,
        );
        check(
            &[C::TonerEmpty],
            &[C::TonerLow],
            &[C::TonerEmpty],
            Origin::Snmp,
        );
        check(
            &[C::TonerLow],
            &[C::TonerEmpty],
            &[C::TonerEmpty],
            Origin::Ipp,
        );
        check(&[C::Other], &[C::Jam], &[C::Jam], Origin::Ipp);
        check(&[C::Other], &[], &[C::Other], Origin::Snmp);
        // One is empty, another is low.
        let two = [C::TonerEmpty, C::TonerLow];
        check(&two, &two, &two, Origin::Snmp);
        check(&two, &[C::TonerLow], &two, Origin::Snmp);
    }

    #[test]
    fn a_vague_state_gives_way_and_stopped_is_believed() {
        use Status as S;
        let check = |snmp, ipp, expected, origin: Origin| {
            let of = |status| Said {
                status: Some(status),
                ..Said::default()
            };
            let both = merged(of(snmp), of(ipp));
            assert_eq!(both.status, Some(expected), "{snmp:?} {ipp:?}");
            assert_eq!(both.origins["status"], origin, "{snmp:?} {ipp:?}");
        };
        check(S::Standby, S::Idle, S::Standby, Origin::Snmp);
        check(S::Idle, S::Stopped, S::Stopped, Origin::Ipp);
        check(S::Other, S::Printing, S::Printing, Origin::Ipp);
        check(S::Unknown, S::Idle, S::Idle, Origin::Ipp);
        check(S::Stopped, S::Idle, S::Stopped, Origin::Snmp);
    }
}
