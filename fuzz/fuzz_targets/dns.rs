//! Reads any bytes as the answer to a question for a name's addresses, of which the corpus holds some to
//! the question it asks.
#![no_main]

#[path = "../../agent/src/sources/probe/dns/message/mod.rs"]
mod message;

use message::{Family, Question, Reply};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for family in [Family::V4, Family::V6] {
        let question = Question::new(0x1234, "portal.vn", family).expect("a name");
        assert!(question.read(question.bytes(true)).is_none());
        if let Some(Reply::Addresses(addresses)) = question.read(data) {
            assert!(addresses.len() <= message::ADDRESSES);
            assert!(
                addresses
                    .iter()
                    .all(|one| one.is_ipv4() == (family == Family::V4))
            );
        }
    }
});
