//! `/metrics`: the fleet's page from the live view, the collector's own health behind it.

pub mod exposition;
pub mod own;
