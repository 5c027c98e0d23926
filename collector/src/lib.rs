//! The central program, in reading order: [`config`] → [`setup`] (a new data folder) → [`app`] (build,
//! then run) → [`ca`], [`token`] and [`enroll`] (token + CSR → certificate) → [`listen`] (TLS) →
//! [`ingest`] (one stream per agent; [`directory`] says who may, [`seen`] what is new, [`clocks`] when it
//! was, [`comings`] who came and went, [`plans`] what to measure, [`scouts`] who asks the devices that have no agent and [`found`] what they
//! find; [`transfer`] is for throughput) → [`latest`] (newest value per series) → [`metrics`] and [`health`] (`/metrics`) and [`web`]
//! (page and API); beside it → [`journal`] (what is kept of a batch) → [`remote_write`] (a queue and a
//! sender per store). [`presence`] notes who was there. [`centres`] and [`calendar`] read what operators
//! write. [`reverse`] are the lines that the province looks at from outside. [`watch`] feeds the diagnosis and tells what it finds. [`registry`] alone knows SQL. It never looks at an agent's machine itself and depends on
//! nothing of the agent's.

pub mod alerts;
pub mod app;
pub mod blind;
pub mod ca;
pub mod calendar;
pub mod centres;
pub mod clocks;
pub mod comings;
pub mod config;
pub mod directory;
pub mod enroll;
pub mod found;
pub mod health;
pub mod ingest;
pub mod journal;
pub mod latest;
pub mod listen;
pub mod metrics;
pub mod plans;
pub mod presence;
mod private;
pub mod readiness;
pub mod registry;
pub mod remote_write;
pub mod reverse;
pub mod scouts;
pub mod seen;
pub mod setup;
pub mod token;
pub mod transfer;
pub mod watch;
pub mod web;
