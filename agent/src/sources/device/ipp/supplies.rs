//! What a printer has left, by the lists in which IPP tells it.
//!
//! Two lists tell of supplies: the `marker-` attributes of CUPS, which nearly every printer has, and
//! `printer-supply` of PWG 5100.13, whose values are those of the Printer MIB. The first is taken where it
//! has a level for anything, with what the second knows of the same supply. Levels have the meaning of RFC
//! 3805 in both: −1 no end, −2 unknown, −3 some; of a receptacle it is the space that is left.

use super::super::printer::colours;
use super::super::said::{Condition, Level, Said, Supply, Tray};
use super::message::{Attributes, Value};

/// RFC 8011 has no names for colours, CUPS has numbers.
const COLOURS: &[(&str, &str)] = &[
    ("#000000", "black"),
    ("#00ffff", "cyan"),
    ("#ff00ff", "magenta"),
    ("#ffff00", "yellow"),
    ("#ff0000", "red"),
    ("#00ff00", "green"),
    ("#0000ff", "blue"),
    ("#ffffff", "white"),
    ("#808080", "grey"),
];

/// The full level of the `marker-` attributes: they are percentages.
const FULL: i64 = 100;

pub(super) fn tell(attributes: &Attributes, said: &mut Said) {
    said.supplies = supplies(attributes);
    mistrust_waste(said);
    let trays = attributes.of("printer-input-tray");
    said.trays = trays.iter().filter_map(Value::text).map(tray).collect();
    if has_too_much(attributes) {
        let problem = "a supply's level is above its maximum, and was taken as full";
        said.problems.push(problem.to_owned());
    }
}

fn supplies(attributes: &Attributes) -> Vec<Supply> {
    let told = attributes.of("printer-supply");
    let described: Vec<_> = told
        .iter()
        .zip(texts(attributes.of("printer-supply-description")))
        .filter_map(|(supply, description)| Some(described(supply.text()?, description)))
        .collect();
    let levels = attributes.of("marker-levels");
    if !levels.iter().any(|level| level.number().is_some()) {
        return described;
    }
    let names = texts(attributes.of("marker-names"));
    let kinds = texts(attributes.of("marker-types"));
    let colours = texts(attributes.of("marker-colors"));
    let mut markers: Vec<_> = levels
        .iter()
        .zip(names.zip(kinds).zip(colours))
        .map(|(level, ((name, kind), colours))| marker(level, name, kind, colours))
        .collect();
    // Lists of the same length are of the same supplies.
    if markers.len() == described.len() {
        for (marker, described) in markers.iter_mut().zip(described) {
            complete(marker, described);
        }
    }
    for marker in &mut markers {
        name(marker);
    }
    markers
}

fn number(value: &Value) -> Option<i64> {
    value.number().map(i64::from)
}

/// Values as texts, and without end: lists that go together are not always equally long.
fn texts(values: &[Value]) -> impl Iterator<Item = &str> {
    let texts = values.iter().map(|value| value.text().unwrap_or_default());
    texts.chain(std::iter::repeat(""))
}

fn marker(level: &Value, name: &str, kind: &str, told: &str) -> Supply {
    let kind = camel(kind);
    Supply {
        description: name.to_owned(),
        receptacle: is_waste(&kind),
        kind,
        colour: colour(told).to_owned(),
        level: Level::of(number(level), Some(FULL)),
    }
}

/// `index=1;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=25;colorantname=black;`
fn described(supply: &str, description: &str) -> Supply {
    let number = |key| field(supply, '=', key)?.parse().ok();
    let kind = camel(field(supply, '=', "type").unwrap_or("unknown"));
    let class = field(supply, '=', "class").unwrap_or_default();
    let mut supply = Supply {
        description: description.to_owned(),
        receptacle: class == "receptacleThatIsFilled" || is_waste(&kind),
        kind,
        colour: colour(field(supply, '=', "colorantname").unwrap_or_default()).to_owned(),
        level: Level::of(number("level"), number("maxcapacity")),
    };
    name(&mut supply);
    supply
}

/// Adds what another list says of the same supply.
fn complete(supply: &mut Supply, other: Supply) {
    supply.receptacle |= other.receptacle;
    if supply.level.ratio().is_none() && other.level.ratio().is_some() {
        supply.level = other.level;
    }
    for (mine, others) in [
        (&mut supply.description, other.description),
        (&mut supply.kind, other.kind),
        (&mut supply.colour, other.colour),
    ] {
        if mine.is_empty() || mine == "unknown" {
            *mine = others;
        }
    }
}

/// People have to call it something, and its name may tell what colour it has.
fn name(supply: &mut Supply) {
    if supply.colour.is_empty() {
        colours::in_description(&supply.description).clone_into(&mut supply.colour);
    }
    if supply.kind.is_empty() {
        "unknown".clone_into(&mut supply.kind);
    }
    if supply.description.is_empty() {
        let name = format!("{} {}", supply.colour, supply.kind);
        name.trim().clone_into(&mut supply.description);
    }
}

/// `type=sheetFeedAutoRemovableTray;maxcapacity=250;level=100;status=0;name=main;index=1;`
fn tray(tray: &str) -> Tray {
    let number = |key| field(tray, '=', key)?.parse().ok();
    let name = field(tray, '=', "name").or_else(|| field(tray, '=', "type"));
    Tray {
        name: name.unwrap_or("unknown").to_owned(),
        level: Level::of(number("level"), number("maxcapacity")),
    }
}

fn has_too_much(attributes: &Attributes) -> bool {
    let mut levels = attributes.of("marker-levels").iter();
    levels.any(|level| number(level).is_some_and(|level| level > FULL))
}

/// Some count a receptacle from empty to full, against the standard. One that its own printer calls full
/// while there is more than half of its space left does, and nothing is known of the others.
fn mistrust_waste(said: &mut Said) {
    let is_full =
        said.conditions.iter().flatten().any(|condition| {
            matches!(condition, Condition::WasteNearlyFull | Condition::WasteFull)
        });
    let receptacles = || said.supplies.iter().filter(|supply| supply.receptacle);
    let is_empty = |supply: &Supply| supply.level.ratio().is_some_and(|left| left > 0.5);
    if !is_full || receptacles().next().is_none() || !receptacles().all(is_empty) {
        return;
    }
    for supply in said.supplies.iter_mut().filter(|supply| supply.receptacle) {
        supply.level = Level::Unknown;
        said.problems.push(format!(
            "{:?} is said to be full and to have space left; its level was not taken",
            supply.description
        ));
    }
}

/// A field of a text like `key=value;key=value;`, or with `:` for `=`.
pub(super) fn field<'a>(text: &'a str, sign: char, key: &str) -> Option<&'a str> {
    let mut fields = text.split(';').filter_map(|field| field.split_once(sign));
    let found = fields.find(|(name, _)| name.trim().eq_ignore_ascii_case(key));
    found
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

/// `PrtMarkerSuppliesTypeTC` has `wasteToner`; IPP has that, and `waste-toner`.
fn camel(word: &str) -> String {
    let mut parts = word.split('-');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut characters = part.chars();
        camel.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(characters.as_str());
    }
    camel
}

fn is_waste(kind: &str) -> bool {
    kind.starts_with("waste")
}

/// `#00FFFF` is cyan. A cartridge of several colours (`#00FFFF#FF00FF#FFFF00`) has no single one.
fn colour(told: &str) -> &'static str {
    if !told.starts_with('#') {
        return colours::of_colorant(told);
    }
    let told = told.to_ascii_lowercase();
    let known = COLOURS.iter().find(|(number, _)| *number == told);
    known.map_or("", |(_, name)| name)
}
