//! One direction of a link, in made-up time: a hundred thousand packets in a moment, by fixed dice.

use std::time::Duration;

use crate::emulator::impairment::Queue;
use crate::emulator::truth::Way;
use crate::emulator::wire::Wire;
use crate::emulator::{Fate, GilbertElliott, Impairment, Truth};
use crate::ms;

const MANY: usize = 100_000;

/// What became of packets that came one after the other.
struct Run {
    /// Of each that left, in the order of leaving: which it was and how long it took.
    left: Vec<(usize, Duration)>,
    truth: Truth,
}

/// Sends packets of 1,250 bytes, which tell their number.
fn run(seed: u64, count: usize, gap: Duration, impairment: &Impairment) -> Run {
    let mut wire = Wire::new(seed);
    let mut left = Vec::new();
    let came = |number: usize| gap * u32::try_from(number).unwrap();
    for number in 0..count {
        drain(&mut wire, Some(came(number)), impairment, &mut left);
        let mut packet = vec![0; 1_250];
        packet[..8].copy_from_slice(&number.to_be_bytes());
        wire.enter(came(number), packet, impairment);
    }
    drain(&mut wire, None, impairment, &mut left);
    Run {
        left: left
            .into_iter()
            .map(|(number, at)| (number, at - came(number)))
            .collect(),
        truth: wire.truth().clone(),
    }
}

/// Lets leave what leaves until then: numbers and times.
fn drain(
    wire: &mut Wire,
    until: Option<Duration>,
    impairment: &Impairment,
    left: &mut Vec<(usize, Duration)>,
) {
    while let Some(at) = wire
        .next()
        .filter(|at| until.is_none_or(|until| *at <= until))
    {
        while let Some(leaving) = wire.leave(at, impairment) {
            let number = leaving.bytes()[..8].try_into().unwrap();
            left.push((usize::from_be_bytes(number), at));
            wire.left(&leaving, Some(at));
        }
    }
}

/// Whether a share of many is what it is to be, give or take four standard deviations.
#[track_caller]
fn is_share(count: u64, share: f64) {
    let many = MANY as f64;
    let deviation = (share * (1.0 - share) / many).sqrt();
    let found = count as f64 / many;
    assert!(
        (found - share).abs() < 4.0 * deviation,
        "{found}, not {share}"
    );
}

#[test]
fn a_perfect_line_changes_nothing() {
    let run = run(1, 100, ms(1), &Impairment::none());
    assert!(
        run.left
            .iter()
            .enumerate()
            .all(|(index, left)| *left == (index, Duration::ZERO))
    );
    assert_eq!((run.truth.came, run.truth.went), (100, 100));
    assert_eq!(run.truth.bytes, 125_000);
}

#[test]
fn loss_is_what_was_asked_for() {
    for share in [0.01, 0.05, 0.2] {
        let run = run(2, MANY, ms(1), &Impairment::none().loss(share));
        is_share(run.truth.lost, share);
        assert_eq!(run.truth.lost + run.truth.went, MANY as u64);
        assert_eq!(run.left.len() as u64, run.truth.went);
    }
}

#[test]
fn loss_in_bursts_has_the_same_share_and_longer_runs() {
    let loss = GilbertElliott::in_bursts(0.05, 8.0);
    assert!((loss.share() - 0.05).abs() < 1e-9);
    let run = run(3, MANY, ms(1), &Impairment::none().loss_as(loss));
    let lost = MANY - run.left.len();
    // Bursts vary more than single packets do: 625 of them, each of 8 with a deviation of 7.5.
    assert!((4_200..5_800).contains(&lost), "{lost}");
    let gaps = run.left.windows(2).filter(|pair| pair[1].0 - pair[0].0 > 1);
    let mean = lost as f64 / gaps.count() as f64;
    assert!((7.0..9.0).contains(&mean), "bursts of {mean}");
}

#[test]
fn delay_is_exact() {
    let run = run(4, 1_000, ms(1), &Impairment::none().delay(ms(40)));
    assert!(run.left.iter().all(|(_, took)| *took == ms(40)));
    assert_eq!(run.truth.mean_delay(), ms(40));
}

#[test]
fn jitter_has_its_deviation_and_keeps_the_order() {
    let jittery = Impairment::none().delay(ms(40)).jitter(ms(5));
    let slow = run(5, MANY, ms(40), &jittery);
    let times: Vec<f64> = slow
        .left
        .iter()
        .map(|(_, took)| took.as_secs_f64())
        .collect();
    let mean = times.iter().sum::<f64>() / MANY as f64;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / MANY as f64;
    assert!((mean - 0.040).abs() < 0.000_1, "{mean}");
    // Without what is beyond three deviations, 1.3 % less.
    assert!(
        (variance.sqrt() - 0.004_93).abs() < 0.000_1,
        "{}",
        variance.sqrt()
    );
    let dense = run(5, MANY, ms(1), &jittery);
    assert!(dense.left.is_sorted_by_key(|(number, _)| *number));
}

#[test]
fn a_rate_spaces_packets_and_its_queue_is_bounded() {
    // 1,250 bytes each 5 ms at 1 Mbit/s: each takes 10 ms, so that every second one is too much.
    let narrow = Impairment::none().rate(1e6);
    let bytes = run(6, 1_000, ms(5), &narrow.clone().queue(Queue::Bytes(12_500)));
    let time = run(6, 1_000, ms(5), &narrow.queue(Queue::Time(ms(100))));
    for run in [bytes, time] {
        let at: Vec<_> = run
            .left
            .iter()
            .map(|(number, took)| ms(5) * u32::try_from(*number).unwrap() + *took)
            .collect();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] == ms(10)));
        let longest = run.left.iter().map(|(_, took)| *took).max();
        // Ten in the queue, one that is being sent, and itself.
        assert!(
            (ms(105)..=ms(115)).contains(&longest.unwrap()),
            "{longest:?}"
        );
        assert!(
            (480..500).contains(&run.truth.queue_full),
            "{:?}",
            run.truth
        );
    }
}

#[test]
fn a_burst_waits_its_turn() {
    let run = run(
        7,
        5,
        Duration::ZERO,
        &Impairment::none().rate(1e6).delay(ms(3)),
    );
    let took: Vec<_> = run.left.iter().map(|(_, took)| *took).collect();
    assert_eq!(took, [ms(13), ms(23), ms(33), ms(43), ms(53)]);
}

#[test]
fn large_packets_vanish_and_small_ones_do_not() {
    let swallowed = run(8, 10, ms(1), &Impairment::none().swallows_above(1_249));
    assert_eq!((swallowed.truth.too_big, swallowed.truth.went), (10, 0));
    let fits = run(8, 10, ms(1), &Impairment::none().swallows_above(1_250));
    assert_eq!((fits.truth.too_big, fits.truth.went), (0, 10));
}

#[test]
fn some_come_twice() {
    let run = run(9, MANY, ms(1), &Impairment::none().duplicates(0.03));
    is_share(run.truth.duplicated, 0.03);
    let twice = run.left.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    assert_eq!(twice.count() as u64, run.truth.duplicated);
    assert_eq!(run.truth.went, MANY as u64 + run.truth.duplicated);
}

#[test]
fn those_held_back_are_overtaken() {
    let run = run(
        10,
        MANY,
        ms(1),
        &Impairment::none().delay(ms(10)).holds_back(0.02, ms(5)),
    );
    is_share(run.truth.held_back, 0.02);
    let late = run
        .left
        .windows(2)
        .filter(|pair| pair[1].0 < pair[0].0)
        .count();
    assert!((1_500..=2_100).contains(&late), "{late}");
    assert!(
        run.left
            .iter()
            .all(|(_, took)| *took == ms(10) || *took == ms(15))
    );
}

#[test]
fn damage_is_one_bit_behind_the_header() {
    let mut wire = Wire::new(11);
    let impairment = Impairment::none().corrupts(1.0);
    let mut packet = vec![0; 40];
    packet[0] = 0x45;
    for _ in 0..1_000 {
        wire.enter(Duration::ZERO, packet.clone(), &impairment);
        let leaving = wire.leave(Duration::ZERO, &impairment).unwrap();
        assert_eq!(leaving.bytes()[..20], packet[..20]);
        let bits = leaving.bytes()[20..].iter().map(|byte| byte.count_ones());
        assert_eq!(bits.sum::<u32>(), 1);
    }
}

#[test]
fn a_cut_ends_what_is_under_way() {
    let mut wire = Wire::new(12);
    wire.enter(ms(0), vec![0; 100], &Impairment::none().delay(ms(10)));
    wire.enter(ms(0), vec![0; 100], &Impairment::none().delay(ms(10)));
    let cut = Impairment::none().cut();
    assert!(wire.leave(ms(10), &cut).is_none());
    wire.enter(ms(11), vec![0; 100], &cut);
    assert_eq!((wire.truth().cut, wire.truth().went), (3, 0));
    assert_eq!(wire.truth().loss(), 1.0);
}

#[test]
fn the_rest_of_a_queue_goes_at_the_new_rate() {
    let (narrow, wide) = (Impairment::none().rate(1e6), Impairment::none().rate(10e6));
    let mut wire = Wire::new(13);
    for number in 0..3usize {
        let mut packet = vec![0; 1_250];
        packet[..8].copy_from_slice(&number.to_be_bytes());
        wire.enter(Duration::ZERO, packet, &narrow);
    }
    let mut left = Vec::new();
    drain(&mut wire, None, &wide, &mut left);
    assert_eq!(left, [(0, ms(10)), (1, ms(11)), (2, ms(12))]);
}

#[test]
fn echoes_are_told_one_by_one_until_forgotten() {
    let mut request = vec![0; 28];
    (request[0], request[9], request[20]) = (0x45, 1, 8);
    request[12..20].copy_from_slice(&[192, 168, 1, 11, 1, 1, 1, 1]);
    request[24..28].copy_from_slice(&[0, 7, 0, 9]);
    let impairment = Impairment::none().delay(ms(10));
    let mut wire = Wire::new(14);
    wire.enter(ms(0), request.clone(), &impairment);
    let echo = wire.truth().echoes[0].clone();
    assert_eq!(
        (echo.identifier, echo.sequence, echo.way),
        (7, 9, Way::Request)
    );
    assert_eq!(
        (echo.asking.octets()[3], echo.asked.octets()),
        (11, [1, 1, 1, 1])
    );
    assert_eq!(echo.fate, Fate::UnderWay);
    let leaving = wire.leave(ms(10), &impairment).unwrap();
    wire.left(&leaving, Some(ms(11)));
    assert_eq!(wire.truth().echoes[0].fate, Fate::Arrived(ms(11)));
    wire.enter(ms(20), request, &impairment);
    wire.forget();
    let leaving = wire.leave(ms(30), &impairment).unwrap();
    wire.left(&leaving, None);
    assert_eq!(
        *wire.truth(),
        Truth::default(),
        "what was under way does not count"
    );
}
