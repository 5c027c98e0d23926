//! Remote write against real stores and against a receiver that takes the specifications at their word.
//!
//! [`stores`]: Prometheus and VictoriaMetrics, as the system packages them · [`rules`]: what each answer
//! leads to · [`refusals`]: what a refusal costs, and whom · [`crashes`]: what is there again after an end ·
//! [`receiver`], [`writing`], [`harness`]: what these are written with.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "tests"
)]

mod harness;
mod receiver;
mod writing;

mod crashes;
mod refusals;
mod rules;
mod stores;
