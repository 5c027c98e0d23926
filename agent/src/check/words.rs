//! What the steps are called and how they ended, in Vietnamese and English. Verdicts have words of their
//! own, in the crate `diagnosis`; what programs and systems say of themselves stays English.

use diagnosis::sentence;

use super::step::{Figures, Kind};

/// What people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

impl Language {
    /// As the environment says: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set. Most places
    /// of work set none, and read Vietnamese.
    #[must_use]
    pub fn of_the_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(variable)
            .find(|value| !value.is_empty());
        let said = said.unwrap_or_default().to_lowercase();
        let language = said.split(['_', '.', '@']).next().unwrap_or_default();
        match language {
            "" | "c" | "posix" | "vi" => Self::Vi,
            _ => Self::En,
        }
    }

    pub(crate) fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }
}

/// The name of a step.
pub(super) fn label(kind: Kind, language: Language) -> &'static str {
    let (vi, en) = match kind {
        Kind::Card => ("Card mạng", "Network card"),
        Kind::Gateway => ("Bộ định tuyến", "Router"),
        Kind::Neighbours => ("Máy trong mạng", "Neighbour"),
        Kind::Line => ("Đường truyền", "Line"),
        Kind::Isp => ("Nhà mạng", "ISP"),
        Kind::Anchor => ("Internet", "Internet"),
        Kind::Loss => ("Mất gói", "Loss"),
        Kind::LargePackets => ("Gói tin lớn", "Large packets"),
        Kind::Resolver => ("Tên miền (DNS)", "Names (DNS)"),
        Kind::Clock => ("Đồng hồ", "Clock"),
        Kind::Service => ("Dịch vụ", "Service"),
        Kind::Collector => ("Máy chủ giám sát", "Collector"),
    };
    language.pick(vi, en)
}

/// How it ended, with the figures that people understand.
pub(super) fn ending(outcome: &'static str, figures: &Figures, language: Language) -> String {
    let mut parts = Vec::new();
    let (vi, en) = word(outcome);
    if figures.sent.is_none() || outcome != "answered" {
        parts.push(language.pick(vi, en).to_owned());
    }
    if !is_cut_short(outcome) {
        parts.extend(numbers(outcome, figures, language));
    }
    parts.retain(|part| !part.is_empty());
    let mut text = parts.join(", ");
    if !figures.detail.is_empty() && is_telling(outcome, language) {
        text = format!("{text} ({})", figures.detail);
    }
    text
}

/// Whether its figures say nothing of what people came for: how long it took to fail is no answer's time.
fn is_cut_short(outcome: &str) -> bool {
    let cut_short = [
        "silent",
        "refused",
        "timeout",
        "unreachable",
        "dns_failed",
        "tls_failed",
        "clock_wrong",
        "captive",
    ];
    cut_short.contains(&outcome) || outcome.starts_with("certificate_")
}

/// Whether details say more than the outcome, in this language: but for names and addresses they are what
/// programs say of themselves, in English.
fn is_telling(outcome: &str, language: Language) -> bool {
    if language == Language::Vi {
        return outcome == "wrong";
    }
    let quiet = [
        "refused",
        "timeout",
        "unreachable",
        "dns_failed",
        "clock_wrong",
        "http_error",
    ];
    !quiet.contains(&outcome) && !outcome.starts_with("certificate_")
}

fn numbers(outcome: &str, figures: &Figures, language: Language) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(speed) = figures.speed_bits_per_second {
        parts.push(format!("{:.0} Mbit/s", speed / 1e6));
    }
    if let Some(signal) = figures.signal_dbm {
        parts.push(format!("{signal} dBm"));
    }
    if let Some(rtt) = figures.rtt_median_seconds {
        parts.push(milliseconds(rtt));
    }
    if let (Some(sent), Some(received)) = (figures.sent, figures.received)
        && sent > 1
    {
        let lost = sent.saturating_sub(received);
        parts.push(language.pick(
            format!("mất {lost}/{sent}"),
            format!("{lost} of {sent} lost"),
        ));
    }
    if let Some(took) = figures.duration_seconds.filter(|took| *took > 0.0) {
        parts.push(milliseconds(took));
    }
    if let Some(status) = figures.http_status_code {
        parts.push(format!("HTTP {status}"));
    }
    if let Some(bytes) = figures.mtu_bytes {
        let above = if outcome == "black_hole" { "> " } else { "" };
        parts.push(format!("{above}{bytes} byte"));
    }
    if let Some(offset) = figures.offset_seconds.filter(|offset| offset.abs() >= 1.0) {
        parts.push(format!("{offset:+.0} s"));
    }
    parts
}

fn milliseconds(seconds: f64) -> String {
    if seconds < 0.000_1 {
        "< 0.1 ms".to_owned()
    } else if seconds < 0.01 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// An outcome in a few words.
fn word(outcome: &'static str) -> (&'static str, &'static str) {
    match outcome {
        "up" | "answered" => ("", ""),
        "right" => ("đúng giờ", "right"),
        "slow" => ("chậm", "slow"),
        "down" => ("không có tín hiệu", "no link"),
        "absent" => ("không có", "none"),
        "no_route" => ("chưa có địa chỉ mạng", "no network address"),
        "unknown" => ("không rõ", "unknown"),
        "not_measured" => ("không đo được", "not measured"),
        "silent" => ("không trả lời", "no answer"),
        "reluctant" => ("ít khi trả lời", "answers seldom"),
        "lossy" => ("mất gói", "loses packets"),
        "arrive" => ("đi được", "arrive"),
        "black_hole" => ("bị mất trên đường", "vanish on the way"),
        "unanswered" => ("không đo được", "cannot be measured"),
        "off" => ("sai giờ", "wrong"),
        word => sentence::outcome(word).map_or((word, word), |phrase| (phrase.vi, phrase.en)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_environment_vietnamese_unless_it_says_another() {
        let check = |set: &[(&str, &str)], expected| {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Language::of_the_environment(variable), expected, "{set:?}");
        };
        check(&[], Language::Vi);
        check(&[("LANG", "C.UTF-8")], Language::Vi);
        check(&[("LANG", "POSIX")], Language::Vi);
        check(&[("LANG", "vi_VN.UTF-8")], Language::Vi);
        check(&[("LANG", "en_US.UTF-8")], Language::En);
        check(&[("LANG", "en_US"), ("LC_ALL", "vi_VN")], Language::Vi);
        check(&[("LANG", "vi_VN"), ("LC_MESSAGES", "fr_FR")], Language::En);
        check(&[("LC_ALL", ""), ("LANG", "de_DE@euro")], Language::En);
    }
}
