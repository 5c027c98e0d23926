//! Small numbers in few bytes: seven bits a byte, the lowest first, as in LEB128.

use crate::record::take;

pub(crate) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// `None` when the bytes end before the number does, or it needs more than 64 bits.
pub(crate) fn get(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(input)?;
        let bits = u64::from(byte & 0x7f);
        number |= bits << shift;
        if (bits << shift) >> shift != bits {
            return None;
        }
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_written_and_leaves_what_follows() {
        for number in [0, 1, 127, 128, 300, 1 << 35, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            for end in 0..bytes.len() {
                assert_eq!(get(&mut bytes.get(..end).unwrap_or_default()), None);
            }
            bytes.push(7);
            let mut rest = bytes.as_slice();
            assert_eq!((get(&mut rest), rest), (Some(number), [7].as_slice()));
        }
    }

    #[test]
    fn a_number_without_end_is_none() {
        assert_eq!(get(&mut [0xff; 20].as_slice()), None);
        let too_large = [&[0xff; 9][..], &[0x02]].concat();
        assert_eq!(get(&mut too_large.as_slice()), None);
    }
}
