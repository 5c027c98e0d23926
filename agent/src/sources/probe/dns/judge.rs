//! Whether a resolver can be believed: what it says of several names at once, against what is known of
//! them.
//!
//! Three signs of a lie, each of which is enough: an address for a name that nobody has; an address for a
//! public name that leads nowhere or to this machine's own gateway, as captive portals answer; and a
//! private address for a name for which another resolver of the same network has public ones. Anything
//! else is believed: which address is the right one is nothing an outsider can know. Where a network has
//! inner addresses for public names, name it in the plan: resolvers of different networks are not
//! compared.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;

use super::super::super::Unmeasurable;
use super::{Asked, Expected, Name, Outcome, ask};
use crate::os::Address;

/// What one resolver amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// [`Outcome::Wrong`] after one lie; else the best it can do with the names that should have an
    /// address: those it knows no answer for may have no better one.
    pub(crate) outcome: Outcome,
    /// The slowest of such answers for those names.
    pub(crate) took: Option<Duration>,
    /// What it said, in the order of the names.
    pub(crate) told: Vec<Told>,
}

/// What a resolver said of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: Name,
    pub(crate) asked: Asked,
    /// `answered` also where the answer is rightly that there is no such name.
    pub(crate) outcome: Outcome,
}

/// Asks one resolver for all these names at once, and judges what it says.
///
/// # Errors
/// When the interface cannot be chosen.
pub(crate) async fn judge(
    resolver: &Address,
    interface: Option<&str>,
    names: &[Name],
    gateways: &[IpAddr],
    limit: Duration,
) -> Result<Judged, Unmeasurable> {
    let told = names.iter().map(|name| async move {
        let asked = ask(resolver, interface, &name.host, limit).await?;
        Ok(Told::new(name.clone(), asked, gateways))
    });
    let told: Result<_, _> = join_all(told).await.into_iter().collect();
    Ok(Judged::of(told?))
}

/// Compares what resolvers of one network said of the same names, asked at about the same time.
pub(crate) fn compare<'a>(judged: impl IntoIterator<Item = &'a mut Judged>) {
    let mut judged: Vec<&mut Judged> = judged.into_iter().collect();
    let told = judged.iter().flat_map(|one| &one.told);
    let public: Vec<Name> = told
        .filter(|told| told.are_all(|address| !is_private(address)))
        .map(|told| told.name.clone())
        .collect();
    for one in &mut judged {
        for told in &mut one.told {
            if told.are_all(is_private) && public.contains(&told.name) {
                told.outcome = Outcome::Wrong;
                one.outcome = Outcome::Wrong;
            }
        }
    }
}

impl Told {
    pub(super) fn new(name: Name, asked: Asked, gateways: &[IpAddr]) -> Self {
        let is_lie = |address: &IpAddr| leads_nowhere(*address) || gateways.contains(address);
        let outcome = match (name.expected, asked.outcome) {
            (Expected::Nothing, Outcome::Answered) => Outcome::Wrong,
            (Expected::Nothing, Outcome::NxDomain) => Outcome::Answered,
            (Expected::Public, Outcome::Answered) if asked.addresses.iter().any(is_lie) => {
                Outcome::Wrong
            }
            (_, outcome) => outcome,
        };
        Self {
            name,
            asked,
            outcome,
        }
    }

    /// Whether these are believed addresses of a public name, and all of this kind.
    fn are_all(&self, kind: impl Fn(IpAddr) -> bool) -> bool {
        self.name.expected == Expected::Public
            && self.outcome == Outcome::Answered
            && self.asked.addresses.iter().copied().all(kind)
    }
}

impl Judged {
    pub(super) fn of(told: Vec<Told>) -> Self {
        // What it says of a name that nobody has shows a liar. That it works it shows only where there is
        // nothing else to ask for: many resolvers know that answer by themselves.
        let has_names = told
            .iter()
            .any(|told| told.name.expected != Expected::Nothing);
        let counts = |told: &&Told| !has_names || told.name.expected != Expected::Nothing;
        let counting = || told.iter().filter(counts);
        let lie = told.iter().find(|told| told.outcome == Outcome::Wrong);
        let best = counting().map(|told| told.outcome).min();
        Self {
            outcome: match lie {
                Some(_) => Outcome::Wrong,
                None => best.unwrap_or(Outcome::Timeout),
            },
            took: counting()
                .filter(|told| Some(told.outcome) == best)
                .filter_map(|told| told.asked.took)
                .max(),
            told,
        }
    }

    /// Whether another name may well be answered: this may be the names' own trouble.
    pub(super) fn may_be_of_the_names(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::NxDomain | Outcome::ServFail | Outcome::Timeout
        )
    }

    /// With what was said of other names.
    pub(super) fn and(self, mut others: Self) -> Self {
        let mut told = self.told;
        told.append(&mut others.told);
        Self::of(told)
    }

    /// What it said that cannot be true: a name and the first address for it.
    pub(crate) fn lie(&self) -> Option<(&str, IpAddr)> {
        let mut lies = self
            .told
            .iter()
            .filter(|told| told.outcome == Outcome::Wrong);
        let told = lies.next()?;
        Some((&told.name.host, *told.asked.addresses.first()?))
    }
}

/// An address under which nothing on the Internet can be reached.
fn leads_nowhere(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let is_this_network = v4.octets().first() == Some(&0);
            is_this_network
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
        }
    }
}

/// An address of somebody's own network (RFC 1918, RFC 4193), or of a provider's (RFC 6598).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    fn asked(outcome: Outcome, texts: &[&str]) -> Asked {
        let took = !matches!(outcome, Outcome::Timeout | Outcome::Unreachable);
        Asked {
            outcome,
            addresses: addresses(texts),
            took: took.then_some(Duration::from_millis(20)),
            over_tcp: false,
        }
    }

    fn told(host: &str, expected: Expected, asked: Asked) -> Told {
        let name = Name {
            host: host.to_owned(),
            expected,
        };
        Told::new(name, asked, &addresses(&["192.168.1.1", "fe80::1"]))
    }

    fn portal(texts: &[&str]) -> Told {
        let outcome = if texts.is_empty() {
            Outcome::NxDomain
        } else {
            Outcome::Answered
        };
        told("portal.vn", Expected::Public, asked(outcome, texts))
    }

    fn canary(outcome: Outcome, texts: &[&str]) -> Told {
        told("x.invalid.", Expected::Nothing, asked(outcome, texts))
    }

    #[test]
    fn an_address_that_leads_nowhere_or_to_the_gateway_is_a_lie() {
        for address in [
            "0.0.0.0",
            "0.0.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.1.1",
            "224.0.0.251",
            "255.255.255.255",
            "192.168.1.1",
            "::",
            "::1",
            "fe80::2",
            "ff02::1",
            "::ffff:127.0.0.1",
        ] {
            let told = portal(&["203.0.113.1", address]);
            assert_eq!(told.outcome, Outcome::Wrong, "{address}");
        }
        for address in [
            "203.0.113.1",
            "10.1.2.3",
            "192.168.1.2",
            "2400::1",
            "fd00::1",
        ] {
            assert_eq!(portal(&[address]).outcome, Outcome::Answered, "{address}");
        }
    }

    #[test]
    fn of_a_name_of_the_places_own_everything_is_believed() {
        let gateway = asked(Outcome::Answered, &["192.168.1.1"]);
        let told = told("router.lan", Expected::Anything, gateway);
        assert_eq!(told.outcome, Outcome::Answered);
    }

    #[test]
    fn a_name_that_nobody_has_shows_a_liar() {
        let honest = canary(Outcome::NxDomain, &[]);
        assert_eq!(honest.outcome, Outcome::Answered);
        let judged = Judged::of(vec![
            portal(&["203.0.113.1"]),
            canary(Outcome::Answered, &["203.0.113.66"]),
        ]);
        assert_eq!(judged.outcome, Outcome::Wrong);
        let address = IpAddr::from([203, 0, 113, 66]);
        assert_eq!(judged.lie(), Some(("x.invalid.", address)));
    }

    fn check(told: Vec<Told>, expected: Outcome) {
        let judged = Judged::of(told);
        assert_eq!(judged.outcome, expected, "{judged:?}");
        assert_eq!(judged.lie(), None);
    }

    #[test]
    fn a_resolver_that_knows_some_name_works() {
        let silent = || {
            let asked = asked(Outcome::Timeout, &[]);
            told("other.vn", Expected::Public, asked)
        };
        let nobody = || canary(Outcome::NxDomain, &[]);
        check(vec![portal(&["203.0.113.1"]), silent()], Outcome::Answered);
        check(vec![portal(&[]), nobody()], Outcome::NxDomain);
        check(vec![silent(), portal(&[])], Outcome::NxDomain);
        // Many answer for `invalid` by themselves, also when the line is dead.
        check(vec![silent(), nobody()], Outcome::Timeout);
        check(vec![nobody()], Outcome::Answered);
        check(vec![canary(Outcome::ServFail, &[])], Outcome::ServFail);
        let canary = canary(Outcome::Timeout, &[]);
        check(vec![portal(&["203.0.113.1"]), canary], Outcome::Answered);
    }

    #[test]
    fn only_answers_that_came_count_for_how_long_they_took() {
        let slow = Asked {
            took: Some(Duration::from_secs(1)),
            ..asked(Outcome::NxDomain, &[])
        };
        let slow_canary = told("x.invalid.", Expected::Nothing, slow);
        let quick = Judged::of(vec![portal(&["203.0.113.1"]), slow_canary.clone()]);
        assert_eq!(quick.took, Some(Duration::from_millis(20)));
        let alone = Judged::of(vec![slow_canary]);
        assert_eq!(alone.took, Some(Duration::from_secs(1)));
        let dead = canary(Outcome::Timeout, &[]);
        assert_eq!(Judged::of(vec![dead]).took, None);
    }

    #[test]
    fn a_dead_name_is_not_a_dead_resolver() {
        let slow = Asked {
            took: Some(Duration::from_secs(4)),
            ..asked(Outcome::ServFail, &[])
        };
        let dead = Judged::of(vec![told("dead.vn", Expected::Public, slow)]);
        assert!(dead.may_be_of_the_names());
        let all = dead.and(Judged::of(vec![portal(&["203.0.113.1"])]));
        assert!(!all.may_be_of_the_names());
        assert_eq!(all.outcome, Outcome::Answered);
        assert_eq!(all.took, Some(Duration::from_millis(20)), "of the answer");
        assert_eq!(all.told.len(), 2);
        for clear in [Outcome::Refused, Outcome::Unreachable] {
            let told = told("a.vn", Expected::Public, asked(clear, &[]));
            assert!(!Judged::of(vec![told]).may_be_of_the_names(), "{clear:?}");
        }
    }

    fn compared(answers: &[&[&str]]) -> Vec<Outcome> {
        let of = |texts: &&[&str]| Judged::of(vec![portal(texts)]);
        let mut judged: Vec<_> = answers.iter().map(of).collect();
        compare(&mut judged);
        judged.into_iter().map(|one| one.outcome).collect()
    }

    #[test]
    fn of_two_resolvers_the_one_with_private_addresses_lies() {
        use Outcome::{Answered, NxDomain, Wrong};
        let public: &[&str] = &["203.0.113.1"];
        for private in ["10.0.0.1", "192.168.7.7", "100.64.0.1", "fd00::1"] {
            assert_eq!(compared(&[&[private], public]), [Wrong, Answered]);
        }
        assert_eq!(compared(&[public, &["198.51.100.1"]]), [Answered, Answered]);
        assert_eq!(compared(&[&["10.0.0.1"], &["10.0.0.2"]]), [Answered; 2]);
        assert_eq!(compared(&[&["10.0.0.1"], &[]]), [Answered, NxDomain]);
        assert_eq!(compared(&[&["10.0.0.1"], &["0.0.0.0"]]), [Answered, Wrong]);
        assert_eq!(
            compared(&[&["10.0.0.1", "203.0.113.9"], public]),
            [Answered; 2]
        );
    }
}
