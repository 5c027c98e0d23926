//! What a check could not do, said so that whoever stands in the centre understands it. The reason in full,
//! with what programs and systems say of themselves, is in English and for the technician.

use super::words::Language;
use crate::sources::Unmeasurable;

/// What is lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// Files of the system.
    Files,
    /// Echoes.
    Echoes,
    /// The search of the largest packet.
    LargePackets,
    /// The authorities that certificates are judged by.
    Authorities,
    /// A resolver, or some of many.
    Resolver,
    /// A service's address, or the network it is in.
    Service,
    /// The collector's.
    Collector,
    /// The address of a name.
    Address,
    /// A way to an address.
    Way,
}

/// Something that was not measured, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limitation {
    pub(super) lacking: Lacking,
    pub(super) problem: Unmeasurable,
}

impl Limitation {
    pub(super) fn new(lacking: Lacking, what: &str, remedy: &str) -> Self {
        let problem = Unmeasurable {
            what: what.to_owned(),
            remedy: remedy.to_owned(),
        };
        Self { lacking, problem }
    }

    /// For a person.
    pub(super) fn said(&self, language: Language) -> String {
        match language {
            Language::Vi => vietnamese(self.lacking).to_owned(),
            Language::En => self.problem.to_string(),
        }
    }
}

fn vietnamese(lacking: Lacking) -> &'static str {
    match lacking {
        Lacking::Files => {
            "không đọc được một phần thông tin mạng của máy này: hãy chạy lại bằng tài khoản quản trị"
        }
        Lacking::Echoes => {
            "không dùng được ping (ICMP), nên không biết có mất gói hay không: hãy báo kỹ thuật viên"
        }
        Lacking::LargePackets => "chưa tìm được cỡ gói tin lớn nhất đi lọt",
        Lacking::Authorities => {
            "máy này không có danh sách tổ chức cấp chứng chỉ, nên không kiểm tra được chứng chỉ bảo mật"
        }
        Lacking::Resolver => "có máy chủ tên miền (DNS) không hỏi được từ máy này",
        Lacking::Service => "không thử được từ máy này: địa chỉ hoặc mạng của dịch vụ đặt sai",
        Lacking::Collector => "không thử được máy chủ giám sát: địa chỉ của nó đặt sai",
        Lacking::Address => "không tìm được địa chỉ của tên miền này",
        Lacking::Way => "máy này không có đường tới đó; nếu các địa chỉ khác trả lời thì không sao",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_english_is_said_in_vietnamese() {
        let what = "no ICMP socket (Permission denied)";
        let limitation = Limitation::new(Lacking::Echoes, what, "set net.ipv4.ping_group_range");
        let vi = limitation.said(Language::Vi);
        assert!(vi.contains("mất gói") && !vi.contains("socket"), "{vi}");
        assert!(limitation.said(Language::En).contains("ping_group_range"));
    }
}
