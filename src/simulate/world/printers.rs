//! Printers: how one is, seen from beside it.

use diagnosis::record::Printer;

use super::chance::{count, steady};
use super::class::Class;
use super::effects::Town;
use super::weather::Kind;

/// How a printer is, seen from beside it.
pub(super) fn printer(town: &Town, number: usize, t: f64) -> Printer {
    let mut said = Printer {
        reachable: !town.is_dark(t),
        ..Printer::default()
    };
    // Somebody switches it on in the morning and off in the evening, in most centres.
    let stays_on = steady(town.place.latitude.to_bits(), 1) < 0.4;
    let hour = (t + 7.0 * 3600.0).rem_euclid(86_400.0) / 3600.0;
    said.reachable &= stays_on || (7.25..17.1).contains(&hour);
    for burst in town.weather.at(t) {
        if burst == Kind::NoPaper(number) {
            said.conditions.push("paper_empty".to_owned());
        }
    }
    for fault in town
        .felt(t)
        .filter(|fault| fault.class == Class::PrinterFault && fault.printer == number)
    {
        let words = [
            "jam",
            "cover_open",
            "toner_empty",
            "service",
            "paper_empty",
            "offline",
        ];
        let word = words.get(count(fault.variant * 7.0));
        match word {
            Some(word) => said.conditions.push((*word).to_owned()),
            // It is switched off, or its cable is out.
            None => said.reachable = false,
        }
    }
    said.conditions.sort();
    said.conditions.dedup();
    said
}
