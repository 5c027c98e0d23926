//! The addresses of a service's name, and which of them to try.
//!
//! Whether a resolver is slow, dead or lying is the matter of the source `dns`; here counts what the
//! system makes of all of them.

use std::net::IpAddr;
use std::time::Duration;

use super::super::lookup::Lookups;
use super::outcome::{Outcome, Stop};

/// All addresses of a name, at least one, and how long the system took to say them.
pub(super) async fn addresses(
    lookups: &Lookups,
    name: &str,
    patience: Duration,
) -> Result<(Vec<IpAddr>, Duration), Stop> {
    let failed = |why: String| Stop::With(Outcome::DnsFailed, format!("{name}: {why}"));
    let found = lookups.look_up(name, patience).await;
    let found = found.ok_or_else(|| failed("no answer to the name in time".to_owned()))?;
    match &found.addresses {
        Ok(none) if none.is_empty() => Err(failed("the name has no address".to_owned())),
        Ok(addresses) => Ok((addresses.clone(), found.took)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// The one address to try: the one after that which was not reached last time; else the known one while
/// the name still has it; else what the system would try first.
pub(super) fn choose(
    addresses: &[IpAddr],
    known: Option<IpAddr>,
    unreached: Option<IpAddr>,
) -> Option<IpAddr> {
    let place = |wanted: IpAddr| addresses.iter().position(|address| *address == wanted);
    let place = match (unreached.and_then(place), known.and_then(place)) {
        (Some(unreached), _) => (unreached + 1) % addresses.len().max(1),
        (None, Some(known)) => known,
        (None, None) => 0,
    };
    addresses.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_addresses_one_is_tried_and_kept_until_it_is_not_reached() {
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        let hundred: Vec<IpAddr> = (0..100).map(address).collect();
        let check = |known: Option<u8>, unreached: Option<u8>, expected| {
            let chosen = choose(&hundred, known.map(address), unreached.map(address));
            assert_eq!(chosen, Some(address(expected)), "{known:?} {unreached:?}");
        };
        check(None, None, 0);
        check(Some(77), None, 77);
        check(Some(200), None, 0);
        check(Some(77), Some(77), 78);
        check(Some(77), Some(99), 0);
        check(Some(77), Some(200), 77);
        let one = [address(1)];
        assert_eq!(choose(&one, None, Some(address(1))), Some(address(1)));
        assert_eq!(choose(&[], None, None), None);
    }
}
