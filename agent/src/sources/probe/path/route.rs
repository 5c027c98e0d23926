//! What is remembered of a way, and when it counts as another one. Pure.
//!
//! A way is another one when two traces in a row agree with each other and not with what was known: at
//! some distance another router answers than before. Silence changes nothing, and a load balancer that
//! sends one trace elsewhere does not either.

use std::net::IpAddr;

use super::trace::{Seen, Traced};

/// The way to one target.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Who answered last at each distance.
    known: Vec<Option<IpAddr>>,
    /// Of the trace before, when that did not agree.
    doubt: Option<Vec<Option<IpAddr>>>,
    /// The last trace that did agree, or that was confirmed.
    traced: Traced,
    changes: u64,
}

impl Route {
    /// Takes in a trace.
    pub(super) fn learn(&mut self, traced: Traced) {
        let addresses: Vec<_> = traced.hops.iter().map(|hop| hop.map(address)).collect();
        let agrees = |other: &Vec<Option<IpAddr>>| agree(other, &addresses);
        if agrees(&self.known) {
            self.doubt = None;
            if self.known.len() < addresses.len() {
                self.known.resize(addresses.len(), None);
            }
            for (known, new) in self.known.iter_mut().zip(addresses) {
                *known = new.or(*known);
            }
        } else if self.doubt.as_ref().is_some_and(agrees) {
            self.doubt = None;
            self.known = addresses;
            self.changes += 1;
        } else {
            self.doubt = Some(addresses);
            return;
        }
        self.traced = traced;
    }

    /// The way as it counts now.
    pub(super) fn traced(&self) -> &Traced {
        &self.traced
    }

    /// Whether the last trace has to be confirmed by another.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// How often the way was another one.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }
}

fn address(seen: Seen) -> IpAddr {
    seen.address
}

/// Whether no distance has two different addresses.
fn agree(one: &[Option<IpAddr>], other: &[Option<IpAddr>]) -> bool {
    let mut pairs = one.iter().zip(other);
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
    fn silence_changes_nothing_and_forgets_nothing() {
        check("1.2.9 1.-.9 1.2.9", 0, "1.2.9", false);
        check("1.2.9 1", 0, "1", false);
        check("1.2.9 1.-.9 1.3.9", 0, "1.-.9", true);
        check("1.2.9 1 1.3.9 1.3.9", 1, "1.3.9", false);
        check("-.2.9 1.2.9", 0, "1.2.9", false);
    }
}
