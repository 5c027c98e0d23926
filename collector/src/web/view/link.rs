//! A link of a device, put together from its series, and judged by its last quarter of an hour.

use std::collections::HashMap;

use proto::metrics::{self as catalogue, Metric};

use super::{DELAY_SECONDS, LOSS, Standing, median};
use crate::latest::{Device, Slot};

/// Minutes over which loss is judged: one round is too few packets.
pub(in crate::web) const JUDGED_MINUTES: usize = 15;
/// With fewer minutes measured, loss is shown and not yet judged.
const FEWEST_MINUTES: usize = 3;
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
    /// Minute by minute, oldest first.
    pub(in crate::web) rtt_history: Vec<Option<f32>>,
    /// Minute by minute, oldest first.
    pub(in crate::web) loss_history: Vec<Option<f32>>,
}

impl Link {
    /// The links of a device, from the nearest segment to the farthest.
    pub(in crate::web) fn all_of(device: &Device, now_unix_ms: i64) -> Vec<Self> {
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
    pub(in crate::web) fn never_answered(&self) -> bool {
        self.sent.is_some_and(|sent| sent > 0.0) && self.received == Some(0.0)
    }

    /// Mean loss of the minutes that loss is judged by, and whether they are enough for that.
    pub(in crate::web) fn recent_loss(&self) -> Option<(f64, bool)> {
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

    /// Whether it leads across the centre's line.
    pub(super) fn crosses_line(&self) -> bool {
        matches!(self.segment.as_str(), "line" | "isp" | "core")
    }

    /// What it deserves by itself.
    pub(in crate::web) fn standing(&self) -> Standing {
        if self.never_answered() {
            return if self.may_ignore_echoes() {
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
