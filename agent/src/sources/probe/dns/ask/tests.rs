//! Real packets to a resolver of our own that answers as it is told.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Rtype};
use domain::rdata::{A, Aaaa};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// Long enough for an answer that comes.
const LONG: Duration = Duration::from_secs(10);

/// For those that do not; what comes before them still has to, also on a busy machine.
const SHORT: Duration = Duration::from_secs(2);

/// What to send for the nth message.
type Script = fn(usize, &[u8]) -> Vec<Vec<u8>>;

/// A resolver over UDP and TCP on one port, until dropped.
struct Resolver {
    at: SocketAddr,
    asked: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Resolver {
    async fn start(over_udp: Script, over_tcp: Option<Script>) -> Self {
        // Both on one number, which somebody else may have for TCP.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let at = udp.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(answer_udp(udp, over_udp, Arc::clone(&asked)));
        if let Some(script) = over_tcp {
            tasks.spawn(answer_tcp(tcp, script));
        }
        Self {
            at,
            asked,
            _tasks: tasks,
        }
    }

    async fn ask(&self, limit: Duration) -> Asked {
        ask_at(self.at, limit).await
    }
}

async fn ask_at(to: SocketAddr, limit: Duration) -> Asked {
    let interface = None;
    let asked = Asker { to, interface }.ask("portal.vn", limit).await;
    asked.unwrap()
}

async fn answer_udp(socket: UdpSocket, script: Script, asked: Arc<AtomicUsize>) {
    let mut buffer = [0; 512];
    loop {
        let (bytes, from) = socket.recv_from(&mut buffer).await.unwrap();
        let number = asked.fetch_add(1, Ordering::Relaxed);
        for message in script(number, &buffer[..bytes]) {
            socket.send_to(&message, from).await.unwrap();
        }
    }
}

/// Sends the messages as they are, so that the script says what is before them.
async fn answer_tcp(listener: TcpListener, script: Script) {
    for number in 0.. {
        let (mut stream, _) = listener.accept().await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut question = vec![0; length.into()];
        stream.read_exact(&mut question).await.unwrap();
        for message in script(number, &question) {
            stream.write_all(&message).await.unwrap();
        }
        // Kept open: whoever asked has to know when to stop.
        tokio::spawn(async move { stream.read_u8().await });
    }
}

fn reply(question: &[u8], rcode: Rcode, addresses: u8) -> Vec<u8> {
    let question = Message::from_slice(question).unwrap();
    let asked = question.sole_question().unwrap();
    let mut answer = MessageBuilder::new_vec()
        .start_answer(question, rcode)
        .unwrap();
    for last in 1..=addresses {
        let name = asked.qname();
        let pushed = match asked.qtype() {
            Rtype::A => answer.push((name, 60, A::from_octets(203, 0, 113, last))),
            _ => answer.push((
                name,
                60,
                Aaaa::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()].into()),
            )),
        };
        pushed.unwrap();
    }
    answer.finish()
}

fn truncated(question: &[u8]) -> Vec<u8> {
    let mut message = reply(question, Rcode::NOERROR, 0);
    message[2] |= 0x02;
    message
}

fn with_length(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes(), message].concat()
}

const TRUNCATED: Script = |_, question| vec![truncated(question)];

#[tokio::test]
async fn an_honest_resolver_is_asked_once() {
    let resolver = Resolver::start(|_, question| vec![reply(question, Rcode::NOERROR, 2)], None);
    let resolver = resolver.await;
    let asked = resolver.ask(LONG).await;
    assert_eq!(asked.outcome, Outcome::Answered);
    assert_eq!(asked.addresses.len(), 2);
    assert!(asked.took.unwrap() < LONG && !asked.over_tcp);
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_a_resolver_cannot_do_is_told_apart() {
    let check = async |script: Script, expected: Outcome| {
        let asked = Resolver::start(script, None).await.ask(LONG).await;
        assert_eq!(asked.outcome, expected);
        assert!(asked.took.is_some() && asked.addresses.is_empty());
    };
    check(|_, q| vec![reply(q, Rcode::NXDOMAIN, 0)], Outcome::NxDomain).await;
    check(|_, q| vec![reply(q, Rcode::SERVFAIL, 0)], Outcome::ServFail).await;
    check(|_, q| vec![reply(q, Rcode::REFUSED, 0)], Outcome::Refused).await;
    check(|_, q| vec![reply(q, Rcode::FORMERR, 0)], Outcome::ServFail).await;
    check(|_, q| vec![reply(q, Rcode::NOERROR, 0)], Outcome::NxDomain).await;
}

#[tokio::test]
async fn a_name_without_ipv4_is_asked_for_ipv6() {
    let script: Script = |number, question| {
        let addresses = u8::from(number > 0);
        vec![reply(question, Rcode::NOERROR, addresses)]
    };
    let asked = Resolver::start(script, None).await.ask(LONG).await;
    assert_eq!(asked.outcome, Outcome::Answered);
    assert!(asked.addresses.iter().all(IpAddr::is_ipv6) && asked.addresses.len() == 1);
}

#[tokio::test]
async fn forged_answers_answer_nothing_and_the_true_one_counts() {
    let script: Script = |_, question| {
        let truth = reply(question, Rcode::NOERROR, 1);
        let mut other_number = reply(question, Rcode::NXDOMAIN, 0);
        other_number[1] ^= 0xff;
        let mut other_name = reply(question, Rcode::NOERROR, 3);
        other_name[13] = b'x';
        vec![other_number, other_name, Vec::new(), vec![0xff; 600], truth]
    };
    let asked = Resolver::start(script, None).await.ask(LONG).await;
    assert_eq!(
        (asked.outcome, asked.addresses.len()),
        (Outcome::Answered, 1)
    );
}

#[tokio::test]
async fn answers_from_another_port_are_not_heard() {
    let resolver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let forge = async {
        let mut buffer = [0; 512];
        loop {
            let (bytes, from) = resolver.recv_from(&mut buffer).await.unwrap();
            let forged = reply(&buffer[..bytes], Rcode::NOERROR, 1);
            elsewhere.send_to(&forged, from).await.unwrap();
        }
    };
    let asked = tokio::select! {
        asked = ask_at(resolver.local_addr().unwrap(), SHORT) => asked,
        () = forge => unreachable!("it goes on for ever"),
    };
    assert_eq!((asked.outcome, asked.took), (Outcome::Timeout, None));
}

#[tokio::test]
async fn a_flood_of_strays_ends() {
    let script: Script = |_, question| {
        let mut stray = reply(question, Rcode::NOERROR, 1);
        stray[0] ^= 1;
        vec![stray; STRAYS]
    };
    let asked = Resolver::start(script, None).await.ask(SHORT).await;
    assert_eq!(asked.outcome, Outcome::Timeout);
}

#[tokio::test]
async fn a_lost_question_is_asked_again_without_edns() {
    let lost: Script = |number, question| match number {
        0 => Vec::new(),
        _ => vec![reply(question, Rcode::NOERROR, 1)],
    };
    let resolver = Resolver::start(lost, None).await;
    let asked = resolver.ask(LONG).await;
    assert_eq!(asked.outcome, Outcome::Answered);
    assert!(asked.took.unwrap() >= TRY, "the wait counts");
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 2);

    let old: Script = |_, question| {
        let has_options = question[11] == 1;
        let rcode = if has_options {
            Rcode::FORMERR
        } else {
            Rcode::NOERROR
        };
        vec![reply(question, rcode, u8::from(!has_options))]
    };
    let asked = Resolver::start(old, None).await.ask(LONG).await;
    assert_eq!(asked.outcome, Outcome::Answered);
}

#[tokio::test]
async fn silence_is_a_timeout_and_a_closed_port_is_not() {
    let silent = Resolver::start(|_, _| Vec::new(), None).await;
    let asked = silent.ask(SHORT).await;
    assert_eq!((asked.outcome, asked.took), (Outcome::Timeout, None));
    // An address of its own, so that no other test gets the port.
    let at = {
        let socket = UdpSocket::bind("127.1.2.9:0").await.unwrap();
        socket.local_addr().unwrap()
    };
    let asked = ask_at(at, LONG).await;
    assert_eq!((asked.outcome, asked.took), (Outcome::Unreachable, None));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn through_an_interface_that_never_was_nothing_is_measured() {
    let to = "127.0.0.1:53".parse().unwrap();
    let interface = Some("no-such-if0");
    let asked = Asker { to, interface }.ask("portal.vn", LONG).await;
    let never = asked.unwrap_err();
    assert!(never.what.contains("no interface no-such-if0"), "{never}");
}

#[tokio::test]
async fn a_long_answer_comes_over_tcp() {
    let script: Script = |_, question| vec![with_length(&reply(question, Rcode::NOERROR, 200))];
    let asked = Resolver::start(TRUNCATED, Some(script))
        .await
        .ask(LONG)
        .await;
    assert_eq!(asked.outcome, Outcome::Answered);
    assert_eq!((asked.addresses.len(), asked.over_tcp), (16, true));
}

#[tokio::test]
async fn over_tcp_strays_are_waited_past_and_an_answer_comes_in_pieces() {
    let script: Script = |_, question| {
        let mut stray = reply(question, Rcode::NOERROR, 3);
        stray[0] ^= 1;
        let truth = with_length(&reply(question, Rcode::NOERROR, 1));
        let pieces = truth.chunks(7).map(<[u8]>::to_vec);
        [with_length(&stray)].into_iter().chain(pieces).collect()
    };
    let asked = Resolver::start(TRUNCATED, Some(script))
        .await
        .ask(LONG)
        .await;
    assert_eq!(
        (asked.outcome, asked.addresses.len()),
        (Outcome::Answered, 1)
    );
}

#[tokio::test]
async fn over_tcp_nothing_hostile_takes_longer_than_allowed() {
    let check = async |script: Option<Script>, limit, expected: Outcome| {
        let resolver = Resolver::start(TRUNCATED, script).await;
        let started = Instant::now();
        let asked = resolver.ask(limit).await;
        assert_eq!((asked.outcome, asked.over_tcp), (expected, true));
        assert!(started.elapsed() < LONG);
    };
    let too_long: Script = |_, _| vec![vec![0xff, 0xff]];
    check(Some(too_long), LONG, Outcome::ServFail).await;
    let half: Script = |_, _| vec![vec![0x10, 0x00, 0x01]];
    check(Some(half), SHORT, Outcome::Timeout).await;
    let truncated_again: Script = |_, question| vec![with_length(&truncated(question))];
    check(Some(truncated_again), LONG, Outcome::ServFail).await;
    let empty: Script = |_, _| vec![vec![0; 2 * STRAYS]];
    check(Some(empty), LONG, Outcome::ServFail).await;
    check(Some(|_, _| Vec::new()), SHORT, Outcome::Timeout).await;
    // Nobody takes connections.
    check(None, LONG, Outcome::Unreachable).await;
}

#[tokio::test]
async fn what_cannot_be_a_name_does_not_exist() {
    let to = "127.0.0.1:9".parse().unwrap();
    let interface = None;
    let asked = Asker { to, interface }.ask("a..b", LONG).await.unwrap();
    assert_eq!(asked.outcome, Outcome::NxDomain);
}
