//! What is wrong as a clause, fault by fault: of a certain verdict, a likely one, or one of two.

use super::reason::stretch;
use super::{Told, figure};
use crate::{Fault, Segment};

/// Who or what is how.
pub(super) struct Clause {
    vi: String,
    /// Of English: who, and how it is; the verb between them says the time.
    who: String,
    plural: bool,
    how: String,
    /// What is told after the time, in both languages.
    tail: (&'static str, &'static str),
}

/// When an English clause is true.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tense {
    /// It has been so since then.
    Since,
    /// It was so from then to then.
    Past,
    /// It is so.
    Now,
}

impl Clause {
    fn new(vi: impl Into<String>, who: impl Into<String>, how: impl Into<String>) -> Self {
        Self {
            vi: vi.into(),
            who: who.into(),
            plural: false,
            how: how.into(),
            tail: ("", ""),
        }
    }

    fn with_tail(self, vi: &'static str, en: &'static str) -> Self {
        Self {
            tail: (vi, en),
            ..self
        }
    }

    /// What is told after the time, if anything.
    pub(super) fn tail(&self) -> (&'static str, &'static str) {
        self.tail
    }

    pub(super) fn vi(&self) -> &str {
        &self.vi
    }

    pub(super) fn en(&self, tense: Tense) -> String {
        let verb = match (tense, self.plural) {
            (Tense::Since, false) => "has been",
            (Tense::Since, true) => "have been",
            (Tense::Past, false) => "was",
            (Tense::Past, true) => "were",
            (Tense::Now, false) => "is",
            (Tense::Now, true) => "are",
        };
        format!("{} {verb} {}", self.who, self.how)
    }
}

/// What is wrong, with its culprit and its figure.
pub(super) fn clause(told: &Told) -> Clause {
    let mut clause = match (told.fault, told.segment) {
        (Fault::Unknown, Some(segment)) => unknown_at(segment),
        _ => of(told.fault, told.culprit, told.isp),
    };
    let figure = figure::bracketed(&told.figure, told.fault);
    clause.vi += &figure.vi;
    clause.how += &figure.en;
    clause
}

/// What else may be wrong, of which neither culprit nor figure is known.
pub(super) fn bare(fault: Fault, told: &Told) -> Clause {
    of(fault, None, told.isp)
}

/// What may be wrong somewhere.
pub(super) fn named(fault: Fault) -> Clause {
    of(fault, None, None)
}

fn of(fault: Fault, culprit: Option<&str>, isp: Option<&str>) -> Clause {
    match fault {
        Fault::PcLinkDown
        | Fault::PcWifiLossy
        | Fault::PcOverloaded
        | Fault::PcNicErrors
        | Fault::PcBlocked
        | Fault::PcClockWrong => of_pc(fault, culprit),
        Fault::LanDown
        | Fault::LanPartial
        | Fault::LanLossy
        | Fault::GatewayDown
        | Fault::GatewayOverloaded
        | Fault::PowerOutage
        | Fault::PrinterFault => in_centre(fault, culprit),
        Fault::LineDown
        | Fault::LineLossy
        | Fault::LineSaturated
        | Fault::LineSlow
        | Fault::LineDegrading => of_line(fault, isp.or(culprit)),
        Fault::IspAreaDown | Fault::IspDown | Fault::IspDegraded | Fault::DnsIspDown => {
            of_isp(fault, culprit, isp)
        }
        Fault::ServiceDown
        | Fault::ServiceSlow
        | Fault::ServiceError
        | Fault::CertificateExpired => of_service(fault, culprit),
        Fault::CollectorDown
        | Fault::CollectorPathDown
        | Fault::DnsDown
        | Fault::RouteBlocked
        | Fault::MtuBlackhole
        | Fault::CaptivePortal
        | Fault::Unknown => on_the_way(fault, culprit),
    }
}

fn of_pc(fault: Fault, name: Option<&str>) -> Clause {
    let vi = name.map_or_else(|| "một máy".to_owned(), |name| format!("máy {name}"));
    let en = name.unwrap_or("a PC");
    match fault {
        Fault::PcLinkDown => Clause::new(
            format!("{vi} mất kết nối mạng (rút cáp hoặc tắt Wi-Fi)"),
            format!("the network connection of {en}"),
            "down",
        ),
        Fault::PcWifiLossy => Clause::new(
            format!("Wi-Fi của {vi} chập chờn"),
            format!("the Wi-Fi of {en}"),
            "losing data",
        ),
        Fault::PcNicErrors => Clause::new(
            format!("cáp hoặc card mạng của {vi} bị hỏng"),
            format!("the cable or network card of {en}"),
            "damaging data",
        ),
        Fault::PcClockWrong => Clause::new(
            format!("đồng hồ của {vi} bị sai"),
            format!("the clock of {en}"),
            "wrong",
        ),
        Fault::PcBlocked => Clause::new(
            format!("{vi} tự chặn kết nối tới các dịch vụ"),
            format!("the way from {en} to the services"),
            "blocked by the PC itself",
        ),
        _ => Clause::new(format!("{vi} bị quá tải"), en, "overloaded"),
    }
}

fn in_centre(fault: Fault, culprit: Option<&str>) -> Clause {
    match fault {
        Fault::LanDown => Clause::new(
            "mạng nội bộ bị ngắt",
            "the network inside the centre",
            "down",
        ),
        Fault::LanPartial => Clause::new(
            "một phần mạng nội bộ bị ngắt",
            "part of the network inside the centre",
            "cut off",
        ),
        Fault::LanLossy => Clause::new(
            "mạng nội bộ chập chờn",
            "the network inside the centre",
            "losing data",
        ),
        Fault::GatewayDown => Clause::new("bộ định tuyến không hoạt động", "the router", "down"),
        Fault::GatewayOverloaded => {
            Clause::new("bộ định tuyến bị quá tải", "the router", "overloaded")
        }
        Fault::PowerOutage => Clause::new("mất điện", "the electricity", "off"),
        _ => culprit.map_or_else(
            || Clause::new("một máy in không in được", "a printer", "unable to print"),
            |name| {
                Clause::new(
                    format!("máy in {name} không in được"),
                    format!("the printer {name}"),
                    "unable to print",
                )
            },
        ),
    }
}

fn of_line(fault: Fault, isp: Option<&str>) -> Clause {
    let vi = isp.map_or_else(
        || "đường truyền Internet".to_owned(),
        |isp| format!("đường truyền Internet {isp}"),
    );
    let en = isp.map_or_else(
        || "the Internet line".to_owned(),
        |isp| format!("the {isp} Internet line"),
    );
    let (bad, how) = match fault {
        Fault::LineLossy => ("chập chờn", "losing data"),
        Fault::LineSaturated => ("bị nghẽn", "full"),
        Fault::LineSlow => ("bị chậm", "slow"),
        Fault::LineDegrading => ("kém dần", "getting worse"),
        _ => ("bị đứt", "dead"),
    };
    let clause = Clause::new(format!("{vi} {bad}"), en, how);
    if fault == Fault::LineDegrading {
        clause.with_tail(", có thể sắp mất hẳn", " and may fail soon")
    } else {
        clause
    }
}

fn of_isp(fault: Fault, culprit: Option<&str>, isp: Option<&str>) -> Clause {
    if fault == Fault::IspAreaDown {
        let area = culprit.filter(|area| Some(*area) != isp);
        let vi = area.map_or_else(
            || "một khu vực".to_owned(),
            |area| format!("khu vực {area}"),
        );
        return Clause::new(
            format!("mạng {} tại {vi} bị sự cố", isp.unwrap_or("của nhà mạng")),
            format!(
                "the network of {} in {}",
                isp.unwrap_or("the ISP"),
                area.unwrap_or("one area")
            ),
            "down",
        );
    }
    let name = isp.or(culprit);
    let vi = name.unwrap_or("của nhà mạng");
    let en = name.unwrap_or("the ISP");
    match fault {
        Fault::IspDegraded => Clause::new(
            format!("mạng {vi} chậm hoặc chập chờn"),
            format!("the network of {en}"),
            "slow or losing data",
        ),
        Fault::DnsIspDown => Clause::new(
            format!("máy chủ tên miền (DNS) {vi} bị lỗi"),
            format!("the name resolution (DNS) of {en}"),
            "failing",
        ),
        _ => Clause::new(
            format!("toàn mạng {vi} bị sự cố"),
            format!("the whole network of {en}"),
            "down",
        ),
    }
}

fn of_service(fault: Fault, name: Option<&str>) -> Clause {
    let vi = name.map_or_else(
        || "một dịch vụ".to_owned(),
        |name| format!("dịch vụ {name}"),
    );
    let en = name.map_or_else(
        || "a service".to_owned(),
        |name| format!("the service {name}"),
    );
    match fault {
        Fault::ServiceSlow => Clause::new(format!("{vi} bị chậm"), en, "slow"),
        Fault::ServiceError => Clause::new(format!("{vi} báo lỗi"), en, "answering with errors"),
        Fault::CertificateExpired => Clause::new(
            format!("chứng chỉ bảo mật của {vi} đã hết hạn"),
            format!("the certificate of {en}"),
            "expired",
        ),
        _ => Clause::new(format!("{vi} không hoạt động"), en, "down"),
    }
}

fn on_the_way(fault: Fault, culprit: Option<&str>) -> Clause {
    match fault {
        Fault::CollectorDown => Clause::new(
            "máy chủ giám sát không hoạt động",
            "the monitoring server",
            "down",
        ),
        Fault::CollectorPathDown => Clause::new(
            "đường tới máy chủ giám sát bị ngắt",
            "the way to the monitoring server",
            "broken",
        )
        .with_tail(", các dịch vụ khác vẫn dùng được", "; other services work"),
        Fault::DnsDown => Clause::new(
            "không tìm được địa chỉ trang web (lỗi DNS)",
            "name resolution (DNS)",
            "failing",
        ),
        Fault::RouteBlocked => culprit.map_or_else(
            || {
                Clause::new(
                    "kết nối tới các dịch vụ bị chặn giữa đường",
                    "the way to the services",
                    "blocked",
                )
            },
            |name| {
                Clause::new(
                    format!("kết nối tới {name} bị chặn giữa đường"),
                    format!("the way to {name}"),
                    "blocked",
                )
            },
        ),
        Fault::MtuBlackhole => Clause {
            plural: true,
            ..Clause::new(
                "gói tin lớn bị mất trên đường",
                "large packets",
                "vanishing on the way",
            )
            .with_tail(
                ", nên trang web mở mãi không xong",
                ", so that pages never finish",
            )
        },
        Fault::CaptivePortal => Clause::new(
            "một trang đăng nhập mạng chắn trước các dịch vụ",
            "a login page",
            "in the way of the services",
        ),
        _ => Clause::new("có sự cố", "something", "wrong")
            .with_tail(", chưa rõ nguyên nhân", "; the cause is not known yet"),
    }
}

/// Something is wrong there.
fn unknown_at(segment: Segment) -> Clause {
    let place = stretch(segment);
    Clause::new(
        format!("có sự cố ở {}", place.vi),
        "something",
        format!("wrong with {}", place.en),
    )
    .with_tail(", chưa rõ nguyên nhân", "; the cause is not known yet")
}
