//! Reads any bytes as what a printer answers to everybody's question, of which the corpus holds some.
#![no_main]

#[path = "../../agent/src/sources/device/discovery/mdns/message/mod.rs"]
mod message;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assert!(message::read(&message::question().expect("a question")).is_empty());
    let printers = message::read(data);
    assert!(printers.len() <= message::PRINTERS);
    for printer in printers {
        assert!(printer.addresses.len() <= message::ADDRESSES);
        assert!(printer.name.len() <= message::TEXT);
        assert!(
            printer
                .ipp
                .is_none_or(|(port, path)| port > 0 && path.len() <= message::TEXT)
        );
    }
});
