//! Whether names are resolved, and to the right addresses. Only where something far away answers by its
//! address: behind a dead line no resolver can work.
//!
//! A resolver that lies is `dns_down` too, in words of its own: what fails is the resolver, and another
//! one helps.

use super::way::{Point, Way};
use super::{Case, Finding, Reason, Standing};
use crate::Fault;
use crate::evidence::{Dns, DnsOutcome, ServiceOutcome};

/// How one resolver stands, before it is known whether anybody suffers.
pub(super) fn standing(way: &Way, resolver: &Dns) -> Standing {
    let own = || way.evidence.dns.iter().filter(|other| other.is_own);
    match resolver.outcome {
        DnsOutcome::Answered => Standing::Good,
        DnsOutcome::Wrong if resolver.is_own => Standing::Bad,
        // The machine asks the next one.
        _ if !resolver.is_own || own().any(|own| own.outcome == DnsOutcome::Answered) => {
            Standing::Odd
        }
        _ => Standing::Bad,
    }
}

/// Judges the resolvers this machine depends on.
pub(super) fn resolvers(way: &Way) -> Finding {
    if !way.reaches(Point::Far) {
        return Finding::NotEnough;
    }
    let (own, others): (Vec<&Dns>, Vec<&Dns>) = way
        .evidence
        .dns
        .iter()
        .partition(|resolver| resolver.is_own);
    let services = &way.evidence.services;
    let mut unresolved = services
        .iter()
        .filter(|service| service.outcome == ServiceOutcome::DnsFailed);
    let suffers = unresolved.next().is_some();
    let answers = |resolver: &&&Dns| resolver.outcome == DnsOutcome::Answered;
    let mut because: Vec<Reason> = others
        .iter()
        .find(answers)
        .map(|other| Reason::OtherResolverAnswers {
            resolver: other.resolver.clone(),
        })
        .into_iter()
        .collect();
    if own.is_empty() {
        return if suffers {
            Finding::fault(Case::NoResolver, 0.9, [(Fault::ServiceDown, 0.05)], because)
        } else {
            Finding::NotEnough
        };
    }
    let lies = |resolver: &&&Dns| resolver.outcome == DnsOutcome::Wrong;
    if let Some(liar) = own.iter().find(lies) {
        let resolver = liar.resolver.clone();
        let resolvers = own.iter().filter(lies).count();
        because.insert(0, Reason::ResolversFail { resolvers });
        let others = [(Fault::RouteBlocked, 0.08)];
        return Finding::fault(Case::DnsLies { resolver }, 0.9, others, because);
    }
    let failing = own.len() - own.iter().filter(answers).count();
    let confidence = match (failing, suffers) {
        (0, _) => return Finding::Well,
        (failing, _) if failing == own.len() => 0.92,
        (_, true) => 0.7,
        // The machine asks the next one.
        (_, false) => return Finding::Well,
    };
    because.insert(0, Reason::ResolversFail { resolvers: failing });
    let others = [(Fault::DnsIspDown, 0.05)];
    Finding::fault(Case::DnsSilent, confidence, others, because)
}
