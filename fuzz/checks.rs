//! What must hold for any bytes whatever: shared by the fuzz targets and by the tests that replay
//! their corpus.

use dawnwatch_proto::columns::{Decoder, Encoder, Lane, Rounds};
use dawnwatch_proto::limits::{ROUNDS_PER_BATCH, SAMPLES_PER_BATCH, SERIES_PER_AGENT};

/// Decodes the messages in `data` on one stream: nothing panics, nothing gets out of bounds.
pub fn decode(data: &[u8]) {
    let mut decoder = Decoder::default();
    let mut rounds = Rounds::default();
    for (lane, message) in messages(data) {
        if decoder.decode(lane, message, &mut rounds).is_err() {
            return;
        }
        assert!(rounds.len() <= ROUNDS_PER_BATCH);
        assert!(rounds.samples() <= SAMPLES_PER_BATCH);
        for round in rounds.iter() {
            assert_eq!(round.series.len(), round.values.len());
            assert!(
                round
                    .series
                    .iter()
                    .all(|id| (*id as usize) < SERIES_PER_AGENT)
            );
        }
    }
}

/// Takes measurements from `data`, codes them on one stream, and finds them again.
pub fn roundtrip(data: &[u8]) {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let mut decoded = Rounds::default();
    for (lane, message) in messages(data) {
        let rounds = measurements(message);
        let coded = encoder.encode(lane, &rounds);
        decoder
            .decode(lane, &coded, &mut decoded)
            .expect("what was encoded is decoded");
        assert!(
            bits(&rounds) == bits(&decoded),
            "{rounds:?} became {decoded:?}"
        );
    }
}

/// Cuts data into messages: lane, length in two bytes, content. The last may be cut off.
fn messages(mut data: &[u8]) -> impl Iterator<Item = (Lane, &[u8])> {
    std::iter::from_fn(move || {
        let ([lane, low, high], rest) = data.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (message, rest) = rest.split_at(length.min(rest.len()));
        data = rest;
        let lane = if lane & 1 == 0 {
            Lane::Live
        } else {
            Lane::Backlog
        };
        Some((lane, message))
    })
}

/// Puts one message where [`decode`] and [`roundtrip`] find it.
pub fn append(data: &mut Vec<u8>, lane: Lane, message: &[u8]) {
    let length = u16::try_from(message.len()).expect("a short message");
    data.push(u8::from(lane == Lane::Backlog));
    data.extend(length.to_le_bytes());
    data.extend(message);
}

/// Rounds of a time step, a number of samples, and for each an id and either a small number or any
/// eight bytes.
fn measurements(mut data: &[u8]) -> Rounds {
    let mut rounds = Rounds::default();
    let mut time = 0_i64;
    while let Some(([step, count], rest)) = data.split_first_chunk() {
        data = rest;
        time = match step {
            255 => i64::from_le_bytes(take(&mut data)),
            step => time.wrapping_add(i64::from(*step) * 1_000),
        };
        let mut samples = Vec::new();
        for _ in 0..*count {
            let [id, kind] = take(&mut data);
            let value = match kind {
                0..=99 => f64::from(i16::from_le_bytes(take(&mut data))),
                100..=199 => f64::from(i16::from_le_bytes(take(&mut data))) / 1_000.0,
                _ => f64::from_le_bytes(take(&mut data)),
            };
            samples.push((u32::from(id) * 7, value));
        }
        if rounds.push(time, samples).is_err() {
            break;
        }
    }
    rounds
}

/// The next bytes, zeros beyond the end.
fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let (now, rest) = data.split_at(N.min(data.len()));
    taken[..now.len()].copy_from_slice(now);
    *data = rest;
    taken
}

/// Everything that must survive, comparable.
pub fn bits(rounds: &Rounds) -> Vec<(i64, Vec<(u32, u64)>)> {
    rounds
        .iter()
        .map(|round| {
            let samples = round.samples().map(|(id, value)| (id, value.to_bits()));
            (round.time_unix_ms, samples.collect())
        })
        .collect()
}
