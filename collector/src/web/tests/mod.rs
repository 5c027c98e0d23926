//! The page and the API, asked through their router about a real live view.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "tests"
)]

mod api;
mod fixture;
mod pages;
mod path;
mod safety;
