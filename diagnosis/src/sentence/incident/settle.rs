//! What would settle it between two faults: the cheapest question to which they give different answers.

use super::{Words, words};
use crate::Fault;
use crate::Fault::*;

/// A question to the people there, and what its answers speak for.
struct Question {
    yes: &'static [Fault],
    no: &'static [Fault],
    vi: &'static str,
    en: &'static str,
}

/// Everything that leaves a centre without Internet while its electricity is on.
const CUT_OFF: &[Fault] = &[
    LanDown,
    GatewayDown,
    LineDown,
    IspAreaDown,
    IspDown,
    CollectorDown,
    CollectorPathDown,
];

/// One call first, then what a person there can see, then what takes a test. The first that tells two apart is asked.
const QUESTIONS: &[Question] = &[
    Question {
        yes: CUT_OFF,
        no: &[PowerOutage],
        vi: "gọi điện hỏi trung tâm: có điện không?",
        en: "phone the centre: is there electricity?",
    },
    Question {
        yes: &[CollectorDown, CollectorPathDown],
        no: &[
            LanDown,
            LanPartial,
            LanLossy,
            GatewayDown,
            GatewayOverloaded,
            LineDown,
            LineLossy,
            IspAreaDown,
            IspDown,
            IspDegraded,
            DnsDown,
            DnsIspDown,
        ],
        vi: "gọi điện hỏi trung tâm: có mở được cổng dịch vụ công không?",
        en: "phone the centre: do the portals open there?",
    },
    Question {
        yes: &[CollectorPathDown],
        no: &[CollectorDown],
        vi: "xem trên máy chủ giám sát: chương trình có đang chạy không?",
        en: "look at the monitoring server: is the program running?",
    },
    Question {
        yes: &[
            PcLinkDown,
            PcWifiLossy,
            PcOverloaded,
            PcNicErrors,
            PcBlocked,
            PcClockWrong,
        ],
        no: &[
            LanDown,
            LanPartial,
            LanLossy,
            GatewayDown,
            GatewayOverloaded,
            LineDown,
            LineLossy,
            LineSaturated,
            LineSlow,
            LineDegrading,
            IspAreaDown,
            IspDown,
            IspDegraded,
            DnsDown,
            DnsIspDown,
            ServiceDown,
            ServiceSlow,
            ServiceError,
            CertificateExpired,
            RouteBlocked,
            MtuBlackhole,
            CaptivePortal,
            PowerOutage,
        ],
        vi: "hỏi trung tâm: máy bên cạnh có dùng được bình thường không?",
        en: "ask the centre: does the PC beside it work as usual?",
    },
    Question {
        yes: &[PcWifiLossy],
        no: &[PcOverloaded, PcNicErrors, PcLinkDown],
        vi: "nối máy đó bằng cáp: có hết lỗi không?",
        en: "connect that PC by cable: does it end?",
    },
    Question {
        yes: &[
            GatewayDown,
            GatewayOverloaded,
            LineDown,
            LineLossy,
            LineSaturated,
            LineSlow,
            LineDegrading,
            IspAreaDown,
            IspDown,
            IspDegraded,
        ],
        no: &[LanDown, LanPartial, LanLossy],
        vi: "hỏi trung tâm: từ các máy có in được qua mạng, mở được thư mục chung không?",
        en: "ask the centre: do network printing and shared folders work from the PCs?",
    },
    Question {
        yes: &[LineDown, IspAreaDown, IspDown],
        no: &[GatewayDown],
        vi: "hỏi trung tâm: bộ định tuyến có sáng đèn nguồn và đèn LAN không?",
        en: "ask the centre: are the power and LAN lights of the router on?",
    },
    Question {
        yes: &[IspAreaDown, IspDown, IspDegraded, DnsIspDown],
        no: &[
            LineDown,
            LineLossy,
            LineSaturated,
            LineSlow,
            LineDegrading,
            GatewayOverloaded,
            DnsDown,
            RouteBlocked,
            MtuBlackhole,
            CaptivePortal,
        ],
        vi: "hỏi trung tâm khác dùng cùng nhà mạng: có bị như vậy không?",
        en: "ask another centre of the same ISP: is it the same there?",
    },
    Question {
        yes: &[IspDown],
        no: &[IspAreaDown],
        vi: "hỏi trung tâm ở khu vực khác dùng cùng nhà mạng: có bị như vậy không?",
        en: "ask a centre of the same ISP in another area: is it the same there?",
    },
    Question {
        yes: &[LineSaturated],
        no: &[
            LineLossy,
            LineSlow,
            LineDegrading,
            GatewayOverloaded,
            IspDegraded,
        ],
        vi: "cho tạm dừng tải và cập nhật trên các máy: có hết không?",
        en: "pause downloads and updates on the PCs: does it end?",
    },
    Question {
        yes: &[GatewayOverloaded],
        no: &[LanLossy, LineLossy, LineSlow, LineDegrading, DnsDown],
        vi: "tắt bật lại bộ định tuyến: có hết không?",
        en: "switch the router off and on again: does it end?",
    },
    Question {
        yes: &[
            DnsDown,
            DnsIspDown,
            RouteBlocked,
            MtuBlackhole,
            CaptivePortal,
            LineDown,
            LineLossy,
            LineSaturated,
            LineSlow,
            LineDegrading,
            IspAreaDown,
            IspDown,
            IspDegraded,
            GatewayDown,
            GatewayOverloaded,
        ],
        no: &[ServiceDown, ServiceSlow, ServiceError, CertificateExpired],
        vi: "mở dịch vụ đó bằng 4G trên điện thoại: có dùng được không?",
        en: "open the service over a phone's mobile data: does it work there?",
    },
    Question {
        yes: &[DnsDown, DnsIspDown],
        no: &[RouteBlocked, MtuBlackhole, CaptivePortal],
        vi: "đặt máy chủ DNS khác trên một máy: có vào được không?",
        en: "set another DNS server on one PC: does it work there?",
    },
    Question {
        yes: &[CaptivePortal],
        no: &[RouteBlocked, MtuBlackhole],
        vi: "mở trình duyệt trên một máy ở đó: có hiện trang đăng nhập không?",
        en: "open a browser on a PC there: does a login page appear?",
    },
    Question {
        yes: &[MtuBlackhole],
        no: &[RouteBlocked],
        vi: "giảm MTU của một máy xuống 1400: có vào được không?",
        en: "lower the MTU of one PC to 1400: does it work there?",
    },
];

/// A question that tells two faults apart, and what each answer speaks for.
pub(super) struct Asked {
    pub(super) question: Words,
    pub(super) yes: Fault,
    pub(super) no: Fault,
}

/// The cheapest question whose answer tells one from the other.
pub(super) fn asked(fault: Fault, other: Fault) -> Option<Asked> {
    let splits =
        |question: &Question, yes, no| question.yes.contains(&yes) && question.no.contains(&no);
    QUESTIONS.iter().find_map(|question| {
        let (yes, no) = if splits(question, fault, other) {
            (fault, other)
        } else if splits(question, other, fault) {
            (other, fault)
        } else {
            return None;
        };
        Some(Asked {
            question: words(question.vi, question.en),
            yes,
            no,
        })
    })
}

/// What would settle it between two faults, in either order; nothing where one of them is no fault or they are the same.
#[must_use]
pub fn settles(fault: Fault, other: Fault) -> Option<Words> {
    if fault == other || fault == Unknown || other == Unknown {
        return None;
    }
    let asked = asked(fault, other).map(|asked| asked.question);
    Some(asked.unwrap_or_else(|| {
        words(
            "chạy “dawnwatch-agent check” trên một máy ở đó và xem bước đầu tiên bị lỗi.",
            "run “dawnwatch-agent check” on a PC there and see which step fails first.",
        )
    }))
}
