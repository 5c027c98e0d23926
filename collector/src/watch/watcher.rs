//! The one task that owns the diagnosis: takes what became known, looks at the clock each second, tells and
//! keeps what follows. On a thread for blocking work, because a verdict on a country takes its time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use diagnosis::calendar::Centre;
use diagnosis::engine::Engine;
use diagnosis::event::{Event, Happened, Incident};
use diagnosis::record::Record;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::adopt::Adopted;
use super::chronicle::Chronicle;
use super::closer::Closer;
use super::events::{Events, Open, Said, Standing};
use super::evidence::{self, Bounds};
use super::lost::LostService;
use super::metrics::Metrics;
use crate::readiness::Mornings;
use crate::registry::KeptIncident;

/// How often to look without being told anything.
const TICK: Duration = Duration::from_secs(1);

/// How far back the diagnosis looks after a restart: what is usual is that of a day.
const LOOKS_BACK: Duration = Duration::from_hours(26);

/// How far back it judges anew what happened.
const JUDGES_BACK: Duration = Duration::from_hours(2);

/// Incidents that are remembered here once they are over: late data may still revise them.
const REMEMBERED: f64 = 26.0 * 3_600.0;

/// What the watch works with.
#[derive(Debug)]
pub(super) struct Parts {
    /// What agents measured.
    pub(super) records: mpsc::Receiver<Vec<Record>>,
    /// Who came and who went.
    pub(super) comings: broadcast::Receiver<Arc<Record>>,
    /// The centres and their calendars, kept in step with the registry.
    pub(super) centres: watch::Receiver<Arc<Vec<Centre>>>,
    /// What was open or ended lately when the collector stopped.
    pub(super) known: Vec<KeptIncident>,
    /// Where it is told.
    pub(super) events: Events,
    /// Where it is kept.
    pub(super) chronicle: Chronicle,
    /// Where evidence is kept.
    pub(super) evidence: Bounds,
    /// Who looks closer.
    pub(super) closer: Closer,
    /// How ready centres are.
    pub(super) mornings: Mornings,
    /// What it costs.
    pub(super) metrics: Metrics,
}

/// Watches a province.
#[derive(Debug)]
pub(super) struct Watcher {
    parts: Parts,
    engine: Engine,
    centres: BTreeMap<String, Centre>,
    adopted: Adopted,
    /// Of each incident: whether people were told, whether it was revised, and when it was last told of.
    told: HashMap<String, (bool, bool, f64)>,
    lost: LostService,
    writer: Option<evidence::Writer>,
}

impl Watcher {
    /// One that begins with what was known.
    #[must_use]
    pub(super) fn new(parts: Parts, now: f64) -> Self {
        let known = &parts.known;
        let open = known.iter().filter(|one| one.incident.until.is_none());
        let standing = open.clone().map(|one| {
            let standing = Standing {
                incident: Arc::new(one.incident.clone()),
                notified: one.notified,
                revised: one.revised,
            };
            (one.incident.id.clone(), standing)
        });
        parts.events.restore(standing.collect::<Open>());
        let incidents: Vec<Incident> = open.map(|one| one.incident.clone()).collect();
        let told = known
            .iter()
            .map(|one| (one.incident.id.clone(), (one.notified, one.revised, now)));
        Self {
            told: told.collect(),
            adopted: Adopted::new(known.clone(), now),
            lost: LostService::begin(&incidents, now),
            engine: Engine::new(Vec::new()),
            centres: BTreeMap::new(),
            writer: None,
            parts,
        }
    }

    /// Watches until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let runtime = Handle::current();
        let watching = tokio::task::spawn_blocking(move || {
            self.begin(now());
            self.writer = Some(evidence::start(
                self.parts.evidence.clone(),
                self.parts.metrics.clone(),
            ));
            runtime.block_on(stop.run_until_cancelled(self.watch()));
            if let Some(writer) = self.writer.take() {
                writer.finish();
            }
            self.parts.mornings.finish();
        });
        if let Err(error) = watching.await {
            warn!(%error, "The diagnosis ended by a mistake of its own; restart the collector.");
        }
    }

    /// A new diagnosis of the centres there are, which knows what was told before.
    pub(super) fn begin(&mut self, now: f64) {
        let centres = Arc::clone(&self.parts.centres.borrow_and_update());
        let by_id = centres
            .iter()
            .map(|centre| (centre.id.clone(), centre.clone()));
        self.centres = by_id.collect();
        self.engine = Engine::new(centres.to_vec());
        let to = evidence::timestamp(now).unwrap_or(Timestamp::UNIX_EPOCH);
        let from = to.checked_sub(LOOKS_BACK).unwrap_or(Timestamp::UNIX_EPOCH);
        let judged = now - JUDGES_BACK.as_secs_f64();
        let mornings = &mut self.parts.mornings;
        mornings.begin(&centres, judged);
        let mut events: BTreeMap<String, Event> = BTreeMap::new();
        let mut count: u64 = 0;
        let started = Instant::now();
        let Self {
            parts,
            engine,
            adopted,
            ..
        } = self;
        let Parts {
            evidence,
            mornings,
            events: told,
            ..
        } = parts;
        let read = evidence::visit(evidence, from, to, |record| {
            count += 1;
            told.blind().take(&record);
            if record.arrived < judged {
                engine.recall(&record);
                return;
            }
            mornings.replay(&record, || engine.incidents());
            for event in engine.take(&record) {
                let mut event = adopted.event(event);
                let before = events.remove(&event.incident.id);
                event.notify |= before.is_some_and(|before| before.notify);
                events.insert(event.incident.id.clone(), event);
            }
        });
        if let Err(error) = read {
            warn!(%error, "The diagnosis begins without what it was told before.");
        }
        if count > 0 {
            let seconds = started.elapsed().as_secs_f64();
            info!(
                records = count,
                seconds, "The diagnosis knows again what it was told."
            );
        }
        let open = self.parts.events.open_now();
        let said = events.into_values().filter_map(|event| news(event, &open));
        let said = said.collect();
        self.say(said);
    }

    async fn watch(&mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut came: Vec<Vec<Record>> = Vec::new();
        loop {
            tokio::select! {
                count = self.parts.records.recv_many(&mut came, 256) => {
                    if count == 0 {
                        return;
                    }
                    for records in came.drain(..) {
                        self.take(records);
                    }
                }
                record = self.parts.comings.recv() => match record {
                    Ok(record) => self.take(vec![Record::clone(&record)]),
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        self.parts.metrics.dropped.inc_by(missed);
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                _ = tick.tick() => self.pass(now()),
            }
        }
    }

    /// Takes what became known.
    pub(super) fn take(&mut self, records: Vec<Record>) {
        let started = Instant::now();
        let mut events: Vec<Event> = Vec::new();
        for record in &records {
            events.extend(self.engine.take(record));
            self.parts.mornings.take(record);
            self.parts.events.blind().take(record);
        }
        let metrics = &self.parts.metrics;
        metrics.records.inc_by(records.len() as u64);
        metrics.seconds.inc_by(started.elapsed().as_secs_f64());
        if let Some(writer) = &self.writer {
            writer.keep(records);
        }
        self.follow(events);
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, now: f64) {
        if self.parts.centres.has_changed().unwrap_or(false) {
            info!("The centres changed: the diagnosis begins anew.");
            let known = self.parts.events.open_now();
            let known = known.values().map(|standing| KeptIncident {
                incident: Incident::clone(&standing.incident),
                told_at: Timestamp::UNIX_EPOCH,
                notified: standing.notified,
                revised: standing.revised,
                withdrawn: false,
            });
            self.adopted = Adopted::new(known.collect(), now);
            self.begin(now);
        }
        let started = Instant::now();
        let events = self.engine.pass(now);
        self.parts.mornings.pass(now, &self.engine.incidents());
        self.parts
            .metrics
            .seconds
            .inc_by(started.elapsed().as_secs_f64());
        self.follow(events);
        let over = self.adopted.over(now);
        self.say(over);
        let open = self.parts.events.open_now();
        let incidents = open.values().map(|standing| &*standing.incident);
        self.parts.closer.look(incidents.clone());
        if self.lost.count(incidents, &self.centres, now) {
            self.parts.events.set_lost(self.lost.all());
        }
        let open = self.parts.events.open_now();
        self.told
            .retain(|id, (_, _, at)| now - *at < REMEMBERED || open.contains_key(id));
    }

    fn follow(&mut self, events: Vec<Event>) {
        let events = events.into_iter().map(|event| self.adopted.event(event));
        let events = events.collect();
        self.say(events);
    }

    /// Tells and keeps what happened.
    fn say(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.parts.mornings.stir();
        let mut said = Vec::with_capacity(events.len());
        for event in events {
            let incident = &event.incident;
            let entry = self.told.entry(incident.id.clone());
            let (notified, revised, at) = entry.or_insert((false, false, event.at));
            *notified |= event.notify;
            *revised |= event.event == Happened::Revise;
            *at = event.at;
            self.parts.metrics.happened(event.event);
            log(&event);
            said.push(Said {
                notified: *notified,
                revised: *revised,
                event: Arc::new(event),
            });
        }
        // What ended is counted to its end, before it is forgotten.
        let ended = said.iter().map(|said| &said.event.incident);
        let ended = ended.filter(|incident| incident.until.is_some());
        if self.lost.count(ended, &self.centres, f64::INFINITY) {
            self.parts.events.set_lost(self.lost.all());
        }
        self.parts.events.tell(&said);
        let events = said.iter().map(|said| Event::clone(&said.event));
        self.parts.chronicle.keep(events.collect());
    }
}

/// What is new in an event of the past, to who knows what is open.
fn news(mut event: Event, open: &Open) -> Option<Event> {
    let over = matches!(event.event, Happened::Close | Happened::Withdraw);
    let over = over || event.incident.until.is_some();
    match (open.contains_key(&event.incident.id), over) {
        (true, true) => Some(event),
        (false, false) => {
            event.event = Happened::Open;
            Some(event)
        }
        (true, false) | (false, true) => None,
    }
}

fn log(event: &Event) {
    let Event {
        event: happened,
        incident,
        ..
    } = event;
    info!(
        id = incident.id,
        fault = incident.fault,
        culprit = incident.culprit,
        scope = incident.scope.len(),
        confidence = incident.confidence,
        event = super::metrics::word(*happened),
        "{}",
        incident.sentence.en
    );
}

fn now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}
