//! Devices that misbehave: each stands before a real one, relays what it is asked, and spoils the answers in
//! a manner of its own.
//!
//! Plain threads and sockets, since nothing real does these things when told to. What they do is theirs alone:
//! the device behind them is asked once for each request, and is well.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::Instant;

/// How often a thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// For the answer of the device behind.
const PATIENCE: Duration = Duration::from_millis(500);

/// Of one burst of a flood; twenty come in a second.
const BURST: usize = 200;

/// What is wrong with a device that is asked by SNMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Nothing.
    Well,
    /// It never answers.
    Silent,
    /// It answers after this time.
    Late(Duration),
    /// It answers what is no message, or half of one.
    Garbage,
    /// It answers `genErr` whatever it is asked.
    GenErr,
    /// It answers rightly, from a port that nobody asked.
    OtherPort,
    /// It answers rightly amid thousands of datagrams that nobody asked for, for as long as it lives.
    Flood,
}

/// A device that misbehaves, for as long as this lives.
#[derive(Debug)]
pub struct OddDevice {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OddDevice {
    /// At this address, before a real device.
    pub fn before(device: SocketAddr, at: IpAddr, manner: Manner) -> Self {
        Self::at_port(device, SocketAddr::new(at, 0), manner)
    }

    /// At this address and port.
    pub fn at_port(device: SocketAddr, at: SocketAddr, manner: Manner) -> Self {
        let socket = listening(at);
        let address = socket.local_addr().expect("it is bound");
        let mut odd = Self {
            address,
            manner: Arc::new(Mutex::new(manner)),
            asked: Arc::default(),
            sent: Arc::default(),
            ended: Arc::default(),
            thread: None,
        };
        let relay = Relay {
            socket,
            elsewhere: listening(SocketAddr::new(at.ip(), 0)),
            device,
            manner: Arc::clone(&odd.manner),
            waiting: Vec::new(),
            flooded: None,
            asked: Arc::clone(&odd.asked),
            sent: Arc::clone(&odd.sent),
        };
        let ended = Arc::clone(&odd.ended);
        odd.thread = Some(std::thread::spawn(move || relay.run(&ended)));
        odd
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it has another manner.
    pub fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// Requests it got.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Datagrams it sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for OddDevice {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if matches!(ended, Some(Err(_))) {
            eprintln!("a device that misbehaves panicked");
        }
    }
}

struct Relay {
    socket: UdpSocket,
    elsewhere: UdpSocket,
    device: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    /// Answers for later.
    waiting: Vec<(Instant, SocketAddr, Vec<u8>)>,
    /// Whom it floods.
    flooded: Option<SocketAddr>,
    asked: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Relay {
    fn run(mut self, ended: &AtomicBool) {
        let mut request = [0; 65_507];
        while !ended.load(Ordering::Relaxed) {
            if let Ok((length, from)) = self.socket.recv_from(&mut request) {
                self.asked.fetch_add(1, Ordering::Relaxed);
                self.answer(&request[..length], from);
            }
            self.answer_late();
            self.flood();
        }
    }

    fn answer(&mut self, request: &[u8], from: SocketAddr) {
        let answer = || ask(self.device, request).unwrap_or_default();
        let manner = *self.manner.lock().unwrap_or_else(PoisonError::into_inner);
        self.flooded = None;
        match manner {
            Manner::Well => self.send(&self.socket, &answer(), from),
            Manner::Silent => {}
            Manner::Late(by) => self.waiting.push((Instant::now() + by, from, answer())),
            Manner::Garbage => {
                let whole = answer();
                let half = &whole[..whole.len() / 2];
                let other: Vec<u8> = whole.iter().map(|byte| byte.reverse_bits()).collect();
                for spoilt in [
                    half,
                    &[],
                    &other,
                    &[0x30; 1_400],
                    b"HTTP/1.1 400 Bad Request",
                ] {
                    self.send(&self.socket, spoilt, from);
                }
            }
            Manner::GenErr => {
                if let Some(error) = gen_err(request) {
                    self.send(&self.socket, &error, from);
                }
            }
            Manner::OtherPort => self.send(&self.elsewhere, &answer(), from),
            Manner::Flood => {
                self.send(&self.socket, &answer(), from);
                self.flooded = Some(from);
            }
        }
    }

    fn answer_late(&mut self) {
        let now = Instant::now();
        let (due, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.waiting = waiting;
        for (_, from, answer) in due {
            self.send(&self.socket, &answer, from);
        }
    }

    fn flood(&self) {
        let Some(asker) = self.flooded else { return };
        for _ in 0..BURST {
            self.send(&self.socket, &[0x30; 1_400], asker);
        }
    }

    /// Whoever asked may be gone: that is no error of theirs.
    fn send(&self, socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
        if socket.send_to(datagram, to).is_ok() {
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn listening(at: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(at).expect("a free port");
    socket.set_read_timeout(Some(LOOK)).expect("a timeout");
    socket
}

fn ask(device: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    socket.connect(device).ok()?;
    socket.send(request).ok()?;
    let mut answer = vec![0; 65_507];
    let length = socket.recv(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}

/// The request of v1 or v2c, made an answer: RFC 3416, section 3: `error-status` 5, `error-index` 1.
fn gen_err(request: &[u8]) -> Option<Vec<u8>> {
    let mut answer = request.to_vec();
    let (message, _) = content(request, 0)?;
    let (_, version_end) = content(request, message)?;
    let (_, pdu) = content(request, version_end)?;
    let (id, _) = content(request, pdu)?;
    let (_, status) = content(request, id)?;
    let (status_begin, index) = content(request, status)?;
    let (index_begin, index_end) = content(request, index)?;
    *answer.get_mut(pdu)? = 0xa2;
    for (begin, end, value) in [(status_begin, index, 5), (index_begin, index_end, 1)] {
        let field = answer.get_mut(begin..end)?;
        field.fill(0);
        *field.last_mut()? = value;
    }
    Some(answer)
}

/// Where the content of the BER element at a place begins and ends.
fn content(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = usize::from(*bytes.get(at + 1)?);
    let (begin, length) = match length.checked_sub(0x80) {
        None => (at + 2, length),
        Some(octets) => {
            let begin = at + 2 + octets;
            let octets = bytes.get(at + 2..begin)?;
            let number = octets
                .iter()
                .fold(0, |all, one| all << 8 | usize::from(*one));
            (begin, number)
        }
    };
    Some((begin, begin + length))
}

/// What is wrong with a printer that is asked by IPP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpManner {
    /// It takes the question and never answers.
    Hangs,
    /// Its answer has no end.
    Endless,
}

/// A printer that misbehaves, for as long as this lives.
#[derive(Debug)]
pub struct OddPrinter {
    address: SocketAddr,
    asked: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OddPrinter {
    /// At this address.
    pub fn at(address: IpAddr, manner: TcpManner) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let mut odd = Self {
            address: listener.local_addr().expect("it is bound"),
            asked: Arc::default(),
            ended: Arc::default(),
            thread: None,
        };
        let (asked, ended) = (Arc::clone(&odd.asked), Arc::clone(&odd.ended));
        odd.thread = Some(std::thread::spawn(move || {
            let mut streams = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        asked.fetch_add(1, Ordering::Relaxed);
                        streams.push(begin(stream, manner));
                    }
                    Err(_) => std::thread::park_timeout(LOOK),
                }
                if manner == TcpManner::Endless {
                    streams.retain_mut(go_on);
                }
            }
        }));
        odd
    }

    /// Where it is asked.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections it got.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for OddPrinter {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if matches!(self.thread.take().map(JoinHandle::join), Some(Err(_))) {
            eprintln!("a printer that misbehaves panicked");
        }
    }
}

fn begin(mut stream: TcpStream, manner: TcpManner) -> TcpStream {
    // Failing means that whoever asked is gone.
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(LOOK));
    let _ = stream.set_write_timeout(Some(LOOK));
    let _ = stream.read(&mut [0; 4096]);
    if manner == TcpManner::Endless {
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n\r\n\x01\x01\x00\x00\x00\x00\x00\x01\x04",
        );
    }
    stream
}

/// More of an answer: one attribute after the other. Whether somebody still wants it.
fn go_on(stream: &mut TcpStream) -> bool {
    let attribute = b"\x44\x00\x05media\x00\x02a4".repeat(4_000);
    match stream.write(&attribute) {
        Ok(written) => written > 0,
        Err(error) => matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sysDescr.0 by v2c, community "public".
    const GET: &[u8] = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x11\x22\x33\x44\x02\x01\x00\x02\x01\x00\
                         \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00";

    #[test]
    fn an_error_is_an_answer_to_the_request() {
        let error = gen_err(GET).unwrap();
        let changed: Vec<_> = (0..GET.len()).filter(|at| GET[*at] != error[*at]).collect();
        assert_eq!(changed, [13, 23, 26], "{error:x?}");
        assert_eq!([13, 23, 26].map(|at| error[at]), [0xa2, 5, 1]);
    }

    #[test]
    fn half_a_request_gets_no_error() {
        assert_eq!(gen_err(&GET[..20]), None);
    }

    #[test]
    fn answers_come_in_the_manner_of_the_device() {
        let well = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let device = well.local_addr().unwrap();
        let answers = std::thread::spawn(move || {
            let mut request = [0; 100];
            let (length, from) = well.recv_from(&mut request).unwrap();
            well.send_to(&request[..length], from).unwrap();
        });
        let odd = OddDevice::before(device, Ipv4Addr::LOCALHOST.into(), Manner::OtherPort);
        let asker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        asker
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        asker.send_to(b"hello", odd.address()).unwrap();
        let mut answer = [0; 100];
        let (length, from) = asker.recv_from(&mut answer).unwrap();
        assert_eq!(&answer[..length], b"hello");
        assert_ne!(from, odd.address());
        assert_eq!(odd.asked(), 1);
        answers.join().unwrap();
    }
}
