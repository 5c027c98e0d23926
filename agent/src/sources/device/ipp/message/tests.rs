//! Bodies by hand: one per rule of the bytes, and every way to be cut short.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;

fn body(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![1, 1, 0, 0, 0, 0, 0, 1, OPERATION_GROUP];
    append(&mut bytes, CHARSET, "attributes-charset", "utf-8");
    bytes.push(PRINTER_GROUP);
    fill(&mut bytes);
    bytes.push(END);
    bytes
}

fn read_of(fill: impl FnOnce(&mut Vec<u8>)) -> Attributes {
    answer(&body(fill)).unwrap().attributes
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn several_values_of_one_attribute_stay_in_order() {
    let read = read_of(|bytes| {
        append(bytes, KEYWORD, "printer-state-reasons", "media-jam-error");
        append(bytes, KEYWORD, "", "cover-open-error");
        append(bytes, ENUM, "printer-state", 5_i32.to_be_bytes());
    });
    let reasons = [text("media-jam-error"), text("cover-open-error")];
    assert_eq!(read.of("printer-state-reasons"), reasons);
    assert_eq!(read.number("printer-state"), Some(5));
}

#[test]
fn what_was_not_asked_for_is_not_kept() {
    let read = read_of(|bytes| {
        append(bytes, KEYWORD, "media-supported", "iso_a4_210x297mm");
        append(bytes, KEYWORD, "", "na_letter_8.5x11in");
    });
    assert_eq!(read, Attributes::default());
}

#[test]
fn members_of_collections_are_no_values_of_the_printer() {
    let read = read_of(|bytes| {
        append(bytes, INTEGER, "queued-job-count", 2_i32.to_be_bytes());
        append(bytes, COLLECTION, "printer-supply", "");
        append(bytes, 0x4a, "", "printer-state");
        append(bytes, ENUM, "", 3_i32.to_be_bytes());
        append(bytes, COLLECTION, "", "");
        append(bytes, END_OF_COLLECTION, "", "");
        append(bytes, END_OF_COLLECTION, "", "");
        append(bytes, ENUM, "printer-state", 5_i32.to_be_bytes());
    });
    assert_eq!(read.number("printer-state"), Some(5));
    assert_eq!(read.of("printer-supply"), []);
}

#[test]
fn a_collection_that_never_ends_hides_nothing_behind_it() {
    let read = read_of(|bytes| {
        append(bytes, COLLECTION, "media-col-default", "");
        append(bytes, ENUM, "printer-state", 4_i32.to_be_bytes());
    });
    assert_eq!(read.number("printer-state"), Some(4));
}

#[test]
fn an_odd_value_costs_itself_alone_and_keeps_its_place() {
    let read = read_of(|bytes| {
        append(bytes, INTEGER, "marker-levels", 40_i32.to_be_bytes());
        append(bytes, INTEGER, "", [1, 2]);
        append(bytes, 0x12, "", "");
        append(bytes, INTEGER, "", 60_i32.to_be_bytes());
        append(bytes, BOOLEAN, "printer-is-accepting-jobs", "");
    });
    let levels = [40, 60].map(Value::Integer);
    let expected = [&levels[..1], &[Value::None, Value::None], &levels[1..]].concat();
    assert_eq!(read.of("marker-levels"), expected);
    assert_eq!(read.of("printer-is-accepting-jobs"), [Value::None]);
}

#[test]
fn texts_are_readable_whatever_their_bytes() {
    let read = read_of(|bytes| {
        append(bytes, 0x42, "marker-names", "Mực đen");
        append(bytes, 0x42, "", [b'T', 0xff, 0x1b, b'[']);
        append(bytes, NAME_WITH_LANGUAGE, "", b"\0\x02vi\0\x03C\xc3\xa2");
        append(bytes, NAME_WITH_LANGUAGE, "", b"\0\x02vi\0\x09C");
    });
    let names = [
        text("Mực đen"),
        text("T\u{fffd} ["),
        text("Câ"),
        Value::None,
    ];
    assert_eq!(read.of("marker-names"), names);
}

#[test]
fn of_an_attribute_that_comes_twice_the_first_counts() {
    let read = read_of(|bytes| {
        append(bytes, ENUM, "printer-state", 3_i32.to_be_bytes());
        append(bytes, ENUM, "printer-state", 5_i32.to_be_bytes());
    });
    assert_eq!(read.of("printer-state"), [Value::Integer(3)]);
}

#[test]
fn attributes_without_end_do_not_fill_memory() {
    let read = read_of(|bytes| {
        append(bytes, KEYWORD, "printer-state-reasons", "none");
        for _ in 0..10_000 {
            append(bytes, KEYWORD, "", "media-low");
        }
    });
    assert_eq!(read.of("printer-state-reasons").len(), VALUES);
}

#[test]
fn a_body_cut_short_anywhere_is_no_answer() {
    let whole = body(|bytes| {
        append(bytes, KEYWORD, "printer-state-reasons", "media-jam-error");
        append(
            bytes,
            NAME_WITH_LANGUAGE,
            "marker-names",
            b"\0\x02en\0\x01K",
        );
    });
    assert!(answer(&whole).is_ok());
    for end in 0..whole.len() {
        assert_eq!(answer(&whole[..end]), Err(Malformed::Short), "{end}");
    }
}

#[test]
fn a_web_page_is_no_answer() {
    assert_eq!(answer(b"<html>\x03"), Err(Malformed::Foreign));
}

#[test]
fn a_question_is_as_the_rfc_orders_it() {
    let uri = "ipp://192.0.2.1:631/ipp/print";
    let bytes = question([1, 1], uri, Scope::Wanted);
    assert_eq!(bytes[..9], [1, 1, 0, 0x0b, 0, 0, 0, 1, OPERATION_GROUP]);
    let text = String::from_utf8_lossy(&bytes);
    let places = [
        "attributes-charset",
        "attributes-natural-language",
        uri,
        "marker-levels",
    ];
    let places = places.map(|wanted| text.find(wanted).unwrap());
    assert!(places.is_sorted());
    assert_eq!(bytes.last(), Some(&END));
    let all = question([2, 0], uri, Scope::All);
    assert!(!String::from_utf8_lossy(&all).contains("requested-attributes"));
}
