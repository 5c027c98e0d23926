//! The one figure of an incident that says most, in brackets behind what is wrong.

use super::{Words, words};
use crate::Fault;
use crate::Segment;
use crate::sentence::{Unit, percent, span};

/// The one figure that says most.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Figure {
    /// There is none.
    #[default]
    None,
    /// The share of packets that are lost.
    Loss(f64),
    /// How long an answer takes.
    Delay {
        /// Now.
        ms: f64,
        /// Usually, at this hour.
        usual_ms: f64,
    },
    /// A part of a whole: PCs, centres, or attempts to use a service; of 1, the share of a processor's time.
    Share {
        /// So many.
        of: f64,
        /// Of so many.
        all: f64,
    },
    /// How far a clock is ahead.
    Offset {
        /// Negative when it is behind.
        seconds: f64,
    },
    /// What a printer says: words such as `jam`.
    Conditions(Vec<String>),
}

/// In brackets, after a blank; empty when there is nothing to say.
pub(super) fn bracketed(figure: &Figure, fault: Fault) -> Words {
    let said = match figure {
        Figure::None => return Words::default(),
        Figure::Loss(ratio) => {
            let share = percent(*ratio);
            words(
                format!("mất {share} gói tin"),
                format!("{share} of the packets"),
            )
        }
        Figure::Delay { ms, usual_ms } => delay(*ms, *usual_ms),
        Figure::Share { of, all } => share(*of, *all, fault),
        Figure::Offset { seconds } => clock(*seconds),
        Figure::Conditions(conditions) if conditions.is_empty() => return Words::default(),
        Figure::Conditions(conditions) => printer(conditions),
    };
    words(format!(" ({})", said.vi), format!(" ({})", said.en))
}

/// What a share is of follows from the fault.
fn share(of: f64, all: f64, fault: Fault) -> Words {
    if all <= 1.0 {
        let ratio = percent(of);
        return words(format!("bận {ratio}"), format!("{ratio} busy"));
    }
    let (vi, en) = match (fault, fault.segment()) {
        (Fault::DnsIspDown, _) | (_, Some(Segment::Isp | Segment::Core)) => {
            ("trung tâm", "centres")
        }
        (Fault::RouteBlocked | Fault::DnsDown, _) | (_, Some(Segment::Service)) => {
            ("lần thử bị lỗi", "attempts fail")
        }
        _ => ("máy", "PCs"),
    };
    words(
        format!("{of:.0}/{all:.0} {vi}"),
        format!("{of:.0} of {all:.0} {en}"),
    )
}

/// "180 ms, usually 20 ms".
pub(super) fn delay(ms: f64, usual_ms: f64) -> Words {
    words(
        format!("{ms:.0} ms, bình thường {usual_ms:.0} ms"),
        format!("{ms:.0} ms, usually {usual_ms:.0} ms"),
    )
}

/// "8 minutes slow".
pub(super) fn clock(ahead: f64) -> Words {
    let length = length(ahead.abs());
    if ahead > 0.0 {
        words(
            format!("nhanh {}", length.vi),
            format!("{} fast", length.en),
        )
    } else {
        words(format!("chậm {}", length.vi), format!("{} slow", length.en))
    }
}

/// A span of time: "8 minutes".
pub(in crate::sentence) fn length(seconds: f64) -> Words {
    let (number, unit) = span(seconds);
    let (vi, en) = match unit {
        Unit::Second => ("giây", "second"),
        Unit::Minute => ("phút", "minute"),
        Unit::Hour => ("giờ", "hour"),
        Unit::Day => ("ngày", "day"),
        Unit::Year => ("năm", "year"),
    };
    let plural = if number == "1" { "" } else { "s" };
    words(format!("{number} {vi}"), format!("{number} {en}{plural}"))
}

/// What a printer says at once; whoever stands before it sees the rest.
const CONDITIONS: usize = 4;

/// "paper jam, no toner".
pub(super) fn printer(conditions: &[String]) -> Words {
    let said: Vec<(&str, &str)> = conditions
        .iter()
        .take(CONDITIONS)
        .map(|condition| match condition.as_str() {
            "jam" => ("kẹt giấy", "paper jam"),
            "cover_open" => ("nắp đang mở", "cover open"),
            "paper_empty" => ("hết giấy", "no paper"),
            "paper_low" => ("sắp hết giấy", "little paper"),
            "toner_empty" => ("hết mực", "no toner"),
            "toner_low" => ("sắp hết mực", "little toner"),
            "offline" => ("không kết nối", "offline"),
            "service" => ("cần bảo trì", "needs service"),
            "tray_missing" => ("thiếu khay giấy", "tray missing"),
            "waste_full" => ("đầy hộp mực thải", "waste box full"),
            "other" => ("lỗi khác", "another fault"),
            word => (word, word),
        })
        .collect();
    let listed = |pick: fn(&(&str, &str)) -> String| -> String {
        said.iter().map(pick).collect::<Vec<_>>().join(", ")
    };
    words(
        listed(|(vi, _)| (*vi).into()),
        listed(|(_, en)| (*en).into()),
    )
}
