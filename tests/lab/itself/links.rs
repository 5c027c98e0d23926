//! Emulated links in real time: what `ping` sees on a PC is what the links say they did.

use std::io::Read as _;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use crate::emulator::impairment::Queue;
use crate::emulator::{Fate, Impairment};
use crate::harness::skip::program;
use crate::network::{ANCHORS, ISP_1, PORTALS};
use crate::servers::portal::Answer;
use crate::{Lab, ms, needs};

/// What a machine with other things to do may add to most round trips.
const SLACK: Duration = ms(3);

#[test]
fn round_trips_take_what_the_links_say() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    lab.line()
        .both(Impairment::none().delay(ms(20)).jitter(ms(2)));
    lab.core().up(Impairment::none().delay(ms(5)));
    let pinged = lab.ping(1, ANCHORS[1], "-c 50 -i 0.02 -W 1");
    assert!(pinged.all(), "{pinged:?}");
    let truth = lab.echoes_to(ANCHORS[1]);
    assert_eq!(truth.len(), 50);
    let mut added: Vec<Duration> = Vec::new();
    for (sequence, seen) in &pinged.times {
        let index = usize::try_from(*sequence).unwrap() - 1;
        let true_time = truth[index].expect("it came back");
        // `ping` rounds to three digits.
        added.push((*seen + ms(1)).saturating_sub(true_time));
    }
    added.sort();
    // On a busy machine a link now and then notes the moment after it sent, when `ping` has its answer.
    assert!(added[5] > Duration::ZERO, "{added:?}");
    assert!(added[25] < ms(1) + SLACK, "{added:?}");
    let mut true_times: Vec<Duration> = truth.into_iter().flatten().collect();
    true_times.sort();
    // 45 ms, whose median of 50 has a standard deviation of half a millisecond.
    assert!((ms(43)..ms(50)).contains(&true_times[25]), "{true_times:?}");
}

#[test]
fn what_ping_misses_is_what_was_lost() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    lab.line().up(Impairment::none().loss(0.1).duplicates(0.05));
    lab.isp().down(Impairment::none().loss(0.1));
    let pinged = lab.ping(1, ANCHORS[0], "-c 500 -i 0.004 -W 1");
    let truth = lab.echoes_to(ANCHORS[0]);
    assert_eq!(truth.len(), 500);
    let (line, isp) = (lab.line().truth_up(), lab.isp().truth_down());
    assert!(
        line.lost > 20 && isp.lost > 20,
        "{} and {}",
        line.lost,
        isp.lost
    );
    // A duplicate may save an echo whose first reply was lost, which the lab counts as lost.
    let came = truth.iter().flatten().count();
    let seen = usize::try_from(pinged.received).unwrap();
    assert!((came..=came + 5).contains(&seen), "{seen}, not {came}");
    assert!(pinged.duplicates > 5 && u64::from(pinged.duplicates) <= line.duplicated);
}

#[test]
fn changes_take_effect_while_packets_go() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    let once = "-c 2 -i 0.05 -W 0.3";
    assert!(lab.ping(1, ISP_1, once).all());
    lab.line().cut();
    assert!(lab.ping(1, ISP_1, once).none());
    assert_eq!(lab.line().truth_up().cut, 2);
    lab.line().heal();
    assert!(lab.ping(1, ISP_1, once).all());
    lab.line().down(Impairment::none().delay(ms(100)));
    let pinged = lab.ping(1, ISP_1, "-c 10 -i 0.02 -W 1");
    assert!(
        pinged.fastest() >= ms(100) && pinged.fastest() < ms(100) + SLACK,
        "{pinged:?}"
    );
}

#[test]
fn a_black_hole_is_silent_and_a_small_line_is_not() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    let large = "-c 1 -W 0.5 -M do -s 1400";
    lab.line().both(Impairment::none().swallows_above(1_400));
    let pinged = lab.ping(1, ANCHORS[0], large);
    assert!(pinged.none() && !pinged.text.contains("mtu"), "{pinged:?}");
    assert_eq!(lab.line().truth_up().too_big, 1);
    assert!(
        lab.ping(1, ANCHORS[0], "-c 1 -W 0.5 -M do -s 1372").all(),
        "1,400 with its headers"
    );
    lab.line().heal();
    lab.isp().set_mtu(1_400).unwrap();
    let pinged = lab.ping(1, ANCHORS[0], large);
    assert!(
        pinged.none() && pinged.text.contains("mtu = 1400"),
        "{pinged:?}"
    );
}

#[test]
fn a_full_queue_delays_everybody() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    let bloated = Impairment::none().rate(2e6).queue(Queue::Time(ms(300)));
    lab.line().up(bloated);
    let before = lab.ping(1, ISP_1, "-c 5 -i 0.02 -W 1");
    assert!(before.all() && before.fastest() < SLACK, "{before:?}");
    let (loaded, flooded) = std::thread::scope(|scope| {
        let pc = lab.pc(2).clone();
        let flood = scope.spawn(move || pc.inside(flood));
        let loaded = lab.ping(1, ISP_1, "-c 10 -i 0.1 -W 2");
        (loaded, flood.join().unwrap())
    });
    flooded.unwrap();
    let slowest = loaded.times.iter().map(|(_, time)| *time).max().unwrap();
    assert!(slowest > ms(200) && slowest < ms(400), "{loaded:?}");
    assert!(lab.line().truth_up().queue_full > 0);
}

/// More than the line carries, for more than a second.
fn flood() {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    // Ends each 5 to 10 ms, whatever the kernel's own clock is.
    let timer = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    timer.set_read_timeout(Some(ms(5))).unwrap();
    for _ in 0..200 {
        for _ in 0..5 {
            socket.send_to(&[0; 1_250], (ANCHORS[0], 9)).unwrap();
        }
        assert!(timer.recv(&mut [0]).is_err(), "nobody writes to the timer");
    }
}

#[test]
fn a_transfer_gets_the_rate_of_the_line() {
    let lab = needs!(Lab::new());
    lab.line().down(Impairment::none().rate(4e6).delay(ms(10)));
    lab.portal().answers(Answer::EndlessBody);
    let read = lab.pc(1).inside(|| {
        let mut stream = TcpStream::connect((PORTALS[0], 80)).unwrap();
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: it\r\n\r\n").unwrap();
        let mut block = vec![0; 1_000_000];
        stream.read_exact(&mut block)
    });
    read.unwrap().unwrap();
    let truth = lab.line().truth_down();
    // A megabyte at 4 Mbit/s takes two seconds; headers are five percent.
    assert!(
        truth.bytes > 1_030_000 && truth.mean_delay() > ms(10),
        "{truth:?}"
    );
}

#[test]
fn the_truth_of_an_echo_says_which_way_it_was_lost() {
    let lab = needs!(Lab::new());
    needs!(program("ping"));
    lab.core().down(Impairment::none().loss(1.0));
    assert!(lab.ping(1, ANCHORS[0], "-c 3 -i 0.02 -W 0.3").none());
    assert_eq!(lab.echoes_to(ANCHORS[0]), [None, None, None]);
    let fates = |truth: crate::emulator::Truth| -> Vec<Fate> {
        truth.echoes.iter().map(|echo| echo.fate).collect()
    };
    assert!(
        fates(lab.core().truth_up())
            .iter()
            .all(|fate| matches!(fate, Fate::Arrived(_)))
    );
    assert_eq!(fates(lab.core().truth_down()), [Fate::Lost; 3]);
    assert!(lab.line().truth_down().echoes.is_empty());
}
