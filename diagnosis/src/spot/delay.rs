//! Where the way begins to be late. Without a record of what is usual here the thresholds are coarse: what
//! is felt by whoever waits for a page of some ten round trips.

use std::time::Duration;

use super::way::{Point, Way};
use super::{Case, Finding, Reason};
use crate::Fault;
use crate::evidence::{Link, Rtt};

/// A router next door that takes longer is busy, or behind bad Wi-Fi.
const LATE_GATEWAY: Duration = Duration::from_millis(50);

/// A stretch that adds more is felt.
const LATE: Duration = Duration::from_millis(150);

/// A queue that fills and empties spreads round-trip times by more than this; distance does not.
const QUEUE: Duration = Duration::from_millis(50);

/// Finds where the way begins to be late.
pub(super) fn way(way: &Way) -> Finding {
    let Some((point, rtt)) = begins_at(way) else {
        let measured = |point: &Point| way.median(*point).is_some();
        return if Point::ALL.iter().any(measured) {
            Finding::Well
        } else {
            Finding::NotEnough
        };
    };
    match (point, way.quickest(point)) {
        (_, None) => Finding::NotEnough,
        (Point::Gateway, _) => late_gateway(way, rtt),
        (Point::Line, Some(link)) => late_line(link, rtt, 0.1),
        (_, Some(link)) if way.median(Point::Line).is_none() => late_line(link, rtt, 0.3),
        (_, Some(link)) => {
            let others = [(Fault::LineSlow, 0.2)];
            Finding::fault(Case::IspSlow { rtt }, 0.75, others, vec![late(link, rtt)])
        }
    }
}

/// Whether a link of this point is late, because the way is from there on or from nearer.
pub(super) fn is_late(way: &Way, point: Point, link: &Link) -> bool {
    let begins = begins_at(way);
    link.rtt.is_some() && begins.is_some_and(|(begins, _)| point >= begins)
}

/// Where the way begins to be late, and how late it is there.
fn begins_at(way: &Way) -> Option<(Point, Duration)> {
    let gateway = way.median(Point::Gateway);
    if let Some(rtt) = gateway.filter(|rtt| *rtt >= LATE_GATEWAY) {
        return Some((Point::Gateway, rtt));
    }
    let mut nearer = gateway.unwrap_or_default();
    for point in [Point::Line, Point::Far] {
        let Some(rtt) = way.median(point) else {
            continue;
        };
        if rtt.saturating_sub(nearer) >= LATE {
            return Some((point, rtt));
        }
        nearer = rtt;
    }
    None
}

fn late(link: &Link, rtt: Duration) -> Reason {
    let target = link.target.clone();
    Reason::Late { target, rtt }
}

fn late_gateway(way: &Way, rtt: Duration) -> Finding {
    let because = way.quickest(Point::Gateway).map(|link| late(link, rtt));
    let because: Vec<Reason> = because.into_iter().collect();
    let case = Case::GatewaySlow { rtt };
    if way.is_wifi() {
        Finding::fault(case, 0.5, [(Fault::PcWifiLossy, 0.4)], because)
    } else {
        Finding::fault(case, 0.7, [(Fault::LanLossy, 0.15)], because)
    }
}

/// A late line is full or merely long. `isp` is how likely it is not the line.
fn late_line(link: &Link, rtt: Duration, isp: f64) -> Finding {
    let because = vec![late(link, rtt)];
    let spread = |rtt: Rtt| rtt.p95.saturating_sub(rtt.min);
    if link.rtt.map(spread).unwrap_or_default() >= QUEUE {
        let others = [(Fault::LineSlow, 0.15), (Fault::IspDegraded, isp)];
        Finding::fault(Case::LineFull { rtt }, 0.75 - isp / 2.0, others, because)
    } else {
        let others = [(Fault::LineSaturated, 0.2), (Fault::IspDegraded, isp)];
        Finding::fault(Case::LineSlow { rtt }, 0.75 - isp / 2.0, others, because)
    }
}
