//! Reads any bytes as a printer's answer: nothing panics, and nothing is kept without bounds.
#![no_main]

#[path = "../../agent/src/sources/device/ipp/message/mod.rs"]
mod message;

use message::{Scope, VALUES, Value, WANTED};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Nor is what was asked an answer with anything in it.
    let question = message::question([1, 1], "ipp://192.0.2.1:631/ipp/print", Scope::All);
    assert!(message::answer(&question).is_ok_and(|reply| reply.attributes == Default::default()));
    let Ok(reply) = message::answer(data) else {
        return;
    };
    for name in WANTED {
        let values = reply.attributes.of(name);
        assert!(values.len() <= VALUES);
        for value in values {
            if let Value::Text(text) = value {
                assert!(text.chars().count() <= message::CHARACTERS);
                assert!(!text.contains(char::is_control));
            }
        }
        let _ = reply.attributes.number(name);
        let _ = reply.attributes.text(name);
    }
});
