//! Names and TCP: what happens before anything is said.

use std::io;

use super::servers::{Act, Server};
use super::*;

const ITSELF: &str = "leads to this machine itself, 127.0.0.1";

#[tokio::test]
async fn a_connection_is_enough_for_tcp() {
    let server = Server::doing(vec![Act::Hang]).await;
    let attempt = try_at(&format!("tcp://{}", server.address)).ended().await;
    check(&attempt, Outcome::Answered, &["connect"], "");
    assert_eq!(attempt.address, Some(LOOPBACK));

    let attempt = try_at(&server.url("tcp")).ended().await;
    check(&attempt, Outcome::Answered, &["dns", "connect"], ITSELF);
}

#[tokio::test]
async fn nobody_at_the_port_refuses() {
    // An address of its own: a port of 127.0.0.1 that nobody has now may be somebody's in a moment.
    let attempt = try_at("http://127.91.0.1:9/").ended().await;
    check(&attempt, Outcome::Refused, &[], "refused");
}

/// A queue of connections that nobody accepts, once it is full, answers no more.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_answered_is_late() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _in_the_queue = TcpStream::connect(address).await.unwrap();
    let attempt = try_at(&format!("tcp://{address}")).within(Duration::from_millis(300));
    let attempt = attempt.ended().await;
    check(&attempt, Outcome::Timeout, &[], "no end of connect");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_interface_of_a_network_is_used() {
    let server = Server::doing(vec![Act::Hang]).await;
    let mut through = try_at(&format!("tcp://{}", server.address));
    through.interface = Some("lo");
    let attempt = through.ended().await;
    check(&attempt, Outcome::Answered, &["connect"], "");

    let mut through = try_at(&format!("tcp://{}", server.address));
    through.interface = Some("gone0");
    let never = through.result().await.unwrap_err();
    assert!(never.what.contains("has no interface gone0"), "{never}");
}

#[tokio::test]
async fn a_name_that_is_not_answered_does_not_keep_a_known_address_from_being_tried() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let failing: super::super::super::lookup::Ask =
        |_| Box::pin(std::future::ready(Err(io::Error::other("SERVFAIL"))));
    let attempt = try_at(&server.url("http")).asking(failing).ended().await;
    check(&attempt, Outcome::DnsFailed, &[], "SERVFAIL");
    assert_eq!(attempt.address, None);

    let mut again = try_at(&server.url("http")).asking(failing);
    again.known = Some(LOOPBACK);
    let attempt = again.ended().await;
    let phases = ["connect", "first_byte", "transfer"];
    check(
        &attempt,
        Outcome::DnsFailed,
        &phases,
        "at its last address: answered",
    );
    assert_eq!(
        (attempt.status, attempt.address),
        (Some(200), Some(LOOPBACK))
    );
}

#[tokio::test]
async fn a_name_that_hangs_leaves_time_for_a_known_address() {
    let server = Server::doing(vec![Act::Hang]).await;
    let hanging = try_at(&server.url("tcp")).asking(|_| Box::pin(std::future::pending()));
    let mut hanging = hanging.within(Duration::from_secs(1));
    hanging.known = Some(LOOPBACK);
    let attempt = hanging.ended().await;
    let detail = "no answer to the name in time; at its last address: answered";
    check(&attempt, Outcome::DnsFailed, &["connect"], detail);
}

#[tokio::test]
async fn a_name_without_address_fails() {
    let nothing = try_at("tcp://portal.example:1");
    let nothing = nothing.asking(|_| Box::pin(std::future::ready(Ok(Vec::new()))));
    check(
        &nothing.ended().await,
        Outcome::DnsFailed,
        &[],
        "has no address",
    );
}

#[tokio::test]
async fn the_system_is_asked() {
    let server = Server::doing(vec![Act::Hang]).await;
    let mut attempt = try_at(&format!("tcp://localhost:{}", server.address.port()));
    attempt.lookups = Lookups::default();
    // Of IPv4 and IPv6 the system decides which comes first; the server has the one.
    attempt.known = Some(LOOPBACK);
    check(
        &attempt.ended().await,
        Outcome::Answered,
        &["dns", "connect"],
        ITSELF,
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_no_attempt() {
    let error = try_at("tcp://portal.example").result().await.unwrap_err();
    assert!(error.remedy.contains("port"), "{error}");
}
