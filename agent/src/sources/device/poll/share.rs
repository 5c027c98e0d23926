//! How many series each device may have, so that all of a scout's fit into what one agent may define. Pure.
//!
//! Whoever needs little gets it; what is left is shared by those that need more.

use proto::limits::{SERIES_PER_AGENT, SERIES_PER_DEVICE};

/// Of all devices of a scout: the rest is for the machine itself and its links, which have some 700 with
/// 43 probes, and for names that change. A stream that has to define more ends, and another begins.
pub(super) const PER_SCOUT: usize = SERIES_PER_AGENT / 2;

/// The most that one may have when these are needed.
pub(super) fn fair(needs: impl Iterator<Item = usize>) -> usize {
    let mut needs: Vec<usize> = needs.map(|need| need.min(SERIES_PER_DEVICE)).collect();
    needs.sort_unstable();
    let mut left = PER_SCOUT;
    for (served, need) in needs.iter().enumerate() {
        let even = left / (needs.len() - served);
        if *need > even {
            return even;
        }
        left -= need;
    }
    SERIES_PER_DEVICE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_get_what_they_need_while_there_is_room() {
        assert_eq!(fair([].into_iter()), SERIES_PER_DEVICE);
        assert_eq!(fair([40; 30].into_iter()), SERIES_PER_DEVICE);
        assert_eq!(fair([600, 600, 50].into_iter()), SERIES_PER_DEVICE);
    }

    #[test]
    fn who_needs_most_makes_room_and_the_sum_is_kept() {
        for needs in [vec![600; 4], vec![40, 40, 9_000, 900, 700, 500], {
            let mut many = vec![30; 40];
            many.extend([600; 24]);
            many
        }] {
            let cap = fair(needs.iter().copied());
            assert!(cap < SERIES_PER_DEVICE, "{needs:?}");
            let sum: usize = needs.iter().map(|need| (*need).min(cap)).sum();
            assert!(sum <= PER_SCOUT, "{sum} of {needs:?}");
            assert!(sum > PER_SCOUT - needs.len(), "{sum} of {needs:?}");
        }
        let needs = [40, 40, 9_000, 9_000, 9_000, 500];
        assert_eq!(fair(needs.into_iter()), 480);
    }
}
