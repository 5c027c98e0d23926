//! What pages say of faults, mornings and times nobody saw: both languages side by side, in the words of a clerk.
//!
//! Names of faults, sentences and actions are not here: the diagnosis has them. `{}` marks where a value goes.

use super::device::Both;

macro_rules! said {
    ($($name:ident $vi:literal $en:literal;)*) => {
        $(pub(in crate::web) const $name: Both = ($vi, $en);)*

        #[cfg(test)]
        const ALL: &[(&str, Both)] = &[$((stringify!($name), $name)),*];
    };
}

said! {
    // The ways between pages.
    PAGES "Các trang" "Pages";
    CENTRES "Trung tâm" "Centres";
    MORNING "Trước giờ mở cửa" "Before opening";
    FAULTS "Sự cố" "Faults";

    // Mornings.
    READY "Sẵn sàng" "Ready";
    AT_RISK "Có điểm yếu" "At risk";
    NOT_READY "Chưa sẵn sàng" "Not ready";
    NOT_KNOWN "Chưa biết" "Not known";
    ACT "Cần xử lý ngay" "Act now";
    ACT_MEANING "Chưa phục vụ được người dân, và tại chỗ có việc làm được." "People cannot be served, and something can be done about it.";
    ASK "Chưa biết: cần một máy bật lên" "Not known: one PC switched on will tell";
    ASK_MEANING "Chưa có máy nào nói được tình hình ở đó." "Nobody there can say.";
    WEAK "Phục vụ được, nhưng có điểm yếu" "Works, with a weakness";
    WEAK_MEANING "Nên xử lý trước khi thành sự cố." "Better mended before it fails.";
    ELSEWHERE "Lỗi ở nơi khác" "The fault is elsewhere";
    ELSEWHERE_MEANING "Tại trung tâm không phải làm gì; cần báo người dân." "Nothing is to be done at the centre; tell those who wait.";
    WELL "Sẵn sàng mở cửa" "Ready to open";
    WELL_MEANING "Không phải làm gì." "Nothing is to be done.";
    DO_FIRST "Làm trước tiên" "First thing to do";
    WHO "Ai làm" "Who";
    UNDER_A_MINUTE "dưới 1 phút" "under a minute";
    THEN "; rồi " "; then ";
    OPENS_IN "còn {} nữa mở cửa" "opens in {}";
    OPENED "đã đến giờ mở cửa" "opening time has come";
    OPENS_AT "mở cửa {}" "opens {}";
    HOURS_UNKNOWN "chưa khai báo giờ" "hours not set";
    NEXT_OPENING "Giờ mở cửa gần nhất: {}, {}." "Next opening: {}, {}.";
    WITNESSES "{}/{} máy đang bật, {} máy nối dây" "{} of {} machines awake, {} wired";
    NONE_AWAKE "chưa máy nào bật" "no machine is awake";
    WOKEN "đã gọi máy {} dậy lúc {}" "{} was asked to wake at {}";
    PLACES "{} trung tâm" "{} centres";
    PLACES_TOO "và {} nơi khác" "and {} more";
    CAUSES_TOO "và {} mục khác" "and {} more";
    NO_LOOK_YET "Máy chủ vừa khởi động, chưa đánh giá xong lần đầu. Trang này tự làm mới sau vài giây." "The server has just started and has not looked at the centres yet. This page renews itself in a few seconds.";
    SEE_FAULT "Xem sự cố" "See the fault";
    SEE_MORNING "Xem bảng trước giờ mở cửa" "See all before opening";
    FARES "Đối chiếu {} lần mở cửa đã qua: báo đúng {}, báo xấu mà thực tế tốt {}, báo tốt mà thực tế xấu {}, chưa biết {}." "Of {} past openings: {} as said, {} better than said, {} worse than said, {} not known.";

    // Lines from outside.
    FROM_OUTSIDE "Đường truyền nhìn từ tỉnh" "Line seen from the province";
    OUTSIDE_ANSWERS "có trả lời, {}" "answers, {}";
    OUTSIDE_SILENT "không trả lời" "does not answer";
    OUTSIDE_NEVER "chưa từng trả lời: router có thể chặn, hoặc địa chỉ không đúng" "has never answered: the router may refuse, or the address is wrong";
    OUTSIDE_UNSEEN "chưa đo được: máy của tỉnh chưa báo" "not measured: the province's machine does not report";

    // The card of a fault.
    OPEN_FOR "Đang xảy ra, đã {}" "Going on for {}";
    LASTED "Đã hết, kéo dài {}" "Over, lasted {}";
    WITHDRAWN "Đã rút lại: số đo về sau cho thấy không phải sự cố" "Withdrawn: what was measured shows that it was none";
    FAULT_KIND "Là sự cố gì" "What it is";
    PLACE "Hỏng ở đâu" "Where";
    SINCE "Bắt đầu" "Since";
    UNTIL "Kết thúc" "Until";
    STILL "chưa hết" "not over";
    SURENESS "Mức chắc chắn" "How sure";
    CERTAIN "chắc chắn" "certain";
    LIKELY "nhiều khả năng" "likely";
    UNSURE "chưa chắc chắn" "not certain";
    STAGE "Dựa trên" "By";
    PROVISIONAL "số đo nhận trực tiếp, có thể còn thay đổi" "what is heard live; it may still change";
    CONFIRMED "cả số đo gửi bù sau khi mất liên lạc" "also what was measured while nothing was heard";
    FINAL "toàn bộ số đo, là kết luận cuối" "all measurements: this is final";
    HIT "Nơi bị ảnh hưởng" "Who is hit";
    WHY "Vì sao nói vậy" "Why it says so";
    SPEAKS_FOR "Căn cứ" "For";
    SPEAKS_AGAINST "Điều chưa khớp" "Against";
    NOTHING_AGAINST "Không có gì trái với kết luận này." "Nothing speaks against it.";
    SETTLES "Làm sao biết chắc" "What would settle it";
    MAY_BE "Cũng có thể là" "It may also be";
    TOLD "Đã nói gì, lúc nào" "What was said when";
    FIRST_SAID "Báo lần đầu" "First said";
    UPDATED "Bổ sung" "More is known";
    CORRECTED "Nói lại" "Corrected";
    CORRECTED_LATE "Nói lại, vì số đo gửi bù đã về" "Corrected, because late measurements came";
    TAKEN_BACK "Rút lại" "Withdrawn";
    ENDED "Đã hết" "Over";
    SAID_BEFORE "Trước đó nói: {}." "Before, it said: {}.";
    LEFT_OUT "… {} lần khác …" "… {} more …";
    RUNBOOK "Sổ tay xử lý" "Runbook";
    BROKEN_HERE "hỏng ở đây" "fails here";
    FAILS_AT "Hỏng ở: {}." "Fails at: {}.";
    FAILS_NOWHERE "Chưa xác định được hỏng ở chặng nào." "Where it fails is not known.";
    MEASURED_IN "Số đo hiện tại, theo {}." "Figures of now, as {} measures them.";
    NO_FIGURES "Hiện không máy nào ở đó báo về, nên không có số đo." "No machine there reports now, so there are no figures.";
    OVER_NO_FIGURES "Sự cố đã hết, nên số đo hiện tại không nói gì về nó." "It is over, so the figures of now say nothing of it.";
    SEGMENT_ROUTE "Chặn trên đường đi" "Blocked on the way";
    SEGMENT_POWER "Điện" "Power";
    SEGMENT_PRINTER "Máy in" "Printer";
    SEGMENT_UNKNOWN "chưa rõ" "not known";

    // The list of faults.
    OPEN_NOW "Đang xảy ra" "Going on";
    LATELY "Đã hết, 7 ngày qua" "Over, last 7 days";
    NO_OPEN "Không có sự cố nào đang xảy ra." "Nothing is wrong.";
    NO_LATELY "Không có sự cố nào trong 7 ngày qua." "There was no fault in the last 7 days.";
    ALL_PLACES "Tất cả trung tâm" "All centres";
    CHOOSE_PLACE "Chọn trung tâm" "Choose a centre";
    SHOW "Xem" "Show";
    OF_CENTRE "Sự cố ở {}" "Faults of {}";
    ALL_FAULTS "Xem mọi sự cố" "See all faults";
    ONLY_NEWEST "Chỉ hiện {} sự cố mới nhất." "Only the newest {} are shown.";
    ALERTS_STUCK "Cảnh báo chưa gửi được từ {}: {}. Sự cố vẫn hiện đủ ở đây, nhưng không ai được nhắn tin. Kiểm tra Alertmanager." "Alerts cannot be sent since {}: {}. Faults are shown here, but nobody is told of them. Look at Alertmanager.";

    // Times nobody saw.
    BLIND "Trong lúc mất liên lạc" "While nothing was heard";
    BLIND_WHEN "Từ {} đến {} ({}) máy chủ không nhận được gì từ trung tâm này." "From {} to {} ({}) the server heard nothing from this centre.";
    BLIND_TOLD "Sau đó {} máy gửi bù {} lượt đo, cho biết trong lúc đó:" "Afterwards {} machines sent {} measurements of that time. They tell:";
    BLIND_FAULTS "Sự cố trong lúc đó" "Faults in that time";
    BLIND_NO_FAULTS "Không có sự cố nào được ghi nhận trong lúc đó." "No fault is known of that time.";
    BLIND_GOOD "tốt suốt thời gian đó" "good all the time";
    BLIND_BAD "không dùng được suốt thời gian đó" "dead all the time";
    BLIND_BAD_IN "không dùng được {}" "dead {}";
    BLIND_UNSTEADY "lúc được lúc không" "came and went";
    BLIND_INTERNET "Internet" "Internet";
    BLIND_SERVER "Máy chủ Dawnwatch" "Dawnwatch server";
    BLIND_NOTE "Ô trống là lúc không có số đo, chẳng hạn vì máy đã tắt." "Gaps are times without measurements, such as when machines were off.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_everything() {
        for (name, (vi, en)) in ALL {
            assert!(!vi.trim().is_empty() && !en.trim().is_empty(), "{name}");
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(vi), places(en), "{name}: values to fill in");
            assert!(
                vi != en || *name == "BLIND_INTERNET",
                "{name} is not translated"
            );
        }
    }
}
