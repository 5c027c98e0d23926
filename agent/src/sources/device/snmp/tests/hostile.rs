//! Devices that are slow, silent, broken or worse: each ends in its own trouble, within its budget, and
//! is nobody else's.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use async_snmp::{ErrorStatus, Value as Told};
use tokio::time::Instant;

use super::super::{Budget, Session, Transport, Trouble, Value};
use super::peer::{Reply, column, device, told, well};
use super::{BUDGET, IF_INDEX, LOCALHOST, PATIENT, SYS_DESCR, session, v2c};

async fn descr(session: &mut impl Session) -> Result<usize, Trouble> {
    Ok(session.get(&[SYS_DESCR]).await?.len())
}

#[tokio::test]
async fn silence_is_a_timeout_and_is_not_waited_for_twice() {
    let port = device(|_| Reply::default()).await;
    let mut session = session(port);
    let started = Instant::now();
    assert_eq!(descr(&mut session).await, Err(Trouble::Timeout));
    assert!(
        started.elapsed() >= BUDGET.timeout * 2,
        "{:?}",
        started.elapsed()
    );
    let again = Instant::now();
    assert_eq!(descr(&mut session).await, Err(Trouble::Timeout));
    assert_eq!(
        session.walk(&IF_INDEX, 10).await.trouble,
        Some(Trouble::Timeout)
    );
    assert!(again.elapsed() < BUDGET.timeout, "{:?}", again.elapsed());
}

/// A port that is this test's own and takes nothing: it is connected to itself.
fn closed(address: IpAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind((address, 0))?;
    socket.connect(socket.local_addr()?)?;
    Ok(socket)
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses_at_once() {
    let closed = closed(LOCALHOST).unwrap();
    let snmp = v2c(closed.local_addr().unwrap().port());
    let transport = Transport::new();
    let mut session = transport.session(LOCALHOST, &snmp, PATIENT).unwrap();
    let started = Instant::now();
    assert_eq!(descr(&mut session).await, Err(Trouble::Refused));
    assert!(
        started.elapsed() < PATIENT.timeout,
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_device_is_asked_at_an_address_of_ipv6_too() {
    let address = "::1".parse().unwrap();
    let Ok(closed) = closed(address) else {
        println!("skipped, because this machine has no ::1");
        return;
    };
    let snmp = v2c(closed.local_addr().unwrap().port());
    let transport = Transport::new();
    let mut session = transport.session(address, &snmp, PATIENT).unwrap();
    assert_eq!(descr(&mut session).await, Err(Trouble::Refused));
}

#[tokio::test]
async fn an_answer_to_the_first_attempt_counts_while_the_second_waits() {
    // Machines that do other things too stall for part of a second.
    let budget = Budget {
        timeout: Duration::from_secs(2),
        ..BUDGET
    };
    let port = device(move |asked| Reply {
        after: budget.timeout.mul_f32(1.2),
        ..Reply::from(well(&asked))
    });
    let snmp = v2c(port.await);
    let transport = Transport::new();
    let mut session = transport.session(LOCALHOST, &snmp, budget).unwrap();
    assert_eq!(descr(&mut session).await, Ok(1));
}

#[tokio::test]
async fn a_device_that_takes_too_long_ends_with_its_budget() {
    let port = device(|asked| Reply {
        after: Duration::from_secs(20),
        ..Reply::from(well(&asked))
    });
    let budget = Budget {
        timeout: Duration::from_secs(30),
        whole: Duration::from_millis(300),
        ..BUDGET
    };
    let transport = Transport::new();
    let mut session = transport
        .session(LOCALHOST, &v2c(port.await), budget)
        .unwrap();
    let started = Instant::now();
    assert_eq!(descr(&mut session).await, Err(Trouble::Timeout));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn garbage_is_unreadable() {
    for garbage in [
        vec![],
        vec![0],
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        vec![0xff; 1_400],
    ] {
        let port = device(move |_| Reply::from(garbage.clone())).await;
        assert_eq!(descr(&mut session(port)).await, Err(Trouble::Unreadable));
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_unreadable_wherever_it_is_cut() {
    let whole = {
        let port = device(|asked| Reply::from(well(&asked))).await;
        descr(&mut session(port)).await
    };
    assert_eq!(whole, Ok(1));
    let mut cut = 1;
    let port = device(move |asked| {
        let mut answer = well(&asked);
        cut = cut % (answer.len() - 1) + 1;
        let rest = answer.len() - cut;
        answer.truncate(rest);
        Reply::from(answer)
    });
    let port = port.await;
    let once = Budget {
        retries: 0,
        ..BUDGET
    };
    let transport = Transport::new();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let mut session = transport.session(LOCALHOST, &v2c(port), once).unwrap();
        asking.spawn(async move { descr(&mut session).await });
    }
    for answer in asking.join_all().await {
        assert_eq!(answer, Err(Trouble::Unreadable));
    }
}

#[tokio::test]
async fn an_answer_from_another_port_is_none() {
    let port = device(|asked| Reply {
        elsewhere: true,
        ..Reply::from(well(&asked))
    });
    assert_eq!(descr(&mut session(port.await)).await, Err(Trouble::Timeout));
}

#[tokio::test]
async fn an_answer_to_another_request_is_none() {
    let port = device(|asked| {
        let values = vec![(asked.oids[0].clone(), Told::Integer(1))];
        Reply::from(asked.message(asked.id ^ 1, ErrorStatus::NoError, 0, values))
    });
    assert_eq!(
        descr(&mut session(port.await)).await,
        Err(Trouble::Unreadable)
    );
}

#[tokio::test]
async fn a_flood_of_garbage_ends_at_once_and_a_flood_of_copies_is_no_matter() {
    let port = device(|_| Reply {
        datagrams: vec![vec![0xff; 200]; 2_000],
        ..Reply::default()
    });
    let patient = Budget {
        timeout: Duration::from_secs(30),
        whole: Duration::from_mins(2),
        ..BUDGET
    };
    let transport = Transport::new();
    let mut session = transport
        .session(LOCALHOST, &v2c(port.await), patient)
        .unwrap();
    let started = Instant::now();
    assert_eq!(descr(&mut session).await, Err(Trouble::Unreadable));
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );

    let port = device(|asked| Reply {
        datagrams: vec![column(&asked, &told(&IF_INDEX), 90); 200],
        ..Reply::default()
    });
    let mut session = transport
        .session(LOCALHOST, &v2c(port.await), patient)
        .unwrap();
    let walked = session.walk(&IF_INDEX, 100).await;
    assert_eq!((walked.rows.len(), walked.trouble), (90, None));
}

#[tokio::test]
async fn an_answer_as_large_as_a_datagram_is_read() {
    let port = device(|asked| {
        let long = Told::OctetString(vec![b'x'; 60_000].into());
        Reply::from(asked.answer(vec![(asked.oids[0].clone(), long)]))
    });
    let found = session(port.await).get(&[SYS_DESCR]).await.unwrap();
    assert!(matches!(&found[0].value, Value::Bytes(bytes) if bytes.len() == 60_000));
}

#[tokio::test]
async fn a_community_with_a_context_is_another_community() {
    let port = device(|asked| Reply::from(well(&asked))).await;
    let mut session = session(port);
    assert_eq!(descr(&mut session).await, Ok(1));
    // The device does not know `public@Jetdirect`: what it sends is signed `public`.
    session.in_context("Jetdirect");
    assert_eq!(descr(&mut session).await, Err(Trouble::Unreadable));
    session.in_context("");
    assert_eq!(descr(&mut session).await, Ok(1));
}

#[tokio::test]
async fn bad_devices_delay_themselves_alone() {
    let transport = Transport::new();
    let silent = device(|_| Reply::default()).await;
    let mut bad = tokio::task::JoinSet::new();
    let patient = Budget {
        timeout: Duration::from_secs(20),
        whole: Duration::from_mins(1),
        ..BUDGET
    };
    for _ in 0..40 {
        let mut session = transport.session(LOCALHOST, &v2c(silent), patient).unwrap();
        bad.spawn(async move { descr(&mut session).await });
    }
    let port = device(|asked| Reply::from(column(&asked, &told(&IF_INDEX), 100))).await;
    let mut good = transport.session(LOCALHOST, &v2c(port), patient).unwrap();
    let started = Instant::now();
    tokio::task::yield_now().await;
    let walked = good.walk(&IF_INDEX, 1_000).await;
    assert_eq!((walked.rows.len(), walked.trouble), (100, None));
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert!(bad.try_join_next().is_none());
}
