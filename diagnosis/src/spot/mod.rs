//! One machine's evidence, judged on the spot: the first thing that fails from the machine outwards.
//!
//! Rules go outwards in the order of [`RULES`]; a fault further out only counts when everything nearer is
//! proven good or explains less. What one machine cannot tell is not said: whether its whole area is out,
//! whether a line gets worse over days, whether a silent centre has electricity.
//!
//! Confidence is modest: 0.9 and above is certain, 0.6 to 0.9 likely; below that the verdict is
//! [`Fault::Unknown`] and names the two best. The numbers are a judgement of how often a rule's evidence
//! has another cause, not yet measured against a record of verdicts.

mod case;
mod delay;
mod device;
mod dns;
mod loss;
mod lossy;
mod network;
mod route;
mod service;
mod silence;
mod standing;
mod way;

pub(crate) use case::{Case, Reason, Weakness};
pub use standing::Standing;

use self::way::{Point, Way};
use crate::evidence::{Evidence, ServiceOutcome};
use crate::sentence::{self, Words};
use crate::{Fault, Segment};

/// Below this a verdict names two causes.
const LIKELY: f64 = 0.6;

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Where; of an [`Fault::Unknown`] that of the likelier cause. `None` when nothing is wrong.
    pub segment: Option<Segment>,
    /// What; `None` when nothing is wrong.
    pub fault: Option<Fault>,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// What else it may be, the likeliest first.
    pub alternatives: Vec<Alternative>,
    /// For people.
    pub sentence: Words,
    /// What to do, and who does it.
    pub action: Words,
    /// Why, the strongest first.
    pub because: Vec<Words>,
}

/// What else it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alternative {
    /// Where.
    pub segment: Option<Segment>,
    /// What.
    pub fault: Fault,
    /// How likely that is, 0 to 1.
    pub p: f64,
}

/// What a rule says.
enum Finding {
    /// This is not it.
    Well,
    /// Too little was measured to say.
    NotEnough,
    /// This is it.
    Fault(Suspicion),
}

/// What a rule suspects.
struct Suspicion {
    case: Case,
    confidence: f64,
    others: Vec<(Fault, f64)>,
    because: Vec<Reason>,
}

impl Finding {
    fn fault<const OTHERS: usize>(
        case: Case,
        confidence: f64,
        others: [(Fault, f64); OTHERS],
        because: Vec<Reason>,
    ) -> Self {
        Self::Fault(Suspicion {
            case,
            confidence,
            others: others.to_vec(),
            because,
        })
    }
}

/// Every rule, from the machine outwards.
const RULES: [fn(&Way) -> Finding; 14] = [
    device::link,
    device::clock,
    device::load,
    silence::address,
    silence::gateway,
    // Before the line: who shows a login page lets nothing else through.
    route::captive,
    silence::line,
    silence::isp,
    lossy::way,
    delay::way,
    route::large_packets,
    dns::resolvers,
    service::services,
    silence::collector,
];

/// Judges what one machine saw: first the way that everything takes, then those of networks of their own,
/// each by itself.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let found = judge_one(&network::part(evidence, None));
    let is_fault = |found: &Suspicion| !matches!(found.case, Case::Well { .. } | Case::TooLittle);
    if is_fault(&found) {
        return verdict(found);
    }
    let networks = network::names(evidence).into_iter();
    let mut others = networks.map(|name| (name, network::part(evidence, Some(name))));
    let failing = others.find_map(|(name, part)| {
        let found = judge_one(&part);
        let suffers = network::suffers(&part);
        let is_it = is_fault(&found) || (suffers && found.case == Case::TooLittle);
        is_it.then_some((name, found))
    });
    match failing {
        Some((name, found)) => verdict(found).of_network(name),
        None => verdict(found),
    }
}

/// Judges one way.
fn judge_one(evidence: &Evidence) -> Suspicion {
    let way = Way { evidence };
    let mut findings = RULES.iter().map(|rule| rule(&way));
    let found = findings.find_map(|finding| match finding {
        Finding::Fault(suspicion) => Some(suspicion),
        Finding::Well | Finding::NotEnough => None,
    });
    found.map_or_else(|| nothing_found(&way), unsure_below_likely)
}

/// No rule found a fault: that is good news only where something got through.
fn nothing_found(way: &Way) -> Suspicion {
    let services = &way.evidence.services;
    let answered = services
        .iter()
        .filter(|service| service.outcome == ServiceOutcome::Answered);
    let answered = answered.count();
    let well = || Case::Well {
        but: standing::weaknesses(way),
    };
    let all_answered = answered > 0 && answered == services.len();
    let (case, confidence) = if all_answered && way.is_judged() {
        (well(), 0.95)
    } else if way.reaches(Point::Far) {
        (well(), 0.7)
    } else {
        (Case::TooLittle, 0.0)
    };
    let because = match answered {
        0 => Vec::new(),
        services => vec![Reason::OthersWork { services }],
    };
    Suspicion {
        case,
        confidence,
        others: Vec::new(),
        because,
    }
}

fn unsure_below_likely(mut suspicion: Suspicion) -> Suspicion {
    if suspicion.confidence >= LIKELY {
        return suspicion;
    }
    let (Some(fault), Some((other, _))) = (suspicion.case.fault(), suspicion.others.first()) else {
        return suspicion;
    };
    let other = *other;
    suspicion.others.insert(0, (fault, suspicion.confidence));
    suspicion.case = Case::Unsure {
        likelier: Box::new(suspicion.case),
        other,
    };
    suspicion
}

impl Verdict {
    fn of_network(mut self, name: &str) -> Self {
        self.sentence = sentence::of_network(name, &self.sentence);
        self
    }
}

fn verdict(suspicion: Suspicion) -> Verdict {
    let Suspicion {
        case,
        confidence,
        others,
        because,
    } = suspicion;
    let alternatives = others.into_iter().map(|(fault, p)| Alternative {
        segment: fault.segment(),
        fault,
        p,
    });
    let likelier = match &case {
        Case::Unsure { likelier, .. } => likelier,
        case => case,
    };
    Verdict {
        segment: likelier.fault().and_then(Fault::segment),
        fault: case.fault(),
        confidence,
        alternatives: alternatives.collect(),
        sentence: sentence::sentence(&case),
        action: sentence::action(likelier),
        because: because.iter().map(sentence::reason).collect(),
    }
}

#[cfg(test)]
mod tests;
