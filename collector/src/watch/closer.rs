//! Has agents look closer where the diagnosis wavers: while the two likeliest causes of an incident are about as likely, a
//! row of echoes to the link that tells them apart.
//!
//! That is the link of whichever of the two is nearer on the way: when it answers, the fault is beyond. Bounded for each
//! incident here, for each agent in `plans`, and by the agents themselves. Deliberately absent: what becomes of it; the
//! echoes come as ordinary samples.

use std::collections::HashMap;
use std::sync::Arc;

use diagnosis::event::{Incident, Stage};
use diagnosis::{Fault, Segment};
use prometheus::IntCounterVec;
use proto::metrics as catalogue;
use proto::plan;
use tokio::time::{Duration, Instant};

use crate::latest::{DeviceKey, Latest, Presence};
use crate::plans::{NotAsked, Plans};

/// Two causes are about as likely when the second has so much of what the first has.
const CLOSE: f64 = 0.3;

/// Who is so sure asks nobody.
const SURE: f64 = 0.9;

/// Between two bursts for one incident.
const AGAIN: Duration = Duration::from_secs(30);

/// Bursts for one incident: what they do not tell apart, more of them will not.
const MOST: u32 = 4;

/// Incidents that are asked about at one time: when everything fails, agents have better things to do.
const AT_ONCE: usize = 16;

/// Centres of an incident that are asked.
const CENTRES: usize = 2;

/// Asks agents.
#[derive(Debug)]
pub(super) struct Closer {
    plans: Arc<Plans>,
    latest: Arc<Latest>,
    bursts: IntCounterVec,
    /// Of each incident, when it was asked about last and how often.
    asked: HashMap<String, (Instant, u32)>,
}

impl Closer {
    pub(super) fn new(plans: Arc<Plans>, latest: Arc<Latest>, bursts: IntCounterVec) -> Self {
        Self {
            plans,
            latest,
            bursts,
            asked: HashMap::new(),
        }
    }

    /// Asks about the incidents that are open and waver. Never waits.
    pub(super) fn look<'i>(&mut self, open: impl Iterator<Item = &'i Incident> + Clone) {
        self.asked
            .retain(|id, _| open.clone().any(|incident| incident.id == *id));
        let mut asked = 0;
        for incident in open {
            let Some(segment) = tells_apart(incident) else {
                continue;
            };
            let before = self.asked.get(&incident.id);
            if before.is_some_and(|(at, times)| at.elapsed() < AGAIN || *times >= MOST) {
                continue;
            }
            if asked >= AT_ONCE {
                return;
            }
            asked += 1;
            let times = before.map_or(1, |(_, times)| times + 1);
            self.asked
                .insert(incident.id.clone(), (Instant::now(), times));
            for centre in incident.scope.iter().take(CENTRES) {
                let outcome = self.ask(centre, segment);
                self.bursts.with_label_values(&[outcome]).inc();
            }
        }
    }

    /// Asks somebody of a centre who is there and probes such a link; the word for what came of it.
    fn ask(&self, centre: &str, segment: plan::Segment) -> &'static str {
        let Ok(centre) = centre.parse() else {
            return "away";
        };
        let mut outcome = "away";
        for (device, target) in self.links(&centre, segment) {
            let asked = self.plans.bursts().ask(&device, segment, &target, 0);
            outcome = match asked {
                Ok(()) => return "asked",
                Err(NotAsked::Away) => "away",
                Err(NotAsked::TooOften) => "too_often",
                Err(NotAsked::NoLink) => "no_link",
            };
        }
        outcome
    }

    /// The links of a segment that machines of a centre probe, of each machine one.
    fn links(
        &self,
        centre: &proto::ids::CentreId,
        segment: plan::Segment,
    ) -> Vec<(DeviceKey, String)> {
        let mut links = Vec::new();
        self.latest.visit(Some(centre), |device| {
            if device.presence() != Presence::Live || device.enrolled().is_none() {
                return;
            }
            let targets = device.of(&catalogue::LINK_SENT).filter_map(|slot| {
                let labels = &slot.name.series.labels;
                let label = |name| labels.iter().find(|(label, _)| *label == name);
                let (_, of) = label("segment")?;
                let (_, target) = label("target")?;
                (of == segment.as_str()).then_some(target)
            });
            if let Some(target) = targets.min() {
                links.push((device.key.clone(), target.clone()));
            }
        });
        links
    }
}

/// The segment whose link tells the two likeliest causes of an incident apart; nothing where one is likely enough, or
/// echoes cannot.
fn tells_apart(incident: &Incident) -> Option<plan::Segment> {
    let second = incident.alternatives.first()?;
    let is_close = incident.confidence < SURE && second.p >= incident.confidence * CLOSE;
    if !is_close || incident.stage != Stage::Provisional || incident.until.is_some() {
        return None;
    }
    let place = |fault: &str| fault.parse::<Fault>().ok().and_then(Fault::segment);
    let (one, other) = (place(&incident.fault)?, place(&second.fault)?);
    if one == other {
        return None;
    }
    match one.min(other) {
        // A machine's own card is told by its neighbours.
        Segment::Device | Segment::Lan => Some(plan::Segment::Lan),
        Segment::Gateway => Some(plan::Segment::Gateway),
        Segment::Line => Some(plan::Segment::Line),
        Segment::Isp => Some(plan::Segment::Isp),
        Segment::Core | Segment::Dns | Segment::Service | Segment::Route => {
            Some(plan::Segment::Core)
        }
        Segment::Power | Segment::Printer => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use diagnosis::event::Alternative;
    use jiff::Timestamp;
    use proto::metrics::Part;
    use proto::stream::Series;

    use super::*;
    use crate::latest::{Enrolled, lock};
    use crate::scouts::Scouts;
    use crate::watch::fixture::incident;

    fn wavering(fault: &str, confidence: f64, other: &str, p: f64) -> Incident {
        let mut incident = incident("one", &["cong-son"], 1_000.0);
        fault.clone_into(&mut incident.fault);
        incident.confidence = confidence;
        incident.alternatives = vec![Alternative {
            segment: None,
            fault: other.into(),
            p,
        }];
        incident
    }

    #[test]
    fn the_nearer_of_two_places_tells_them_apart() {
        let check = |fault, confidence, other, p, expected| {
            let incident = wavering(fault, confidence, other, p);
            assert_eq!(tells_apart(&incident), expected, "{fault} {other}");
        };
        let gateway = Some(plan::Segment::Gateway);
        check("line_down", 0.5, "gateway_down", 0.4, gateway);
        check("gateway_down", 0.5, "line_down", 0.4, gateway);
        check("isp_down", 0.5, "line_down", 0.4, Some(plan::Segment::Line));
        check(
            "lan_lossy",
            0.5,
            "pc_wifi_lossy",
            0.4,
            Some(plan::Segment::Lan),
        );
        // One is likely enough, or much likelier, or both are in one place.
        check("line_down", 0.95, "gateway_down", 0.4, None);
        check("line_down", 0.8, "gateway_down", 0.1, None);
        check("line_lossy", 0.5, "line_slow", 0.4, None);
        check("power_outage", 0.5, "printer_fault", 0.4, None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_probes_the_link_is_asked_and_not_for_ever() {
        let plan = crate::config::Config::default().plan;
        let latest = Arc::new(Latest::under(&plan));
        let plans = Plans::new(plan.clone(), Scouts::new(&plan, Vec::new()));
        let key = DeviceKey {
            centre: "cong-son".parse().unwrap(),
            device: "pc-1".parse().unwrap(),
        };
        let enrolled = Enrolled {
            agent: "agent-1".parse().unwrap(),
            kind: "pc".into(),
            version: "1".into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            certificate_until: None,
            last_report: None,
            goodbye: None,
        };
        latest.follow([(key.clone(), enrolled)]);
        let metrics = prometheus::Registry::new();
        let bursts = crate::readiness::Metrics::new(&metrics).unwrap().bursts;
        let mut closer = Closer::new(Arc::clone(&plans), Arc::clone(&latest), bursts.clone());
        let count = |outcome| bursts.with_label_values(&[outcome]).get();
        let doubtful = [wavering("line_down", 0.5, "gateway_down", 0.4)];
        closer.look(doubtful.iter());
        assert_eq!((count("asked"), count("away")), (0, 1), "nobody is there");

        let now = Timestamp::now();
        {
            let device = latest.device(&key).unwrap();
            let mut device = lock(&device);
            device.begin_stream(now.as_millisecond());
            let series = Series {
                device: None,
                metric: &catalogue::LINK_SENT,
                part: Part::Value,
                labels: vec![("segment", "gateway".into()), ("target", "10.0.0.1".into())],
            };
            let slot = device.slot(&series).unwrap();
            device.receiving().update(slot, now.as_millisecond(), 5.0);
            device.reported(now, 0.0, 0);
        }
        let mut asked = plans.bursts().connected(key);
        closer.look(doubtful.iter());
        assert_eq!(count("asked"), 0, "it was asked just now");
        for _ in 0..10 {
            tokio::time::advance(AGAIN).await;
            closer.look(doubtful.iter());
            while let Ok(burst) = asked.try_recv() {
                assert_eq!(burst.target, "10.0.0.1");
            }
        }
        assert_eq!(count("asked"), u64::from(MOST) - 1);
    }
}
