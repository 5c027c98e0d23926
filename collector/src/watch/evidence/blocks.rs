//! Records as the bytes of a journal: blocks of JSON lines, deflated, each with its length and checksum.
//!
//! A block that is torn or damaged ends what can be read of its file.

use std::io::{self, Read};

use diagnosis::record::{Line, Record};

/// No block is longer, deflated or not.
const LONGEST: usize = 64 << 20;

/// Of the best, deflate's little effort reaches most.
const EFFORT: u8 = 3;

/// Appends the line of a record.
pub(super) fn push_line(lines: &mut Vec<u8>, record: &Record) {
    // Writing into memory cannot fail, and all keys are texts.
    let length = lines.len();
    if serde_json::to_writer(&mut *lines, &Line::from(record)).is_err() {
        lines.truncate(length);
        return;
    }
    lines.push(b'\n');
}

/// The block of these lines.
pub(super) fn block(lines: &[u8]) -> Vec<u8> {
    let deflated = miniz_oxide::deflate::compress_to_vec(lines, EFFORT);
    let length = u32::try_from(deflated.len()).unwrap_or(u32::MAX);
    let mut block = length.to_le_bytes().to_vec();
    block.extend_from_slice(&crc32fast::hash(&deflated).to_le_bytes());
    block.extend_from_slice(&deflated);
    block
}

/// The lines of the next block, and how long the block is. `None` at the end of what can be read.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn next(file: &mut impl Read) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut head = [0; 8];
    if !filled(file, &mut head)? {
        return Ok(None);
    }
    let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Ok(None);
    }
    let mut deflated = vec![0; length];
    if !filled(file, &mut deflated)?
        || crc32fast::hash(&deflated) != u32::from_le_bytes([c0, c1, c2, c3])
    {
        return Ok(None);
    }
    let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(&deflated, LONGEST);
    let bytes = 8 + length as u64;
    Ok(inflated.ok().map(|lines| (lines, bytes)))
}

/// Whether there was as much.
fn filled(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
