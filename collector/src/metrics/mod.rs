//! `/metrics`: the fleet's page from the live view, the collector's own health beside it.

pub mod exposition;
