//! What something was since it is asked, as values: 1 for what it is, 0 for each that it was before.
//!
//! What never was has no value, so that a healthy device is few series.

/// The words that were, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct States(Vec<&'static str>);

impl States {
    /// It is these now: what is to be told.
    pub(super) fn with<'s>(
        &'s mut self,
        present: &'s [&'static str],
    ) -> impl Iterator<Item = (&'static str, f64)> + 's {
        for word in present {
            if !self.0.contains(word) {
                self.0.push(word);
            }
        }
        let value = move |word| f64::from(u8::from(present.contains(word)));
        self.0.iter().map(move |word| (*word, value(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_is_0_and_what_never_was_is_nothing() {
        let mut states = States::default();
        let mut told = |present| states.with(present).collect::<Vec<_>>();
        assert_eq!(told(&[]), []);
        assert_eq!(told(&["jam", "offline"]), [("jam", 1.0), ("offline", 1.0)]);
        assert_eq!(told(&["offline"]), [("jam", 0.0), ("offline", 1.0)]);
        assert_eq!(
            told(&["door"]),
            [("jam", 0.0), ("offline", 0.0), ("door", 1.0)]
        );
    }
}
