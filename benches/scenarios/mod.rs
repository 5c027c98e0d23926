//! The harness of the scenarios, for benches: each uses a part of it.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the scenarios use all of it, and are tests"
)]

#[path = "../../tests/scenarios/harness/mod.rs"]
pub mod harness;
