//! What is wrong in one centre at one time, by its own evidence.

use crate::sentence::incident::{Because, Figure};
use crate::{Fault, Segment};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) fault: Fault,
    /// A PC's or a printer's name, or a service.
    pub(super) culprit: Option<String>,
    /// How likely it is this, of all that it may be.
    pub(super) confidence: f64,
    /// What else it may be.
    pub(super) others: Vec<(Fault, f64)>,
    /// Since when, Unix seconds.
    pub(super) since: f64,
    /// Whether nothing comes from the centre.
    pub(super) silent: bool,
    pub(super) figure: Figure,
    pub(super) supports: Vec<Because>,
    pub(super) against: Vec<Because>,
}

impl Finding {
    pub(super) fn new(fault: Fault, confidence: f64, since: f64) -> Self {
        Self {
            fault,
            culprit: None,
            confidence,
            others: Vec::new(),
            since,
            silent: false,
            figure: Figure::None,
            supports: Vec::new(),
            against: Vec::new(),
        }
    }

    pub(super) fn of(mut self, culprit: &str) -> Self {
        self.culprit = Some(culprit.to_owned());
        self
    }

    pub(super) fn or(mut self, fault: Fault, p: f64) -> Self {
        self.others.push((fault, p));
        self
    }

    pub(super) fn figure(mut self, figure: Figure) -> Self {
        self.figure = figure;
        self
    }

    pub(super) fn because(mut self, why: Because) -> Self {
        self.supports.push(why);
        self
    }

    pub(super) fn segment(&self) -> Option<Segment> {
        self.fault.segment()
    }

    /// Whether people cannot work at all because of it.
    pub(super) fn is_hard(&self) -> bool {
        is_hard(self.fault)
    }

    /// Whether it cuts the centre off, so that all else follows from it.
    pub(super) fn cuts_off(&self) -> bool {
        cuts_off(self.fault)
    }
}

pub(super) fn is_hard(fault: Fault) -> bool {
    use Fault::{
        CaptivePortal, DnsDown, DnsIspDown, MtuBlackhole, PcLinkDown, RouteBlocked, ServiceDown,
    };
    cuts_off(fault)
        || matches!(
            fault,
            CaptivePortal
                | DnsDown
                | DnsIspDown
                | MtuBlackhole
                | PcLinkDown
                | RouteBlocked
                | ServiceDown
        )
}

pub(super) fn cuts_off(fault: Fault) -> bool {
    use Fault::{
        CollectorDown, CollectorPathDown, GatewayDown, IspAreaDown, IspDown, LanDown, LineDown,
        PowerOutage,
    };
    matches!(
        fault,
        CollectorDown
            | CollectorPathDown
            | GatewayDown
            | IspAreaDown
            | IspDown
            | LanDown
            | LineDown
            | PowerOutage
    )
}
