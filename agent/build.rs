//! Makes the small program smaller: a seventh of it would be tables for unwinding the stack, those of the
//! standard library among them, which nothing reads where a panic ends the program (`small` in the
//! workspace's Cargo.toml). Cargo has no setting for that.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=small.ld");
    let is = |name, value| var(name).is_ok_and(|is| is == value);
    // No other profile is built for size; a script is not told what becomes of a panic.
    if is("OPT_LEVEL", "z") && is("CARGO_CFG_TARGET_OS", "linux") {
        let folder = var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{folder}/small.ld");
    }
}
