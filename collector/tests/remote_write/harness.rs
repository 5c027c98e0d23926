//! The parts of the scenarios' harness that have nothing to do with agents.

#![allow(dead_code, reason = "the scenarios use the rest")]

#[path = "../../../tests/scenarios/harness/process.rs"]
pub mod process;
#[path = "../../../tests/scenarios/harness/prometheus.rs"]
pub mod prometheus;
#[path = "../../../tests/scenarios/harness/scrape.rs"]
pub mod scrape;
#[path = "../../../tests/scenarios/harness/skip.rs"]
pub mod skip;
#[path = "../../../tests/scenarios/harness/victoria.rs"]
pub mod victoria;
#[path = "../../../tests/scenarios/harness/wait.rs"]
pub mod wait;
