//! What a check saw: kept as steps for whoever reads them, as evidence for the verdict, and told as it comes.

use std::net::IpAddr;

use diagnosis::evidence::{Clock, Evidence, Link, Mtu, Place};
use diagnosis::spot::Standing;

use super::lacking::{Lacking, Limitation};
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

/// Openings of a connection within the limit for the collector: the system repeats them after 1 and 3 s.
const OPENINGS: u32 = 3;

/// What was seen so far.
pub(super) struct Seen<'a> {
    pub(super) screen: &'a mut Screen,
    pub(super) evidence: Evidence,
    pub(super) steps: Vec<Step>,
    /// What could not be measured, and why; each once.
    pub(super) limitations: Vec<Limitation>,
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

    pub(super) fn limited(&mut self, lacking: Lacking, problem: Unmeasurable) {
        let limitation = Limitation { lacking, problem };
        if !self.limitations.contains(&limitation) {
            self.limitations.push(limitation);
        }
    }

    /// Links that are judged beside what is known already.
    pub(super) fn links(&mut self, measured: &[Measured], silence: Mark) {
        self.keep(measured);
        self.show(measured, silence);
    }

    /// Keeps them for the verdict.
    pub(super) fn keep(&mut self, measured: &[Measured]) {
        let links = measured.iter().map(|one| one.link.clone());
        self.evidence.links.extend(links);
    }

    /// Tells them. `silence` is what no answer at all means.
    pub(super) fn show(&mut self, measured: &[Measured], silence: Mark) {
        for one in measured {
            let mut step = Step::of_link(&one.link, one.method, silence, &self.evidence);
            step.figures.address = Some(one.address.to_string());
            if let Some(limitation) = &one.limitation {
                self.limited(Lacking::Echoes, limitation.clone());
            }
            self.tell(step);
        }
    }

    /// The gateways and what is beyond, judged beside each other.
    pub(super) fn beyond(&mut self, gateways: &[Measured], beyond: &Beyond) {
        for links in [gateways, &beyond.hops, &beyond.anchors] {
            self.keep(links);
        }
        self.show(gateways, Mark::Neither);
        self.show(&beyond.hops, Mark::Neither);
        let answers = beyond.answers();
        let silence = if answers { Mark::Neither } else { Mark::Bad };
        self.show(&beyond.anchors, silence);
        for (name, limitation) in &beyond.left_out {
            self.tell(Step::not_measured(Kind::Anchor, name, limitation.clone()));
        }
        if answers && !beyond.has_loss() {
            self.tell(Step::not_measured(Kind::Loss, "", self.without_echoes()));
        }
        if let Some(largest) = &beyond.mtu
            && largest.outcome != mtu::Outcome::Unanswered
        {
            self.evidence.mtu.push(Mtu {
                target: largest.target.clone(),
                ok: matches!(largest.outcome, mtu::Outcome::Known(_)),
                network: largest.network.clone(),
            });
        }
    }

    /// Why there were none.
    fn without_echoes(&self) -> Limitation {
        let mut known = self.limitations.iter();
        let known = known.find(|known| known.lacking == Lacking::Echoes);
        known.cloned().unwrap_or_else(|| {
            let what = "nobody far away answers echoes";
            Limitation::new(Lacking::Echoes, what, "nothing, where services answer")
        })
    }

    /// After the services, which tell whether large packets are missed.
    pub(super) fn large_packets(&mut self, beyond: &Beyond) {
        let Some(largest) = &beyond.mtu else {
            let limitation = if beyond.has_loss() {
                let what = "the largest packet was not found in time";
                Limitation::new(Lacking::LargePackets, what, "check again")
            } else {
                self.without_echoes()
            };
            if beyond.answers() {
                self.tell(Step::not_measured(Kind::LargePackets, "", limitation));
            }
            return;
        };
        let standing = Standing::of_large_packets(&self.evidence);
        let (mark, word, mtu_bytes) = match largest.outcome {
            mtu::Outcome::Known(bytes) => (Mark::Good, "arrive", Some(bytes)),
            mtu::Outcome::BlackHole { largest } => (standing.into(), "black_hole", Some(largest)),
            mtu::Outcome::Unanswered => (Mark::Neither, "unanswered", None),
        };
        let figures = Figures {
            mtu_bytes,
            ..Figures::default()
        };
        let target = largest.target.clone();
        self.tell(Step::new(Kind::LargePackets, target, mark, word, figures));
    }

    pub(super) fn resolvers(&mut self, asked: Vec<Asked>) {
        let evidence = asked.iter().map(|asked| asked.evidence.clone());
        self.evidence.dns.extend(evidence);
        for Asked { evidence, detail } in asked {
            let figures = Figures {
                duration_seconds: evidence.took.map(|took| took.as_secs_f64()),
                detail,
                ..Figures::default()
            };
            let mark = Standing::of_resolver(&evidence, &self.evidence).into();
            let (name, word) = (evidence.resolver, evidence.outcome.as_str());
            self.tell(Step::new(Kind::Resolver, name, mark, word, figures));
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
                    self.limited(Lacking::Service, problem.clone());
                    let limitation = Limitation {
                        lacking: Lacking::Service,
                        problem: problem.clone(),
                    };
                    Step::not_measured(Kind::Service, &used.name, limitation)
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
        let standing = Standing::of_clock(ahead);
        let word = match standing {
            Standing::Good => "right",
            Standing::Odd | Standing::Bad => "off",
        };
        let figures = Figures {
            offset_seconds: Some(ahead.round()),
            ..Figures::default()
        };
        self.tell(Step::new(
            Kind::Clock,
            "clock",
            standing.into(),
            word,
            figures,
        ));
    }

    pub(super) fn collector(&mut self, used: &Used, is_near: impl Fn(IpAddr) -> bool) {
        let attempt = match &used.attempt {
            Ok(attempt) => attempt,
            Err(problem) => {
                self.limited(Lacking::Collector, problem.clone());
                let limitation = Limitation {
                    lacking: Lacking::Collector,
                    problem: problem.clone(),
                };
                let step = Step::not_measured(Kind::Collector, &used.name, limitation);
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
                network: None,
            });
        }
        self.tell(step);
    }
}
