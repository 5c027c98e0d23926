//! What to do about an incident, and who does it: what can be tried on the spot first, then whom to call; and where
//! it may be one of two, the question whose answer says which of both to do.

use super::settle::{Asked, asked};
use super::{LIKELY, Owner, Told, Words, capital, words};
use crate::{Fault, Segment};

/// What to do, and who does it.
#[must_use]
pub fn incident_action(told: &Told) -> Words {
    let isp = match told.fault.segment() {
        Some(Segment::Line | Segment::Isp | Segment::Dns) => told.isp.or_else(|| isp(told)),
        _ => told.isp,
    };
    let act = |fault| act(fault, isp);
    if told.until.is_some() {
        let act = act(told.fault);
        return words(
            format!("Đã hết. Nếu lặp lại: {}", act.vi),
            format!("It is over. If it happens again: {}", act.en),
        );
    }
    let rival = told.other.filter(|_| told.confidence < LIKELY);
    match rival.and_then(|other| asked(told.fault, other)) {
        Some(Asked { question, yes, no }) => {
            let (yes, no) = (act(yes), act(no));
            words(
                format!(
                    "{} Nếu có: {} Nếu không: {}",
                    capital(&question.vi),
                    yes.vi,
                    no.vi
                ),
                format!(
                    "{} If so: {} If not: {}",
                    capital(&question.en),
                    yes.en,
                    no.en
                ),
            )
        }
        None => {
            let act = act(told.fault);
            words(capital(&act.vi), capital(&act.en))
        }
    }
}

/// What to do about a fault that is certain and goes on, where nothing more is known of it.
#[must_use]
pub fn usual_action(fault: Fault) -> Words {
    let act = act(fault, None);
    words(capital(&act.vi), capital(&act.en))
}

/// Of a fault whose culprit is the ISP.
fn isp<'a>(told: &Told<'a>) -> Option<&'a str> {
    told.culprit.filter(|_| {
        matches!(
            told.fault,
            Fault::IspDown | Fault::IspDegraded | Fault::DnsIspDown
        ) || told.fault.segment() == Some(Segment::Line)
    })
}

fn act(fault: Fault, isp: Option<&str>) -> Words {
    let isp = Owner::Isp.name(isp);
    match fault.segment() {
        Some(Segment::Device | Segment::Printer) => at_a_device(fault),
        Some(Segment::Lan | Segment::Gateway | Segment::Power) => in_the_centre(fault),
        Some(Segment::Line) => on_the_line(fault, &isp),
        Some(Segment::Isp | Segment::Dns) => at_the_isp(fault, &isp),
        Some(Segment::Service) => at_the_service(fault),
        Some(Segment::Core | Segment::Route) | None => elsewhere(fault, &isp),
    }
}

fn at_a_device(fault: Fault) -> Words {
    match fault {
        Fault::PcLinkDown => words(
            "cán bộ tại trung tâm cắm chặt cáp mạng ở máy và ở bộ chia mạng (switch), thử cáp khác, cổng khác; máy dùng Wi-Fi thì bật lại Wi-Fi. Vẫn mất: gọi kỹ thuật viên.",
            "staff of the centre push in the network cable at the PC and at the switch, then try another cable and socket; on Wi-Fi, switch it on again. Still down: call the technician.",
        ),
        Fault::PcWifiLossy => words(
            "cán bộ tại trung tâm đưa máy lại gần bộ phát Wi-Fi, tốt nhất là nối máy bằng cáp. Vẫn chập chờn: gọi kỹ thuật viên.",
            "staff of the centre move the PC closer to the Wi-Fi device or, better, connect it by cable. Still bad: call the technician.",
        ),
        Fault::PcOverloaded => words(
            "cán bộ tại trung tâm đóng bớt chương trình hoặc khởi động lại máy. Hay bị như vậy: báo kỹ thuật viên xem có cần nâng cấp máy.",
            "staff of the centre close programs that are not needed, or restart the PC. If it is often so, the technician looks whether it needs an upgrade.",
        ),
        Fault::PcBlocked => words(
            "kỹ thuật viên kiểm tra phần mềm diệt virus, tường lửa và cài đặt proxy của máy này; các máy khác trong trung tâm vẫn dùng được dịch vụ.",
            "the technician checks antivirus, firewall and proxy settings of this PC; other PCs of the centre reach the services.",
        ),
        Fault::PcNicErrors => words(
            "kỹ thuật viên thay cáp mạng của máy, sau đó thử cổng khác trên bộ chia mạng (switch); vẫn lỗi thì thay card mạng.",
            "the technician replaces the PC's network cable, then tries another socket of the switch; if errors go on, the network card.",
        ),
        Fault::PcClockWrong => words(
            "kỹ thuật viên chỉnh lại ngày giờ và bật đồng bộ giờ. Tắt máy rồi lại sai: thay pin trên bo mạch chủ.",
            "the technician sets date and time and switches time synchronisation on. Wrong again after the PC was off: replace the battery on its board.",
        ),
        _ => words(
            "cán bộ tại trung tâm xem màn hình máy in: gỡ giấy kẹt, thêm giấy, thay hộp mực, đóng nắp. Máy in vẫn báo lỗi: gọi kỹ thuật viên.",
            "staff of the centre look at the printer's display: clear the jam, add paper, change the toner, close the cover. Still an error: call the technician.",
        ),
    }
}

fn in_the_centre(fault: Fault) -> Words {
    match fault {
        Fault::LanDown => words(
            "cán bộ tại trung tâm xem bộ chia mạng (switch) có điện, đèn có nháy không, rồi tắt bật lại. Vẫn mất: kỹ thuật viên mang switch dự phòng đến.",
            "staff of the centre look whether the switch has power and its lights blink, and switch it off and on again. Still down: the technician brings a spare switch.",
        ),
        Fault::LanPartial => words(
            "cán bộ tại trung tâm tìm bộ chia mạng (switch) của các máy bị mất, tắt bật lại và cắm chặt cáp nối với switch chính. Vẫn mất: gọi kỹ thuật viên.",
            "staff of the centre find the switch of the PCs that are cut off, switch it off and on again and push in its cable to the main switch. Still down: call the technician.",
        ),
        Fault::LanLossy => words(
            "kỹ thuật viên kiểm tra cáp giữa bộ chia mạng (switch) và bộ định tuyến, cổng lỗi, hoặc dây bị cắm vòng (hai đầu vào cùng một switch).",
            "the technician checks the cable between switch and router, bad sockets, and loops (a cable with both ends in one switch).",
        ),
        Fault::GatewayDown => words(
            "cán bộ tại trung tâm xem bộ định tuyến có điện không, tắt đi, chờ 10 giây, bật lại, chờ 3 phút. Vẫn mất: gọi kỹ thuật viên thay bộ định tuyến.",
            "staff of the centre look whether the router has power, switch it off, wait 10 seconds, switch it on and wait 3 minutes. Still down: call the technician to replace the router.",
        ),
        Fault::GatewayOverloaded => words(
            "cán bộ tại trung tâm tắt bật lại bộ định tuyến. Hay bị như vậy: kỹ thuật viên xem có cần thay bộ định tuyến mạnh hơn.",
            "staff of the centre switch the router off and on again. If it is often so, the technician looks whether a stronger router is needed.",
        ),
        _ => words(
            "kỹ thuật viên hỏi trung tâm: nhà bên cạnh có điện không? Không có: gọi điện lực. Có điện: cán bộ tại trung tâm xem cầu dao; không tự sửa điện.",
            "the technician asks the centre: do the neighbours have electricity? No: call the electricity company. Yes: staff look at the centre's main switch, and repair nothing themselves.",
        ),
    }
}

fn on_the_line(fault: Fault, isp: &Words) -> Words {
    let Words { vi, en } = isp;
    match fault {
        Fault::LineLossy => words(
            format!(
                "kỹ thuật viên gọi {vi}, báo tỷ lệ mất gói và thời điểm bắt đầu, yêu cầu đo lại đường truyền. Trong khi chờ, hạn chế tải tệp lớn."
            ),
            format!(
                "the technician calls {en}, tells the loss and since when, and has them test the line. Meanwhile avoid large transfers."
            ),
        ),
        Fault::LineSaturated => words(
            format!(
                "cán bộ tại trung tâm tìm máy đang tải hoặc cập nhật và tạm dừng. Không có máy nào: kỹ thuật viên xem bộ định tuyến; hay bị nghẽn thì xin {vi} nâng gói cước."
            ),
            format!(
                "staff of the centre find the PC that downloads or updates and pause it. If none does, the technician looks at the router; if it is often full, ask {en} for a faster line."
            ),
        ),
        Fault::LineSlow => words(
            format!(
                "cán bộ tại trung tâm tắt bật lại bộ định tuyến, chờ 3 phút. Vẫn chậm: gọi {vi}, báo thời gian trả lời trước đây và bây giờ."
            ),
            format!(
                "staff of the centre switch the router off and on again and wait 3 minutes. Still slow: call {en} and tell how long answers took before and take now."
            ),
        ),
        Fault::LineDegrading => words(
            format!(
                "kỹ thuật viên gọi {vi} ngay, trước khi mất hẳn: yêu cầu kiểm tra suy hao cáp quang và đầu nối. Chuẩn bị đường dự phòng (4G)."
            ),
            format!(
                "the technician calls {en} now, before it fails, and has them check the fibre's attenuation and connectors. Have a spare way (4G) ready."
            ),
        ),
        _ => words(
            format!(
                "cán bộ tại trung tâm xem đèn quang (PON/LOS) và tắt bật lại bộ định tuyến. Sau 3 phút vẫn mất: gọi {vi} báo đứt đường truyền."
            ),
            format!(
                "staff of the centre look at the fibre light (PON/LOS) and switch the router off and on again. Still dead after 3 minutes: call {en} and report the line."
            ),
        ),
    }
}

fn at_the_isp(fault: Fault, isp: &Words) -> Words {
    let Words { vi, en } = isp;
    match fault {
        Fault::IspAreaDown => words(
            format!(
                "bộ phận CNTT của tỉnh gọi {vi} một lần cho cả khu vực, hỏi bao giờ khắc phục xong. Tại trung tâm không cần làm gì, không cần tắt bật thiết bị."
            ),
            format!(
                "the provincial IT office calls {en} once for the whole area and asks when it will be repaired. Nothing can be done in the centres; nobody needs to restart anything."
            ),
        ),
        Fault::IspDown => words(
            format!(
                "bộ phận CNTT của tỉnh gọi đầu mối của {vi} ở tỉnh. Trung tâm nào có đường dự phòng (4G) thì chuyển sang."
            ),
            format!(
                "the provincial IT office calls the provincial contact of {en}. Centres with a spare way (4G) switch to it."
            ),
        ),
        Fault::IspDegraded => words(
            format!(
                "bộ phận CNTT của tỉnh báo {vi} danh sách trung tâm, thời điểm và số đo. Trung tâm vẫn tiếp nhận hồ sơ, chỉ chậm hơn."
            ),
            format!(
                "the provincial IT office tells {en} the centres, the time and the figures. People can be served, only slower."
            ),
        ),
        Fault::DnsIspDown => words(
            format!(
                "kỹ thuật viên gọi {vi} báo máy chủ DNS bị lỗi. Trong khi chờ, đặt máy chủ DNS khác trên bộ định tuyến."
            ),
            format!(
                "the technician calls {en} and reports its DNS servers. Meanwhile, set another DNS server on the routers."
            ),
        ),
        _ => words(
            "cán bộ tại trung tâm tắt bật lại bộ định tuyến. Vẫn không mở được trang web: kỹ thuật viên đặt máy chủ DNS khác trên bộ định tuyến.",
            "staff of the centre switch the router off and on again. Names still not found: the technician sets another DNS server on the router.",
        ),
    }
}

fn at_the_service(fault: Fault) -> Words {
    match fault {
        Fault::ServiceSlow => words(
            "bộ phận CNTT của tỉnh báo đơn vị vận hành dịch vụ thời gian chờ và thời điểm bắt đầu. Trung tâm vẫn phục vụ người dân, báo trước là sẽ chậm.",
            "the provincial IT office tells those who run the service how long it takes and since when. Centres serve people and tell them that it takes longer.",
        ),
        Fault::ServiceError => words(
            "bộ phận CNTT của tỉnh báo đơn vị vận hành dịch vụ lỗi hiện ra. Trung tâm tạm tiếp nhận hồ sơ giấy nếu cần.",
            "the provincial IT office tells those who run the service which error is shown. Centres accept papers meanwhile if need be.",
        ),
        Fault::CertificateExpired => words(
            "không ai bấm bỏ qua cảnh báo hay nhập mật khẩu. Bộ phận CNTT của tỉnh báo đơn vị vận hành dịch vụ gia hạn chứng chỉ.",
            "nobody clicks the warning away or enters passwords. The provincial IT office tells those who run the service to renew the certificate.",
        ),
        _ => words(
            "bộ phận CNTT của tỉnh báo đơn vị vận hành dịch vụ. Trung tâm phục vụ người dân bằng những gì còn dùng được.",
            "the provincial IT office tells those who run the service. Centres serve people with what still works.",
        ),
    }
}

fn elsewhere(fault: Fault, isp: &Words) -> Words {
    match fault {
        Fault::CollectorDown => words(
            "vẫn phục vụ người dân được. Bộ phận CNTT của tỉnh kiểm tra máy chủ giám sát; số liệu được giữ tại các máy và gửi sau.",
            "people can be served. The provincial IT office looks at the monitoring server; measurements are kept on the PCs and sent later.",
        ),
        Fault::CollectorPathDown => words(
            "vẫn phục vụ người dân được. Bộ phận CNTT của tỉnh kiểm tra đường và tường lửa trước máy chủ giám sát.",
            "people can be served. The provincial IT office checks the way and the firewall in front of the monitoring server.",
        ),
        Fault::RouteBlocked => words(
            format!(
                "bộ phận CNTT của tỉnh kiểm tra tường lửa, proxy và định tuyến tới dịch vụ; không phải do các nguyên nhân này thì gọi {}.",
                isp.vi
            ),
            format!(
                "the provincial IT office checks firewall, proxy and routes to the service; if it is none of these, it calls {}.",
                isp.en
            ),
        ),
        Fault::MtuBlackhole => words(
            format!(
                "kỹ thuật viên giảm MTU trên bộ định tuyến (ví dụ 1400) rồi thử lại, và báo {}.",
                isp.vi
            ),
            format!(
                "the technician lowers the MTU on the router (for example to 1400), tries again, and tells {}.",
                isp.en
            ),
        ),
        Fault::CaptivePortal => words(
            "cán bộ tại trung tâm mở trình duyệt và đăng nhập vào trang hiện ra, không nhập mật khẩu dịch vụ công. Không có tài khoản: gọi kỹ thuật viên.",
            "staff of the centre open a browser and log in on the page that appears, never with passwords of public services. Without a login: call the technician.",
        ),
        _ => words(
            "kỹ thuật viên gọi điện hỏi trung tâm xem máy nào, dịch vụ nào bị, rồi nhờ chạy “dawnwatch-agent check” trên một máy ở đó.",
            "the technician phones the centre, asks which PCs and services are hit, and has somebody run “dawnwatch-agent check” on a PC there.",
        ),
    }
}
