//! Hand-made answers, honest and hostile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use domain::base::iana::Rcode;
use domain::base::message_builder::AnswerBuilder;

use super::*;

const ID: u16 = 0x1234;

fn question(host: &str, family: Family) -> Question {
    Question::new(ID, host, family).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// An answer to this question, with these records.
fn answer(
    question: &Question,
    rcode: Rcode,
    fill: impl FnOnce(&mut AnswerBuilder<Vec<u8>>),
) -> Vec<u8> {
    let asked = Message::from_slice(question.bytes(true)).unwrap();
    let mut answer = MessageBuilder::new_vec()
        .start_answer(asked, rcode)
        .unwrap();
    fill(&mut answer);
    answer.finish()
}

fn name(text: &str) -> Name<Vec<u8>> {
    Name::vec_from_str(text).unwrap()
}

fn alias(answer: &mut AnswerBuilder<Vec<u8>>, owner: &str, target: &str) {
    answer
        .push((name(owner), 60, Cname::new(name(target))))
        .unwrap();
}

fn address(answer: &mut AnswerBuilder<Vec<u8>>, owner: &str, last: u8) {
    let address = A::from_octets(203, 0, 113, last);
    answer.push((name(owner), 60, address)).unwrap();
}

fn check(host: &str, fill: impl FnOnce(&mut AnswerBuilder<Vec<u8>>), expected: &[&str]) {
    let question = question(host, Family::V4);
    let bytes = answer(&question, Rcode::NOERROR, fill);
    let expected = expected.iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(question.read(&bytes), Some(Reply::Addresses(expected)));
}

#[test]
fn a_question_is_one_with_and_without_edns() {
    let question = question("portal.vn", Family::V6);
    let plain = hex("1234 0100 0001 0000 0000 0000 06 706f7274616c 02 766e 00 001c 0001");
    assert_eq!(question.bytes(false), plain);
    let mut extended = plain;
    extended[11] = 1;
    extended.extend(hex("00 0029 04d0 00000000 0000"));
    assert_eq!(question.bytes(true), extended);
}

#[test]
fn what_is_no_name_makes_no_question() {
    let long = "x".repeat(64);
    let longer = "x.".repeat(128);
    for host in ["a..b", &long, &longer, "hồ.vn", "a b\u{0}c", ".a"] {
        let question = Question::new(ID, host, Family::V4);
        assert!(question.is_none(), "{host:?}: {question:?}");
    }
}

/// Byte by byte as resolvers write it: an alias, compressed names, two addresses, EDNS.
#[test]
fn an_aliased_answer_is_read() {
    let compressed = hex(
        "1234 8180 0001 0003 0000 0001 03777777 076578616d706c65 03636f6d 00 0001 0001
         c00c 0005 0001 0000012c 0012 03777777 076578616d706c65 0363646e c018
         c02d 0001 0001 00000014 0004 cb007101 c02d 0001 0001 00000014 0004 cb007102
         00 0029 1000 00000000 0000",
    );
    let reply = question("WWW.example.com", Family::V4).read(&compressed);
    let addresses = [[203, 0, 113, 1], [203, 0, 113, 2]].map(IpAddr::from);
    assert_eq!(reply, Some(Reply::Addresses(addresses.into())));
}

#[test]
fn answers_to_anything_else_are_none() {
    let question = question("portal.vn", Family::V4);
    let good = answer(&question, Rcode::NOERROR, |records| {
        address(records, "portal.vn", 1);
    });
    assert!(question.read(&good).is_some());
    let other = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        question.read(&bytes)
    };
    assert_eq!(other(|bytes| bytes[0] ^= 1), None, "another number");
    assert_eq!(other(|bytes| bytes[2] &= 0x7f), None, "a question");
    assert_eq!(other(|bytes| bytes[2] |= 0x10), None, "another opcode");
    assert_eq!(other(|bytes| bytes[13] = b'x'), None, "another name");
    assert_eq!(other(|bytes| bytes[24] = 28), None, "another type");
    assert_eq!(other(|bytes| bytes[26] = 3), None, "another class");
    assert_eq!(other(|bytes| bytes[5] = 0), None, "no question");
    assert_eq!(other(|bytes| bytes[5] = 2), None, "two questions");
    assert_eq!(other(|bytes| bytes.truncate(11)), None, "no header");
    assert_eq!(other(Vec::clear), None, "nothing");
    assert_eq!(
        question.read(question.bytes(true)),
        None,
        "its own question"
    );
}

#[test]
fn every_rcode_has_its_reply() {
    let question = question("portal.vn", Family::V4);
    for (rcode, reply) in [
        (Rcode::NXDOMAIN, Reply::NxDomain),
        (Rcode::SERVFAIL, Reply::ServFail),
        (Rcode::REFUSED, Reply::Refused),
        (Rcode::FORMERR, Reply::NotUnderstood),
        (Rcode::NOTIMP, Reply::NotUnderstood),
        (Rcode::NOTAUTH, Reply::ServFail),
    ] {
        let bytes = answer(&question, rcode, |_| {});
        assert_eq!(question.read(&bytes), Some(reply.clone()), "{rcode}");
        let mut header_alone = bytes[..12].to_vec();
        header_alone[4..12].fill(0);
        assert_eq!(question.read(&header_alone), Some(reply), "{rcode}");
    }
    let mut bad_version = answer(&question, Rcode::NOERROR, |_| {});
    bad_version.extend(hex("00 0029 04d0 01000000 0000"));
    bad_version[11] = 1;
    assert_eq!(question.read(&bad_version), Some(Reply::NotUnderstood));
}

#[test]
fn aliases_lead_to_addresses_in_any_order() {
    check("portal.vn", |_| {}, &[]);
    check(
        "portal.vn",
        |answer| {
            address(answer, "c.vn", 1);
            alias(answer, "b.vn", "c.vn");
            alias(answer, "Portal.VN", "b.vn");
            address(answer, "portal.vn", 66);
            address(answer, "other.vn", 67);
            address(answer, "C.vn", 2);
            address(answer, "c.vn", 2);
        },
        &["203.0.113.1", "203.0.113.2"],
    );
    check(
        "portal.vn",
        |answer| alias(answer, "portal.vn", "nowhere.vn"),
        &[],
    );
}

#[test]
fn an_answer_that_leads_round_in_circles_makes_no_sense() {
    let question = question("portal.vn", Family::V4);
    let circle = answer(&question, Rcode::NOERROR, |records| {
        alias(records, "portal.vn", "b.vn");
        alias(records, "b.vn", "portal.vn");
    });
    assert_eq!(question.read(&circle), Some(Reply::ServFail));
    let endless = answer(&question, Rcode::NOERROR, |records| {
        alias(records, "portal.vn", "0.vn");
        for step in 0..40 {
            let [from, to] = [step, step + 1].map(|number| format!("{number}.vn"));
            alias(records, &from, &to);
        }
    });
    assert_eq!(question.read(&endless), Some(Reply::ServFail));
}

#[test]
fn of_two_hundred_addresses_sixteen_are_kept() {
    let question = question("portal.vn", Family::V4);
    let many = answer(&question, Rcode::NOERROR, |records| {
        (1..=200).for_each(|last| address(records, "portal.vn", last));
    });
    let Some(Reply::Addresses(addresses)) = question.read(&many) else {
        panic!("not read");
    };
    assert_eq!(addresses.len(), ADDRESSES);
    assert_eq!(addresses[0], IpAddr::from([203, 0, 113, 1]));
}

#[test]
fn a_cut_off_answer_is_truncated_or_makes_no_sense() {
    let question = question("portal.vn", Family::V4);
    let good = answer(&question, Rcode::NOERROR, |records| {
        address(records, "portal.vn", 1);
    });
    let question_ends = question.bytes(false).len();
    for length in 0..good.len() {
        let reply = question.read(&good[..length]);
        let expected = (length >= question_ends).then_some(Reply::ServFail);
        assert_eq!(reply, expected, "{length} bytes");
    }
    let mut truncated = good;
    truncated[2] |= 0x02;
    assert_eq!(question.read(&truncated), Some(Reply::Truncated));
}

#[test]
fn names_that_point_in_circles_end() {
    let question = question("portal.vn", Family::V4);
    let mut bytes = answer(&question, Rcode::NOERROR, |_| {});
    let here = u8::try_from(bytes.len()).unwrap();
    bytes[7] = 1;
    // An owner that points at itself, then one that points ahead.
    for owner in [[0xc0, here], [0xc0, here + 2]] {
        let mut bytes = bytes.clone();
        bytes.extend(owner);
        bytes.extend(hex("0001 0001 00000001 0004 cb007101"));
        assert_eq!(question.read(&bytes), Some(Reply::ServFail));
    }
}

#[test]
fn what_the_fuzzer_starts_from_and_found_stays_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/dns");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for family in [Family::V4, Family::V6] {
            let reply = question("portal.vn", family).read(&bytes);
            if let Some(Reply::Addresses(addresses)) = reply {
                assert!(addresses.len() <= ADDRESSES);
            }
        }
        count += 1;
    }
    assert!(count >= 5, "{count} files");
}
