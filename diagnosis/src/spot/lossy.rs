//! Where packets begin to be lost. What is lost at a point is lost behind it too, so that loss can only grow
//! outwards: where it seems to shrink, chance did it, and such points are judged together.
//!
//! A nearer point is clean only when its loss is less than that behind it for certain. Where that may be
//! luck, the loss begins at the nearer point if that loses noticeably itself; else both are named.

use super::loss::Loss;
use super::way::{Point, Way, loss};
use super::{Case, Finding, Reason};
use crate::Fault;
use crate::evidence::Link;

/// Points that lose alike.
struct Stretch<'a> {
    nearest: (Point, &'a Link),
    farthest: (Point, &'a Link),
    loss: Loss,
    /// Whether one point is lossy by itself: all of them are asked at the same time, so that one burst of
    /// loss takes echoes from each.
    is_lossy: bool,
}

/// Where packets begin to be lost.
struct Beginning<'a> {
    /// From here on.
    lossy: Stretch<'a>,
    /// The last point before that is clean.
    clean: Option<(Point, &'a Link)>,
    /// It may begin here already.
    doubtful: Option<Point>,
}

/// Finds where the way begins to lose packets.
pub(super) fn way(way: &Way) -> Finding {
    let stretches = stretches(way);
    if stretches.is_empty() {
        return Finding::NotEnough;
    }
    let Some(beginning) = beginning(stretches) else {
        return Finding::Well;
    };
    let Beginning {
        lossy,
        clean,
        doubtful,
    } = beginning;
    let mut because = vec![said(lossy.nearest.1)];
    because.extend(clean.map(|(_, link)| Reason::Clean {
        target: link.target.clone(),
        sent: link.sent,
    }));
    let (point, _) = lossy.nearest;
    let clean = clean.map(|(point, _)| point);
    let Some(nearer) = doubtful else {
        return beginning_at(way, point, lossy.loss, clean, because);
    };
    let other = suspected(way, nearer, lossy.loss, None);
    let case = suspected(way, point, lossy.loss, Some(nearer));
    let other = other.fault().unwrap_or(Fault::Unknown);
    Finding::fault(case, 0.55, [(other, 0.4)], because)
}

/// The point at and behind which packets are lost, where there is one.
pub(super) fn begins_at(way: &Way) -> Option<Point> {
    let beginning = beginning(stretches(way))?;
    Some(beginning.lossy.nearest.0)
}

/// The way, cut where loss grows.
fn stretches<'a>(way: &Way<'a>) -> Vec<Stretch<'a>> {
    let mut stretches: Vec<Stretch<'a>> = Vec::new();
    for point in Point::ALL {
        let Some(link) = way.trusted(point) else {
            continue;
        };
        let mut next = Stretch {
            nearest: (point, link),
            farthest: (point, link),
            loss: loss(link),
            is_lossy: loss(link).is_lossy(),
        };
        while let Some(last) = stretches.pop_if(|last| last.loss.rate() >= next.loss.rate()) {
            next.nearest = last.nearest;
            next.loss = next.loss.and(last.loss);
            next.is_lossy |= last.is_lossy;
        }
        stretches.push(next);
    }
    stretches
}

fn beginning(mut stretches: Vec<Stretch<'_>>) -> Option<Beginning<'_>> {
    let first = stretches
        .iter()
        .position(|stretch| stretch.is_lossy && stretch.loss.is_lossy())?;
    let mut rest = stretches.split_off(first).into_iter();
    let mut lossy = rest.next()?;
    let mut all = rest.fold(lossy.loss, |all, stretch| all.and(stretch.loss));
    let mut doubtful = None;
    while let Some(nearer) = stretches.pop_if(|nearer| !nearer.loss.is_less_than(all)) {
        all = all.and(nearer.loss);
        if doubtful.is_none() && nearer.loss.is_suspect() {
            lossy.nearest = nearer.nearest;
            lossy.loss = lossy.loss.and(nearer.loss);
        } else {
            doubtful = Some(nearer.nearest.0);
        }
    }
    Some(Beginning {
        lossy,
        clean: stretches.pop().map(|clean| clean.farthest),
        doubtful,
    })
}

fn said(link: &Link) -> Reason {
    let loss = loss(link);
    Reason::Loss {
        target: link.target.clone(),
        lost: loss.lost,
        sent: loss.sent,
    }
}

/// What is wrong when packets are lost from here on.
fn suspected(way: &Way, lossy: Point, loss: Loss, clean: Option<Point>) -> Case {
    let loss = loss.rate();
    let frames = way.evidence.nic.as_ref().map_or(0, |nic| nic.errors);
    match (lossy, clean) {
        (Point::Gateway, _) if way.is_wifi() => Case::WifiLossy { loss },
        (Point::Gateway, _) if frames > 0 => Case::CardErrors { loss },
        (Point::Gateway, _) => Case::LanLossy { loss },
        // The far end of the line says nothing.
        (Point::Line, _) | (_, None | Some(Point::Gateway)) => Case::LineLossy { loss },
        (Point::Isp | Point::Far, Some(_)) => Case::IspLossy { loss },
    }
}

/// The fault, given the first lossy point and the last clean one before it.
fn beginning_at(
    way: &Way,
    lossy: Point,
    loss: Loss,
    clean: Option<Point>,
    mut because: Vec<Reason>,
) -> Finding {
    let case = suspected(way, lossy, loss, clean);
    let frames = way.evidence.nic.as_ref().map_or(0, |nic| nic.errors);
    match (&case, lossy, clean) {
        (Case::WifiLossy { .. }, ..) => {
            let others = [(Fault::LanLossy, 0.1)];
            Finding::fault(case, 0.85, others, because)
        }
        (Case::CardErrors { .. }, ..) => {
            because.push(Reason::DamagedFrames { frames });
            let others = [(Fault::LanLossy, 0.1)];
            Finding::fault(case, 0.85, others, because)
        }
        (Case::LanLossy { .. }, ..) => {
            let others = [(Fault::PcNicErrors, 0.12), (Fault::GatewayOverloaded, 0.08)];
            Finding::fault(case, 0.75, others, because)
        }
        (Case::LineLossy { .. }, Point::Line, Some(_)) => {
            let others = [(Fault::GatewayOverloaded, 0.05)];
            Finding::fault(case, 0.92, others, because)
        }
        (Case::LineLossy { .. }, _, Some(_)) => {
            let others = [(Fault::IspDegraded, 0.2)];
            Finding::fault(case, 0.75, others, because)
        }
        (Case::LineLossy { .. }, _, None) => {
            let nearer = if way.is_wifi() {
                Fault::PcWifiLossy
            } else {
                Fault::LanLossy
            };
            let others = [(nearer, 0.25), (Fault::IspDegraded, 0.1)];
            Finding::fault(case, 0.62, others, because)
        }
        _ => {
            let others = [(Fault::LineLossy, 0.1)];
            Finding::fault(case, 0.85, others, because)
        }
    }
}
