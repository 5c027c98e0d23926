//! Trouble over time: the findings of one kind in one centre, from the first step to the last, as one spell.
//!
//! Folded step by step, in the order of time, so that it is the same whenever the steps were judged. What a spell is, is
//! put to the vote of its steps: those with measurements count, guesses about a silence hardly.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::{Fault, Segment};

/// The same again within this is the same spell, seconds.
const AGAIN: f64 = 1_800.0;

/// What a guess about a silence counts beside a measurement.
const GUESS: f64 = 0.02;

/// A finding about a silence that is surer than this is none of guesses: power was lost, say.
const SURE: f64 = 0.8;

/// A finding as sure as this is for certain.
const CERTAIN: f64 = 0.9;

/// What belongs together over time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    /// Whatever cuts a centre off: from outside it all looks the same.
    Cut,
    Soft(Segment),
    One(Segment, String),
}

impl Family {
    pub(super) fn of(finding: &Finding) -> Self {
        if finding.cuts_off() {
            return Self::Cut;
        }
        match (finding.segment(), &finding.culprit) {
            (
                Some(segment @ (Segment::Device | Segment::Printer | Segment::Service)),
                Some(culprit),
            ) => Self::One(segment, culprit.clone()),
            // A line and its ISP may be in trouble for one reason, and chance shows now the one, now the other.
            (Some(Segment::Line), _) => Self::Soft(Segment::Isp),
            (Some(segment), _) => Self::Soft(segment),
            (None, _) => Self::Cut,
        }
    }
}

/// One kind of trouble in one centre, from its first step to its last.
#[derive(Debug, Clone)]
pub(super) struct Spell {
    pub(super) family: Family,
    pub(super) since: f64,
    /// The first step at which it was found: later than it began where that takes minutes to tell.
    pub(super) found: f64,
    /// The last step at which it was found.
    pub(super) last: f64,
    /// Whether somebody there measured it, so that it is more than a silence.
    pub(super) is_direct: bool,
    /// Whether it is a silence at its last step.
    pub(super) is_silent: bool,
    /// At how many steps it was found, and at how many of them for certain.
    pub(super) steps: usize,
    pub(super) certain: usize,
    votes: BTreeMap<Fault, Vote>,
}

/// What speaks for one fault.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Vote {
    pub(super) weight: f64,
    /// The surest that it was held for.
    pub(super) sure: f64,
    /// Where the newest finding of it is: its step and place there.
    pub(super) newest: Option<(i64, usize)>,
}

impl Spell {
    /// All that it may be, the likeliest first, with its share of the votes.
    pub(super) fn ranked(&self) -> Vec<(Fault, f64, Vote)> {
        let total: f64 = self.votes.values().map(|vote| vote.weight).sum();
        let shares = self
            .votes
            .iter()
            .map(|(fault, vote)| (*fault, vote.weight / total.max(1e-9), *vote));
        let mut ranked: Vec<_> = shares.collect();
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        ranked
    }

    fn add(&mut self, finding: &Finding, t: f64, place: (i64, usize)) {
        let guess = finding.silent && finding.confidence < SURE;
        let weight = if guess { GUESS } else { 1.0 };
        let vote = self.votes.entry(finding.fault).or_default();
        vote.weight += weight * finding.confidence;
        vote.sure = vote.sure.max(finding.confidence);
        vote.newest = Some(place);
        for (fault, p) in &finding.others {
            self.votes.entry(*fault).or_default().weight += weight * p;
        }
        self.last = t;
        self.steps += 1;
        self.certain += usize::from(finding.confidence >= CERTAIN);
        self.is_direct |= !guess;
        self.is_silent = finding.silent;
    }
}

/// The spells of one centre.
#[derive(Debug, Default)]
pub(super) struct Spells {
    all: Vec<Spell>,
    newest: BTreeMap<Family, usize>,
}

impl Spells {
    /// The spells, ascending by when they were found.
    pub(super) fn all(&self) -> &[Spell] {
        &self.all
    }

    /// Adds what was found at the next step.
    pub(super) fn fold(&mut self, step: i64, t: f64, findings: &[Finding]) {
        for (index, finding) in findings.iter().enumerate() {
            let place = (step, index);
            let family = Family::of(finding);
            let known = self.newest.get(&family);
            let known = known.and_then(|index| self.all.get_mut(*index));
            if let Some(spell) = known.filter(|spell| t - spell.last <= AGAIN) {
                spell.add(finding, t, place);
                continue;
            }
            self.newest.insert(family.clone(), self.all.len());
            let mut spell = Spell {
                family,
                since: finding.since.min(t),
                found: t,
                last: t,
                is_direct: false,
                is_silent: false,
                steps: 0,
                certain: 0,
                votes: BTreeMap::new(),
            };
            spell.add(finding, t, place);
            self.all.push(spell);
        }
    }
}
