//! What people rely on, shown with real programs: each file one promise, each test one sentence of it.
//!
//! [`enroll`] a machine becomes an agent · [`renew`] and stays one · [`restart`] nothing that dies needs a hand · [`silence`] off
//! is told from down · [`kernel`] values are those of the system · [`gateway`] round-trip times and loss
//! are those of `ping` · [`throughput`] what a line carries is told, [`neighbours`] and what is between two PCs · [`bad_input`] mistakes get an answer · [`hostile_agent`], [`hostile_bytes`] so does a broken agent · [`replay`] nothing counts twice ·
//! [`crash`] whoever is killed, nothing is lost uncounted · [`prometheus`], [`dashboards`] a real
//! Prometheus understands it all · [`outage`] nothing is lost, nothing comes twice · [`store`] whoever is away, [`disk`] whatever is full ·
//! [`alone`] who is cut off judges for itself · [`faults`] what breaks is named · [`readiness`] before the doors open it is said whether they can · [`clocks`] whatever time an agent believes it is · [`up`] everything on one machine.
//!
//! Of what has no agent: [`recordings`] every device is shown as it is, [`devices`] and as it is now ·
//! [`printer_trouble`] what is the matter is told at once · [`scouts`] whoever asks, it is told once ·
//! [`odd_devices`] what is silent, mad or loud delays only itself · [`discovery`] what is found waits for approval ·
//! [`device_secrets`] what lets agents ask is with the scout alone · [`inventory`] another firmware is an event.
//!
//! They are written with [`harness`].

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "tests"
)]

mod harness;

mod alerts;
mod alone;
mod bad_input;
mod clocks;
mod crash;
mod dashboards;
mod device_secrets;
mod devices;
mod discovery;
mod disk;
mod enroll;
mod faults;
mod gateway;
mod hostile_agent;
mod hostile_bytes;
mod inventory;
mod kernel;
mod neighbours;
mod odd_devices;
mod outage;
mod outside;
mod presence;
mod printer_trouble;
mod prometheus;
mod readiness;
mod recordings;
mod renew;
mod replay;
mod restart;
mod scouts;
mod silence;
mod simulated;
mod store;
mod throughput;
mod up;

/// How long a first value may take.
const FIRST_VALUES: std::time::Duration = std::time::Duration::from_secs(30);
