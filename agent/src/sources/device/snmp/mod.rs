//! SNMP, as far as a device is asked: get these, walk that. Nothing outside knows whose code speaks it.
//!
//! In reading order: [`Oid`] and [`Value`] (what is asked for and what comes back), [`Session`] (one
//! device, once, within its [`Budget`]), [`Trouble`] (why not), [`Transport`] (what sessions share),
//! `live/` (requests of one session: when, how often, and when to stop), `wire` (its socket).
//! Deliberately absent: SET, traps, MIB files.

mod convert;
mod credentials;
pub(crate) mod live;
pub(crate) mod oid;
#[cfg(test)]
pub(crate) mod recorded;
#[cfg(test)]
mod tests;
pub(crate) mod transport;
mod trouble;
mod value;
pub(crate) mod wire;

use std::time::Duration;

use futures_util::future::BoxFuture;

pub(crate) use self::oid::{Oid, oid};
pub(crate) use self::transport::Transport;
pub(crate) use self::trouble::Trouble;
pub(crate) use self::value::{Binding, Value};

/// One device, asked once: from its creation on it uses up its [`Budget`].
pub(crate) trait Session: Send {
    /// The values of these instances, in their order; what the device does not have, or answers with an
    /// error, is left out. However many: they are split into as many requests as it takes.
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>>;

    /// All instances below `column`, in their order, at most this many. The device may have none.
    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked>;

    /// These columns of one table, in their order, each as [`Session::walk`] has it, and with fewer
    /// requests where it can be. Columns that are missing at the end were not asked for: the last that is
    /// there tells why it is no use.
    fn walk_all<'a>(&'a mut self, columns: &'a [Oid], most: usize) -> BoxFuture<'a, Vec<Walked>> {
        let all = async move {
            let mut all = Vec::with_capacity(columns.len());
            for column in columns {
                let walked = self.walk(column, most).await;
                let is_final = walked.trouble.is_some_and(Trouble::is_final);
                all.push(walked);
                if is_final {
                    break;
                }
            }
            all
        };
        Box::pin(all)
    }

    /// From now on, asks in this context: SNMPv3's own, `community@context` before. The empty one is
    /// the usual one.
    fn in_context(&mut self, context: &str);
}

/// What a walk brought, and what ended it before its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Walked {
    /// Increasing, all below the column.
    pub(crate) rows: Vec<Binding>,
    /// `None` when the column was walked to its end.
    pub(crate) trouble: Option<Trouble>,
}

/// What asking a device once may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Until an answer to one request.
    pub(crate) timeout: Duration,
    /// How often a request without an answer is repeated.
    pub(crate) retries: u8,
    /// For everything together.
    pub(crate) whole: Duration,
    /// Messages sent, repeated ones included.
    pub(crate) requests: u32,
    /// Values received.
    pub(crate) values: usize,
}
