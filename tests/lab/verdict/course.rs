//! The course of a fault: it begins, is told, ends, and is known for what it was; all of them at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::silence::{is_told_as_it_was, is_told_as_unsure, scope};
use super::town::Town;

/// Until a fault is told: silence needs its time, and this may be a busy machine.
const TOLD: Duration = Duration::from_secs(100);

/// Until it is over: two clean minutes, what was measured meanwhile, and a busy machine.
const OVER: Duration = Duration::from_secs(260);

/// What breaks where, and what is to be said of it in the end.
pub struct Ill {
    pub begins: fn(&mut Town<'_>),
    pub ends: fn(&mut Town<'_>),
    /// Whether nobody can tell before it is over: one silent machine is no alarm.
    pub is_mute: bool,
    /// Whether it silences a centre: then nobody can tell for sure before it is over.
    pub is_silent: bool,
    /// Whether it has to last before it counts, and its end likewise, which is not waited for.
    pub is_slow: bool,
    /// Whether nothing else is to begin before it is over, since it hits those it would begin with.
    pub is_alone: bool,
    /// Whom it hits.
    pub scope: Scope,
    pub segment: &'static str,
    pub fault: &'static str,
}

/// Until it is told that something lasts.
const LASTS: Duration = Duration::from_secs(420);

/// Until those that were cut off are back.
const SETTLES: Duration = Duration::from_secs(20);

/// How long one lasts that nobody can tell of.
const MUTE: Duration = Duration::from_secs(30);

/// How far one is.
struct Course<'i> {
    ill: &'i Ill,
    since: Instant,
    ended: bool,
    /// What was wrong with how it was told while it lasted.
    misled: Option<String>,
    /// How it went, once that is known.
    went: Option<Result<(), String>>,
    /// What was known before it began: that is none of it.
    before: Vec<String>,
}

/// The centres that something hits, in order.
type Scope = &'static [&'static str];

/// How often people were told of each incident: that it is, and that it is over.
type Told = BTreeMap<String, (usize, usize)>;

/// Begins all of a group, the next group once the last is told. Ends each once it is told, and waits
/// until each is over and known for what it was. One run tells of all mistakes. In the end nobody was told of anything else.
pub async fn all_are_told_once(town: &mut Town<'_>, groups: &[&[Ill]]) {
    let mut courses: Vec<Course<'_>> = Vec::new();
    let mut groups = groups.iter();
    loop {
        let faults = town.faults().await.unwrap();
        let told = town.told();
        if courses.iter().all(Course::makes_room) {
            match groups.next() {
                Some(ills) => begin(town, ills, &faults, &mut courses),
                None if courses.iter().all(|one| one.went.is_some()) => break,
                None => {}
            }
        }
        let broken: Vec<Scope> = courses.iter().map(|one| one.ill.scope).collect();
        for course in &mut courses {
            course.goes_on(town, &faults, &told, &broken).await;
        }
        sleep(Duration::from_millis(500)).await;
    }
    let mistakes = courses
        .iter()
        .filter_map(|one| one.went.as_ref()?.as_ref().err());
    let mistakes: Vec<&str> = mistakes.map(String::as_str).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert_eq!(town.told().len(), courses.len(), "{:?}", town.told());
    let faults = town.faults().await.unwrap();
    assert_eq!(faults.len(), courses.len(), "{faults:#?}");
}

fn begin<'i>(
    town: &mut Town<'_>,
    ills: &'i [Ill],
    faults: &[Value],
    courses: &mut Vec<Course<'i>>,
) {
    let ids = faults.iter().filter_map(|fault| fault["id"].as_str());
    let before: Vec<String> = ids.map(str::to_owned).collect();
    for ill in ills {
        (ill.begins)(town);
        courses.push(Course {
            ill,
            since: Instant::now(),
            ended: false,
            misled: None,
            went: None,
            before: before.clone(),
        });
    }
}

impl Course<'_> {
    /// Whether the next may begin.
    fn makes_room(&self) -> bool {
        let settled = self.ended && !self.ill.is_alone && self.since.elapsed() > SETTLES;
        self.ill.is_slow || self.went.is_some() || settled
    }

    async fn goes_on(
        &mut self,
        town: &mut Town<'_>,
        faults: &[Value],
        told: &Told,
        broken: &[Scope],
    ) {
        if self.went.is_some() {
            return;
        }
        let known = self.about(faults, broken);
        let passed = self.since.elapsed();
        let first = if self.ill.is_slow { LASTS } else { TOLD };
        if self.ended {
            let mistake = self.mistake(town, &known, told).await;
            if mistake.is_none() {
                eprintln!("{:?}: over after {passed:?}", self.ill.scope);
                self.went = Some(Ok(()));
            } else if passed > OVER {
                self.went = Some(mistake.map_or(Ok(()), Err));
            }
            return;
        }
        let ids = known.iter().filter_map(|fault| fault["id"].as_str());
        let is_told = ids
            .filter_map(|id| told.get(id))
            .any(|(firing, _)| *firing > 0);
        if is_told && self.ill.is_silent {
            self.misled = match &known[..] {
                [fault] => is_told_as_unsure(town, fault).await.err(),
                _ => Some(format!("not one: {known:#?}")),
            };
        }
        let is_seen = is_told && self.misled.is_none();
        if is_seen || passed > first || (self.ill.is_mute && passed > MUTE) {
            eprintln!(
                "{:?}: told {is_told} after {passed:?}: {}",
                self.ill.scope,
                words(&known)
            );
            (self.ill.ends)(town);
            (self.since, self.ended) = (Instant::now(), true);
        }
    }

    /// The faults that hit any of these, but for those that were known before, and those of others that broke.
    fn about<'a>(&self, faults: &'a [Value], broken: &[Scope]) -> Vec<&'a Value> {
        let hits = |fault: &&Value| {
            let is_new = !self.before.iter().any(|id| fault["id"] == **id);
            let hit = scope(fault);
            let is_of_another = hit != self.ill.scope && broken.iter().any(|one| hit == **one);
            let mut hit = hit.into_iter();
            is_new && !is_of_another && hit.any(|centre| self.ill.scope.contains(&centre))
        };
        faults.iter().filter(hits).collect()
    }

    /// What is not yet as it has to be in the end: one fault, rightly named, told once and once over, revised at most
    /// once after it was told.
    async fn mistake(&self, town: &Town<'_>, known: &[&Value], told: &Told) -> Option<String> {
        let ill = self.ill;
        if let Some(misled) = &self.misled {
            return Some(format!("{:?} {}: {misled}", ill.scope, ill.fault));
        }
        let [fault] = known else {
            return Some(format!(
                "{:?} {}: not one: {known:#?}",
                ill.scope, ill.fault
            ));
        };
        let history = fault["history"].as_array()?;
        let revised = history.iter().filter(|said| said["event"] == "revise");
        let told = told.get(fault["id"].as_str()?);
        let hit = scope(fault);
        let is_so = hit == ill.scope
            && fault["segment"] == ill.segment
            && fault["fault"] == ill.fault
            && fault["until"].is_string() != ill.is_slow
            && revised.count() <= 1
            && told == Some(&(1, usize::from(!ill.is_slow)));
        let wrong = match (is_so, ill.is_silent) {
            (false, _) => format!("told {told:?} {fault:#}"),
            (true, false) => return None,
            (true, true) => is_told_as_it_was(town, fault).await.err()?,
        };
        Some(format!("{:?} {}: {wrong}", ill.scope, ill.fault))
    }
}

/// The faults in a few words.
fn words(known: &[&Value]) -> String {
    let words = known.iter().map(|fault| {
        format!(
            "{} ({}) of {:?}",
            fault["fault"],
            fault["confidence"],
            scope(fault)
        )
    });
    words.collect::<Vec<_>>().join(", ")
}
