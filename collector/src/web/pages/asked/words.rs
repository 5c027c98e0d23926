//! What a device that is asked says, in words for whoever stands before it.

use crate::web::format;
use crate::web::lang::device::{self, Both};
use crate::web::lang::{Language, fill};
use crate::web::view::{AskedNow, Level, Matter, Said, Supply};

pub(super) fn pick(language: Language, (vi, en): Both) -> &'static str {
    language.pick(vi, en)
}

/// A word of the metrics as people say it; one that is not known as it is.
pub(super) fn word(language: Language, known: Option<Both>, word: &str) -> String {
    known
        .map_or(word, |both| language.pick(both.0, both.1))
        .to_owned()
}

/// The matter in a few words.
pub(in crate::web::pages) fn matter(language: Language, matter: &Matter) -> String {
    let texts = language.texts();
    let share = |ratio: f64| format::level(language, ratio);
    match matter {
        Matter::Condition(condition) => {
            let known = device::condition(condition).map(|(said, _)| said);
            word(language, known, condition)
        }
        Matter::Empty(supply) if supply.receptacle => {
            fill(texts.supply_full, &[&supply_name(language, supply)])
        }
        Matter::Empty(supply) => fill(texts.supply_out, &[&supply_name(language, supply)]),
        Matter::Low(supply) => {
            let text = if supply.receptacle {
                texts.supply_room
            } else {
                texts.supply_left
            };
            let left = share(supply.ratio().unwrap_or(0.0));
            fill(text, &[&supply_name(language, supply), &left])
        }
        Matter::OnBattery(None) => texts.ups_on_battery.to_owned(),
        Matter::OnBattery(Some(seconds)) => {
            fill(texts.ups_on_battery_for, &[&lasting(language, *seconds)])
        }
        Matter::BatteryLow => texts.ups_battery_low.to_owned(),
        Matter::BatteryReplace => texts.ups_battery_replace.to_owned(),
        Matter::Overloaded(load) => fill(texts.ups_overloaded, &[&share(*load)]),
        Matter::LineDown(interface) => fill(texts.line_down, &[interface]),
        Matter::LineFull(ratio) => fill(texts.line_full, &[&share(*ratio)]),
        Matter::Refuses(poll) => pick(language, device::refusal(&poll.outcome).0).to_owned(),
        Matter::Away(_) => texts.device_away.to_owned(),
    }
}

/// What to do about it; empty where nothing comes to mind.
pub(super) fn remedy(language: Language, matter: &Matter, address: &str) -> String {
    let texts = language.texts();
    let said = match matter {
        Matter::Condition(condition) => {
            let known = device::condition(condition);
            known.map_or("", |(_, remedy)| pick(language, remedy))
        }
        Matter::Empty(_) => texts.supply_out_what,
        Matter::Low(_) => texts.supply_left_what,
        Matter::OnBattery(_) => texts.ups_on_battery_what,
        Matter::BatteryLow => texts.ups_battery_low_what,
        Matter::BatteryReplace => texts.ups_battery_replace_what,
        Matter::Overloaded(_) => texts.ups_overloaded_what,
        Matter::LineDown(_) => texts.line_down_what,
        Matter::LineFull(_) => texts.line_full_what,
        Matter::Refuses(poll) => pick(language, device::refusal(&poll.outcome).1),
        Matter::Away(_) => return fill(texts.device_away_what, &[address]),
    };
    said.to_owned()
}

/// `Mực đen`, `Black toner`; what the printer calls it where that is all that is known.
pub(super) fn supply_name(language: Language, supply: &Supply) -> String {
    let Some(kind) = device::supply(&supply.kind) else {
        return supply.name.clone();
    };
    let kind = pick(language, kind);
    let colour = device::colour(&supply.colour).map(|colour| pick(language, colour));
    let name = match (language, colour) {
        (_, None) => kind.to_owned(),
        (Language::Vietnamese, Some(colour)) => format!("{kind} {colour}"),
        (Language::English, Some(colour)) => format!("{colour} {kind}"),
    };
    capital(&name)
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// How much is left, or why that is not known.
pub(super) fn level(language: Language, level: &Level, receptacle: bool) -> String {
    let texts = language.texts();
    let text = if receptacle {
        texts.level_room
    } else {
        texts.level_left
    };
    match level.ratio() {
        Some(ratio) => fill(text, &[&format::level(language, ratio)]),
        None => pick(language, device::no_number(level.state())).to_owned(),
    }
}

/// How long a battery lasts: seconds below two minutes are worth telling.
pub(super) fn lasting(language: Language, seconds: f64) -> String {
    if seconds < 120.0 {
        return format::seconds(language, seconds.max(0.0).round());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond i64 saturates"
    )]
    let seconds = seconds as i64;
    format::span(language, seconds)
}

/// All that is the matter in one line; where nothing is, what it does.
pub(super) fn line(language: Language, asked: &AskedNow) -> String {
    if asked.matters.is_empty() {
        return well(language, asked);
    }
    let matters = asked.matters.iter().map(|one| matter(language, one));
    matters.collect::<Vec<_>>().join(" · ")
}

/// What a device does that has nothing the matter.
fn well(language: Language, asked: &AskedNow) -> String {
    let texts = language.texts();
    if asked.is_up.is_none() {
        let text = match asked.last_report {
            Some(_) => texts.not_asked,
            None => texts.not_asked_yet,
        };
        return text.to_owned();
    }
    let said = &asked.said;
    let parts = if said.ups.is_some() {
        power(language, said)
    } else if said.status.is_some() || !said.supplies.is_empty() {
        printer(language, said)
    } else {
        network(language, said)
    };
    if parts.is_empty() {
        texts.answers.to_owned()
    } else {
        parts.join(" · ")
    }
}

fn printer(language: Language, said: &Said) -> Vec<String> {
    let status = said.status.as_deref();
    let status = status.map(|status| word(language, device::status(status), status));
    let lowest = said.supplies.iter().filter(|supply| supply.is_colorant());
    let lowest = lowest
        .filter_map(|supply| Some((supply, supply.ratio()?)))
        .min_by(|(_, one), (_, other)| one.total_cmp(other));
    let lowest = lowest.map(|(supply, ratio)| {
        let left = format::level(language, ratio);
        let name = supply_name(language, supply);
        fill(language.texts().supply_left, &[&name, &left])
    });
    status.into_iter().chain(lowest).collect()
}

fn network(language: Language, said: &Said) -> Vec<String> {
    let texts = language.texts();
    let mut parts = Vec::new();
    if let Some(line) = said.interfaces.iter().find(|interface| interface.is_wan) {
        let rate = |rate: Option<f64>| format::bit_rate(language, rate.unwrap_or(0.0));
        let rates = [rate(line.received.rate), rate(line.sent.rate)];
        parts.push(fill(texts.line_rate, &rates.each_ref().map(String::as_str)));
    }
    let known = said.interfaces.iter().filter_map(|it| it.is_up);
    let (up, all) = known.fold((0, 0), |(up, all), is_up| {
        (up + usize::from(is_up), all + 1)
    });
    if all > 0 {
        let counts = [up, all].map(|count: usize| count.to_string());
        parts.push(fill(
            texts.ports_connected,
            &counts.each_ref().map(String::as_str),
        ));
    }
    parts
}

fn power(language: Language, said: &Said) -> Vec<String> {
    let texts = language.texts();
    let Some(ups) = &said.ups else {
        return Vec::new();
    };
    let mains = (ups.on_battery == Some(false)).then(|| capital(texts.on_mains));
    let named = |name: &str, value: String| format!("{} {value}", name.to_lowercase());
    let battery = ups
        .battery
        .map(|ratio| named(texts.battery, format::level(language, ratio)));
    let lasts = ups
        .runtime
        .map(|seconds| named(texts.battery_lasts, lasting(language, seconds)));
    [mains, battery, lasts].into_iter().flatten().collect()
}
