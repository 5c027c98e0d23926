//! Which provinces to simulate, as people write it: `7`, `1-5`, `1-3,9`.

use std::str::FromStr;

/// So many provinces at most: each takes minutes.
const MOST: usize = 1_000;

/// Seeds in the order they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

impl FromStr for Seeds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write numbers such as 7, 1-5 or 1-3,9";
        let mut seeds = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong);
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err("the smaller number comes first");
            }
            let room = MOST.saturating_sub(seeds.len());
            if last - first >= u64::try_from(room).unwrap_or(u64::MAX) {
                return Err("a thousand seeds are the most");
            }
            seeds.extend(first..=last);
        }
        Ok(Self(seeds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_and_mistakes_told() {
        let read = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0);
        assert_eq!(read("7"), Ok(vec![7]));
        assert_eq!(read("1-3, 9"), Ok(vec![1, 2, 3, 9]));
        assert_eq!(read("5-1"), Err("the smaller number comes first"));
        assert_eq!(read("1-1001"), Err("a thousand seeds are the most"));
        for text in ["", "-", "a", "1-", "1,,2", "-1"] {
            assert_eq!(read(text), Err("write numbers such as 7, 1-5 or 1-3,9"));
        }
    }
}
