//! Decodes any bytes as the messages of one stream.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::decode(data));
