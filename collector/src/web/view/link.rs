//! A link of a device, put together from its series, and judged by its last quarter of an hour.

use std::net::IpAddr;

use proto::metrics::{self as catalogue, Metric};
use proto::plan::Segment;
use proto::thresholds::{JUDGED_OVER, LOSS, RTT};

use super::{Detail, Standing, judge, median};
use crate::latest::Slot;

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
    /// 95th percentile less median of the last hundred.
    pub(in crate::web) spread: Option<f64>,
    /// Of the last round.
    pub(in crate::web) loss: Option<f64>,
    pub(in crate::web) sent: Option<f64>,
    pub(in crate::web) received: Option<f64>,
    pub(in crate::web) duplicates: Option<f64>,
    pub(in crate::web) reordered: Option<f64>,
    /// Mean loss of the minutes that links are judged by. `None` when nothing has ever answered.
    pub(in crate::web) recent_loss: Option<f64>,
    /// Whether these minutes are enough to judge by.
    loss_is_judged: bool,
    /// Median delay over the same minutes.
    recent_delay: Option<f64>,
    /// Whether it answers badly and something beyond it well: routers answer echoes when they have time.
    pub(in crate::web) excused: bool,
    /// How many devices this is the middle of.
    pub(in crate::web) devices: usize,
    /// Minute by minute, oldest first; empty unless asked for, as is the next.
    pub(in crate::web) rtt_history: Vec<Option<f32>>,
    pub(in crate::web) loss_history: Vec<Option<f32>>,
}

impl Link {
    pub(super) fn to(segment: &str, target: &str) -> Self {
        Self {
            segment: segment.to_owned(),
            target: target.to_owned(),
            devices: 1,
            ..Self::default()
        }
    }

    /// Finishes the links of a device and puts the nearest segment first.
    pub(super) fn settle(links: &mut [Self]) {
        for link in links.iter_mut() {
            if link.never_answered() {
                link.recent_loss = None;
            }
        }
        links.sort_by_cached_key(|link| (link.distance(), link.target.clone()));
        Self::excuse(links);
    }

    /// Excuses routers of the ISP behind which all is well.
    fn excuse(links: &mut [Self]) {
        let good = |link: &&Self| link.crosses_line() && link.is_good();
        let farthest = links.iter().filter(good).map(Self::distance).max();
        for link in links {
            // A hop goes by its address. Whoever named a target chose one that answers.
            let is_hop = matches!(link.segment.as_str(), "line" | "isp")
                && link.target.parse::<IpAddr>().is_ok();
            let weak = link.standing().is_some_and(Standing::is_weak);
            link.excused = is_hop && weak && farthest.is_some_and(|far| far > link.distance());
        }
    }

    /// The links of several devices to the same targets as one each: times and loss are the middle ones.
    pub(in crate::web) fn middle<'l>(links: impl Iterator<Item = &'l Self>) -> Vec<Self> {
        let mut links: Vec<_> = links.collect();
        links.sort_by_key(|link| (link.distance(), &link.segment, &link.target));
        let same = |one: &&Self, other: &&Self| {
            (&one.segment, &one.target) == (&other.segment, &other.target)
        };
        let mut middles: Vec<_> = links.chunk_by(same).map(Self::middle_of).collect();
        Self::excuse(&mut middles);
        middles
    }

    fn middle_of(links: &[&Self]) -> Self {
        let values = |value: fn(&Self) -> Option<f64>| links.iter().filter_map(move |l| value(l));
        let middle = |value| median(values(value).collect());
        let sum = |value| values(value).reduce(|sum, value| sum + value);
        let Some(first) = links.first() else {
            return Self::default();
        };
        Self {
            address: first.address.clone(),
            method: first.method.clone(),
            rtt_min: middle(|link| link.rtt_min),
            rtt_median: middle(|link| link.rtt_median),
            rtt_max: middle(|link| link.rtt_max),
            jitter: middle(|link| link.jitter),
            spread: middle(|link| link.spread),
            loss: middle(|link| link.loss),
            sent: sum(|link| link.sent),
            received: sum(|link| link.received),
            duplicates: sum(|link| link.duplicates),
            reordered: sum(|link| link.reordered),
            recent_loss: middle(|link| link.recent_loss),
            recent_delay: middle(|link| link.recent_delay),
            loss_is_judged: links.iter().any(|link| link.loss_is_judged),
            devices: links.len(),
            ..Self::to(&first.segment, &first.target)
        }
    }

    pub(super) fn take(&mut self, slot: &Slot, now_unix_ms: i64, detail: Detail) {
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
            let losses = if self.segment == "lan" {
                while_on(&history)
            } else {
                history.clone()
            };
            let (sum, count) =
                recent(&losses).fold((0.0, 0), |(sum, count), loss| (sum + loss, count + 1));
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
        } else if is(&catalogue::LINK_RTT_SPREAD) {
            self.spread = Some(slot.value);
        } else if is(&catalogue::LINK_DUPLICATES) {
            self.duplicates = Some(slot.value);
        } else if is(&catalogue::LINK_REORDERED) {
            self.reordered = Some(slot.value);
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

    /// Whether it is the line of another centre, seen from outside: that centre's page judges it.
    pub(in crate::web) fn is_reverse(&self) -> bool {
        self.segment == Segment::Reverse.as_str()
    }

    pub(in crate::web) fn is_gateway(&self) -> bool {
        self.segment == "gateway"
    }

    /// Whether its silence means nothing: reports come through the gateway to the collector, so these
    /// two work, resolvers often answer names and nothing else, and PCs of the same centre may be off.
    /// Whoever names an anchor, on the other hand, chose one that answers.
    fn may_ignore_echoes(&self) -> bool {
        matches!(self.segment.as_str(), "lan" | "gateway" | "dns") || self.target == "collector"
    }

    pub(super) fn is_good(&self) -> bool {
        self.standing() == Some(Standing::Good)
    }

    /// Whether it leads across the centre's line. A collector on the same machine does not.
    pub(in crate::web) fn crosses_line(&self) -> bool {
        let address = self.address.parse::<IpAddr>();
        matches!(self.segment.as_str(), "line" | "isp" | "core")
            && !address.is_ok_and(|address| address.is_loopback())
    }

    /// What it deserves by itself. `None` when too little is known: a target that may ignore echoes
    /// and does, loss over a minute or two, or a router behind which all is well.
    pub(in crate::web) fn standing(&self) -> Option<Standing> {
        if self.excused || self.is_reverse() {
            return None;
        }
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

/// Without the minutes in which a machine beside this one was switched off, or may have been about to:
/// that is no loss. The newest minute may be one of these, which the next will tell.
fn while_on(history: &[Option<f32>]) -> Vec<Option<f32>> {
    let is_off = |place: Option<usize>| {
        let loss = place.and_then(|place| history.get(place).copied().flatten());
        loss.is_some_and(|loss| loss >= 1.0)
    };
    let newest = history.len().saturating_sub(1);
    let kept = |(place, loss): (usize, &Option<f32>)| {
        let around = [place.checked_sub(1), Some(place), place.checked_add(1)];
        let on = place < newest && !around.into_iter().any(is_off);
        loss.filter(|_| on)
    };
    history.iter().enumerate().map(kept).collect()
}

/// The minutes that links are judged by, as far as anything was measured in them.
fn recent(history: &[Option<f32>]) -> impl Iterator<Item = f64> {
    let minutes = usize::try_from(JUDGED_OVER.as_secs() / 60).unwrap_or(usize::MAX);
    let recent = history.iter().rev().take(minutes);
    recent.flatten().map(|value| f64::from(*value))
}
