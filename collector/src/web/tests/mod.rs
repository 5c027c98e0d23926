//! The page and the API, asked through their router about a real live view.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "tests"
)]

mod api;
mod asked;
mod fixture;
mod morning;
mod pages;
mod path;
mod safety;
mod verdict;
