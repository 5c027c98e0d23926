//! What must hold whatever the evidence: order does not matter, and good news that has nothing to do with
//! a fault does not move it elsewhere.

use proptest::prelude::*;

use super::broken::{BROKEN, of};
use super::centre::{link, resolver};
use super::judge;
use crate::evidence::{Evidence, Link, Mtu, Place};

/// Good news, and the faults it has nothing to do with: all of them, but that a switch which is off has no
/// neighbours that answer, and a PC without evidence has none.
fn good_news() -> impl Strategy<Value = fn(&mut Evidence)> {
    let news: [fn(&mut Evidence); 4] = [
        |evidence| {
            if !evidence.links.iter().any(|link| link.place == Place::Lan) {
                evidence.links.push(link(Place::Lan, "printer", 2));
            }
        },
        |evidence| {
            let mut resolver = resolver("9.9.9.9", false);
            resolver.is_beyond = false;
            evidence.dns.push(resolver);
        },
        |evidence| {
            evidence.mtu.extend(evidence.mtu.first().cloned());
            if let Some(mtu) = evidence.mtu.last_mut() {
                *mtu = Mtu {
                    target: "two".into(),
                    ok: true,
                    network: None,
                };
            }
        },
        |evidence| {
            let answering = |link: &&Link| link.received == link.sent;
            evidence
                .links
                .extend(evidence.links.iter().find(answering).cloned());
        },
    ];
    prop::sample::select(news.to_vec())
}

fn turned<T>(list: &mut [T], turn: usize) {
    if !list.is_empty() {
        list.rotate_left(turn % list.len());
    }
    if turn % 2 == 1 {
        list.reverse();
    }
}

proptest! {
    #[test]
    fn irrelevant_good_news_moves_no_verdict(
        broken in prop::sample::select(BROKEN),
        news in prop::collection::vec(good_news(), 0..5),
    ) {
        let before = judge(&of(&broken));
        let mut evidence = of(&broken);
        for tell in news {
            tell(&mut evidence);
        }
        let after = judge(&evidence);
        prop_assert_eq!(after.segment, before.segment, "{}", broken.0);
        prop_assert_eq!(after.fault, before.fault, "{}", broken.0);
    }

    #[test]
    fn the_order_of_measuring_does_not_matter(
        broken in prop::sample::select(BROKEN),
        turn in 0..6_usize,
    ) {
        let before = judge(&of(&broken));
        let mut evidence = of(&broken);
        turned(&mut evidence.links, turn);
        turned(&mut evidence.dns, turn);
        let after = judge(&evidence);
        prop_assert_eq!((after.segment, after.fault), (before.segment, before.fault), "{}", broken.0);
    }
}
