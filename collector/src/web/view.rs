//! What the pages and the API show, copied out of the live view: links put together from their
//! series, devices counted by centre, and how much attention a centre deserves.
//!
//! [`Standing`] ranks centres for a reader's eye from live values alone. It is no diagnosis: it names
//! no cause and wakes nobody.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use proto::ids::CentreId;
use proto::metrics::{self as catalogue, Metric};
use proto::stream::Series;

use super::Web;
use crate::latest::{Device, DeviceKey, Enrolled, Presence, Slot};
use crate::registry::Centre;

/// Minutes over which loss is judged: one round is too few packets.
pub(super) const JUDGED_MINUTES: usize = 15;
/// With fewer minutes measured, loss is shown and not yet judged.
const FEWEST_MINUTES: usize = 3;
/// Loss and delay from which a line is worth a look, and from which it is poor.
pub(super) const LOSS: Thresholds = Thresholds {
    notice: 0.03,
    poor: 0.08,
};
pub(super) const DELAY_SECONDS: Thresholds = Thresholds {
    notice: 0.150,
    poor: 0.300,
};
/// An agent's clock further off than this is called wrong.
pub(super) const CLOCK_WRONG_SECONDS: f64 = 5.0;

/// Where notice begins and where it gets serious.
pub(super) struct Thresholds {
    pub(super) notice: f64,
    pub(super) poor: f64,
}

impl Thresholds {
    /// What a value deserves by itself.
    pub(super) fn judge(&self, value: f64) -> Standing {
        if value >= self.poor {
            Standing::Poor
        } else if value >= self.notice {
            Standing::Notice
        } else {
            Standing::Good
        }
    }
}

/// How much attention a centre deserves, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Nothing reports, and something should.
    Lost,
    /// A link loses or delays much.
    Poor,
    /// Some devices are silent, or a link is not what it should be.
    Notice,
    /// Nothing has ever reported.
    Unknown,
    /// Devices report over good links.
    Good,
    /// Shut down, or closed: not a fault.
    Off,
}

impl Standing {
    /// All, most attention first.
    pub(super) const ALL: [Self; 6] = [
        Self::Lost,
        Self::Poor,
        Self::Notice,
        Self::Unknown,
        Self::Good,
        Self::Off,
    ];

    /// A stable word for classes and anchors.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Poor => "poor",
            Self::Notice => "notice",
            Self::Unknown => "unknown",
            Self::Good => "good",
            Self::Off => "off",
        }
    }
}

/// Devices of a centre by presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) live: usize,
    pub(super) silent: usize,
    pub(super) goodbye: usize,
    pub(super) never: usize,
}

impl Counts {
    pub(super) fn add(&mut self, presence: Presence) {
        let count = match presence {
            Presence::Live => &mut self.live,
            Presence::Silent => &mut self.silent,
            Presence::Goodbye => &mut self.goodbye,
            Presence::Never => &mut self.never,
        };
        *count += 1;
    }

    pub(super) fn total(self) -> usize {
        self.live + self.silent + self.goodbye + self.never
    }
}

/// One link of one device: everything its series say.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Link {
    pub(super) segment: String,
    pub(super) target: String,
    pub(super) address: String,
    pub(super) method: String,
    pub(super) rtt_min: Option<f64>,
    pub(super) rtt_median: Option<f64>,
    pub(super) rtt_max: Option<f64>,
    pub(super) jitter: Option<f64>,
    /// Of the last round.
    pub(super) loss: Option<f64>,
    pub(super) sent: Option<f64>,
    pub(super) received: Option<f64>,
    /// Minute by minute, oldest first.
    pub(super) rtt_history: Vec<Option<f32>>,
    /// Minute by minute, oldest first.
    pub(super) loss_history: Vec<Option<f32>>,
}

impl Link {
    /// The links of a device, from the nearest segment to the farthest.
    pub(super) fn all_of(device: &Device, now_unix_ms: i64) -> Vec<Self> {
        let mut links: Vec<Self> = Vec::new();
        let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
        for slot in device.live() {
            if !slot
                .series
                .metric
                .labels
                .starts_with(&["segment", "target"])
            {
                continue;
            }
            let (segment, target) = (slot.label("segment"), slot.label("target"));
            let position = *positions.entry((segment, target)).or_insert_with(|| {
                links.push(Self {
                    segment: segment.to_owned(),
                    target: target.to_owned(),
                    ..Self::default()
                });
                links.len() - 1
            });
            if let Some(link) = links.get_mut(position) {
                link.take(slot, now_unix_ms);
            }
        }
        links.sort_by_cached_key(|link| (link.distance(), link.target.clone()));
        links
    }

    fn take(&mut self, slot: &Slot, now_unix_ms: i64) {
        let is = |metric: &'static Metric| slot.series.metric == metric;
        if is(&catalogue::LINK_RTT_MEDIAN) {
            self.rtt_median = Some(slot.value);
            self.rtt_history = slot.history(now_unix_ms);
        } else if is(&catalogue::LINK_LOSS) {
            self.loss = Some(slot.value);
            self.loss_history = slot.history(now_unix_ms);
        } else if is(&catalogue::LINK_RTT_MIN) {
            self.rtt_min = Some(slot.value);
        } else if is(&catalogue::LINK_RTT_MAX) {
            self.rtt_max = Some(slot.value);
        } else if is(&catalogue::LINK_JITTER) {
            self.jitter = Some(slot.value);
        } else if is(&catalogue::LINK_SENT) {
            self.sent = Some(slot.value);
        } else if is(&catalogue::LINK_RECEIVED) {
            self.received = Some(slot.value);
        } else if is(&catalogue::LINK_METHOD_INFO) {
            slot.label("address").clone_into(&mut self.address);
            slot.label("method").clone_into(&mut self.method);
        }
    }

    /// Whether the target has answered nothing at all since the agent started. Many routers and
    /// resolvers ignore echoes, so this is not loss; nor does it say that all is well.
    pub(super) fn never_answered(&self) -> bool {
        self.sent.is_some_and(|sent| sent > 0.0) && self.received == Some(0.0)
    }

    /// Mean loss of the minutes that loss is judged by, and whether they are enough for that.
    pub(super) fn recent_loss(&self) -> Option<(f64, bool)> {
        if self.never_answered() {
            return None;
        }
        let recent = self.loss_history.iter().rev().take(JUDGED_MINUTES);
        let measured: Vec<f64> = recent.flatten().map(|loss| f64::from(*loss)).collect();
        let count = u32::try_from(measured.len())
            .ok()
            .filter(|count| *count > 0)?;
        let mean = measured.iter().sum::<f64>() / f64::from(count);
        Some((mean, measured.len() >= FEWEST_MINUTES))
    }

    /// Median delay over the same minutes.
    fn recent_delay(&self) -> Option<f64> {
        let recent = self.rtt_history.iter().rev().take(JUDGED_MINUTES);
        median(recent.flatten().map(|delay| f64::from(*delay)).collect())
    }

    /// Whether it is measured by opening TCP connections.
    pub(super) fn is_over_tcp(&self) -> bool {
        self.method.starts_with("tcp")
    }

    /// How far along the path its segment is; what we do not know comes last.
    pub(super) fn distance(&self) -> usize {
        const PATH: [&str; 8] = [
            "device", "lan", "gateway", "line", "isp", "core", "dns", "service",
        ];
        let known = PATH.iter().position(|known| *known == self.segment);
        known.unwrap_or(PATH.len())
    }

    pub(super) fn is_gateway(&self) -> bool {
        self.segment == "gateway"
    }

    /// Whether it leads across the centre's line.
    fn crosses_line(&self) -> bool {
        matches!(self.segment.as_str(), "line" | "isp" | "core")
    }

    /// What it deserves by itself.
    pub(super) fn standing(&self) -> Standing {
        if self.never_answered() {
            // The agent's reports come through the gateway: it works, and ignores echoes.
            return if self.is_gateway() {
                Standing::Good
            } else {
                Standing::Notice
            };
        }
        let loss = match self.recent_loss() {
            Some((loss, true)) => LOSS.judge(loss),
            _ => Standing::Good,
        };
        let delay = self.recent_delay().map(|delay| DELAY_SECONDS.judge(delay));
        loss.min(delay.unwrap_or(Standing::Good))
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The loss of a centre's worst link.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WorstLoss {
    pub(super) ratio: f64,
    pub(super) segment: String,
}

/// A centre as it stands now.
#[derive(Debug, Clone)]
pub(super) struct CentreNow {
    pub(super) centre: Centre,
    pub(super) open: Option<bool>,
    pub(super) counts: Counts,
    pub(super) standing: Standing,
    /// When a device of it last reported.
    pub(super) last_report: Option<Timestamp>,
    pub(super) loss: Option<WorstLoss>,
    /// A target that answers nothing, when that is worth a look.
    pub(super) unanswered: Option<String>,
    /// The middle one of its devices' delays.
    pub(super) gateway_delay: Option<f64>,
    /// The middle one of its devices' delays across the line.
    pub(super) line_delay: Option<f64>,
}

/// What is summed up over the devices of a centre.
#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    /// Silent ones that should not be, even when the centre is closed.
    silent_routers: usize,
    last_report: Option<Timestamp>,
    worst: Option<WorstLoss>,
    unanswered: Option<String>,
    worst_link: Option<Standing>,
    gateway_delays: Vec<f64>,
    line_delays: Vec<f64>,
}

impl Tally {
    fn add(&mut self, device: &Device, now_unix_ms: i64) {
        let presence = device.presence();
        self.counts.add(presence);
        if presence == Presence::Silent && device.enrolled.kind == "router" {
            self.silent_routers += 1;
        }
        self.last_report = self.last_report.max(device.last_report);
        for link in Link::all_of(device, now_unix_ms) {
            let standing = link.standing();
            self.worst_link = Some(
                self.worst_link
                    .map_or(standing, |worst| worst.min(standing)),
            );
            if let Some(delay) = link.rtt_median {
                if link.is_gateway() {
                    self.gateway_delays.push(delay);
                } else if link.crosses_line() {
                    self.line_delays.push(delay);
                }
            }
            let ratio = link.recent_loss().map(|(ratio, _)| ratio);
            if let Some(ratio) = ratio
                && self.worst.as_ref().is_none_or(|worst| ratio > worst.ratio)
            {
                self.worst = Some(WorstLoss {
                    ratio,
                    segment: link.segment,
                });
            } else if link.never_answered() && standing == Standing::Notice {
                self.unanswered.get_or_insert(link.target);
            }
        }
    }

    fn standing(&self, open: Option<bool>) -> Standing {
        let counts = self.counts;
        let silence_matters = self.silent_routers > 0 || (counts.silent > 0 && open != Some(false));
        if counts.live > 0 {
            let links = self.worst_link.unwrap_or(Standing::Good);
            return if silence_matters {
                links.min(Standing::Notice)
            } else {
                links
            };
        }
        if silence_matters {
            Standing::Lost
        } else if counts.goodbye + counts.silent == 0 {
            Standing::Unknown
        } else if open == Some(true) {
            Standing::Notice
        } else {
            Standing::Off
        }
    }

    fn of_centre(self, centre: &Centre, open: Option<bool>) -> CentreNow {
        CentreNow {
            centre: centre.clone(),
            open,
            standing: self.standing(open),
            counts: self.counts,
            last_report: self.last_report,
            loss: self.worst,
            unanswered: self.unanswered,
            gateway_delay: median(self.gateway_delays),
            line_delay: median(self.line_delays),
        }
    }
}

impl Web {
    /// All centres, most attention first.
    pub(super) fn centres_now(&self) -> Vec<CentreNow> {
        let now = (self.now)();
        let mut tallies: HashMap<CentreId, Tally> = HashMap::new();
        self.latest.visit(None, |device| {
            let tally = match tallies.get_mut(&device.key.centre) {
                Some(tally) => tally,
                None => tallies.entry(device.key.centre.clone()).or_default(),
            };
            tally.add(device, now.as_millisecond());
        });
        let centres = self.known_centres();
        let mut all: Vec<CentreNow> = centres
            .iter()
            .map(|centre| {
                let tally = tallies.remove(&centre.id).unwrap_or_default();
                tally.of_centre(centre, self.is_open(centre, now))
            })
            .collect();
        all.sort_by(|one, other| {
            let loss = |centre: &CentreNow| centre.loss.as_ref().map_or(0.0, |loss| loss.ratio);
            one.standing
                .cmp(&other.standing)
                .then_with(|| other.counts.silent.cmp(&one.counts.silent))
                .then_with(|| loss(other).total_cmp(&loss(one)))
                .then_with(|| one.centre.id.cmp(&other.centre.id))
        });
        all
    }

    /// One centre and its devices, in order of name.
    pub(super) fn centre_now(&self, id: &str) -> Option<(CentreNow, Vec<DeviceNow>)> {
        let now = (self.now)();
        let centres = self.known_centres();
        let centre = centres.iter().find(|centre| centre.id.as_str() == id)?;
        let mut tally = Tally::default();
        let mut devices = Vec::new();
        self.latest.visit(Some(&centre.id), |device| {
            tally.add(device, now.as_millisecond());
            devices.push(DeviceNow::of(device, now));
        });
        Some((tally.of_centre(centre, self.is_open(centre, now)), devices))
    }

    /// One device.
    pub(super) fn device_now(&self, centre: &str, device: &str) -> Option<DeviceNow> {
        let key = DeviceKey {
            centre: centre.parse().ok()?,
            device: device.parse().ok()?,
        };
        let device = self.latest.device(&key)?;
        let device = crate::latest::lock(&device);
        Some(DeviceNow::of(&device, (self.now)()))
    }

    /// Shows every device of a centre, or of all centres, in order of centre and name.
    pub(super) fn visit_devices(
        &self,
        centre: Option<&CentreId>,
        mut visitor: impl FnMut(DeviceNow),
    ) {
        let now = (self.now)();
        self.latest
            .visit(centre, |device| visitor(DeviceNow::of(device, now)));
    }

    pub(super) fn known_centres(&self) -> Arc<Vec<Centre>> {
        Arc::clone(&self.centres.borrow())
    }

    pub(super) fn is_open(&self, centre: &Centre, now: Timestamp) -> Option<bool> {
        let hours = centre.hours.as_ref()?;
        Some(hours.is_open(now, self.utc_offset))
    }
}

/// A device as it stands now, with all its live values.
#[derive(Debug, Clone)]
pub(super) struct DeviceNow {
    pub(super) key: DeviceKey,
    pub(super) enrolled: Enrolled,
    pub(super) presence: Presence,
    pub(super) last_report: Option<Timestamp>,
    pub(super) clock_offset: Option<f64>,
    pub(super) dropped_samples: u64,
    pub(super) links: Vec<Link>,
    pub(super) values: Vec<Value>,
}

/// A live value.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) series: Series,
    pub(super) value: f64,
    pub(super) time_unix_ms: i64,
    /// Minute by minute, oldest first; empty for most metrics.
    pub(super) history: Vec<Option<f32>>,
}

impl DeviceNow {
    fn of(device: &Device, now: Timestamp) -> Self {
        let now_unix_ms = now.as_millisecond();
        let presence = device.presence();
        let value = |slot: &Slot| Value {
            series: slot.series.clone(),
            value: slot.value,
            time_unix_ms: slot.time_unix_ms,
            history: slot.history(now_unix_ms),
        };
        Self {
            key: device.key.clone(),
            enrolled: device.enrolled.clone(),
            presence,
            last_report: device.last_report,
            // What it was before the silence is not known to be still true.
            clock_offset: device.clock_offset.filter(|_| presence == Presence::Live),
            dropped_samples: device.dropped_samples,
            links: Link::all_of(device, now_unix_ms),
            values: device.live().map(value).collect(),
        }
    }

    /// The live series of one metric.
    pub(super) fn of_metric(&self, metric: &'static Metric) -> impl Iterator<Item = &Value> {
        self.values
            .iter()
            .filter(move |value| value.series.metric == metric)
    }

    /// The live value of a metric that has one series per device.
    pub(super) fn value(&self, metric: &'static Metric) -> Option<f64> {
        self.of_metric(metric).next().map(|value| value.value)
    }

    /// The value beside this one of another metric: same labels.
    pub(super) fn beside(&self, value: &Value, metric: &'static Metric) -> Option<f64> {
        let same = |other: &&Value| other.series.labels == value.series.labels;
        Some(self.of_metric(metric).find(same)?.value)
    }

    /// The clock's error in seconds, when it is large enough to be called wrong.
    pub(super) fn wrong_clock(&self) -> Option<f64> {
        self.clock_offset
            .filter(|offset| offset.abs() > CLOCK_WRONG_SECONDS)
    }
}

impl Value {
    /// The value of one of its labels, empty when it has none of that name.
    pub(super) fn label(&self, name: &str) -> &str {
        let label = self.series.labels.iter().find(|(label, _)| *label == name);
        label.map_or("", |(_, value)| value)
    }
}
