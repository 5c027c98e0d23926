//! Every cause that can be diagnosed, with its word and its segment, in one table.

use std::{fmt, str::FromStr};

use crate::{Segment, UnknownName};

/// One row a fault: what it means, its variant, its word, its segment.
macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident $word:literal $segment:expr;)*) => {
        /// A diagnosed cause.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// All of them, segment by segment.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word in the contract.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Where it is; `None` only for [`Fault::Unknown`], whose candidates have their own.
            pub fn segment(self) -> Option<Segment> {
                match self { $(Self::$variant => $segment,)* }
            }
        }
    };
}

use Segment::{Core, Device, Dns, Gateway, Isp, Lan, Line, Power, Printer, Route, Service};

faults! {
    /// A PC's network card has no link.
    PcLinkDown "pc_link_down" Some(Device);
    /// A PC loses packets on its Wi-Fi.
    PcWifiLossy "pc_wifi_lossy" Some(Device);
    /// A PC is too busy to serve anybody.
    PcOverloaded "pc_overloaded" Some(Device);
    /// A PC's network card or cable damages frames.
    PcNicErrors "pc_nic_errors" Some(Device);
    /// A PC's clock is wrong.
    PcClockWrong "pc_clock_wrong" Some(Device);
    /// A PC's own programs, an antivirus say, keep it from services that its neighbours reach.
    PcBlocked "pc_blocked" Some(Device);
    /// No PC reaches another, nor the router.
    LanDown "lan_down" Some(Lan);
    /// Some PCs are cut off from the others.
    LanPartial "lan_partial" Some(Lan);
    /// The network of the centre loses packets.
    LanLossy "lan_lossy" Some(Lan);
    /// The router does not answer.
    GatewayDown "gateway_down" Some(Gateway);
    /// The router answers late or not always.
    GatewayOverloaded "gateway_overloaded" Some(Gateway);
    /// The access line is dead.
    LineDown "line_down" Some(Line);
    /// The access line loses packets.
    LineLossy "line_lossy" Some(Line);
    /// The access line is full, and its queue makes everything late.
    LineSaturated "line_saturated" Some(Line);
    /// The access line is late without being full.
    LineSlow "line_slow" Some(Line);
    /// The access line gets worse and will fail.
    LineDegrading "line_degrading" Some(Line);
    /// The ISP's aggregation point of an area is down.
    IspAreaDown "isp_area_down" Some(Isp);
    /// An ISP is down everywhere.
    IspDown "isp_down" Some(Isp);
    /// An ISP is slow or loses packets.
    IspDegraded "isp_degraded" Some(Isp);
    /// The collector does not answer.
    CollectorDown "collector_down" Some(Core);
    /// The way to the collector is broken, and other ways are not.
    CollectorPathDown "collector_path_down" Some(Core);
    /// Name resolution fails in one centre.
    DnsDown "dns_down" Some(Dns);
    /// The resolvers of an ISP fail for all its centres.
    DnsIspDown "dns_isp_down" Some(Dns);
    /// A service does not answer.
    ServiceDown "service_down" Some(Service);
    /// A service answers late.
    ServiceSlow "service_slow" Some(Service);
    /// A service answers with errors.
    ServiceError "service_error" Some(Service);
    /// The certificate of a service has expired.
    CertificateExpired "certificate_expired" Some(Service);
    /// Something on the way refuses this traffic.
    RouteBlocked "route_blocked" Some(Route);
    /// Large packets vanish on the way.
    MtuBlackhole "mtu_blackhole" Some(Route);
    /// A login page answers instead of the service.
    CaptivePortal "captive_portal" Some(Route);
    /// The centre has no electricity.
    PowerOutage "power_outage" Some(Power);
    /// A printer cannot print.
    PrinterFault "printer_fault" Some(Printer);
    /// Something is wrong, and the evidence does not say what.
    Unknown "unknown" None;
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL
            .iter()
            .copied()
            .find(|fault| fault.as_str() == word);
        found.ok_or_else(|| UnknownName {
            kind: "fault",
            word: word.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the contract lists them.
    const CONTRACT: &[(&str, &str)] = &[
        (
            "device",
            "pc_link_down pc_wifi_lossy pc_overloaded pc_nic_errors pc_clock_wrong pc_blocked",
        ),
        ("lan", "lan_down lan_partial lan_lossy"),
        ("gateway", "gateway_down gateway_overloaded"),
        (
            "line",
            "line_down line_lossy line_saturated line_slow line_degrading",
        ),
        ("isp", "isp_area_down isp_down isp_degraded"),
        ("core", "collector_down collector_path_down"),
        ("dns", "dns_down dns_isp_down"),
        (
            "service",
            "service_down service_slow service_error certificate_expired",
        ),
        ("route", "route_blocked mtu_blackhole captive_portal"),
        ("power", "power_outage"),
        ("printer", "printer_fault"),
    ];

    #[test]
    fn the_words_and_segments_are_those_of_the_contract() {
        let mut expected = Vec::new();
        for (segment, words) in CONTRACT {
            expected.extend(words.split(' ').map(|word| (word, segment.parse().ok())));
        }
        expected.push(("unknown", None));
        let found: Vec<(&str, Option<Segment>)> = Fault::ALL
            .iter()
            .map(|fault| (fault.as_str(), fault.segment()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_are_read_back_and_others_refused() {
        for fault in Fault::ALL {
            assert_eq!(fault.as_str().parse(), Ok(*fault));
        }
        let error = "line_dwn"
            .parse::<Fault>()
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("\"line_dwn\" is no fault"));
    }
}
