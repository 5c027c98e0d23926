//! Vietnamese.

use super::{Unit, listed, milliseconds, percent, span};
use crate::Fault;
use crate::evidence::Medium;
use crate::spot::{Case, Reason, Weakness};

pub(super) fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::PcLinkDown => "máy này mất kết nối mạng",
        Fault::PcWifiLossy => "Wi-Fi yếu",
        Fault::PcOverloaded => "máy này bị quá tải",
        Fault::PcNicErrors => "cáp hoặc card mạng bị hỏng",
        Fault::PcBlocked => "máy này tự chặn kết nối tới các dịch vụ",
        Fault::PcClockWrong => "đồng hồ máy bị sai",
        Fault::LanDown => "mạng nội bộ bị ngắt",
        Fault::LanPartial => "một phần mạng nội bộ bị ngắt",
        Fault::LanLossy => "mạng nội bộ chập chờn",
        Fault::GatewayDown => "bộ định tuyến không hoạt động",
        Fault::GatewayOverloaded => "bộ định tuyến bị quá tải",
        Fault::LineDown => "đường truyền Internet bị đứt",
        Fault::LineLossy => "đường truyền Internet chập chờn",
        Fault::LineSaturated => "đường truyền Internet bị nghẽn",
        Fault::LineSlow => "đường truyền Internet chậm",
        Fault::LineDegrading => "đường truyền Internet đang kém dần",
        Fault::IspAreaDown => "nhà mạng bị sự cố trong khu vực này",
        Fault::IspDown => "mạng của nhà mạng bị sự cố",
        Fault::IspDegraded => "mạng của nhà mạng chậm hoặc chập chờn",
        Fault::CollectorDown => "máy chủ giám sát không hoạt động",
        Fault::CollectorPathDown => "đường tới máy chủ giám sát bị ngắt",
        Fault::DnsDown => "phân giải tên miền (DNS) bị lỗi",
        Fault::DnsIspDown => "DNS của nhà mạng bị lỗi",
        Fault::ServiceDown => "một dịch vụ không hoạt động",
        Fault::ServiceSlow => "một dịch vụ bị chậm",
        Fault::ServiceError => "một dịch vụ báo lỗi",
        Fault::CertificateExpired => "chứng chỉ bảo mật của một dịch vụ đã hết hạn",
        Fault::RouteBlocked => "kết nối bị chặn ở giữa đường",
        Fault::MtuBlackhole => "gói tin lớn bị mất trên đường",
        Fault::CaptivePortal => "một trang đăng nhập mạng chắn ở giữa",
        Fault::PowerOutage => "mất điện",
        Fault::PrinterFault => "máy in không in được",
        Fault::Unknown => "chưa rõ",
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn sentence(case: &Case) -> String {
    match case {
        Case::Well { but } if but.is_empty() => {
            "Mọi thứ đều tốt: từ máy này đến các cổng dịch vụ đều thông.".into()
        }
        Case::Well { but } => format!("Mọi thứ đều tốt; nhưng {}.", listed(but, weakness)),
        Case::NoCard => "Máy này không có card mạng nào đang bật.".into(),
        Case::NoLink {
            medium: Some(Medium::Wifi),
        } => "Máy này chưa kết nối Wi-Fi.".into(),
        Case::NoLink { .. } => {
            "Cáp mạng của máy này bị rút, hoặc đầu kia không có tín hiệu.".into()
        }
        Case::WifiLossy { loss } => format!(
            "Wi-Fi của máy này kém: mất {} gói tin trên đường tới bộ định tuyến.",
            percent(*loss)
        ),
        Case::CardErrors { loss } => format!(
            "Cáp mạng hoặc card mạng của máy này bị hỏng: mất {} gói tin.",
            percent(*loss)
        ),
        Case::ClockWrong { ahead: None } => {
            "Đồng hồ của máy này sai, nên các trang web bảo mật từ chối kết nối.".into()
        }
        Case::ClockWrong { ahead: Some(ahead) } => {
            let (number, unit) = span(ahead.abs());
            let direction = if *ahead > 0.0 { "nhanh" } else { "chậm" };
            format!(
                "Đồng hồ của máy này sai: {direction} khoảng {number} {}.",
                word(unit)
            )
        }
        Case::Overloaded => "Máy này bị quá tải, các chương trình không chạy kịp.".into(),
        Case::NoAddress => {
            "Máy đã cắm mạng nhưng không biết đường ra ngoài: bộ định tuyến chưa cấp địa chỉ cho máy, hoặc địa chỉ đặt sai.".into()
        }
        Case::LanSilent => {
            "Bộ định tuyến và các thiết bị khác trong trung tâm đều không trả lời: mạng nội bộ bị ngắt.".into()
        }
        Case::LanLossy { loss } => format!(
            "Mạng nội bộ chập chờn: mất {} gói tin trên đường tới bộ định tuyến.",
            percent(*loss)
        ),
        Case::GatewaySilent => "Bộ định tuyến không trả lời.".into(),
        Case::GatewaySlow { rtt } => {
            format!("Bộ định tuyến trả lời rất chậm ({} ms).", milliseconds(*rtt))
        }
        Case::Captive => "Một trang đăng nhập mạng hiện ra thay cho các trang web.".into(),
        Case::LineSilent { router: true } => {
            "Bộ định tuyến hoạt động, nhưng đường truyền Internet bị đứt.".into()
        }
        Case::LineSilent { router: false } => {
            "Không có gì bên ngoài trung tâm trả lời: đường truyền Internet bị đứt.".into()
        }
        Case::LineLossy { loss } => format!(
            "Đường truyền Internet chập chờn: mất {} gói tin giữa bộ định tuyến và nhà mạng.",
            percent(*loss)
        ),
        Case::LineFull { rtt } => format!(
            "Đường truyền Internet bị nghẽn: mọi thứ phải chờ {} ms.",
            milliseconds(*rtt)
        ),
        Case::LineSlow { rtt } => format!(
            "Đường truyền Internet chậm: mỗi lần trả lời mất {} ms.",
            milliseconds(*rtt)
        ),
        Case::IspSilent => {
            "Đường truyền thông đến nhà mạng, nhưng phía sau không có gì trả lời: sự cố ở nhà mạng.".into()
        }
        Case::IspLossy { loss } => format!(
            "Đường truyền tốt, nhưng mất {} gói tin bên trong mạng của nhà mạng.",
            percent(*loss)
        ),
        Case::IspSlow { rtt } => format!(
            "Đường truyền tốt, nhưng mạng của nhà mạng chậm: mỗi lần trả lời mất {} ms.",
            milliseconds(*rtt)
        ),
        Case::LargePacketsVanish => {
            "Gói tin nhỏ đi được, gói tin lớn bị mất trên đường: trang web mở mãi không xong.".into()
        }
        Case::DnsSilent => {
            "Internet vẫn thông, nhưng không phân giải được tên miền (DNS): không tìm thấy trang web nào.".into()
        }
        Case::NoResolver => {
            "Internet vẫn thông, nhưng máy này chưa được đặt máy chủ tên miền (DNS).".into()
        }
        Case::DnsLies { resolver } => format!(
            "Máy chủ tên miền (DNS) {resolver} trả lời sai: nó dẫn người dùng đến địa chỉ không đúng."
        ),
        Case::Blocked => {
            "Internet vẫn thông, nhưng kết nối tới các dịch vụ bị chặn ở giữa đường.".into()
        }
        Case::ServiceDown { service } => {
            format!("Mạng vẫn tốt; dịch vụ {service} không trả lời.")
        }
        Case::ServiceUnnamed { service } => {
            format!("Mạng vẫn tốt; máy chủ DNS không biết tên của dịch vụ {service}.")
        }
        Case::ServiceSlow { service, took } => format!(
            "Mạng vẫn tốt; dịch vụ {service} bị chậm: mất {:.1} giây.",
            took.as_secs_f64()
        ),
        Case::ServiceError {
            service,
            status: Some(status),
        } => format!("Mạng vẫn tốt; dịch vụ {service} báo lỗi {status}."),
        Case::ServiceError { service, .. } => {
            format!("Mạng vẫn tốt; dịch vụ {service} trả lời không đúng.")
        }
        Case::CertificateExpired { service } => {
            format!("Mạng vẫn tốt; chứng chỉ bảo mật của dịch vụ {service} đã hết hạn.")
        }
        Case::CertificateBad { service } => {
            format!("Mạng vẫn tốt; chứng chỉ bảo mật của dịch vụ {service} không được tin cậy.")
        }
        Case::CollectorSilent => {
            "Mạng và các dịch vụ đều tốt; chỉ máy chủ giám sát không trả lời.".into()
        }
        Case::Unsure { likelier, other } => format!(
            "Chưa chắc chắn. Có thể: {}. Hoặc: {}.",
            likelier.fault().map_or("chưa rõ", fault),
            fault(*other)
        ),
        Case::TooLittle => "Đo được quá ít để biết lỗi ở đâu.".into(),
    }
}

pub(super) fn action(case: &Case) -> &'static str {
    match case {
        Case::Well { but } if but.is_empty() => "Không cần làm gì.",
        Case::Well { .. } => "Vẫn phục vụ người dân được. Khi có thời gian, hãy báo kỹ thuật viên.",
        Case::NoCard => {
            "Hãy bật card mạng hoặc Wi-Fi của máy; nếu vẫn không được, gọi kỹ thuật viên."
        }
        Case::NoLink {
            medium: Some(Medium::Wifi),
        } => "Hãy bật Wi-Fi và kết nối vào mạng của trung tâm.",
        Case::NoLink { .. } => {
            "Hãy cắm chặt cáp mạng ở máy và ở bộ chia mạng (switch); thử cáp khác, cổng khác."
        }
        Case::WifiLossy { .. } => "Hãy đưa máy lại gần bộ phát Wi-Fi, hoặc nối máy bằng cáp.",
        Case::CardErrors { .. } => {
            "Hãy thay cáp mạng; nếu vẫn vậy, gọi kỹ thuật viên kiểm tra card mạng."
        }
        Case::ClockWrong { .. } => {
            "Hãy chỉnh lại ngày giờ của máy. Nếu tắt máy rồi lại sai, nhờ kỹ thuật viên thay pin trên bo mạch."
        }
        Case::Overloaded => {
            "Hãy đóng bớt chương trình hoặc khởi động lại máy; nếu hay bị như vậy, báo kỹ thuật viên."
        }
        Case::NoAddress => {
            "Hãy tắt bật lại bộ định tuyến, chờ 3 phút rồi kiểm tra lại; nếu vẫn không được, gọi kỹ thuật viên."
        }
        Case::LanSilent => {
            "Hãy xem bộ chia mạng (switch) và bộ định tuyến có điện, đèn có nháy không; tắt bật lại cả hai. Nếu vẫn không được, gọi kỹ thuật viên."
        }
        Case::LanLossy { .. } => {
            "Hãy cắm chặt cáp ở bộ chia mạng (switch) và bộ định tuyến, thử cổng khác; nếu vẫn vậy, gọi kỹ thuật viên."
        }
        Case::GatewaySilent => {
            "Hãy xem bộ định tuyến có điện không, tắt đi, chờ 10 giây, bật lại và chờ 3 phút; nếu vẫn không được, gọi kỹ thuật viên."
        }
        Case::GatewaySlow { .. } => {
            "Hãy tắt bật lại bộ định tuyến; nếu hay bị như vậy, báo kỹ thuật viên."
        }
        Case::Captive => {
            "Hãy mở trình duyệt, đăng nhập vào trang hiện ra rồi kiểm tra lại. Nếu không ai có tài khoản, gọi người quản lý mạng này."
        }
        Case::LineSilent { .. } => {
            "Hãy xem đèn quang (PON/LOS) trên bộ định tuyến, tắt bật lại bộ định tuyến; nếu sau 3 phút vẫn mất, gọi nhà mạng."
        }
        Case::LineLossy { .. } => {
            "Hãy gọi nhà mạng, báo tỷ lệ mất gói và yêu cầu kiểm tra đường truyền."
        }
        Case::LineFull { .. } => {
            "Hãy tìm xem ai đang tải hoặc cập nhật và tạm dừng lại; nếu không có ai, gọi nhà mạng."
        }
        Case::LineSlow { .. } => "Hãy tắt bật lại bộ định tuyến; nếu vẫn chậm, gọi nhà mạng.",
        Case::IspSilent | Case::IspLossy { .. } | Case::IspSlow { .. } => {
            "Tại trung tâm không xử lý được: hãy gọi nhà mạng."
        }
        Case::LargePacketsVanish => {
            "Hãy gọi kỹ thuật viên: cần giảm MTU trên bộ định tuyến (ví dụ 1400), hoặc nhà mạng phải sửa."
        }
        Case::DnsSilent => {
            "Hãy tắt bật lại bộ định tuyến; nếu vẫn không được, nhờ kỹ thuật viên đặt máy chủ DNS khác và báo nhà mạng."
        }
        Case::NoResolver => "Hãy nhờ kỹ thuật viên đặt máy chủ DNS cho máy này.",
        Case::DnsLies { .. } => {
            "Không nhập mật khẩu. Hãy nhờ kỹ thuật viên đặt lại máy chủ DNS đúng trên máy và bộ định tuyến."
        }
        Case::Blocked => {
            "Hãy gọi kỹ thuật viên: tường lửa, proxy hoặc nhà mạng đang chặn các dịch vụ."
        }
        Case::ServiceDown { .. }
        | Case::ServiceUnnamed { .. }
        | Case::ServiceSlow { .. }
        | Case::ServiceError { .. }
        | Case::CertificateExpired { .. } => {
            "Tại trung tâm không xử lý được: hãy báo đơn vị vận hành dịch vụ, và phục vụ người dân bằng những gì còn dùng được."
        }
        Case::CertificateBad { .. } => {
            "Không nhập mật khẩu ở đó. Hãy báo đơn vị vận hành dịch vụ và kỹ thuật viên."
        }
        Case::CollectorSilent => "Vẫn phục vụ người dân được. Hãy báo kỹ thuật viên.",
        Case::Unsure { likelier, .. } => action(likelier),
        Case::TooLittle => "Hãy kiểm tra lại sau một phút; nếu vẫn vậy, gọi kỹ thuật viên.",
    }
}

pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::CardHasLink => "card mạng có tín hiệu".into(),
        Reason::CardHasNoLink => "card mạng không có tín hiệu".into(),
        Reason::NeighboursAnswer => "các thiết bị khác trong trung tâm có trả lời".into(),
        Reason::NeighboursThere => {
            "các thiết bị khác trong trung tâm vẫn có mặt, dù không trả lời ping".into()
        }
        Reason::NeighboursGone => "các thiết bị khác trong trung tâm cũng không còn thấy".into(),
        Reason::NeighboursSilent => "các thiết bị khác trong trung tâm cũng không trả lời".into(),
        Reason::NoWayOut => "máy này không có đường ra ngoài".into(),
        Reason::GatewayAnswers => "bộ định tuyến có trả lời".into(),
        Reason::GatewayIsThere => "bộ định tuyến vẫn có mặt, dù không trả lời ping".into(),
        Reason::GatewaySilent => "bộ định tuyến không trả lời".into(),
        Reason::HopAnswers { hop } => {
            format!("bộ định tuyến thứ {hop} phía sau trung tâm có trả lời")
        }
        Reason::NothingBehindAnswers { sent } => {
            format!("{sent} lần thử đi xa hơn đều không có trả lời")
        }
        Reason::FarAnswers => "các địa chỉ ở xa có trả lời".into(),
        Reason::Loss { target, lost, sent } => format!("{target} mất {lost}/{sent} gói tin"),
        Reason::Clean { target, sent } => format!("{target} trả lời tốt {sent} gói tin"),
        Reason::Late { target, rtt } => format!("{target} trả lời sau {} ms", milliseconds(*rtt)),
        Reason::DamagedFrames { frames } => format!("card mạng nhận {frames} gói tin hỏng"),
        Reason::ClockWitnesses { witnesses } => format!("{witnesses} máy chủ báo giờ khác"),
        Reason::CertificatesRefused { services } => format!("{services} chứng chỉ bị từ chối"),
        Reason::Busy { cpu, lag } => format!(
            "bộ xử lý bận {}, chương trình phải chờ {} ms",
            percent(*cpu),
            milliseconds(*lag)
        ),
        Reason::ResolversFail { resolvers } => format!("{resolvers} máy chủ DNS bị lỗi"),
        Reason::OtherResolverAnswers { resolver } => {
            format!("máy chủ DNS {resolver} mà máy này không dùng thì có trả lời")
        }
        Reason::LargePacketsLost { target } => format!("gói tin lớn tới {target} bị mất"),
        Reason::LoginPage { service } => format!("một trang lạ trả lời thay cho {service}"),
        Reason::ServiceFails { service } => format!("{service} bị lỗi hoặc chậm"),
        Reason::OthersWork { services } => format!("{services} dịch vụ hoạt động"),
        Reason::AllServicesFail { services } => format!("{services} dịch vụ không trả lời"),
    }
}

fn weakness(weakness: &Weakness) -> String {
    match weakness {
        Weakness::ClockOff { ahead } => {
            let (number, unit) = span(ahead.abs());
            let direction = if *ahead > 0.0 { "nhanh" } else { "chậm" };
            format!("đồng hồ của máy này {direction} {number} {}", word(unit))
        }
        Weakness::ResolverFails { resolver } => {
            format!("máy chủ tên miền (DNS) {resolver} bị lỗi, đang phải nhờ máy chủ khác")
        }
        Weakness::LargePackets { target } => format!("gói tin lớn tới {target} bị mất"),
    }
}

fn word(unit: Unit) -> &'static str {
    match unit {
        Unit::Second => "giây",
        Unit::Minute => "phút",
        Unit::Hour => "giờ",
        Unit::Day => "ngày",
        Unit::Year => "năm",
    }
}
