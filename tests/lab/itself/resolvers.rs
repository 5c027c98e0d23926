//! Each manner of a resolver, seen from a PC.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::str::FromStr as _;

use hickory_server::proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_server::proto::rr::{Name, RData, RecordType};

use crate::network::PORTALS;
use crate::servers::Door;
use crate::servers::resolver::Manner;
use crate::{Lab, ms, needs};

const PORTAL: &str = "dichvucong.gov.vn.";
const NOBODY: &str = "no-such-name.example.";

/// What an answer says.
#[derive(Debug, PartialEq)]
struct Said {
    code: ResponseCode,
    addresses: Vec<Ipv4Addr>,
    is_truncated: bool,
}

/// Asks over UDP from a PC; an error where there is no answer.
fn ask(lab: &Lab, resolver: Ipv4Addr, name: &str) -> Result<Said, ErrorKind> {
    let question = question(name);
    let asked = lab.pc(1).inside(move || {
        let socket = UdpSocket::bind(("0.0.0.0", 0))?;
        socket.set_read_timeout(Some(ms(400)))?;
        socket.connect((resolver, 53))?;
        socket.send(&question)?;
        let mut answer = vec![0; 4_096];
        let length = socket.recv(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    });
    asked
        .unwrap()
        .map(read)
        .map_err(|error: std::io::Error| error.kind())
}

/// The same over TCP.
fn ask_by_tcp(lab: &Lab, resolver: Ipv4Addr, name: &str) -> Result<Said, ErrorKind> {
    let question = question(name);
    let asked = lab.pc(1).inside(move || {
        let mut stream = TcpStream::connect((resolver, 53))?;
        stream.set_read_timeout(Some(ms(2_000)))?;
        stream.write_all(&u16::try_from(question.len()).unwrap().to_be_bytes())?;
        stream.write_all(&question)?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    });
    asked
        .unwrap()
        .map(read)
        .map_err(|error: std::io::Error| error.kind())
}

fn question(name: &str) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_str(name).unwrap(), RecordType::A));
    message.to_vec().unwrap()
}

fn read(answer: Vec<u8>) -> Said {
    let message = Message::from_vec(&answer).unwrap();
    assert_eq!(message.metadata.id, 7);
    let address = |data: &RData| match data {
        RData::A(address) => Some(address.0),
        _ => None,
    };
    Said {
        code: message.metadata.response_code,
        addresses: message
            .answers
            .iter()
            .filter_map(|record| address(&record.data))
            .collect(),
        is_truncated: message.metadata.truncation,
    }
}

fn addresses(addresses: &[Ipv4Addr]) -> Result<Said, ErrorKind> {
    Ok(Said {
        code: ResponseCode::NoError,
        addresses: addresses.to_vec(),
        is_truncated: false,
    })
}

fn code(code: ResponseCode) -> Result<Said, ErrorKind> {
    Ok(Said {
        code,
        addresses: Vec::new(),
        is_truncated: false,
    })
}

#[test]
fn a_good_resolver_tells_the_truth() {
    let lab = needs!(Lab::new());
    let all = lab.public_resolvers().iter().chain([lab.resolver()]);
    for resolver in all {
        let at = resolver.address();
        assert_eq!(ask(&lab, at, PORTAL), addresses(&PORTALS[..1]));
        assert_eq!(ask_by_tcp(&lab, at, PORTAL), addresses(&PORTALS[..1]));
        assert_eq!(ask(&lab, at, NOBODY), code(ResponseCode::NXDomain));
        assert_eq!(resolver.asked(), 3);
    }
    lab.name("nothing.example", &[]);
    let at = lab.resolver().address();
    assert_eq!(
        ask(&lab, at, "nothing.example."),
        code(ResponseCode::NoError)
    );
    let many: Vec<_> = (0..100)
        .map(|last| Ipv4Addr::new(192, 0, 2, last))
        .collect();
    lab.name("many.example", &many);
    assert!(
        ask(&lab, at, "many.example.").unwrap().is_truncated,
        "1,600 bytes do not fit"
    );
    assert_eq!(ask_by_tcp(&lab, at, "many.example."), addresses(&many));
}

#[test]
fn each_bad_manner_shows() {
    let lab = needs!(Lab::new());
    let resolver = lab.resolver();
    let at = resolver.address();
    let elsewhere = Ipv4Addr::new(192, 0, 2, 66);
    resolver.lies(elsewhere);
    assert_eq!(ask(&lab, at, PORTAL), addresses(&[elsewhere]));
    assert_eq!(ask(&lab, at, NOBODY), addresses(&[elsewhere]));
    for (manner, said) in [
        (Manner::ServFail, ResponseCode::ServFail),
        (Manner::Refused, ResponseCode::Refused),
        (Manner::NxDomain, ResponseCode::NXDomain),
    ] {
        resolver.answers(manner);
        assert_eq!(ask(&lab, at, PORTAL), code(said));
    }
    resolver.answers(Manner::Truncates);
    assert!(ask(&lab, at, PORTAL).unwrap().is_truncated);
    assert_eq!(ask_by_tcp(&lab, at, PORTAL), addresses(&PORTALS[..1]));
    resolver.is_silent();
    assert_eq!(ask(&lab, at, PORTAL), Err(ErrorKind::WouldBlock));
    resolver.answers(Manner::Slow(ms(600)));
    assert_eq!(ask(&lab, at, PORTAL), Err(ErrorKind::WouldBlock));
    assert_eq!(ask_by_tcp(&lab, at, PORTAL), addresses(&PORTALS[..1]));
    resolver.answers(Manner::Answers);
    resolver.door(Door::Closed).unwrap();
    assert_eq!(ask(&lab, at, PORTAL), Err(ErrorKind::ConnectionRefused));
    assert_eq!(
        ask_by_tcp(&lab, at, PORTAL),
        Err(ErrorKind::ConnectionRefused)
    );
    resolver.door(Door::Gone).unwrap();
    assert_eq!(ask(&lab, at, PORTAL), Err(ErrorKind::WouldBlock));
    resolver.door(Door::Open).unwrap();
    assert_eq!(ask(&lab, at, PORTAL), addresses(&PORTALS[..1]));
    assert_eq!(
        ask(&lab, lab.public_resolvers()[0].address(), PORTAL),
        addresses(&PORTALS[..1])
    );
}

#[test]
fn programs_on_a_pc_use_it() {
    let lab = needs!(Lab::new());
    let mut getent = lab.command_on_pc(1, "getent");
    let output = getent.args(["ahostsv4", "vneid.gov.vn"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(&PORTALS[2].to_string()), "{output:?}");
    assert!(lab.resolver().asked() > 0);
    let mut printenv = lab.command_on_pc(1, "printenv");
    let output = printenv.arg("SSL_CERT_FILE").output().unwrap();
    let file = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(std::fs::read_to_string(file).unwrap(), lab.authority_pem());
}
