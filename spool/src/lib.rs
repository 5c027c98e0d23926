//! A durable, bounded queue: what cannot be delivered now is delivered later, or counted as dropped.
//!
//! A record is opaque bytes with the time of its oldest sample and a weight (its number of samples, for counting). It gets a
//! [`Sequence`], is kept in memory, goes to disk when its owner says [`Spool::persist`] or memory runs out, and leaves when it
//! is acknowledged with [`Spool::ack`], in any order, or when it is the oldest of too many. [`Spool::instance`] and sequence
//! name a record once and for ever.
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
//! 2. **A crash loses only what was in memory**, and a killed process leaves word of it: see *What a kill takes*. It brings back no acknowledged record except those that were on disk *and*
//!    acknowledged after the last good `persist` *and* whose chunk still held unacknowledged records (or, in a power cut,
//!    was deleted after that `persist`). Whoever receives them knows them by their sequence.
//! 3. **A sequence is never given out twice** by one folder, not even for records that never reached the disk: numbers are
//!    reserved on disk ahead of use, a million at a time, and an open starts above all reserved ones. Gaps mean nothing.
//!    Where that cannot be known, because `state` was lost or cannot be written at open, the instance is another one. (A
//!    folder brought back from a backup is not noticed.)
//! 4. **Records in memory are newer than records on disk.** So the oldest chunk is the oldest data.
//! 5. **Within [`Limits`] always**: the oldest goes first, each drop is counted in records and samples, and the count is
//!    durable before a file is deleted, unless the disk is too full even for that. A record whose time nobody knows never
//!    is too old, and nothing is where its owner does not know what time it is.
//! 6. **Damage costs what is damaged**: the record, not its chunk; the chunk, not the spool. Nothing in a file can cause a
//!    panic.
//! 7. **One process per folder**, held by a lock on the file `lock`. A folder of a newer version is refused, untouched.
//! 8. **A disk that fails is a state** ([`Disk`]), not an error of the queue: it goes on in memory within
//!    [`Limits::memory_bytes`], and the next `persist` tries again, making the folder anew if it vanished.
//!
//! # What a kill takes
//!
//! The file `memory` lists what is in memory only, by number and samples, with what its owner said it has not appended yet
//! ([`Spool::note_unrecorded`]) and the drops that are in no saved state. It is written in place and never synced, so it costs
//! the copy of a page, survives the process, and may be stale or torn after a power cut. At open, what it lists and is neither
//! on disk nor done with becomes [`Spool::lost`], in the state, until [`Spool::settle_lost`] is told what of it arrived all the
//! same: only the receiver knows, and must have finished with what the dead process sent before it answers.
//!
//! The order of writes keeps an error on the side of asking too much, never of losing silently or of counting twice:
//!
//! * *append*: the list changes last. Before that, the samples are still listed as not appended yet, under the same number.
//! * *ack* of a record in memory: the list changes last. Before that, it is listed, and its receiver says that it arrived.
//! * *persist*: records, then state, then list. Before the list, what it names is found on disk, or below the number under
//!   which the state says that nothing was in memory only. (Samples noted beyond the record that was just appended are lost
//!   uncounted between the last two.)
//! * *drop*: of a record in memory, count and list change in one write; of one on disk, its count and that it is done with
//!   are in one state, and only then its file is deleted. Until then a crash brings back both the record and the count before.
//! * *open*, *settle*: one state has both the new list of lost ones and the counts; the file `memory` follows. What the state
//!   could not take stays in the file. Drops in the file count only on top of the state they name, by its generation.
//! * A power cut that leaves an old list names records that were acknowledged since: they arrived. One that tears it leaves
//!   nothing known of what was in memory; only that is lost uncounted.
//!
//! # Folder
//!
//! ```text
//! lock                       empty; locked while open
//! memory                     what is in memory only; written in place, never synced
//! state                      replaced as a whole: written to state.new, synced, renamed
//! 0000000000000042.chunk     records, appended until the chunk is full; deleted when no record in it is wanted
//! 0000000000000017.corrupt   a damaged chunk after its good records were used; the newest few are kept for inspection
//!
//! file header  kind: 8 bytes, version: u32, CRC-32 of those: u32             the same in every version
//! chunk        file header, then records
//! record       mark: u32, length: u32, sequence: u64, time: i64, weight: u32, CRC-32 of bytes: u32, CRC-32 of header: u32, bytes
//! state        file header, instance: u64, generation: u64, reserved: u64, first in memory: u64,
//!              dropped records: u64, dropped samples: u64, count: number, count × lost,
//!              count: number, count × (gap to first: number, first to last: number), CRC-32 of all this: u32
//!                                                                            the ranges are acknowledged or dropped
//! memory       file header, length of what follows the next: u64, CRC-32 of that: u32,
//!              instance: u64, generation of the state: number, next sequence: number,
//!              dropped records: number, dropped samples: number, count: number, count × lost,
//!              count: number, count × (gap to sequence: number, samples: number), zeros up to a page
//! lost         instance: u64, sequence: u64, samples: u64
//! number       seven bits a byte, the lowest first
//!
//! version 1    no file memory; state: file header, reserved: u64, dropped records: u64, dropped samples: u64, count: u32,
//!              count × (first: u64, last: u64), CRC-32 of all this: u32
//! ```
//!
//! Everything is little-endian, and readable by its owner alone. The time of a record is the lowest there is where nobody knows
//! it. A record's header has its own checksum, so its length can be trusted when its bytes cannot;
//! where a header is damaged, the reader looks for the next good one. What follows the last good record is a torn tail and is
//! cut. Chunks are only appended to by the process that made them, and never again after a failed write or sync.
//!
//! # Not here
//!
//! No clock (`now_unix_ms` is passed in), no threads, no async, no cursor: what was sent and not yet acknowledged is its
//! owner's business, with [`Spool::after`], [`Spool::before`] and the ends. All calls block on the disk: keep the spool on
//! a thread of its own. A waiting record on disk takes less than 100 bytes of memory, so let a record hold a batch, not a
//! sample.

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
pub use lost::{Fate, Lost};
pub use queue::Spool;
pub use ranges::Ranges;
pub use record::{Entry, MAX_RECORD_BYTES, Record, Sequence};
pub use stats::Stats;

/// The newest format this program reads and the one it writes.
pub(crate) const FORMAT_VERSION: u32 = 2;
