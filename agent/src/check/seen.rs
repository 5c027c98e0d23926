//! What a check saw: kept as steps for whoever reads them, as evidence for the verdict, and told as it comes.

use std::net::IpAddr;

use diagnosis::evidence::{Clock, Evidence, Link, Mtu, Place};

use super::links::Beyond;
use super::measured::Measured;
use super::screen::Screen;
use super::step::{Figures, Kind, Mark, Step};
use super::uses::{Asked, Used};
use crate::sources::Unmeasurable;
use crate::sources::probe::mtu;
use crate::sources::probe::service::Outcome;

/// Times that others tell agree within this.
const CLOCKS_AGREE: f64 = 60.0;

/// Further off than this is worth a look.
const CLOCK_OFF: f64 = 5.0;

/// Openings of a connection within the limit for the collector: the system repeats them after 1 and 3 s.
const OPENINGS: u32 = 3;

/// What was seen so far.
pub(super) struct Seen<'a> {
    pub(super) screen: &'a mut Screen,
    pub(super) evidence: Evidence,
    pub(super) steps: Vec<Step>,
    /// What could not be measured, and why; each once.
    pub(super) limitations: Vec<Unmeasurable>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(screen: &'a mut Screen) -> Self {
        Self {
            screen,
            evidence: Evidence::default(),
            steps: Vec::new(),
            limitations: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, step: Step) {
        self.screen.tell(&step);
        self.steps.push(step);
    }

    pub(super) fn limited(&mut self, limitation: Unmeasurable) {
        if !self.limitations.contains(&limitation) {
            self.limitations.push(limitation);
        }
    }

    /// Links, told and kept. `silence` is what no answer at all means.
    pub(super) fn links(&mut self, measured: &[Measured], silence: Mark) {
        for one in measured {
            let mut step = Step::of_link(&one.link, one.method, silence);
            step.figures.address = Some(one.address.to_string());
            if let Some(limitation) = &one.limitation {
                self.limited(limitation.clone());
            }
            self.tell(step);
            self.evidence.links.push(one.link.clone());
        }
    }

    pub(super) fn beyond(&mut self, beyond: Beyond) {
        let Beyond {
            hops,
            anchors,
            left_out,
            mtu,
        } = beyond;
        self.links(&hops, Mark::Neither);
        let answered = anchors.iter().any(|one| one.link.answers());
        let silence = if answered { Mark::Neither } else { Mark::Bad };
        self.links(&anchors, silence);
        for (name, problem) in left_out {
            self.tell(Step::not_measured(Kind::Anchor, &name, &problem));
        }
        if let Some((target, outcome)) = mtu {
            self.large_packets(target, outcome);
        }
    }

    fn large_packets(&mut self, target: String, outcome: mtu::Outcome) {
        let (mark, word, mtu_bytes) = match outcome {
            mtu::Outcome::Known(bytes) => (Mark::Good, "arrive", Some(bytes)),
            mtu::Outcome::BlackHole { largest } => (Mark::Bad, "black_hole", Some(largest)),
            mtu::Outcome::Unanswered => (Mark::Neither, "unanswered", None),
        };
        if mark != Mark::Neither {
            let ok = mark == Mark::Good;
            let target = target.clone();
            self.evidence.mtu.push(Mtu { target, ok });
        }
        let figures = Figures {
            mtu_bytes,
            ..Figures::default()
        };
        self.tell(Step::new(Kind::LargePackets, target, mark, word, figures));
    }

    pub(super) fn resolvers(&mut self, asked: Vec<Asked>) {
        for Asked {
            evidence,
            word,
            detail,
        } in asked
        {
            let mark = match word {
                "answered" => Mark::Good,
                _ => Mark::Bad,
            };
            let figures = Figures {
                duration_seconds: evidence.took.map(|took| took.as_secs_f64()),
                detail,
                ..Figures::default()
            };
            self.tell(Step::new(
                Kind::Resolver,
                &evidence.resolver,
                mark,
                word,
                figures,
            ));
            self.evidence.dns.push(evidence);
        }
    }

    pub(super) fn services(&mut self, used: Vec<Used>) {
        self.clock(&used);
        for used in &used {
            let step = match &used.attempt {
                Ok(attempt) => {
                    let evidence = used.evidence();
                    let step =
                        Step::of_attempt(Kind::Service, &used.name, attempt, evidence.as_ref());
                    self.evidence.services.extend(evidence);
                    step
                }
                Err(problem) => {
                    self.limited(problem.clone());
                    Step::not_measured(Kind::Service, &used.name, problem)
                }
            };
            self.tell(step);
        }
    }

    /// What servers told of the time.
    fn clock(&mut self, used: &[Used]) {
        let mut told: Vec<f64> = used.iter().filter_map(|used| used.ahead).collect();
        told.sort_by(f64::total_cmp);
        let Some(ahead) = told.get(told.len() / 2).copied() else {
            return;
        };
        let agree = |other: &&f64| (**other - ahead).abs() <= CLOCKS_AGREE;
        let witnesses = told.iter().filter(agree).count();
        self.evidence.host.clock = Some(Clock { ahead, witnesses });
        let (mark, word) = if ahead.abs() <= CLOCK_OFF {
            (Mark::Good, "right")
        } else {
            (Mark::Bad, "off")
        };
        let figures = Figures {
            offset_seconds: Some(ahead.round()),
            ..Figures::default()
        };
        self.tell(Step::new(Kind::Clock, "clock", mark, word, figures));
    }

    pub(super) fn collector(&mut self, used: &Used, is_near: impl Fn(IpAddr) -> bool) {
        let attempt = match &used.attempt {
            Ok(attempt) => attempt,
            Err(problem) => {
                self.limited(problem.clone());
                let step = Step::not_measured(Kind::Collector, &used.name, problem);
                return self.tell(step);
            }
        };
        let evidence = used.evidence();
        let step = Step::of_attempt(Kind::Collector, &used.name, attempt, evidence.as_ref());
        let answers = step.mark == Mark::Good;
        let found = attempt.outcome != Outcome::DnsFailed;
        // On this machine or beside it, the collector proves nothing of the way.
        let is_near = attempt.address.is_some_and(is_near);
        if found && !(answers && is_near) {
            self.evidence.links.push(Link {
                place: Place::Collector,
                target: used.name.clone(),
                sent: if answers { 1 } else { OPENINGS },
                received: u32::from(answers),
                rtt: None,
                present: None,
            });
        }
        self.tell(step);
    }
}
