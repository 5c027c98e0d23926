//! The central program, in reading order: [`config`] → [`app`] (build, then run) → [`ca`],
//! [`enroll`] (token + CSR → certificate) → [`ingest`] (one stream per agent) → [`latest`] (newest
//! value per series) → [`metrics`] (`/metrics`) and [`web`] (page and API). [`registry`] alone knows
//! SQL. It never looks at an agent's machine itself and depends on nothing of the agent's.

pub mod app;
pub mod ca;
pub mod calendar;
pub mod centres;
pub mod config;
pub mod directory;
pub mod enroll;
pub mod ingest;
pub mod latest;
pub mod listen;
pub mod metrics;
mod private;
pub mod registry;
pub mod setup;
pub mod token;
pub mod seen;
pub mod web;
