//! Of what other scenarios are written with, that which is needed here.

#![allow(dead_code, reason = "each part is written for all scenarios")]

#[path = "../../scenarios/harness/agent.rs"]
pub mod agent;
#[path = "../../scenarios/harness/alertmanager.rs"]
pub mod alertmanager;
#[path = "../../scenarios/harness/binaries.rs"]
pub mod binaries;
#[path = "../../scenarios/harness/collector.rs"]
pub mod collector;
#[path = "../../scenarios/harness/faketime.rs"]
pub mod faketime;
#[path = "../../scenarios/harness/process.rs"]
pub mod process;
#[path = "../../scenarios/harness/prometheus.rs"]
pub mod prometheus;
#[path = "../../scenarios/harness/scrape.rs"]
pub mod scrape;
#[path = "../../scenarios/harness/skip.rs"]
pub mod skip;
#[path = "../../scenarios/harness/wait.rs"]
pub mod wait;

pub use agent::Agent;
pub use collector::Collector;
pub use scrape::metric;
pub use wait::eventually;
