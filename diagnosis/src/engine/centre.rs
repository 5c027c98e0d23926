//! One centre over time: its history, what was found in it at each step, and the spells those make.
//!
//! Everything here is a function of the records by their own time. A record that comes late makes the steps it can have
//! changed anew, and only those.

use std::collections::BTreeMap;

use super::absent::Mornings;
use super::baseline::Baseline;
use super::finding::Finding;
use super::history::{History, REMEMBERED, Taken};
use super::scene::Scene;
use super::spell::{Spell, Spells};
use super::usable::How;
use super::{absent, cut, late, lossy, machines, silence, usable};
use crate::calendar::Centre;
use crate::record::{Kind, Measured, Place, What};
use crate::{Fault, Segment};

/// Steps are so far apart, seconds.
pub(super) const STEP: f64 = 5.0;

/// How long after a record a step may depend on it, seconds.
const REACHES: f64 = 1_900.0;

/// How long after its end an incident can still change, seconds: less than what it came from is remembered.
pub(super) const CHANGES: f64 = SPELLS - 3_600.0;

/// How long spells are remembered, seconds.
const SPELLS: f64 = REMEMBERED - 2.0 * 3_600.0;

/// What is older on arrival, seconds, is judged only so often, seconds: a buffer comes in many pieces.
const LATE: f64 = 90.0;
const PATIENCE: f64 = 20.0;

/// One centre.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) centre: Centre,
    pub(super) history: History,
    usual: BTreeMap<i64, BTreeMap<String, Baseline>>,
    mornings: Mornings,
    /// What was found, by step; nothing for those at which all was well.
    found: BTreeMap<i64, Vec<Finding>>,
    /// The last step that was judged.
    judged: Option<i64>,
    /// What changed since: from and to.
    changed: Option<(f64, f64)>,
    /// When what is late was judged last.
    revised: f64,
    /// The spells of what was found, up to this step, and whether an earlier one is different now.
    spells: Spells,
    folded: Option<i64>,
    refold: bool,
    /// Addresses of routers beyond the centre's own, and when they answered last.
    hops: BTreeMap<String, f64>,
}

/// So many routers of a centre are remembered.
const HOPS: usize = 24;

fn step(t: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Unix seconds are checked on arrival"
    )]
    let step = (t / STEP).ceil() as i64;
    step
}

fn time(step: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "Unix seconds")]
    let steps = step as f64;
    steps * STEP
}

impl Watched {
    pub(super) fn new(centre: Centre) -> Self {
        Self {
            centre,
            history: History::default(),
            usual: BTreeMap::new(),
            mornings: Mornings::default(),
            found: BTreeMap::new(),
            judged: None,
            changed: None,
            revised: f64::NEG_INFINITY,
            spells: Spells::default(),
            folded: None,
            refold: false,
            hops: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, what: &What, now: f64) -> Taken {
        let taken = self.history.take(what, now);
        if taken == Taken::Yes {
            if let Kind::Measured(measured) = &what.kind {
                self.learn_hops(measured, what.t);
                self.mornings
                    .add(&self.centre.calendar, &what.agent, what.t);
            }
            let from = match what.kind {
                // How a machine started explains the silence before.
                Kind::Hello(_) => self.before(what).unwrap_or(what.t),
                _ => what.t,
            };
            let (first, last) = self.changed.unwrap_or((from, what.t));
            self.changed = Some((first.min(from), last.max(what.t)));
            #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
            let hour = (what.t / 3_600.0) as i64;
            self.usual.retain(|other, _| *other <= hour);
        }
        taken
    }

    /// Takes what is known of the past, without judging it.
    pub(super) fn recall(&mut self, what: &What, now: f64) {
        if let Kind::Measured(_) = &what.kind {
            self.mornings
                .add(&self.centre.calendar, &what.agent, what.t);
        }
        self.history.take(what, now);
    }

    fn learn_hops(&mut self, measured: &Measured, t: f64) {
        let hops = measured.links.iter().filter(|link| {
            link.segment == Place::Hop && link.hop.is_some_and(|hop| hop > 0) && link.received > 0
        });
        for hop in hops {
            if let Some(last) = self.hops.get_mut(&hop.target) {
                *last = last.max(t);
            } else if self.hops.len() < HOPS {
                self.hops.insert(hop.target.clone(), t);
            }
        }
    }

    fn before(&self, what: &What) -> Option<f64> {
        let agent = self.history.agents.get(&what.agent)?;
        agent.last(what.t).map(|sight| sight.t)
    }

    /// Judges what is new and what changed. Says whether anything is different.
    pub(super) fn judge(&mut self, now: f64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let last = (now / STEP).floor() as i64;
        let judged = *self.judged.get_or_insert(last - 1);
        let changed = self
            .changed
            .take_if(|(from, _)| *from > now - LATE || self.revised <= now - PATIENCE);
        if changed.is_some_and(|(from, _)| from <= now - LATE) {
            self.revised = now;
        }
        let mut differs = false;
        if let Some((from, to)) = changed {
            let (from, to) = (step(from), step(to + REACHES));
            // A silence has no bound: as long as one stands, or stood, it is judged anew.
            let silent = self
                .found
                .range(from..)
                .rev()
                .find(|(_, all)| is_silent(all));
            let to = silent.map_or(to, |(at, _)| to.max(*at));
            let mut at = from;
            while at <= judged
                && (at <= to || self.found.get(&(at - 1)).is_some_and(|all| is_silent(all)))
            {
                differs |= self.judge_step(at);
                at += 1;
            }
        }
        for at in judged + 1..=last {
            differs |= self.judge_step(at);
        }
        self.judged = Some(judged.max(last));
        if last % 120 == 0 {
            self.forget(now);
            self.refold = true;
        }
        if differs || self.refold {
            self.fold();
        }
        differs
    }

    fn forget(&mut self, now: f64) {
        let before = now - REMEMBERED;
        self.history.forget(before);
        // Whoever judged a spell has to be remembered as long as it is.
        self.found = self.found.split_off(&step(now - SPELLS));
        self.hops.retain(|_, last| *last > before);
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let hour = (now / 3_600.0) as i64;
        self.usual.retain(|other, _| *other > hour - 28);
    }

    fn judge_step(&mut self, at: i64) -> bool {
        let t = time(at);
        let nothing = self.history.agents.is_empty() && self.history.printers.is_empty();
        if nothing && !self.mornings.may_be_missed(&self.centre.calendar, t) {
            return false;
        }
        self.learn(t);
        let slow = self.slow(at);
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let hour = (t / 3_600.0) as i64;
        let none = BTreeMap::new();
        let usual = self.usual.get(&hour).unwrap_or(&none);
        let scene = Scene::new(&self.centre, &self.history, usual, &self.mornings, t);
        let findings = explained(findings(&scene, slow));
        let differs = self.found.get(&at).map_or(&[][..], Vec::as_slice) != findings.as_slice();
        self.refold |= differs && self.folded.is_some_and(|folded| at <= folded);
        if findings.is_empty() {
            self.found.remove(&at);
        } else {
            self.found.insert(at, findings);
        }
        differs
    }

    /// What takes minutes to tell is looked at once a minute, and stands until the next.
    fn slow(&self, at: i64) -> Option<Vec<Finding>> {
        const MINUTE: i64 = 12;
        if at % MINUTE == 0 {
            return None;
        }
        let minute = at - at.rem_euclid(MINUTE);
        let kept = self.found.get(&minute).map_or(&[][..], Vec::as_slice);
        Some(
            kept.iter()
                .filter(|finding| is_slow(finding.fault))
                .cloned()
                .collect(),
        )
    }

    fn learn(&mut self, t: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let hour = (t / 3_600.0) as i64;
        if self.usual.contains_key(&hour) {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "Unix seconds")]
        let begins = hour as f64 * 3_600.0;
        let agents = self.history.agents.iter();
        let usual = agents.map(|(name, agent)| (name.clone(), Baseline::of(agent, begins + 900.0)));
        let usual = usual.collect();
        self.usual.insert(hour, usual);
    }

    /// The spells of trouble, ascending by when they were found.
    pub(super) fn spells(&self) -> &[Spell] {
        self.spells.all()
    }

    /// A finding by its step and place there.
    pub(super) fn finding(&self, (step, index): (i64, usize)) -> Option<&Finding> {
        self.found.get(&step)?.get(index)
    }

    /// Routers beyond the centre's own that answered of late.
    pub(super) fn hops(&self) -> impl Iterator<Item = &str> {
        self.hops.keys().map(String::as_str)
    }

    /// Brings the spells up to what was found.
    fn fold(&mut self) {
        if std::mem::take(&mut self.refold) {
            self.spells = Spells::default();
            self.folded = None;
        }
        let from = self.folded.map_or(i64::MIN, |step| step + 1);
        for (step, findings) in self.found.range(from..) {
            self.spells.fold(*step, time(*step), findings);
        }
        self.folded = self.judged;
    }

    /// Whether its machines begin to fall silent: some longer than they should.
    pub(super) fn is_rising(&self, now: f64) -> bool {
        silence::begins(&self.history, now)
            || self
                .found
                .range(step(now - 90.0)..)
                .any(|(_, findings)| findings.iter().any(|one| !is_slow(one.fault)))
    }
}

fn is_silent(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.silent)
}

/// What needs minutes.
fn is_slow(fault: Fault) -> bool {
    use Fault::{
        GatewayOverloaded, IspDegraded, LanLossy, LineDegrading, LineLossy, LineSaturated,
        LineSlow, PcNicErrors, PcOverloaded, PcWifiLossy, PrinterFault,
    };
    matches!(
        fault,
        GatewayOverloaded
            | IspDegraded
            | LanLossy
            | LineDegrading
            | LineLossy
            | LineSaturated
            | LineSlow
            | PcNicErrors
            | PcOverloaded
            | PcWifiLossy
            | PrinterFault
    )
}

fn findings(scene: &Scene, slow: Option<Vec<Finding>>) -> Vec<Finding> {
    let mut all = cut::findings(scene);
    if scene.witnesses.is_empty() || all.is_empty() {
        all.extend(silence::finding(scene).or_else(|| absent::finding(scene)));
    }
    all.extend(usable::findings(scene));
    let alone = usable::alone(scene);
    all.extend(of_services(scene, &alone));
    all.extend(alone);
    let all_slow = || {
        let slow = [
            lossy::findings(scene),
            late::findings(scene),
            machines::findings(scene),
        ];
        slow.into_iter().flatten().collect()
    };
    all.extend(slow.unwrap_or_else(all_slow));
    all
}

/// What is wrong with services, by all but those that alone do not reach them.
fn of_services(scene: &Scene, alone: &[Finding]) -> Vec<Finding> {
    let apart: Vec<&str> = alone
        .iter()
        .filter_map(|one| one.culprit.as_deref())
        .collect();
    let standings = usable::services(scene, &apart);
    let down = standings
        .values()
        .filter(|one| one.how == How::Down)
        .count();
    if down >= 2 && down * 5 >= standings.len() * 3 {
        let worst = standings
            .values()
            .filter(|one| one.how == How::Down)
            .min_by(|one, other| one.since.total_cmp(&other.since));
        return worst.map(usable::blocked).into_iter().collect();
    }
    let bad = standings.iter().filter(|(_, one)| one.how > How::Well);
    let findings = bad.map(|(service, one)| {
        let confidence = if one.how == How::Down { 0.9 } else { 0.8 };
        Finding::new(usable::fault(one), confidence, one.since)
            .of(service)
            .because(crate::sentence::incident::Because::ServiceFails {
                service: (*service).to_owned(),
                word: one.word,
                failed: u64::from(one.failed),
                attempts: u64::from(one.attempts),
                centres: 1,
            })
    });
    findings.collect()
}

/// What explains the rest stands alone; a second stays only where the first cannot explain it.
fn explained(all: Vec<Finding>) -> Vec<Finding> {
    let cut = all.iter().any(|one| one.cuts_off());
    let has = |wanted: &[Segment]| {
        all.iter().any(|one| {
            one.segment()
                .is_some_and(|segment| wanted.contains(&segment))
        })
    };
    let inside = has(&[Segment::Lan, Segment::Gateway]);
    let line = has(&[Segment::Line, Segment::Isp]);
    let route = has(&[Segment::Route]);
    let named = all.iter().any(|one| {
        matches!(
            one.fault,
            Fault::MtuBlackhole | Fault::CaptivePortal | Fault::DnsDown
        )
    });
    let keep = |one: &Finding| match one.segment() {
        Some(Segment::Device | Segment::Printer) => match one.fault {
            Fault::PcLinkDown | Fault::PcClockWrong => true,
            Fault::PcWifiLossy | Fault::PcNicErrors => !cut && !inside,
            Fault::PcBlocked => !(cut || inside || line || route || named),
            _ => !cut,
        },
        _ if cut => one.cuts_off(),
        Some(Segment::Line | Segment::Isp) => !inside,
        Some(Segment::Service) => {
            !(inside || line || route) || (one.fault == Fault::CertificateExpired)
        }
        // All services fail because of what is wrong on the way.
        Some(Segment::Route) if one.fault == Fault::RouteBlocked => !(inside || named),
        Some(Segment::Route | Segment::Dns) => !inside || one.is_hard(),
        _ => true,
    };
    let (kept, _) = all.iter().cloned().partition::<Vec<_>, _>(keep);
    kept
}
