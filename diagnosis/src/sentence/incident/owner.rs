//! Who ends a fault, and who acts before.

use super::{Words, words};
use crate::Fault;

/// Who ends a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Somebody in the centre.
    Clerk,
    /// The centre's technician.
    Technician,
    /// The province's staff.
    ProvincialIt,
    /// The ISP of the line.
    Isp,
    /// Whoever runs the service.
    Portal,
    /// The electricity company.
    Electricity,
}

impl Owner {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Clerk,
        Self::Technician,
        Self::ProvincialIt,
        Self::Isp,
        Self::Portal,
        Self::Electricity,
    ];

    /// A stable word, for labels and routes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Technician => "technician",
            Self::ProvincialIt => "provincial_it",
            Self::Isp => "isp",
            Self::Portal => "portal",
            Self::Electricity => "electricity",
        }
    }

    /// As people call them; the ISP by its name where that is known.
    #[must_use]
    pub fn name(self, isp: Option<&str>) -> Words {
        match (self, isp) {
            (Self::Clerk, _) => words("cán bộ tại trung tâm", "staff of the centre"),
            (Self::Technician, _) => words("kỹ thuật viên", "the technician"),
            (Self::ProvincialIt, _) => words("bộ phận CNTT của tỉnh", "the provincial IT office"),
            (Self::Isp, Some(isp)) => words(isp, isp),
            (Self::Isp, None) => words("nhà mạng", "the ISP"),
            (Self::Portal, _) => words("đơn vị vận hành dịch vụ", "those who run the service"),
            (Self::Electricity, _) => words("điện lực", "the electricity company"),
        }
    }
}

/// Who ends this fault.
#[must_use]
pub fn owner(fault: Fault) -> Owner {
    match fault {
        Fault::PcLinkDown | Fault::PcWifiLossy | Fault::PcOverloaded | Fault::PrinterFault => {
            Owner::Clerk
        }
        Fault::PcBlocked
        | Fault::PcNicErrors
        | Fault::PcClockWrong
        | Fault::LanDown
        | Fault::LanPartial
        | Fault::LanLossy
        | Fault::GatewayDown
        | Fault::GatewayOverloaded
        | Fault::LineSaturated
        | Fault::DnsDown
        | Fault::MtuBlackhole
        | Fault::CaptivePortal
        | Fault::Unknown => Owner::Technician,
        Fault::LineDown
        | Fault::LineLossy
        | Fault::LineSlow
        | Fault::LineDegrading
        | Fault::IspAreaDown
        | Fault::IspDown
        | Fault::IspDegraded
        | Fault::DnsIspDown => Owner::Isp,
        Fault::CollectorDown | Fault::CollectorPathDown | Fault::RouteBlocked => {
            Owner::ProvincialIt
        }
        Fault::ServiceDown
        | Fault::ServiceSlow
        | Fault::ServiceError
        | Fault::CertificateExpired => Owner::Portal,
        Fault::PowerOutage => Owner::Electricity,
    }
}

/// Who acts on this fault, in the order of [`incident_action`](super::incident_action): whoever tries or calls first,
/// then whoever is called.
#[must_use]
pub fn doers(fault: Fault) -> &'static [Owner] {
    match fault {
        Fault::PcLinkDown
        | Fault::PcWifiLossy
        | Fault::PcOverloaded
        | Fault::PrinterFault
        | Fault::LanDown
        | Fault::LanPartial
        | Fault::GatewayDown
        | Fault::GatewayOverloaded
        | Fault::LineSaturated
        | Fault::DnsDown
        | Fault::CaptivePortal => &[Owner::Clerk, Owner::Technician],
        Fault::LineDown | Fault::LineSlow => &[Owner::Clerk, Owner::Isp],
        Fault::LineLossy | Fault::LineDegrading | Fault::DnsIspDown => {
            &[Owner::Technician, Owner::Isp]
        }
        Fault::IspAreaDown | Fault::IspDown | Fault::IspDegraded => {
            &[Owner::ProvincialIt, Owner::Isp]
        }
        Fault::ServiceDown
        | Fault::ServiceSlow
        | Fault::ServiceError
        | Fault::CertificateExpired => &[Owner::ProvincialIt, Owner::Portal],
        Fault::CollectorDown | Fault::CollectorPathDown | Fault::RouteBlocked => {
            &[Owner::ProvincialIt]
        }
        Fault::PowerOutage => &[Owner::Technician, Owner::Electricity],
        Fault::PcBlocked
        | Fault::PcNicErrors
        | Fault::PcClockWrong
        | Fault::LanLossy
        | Fault::MtuBlackhole
        | Fault::Unknown => &[Owner::Technician],
    }
}
