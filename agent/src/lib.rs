//! Measures one machine and its links and reports them, in reading order: [`config`] → [`app`]
//! (build, then run) → [`identity`] (key, enrolment, renewal) → [`sources`] (what is measured) →
//! [`schedule`] (when) → [`record`] (readings → batches) → [`uplink`] (one stream to the collector).
//! [`os`] holds everything that differs between operating systems. It can do nothing but measure: it
//! runs no program, opens no port and interprets nothing that comes over the wire but a plan.

pub mod app;
pub mod backoff;
pub mod config;
pub mod identity;
pub mod os;
pub mod record;
pub mod schedule;
pub mod sources;
pub mod status;
pub mod tls;
pub mod uplink;
