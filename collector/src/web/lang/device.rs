//! What printers, routers and UPS say, word by word: the words of the metrics, in Vietnamese and English.
//!
//! A word that is not here is one of a newer agent; whoever shows it shows it as it is. Deliberately absent:
//! sentences with values in them, which are among the other texts.

use proto::plan::Kind;

/// Vietnamese and English.
pub(in crate::web) type Both = (&'static str, &'static str);

/// What is the matter with a printer, and what to do.
pub(in crate::web) fn condition(word: &str) -> Option<(Both, Both)> {
    Some(match word {
        "jam" => (
            ("Kẹt giấy", "Paper jam"),
            (
                "Mở các nắp và lấy giấy kẹt ra.",
                "Open the covers and take the jammed paper out.",
            ),
        ),
        "cover_open" => (
            ("Nắp đang mở", "Cover open"),
            ("Đóng chặt mọi nắp của máy.", "Close every cover."),
        ),
        "paper_empty" => (
            ("Hết giấy", "Out of paper"),
            ("Nạp giấy vào khay.", "Load paper."),
        ),
        "paper_low" => (
            ("Sắp hết giấy", "Paper is low"),
            ("Nạp thêm giấy.", "Load more paper."),
        ),
        "toner_empty" => (
            ("Hết mực", "Toner or ink has run out"),
            ("Thay hộp mực.", "Replace the cartridge."),
        ),
        "toner_low" => (
            ("Sắp hết mực", "Toner or ink is low"),
            (
                "Chuẩn bị sẵn hộp mực thay thế.",
                "Have a new cartridge ready.",
            ),
        ),
        "offline" => (
            ("Máy in đang ngoại tuyến", "Printer offline"),
            (
                "Bấm nút trên máy in để nhận lệnh in trở lại, xem lại dây cáp.",
                "Set it online at its panel, and look at its cables.",
            ),
        ),
        "service" => (
            ("Máy in cần bảo trì", "The printer needs service"),
            ("Gọi kỹ thuật viên.", "Call a technician."),
        ),
        "other" => (
            ("Máy in báo lỗi khác", "Something else is the matter"),
            ("Xem màn hình của máy in.", "Look at the printer's display."),
        ),
        "stopped" => (
            ("Máy in đã dừng", "The printer has stopped"),
            ("Xem màn hình của máy in.", "Look at the printer's display."),
        ),
        "tray_missing" => (
            ("Thiếu khay giấy", "A paper tray is missing"),
            ("Lắp lại khay giấy.", "Put the tray back."),
        ),
        "supply_missing" => (
            ("Thiếu hộp mực", "A cartridge is missing"),
            ("Lắp lại hộp mực.", "Put the cartridge in."),
        ),
        "output_tray_missing" => (
            ("Thiếu khay ra giấy", "The output tray is missing"),
            ("Lắp lại khay ra giấy.", "Put the output tray back."),
        ),
        "output_nearly_full" => (
            ("Khay ra giấy sắp đầy", "The output tray is nearly full"),
            ("Lấy bớt giấy ở khay ra.", "Take the prints out."),
        ),
        "output_full" => (
            ("Khay ra giấy đã đầy", "The output tray is full"),
            ("Lấy giấy ở khay ra.", "Take the prints out."),
        ),
        "waste_nearly_full" => (
            ("Hộp mực thải sắp đầy", "The waste box is nearly full"),
            (
                "Chuẩn bị sẵn hộp mực thải mới.",
                "Have a new waste box ready.",
            ),
        ),
        "waste_full" => (
            ("Hộp mực thải đã đầy", "The waste box is full"),
            ("Thay hộp mực thải.", "Replace the waste box."),
        ),
        "paused" => (
            ("Máy in đang tạm dừng", "The printer is paused"),
            ("Cho máy in chạy tiếp.", "Let it go on, at its panel."),
        ),
        _ => return None,
    })
}

/// Why a device that is there does not say anything, and what to do.
pub(in crate::web) fn refusal(outcome: &str) -> (Both, Both) {
    match outcome {
        "other_device" => (
            (
                "Thiết bị khác đang trả lời tại địa chỉ này",
                "Another device answers at its address",
            ),
            (
                "Xem lại địa chỉ của thiết bị; nếu thiết bị đã được thay, hãy xóa rồi thêm lại trên máy chủ.",
                "Look at its address; if the device was replaced, remove it on the server and add it again.",
            ),
        ),
        "unauthorized" => (
            (
                "Thiết bị từ chối tên hoặc mật khẩu",
                "It refuses the name or password",
            ),
            (
                "So lại mật khẩu SNMP trên máy chủ với cài đặt của thiết bị.",
                "Compare the SNMP credential on the server with the device's settings.",
            ),
        ),
        "refused" => (
            (
                "Thiết bị đang bật nhưng không cho hỏi",
                "It is on and cannot be asked",
            ),
            (
                "Bật SNMP hoặc IPP trong cài đặt của thiết bị.",
                "Switch SNMP or IPP on in its settings.",
            ),
        ),
        "unreadable" => (
            (
                "Thiết bị trả lời nhưng không đọc được",
                "Its answers cannot be read",
            ),
            (
                "Thiết bị vẫn có thể hoạt động bình thường. Xem chi tiết bằng dawnwatch-agent ask.",
                "It may work well all the same. See the details with dawnwatch-agent ask.",
            ),
        ),
        _ => (
            ("Thiết bị trả lời bằng một lỗi", "It answers with an error"),
            (
                "Khởi động lại thiết bị. Nếu vẫn lỗi, xem chi tiết bằng dawnwatch-agent ask.",
                "Start it again. If that does not help, see the details with dawnwatch-agent ask.",
            ),
        ),
    }
}

/// How asking ended, in short.
pub(in crate::web) fn outcome(word: &str) -> Option<Both> {
    Some(match word {
        "answered" => ("trả lời", "answers"),
        "partly" => ("trả lời một phần", "answers in part"),
        "timeout" => ("không trả lời", "no answer"),
        "refused" => ("không mở", "switched off"),
        "unreachable" => ("không có đường tới", "no way there"),
        "unauthorized" => ("từ chối mật khẩu", "refuses the password"),
        "unreadable" => ("không đọc được", "unreadable"),
        "failed" => ("báo lỗi", "an error"),
        "other_device" => ("thiết bị khác", "another device"),
        _ => return None,
    })
}

/// What a printer does.
pub(in crate::web) fn status(word: &str) -> Option<Both> {
    Some(match word {
        "idle" => ("Sẵn sàng", "Ready"),
        "printing" => ("Đang in", "Printing"),
        "warmup" => ("Đang khởi động", "Warming up"),
        "standby" => ("Đang nghỉ", "Asleep"),
        "stopped" => ("Đã dừng", "Stopped"),
        "other" => ("Trạng thái khác", "Another state"),
        "unknown" => ("Không rõ trạng thái", "State unknown"),
        _ => return None,
    })
}

/// One device of a kind, and several.
pub(in crate::web) fn kind(kind: Kind) -> (Both, Both) {
    match kind {
        Kind::Printer => (("máy in", "printer"), ("Máy in", "Printers")),
        Kind::Router => (("bộ định tuyến", "router"), ("Bộ định tuyến", "Routers")),
        Kind::Switch => (
            ("bộ chuyển mạch", "switch"),
            ("Bộ chuyển mạch (switch)", "Switches"),
        ),
        Kind::AccessPoint => (
            ("điểm phát Wi-Fi", "Wi-Fi access point"),
            ("Điểm phát Wi-Fi", "Wi-Fi access points"),
        ),
        Kind::Ups => (("bộ lưu điện (UPS)", "UPS"), ("Bộ lưu điện (UPS)", "UPS")),
        Kind::Other => (
            ("thiết bị khác", "other device"),
            ("Thiết bị khác", "Other devices"),
        ),
    }
}

/// What a supply is, by the type of the Printer MIB.
pub(in crate::web) fn supply(kind: &str) -> Option<Both> {
    Some(match kind {
        "toner" | "tonerCartridge" => ("mực", "toner"),
        "ink" | "inkCartridge" | "inkRibbon" => ("mực", "ink"),
        "opc" => ("trống mực", "drum"),
        "developer" => ("bột từ", "developer"),
        "fuser" => ("bộ sấy", "fuser"),
        "transferUnit" => ("bộ chuyển mực", "transfer unit"),
        "cleanerUnit" => ("bộ làm sạch", "cleaning unit"),
        "wasteToner" => ("hộp mực thải", "waste toner box"),
        "wasteInk" => ("hộp mực thải", "waste ink box"),
        "staples" => ("ghim bấm", "staples"),
        _ => return None,
    })
}

/// The colour of a supply.
pub(in crate::web) fn colour(word: &str) -> Option<Both> {
    Some(match word {
        "black" => ("đen", "black"),
        "cyan" => ("xanh (cyan)", "cyan"),
        "magenta" => ("đỏ (magenta)", "magenta"),
        "yellow" => ("vàng", "yellow"),
        "grey" => ("xám", "grey"),
        "white" => ("trắng", "white"),
        "red" => ("đỏ", "red"),
        "green" => ("xanh lá", "green"),
        "blue" => ("xanh dương", "blue"),
        "orange" => ("cam", "orange"),
        _ => return None,
    })
}

/// A level that is no number.
pub(in crate::web) fn no_number(state: &str) -> Both {
    match state {
        "some_remaining" => (
            "còn, máy không cho biết bao nhiêu",
            "some; it does not say how much",
        ),
        "unlimited" => ("không giới hạn", "without limit"),
        _ => ("máy không cho biết", "it does not say"),
    }
}

/// What happened to a device, or what of it changed.
pub(in crate::web) fn event(what: &str) -> Option<Both> {
    Some(match what {
        "found" => ("Được tìm thấy", "Found"),
        "added" => ("Được thêm", "Added"),
        "approved" => ("Được duyệt", "Approved"),
        "ignored" => ("Được bỏ qua", "Ignored"),
        "removed" => ("Được xóa", "Removed"),
        "name" => ("Tên", "Name"),
        "kind" => ("Loại", "Kind"),
        "credential" => ("Mật khẩu SNMP dùng để hỏi", "SNMP credential"),
        "ipp" => ("Cổng IPP", "IPP port and path"),
        "address" => ("Địa chỉ", "Address"),
        "mac" => ("Địa chỉ MAC", "MAC address"),
        "vendor" => ("Hãng", "Make"),
        "model" => ("Kiểu máy", "Model"),
        "serial" => ("Số sê-ri", "Serial number"),
        "os" => ("Hệ điều hành", "Operating system"),
        "firmware" => ("Phần mềm", "Firmware"),
        _ => return None,
    })
}
