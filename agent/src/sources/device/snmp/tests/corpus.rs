//! What the fuzzer starts from and found, again, and each with a little changed.

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::sources::device::snmp;

#[path = "../../../../../../fuzz/device.rs"]
#[allow(clippy::expect_used, reason = "tests")]
mod device;

#[test]
fn what_the_fuzzer_starts_from_and_found_stays_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/device");
    let mut random = StdRng::seed_from_u64(5);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        device::ask(&data);
        for _ in 0..100 {
            let mut changed = data.clone();
            for _ in 0..random.random_range(1..4) {
                let place = random.random_range(0..changed.len());
                changed[place] = random.random();
            }
            device::ask(&changed);
        }
        count += 1;
    }
    assert!(count >= 8, "{count} files");
}
