//! Where packets begin to be lost: the nearest point that loses and behind which nothing loses less.

use super::way::{Point, Way, loss};
use super::{Case, Finding, Reason};
use crate::Fault;
use crate::evidence::Link;

/// Finds where the way begins to lose packets.
pub(super) fn way(way: &Way) -> Finding {
    let trusted = Point::ALL.map(|point| (point, way.trusted(point)));
    let mut measured = trusted
        .into_iter()
        .filter_map(|(point, link)| Some((point, link?)))
        .peekable();
    if measured.peek().is_none() {
        return Finding::NotEnough;
    }
    let measured: Vec<(Point, &Link)> = measured.collect();
    // Every point behind must lose too: one that does not proves those before it.
    let lossy_from = measured
        .iter()
        .rposition(|(_, link)| !loss(link).is_lossy())
        .map_or(0, |clean| clean + 1);
    let Some((point, link)) = measured.get(lossy_from) else {
        return Finding::Well;
    };
    let clean = lossy_from
        .checked_sub(1)
        .and_then(|before| measured.get(before));
    let mut because = vec![said(link)];
    because.extend(clean.map(|(_, link)| Reason::Clean {
        target: link.target.clone(),
        sent: link.sent,
    }));
    beginning_at(way, *point, link, clean.map(|(point, _)| *point), because)
}

fn said(link: &Link) -> Reason {
    let loss = loss(link);
    Reason::Loss {
        target: link.target.clone(),
        lost: loss.lost,
        sent: loss.sent,
    }
}

/// The fault, given the first lossy point and the last clean one before it.
fn beginning_at(
    way: &Way,
    lossy: Point,
    link: &Link,
    clean: Option<Point>,
    mut because: Vec<Reason>,
) -> Finding {
    let loss = loss(link).rate();
    let frames = way.evidence.nic.as_ref().map_or(0, |nic| nic.errors);
    match (lossy, clean) {
        (Point::Gateway, _) if way.is_wifi() => {
            let others = [(Fault::LanLossy, 0.1)];
            Finding::fault(Case::WifiLossy { loss }, 0.85, others, because)
        }
        (Point::Gateway, _) if frames > 0 => {
            because.push(Reason::DamagedFrames { frames });
            let others = [(Fault::LanLossy, 0.1)];
            Finding::fault(Case::CardErrors { loss }, 0.85, others, because)
        }
        (Point::Gateway, _) => {
            let others = [(Fault::PcNicErrors, 0.12), (Fault::GatewayOverloaded, 0.08)];
            Finding::fault(Case::LanLossy { loss }, 0.75, others, because)
        }
        (Point::Line, Some(_)) => {
            let others = [(Fault::GatewayOverloaded, 0.05)];
            Finding::fault(Case::LineLossy { loss }, 0.92, others, because)
        }
        // The far end of the line says nothing.
        (Point::Isp | Point::Far, Some(Point::Gateway)) => {
            let others = [(Fault::IspDegraded, 0.2)];
            Finding::fault(Case::LineLossy { loss }, 0.75, others, because)
        }
        (_, None) => {
            let nearer = if way.is_wifi() {
                Fault::PcWifiLossy
            } else {
                Fault::LanLossy
            };
            let others = [(nearer, 0.25), (Fault::IspDegraded, 0.1)];
            Finding::fault(Case::LineLossy { loss }, 0.62, others, because)
        }
        (Point::Isp | Point::Far, Some(_)) => {
            let others = [(Fault::LineLossy, 0.1)];
            Finding::fault(Case::IspLossy { loss }, 0.85, others, because)
        }
    }
}
