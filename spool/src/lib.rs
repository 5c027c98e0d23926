//! A durable, bounded queue: what cannot be delivered now is delivered later, or counted as dropped.
//!
//! A record is opaque bytes with the time of its oldest sample and a weight (its number of samples, for counting). It gets a
//! [`Sequence`], is kept in memory, goes to disk when its owner says [`Spool::persist`] or memory runs out, and leaves when it
//! is acknowledged with [`Spool::ack`], in any order, or when it is the oldest of too many.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let (folder, now_unix_ms) = (folder.path(), Some(1_770_000_000_000));
//! let mut spool = spool::Spool::open(folder, spool::Limits::default(), now_unix_ms)?;
//! let sequence = spool.append(now_unix_ms, 2, b"two samples".to_vec(), now_unix_ms)?;
//! spool.persist(now_unix_ms)?;
//! let entry = spool.newest().unwrap();
//! assert_eq!(spool.read(entry.sequence)?.unwrap().bytes, b"two samples");
//! spool.ack(sequence);
//! assert_eq!(spool.stats().records, 0);
//! # Ok::<(), spool::Error>(())
//! ```
//!
//! # Invariants
//!
//! 1. **After `persist` returned `Ok`, no crash and no power cut loses a record it covered, nor an ack or a count of drops
//!    that came before it.**
//! 2. **A crash loses only what was in memory.** It brings back no acknowledged record except those that were on disk *and*
//!    acknowledged after the last good `persist` *and* whose chunk still held unacknowledged records (or, in a power cut,
//!    was deleted after that `persist`). Whoever receives them knows them by their sequence.
//! 3. **A sequence is never given out twice** by one folder, not even for records that never reached the disk: numbers are
//!    reserved on disk ahead of use, and an open starts above all reserved ones. Gaps mean nothing. (Best effort
//!    only while the disk takes no writes, and when `state` was lost.)
//! 4. **Records in memory are newer than records on disk.** So the oldest chunk is the oldest data.
//! 5. **Within [`Limits`] always**: the oldest goes first, each drop is counted in records and samples, and the count is
//!    durable before a file is deleted, unless the disk is too full even for that.
//! 6. **Damage costs what is damaged**: the record, not its chunk; the chunk, not the spool. Nothing in a file can cause a
//!    panic.
//! 7. **One process per folder**, held by a lock on the file `lock`. A folder of a newer version is refused, untouched.
//! 8. **A disk that fails is a state** ([`Disk`]), not an error of the queue: it goes on in memory within
//!    [`Limits::memory_bytes`], and the next `persist` tries again, making the folder anew if it vanished.
//!
//! # Folder
//!
//! ```text
//! lock                       empty; locked while open
//! state                      replaced as a whole: written to state.new, synced, renamed
//! 0000000000000042.chunk     records, appended until the chunk is full; deleted when no record in it is wanted
//! 0000000000000017.corrupt   a damaged chunk after its good records were used; the newest few are kept for inspection
//!
//! file header  kind: 8 bytes, version: u32, CRC-32 of those: u32             the same in every version
//! chunk        file header, then records
//! record       mark: u32, length: u32, sequence: u64, time: i64, weight: u32, CRC-32 of bytes: u32, CRC-32 of header: u32, bytes
//! state        file header, reserved: u64, dropped records: u64, dropped samples: u64, count: u32,
//!              count × (first: u64, last: u64), CRC-32 of all this: u32      the ranges are acknowledged or dropped
//! ```
//!
//! Everything is little-endian. A record's header has its own checksum, so its length can be trusted when its bytes cannot;
//! where a header is damaged, the reader looks for the next good one. What follows the last good record is a torn tail and is
//! cut. Chunks are only appended to by the process that made them, and never again after a failed write or sync.
//!
//! # Not here
//!
//! No clock (`now_unix_ms` is passed in), no threads, no async, no cursor: what was sent and not yet acknowledged is its
//! owner's business, with [`Spool::after`], [`Spool::before`] and the ends. All calls block on the disk: keep the spool on
//! a thread of its own. Memory per record on disk is about 100 bytes, so let a record hold a batch, not a sample.

mod bounds;
mod chunk;
mod error;
mod folder;
mod limits;
mod lost;
mod memory;
mod persist;
mod queue;
mod ranges;
mod record;
mod recovery;
mod state;
mod stats;
mod varint;
mod writer;

pub use error::{Disk, Error};
pub use limits::Limits;
pub use lost::Lost;
pub use queue::Spool;
pub use ranges::Ranges;
pub use record::{Entry, MAX_RECORD_BYTES, Record, Sequence};
pub use stats::Stats;

/// The newest format this program reads and the one it writes.
pub(crate) const FORMAT_VERSION: u32 = 2;
