//! What speaks for or against a verdict, as people read it: clauses without full stop, with the figures behind them.

use super::because::{Because, Group, Target};
use super::{Words, figure, words};
use crate::Segment;
use crate::record::{DnsWord, ServiceWord};
use crate::sentence::{outcome, percent};

/// One reason, as a clause without full stop.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn because(reason: &Because) -> Words {
    match reason {
        Because::Silent { agents, of } => words(
            format!("{agents}/{of} máy không có tin"),
            format!("nothing is heard from {agents} of {}", pcs(*of)),
        ),
        Because::SilentWithoutGoodbye { agents } => words(
            format!("{agents} máy mất tin đột ngột, không phải do tắt máy bình thường"),
            format!("{} went silent without being shut down", pcs(*agents)),
        ),
        Because::NobodyCame { usual } => words(
            format!("từ giờ mở cửa chưa thấy máy nào, các ngày khác có ít nhất {usual} máy"),
            format!(
                "no PC was heard since opening, on other mornings {} or more",
                were(*usual, "PC is", "PCs are")
            ),
        ),
        Because::UsersWereActive { n } => words(
            format!("lúc mất tin có {n} người đang làm việc"),
            format!(
                "{} at work when it went silent",
                were(*n, "person was", "people were")
            ),
        ),
        Because::Goodbyes { n } => words(
            format!("{n} máy đã tắt bình thường"),
            format!("{} shut down properly", were(*n, "PC was", "PCs were")),
        ),
        Because::NearClosing => words(
            "đang gần giờ nghỉ, máy tắt là chuyện thường",
            "it is about closing time, when PCs are switched off",
        ),
        Because::Answers {
            target,
            received,
            sent,
        } => {
            let Words { vi, en } = named(*target);
            words(
                format!("{vi} có trả lời ({received}/{sent})"),
                format!(
                    "{en} ({received} of {sent})",
                    en = verb(*target, &en, "answers", "answer")
                ),
            )
        }
        Because::Fails {
            target,
            received,
            sent,
        } => {
            let Words { vi, en } = named(*target);
            let (how_vi, one, many) = if *received == 0 {
                ("không trả lời", "does not answer", "do not answer")
            } else {
                (
                    "trả lời không đều",
                    "answers only in part",
                    "answer only in part",
                )
            };
            words(
                format!("{vi} {how_vi} ({received}/{sent})"),
                format!("{} ({received} of {sent})", verb(*target, &en, one, many)),
            )
        }
        Because::LossBegins {
            segment,
            ratio,
            sent,
        } => {
            let (place, share) = (stretch(*segment), percent(*ratio));
            words(
                format!("bắt đầu mất gói từ {}: {share} trong {sent} gói", place.vi),
                format!("loss begins at {}: {share} of {sent} packets", place.en),
            )
        }
        Because::Clean { segment, sent } => {
            let place = stretch(*segment);
            words(
                format!("{} không mất gói nào trong {sent} gói", place.vi),
                format!("none of {sent} packets is lost at {}", place.en),
            )
        }
        Because::Delay {
            segment,
            ms,
            usual_ms,
        } => {
            let (place, delay) = (stretch(*segment), figure::delay(*ms, *usual_ms));
            words(
                format!("độ trễ tại {}: {}", place.vi, delay.vi),
                format!("delay at {}: {}", place.en, delay.en),
            )
        }
        Because::TrafficHigh { bps } => words(
            format!(
                "đang truyền nhiều dữ liệu ({})",
                rate(*bps).replace('.', ",")
            ),
            format!("much is being transferred ({})", rate(*bps)),
        ),
        Because::TrafficLow { bps } => words(
            format!("đang truyền ít dữ liệu ({})", rate(*bps).replace('.', ",")),
            format!("little is being transferred ({})", rate(*bps)),
        ),
        Because::NicDown { agents, of } => words(
            format!("{agents}/{of} máy không có tín hiệu ở card mạng"),
            format!("the network cards of {agents} of {} have no link", pcs(*of)),
        ),
        Because::NicErrors { n } => words(
            format!("card mạng nhận {n} gói tin hỏng"),
            format!("the network card received {n} damaged packets"),
        ),
        Because::Wifi => words("máy dùng Wi-Fi", "the PC is on Wi-Fi"),
        Because::OnBattery { agents } => words(
            format!("{agents} máy đang chạy bằng pin hoặc bộ lưu điện"),
            format!("{} on battery", were(*agents, "PC runs", "PCs run")),
        ),
        Because::PowerLossBoot { agents } => words(
            format!("{agents} máy khởi động lại sau khi mất điện đột ngột"),
            format!(
                "{} again after a loss of power",
                were(*agents, "PC started", "PCs started")
            ),
        ),
        Because::PowerIsBack => words(
            "các máy vừa khởi động lại cùng lúc khi có điện",
            "the PCs have just started again, as they do when the power returns",
        ),
        Because::CleanBoots { agents } => words(
            format!("{agents} máy khởi động lại sau khi tắt bình thường"),
            format!(
                "{} again after an orderly shutdown",
                were(*agents, "PC started", "PCs started")
            ),
        ),
        Because::ReverseAnswered { received, sent } => words(
            format!("thử từ phía tỉnh, bộ định tuyến của trung tâm có trả lời ({received}/{sent})"),
            format!("the centre's router answers the province ({received} of {sent})"),
        ),
        Because::ReverseSilent { sent } => words(
            format!("thử {sent} lần từ phía tỉnh, bộ định tuyến của trung tâm không trả lời"),
            format!("the centre's router answers none of {sent} attempts from the province"),
        ),
        Because::OtherCentres { failing, of, what } => {
            let group = shared(what);
            words(
                format!("{failing}/{of} trung tâm {} cũng bị như vậy", group.vi),
                format!("{failing} of {of} centres {} fail too", group.en),
            )
        }
        Because::OtherCentresWell { n } => words(
            format!("{n} trung tâm khác vẫn bình thường"),
            format!("{} well", were(*n, "other centre is", "other centres are")),
        ),
        Because::ServiceFails {
            service,
            word,
            failed,
            attempts,
            centres,
        } => {
            let how = of_service(*word);
            words(
                format!(
                    "{service}: {} ({failed}/{attempts} lần, thấy từ {centres} trung tâm)",
                    how.vi
                ),
                format!(
                    "{service}: {} ({failed} of {attempts} attempts, seen from {})",
                    how.en,
                    were(*centres, "centre", "centres")
                ),
            )
        }
        Because::ServiceWorksElsewhere { service, centres } => words(
            format!("{service} vẫn dùng được ở {centres} trung tâm khác"),
            format!(
                "{service} works in {}",
                were(*centres, "other centre", "other centres")
            ),
        ),
        Because::Resolver { name, outcome } => {
            let how = of_resolver(*outcome);
            words(
                format!("máy chủ DNS {name}: {}", how.vi),
                format!("DNS server {name}: {}", how.en),
            )
        }
        Because::OtherResolverWorks => {
            words("máy chủ DNS khác vẫn trả lời", "another DNS server answers")
        }
        Because::LargePacketsVanish { targets } => words(
            format!("gói tin lớn tới {targets} địa chỉ bị mất"),
            format!(
                "large packets to {} vanish",
                were(*targets, "address", "addresses")
            ),
        ),
        Because::SmallPacketsPass => words("gói tin nhỏ vẫn đi được", "small packets arrive"),
        Because::LoginPage { service } => words(
            format!("một trang đăng nhập trả lời thay cho {service}"),
            format!("a login page answers in place of {service}"),
        ),
        Because::CpuBusy { ratio, lag_ms } => words(
            format!(
                "bộ xử lý bận {}, chương trình phải chờ {lag_ms:.0} ms",
                percent(*ratio)
            ),
            format!(
                "the processor is {} busy, programs wait {lag_ms:.0} ms",
                percent(*ratio)
            ),
        ),
        Because::ClockOff { seconds } => {
            let off = figure::clock(*seconds);
            words(
                format!("đồng hồ {}", off.vi),
                format!("the clock is {}", off.en),
            )
        }
        Because::SiblingsWell { n } => words(
            format!("{n} máy khác trong trung tâm vẫn bình thường"),
            format!(
                "{} well",
                were(
                    *n,
                    "other PC of the centre is",
                    "other PCs of the centre are"
                )
            ),
        ),
        Because::Printer { conditions } => {
            let said = figure::printer(conditions);
            words(
                format!("máy in báo: {}", said.vi),
                format!("the printer says: {}", said.en),
            )
        }
        Because::GettingWorse { from, to, minutes } => words(
            format!(
                "tỷ lệ mất gói tăng từ {} lên {} trong {minutes:.0} phút",
                percent(*from),
                percent(*to)
            ),
            format!(
                "loss rose from {} to {} within {minutes:.0} minutes",
                percent(*from),
                percent(*to)
            ),
        ),
        Because::GettingLater {
            from_ms,
            to_ms,
            minutes,
        } => words(
            format!("độ trễ tăng từ {from_ms:.0} lên {to_ms:.0} ms trong {minutes:.0} phút"),
            format!("delay rose from {from_ms:.0} to {to_ms:.0} ms within {minutes:.0} minutes"),
        ),
        Because::RateLimitedHop => words(
            "một bộ định tuyến giữa đường ít trả lời ping, nhưng phía sau không mất gói",
            "a router on the way answers few pings, but nothing is lost behind it",
        ),
        Because::Backlog { from, to } => {
            let length = figure::length((to - from).max(0.0));
            words(
                format!(
                    "đã nhận số liệu các máy ghi lại trong {} mất tin",
                    length.vi
                ),
                format!(
                    "what the PCs recorded during {} of silence has arrived",
                    length.en
                ),
            )
        }
    }
}

/// How many, and of what with its verb.
fn were(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn pcs(n: u64) -> String {
    were(n, "PC", "PCs")
}

/// Bits per second as people say them.
fn rate(bps: f64) -> String {
    if bps < 1e6 {
        format!("{:.0} kbit/s", bps / 1e3)
    } else {
        format!("{:.1} Mbit/s", bps / 1e6)
    }
}

/// A target with its verb, which of some is in the plural.
fn verb(target: Target, name: &str, one: &str, many: &str) -> String {
    let plural = matches!(
        target,
        Target::Lan | Target::Anchors | Target::Services | Target::Dns
    );
    format!("{name} {}", if plural { many } else { one })
}

fn named(target: Target) -> Words {
    let (vi, en) = match target {
        Target::Gateway => ("bộ định tuyến", "the router"),
        Target::Lan => (
            "các thiết bị khác trong trung tâm",
            "other devices of the centre",
        ),
        Target::Line => ("đầu bên kia của đường truyền", "the far end of the line"),
        Target::Isp => ("mạng của nhà mạng", "the ISP's network"),
        Target::Anchors => ("các địa chỉ ở xa", "addresses far away"),
        Target::Collector => ("máy chủ giám sát", "the monitoring server"),
        Target::Services => ("các dịch vụ", "the services"),
        Target::Dns => ("các máy chủ DNS", "the DNS servers"),
    };
    words(vi, en)
}

pub(in crate::sentence) fn stretch(segment: Segment) -> Words {
    let (vi, en) = match segment {
        Segment::Device => ("máy", "the PC"),
        Segment::Lan => ("mạng nội bộ", "the network inside the centre"),
        Segment::Gateway => ("bộ định tuyến", "the router"),
        Segment::Line => ("đường truyền Internet", "the Internet line"),
        Segment::Isp => ("mạng của nhà mạng", "the ISP's network"),
        Segment::Core => (
            "đường tới máy chủ giám sát",
            "the way to the monitoring server",
        ),
        Segment::Dns => ("máy chủ DNS", "name resolution"),
        Segment::Service => ("dịch vụ", "the service"),
        Segment::Route => ("tuyến đường", "the route"),
        Segment::Power => ("nguồn điện", "the electricity"),
        Segment::Printer => ("máy in", "the printer"),
    };
    words(vi, en)
}

fn shared(group: &Group) -> Words {
    match group {
        Group::Isp(name) => words(format!("dùng {name}"), format!("of {name}")),
        Group::Area(name) => words(format!("trong khu vực {name}"), format!("in {name}")),
        Group::All => words("toàn tỉnh", "of the province"),
    }
}

fn of_service(word: ServiceWord) -> Words {
    said(match word {
        ServiceWord::Answered => "answered",
        ServiceWord::DnsFailed => "dns_failed",
        ServiceWord::Refused => "refused",
        ServiceWord::Timeout => "timeout",
        ServiceWord::Unreachable => "unreachable",
        ServiceWord::TlsFailed => "tls_failed",
        ServiceWord::CertificateExpired => "certificate_expired",
        ServiceWord::HttpError => "http_error",
        ServiceWord::Captive => "captive",
        ServiceWord::Other => "",
    })
}

fn of_resolver(word: DnsWord) -> Words {
    said(match word {
        DnsWord::Answered => "answered",
        DnsWord::Timeout => "timeout",
        DnsWord::Servfail => "servfail",
        DnsWord::Nxdomain => "nxdomain",
        DnsWord::Wrong => "wrong",
        DnsWord::Other => "",
    })
}

fn said(outcome_word: &str) -> Words {
    outcome(outcome_word).map_or_else(
        || words("bị lỗi", "it fails"),
        |phrase| words(phrase.vi, phrase.en),
    )
}
