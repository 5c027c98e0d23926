//! Asks a device by SNMP that answers with any bytes.
#![no_main]

extern crate dawnwatch_proto as proto;

/// Where the macro `oid!` finds what it needs.
mod sources {
    pub mod device {
        pub(crate) use crate::snmp;
    }
}

#[allow(
    dead_code,
    unused_imports,
    reason = "a session is asked, and nothing else"
)]
#[path = "../../agent/src/sources/device/snmp/mod.rs"]
mod snmp;

#[path = "../device.rs"]
mod device;

libfuzzer_sys::fuzz_target!(|data: &[u8]| device::ask(data));
