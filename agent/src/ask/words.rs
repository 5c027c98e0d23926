//! What devices say, in Vietnamese and English, and what to do about it. Names that devices give their own
//! parts stay as they are.

use proto::plan::Kind;

use crate::sources::device::said::{Condition, Level, Status};

/// Vietnamese and English.
pub(super) type Both = (&'static str, &'static str);

/// What is the matter, and what to do.
pub(super) fn condition(condition: Condition) -> (Both, Both) {
    match condition {
        Condition::Jam => (
            ("Kẹt giấy", "Paper jam"),
            (
                "mở các nắp và lấy giấy kẹt ra",
                "open the covers and take the jammed paper out",
            ),
        ),
        Condition::CoverOpen => (
            ("Nắp đang mở", "A cover is open"),
            ("đóng chặt mọi nắp", "close every cover"),
        ),
        Condition::PaperEmpty => (
            ("Hết giấy", "Out of paper"),
            ("nạp giấy vào khay", "load paper"),
        ),
        Condition::PaperLow => (
            ("Sắp hết giấy", "Paper is low"),
            ("nạp thêm giấy", "load more paper"),
        ),
        Condition::TonerEmpty => (
            ("Hết mực", "Toner or ink has run out"),
            ("thay hộp mực", "replace the cartridge"),
        ),
        Condition::TonerLow => (
            ("Sắp hết mực", "Toner or ink is low"),
            ("chuẩn bị hộp mực thay thế", "have a new cartridge ready"),
        ),
        Condition::Offline => (
            ("Máy in đang ngoại tuyến", "The printer is offline"),
            (
                "chuyển máy in về trạng thái trực tuyến, xem lại dây cáp",
                "set it online at its panel, and look at its cables",
            ),
        ),
        Condition::Service => (
            ("Máy in cần bảo trì", "The printer needs service"),
            ("gọi kỹ thuật viên", "call a technician"),
        ),
        Condition::Other => (
            ("Máy in báo lỗi khác", "Something else is the matter"),
            ("xem màn hình của máy in", "look at the printer's display"),
        ),
        Condition::TrayMissing => (
            ("Thiếu khay giấy", "A paper tray is missing"),
            ("lắp lại khay giấy", "put the tray back"),
        ),
        Condition::SupplyMissing => (
            ("Thiếu hộp mực", "A cartridge is missing"),
            ("lắp lại hộp mực", "put the cartridge in"),
        ),
        Condition::OutputTrayMissing => (
            ("Thiếu khay ra giấy", "The output tray is missing"),
            ("lắp lại khay ra giấy", "put the output tray back"),
        ),
        Condition::OutputNearlyFull => (
            ("Khay ra giấy sắp đầy", "The output tray is nearly full"),
            ("lấy bớt giấy ở khay ra", "take the prints out"),
        ),
        Condition::OutputFull => (
            ("Khay ra giấy đã đầy", "The output tray is full"),
            ("lấy giấy ở khay ra", "take the prints out"),
        ),
        Condition::WasteNearlyFull => (
            ("Hộp mực thải sắp đầy", "The waste box is nearly full"),
            ("chuẩn bị hộp mực thải mới", "have a new waste box ready"),
        ),
        Condition::WasteFull => (
            ("Hộp mực thải đã đầy", "The waste box is full"),
            ("thay hộp mực thải", "replace the waste box"),
        ),
        Condition::Paused => (
            ("Máy in đang tạm dừng", "The printer is paused"),
            ("cho máy in chạy tiếp", "let it go on, at its panel"),
        ),
    }
}

/// What a printer does.
pub(super) fn status(status: Status) -> Both {
    match status {
        Status::Idle => ("sẵn sàng", "ready"),
        Status::Printing => ("đang in", "printing"),
        Status::Warmup => ("đang khởi động", "warming up"),
        Status::Standby => ("đang nghỉ", "asleep"),
        Status::Stopped => ("đã dừng, chờ người xử lý", "stopped, waits for somebody"),
        Status::Other => ("khác", "something else"),
        Status::Unknown => ("không rõ", "unknown"),
    }
}

/// What kind of device it is.
pub(super) fn kind(kind: Option<Kind>) -> Both {
    match kind {
        Some(Kind::Printer) => ("máy in", "printer"),
        Some(Kind::Router) => ("bộ định tuyến", "router"),
        Some(Kind::Switch) => ("bộ chuyển mạch", "switch"),
        Some(Kind::Ups) => ("bộ lưu điện (UPS)", "UPS"),
        Some(Kind::AccessPoint) => ("điểm phát Wi-Fi", "access point"),
        Some(Kind::Other) | None => ("thiết bị", "device"),
    }
}

/// A level that is no number.
pub(super) fn no_number(level: Level) -> Both {
    match level {
        Level::SomeRemaining => ("còn, không rõ bao nhiêu", "some, it does not know how much"),
        Level::Unlimited => ("không giới hạn", "without limit"),
        Level::Unknown | Level::Measured(_) => ("không rõ", "unknown"),
    }
}

/// Why a protocol brought nothing, or not all, and what to do, by its outcome, in Vietnamese. In English the
/// protocols say it themselves, in more detail.
pub(super) fn outcome(outcome: &str) -> &'static str {
    match outcome {
        "answered" => "đã trả lời",
        "partly" => "chỉ trả lời một phần; nếu quá chậm, thử lại với --timeout 60s",
        "timeout" => {
            "không trả lời; xem thiết bị có bật không, giao thức này có được bật không, \
             community có đúng không"
        }
        "refused" => {
            "có máy ở đó nhưng cổng này không mở; xem lại số cổng và bật giao thức này trong cài \
             đặt của thiết bị"
        }
        "unreachable" => "không có đường tới địa chỉ này; xem lại địa chỉ và dây mạng",
        "unauthorized" => "từ chối tên hoặc mật khẩu; so lại với cài đặt của thiết bị",
        "unreadable" => "trả lời không đọc được; thiết bị vẫn có thể hoạt động bình thường",
        _ => "trả lời bằng một lỗi; xem chi tiết bằng --lang en",
    }
}
