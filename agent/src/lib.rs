//! Measures one machine and its links and reports them, in reading order: [`config`] → [`app`]
//! (build, then run) → [`identity`] (key, enrolment, renewal) → [`sources`] (what is measured) →
//! [`schedule`] (when) → [`record`] (readings → batches; `report`: when; [`events`]: which are urgent) →
//! [`queue`] (what waits) → [`uplink`] (one stream to the collector).
//! [`check`] measures once and judges on the spot, and [`ask`] asks one device, without any of that.
//! [`os`] holds everything that differs between operating systems. It can do nothing but measure: it
//! runs no program, opens no port and interprets nothing that comes over the wire but a plan; but it wakes machines
//! of its own centre (`wake`).

pub mod alone;
pub mod app;
pub mod ask;
pub mod backoff;
pub mod check;
pub mod clock;
pub mod config;
pub mod events;
pub mod identity;
pub mod logging;
pub mod os;
pub mod plan;
pub mod presence;
pub mod queue;
pub mod record;
mod report;
pub mod schedule;
pub mod sources;
pub mod status;
pub mod stop;
pub mod storage;
pub mod tls;
pub mod uplink;
mod wake;

use proto::wire::Host;

/// What this machine says of itself when it enrols and when it connects.
fn host_facts() -> Host {
    Host {
        hostname: sysinfo::System::host_name().unwrap_or_default(),
        os: std::env::consts::OS.into(),
        arch: std::env::consts::ARCH.into(),
        version: proto::VERSION.into(),
        kind: String::new(),
    }
}

/// An error with its causes, for one line of a log. A cause that repeats what was said is left out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}
