//! Answers as printers send them, and as nobody should.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use domain::base::{Question, Ttl};

use super::*;

const HOUR: Ttl = Ttl::HOUR;

fn name(text: &str) -> Name<Vec<u8>> {
    Name::vec_from_str(text).unwrap()
}

fn answer() -> domain::base::message_builder::AnswerBuilder<Vec<u8>> {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_qr(true);
    message.answer()
}

/// A printer's instance, as an answer with all that goes with it.
fn printer(instance: &str, path: &[u8], host: &str, addresses: &[[u8; 4]]) -> Vec<u8> {
    let instance = name(instance);
    let mut message = answer();
    message
        .push((name(IPP), HOUR, Ptr::new(instance.clone())))
        .unwrap();
    let mut message = message.additional();
    let flush = Class::from_int(0x8001);
    let srv = Srv::new(0, 0, 631, name(host));
    message.push((instance.clone(), flush, HOUR, srv)).unwrap();
    let mut texts = domain::rdata::rfc1035::TxtBuilder::<Vec<u8>>::new();
    for text in [b"txtvers=1", path, b"TY=Laser 9", b"rpx=no", b"note"] {
        texts
            .append_charstr(domain::base::CharStr::from_slice(text).unwrap())
            .unwrap();
    }
    let texts = texts.finish().unwrap();
    message.push((instance, flush, HOUR, texts)).unwrap();
    for address in addresses {
        let a = A::new(Ipv4Addr::from(*address));
        message.push((name(host), flush, HOUR, a)).unwrap();
    }
    message.finish()
}

#[test]
fn everybody_is_asked_for_printers_and_to_answer_the_sender_alone() {
    let bytes = question().unwrap();
    let message = Message::from_slice(&bytes).unwrap();
    let questions: Vec<Question<_>> = message.question().map(Result::unwrap).collect();
    let asked: Vec<String> = questions
        .iter()
        .map(|one| one.qname().to_string())
        .collect();
    assert_eq!(asked, [IPP, LPD]);
    for question in questions {
        assert_eq!(
            (question.qtype(), question.qclass().to_int()),
            (Rtype::PTR, 0x8001)
        );
    }
    assert!(read(&bytes).is_empty(), "a question is no answer");
}

#[test]
fn a_printer_says_where_it_is_and_what_it_is_called() {
    let bytes = printer(
        "Laser\\ 2._ipp._tcp.local",
        b"rp=ipp/print",
        "laser.local",
        &[[10, 0, 0, 7], [10, 0, 0, 8], [10, 0, 0, 7]],
    );
    let expected = Printer {
        addresses: vec![Ipv4Addr::new(10, 0, 0, 7), Ipv4Addr::new(10, 0, 0, 8)],
        ipp: Some((631, "ipp/print".to_owned())),
        name: "Laser 9".to_owned(),
    };
    assert_eq!(read(&bytes), [expected]);
    let without_path = printer("a._ipp._tcp.local", b"x", "laser.local", &[]);
    let found = read(&without_path);
    assert_eq!(found[0].ipp, Some((631, String::new())));
    assert!(found[0].addresses.is_empty());
}

#[test]
fn a_printer_that_speaks_lpd_alone_has_no_path_of_ipp() {
    let instance = name("T\\225\\186\\167ng\\ 2._printer._tcp.local");
    let mut message = answer();
    message
        .push((name(LPD), HOUR, Ptr::new(instance.clone())))
        .unwrap();
    message
        .push((instance, HOUR, Srv::new(0, 0, 515, name("old.local"))))
        .unwrap();
    message
        .push((name("OLD.local"), HOUR, A::new([10, 0, 0, 9].into())))
        .unwrap();
    let found = read(&message.finish());
    assert_eq!(
        found[0].addresses,
        [Ipv4Addr::new(10, 0, 0, 9)],
        "names know no case"
    );
    assert_eq!(
        (found[0].ipp.as_ref(), found[0].name.as_str()),
        (None, "Tầng 2")
    );
}

#[test]
fn what_is_no_printer_is_left_out() {
    let instance = name("x._airplay._tcp.local");
    let mut message = answer();
    let ptr = Ptr::new(instance.clone());
    message
        .push((name("_airplay._tcp.local"), HOUR, ptr))
        .unwrap();
    message
        .push((instance.clone(), HOUR, Srv::new(0, 0, 7, name("x.local"))))
        .unwrap();
    // Of another class.
    let chaos = (name(IPP), Class::CH, HOUR, Ptr::new(instance));
    message.push(chaos).unwrap();
    assert_eq!(read(&message.finish()), []);
    let mut error = printer("a._ipp._tcp.local", b"rp=a", "b.local", &[]);
    error[3] |= 3;
    assert_eq!(read(&error), [], "an error");
}

#[test]
fn an_answer_cut_short_tells_what_came_before_the_cut() {
    let whole = printer("a._ipp._tcp.local", b"rp=ipp", "b.local", &[[10, 0, 0, 7]]);
    let mut told = 0;
    for length in 0..whole.len() {
        let found = read(&whole[..length]);
        assert!(found.len() >= told, "what is longer tells no less");
        told = found.len();
        assert!(found.iter().all(|one| one.addresses.is_empty()));
    }
    assert_eq!(told, 1);
}

#[test]
fn names_that_lead_to_themselves_end() {
    // One answer, whose owner is a pointer to itself; and one whose pointers lead to each other.
    let header = [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let rest = [0, 12, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12];
    let itself = [&header[..], &[0xc0, 12], &rest].concat();
    let each_other = [&header[..], &[0xc0, 14, 0xc0, 12], &rest].concat();
    for bytes in [itself, each_other] {
        assert_eq!(read(&bytes), []);
    }
}

#[test]
fn too_many_of_anything_are_not_kept() {
    let mut message = answer();
    for number in 0..400 {
        let instance = name(&format!("p{number}._ipp._tcp.local"));
        message.push((name(IPP), HOUR, Ptr::new(instance))).unwrap();
    }
    assert_eq!(read(&message.finish()).len(), PRINTERS);
    let many: Vec<[u8; 4]> = (0..100).map(|n| [10, 0, 0, n]).collect();
    let found = read(&printer("a._ipp._tcp.local", b"rp=a", "b.local", &many));
    assert_eq!(found[0].addresses.len(), ADDRESSES);
    let long = [&b"rp="[..], "ậ".repeat(60).as_bytes()].concat();
    let found = read(&printer("a._ipp._tcp.local", &long, "b.local", &[]));
    let (_, path) = found[0].ipp.as_ref().unwrap();
    assert!(
        path.len() <= TEXT && path.chars().all(|c| c == 'ậ'),
        "{path}"
    );
}

#[test]
fn what_is_no_text_is_shown_as_far_as_it_is() {
    let found = read(&printer(
        "a._ipp._tcp.local",
        b"rp=a\xff\x00b\n",
        "b.local",
        &[],
    ));
    assert_eq!(found[0].ipp, Some((631, "a\u{fffd}b".to_owned())));
}

#[test]
fn any_bytes_are_read_to_an_end() {
    let whole = printer("a._ipp._tcp.local", b"rp=ipp", "b.local", &[[10, 0, 0, 7]]);
    // Every byte of an answer, made into others that mean something: lengths, pointers, counts.
    for place in 0..whole.len() {
        for byte in [0, 1, 12, 63, 64, 0x80, 0xc0, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] = byte;
            for printer in read(&bytes) {
                assert!(printer.addresses.len() <= ADDRESSES && printer.name.len() <= TEXT);
            }
        }
    }
}

#[test]
fn the_corpus_of_the_fuzzer_is_read_as_its_names_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/mdns");
    let read = |name: &str| read(&std::fs::read(folder.join(name)).unwrap());
    let whole = &read("a_printer")[0];
    assert_eq!(whole.ipp, Some((631, "ipp/print".to_owned())));
    assert_eq!(whole.addresses, [Ipv4Addr::new(10, 0, 0, 7)]);
    assert_eq!(read("cut_short")[0].ipp, None);
    assert_eq!(read("lpd_alone")[0].name, "Old");
    assert_eq!(read("compressed")[0].name, "a");
    assert_eq!(read("no_text")[0].ipp, Some((631, "\u{fffd}b".to_owned())));
    for circle in ["points_at_itself", "circle"] {
        assert_eq!(read(circle), []);
    }
}
