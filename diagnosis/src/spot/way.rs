//! The evidence as a way from the machine outwards: how far it was travelled, what each point loses, how
//! late it is.
//!
//! Two things are known of every way. What answers further out proves everything nearer: a router that
//! answers no echoes but forwards is fine. And what is lost or late at a point is lost or late behind it
//! too: where it is not, the point merely answers echoes reluctantly.

use std::time::Duration;

use super::loss::Loss;
use crate::evidence::{DnsOutcome, Evidence, Link, Medium, Place, Service, ServiceOutcome};

/// Echoes that must stay unanswered before something is called silent.
pub(super) const FEWEST_FOR_SILENCE: u32 = 3;

/// Points on the way, from the machine outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    Gateway,
    Line,
    Isp,
    Far,
}

impl Point {
    pub(super) const ALL: [Self; 4] = [Self::Gateway, Self::Line, Self::Isp, Self::Far];

    /// Neighbours are beside the way, not on it.
    pub(super) fn of(place: Place) -> Option<Self> {
        Some(match place {
            Place::Lan => return None,
            Place::Gateway | Place::Hop(0) => Self::Gateway,
            Place::Hop(1) => Self::Line,
            Place::Hop(_) => Self::Isp,
            Place::Anchor | Place::Collector => Self::Far,
        })
    }
}

/// What one machine saw through one network, as a way.
pub(super) struct Way<'a> {
    pub(super) evidence: &'a Evidence,
}

impl<'a> Way<'a> {
    /// The links of one point.
    pub(super) fn at(&self, point: Point) -> impl Iterator<Item = &'a Link> {
        self.links(move |at| at == point)
    }

    fn links(&self, wanted: impl Fn(Point) -> bool) -> impl Iterator<Item = &'a Link> {
        let links = self.evidence.links.iter();
        links.filter(move |link| Point::of(link.place).is_some_and(&wanted))
    }

    /// The links to other machines of the centre.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = &'a Link> {
        let links = self.evidence.links.iter();
        links.filter(|link| link.place == Place::Lan)
    }

    /// Whether something at or behind this point answered.
    pub(super) fn reaches(&self, point: Point) -> bool {
        let far = || {
            let services = self.evidence.services.iter();
            services.into_iter().any(proves_the_way)
                || self
                    .evidence
                    .dns
                    .iter()
                    .any(|dns| dns.is_beyond && dns.outcome == DnsOutcome::Answered)
        };
        self.links(|at| at >= point).any(Link::answers) || far()
    }

    /// What was tried at or behind this point.
    pub(super) fn asked(&self, point: Point) -> u32 {
        let echoes: u32 = self.links(|at| at >= point).map(|link| link.sent).sum();
        let services = self.evidence.services.iter();
        let attempts = services.filter(|service| {
            use ServiceOutcome::{Refused, Timeout, Unreachable};
            matches!(service.outcome, Timeout | Unreachable | Refused)
        });
        echoes.saturating_add(u32::try_from(attempts.count()).unwrap_or(u32::MAX))
    }

    /// The best of the links of a point that were measured well enough to judge their loss. What answers
    /// nothing at all is silent, not lossy.
    fn judged(&self, point: Point) -> Option<&'a Link> {
        let links = self
            .at(point)
            .filter(|link| link.answers() && loss(link).is_judged());
        links.min_by(|one, other| loss(one).rate().total_cmp(&loss(other).rate()))
    }

    /// As [`Way::judged`], and not merely reluctant.
    pub(super) fn trusted(&self, point: Point) -> Option<&'a Link> {
        self.judged(point)
            .filter(|link| !self.is_reluctant(point, link))
    }

    /// Whether something beside a link, or everything from some point behind it, loses less: then what it does
    /// not answer is not lost. One point behind alone may have been lucky.
    pub(super) fn is_reluctant(&self, point: Point, link: &Link) -> bool {
        let judged = |at| self.judged(at).map(loss);
        let behind = |from: Point| {
            let points = Point::ALL.into_iter().filter(move |at| *at >= from);
            points.filter_map(judged).reduce(Loss::and)
        };
        let rest = Point::ALL.into_iter().filter(|at| *at > point);
        rest.filter_map(behind)
            .chain(judged(point))
            .any(|other| other.shows_reluctance_of(loss(link)))
    }

    /// How long the way to a point takes: never longer than the way to something behind it.
    pub(super) fn median(&self, point: Point) -> Option<Duration> {
        self.at(point).find(|link| link.rtt.is_some())?;
        let behind = self.links(|other| other >= point);
        behind.filter_map(|link| Some(link.rtt?.median)).min()
    }

    /// Whether anything beyond the router was measured well enough to judge its loss.
    pub(super) fn is_judged(&self) -> bool {
        let mut beyond = [Point::Line, Point::Isp, Point::Far].into_iter();
        beyond.any(|point| self.judged(point).is_some())
    }

    /// The quickest link of a point.
    pub(super) fn quickest(&self, point: Point) -> Option<&'a Link> {
        let links = self.at(point).filter(|link| link.rtt.is_some());
        links.min_by_key(|link| link.rtt.map(|rtt| rtt.median))
    }

    pub(super) fn is_wifi(&self) -> bool {
        let nic = self.evidence.nic.as_ref();
        nic.is_some_and(|nic| nic.medium == Some(Medium::Wifi))
    }
}

pub(super) fn loss(link: &Link) -> Loss {
    Loss {
        sent: link.sent,
        lost: link.sent.saturating_sub(link.received),
    }
}

/// Whether an attempt got to somebody far away: what a login page, a refusal or a certificate nobody
/// vouches for says may come from the router.
fn proves_the_way(service: &Service) -> bool {
    use ServiceOutcome::{
        Answered, CertificateExpired, CertificateNotYetValid, ClockWrong, HttpError, TooLarge,
    };
    matches!(
        service.outcome,
        Answered | HttpError | TooLarge | ClockWrong | CertificateExpired | CertificateNotYetValid
    )
}
