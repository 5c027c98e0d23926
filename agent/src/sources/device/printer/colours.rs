//! The colour of a supply: as the printer tells it, or recognised in what it calls the supply.
//!
//! One word of the label `colour`; empty where there is none, or more than one. Two kinds of black are
//! both black: their names tell them apart. Deliberately absent: colours from the order of supplies, which
//! differs between vendors.

/// Words and signs within a name, in the languages that printers of our centres speak.
const NAMES: [(&str, &[&str]); 10] = [
    ("black", &["black", "đen", "黑", "ブラック"]),
    ("cyan", &["cyan", "xanh lơ", "lục lam", "青", "シアン"]),
    (
        "magenta",
        &[
            "magenta",
            "hồng sẫm",
            "đỏ tươi",
            "cánh sen",
            "品红",
            "洋红",
            "品紅",
            "マゼンタ",
        ],
    ),
    ("yellow", &["yellow", "vàng", "黄", "黃", "イエロー"]),
    ("grey", &["gray", "grey", "xám", "灰"]),
    ("white", &["white", "trắng", "白"]),
    ("red", &["red"]),
    ("green", &["green"]),
    ("blue", &["blue"]),
    ("orange", &["orange"]),
];

/// Short codes, as a word of their own.
const CODES: [(&str, &[&str]); 4] = [
    ("black", &["bk", "blk", "k"]),
    ("cyan", &["cy", "c"]),
    ("magenta", &["mg", "m"]),
    ("yellow", &["yl", "y"]),
];

/// What `prtMarkerColorantValue` says; a printer may use words of its own.
pub(crate) fn of_colorant(value: &str) -> &'static str {
    named(value).unwrap_or_else(|| code(value).unwrap_or(""))
}

/// The colour in a description: `Black Toner`, `Mực đen`, `Toner (C)`.
pub(crate) fn in_description(text: &str) -> &'static str {
    named(text).unwrap_or_else(|| {
        // A letter in the midst of a name, or before a hyphen, is part of a model: `C-EXV 54`.
        let is_sign = |c: char| !c.is_alphanumeric();
        let first = text.split_whitespace().next();
        let last = text.trim_end_matches(is_sign).rsplit(is_sign).next();
        let mut ends = first.into_iter().chain(last);
        ends.find_map(code).unwrap_or("")
    })
}

/// By name; the empty one when there are several. `None` for none.
fn named(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let is_in = |name: &&str| {
        if name.is_ascii() {
            has_word(&text, name)
        } else {
            text.contains(*name)
        }
    };
    let mut found = NAMES.iter().filter(|(_, names)| names.iter().any(is_in));
    let (colour, _) = found.next()?;
    Some(found.next().map_or(*colour, |_| ""))
}

/// Whether the name is there, not as a part of a longer word: `red` is not in `remanufactured`.
fn has_word(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let after = rest.strip_prefix(name).unwrap_or_default();
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        !is_letter(before.chars().next_back()) && !is_letter(after.chars().next())
    })
}

/// By a short code.
fn code(word: &str) -> Option<&'static str> {
    let mut codes = CODES.iter();
    let (colour, _) =
        codes.find(|(_, codes)| codes.iter().any(|code| word.eq_ignore_ascii_case(code)))?;
    Some(colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(in_description(text), expected, "{text}");
    }

    #[test]
    fn a_name_is_recognised_in_any_of_the_languages() {
        check("Black Cartridge HP CF217A", "black");
        check("Toner (Cyan)", "cyan");
        check("MAGENTA toner", "magenta");
        check("Yellow Photoconductive Drum", "yellow");
        check("CANON Matte Black Ink Tank", "black");
        check("Mực đen", "black");
        check("Hộp mực vàng", "yellow");
        check("黑色碳粉", "black");
        check("青色トナー", "cyan");
        check("シアントナー", "cyan");
        check("BlackToner", "");
    }

    #[test]
    fn a_short_code_counts_at_either_end() {
        check("Toner K", "black");
        check("BK Toner", "black");
        check("Toner (C)", "cyan");
        check("C-EXV 54 Toner", "");
        check("Drum 100K", "");
        check("Fuser type M unit", "");
        check("CF217A", "");
    }

    #[test]
    fn none_or_several_are_no_colour() {
        check("Waste Toner Box", "");
        check("Cyan/Magenta/Yellow", "");
        check("Remanufactured drum", "");
        check("", "");
    }

    #[test]
    fn a_colorant_is_a_word_or_nothing() {
        assert_eq!(of_colorant("black"), "black");
        assert_eq!(of_colorant("Photo Black"), "black");
        assert_eq!(of_colorant("K"), "black");
        assert_eq!(of_colorant("none"), "");
        assert_eq!(of_colorant("other"), "");
    }
}
