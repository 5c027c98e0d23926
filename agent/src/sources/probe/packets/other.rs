//! Systems on which packets are not sent one by one yet: every attempt says so.

use std::io;
use std::time::Duration;

use super::{Came, Echo, Probe};
use crate::os::Address;

pub(super) struct Engine;

impl Engine {
    pub(super) fn new(_interface: Option<String>, _flows: usize) -> Self {
        Self
    }

    pub(super) async fn send(&self, _: &Probe, _: Duration) -> io::Result<Came> {
        Err(not_yet())
    }

    pub(super) async fn burst(
        &self,
        _: &Address,
        _: u32,
        _: Duration,
        _: Duration,
    ) -> io::Result<Vec<Echo>> {
        Err(not_yet())
    }
}

fn not_yet() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "not on this system yet")
}
