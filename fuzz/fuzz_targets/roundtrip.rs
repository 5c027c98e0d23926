//! Codes any measurements and finds them again.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::roundtrip(data));
