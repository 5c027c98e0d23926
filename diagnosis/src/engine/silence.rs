//! Nobody of a centre is heard: is that a fault, and which?
//!
//! From outside, power, switch, router and line look the same. What tells them apart comes from elsewhere: echoes to the
//! centre's public address, what the machines said last, how they started again; and, hours later, what they measured
//! meanwhile, which ends the silence in retrospect. A silence surprises when people were at work in opening hours; at
//! lunch, after closing, or at an hour at which the centre was silent yesterday too, it does not.

use super::finding::Finding;
use super::history::{Agent, History};
use super::scene::Scene;
use super::sight::{Sight, Stretch};
use crate::Fault;
use crate::record::{DnsWord, ServiceWord};
use crate::sentence::incident::Because;

/// Those heard so long before the last of them fell silent with it, seconds.
const TOGETHER: f64 = 150.0;

/// The centre's public address is asked once in so long, seconds.
const ECHO: f64 = 70.0;

/// Whoever worked at a machine so shortly before is at work, seconds.
const AT_WORK: f64 = 600.0;

/// So long a battery lasts at most, seconds.
const LASTS: f64 = 1_800.0;

/// So long before opening people come, and nobody switches off, seconds.
const MORNING: f64 = 2.0 * 3_600.0;

/// Machines that report each minute and stop at the same moment are heard last within this, seconds.
const AT_ONCE: f64 = 66.0;

/// So near to closing time people go home, seconds.
const CLOSING: f64 = 12.0 * 60.0;

/// A silence, at one time.
pub(super) struct Silence<'a> {
    /// When the last was heard.
    pub(super) since: f64,
    /// Who fell silent together without goodbye.
    pub(super) agents: Vec<&'a Agent>,
    /// Whether they are overdue, all but one in three.
    pub(super) is_whole: bool,
}

/// So far back an agent's habit is learned, seconds.
const HABIT: f64 = 3_600.0;

/// How long an agent may be quiet, seconds: by how often it spoke before.
fn patience(agent: &Agent, last: f64) -> f64 {
    let times: Vec<f64> = agent
        .between(last - HABIT, last)
        .rev()
        .take(400)
        .map(|sight| sight.t)
        .collect();
    let gaps = times
        .iter()
        .zip(times.iter().skip(1))
        .map(|(later, earlier)| later - earlier);
    let mut gaps: Vec<f64> = gaps.filter(|gap| *gap < 130.0).collect();
    gaps.sort_by(f64::total_cmp);
    // The gap by which three quarters of the time passed: rounds while something is looked at closely are no habit.
    let enough = gaps.iter().sum::<f64>() * 0.75;
    let mut passed = 0.0;
    let usual = gaps.iter().find(|gap| {
        passed += **gap;
        passed >= enough
    });
    usual.copied().unwrap_or(60.0).clamp(10.0, 120.0) * 1.2 + 8.0
}

/// Whether those who speak here begin to miss their time: most of them, without goodbye.
pub(super) fn begins(history: &History, at: f64) -> bool {
    let (mut there, mut overdue) = (0, 0);
    for agent in history.agents.values() {
        let Some(last) = agent.last(at).map(|sight| sight.t) else {
            continue;
        };
        if at - last < 240.0 && !agent.left(last - 5.0, at) {
            there += 1;
            overdue += usize::from(at - last > patience(agent, last));
        }
    }
    overdue > 0 && overdue * 2 >= there
}

/// The silence a centre is in or enters.
pub(super) fn silence<'a>(scene: &Scene<'a>) -> Option<Silence<'a>> {
    let last = |agent: &Agent| agent.last(scene.at).map(|sight| sight.t);
    let all = || scene.history.agents.values();
    let since = all().filter_map(last).fold(f64::NEG_INFINITY, f64::max);
    if !since.is_finite() || scene.at - since < 12.0 {
        return None;
    }
    let agents: Vec<&Agent> = all()
        .filter(|agent| {
            last(agent).is_some_and(|t| t > since - TOGETHER && !agent.left(t - 5.0, scene.at))
        })
        .collect();
    let overdue = agents
        .iter()
        .filter(|agent| last(agent).is_some_and(|t| scene.at - t > patience(agent, t)))
        .count();
    // Of several, the last may still have its time: nobody was heard since, and the others are missed.
    let is_whole = overdue * 3 >= agents.len() * 2 && (overdue >= 2 || agents.len() == 1);
    (!agents.is_empty()).then_some(Silence {
        since,
        agents,
        is_whole,
    })
}

/// What a silence means.
pub(super) fn finding(scene: &Scene) -> Option<Finding> {
    let silence = silence(scene).filter(|silence| silence.is_whole)?;
    let Silence { since, agents, .. } = &silence;
    let since = *since;
    let (sent, received) = reverse(scene, since);
    if sent == 0 && scene.at - since < ECHO && is_asked(scene, since) {
        // From outside four causes look the same, and the echo that halves them is on its way.
        return None;
    }
    let at_work = |agent: &&&Agent| {
        let mut seen = agent.between(since - AT_WORK, since);
        seen.any(|sight| sight.active_user)
    };
    let users = agents.iter().filter(at_work).count();
    let went = sent > 0 && received == 0 && answered(scene, since);
    // One round of echoes may be lost; two are not.
    let is_dark = went && sent >= 10;
    if !surprises(scene, &silence, users, sent > 0 && received == 0, is_dark) {
        return None;
    }
    let (dark, otherwise) = scene.boots(since);
    let lost_power = if dark > otherwise { dark } else { 0 };
    let lost_mains = |within: f64| {
        let lost = agents.iter().filter(|agent| {
            let known = |at: f64| agent.told.on_battery.at(at);
            known(since) == Some(true) && known(since - within) == Some(false)
        });
        lost.count()
    };
    // One may have been unplugged a while ago; several were not.
    let several = lost_mains(LASTS);
    let on_battery = if several >= 2 {
        several
    } else {
        lost_mains(TOGETHER)
    };
    let n = agents.len() as u64;
    let new = |fault, confidence| {
        let mut finding = Finding::new(fault, confidence, since + 5.0);
        finding.silent = true;
        finding.because(Because::SilentWithoutGoodbye { agents: n })
    };
    let words = last_words(agents, since);
    let finding = if lost_power > 0 {
        new(Fault::PowerOutage, 0.95)
            .or(Fault::LineDown, 0.03)
            .because(Because::PowerLossBoot {
                agents: lost_power as u64,
            })
    } else if on_battery > 0 {
        new(Fault::PowerOutage, 0.85)
            .or(Fault::LineDown, 0.1)
            .because(Because::OnBattery {
                agents: on_battery as u64,
            })
    } else if let Some(fault) = words {
        new(fault, 0.75).or(Fault::LineDown, 0.15)
    } else if received > 0 {
        new(Fault::LanDown, 0.5)
            .or(Fault::GatewayDown, 0.25)
            .or(Fault::CollectorPathDown, 0.2)
            .because(Because::ReverseAnswered {
                received: u64::from(received),
                sent: u64::from(sent),
            })
    } else {
        new(Fault::LineDown, 0.5)
            .or(Fault::PowerOutage, 0.3)
            .or(Fault::GatewayDown, 0.12)
    };
    let finding = if sent > 0 && received == 0 {
        finding.because(Because::ReverseSilent {
            sent: u64::from(sent),
        })
    } else {
        finding
    };
    Some(if users > 0 {
        finding.because(Because::UsersWereActive { n: users as u64 })
    } else {
        finding
    })
}

/// What most of them said was wrong when they were heard last: where no name is resolved, or a login page answers
/// everything, the collector is not found either.
fn last_words(agents: &[&Agent], since: f64) -> Option<Fault> {
    let said = |wrong: &dyn Fn(&Sight) -> bool| {
        let who = agents.iter().filter(|agent| {
            let last = agent.last(since);
            last.is_some_and(|sight| sight.way(Stretch::Far).answers() && wrong(sight))
        });
        who.count() * 2 > agents.len()
    };
    let unnamed = |sight: &Sight| {
        let own = sight
            .questions
            .iter()
            .filter(|one| one.resolver != "public");
        let mut own = own.peekable();
        own.peek().is_some() && own.all(|one| one.word != DnsWord::Answered)
    };
    let captive = |sight: &Sight| {
        let mut attempts = sight.attempts.iter();
        attempts.any(|one| one.word == ServiceWord::Captive)
    };
    if said(&captive) {
        Some(Fault::CaptivePortal)
    } else {
        said(&unnamed).then_some(Fault::DnsDown)
    }
}

/// Echoes from the province since then: sent, answered.
fn reverse(scene: &Scene, since: f64) -> (u32, u32) {
    let newest = scene
        .history
        .reverse
        .iter()
        .rev()
        .skip_while(|(t, ..)| *t > scene.at);
    let during = newest.take_while(|(t, ..)| *t > since + 3.0).take(3);
    let during: Vec<_> = during.collect();
    // What answered before the newest that did not, did so before it all began.
    let ends = during.first().is_some_and(|one| one.2 == 0);
    let during = during.into_iter().take_while(|one| !ends || one.2 == 0);
    during.fold((0, 0), |(sent, received), one| {
        (sent + one.1, received + one.2)
    })
}

/// Whether the centre's public address is asked at all.
fn is_asked(scene: &Scene, since: f64) -> bool {
    let known = scene.history.reverse.iter().rev();
    let mut before = known.skip_while(|(t, ..)| *t > since);
    before.next().is_some_and(|(t, ..)| *t > since - 2.0 * ECHO)
}

/// Whether the centre's public address answered just before.
fn answered(scene: &Scene, since: f64) -> bool {
    let known = scene.history.reverse.iter().rev();
    let before = known.skip_while(|(t, ..)| *t > since + 3.0);
    let mut before = before.take_while(|(t, ..)| *t > since - 3.0 * ECHO);
    before.any(|(.., received)| *received > 0)
}

/// Whether several fell silent at the same moment: people go home, and machines fall asleep, one after the other.
fn at_once(silence: &Silence) -> bool {
    let with = silence.agents.iter().filter(|agent| {
        let last = agent.last(silence.since);
        last.is_some_and(|sight| sight.t > silence.since - AT_ONCE)
    });
    silence.agents.len() >= 3 && with.count() == silence.agents.len()
}

/// Whether most of them were heard a day ago in the half hour after this time: some centres turn all off for lunch.
fn stayed_yesterday(silence: &Silence) -> bool {
    let then = silence.since - 86_400.0;
    let stayed = silence.agents.iter().filter(|agent| {
        let mut seen = agent.between(then + 600.0, then + 2_400.0);
        seen.next().is_some()
    });
    stayed.count() * 2 > silence.agents.len()
}

/// Whether this silence is none of the usual ones. `address_is_silent`: no echo comes back; `is_dark`: until then it did.
fn surprises(
    scene: &Scene,
    silence: &Silence,
    users: usize,
    address_is_silent: bool,
    is_dark: bool,
) -> bool {
    let calendar = &scene.centre.calendar;
    let n = silence.agents.len();
    let since = silence.since;
    let closes = calendar.until_closes(since);
    let at_work = calendar.is_open(since) && closes.is_none_or(|left| left > CLOSING);
    let opened = calendar.since_opened(since).is_none_or(|since| since > 0.0);
    if at_work && opened {
        // Early closing: people go one after the other, and nobody works when the last goes.
        let going_home = closes.is_some_and(|left| left < 75.0 * 60.0) && users == 0 && n <= 3;
        return match n {
            1 => is_dark && (users > 0 || !going_home),
            2 => (users > 0 || address_is_silent) && !going_home,
            _ => !going_home,
        };
    }
    let date = calendar.local(since).date;
    if let (Some(opening), Some(closing)) = (calendar.opening(date), calendar.closing(date)) {
        let at_lunch = opening <= since && since < closing - CLOSING;
        let comes = opening - MORNING <= since && since < opening;
        if (at_lunch && at_once(silence) && stayed_yesterday(silence))
            || (comes && is_dark && scene.at - since > 180.0)
        {
            return true;
        }
    }
    // Outside opening hours: whoever is always on, and was there a day ago at this hour too, and through the evening.
    let always = silence.agents.iter().filter(|agent| {
        let yesterday = since - 86_400.0;
        let through = |from: f64, to: f64| agent.between(yesterday + from, yesterday + to).count();
        through(-900.0, 4_500.0) >= 20 && through(7_200.0, 10_800.0) >= 20
    });
    let always = always.count();
    let left = calendar
        .since_closed(scene.at)
        .is_none_or(|closed| closed > 3_600.0)
        && (calendar
            .since_closed(since)
            .is_none_or(|closed| closed > 1_800.0)
            || calendar.is_open(since));
    left && scene.at - since > 180.0 && (always >= 2 || (always == 1 && address_is_silent))
}
