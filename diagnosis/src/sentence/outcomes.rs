//! How the outcomes of services and resolvers are said: one table, for `check` and for the collector's pages.
//!
//! The words of the contract on the left; on the right what a clerk understands, to be read after the name
//! of the service or resolver.

/// The same in both languages, known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase {
    /// Vietnamese.
    pub vi: &'static str,
    /// English.
    pub en: &'static str,
}

const fn said(vi: &'static str, en: &'static str) -> Option<Phrase> {
    Some(Phrase { vi, en })
}

/// An outcome in a few words; `None` for a word that is not in the contract.
#[must_use]
pub fn outcome(word: &str) -> Option<Phrase> {
    match word {
        "answered" => said("dùng được", "works"),
        "timeout" => said("chờ quá lâu không thấy trả lời", "no answer in time"),
        "refused" => said("bị máy chủ từ chối", "it refuses"),
        "unreachable" => said("không có đường tới máy chủ", "cannot be reached"),
        "dns_failed" => said(
            "không tìm được địa chỉ của tên miền (DNS)",
            "its name is not resolved",
        ),
        "tls_failed" => said("không lập được kết nối bảo mật", "no secure connection"),
        "certificate_expired" => said(
            "chứng chỉ bảo mật của trang đã hết hạn",
            "its certificate has expired",
        ),
        "certificate_not_yet_valid" => said(
            "chứng chỉ bảo mật của trang chưa có hiệu lực",
            "its certificate is not valid yet",
        ),
        "certificate_name" => said(
            "chứng chỉ bảo mật là của tên miền khác",
            "its certificate is for another name",
        ),
        "certificate_untrusted" => said(
            "chứng chỉ bảo mật của trang không được tin cậy",
            "its certificate is not trusted",
        ),
        "clock_wrong" => said("đồng hồ của máy sai", "the machine's clock is wrong"),
        "http_error" => said("trang báo lỗi", "answers with an error"),
        "unexpected" => said("nội dung không như mong đợi", "answers something else"),
        "captive" => said(
            "bị chuyển sang trang đăng nhập của mạng",
            "a login page of the network answers instead",
        ),
        "too_large" => said("nội dung trả lời quá dài", "answers too much"),
        "servfail" => said(
            "máy chủ không tra được tên miền",
            "it fails to look names up",
        ),
        "nxdomain" => said(
            "máy chủ nói rằng tên miền không tồn tại",
            "it says a name does not exist",
        ),
        "wrong" => said("máy chủ trả lời sai địa chỉ", "it gives wrong addresses"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_words_of_its_own() {
        let words = "answered dns_failed refused timeout unreachable tls_failed certificate_expired \
            certificate_not_yet_valid certificate_name certificate_untrusted clock_wrong http_error \
            unexpected captive too_large servfail nxdomain wrong";
        let mut seen = std::collections::HashSet::new();
        for word in words.split_whitespace() {
            let phrase = outcome(word);
            assert!(
                phrase.is_some_and(|phrase| phrase.vi != phrase.en),
                "{word}"
            );
            assert!(seen.insert(phrase.map(|phrase| phrase.vi)), "{word}");
        }
        assert_eq!(outcome("no such word"), None);
    }
}
