//! What is remembered of a way, and when it counts as another one. Pure.
//!
//! A way is another one when two traces in a row agree with each other and not with what was known: at
//! some distance another router answers than before. Silence does not make another way, and a load
//! balancer that sends one trace elsewhere does not either.
//!
//! Routers answer few traces, and other people's too: one that was silent once is still there, and shown
//! as it was last seen. Silent for [`SILENT`] traces in a row, it is passed over until it answers again.

use std::net::IpAddr;

use super::trace::{Seen, Traced};

/// Traces.
const SILENT: u32 = 3;

/// The way to one target.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// At each distance.
    known: Vec<Known>,
    /// Of the trace before, when that did not agree.
    doubt: Option<Vec<Option<Seen>>>,
    /// The last trace that did agree, or that was confirmed; with routers that were not silent for long.
    traced: Traced,
    changes: u64,
}

/// Who answered last.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    seen: Option<Seen>,
    /// Traces that have gone by since, and farther.
    silent: u32,
}

impl Route {
    /// Takes in a trace.
    pub(super) fn learn(&mut self, traced: Traced) {
        let known: Vec<_> = self.known.iter().map(|known| known.seen).collect();
        if !agree(&known, &traced.hops) {
            let is_confirmed = matches!(&self.doubt, Some(doubt) if agree(doubt, &traced.hops));
            if !is_confirmed {
                self.doubt = Some(traced.hops);
                return;
            }
            self.known.clear();
            self.changes += 1;
        }
        self.doubt = None;
        self.remember(traced);
    }

    fn remember(&mut self, traced: Traced) {
        let hops = traced.hops.len();
        self.known
            .resize_with(self.known.len().max(hops), Known::default);
        for (known, seen) in self.known.iter_mut().zip(traced.hops) {
            *known = match seen {
                Some(_) => Known { seen, silent: 0 },
                None => Known {
                    silent: known.silent.saturating_add(1),
                    ..*known
                },
            };
        }
        let shown = self.known.iter().take(hops);
        self.traced = Traced {
            hops: shown
                .map(|known| known.seen.filter(|_| known.silent < SILENT))
                .collect(),
            end: traced.end,
        };
    }

    /// The way as it counts now.
    pub(super) fn traced(&self) -> &Traced {
        &self.traced
    }

    /// Whether the last trace has to be confirmed by another.
    pub(super) fn is_in_doubt(&self) -> bool {
        let hops = self.known.iter().take(self.traced.hops.len());
        let mut silent = hops.filter(|known| known.seen.is_some());
        self.doubt.is_some() || silent.any(|known| (1..SILENT).contains(&known.silent))
    }

    /// How often the way was another one.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }
}

/// Whether no distance has two different addresses.
fn agree(one: &[Option<Seen>], other: &[Option<Seen>]) -> bool {
    let address = |seen: &Option<Seen>| -> Option<IpAddr> { seen.map(|seen| seen.address) };
    let mut pairs = one.iter().map(address).zip(other.iter().map(address));
    pairs.all(|pair| !matches!(pair, (Some(one), Some(other)) if one != other))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::super::super::packets::Carrier;
    use super::*;

    /// `1.2.-.9` is a way over four hops, the third of which is silent.
    fn way(text: &str) -> Traced {
        let hop = |word: &str| {
            Some(Seen {
                address: Ipv4Addr::new(192, 0, 2, word.parse().ok()?).into(),
                rtt: Duration::from_millis(1),
                carrier: Carrier::Echo,
            })
        };
        Traced {
            hops: text.split('.').map(hop).collect(),
            ..Traced::default()
        }
    }

    fn check(traces: &str, changes: u64, shown: &str, is_in_doubt: bool) {
        let mut route = Route::default();
        for trace in traces.split(' ') {
            route.learn(way(trace));
        }
        assert_eq!(route.changes(), changes, "{traces}");
        assert_eq!(*route.traced(), way(shown), "{traces}");
        assert_eq!(route.is_in_doubt(), is_in_doubt, "{traces}");
    }

    #[test]
    fn two_traces_in_a_row_make_another_way() {
        check("1.2.9", 0, "1.2.9", false);
        check("1.2.9 1.2.9", 0, "1.2.9", false);
        check("1.2.9 1.3.9", 0, "1.2.9", true);
        check("1.2.9 1.3.9 1.3.9", 1, "1.3.9", false);
        check("1.2.9 1.3.9 1.3.9 1.2.9 1.2.9", 2, "1.2.9", false);
        check("1.2.9 1.2.4.9 1.2.4.9", 1, "1.2.4.9", false);
    }

    #[test]
    fn load_balancing_does_not_flap() {
        check("1.2.9 1.3.9 1.2.9 1.3.9 1.2.9", 0, "1.2.9", false);
        check("1.2.9 1.3.9 1.4.9 1.5.9", 0, "1.2.9", true);
    }

    #[test]
    fn silence_is_no_other_way_and_forgets_nothing() {
        check("1.2.9 1.-.9 1.2.9", 0, "1.2.9", false);
        check("1.2.9 1", 0, "1", false);
        check("1.2.9 1.-.9 1.3.9", 0, "1.2.9", true);
        check("1.2.9 1.-.9 1.-.9 1.-.9 1.3.9 1.3.9", 1, "1.3.9", false);
        check("1.2.9 1 1.3.9 1.3.9", 1, "1.3.9", false);
        check("-.2.9 1.2.9", 0, "1.2.9", false);
    }

    #[test]
    fn a_router_is_passed_over_when_it_stays_silent() {
        check("1.2.9 1.-.9", 0, "1.2.9", true);
        check("1.2.9 1.-.9 1.-.9", 0, "1.2.9", true);
        check("1.2.9 1.-.9 1.-.9 1.-.9", 0, "1.-.9", false);
        check("1.2.9 1.-.9 1.-.9 1.2.9 1.-.9", 0, "1.2.9", true);
        check("1.2.9 1.-.9 1.-.9 1.-.9 1.2.9", 0, "1.2.9", false);
        check("1.2.9 1.-.9 1 1", 0, "1", false);
        check("1.-.9 1.-.9", 0, "1.-.9", false);
    }
}
