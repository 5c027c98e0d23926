//! A link of a device, put together from its series, and judged by its last quarter of an hour.

use std::collections::HashMap;
use std::net::IpAddr;

use proto::metrics::{self as catalogue, Metric};
use proto::thresholds::{JUDGED_OVER, LOSS, RTT};

use super::{Detail, Standing, judge, median};
use crate::latest::{Device, Slot};

/// With fewer minutes measured, loss is shown and not yet judged.
const FEWEST_MINUTES: u32 = 3;

/// One link of one device: everything its series say.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::web) struct Link {
    pub(in crate::web) segment: String,
    pub(in crate::web) target: String,
    pub(in crate::web) address: String,
    pub(in crate::web) method: String,
    pub(in crate::web) rtt_min: Option<f64>,
    pub(in crate::web) rtt_median: Option<f64>,
    pub(in crate::web) rtt_max: Option<f64>,
    pub(in crate::web) jitter: Option<f64>,
    /// Of the last round.
    pub(in crate::web) loss: Option<f64>,
    pub(in crate::web) sent: Option<f64>,
    pub(in crate::web) received: Option<f64>,
    /// Mean loss of the minutes that links are judged by. `None` when nothing has ever answered.
    pub(in crate::web) recent_loss: Option<f64>,
    /// Whether these minutes are enough to judge by.
    loss_is_judged: bool,
    /// Median delay over the same minutes.
    recent_delay: Option<f64>,
    /// Minute by minute, oldest first; empty unless asked for, as is the next.
    pub(in crate::web) rtt_history: Vec<Option<f32>>,
    pub(in crate::web) loss_history: Vec<Option<f32>>,
}

impl Link {
    /// The links of a device, from the nearest segment to the farthest.
    pub(in crate::web) fn all_of(device: &Device, now_unix_ms: i64, detail: Detail) -> Vec<Self> {
        let mut links: Vec<Self> = Vec::new();
        let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
        for slot in device.live() {
            let metric = slot.series().metric;
            if !metric.labels.starts_with(&["segment", "target"]) {
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
                link.take(slot, now_unix_ms, detail);
            }
        }
        for link in &mut links {
            if link.never_answered() {
                link.recent_loss = None;
            }
        }
        links.sort_by_cached_key(|link| (link.distance(), link.target.clone()));
        links
    }

    fn take(&mut self, slot: &Slot, now_unix_ms: i64, detail: Detail) {
        let is = |metric: &'static Metric| slot.series().metric == metric;
        if is(&catalogue::LINK_RTT_MEDIAN) {
            self.rtt_median = Some(slot.value);
            let history = slot.history(now_unix_ms);
            self.recent_delay = median(recent(&history).collect());
            if detail == Detail::History {
                self.rtt_history = history;
            }
        } else if is(&catalogue::LINK_LOSS) {
            self.loss = Some(slot.value);
            let history = slot.history(now_unix_ms);
            let (sum, count) =
                recent(&history).fold((0.0, 0), |(sum, count), loss| (sum + loss, count + 1));
            self.recent_loss = (count > 0).then(|| sum / f64::from(count));
            self.loss_is_judged = count >= FEWEST_MINUTES;
            if detail == Detail::History {
                self.loss_history = history;
            }
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
    pub(in crate::web) fn never_answered(&self) -> bool {
        self.sent.is_some_and(|sent| sent > 0.0) && self.received == Some(0.0)
    }

    /// Whether it is measured by opening TCP connections.
    pub(in crate::web) fn is_over_tcp(&self) -> bool {
        self.method.starts_with("tcp")
    }

    /// How far along the path its segment is; what we do not know comes last.
    pub(in crate::web) fn distance(&self) -> usize {
        const PATH: [&str; 8] = [
            "device", "lan", "gateway", "line", "isp", "core", "dns", "service",
        ];
        let known = PATH.iter().position(|known| *known == self.segment);
        known.unwrap_or(PATH.len())
    }

    pub(in crate::web) fn is_gateway(&self) -> bool {
        self.segment == "gateway"
    }

    /// Whether its silence means nothing: reports come through the gateway to the collector, so these
    /// two work, and resolvers often answer names and nothing else. Whoever names an anchor, on the
    /// other hand, chose one that answers.
    fn may_ignore_echoes(&self) -> bool {
        matches!(self.segment.as_str(), "gateway" | "dns") || self.target == "collector"
    }

    /// Whether it leads across the centre's line. A collector on the same machine does not.
    pub(super) fn crosses_line(&self) -> bool {
        let address = self.address.parse::<IpAddr>();
        matches!(self.segment.as_str(), "line" | "isp" | "core")
            && !address.is_ok_and(|address| address.is_loopback())
    }

    /// What it deserves by itself. `None` when too little is known: a target that may ignore echoes
    /// and does, or loss over a minute or two.
    pub(in crate::web) fn standing(&self) -> Option<Standing> {
        if self.never_answered() {
            return (!self.may_ignore_echoes()).then_some(Standing::Notice);
        }
        let delay = self.recent_delay.map(|delay| judge(&RTT, delay));
        match self.judged_loss() {
            // Loss that may yet turn out to be much is no ground to call a link good.
            None if self.recent_loss.is_some() => delay.filter(|delay| *delay != Standing::Good),
            loss => [loss, delay].into_iter().flatten().min(),
        }
    }

    /// What its loss deserves. Little needs no further minutes to be called good, much does.
    pub(super) fn judged_loss(&self) -> Option<Standing> {
        let standing = judge(&LOSS, self.recent_loss?);
        (self.loss_is_judged || standing == Standing::Good).then_some(standing)
    }
}

/// The minutes that links are judged by, as far as anything was measured in them.
fn recent(history: &[Option<f32>]) -> impl Iterator<Item = f64> {
    let minutes = usize::try_from(JUDGED_OVER.as_secs() / 60).unwrap_or(usize::MAX);
    let recent = history.iter().rev().take(minutes);
    recent.flatten().map(|value| f64::from(*value))
}
