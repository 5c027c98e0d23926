//! Places for connections: so many in all, and so many for one address, so that one cannot take all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places for one address. Generous: a whole province may be behind one.
pub(super) const PER_ADDRESS: usize = 4096;

/// Which places are taken.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// No entry is 0, so that there are never more than places.
    by_network: HashMap<IpAddr, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    network: IpAddr,
    places: Arc<Places>,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// A place for a caller from this address, if there is one.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let network = network(address);
        let mut taken = self.lock();
        let of_network = taken.by_network.get(&network).copied().unwrap_or(0);
        // On this machine are its owner's programs: a proxy, a simulated province.
        let enough = of_network >= PER_ADDRESS && !network.is_loopback();
        if taken.all >= self.most || enough {
            return None;
        }
        taken.all += 1;
        taken.by_network.insert(network, of_network + 1);
        Some(Place {
            network,
            places: Arc::clone(self),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Entry::Occupied(mut of_network) = taken.by_network.entry(self.network) {
            *of_network.get_mut() -= 1;
            if *of_network.get() == 0 {
                of_network.remove();
            }
        }
    }
}

/// Who is one and the same for a bound: whoever has one address of IPv6 has the 2^64 beside it too.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn no_more_than_there_are() {
        let places = Places::new(2);
        let first = places.take(address("192.0.2.1"));
        let second = places.take(address("192.0.2.2"));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(address("192.0.2.3")).is_none());
        drop(first);
        assert!(places.take(address("192.0.2.3")).is_some());
    }

    #[test]
    fn one_address_leaves_places_for_others() {
        let places = Places::new(80_000);
        let greedy = address("2001:db8::1");
        let mut taken: Vec<_> = (0..PER_ADDRESS)
            .map(|_| places.take(greedy).expect("free"))
            .collect();
        assert!(places.take(greedy).is_none());
        assert!(places.take(address("2001:db8::2")).is_none(), "beside it");
        assert!(places.take(address("2001:db8:0:1::1")).is_some());
        assert!(places.take(address("192.0.2.1")).is_some());
        taken.pop();
        assert!(places.take(greedy).is_some());
    }

    #[test]
    fn an_address_is_the_same_in_both_spellings() {
        let (plain, mapped) = (address("192.0.2.1"), address("::ffff:192.0.2.1"));
        assert_eq!(network(plain), network(mapped));
    }

    #[test]
    fn this_machine_may_have_all() {
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let places = Places::new(PER_ADDRESS + 1);
            let taken: Vec<_> = (0..PER_ADDRESS + 2)
                .map_while(|_| places.take(address(here)))
                .collect();
            assert_eq!(taken.len(), PER_ADDRESS + 1, "{here}");
        }
    }

    #[test]
    fn nobody_is_remembered_for_ever() {
        let places = Places::new(10);
        for last in 0..=255 {
            drop(places.take(IpAddr::from([192, 0, 2, last])));
        }
        let taken = places.lock();
        assert_eq!((taken.all, taken.by_network.len()), (0, 0));
    }
}
