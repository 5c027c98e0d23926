//! The codec of measurements: [`Rounds`] ↔ few bytes, with state kept between the messages of a
//! stream. Exact for every float; a value that was expected costs a small part of a bit.
//!
//! # The format
//!
//! A message is one number, coded by a binary range coder ([`range_coder`]) in the manner of LZMA's:
//! every *decision* is coded with the probability that its *context* has learned. There are no
//! lengths, tags or versions in it; the protocol that carries a message says where it ends. Whoever
//! wants to write a decoder reads the files in this order:
//!
//! 1. [`range_coder`]: decisions and plain bits ↔ bytes; how contexts learn, how a message ends.
//! 2. [`number`]: magnitudes and signed numbers as decisions: bit length, then one bit, then the
//!    rest plainly.
//! 3. [`scale`]: a value is a small integer of some unit, which its series keeps, perhaps off by some
//!    of floating point's smallest steps.
//! 4. [`series`]: one value: unchanged? of the usual unit? the same step as its neighbour or as
//!    before? else how far from the best of four predictions.
//! 5. [`sources`]: which series a round has, and when it was: sources measure at their own regular
//!    times, the same series nearly always.
//! 6. [`model`]: the number of rounds of a message, and then for each its series, its time, its
//!    values.
//!
//! Both directions run the same modelling code, generic over [`range_coder::Coder`], so they cannot
//! drift apart; and it predicts with integers alone, so that two machines cannot either.
//!
//! # What it relies on
//!
//! Messages of a stream are decoded whole and in the order they were encoded, or the stream is given
//! up; a fresh [`Encoder`] and [`Decoder`] make a record that stands alone. Damage is for others to
//! find (TLS, the checksums of the spool): what cannot have been written is refused as [`Malformed`],
//! but most damaged messages are merely some other measurements. Whatever the bytes, what is decoded
//! stays within the bounds of [`Rounds`], and a decoder's memory within 120 bytes for each series up
//! to the highest id, and 32 kB.

mod decoder;
mod encoder;
mod lane;
mod model;
mod number;
mod range_coder;
mod rounds;
mod scale;
mod series;
mod sources;

pub use decoder::{Decoder, Malformed};
pub use encoder::Encoder;
pub use lane::Lane;
pub use rounds::{Round, Rounds, Unfit};
