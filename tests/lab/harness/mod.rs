//! Of what other scenarios are written with, that which is needed here.

#![allow(dead_code, reason = "each part is written for all scenarios")]

#[path = "../../scenarios/harness/process.rs"]
pub mod process;
#[path = "../../scenarios/harness/skip.rs"]
pub mod skip;
#[path = "../../scenarios/harness/wait.rs"]
pub mod wait;
