//! What people rely on, shown with real programs: each file one promise, each test one sentence of it.
//!
//! [`enroll`] a machine becomes an agent · [`renew`] and stays one · [`restart`] nothing that dies needs a hand · [`silence`] off
//! is told from down · [`kernel`] values are those of the system · [`gateway`] round-trip times and loss
//! are those of `ping` · [`throughput`] what a line carries is told, [`neighbours`] and what is between two PCs · [`bad_input`] mistakes get an answer · [`hostile_agent`], [`hostile_bytes`] so does a broken agent · [`replay`] nothing counts twice ·
//! [`crash`] whoever is killed, nothing is lost uncounted · [`prometheus`], [`dashboards`] a real
//! Prometheus understands it all · [`outage`] nothing is lost, nothing comes twice · [`store`] whoever is away, [`disk`] whatever is full ·
//! [`clocks`] whatever time an agent believes it is · [`up`] everything on one machine. They are written with [`harness`].

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "tests"
)]

mod harness;

mod bad_input;
mod clocks;
mod crash;
mod dashboards;
mod disk;
mod enroll;
mod gateway;
mod hostile_agent;
mod hostile_bytes;
mod kernel;
mod neighbours;
mod outage;
mod prometheus;
mod renew;
mod replay;
mod restart;
mod silence;
mod store;
mod throughput;
mod up;

/// How long a first value may take.
const FIRST_VALUES: std::time::Duration = std::time::Duration::from_secs(30);
