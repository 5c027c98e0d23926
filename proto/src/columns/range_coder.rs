//! Decisions ↔ bytes: an adaptive binary range coder, and the one trait through which both
//! directions run the same model.
//!
//! A decision costs as many bits as it was unexpected. 32 bits of range and 12 of probability, in
//! the manner of LZMA's, but without its leading zero byte: a carry runs back through the bytes
//! already written. What to decide, and in which context, is the business of the model.

/// How likely a decision is, as learned from those before it in the same context.
///
/// The upper 12 bits are the probability of *yes*, the lower 4 count how often the context was used,
/// up to [`PATIENCE`]: a new context believes its first decisions at once, an old one averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context(u16);

/// Decisions after which a context averages over as many as it ever will.
const PATIENCE: usize = 15;

/// By number of uses: which share of the way, in 1/65,536, the probability goes towards a decision.
const STEP: [u32; PATIENCE + 1] = [
    26_214, 21_845, 16_384, 13_107, 10_922, 9_362, 8_192, 7_281, 6_553, 5_957, 5_461, 5_041, 4_681,
    4_369, 4_096, 3_276,
];

impl Default for Context {
    fn default() -> Self {
        Self(1 << 15)
    }
}

impl Context {
    /// Of 4,096, from 1 to 4,095: how likely *yes* is.
    fn probability(self) -> u32 {
        u32::from(self.0 >> 4)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a probability of 12 bits and a count of 4"
    )]
    fn learn(&mut self, decision: bool) {
        let uses = usize::from(self.0 & 15);
        let step = STEP.get(uses).copied().unwrap_or_default();
        let mut probability = self.probability();
        if decision {
            probability += ((4_095 - probability) * step) >> 16;
        } else {
            probability -= (probability * step) >> 16;
        }
        self.0 = (probability << 4) as u16 | (uses + usize::from(uses < PATIENCE)) as u16;
    }
}

/// The context of this number, the last for all beyond.
#[expect(clippy::indexing_slicing, reason = "no number is beyond the last")]
pub(super) fn nth<const N: usize>(contexts: &mut [Context; N], number: usize) -> &mut Context {
    &mut contexts[number.min(N - 1)]
}

/// One direction of the codec. The model hands in what it has; a writer codes it and returns it, a
/// reader ignores it and returns what was coded.
pub(super) trait Coder {
    /// Whether what the model hands in counts.
    const WRITES: bool;

    /// A decision that the context has an expectation of.
    fn decide(&mut self, context: &mut Context, decision: bool) -> bool;

    /// The low `count` bits of a number of which nothing is expected.
    fn bits(&mut self, count: u32, number: u64) -> u64;
}

/// Bits that are coded at once when nothing is expected of them.
const BITS_AT_ONCE: u32 = 16;

/// Below this, the range grows by a byte.
const NARROW: u32 = 1 << 24;

/// Codes decisions into bytes.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    low: u32,
    range: u32,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            low: 0,
            range: u32::MAX,
        }
    }

    /// Goes on with the part of the range that starts at `offset`.
    fn narrow(&mut self, offset: u32, range: u32) {
        let (low, carried) = self.low.overflowing_add(offset);
        if carried {
            self.carry();
        }
        self.low = low;
        self.range = range;
        while self.range < NARROW {
            let [first, ..] = self.low.to_be_bytes();
            self.bytes.push(first);
            self.low <<= 8;
            self.range <<= 8;
        }
    }

    fn carry(&mut self) {
        for byte in self.bytes.iter_mut().rev() {
            let (sum, carried) = byte.overflowing_add(1);
            *byte = sum;
            if !carried {
                break;
            }
        }
    }

    /// Ends with as few bytes as tell what was coded: at most one more.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.low != 0 {
            // The range is never narrower than a whole value of the first byte.
            let (end, carried) = self.low.overflowing_add(NARROW - 1);
            if carried {
                self.carry();
            } else {
                let [first, ..] = end.to_be_bytes();
                self.bytes.push(first);
            }
        }
        self.bytes
    }
}

impl Coder for Writer {
    const WRITES: bool = true;

    fn decide(&mut self, context: &mut Context, decision: bool) -> bool {
        let yes = (self.range >> 12) * context.probability();
        if decision {
            self.narrow(0, yes);
        } else {
            self.narrow(yes, self.range - yes);
        }
        context.learn(decision);
        decision
    }

    fn bits(&mut self, count: u32, number: u64) -> u64 {
        let mut left = count;
        while left > 0 {
            let now = left.min(BITS_AT_ONCE);
            left -= now;
            #[expect(clippy::cast_possible_truncation, reason = "masked to 16 bits")]
            let part = ((number >> left) & ((1 << now) - 1)) as u32;
            let range = self.range >> now;
            self.narrow(part * range, range);
        }
        number
    }
}

/// Reads decisions back. Bytes beyond the end read as zeros; [`Reader::is_exhausted`] and
/// [`Reader::is_at_end`] tell whether that was right.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// Bytes taken, those beyond the end included.
    taken: usize,
    range: u32,
    /// Where in the range the coded number lies.
    code: u32,
}

/// How far the reader is ahead of what it has decided: what it starts with.
const AHEAD: usize = 4;

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut reader = Self {
            bytes,
            taken: 0,
            range: u32::MAX,
            code: 0,
        };
        for _ in 0..AHEAD {
            reader.code = reader.code << 8 | reader.next();
        }
        reader
    }

    fn next(&mut self) -> u32 {
        let byte = self.bytes.get(self.taken).copied().unwrap_or_default();
        self.taken += 1;
        u32::from(byte)
    }

    fn widen(&mut self) {
        while self.range < NARROW {
            self.code = self.code << 8 | self.next();
            self.range <<= 8;
        }
    }

    /// Whether more was read than any writer leaves out: the bytes were cut off.
    pub(super) fn is_exhausted(&self) -> bool {
        self.taken > self.bytes.len() + AHEAD
    }

    /// Whether the bytes end where a writer would have ended them.
    pub(super) fn is_at_end(&self) -> bool {
        let beyond = self.taken.checked_sub(self.bytes.len());
        beyond.is_some_and(|beyond| (AHEAD - 1..=AHEAD).contains(&beyond))
    }
}

impl Coder for Reader<'_> {
    const WRITES: bool = false;

    fn decide(&mut self, context: &mut Context, _: bool) -> bool {
        let yes = (self.range >> 12) * context.probability();
        let decision = self.code < yes;
        if decision {
            self.range = yes;
        } else {
            self.code -= yes;
            self.range -= yes;
        }
        self.widen();
        context.learn(decision);
        decision
    }

    fn bits(&mut self, count: u32, _: u64) -> u64 {
        let mut number = 0;
        let mut left = count;
        while left > 0 {
            let now = left.min(BITS_AT_ONCE);
            left -= now;
            let range = self.range >> now;
            let part = (self.code / range).min((1 << now) - 1);
            self.code -= part * range;
            self.range = range;
            self.widen();
            number = number << now | u64::from(part);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decisions with and without expectation, driven by a small generator. What a reader hands in
    /// is of no use to it.
    fn sequence<C: Coder>(coder: &mut C, length: u32, seed: u32) -> Vec<u64> {
        let mut contexts = [Context::default(); 3];
        let mut state = seed;
        let mut seen = Vec::new();
        for _ in 0..length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let rare = C::WRITES && (state >> 8).is_multiple_of(97);
            let count = 1 + (state >> 8) % 64;
            let number = (u64::from(state) << 32 | u64::from(!state)) >> (64 - count);
            let number = if C::WRITES { number } else { 0 };
            seen.push(match contexts.get_mut((state >> 30) as usize) {
                Some(context) => u64::from(coder.decide(context, rare)),
                None => coder.bits(count, number),
            });
        }
        seen
    }

    #[test]
    fn what_was_decided_is_read_and_the_end_is_known() {
        for seed in 0..300 {
            for length in [0, 1, 2, 3, 10, 300] {
                let mut writer = Writer::new();
                let written = sequence(&mut writer, length, seed);
                let bytes = writer.finish();
                let mut reader = Reader::new(&bytes);
                assert_eq!(sequence(&mut reader, length, seed), written);
                assert!(reader.is_at_end() && !reader.is_exhausted());
            }
        }
    }

    #[test]
    fn the_expected_costs_next_to_nothing() {
        let mut writer = Writer::new();
        let mut context = Context::default();
        for _ in 0..10_000 {
            writer.decide(&mut context, true);
        }
        let length = writer.finish().len();
        assert!(length < 40, "{length} bytes");
    }
}
