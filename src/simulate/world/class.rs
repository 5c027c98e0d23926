//! Every kind of fault that happens, in one table: its word, where its truth lies, whom it hits, how long it lasts.
//!
//! The kinds with a word of their own are the contract's. The others are what real networks also do and nobody modelled:
//! their labels say `unknown:` and a name, with the segment a technician would find them in.

/// Whom a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hits {
    /// One machine of one centre.
    Machine,
    /// A part of the machines of one centre.
    Part,
    /// One centre.
    Centre,
    /// One printer.
    Printer,
    /// The centres behind one aggregation point.
    Aggregation,
    /// The centres of one ISP.
    Isp,
    /// The centres of one area, whatever their ISP.
    Area,
    /// Every centre.
    All,
}

/// How a fault lasts, and whether it is all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Hard,
    Soft,
    Wide,
    Degrading,
}

/// Who gets to see a kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The contract has a word for it.
    Known,
    /// No word, and the tuning set shows it.
    Unseen,
    /// No word, and only the held-out set shows it.
    HeldOut,
}

/// One row a kind.
macro_rules! classes {
    ($($variant:ident $word:literal $segment:literal $hits:ident $pace:ident $shown:ident;)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Class { $($variant,)* }

        impl Class {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Where it is to be found.
            pub(crate) fn segment(self) -> &'static str {
                match self { $(Self::$variant => $segment,)* }
            }

            pub(crate) fn hits(self) -> Hits {
                match self { $(Self::$variant => Hits::$hits,)* }
            }

            pub(crate) fn pace(self) -> Pace {
                match self { $(Self::$variant => Pace::$pace,)* }
            }

            pub(crate) fn shown(self) -> Shown {
                match self { $(Self::$variant => Shown::$shown,)* }
            }
        }
    };
}

classes! {
    PcLinkDown "pc_link_down" "device" Machine Hard Known;
    PcWifiLossy "pc_wifi_lossy" "device" Machine Soft Known;
    PcOverloaded "pc_overloaded" "device" Machine Soft Known;
    PcNicErrors "pc_nic_errors" "device" Machine Soft Known;
    PcClockWrong "pc_clock_wrong" "device" Machine Soft Known;
    LanDown "lan_down" "lan" Centre Hard Known;
    LanPartial "lan_partial" "lan" Part Hard Known;
    LanLossy "lan_lossy" "lan" Centre Soft Known;
    GatewayDown "gateway_down" "gateway" Centre Hard Known;
    GatewayOverloaded "gateway_overloaded" "gateway" Centre Soft Known;
    LineDown "line_down" "line" Centre Hard Known;
    LineLossy "line_lossy" "line" Centre Soft Known;
    LineSaturated "line_saturated" "line" Centre Soft Known;
    LineSlow "line_slow" "line" Centre Soft Known;
    LineDegrading "line_degrading" "line" Centre Degrading Known;
    IspAreaDown "isp_area_down" "isp" Aggregation Wide Known;
    IspDown "isp_down" "isp" Isp Wide Known;
    IspDegraded "isp_degraded" "isp" Isp Wide Known;
    CollectorDown "collector_down" "core" All Wide Known;
    CollectorPathDown "collector_path_down" "core" Isp Wide Known;
    DnsDown "dns_down" "dns" Centre Hard Known;
    DnsIspDown "dns_isp_down" "dns" Isp Wide Known;
    ServiceDown "service_down" "service" All Wide Known;
    ServiceSlow "service_slow" "service" All Wide Known;
    ServiceError "service_error" "service" All Wide Known;
    CertificateExpired "certificate_expired" "service" All Wide Known;
    RouteBlocked "route_blocked" "route" Centre Hard Known;
    MtuBlackhole "mtu_blackhole" "route" Centre Hard Known;
    CaptivePortal "captive_portal" "route" Centre Hard Known;
    PowerOutage "power_outage" "power" Centre Hard Known;
    AreaPowerOutage "power_outage" "power" Area Wide Known;
    PrinterFault "printer_fault" "printer" Printer Soft Known;

    AccessPointDead "unknown:access_point_dead" "lan" Part Hard Unseen;
    GatewayAddressTaken "unknown:gateway_address_taken" "lan" Part Hard Unseen;
    DuplexMismatch "unknown:wan_duplex_mismatch" "line" Centre Soft Unseen;
    FlappingLine "unknown:flapping_line" "line" Centre Hard Unseen;
    ProxyBlocks "unknown:proxy_blocks_service" "route" Centre Hard Unseen;
    SlowResolver "unknown:slow_resolver" "dns" Centre Soft Unseen;
    NoLease "unknown:no_address_lease" "gateway" Part Hard HeldOut;
    OneWayLoss "unknown:one_way_loss" "line" Centre Soft HeldOut;
    RouteLeak "unknown:route_leak_to_portal" "route" Isp Wide HeldOut;
    BroadcastStorm "unknown:broadcast_storm" "lan" Centre Hard HeldOut;
    TranslationTableFull "unknown:translation_table_full" "gateway" Centre Hard HeldOut;
    HalfResolver "unknown:half_dead_resolver" "dns" Centre Soft HeldOut;
    Brownout "unknown:brownout" "power" Centre Hard HeldOut;
}

impl Class {
    /// Whether many centres have it at once.
    pub(crate) fn is_wide(self) -> bool {
        matches!(
            self.hits(),
            Hits::Aggregation | Hits::Isp | Hits::Area | Hits::All
        )
    }

    /// Whether it has one service as its culprit or victim.
    pub(crate) fn is_of_one_service(self) -> bool {
        matches!(
            self,
            Self::ServiceDown
                | Self::ServiceSlow
                | Self::ServiceError
                | Self::CertificateExpired
                | Self::RouteBlocked
                | Self::ProxyBlocks
                | Self::RouteLeak
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnosis::{Fault, Segment};

    /// Names that the engine has beyond the contract's: whoever makes labels does not know them.
    const BEYOND: [Fault; 2] = [Fault::Unknown, Fault::PcBlocked];

    #[test]
    fn known_kinds_are_those_of_the_contract_and_all_of_them() {
        for fault in Fault::ALL.iter().filter(|fault| !BEYOND.contains(fault)) {
            let found = Class::ALL
                .iter()
                .find(|class| class.word() == fault.as_str());
            let segment = fault.segment().map(Segment::as_str);
            assert_eq!(found.map(|class| class.segment()), segment, "{fault}");
        }
        for class in Class::ALL {
            let is_word = class.word().parse::<Fault>().is_ok();
            assert_eq!(is_word, class.shown() == Shown::Known, "{class:?}");
            assert!(class.segment().parse::<Segment>().is_ok(), "{class:?}");
        }
    }
}
