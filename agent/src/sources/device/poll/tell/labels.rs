//! Texts of a device as values of a label: cut to fit, and no two the same.

use proto::limits::LABEL_BYTES;

use crate::sources::host::display_text;

/// Those of one label of one device, so far.
#[derive(Debug, Default)]
pub(super) struct Labels(Vec<String>);

impl Labels {
    /// The label of the next one; `None` for a text that says nothing.
    pub(super) fn next(&mut self, text: &str) -> Option<&str> {
        let plain = display_text(text);
        if plain.is_empty() {
            return None;
        }
        let mut label = plain.clone();
        let mut number = 1;
        while self.0.contains(&label) {
            number += 1;
            let suffix = format!(" ({number})");
            label.clone_from(&plain);
            label.truncate(label.floor_char_boundary(LABEL_BYTES - suffix.len()));
            label.push_str(&suffix);
        }
        self.0.push(label);
        self.0.last().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_all_fit() {
        let mut labels = Labels::default();
        let mut next = |text: &str| labels.next(text).map(str::to_owned);
        assert_eq!(next("Black\u{7}Toner").as_deref(), Some("Black Toner"));
        assert_eq!(next("Black Toner ").as_deref(), Some("Black Toner (2)"));
        assert_eq!(next("Black Toner").as_deref(), Some("Black Toner (3)"));
        assert_eq!(next(" \0"), None);
        let long = "ệ".repeat(60);
        let cut = [next(&long), next(&long)].map(Option::unwrap_or_default);
        assert_eq!(cut[0], "ệ".repeat(42));
        assert_eq!(cut[1], format!("{} (2)", "ệ".repeat(41)));
        assert!(cut.iter().all(|label| label.len() <= LABEL_BYTES));
    }
}
