//! The reasons of verdicts, in words of both languages, with what to do and who does it. What an incident is, it says
//! itself.

use super::severity;
use crate::event::{Incident, Reason};
use crate::sentence::Words;
use crate::sentence::incident::usual_action;
use crate::{Fault, Segment};

/// Something that is known of a centre otherwise than by records: its machines' disks, certificates, supplies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    /// A disk of a machine is nearly full.
    DiskFull {
        /// The machine.
        device: String,
    },
    /// A disk of a machine says that it fails.
    DiskFailing {
        /// The machine.
        device: String,
    },
    /// The certificate of a service ends within days.
    CertificateEnds {
        /// The service.
        service: String,
        /// In how many days.
        days: u32,
    },
    /// A printer has hardly any toner, ink or paper left.
    SupplyLow {
        /// The printer.
        printer: String,
    },
    /// The mains are off: a UPS runs on its battery.
    UpsOnBattery {
        /// The UPS.
        device: String,
    },
    /// The battery of a UPS no longer holds.
    UpsWeak {
        /// The UPS.
        device: String,
    },
}

/// What a verdict is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    Well { witnesses: usize },
    Incident(Box<Reason>),
    LineProven,
    NoWitness { usual: bool },
    Dark,
    WentDark,
    NoNames,
    NoServices { everywhere: bool },
    ServiceFails { service: String, everywhere: bool },
    Loses { inside: bool, ratio: f64 },
    Slow { inside: bool, milliseconds: f64 },
    OnBattery,
    Clocks,
    Printer { printer: String, condition: String },
    Told(Weakness),
}

/// What is to be done where nothing is heard and nothing answers, in both languages.
const LAMPS: (&str, &str) = (
    "Kỹ thuật viên gọi trung tâm: xem điện trước, rồi đèn của bộ định tuyến; nếu đèn đường truyền tắt, gọi nhà mạng.",
    "The technician calls the centre: look at the power first, then at the lamps of the router; if the line's lamp is off, call the ISP.",
);

impl Finding {
    /// An incident has its own words.
    pub(super) fn incident(incident: &Incident) -> Self {
        Self::Incident(Box::new(Reason {
            code: incident.fault.clone(),
            segment: incident.segment.clone(),
            not_ours: severity::is_not_ours(incident),
            sentence: incident.sentence.clone(),
            action: incident.action.clone(),
        }))
    }

    /// As people are told.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Incident(reason) => *reason,
            other => {
                let (code, segment, not_ours) = other.code();
                let (sentence, action) = other.words();
                Reason {
                    code: code.to_owned(),
                    segment: segment.map(|segment| segment.as_str().to_owned()),
                    not_ours,
                    sentence,
                    action,
                }
            }
        }
    }

    /// Its stable word, where it is, and whether that is beyond the centre and its technician.
    fn code(&self) -> (&'static str, Option<Segment>, bool) {
        match self {
            Self::Well { .. } | Self::Incident(_) => ("well", None, false),
            Self::LineProven => ("line_proven_no_pc", None, false),
            Self::NoWitness { .. } => ("no_witness", None, false),
            Self::Dark | Self::WentDark => ("dark", None, false),
            Self::NoNames => ("dns_down", Some(Segment::Dns), false),
            Self::NoServices { everywhere } | Self::ServiceFails { everywhere, .. } => {
                ("service_down", Some(Segment::Service), *everywhere)
            }
            Self::Loses { inside: true, .. } => ("lan_lossy", Some(Segment::Lan), false),
            Self::Loses { inside: false, .. } => ("line_lossy", Some(Segment::Line), false),
            Self::Slow { inside: true, .. } => {
                ("gateway_overloaded", Some(Segment::Gateway), false)
            }
            Self::Slow { inside: false, .. } => ("line_slow", Some(Segment::Line), false),
            Self::OnBattery => ("on_battery", Some(Segment::Power), false),
            Self::Clocks => ("pc_clock_wrong", Some(Segment::Device), false),
            Self::Printer { .. } => ("printer_fault", Some(Segment::Printer), false),
            Self::Told(weakness) => weakness.code(),
        }
    }

    /// What is so, and what to do.
    fn words(&self) -> (Words, Words) {
        match self {
            Self::Incident(reason) => (reason.sentence.clone(), reason.action.clone()),
            Self::Well { witnesses } => well(*witnesses),
            Self::LineProven | Self::NoWitness { .. } | Self::Dark | Self::WentDark => {
                self.unseen()
            }
            Self::NoNames | Self::NoServices { .. } | Self::ServiceFails { .. } => self.useless(),
            Self::Loses { .. } | Self::Slow { .. } => self.weak(),
            Self::OnBattery => pair(
                "Mọi máy đang báo đều chạy bằng pin: có thể mất điện.",
                "Every machine that reports runs on its battery: the mains may be off.",
                "Cán bộ tại trung tâm xem điện; nếu mất điện, gọi điện lực.",
                "Staff of the centre look at the mains; if they are off, call the electricity company.",
            ),
            Self::Clocks => pair(
                "Đồng hồ của hầu hết máy đang báo bị sai: dịch vụ có thể từ chối kết nối.",
                "The clocks of most machines that report are wrong: services may refuse them.",
                "Kỹ thuật viên chỉnh đồng hồ và bật tự động chỉnh giờ.",
                "The technician sets the clocks and turns automatic time on.",
            ),
            Self::Printer { printer, condition } => printer_words(printer, condition),
            Self::Told(weakness) => weakness.words(),
        }
    }

    /// Nobody is there to say.
    fn unseen(&self) -> (Words, Words) {
        match self {
            Self::LineProven => pair(
                "Đường truyền, bộ định tuyến và điện đều tốt, nhưng chưa có máy nào bật để kiểm tra phần còn lại.",
                "Line, router and power are proven, but no PC is on to check the rest.",
                "Người đến sớm nhất bật một máy tính nối dây.",
                "Whoever comes first switches a wired PC on.",
            ),
            Self::Dark => pair(
                "Giờ này luôn có máy bật và bộ định tuyến luôn trả lời, nhưng hôm nay không có gì: mất điện, hỏng bộ định tuyến hoặc đứt đường truyền.",
                "At this hour a PC is always on and the router always answers; today neither does: no power, a dead router or a dead line.",
                LAMPS.0,
                LAMPS.1,
            ),
            Self::WentDark => pair(
                "Bộ định tuyến vẫn trả lời sáng nay rồi im hẳn, và không máy nào báo: mất điện, hỏng bộ định tuyến hoặc đứt đường truyền.",
                "The router answered this morning and then no longer, and no PC reports: no power, a dead router or a dead line.",
                LAMPS.0,
                LAMPS.1,
            ),
            Self::NoWitness { usual: true } => pair(
                "Chưa có máy nào báo, dù giờ này thường đã có.",
                "No PC reports yet, although by now one usually does.",
                "Kỹ thuật viên gọi trung tâm: có điện không, có ai đến chưa? Bật một máy tính là biết.",
                "The technician calls the centre: is there power, is anybody there? One PC that is on will tell.",
            ),
            _ => pair(
                "Chưa có máy nào ở trung tâm bật, nên chưa biết được.",
                "No PC at the centre is on, so nobody can say.",
                "Bật một máy tính nối dây, hoặc để một máy bật qua đêm làm chứng.",
                "Switch a wired PC on, or leave one on overnight as a witness.",
            ),
        }
    }

    /// The network is there, and what people need is not.
    fn useless(&self) -> (Words, Words) {
        match self {
            Self::NoNames => pair(
                "Mạng có nhưng không tìm được tên miền nào (DNS hỏng).",
                "The network is there, but no name can be resolved (DNS fails).",
                "Cán bộ tại trung tâm tắt bật lại bộ định tuyến; nếu vẫn vậy, kỹ thuật viên đặt máy chủ DNS khác.",
                "Staff of the centre switch the router off and on again; if that does not help, the technician sets another DNS server.",
            ),
            Self::NoServices { everywhere: true } => pair(
                "Không dịch vụ nào dùng được ở bất cứ trung tâm nào: lỗi không ở trung tâm này.",
                "No service can be used at any centre: the fault is not at this one.",
                "Bộ phận CNTT của tỉnh báo đơn vị vận hành dịch vụ; ở trung tâm không cần làm gì.",
                "The provincial IT office tells the operators of the services; nothing is to be done at the centre.",
            ),
            Self::ServiceFails {
                service,
                everywhere: true,
            } => words(
                format!(
                    "“{service}” không dùng được ở bất cứ trung tâm nào; các dịch vụ khác vẫn tốt."
                ),
                format!("“{service}” works at no centre; other services do."),
                format!(
                    "Bộ phận CNTT của tỉnh báo đơn vị vận hành “{service}”; ở trung tâm không cần làm gì."
                ),
                format!(
                    "The provincial IT office tells the operator of “{service}”; nothing is to be done at the centre."
                ),
            ),
            Self::ServiceFails { service, .. } => words(
                format!("“{service}” không dùng được từ trung tâm này."),
                format!("“{service}” cannot be used from this centre."),
                format!(
                    "Kỹ thuật viên thử “{service}” trên một máy của trung tâm và đọc kết quả của dawnwatch-agent check."
                ),
                format!(
                    "The technician tries “{service}” on a PC of the centre and reads what dawnwatch-agent check says."
                ),
            ),
            _ => pair(
                "Mạng có nhưng không dịch vụ nào dùng được từ trung tâm này.",
                "The network is there, but no service can be used from this centre.",
                "Kỹ thuật viên chạy dawnwatch-agent check trên một máy của trung tâm.",
                "The technician runs dawnwatch-agent check on a PC of the centre.",
            ),
        }
    }

    /// It works, and worse than usual.
    fn weak(&self) -> (Words, Words) {
        match self {
            Self::Loses { inside, ratio } => {
                let percent = format!("{:.0}", ratio * 100.0);
                let (vi, en) = if *inside {
                    ("Mạng trong trung tâm", "The centre's own network")
                } else {
                    ("Đường truyền", "The line")
                };
                let fault = if *inside {
                    Fault::LanLossy
                } else {
                    Fault::LineLossy
                };
                let action = usual_action(fault);
                words(
                    format!("{vi} mất {percent} % gói tin, nhiều hơn thường ngày."),
                    format!("{en} loses {percent} % of packets, more than it usually does."),
                    action.vi,
                    action.en,
                )
            }
            Self::Slow {
                inside,
                milliseconds,
            } => {
                let (vi, en) = if *inside {
                    ("Bộ định tuyến", "The router")
                } else {
                    ("Đường truyền", "The line")
                };
                let fault = if *inside {
                    Fault::GatewayOverloaded
                } else {
                    Fault::LineSlow
                };
                let action = usual_action(fault);
                words(
                    format!("{vi} trả lời sau {milliseconds:.0} ms, chậm hơn thường ngày nhiều."),
                    format!(
                        "{en} answers after {milliseconds:.0} ms, much later than it usually does."
                    ),
                    action.vi,
                    action.en,
                )
            }
            _ => (Words::default(), Words::default()),
        }
    }
}

fn well(witnesses: usize) -> (Words, Words) {
    let (vi_action, en_action) = ("Không cần làm gì.", "Nothing is to be done.");
    let en = match witnesses {
        1 => "Everything works, as 1 machine sees it.".to_owned(),
        _ => format!("Everything works, as {witnesses} machines see it."),
    };
    words(
        format!("Mọi thứ đều tốt, theo {witnesses} máy đang bật."),
        en,
        vi_action.to_owned(),
        en_action.to_owned(),
    )
}

fn printer_words(printer: &str, condition: &str) -> (Words, Words) {
    let (vi, en) = match condition {
        "jam" => ("kẹt giấy", "has a paper jam"),
        "cover_open" => ("đang mở nắp", "has an open cover"),
        "paper_empty" => ("hết giấy", "has no paper"),
        "toner_empty" => ("hết mực", "has no toner"),
        _ => ("cần sửa chữa", "needs service"),
    };
    words(
        format!("Máy in “{printer}” {vi}."),
        format!("The printer “{printer}” {en}."),
        "Cán bộ tại trung tâm xử lý trước giờ mở cửa; nếu không được, gọi kỹ thuật viên."
            .to_owned(),
        "Staff of the centre see to it before opening; otherwise call the technician.".to_owned(),
    )
}

impl Weakness {
    fn code(&self) -> (&'static str, Option<Segment>, bool) {
        match self {
            Self::DiskFull { .. } => ("disk_full", Some(Segment::Device), false),
            Self::DiskFailing { .. } => ("disk_failing", Some(Segment::Device), false),
            Self::CertificateEnds { .. } => ("certificate_ends", Some(Segment::Service), true),
            Self::SupplyLow { .. } => ("supply_low", Some(Segment::Printer), false),
            Self::UpsOnBattery { .. } => ("on_battery", Some(Segment::Power), false),
            Self::UpsWeak { .. } => ("ups_weak", Some(Segment::Power), false),
        }
    }

    fn words(&self) -> (Words, Words) {
        match self {
            Self::DiskFull { device } => words(
                format!("Ổ đĩa của “{device}” sắp đầy."),
                format!("A disk of “{device}” is nearly full."),
                "Kỹ thuật viên dọn ổ đĩa.".to_owned(),
                "The technician makes room.".to_owned(),
            ),
            Self::DiskFailing { device } => words(
                format!("Ổ đĩa của “{device}” báo sắp hỏng."),
                format!("A disk of “{device}” says that it fails."),
                "Kỹ thuật viên sao lưu ngay và thay ổ đĩa.".to_owned(),
                "The technician saves its data now and replaces it.".to_owned(),
            ),
            Self::CertificateEnds { service, days } => words(
                format!("Chứng chỉ của “{service}” hết hạn sau {days} ngày."),
                format!("The certificate of “{service}” ends in {days} days."),
                format!("Bộ phận CNTT của tỉnh báo đơn vị vận hành “{service}”."),
                format!("The provincial IT office tells the operator of “{service}”."),
            ),
            Self::SupplyLow { printer } => words(
                format!("Máy in “{printer}” sắp hết mực hoặc giấy."),
                format!("The printer “{printer}” has hardly any toner, ink or paper left."),
                "Người ở trung tâm chuẩn bị thay trước giờ mở cửa.".to_owned(),
                "Somebody at the centre refills it before opening.".to_owned(),
            ),
            Self::UpsOnBattery { device } => words(
                format!("Mất điện: bộ lưu điện “{device}” đang chạy bằng pin."),
                format!("The mains are off: the UPS “{device}” runs on its battery."),
                "Người ở trung tâm xem cầu dao; nếu mất điện cả khu, gọi điện lực.".to_owned(),
                "Somebody at the centre looks at the breaker; if the whole area is dark, call the power company."
                    .to_owned(),
            ),
            Self::UpsWeak { device } => words(
                format!("Pin của bộ lưu điện “{device}” không còn giữ được điện."),
                format!("The battery of the UPS “{device}” no longer holds."),
                "Kỹ thuật viên thay pin.".to_owned(),
                "The technician replaces the battery.".to_owned(),
            ),
        }
    }
}

fn pair(vi: &str, en: &str, vi_action: &str, en_action: &str) -> (Words, Words) {
    words(vi.into(), en.into(), vi_action.into(), en_action.into())
}

fn words(vi: String, en: String, vi_action: String, en_action: String) -> (Words, Words) {
    let action = Words {
        vi: vi_action,
        en: en_action,
    };
    (Words { vi, en }, action)
}
