//! Devices that answer, and not as they should: loops, walks without an end, errors for one of many, and
//! requests that are too much for them.

use async_snmp::pdu::PduType;
use async_snmp::{ErrorStatus, Value as Told};

use super::super::{Budget, Oid, Session as _, Transport, Trouble};
use super::peer::{Reply, column, device, told, well};
use super::{BUDGET, IF_DESCR, IF_INDEX, LOCALHOST, SYS_DESCR, SYS_UP_TIME, session, v1, v2c};

#[tokio::test]
async fn a_walk_that_comes_back_is_a_loop_and_what_it_brought_stays() {
    for version in [v1, v2c] {
        let port = device(|asked| {
            // 1, 2, 3, and 3 again.
            let next = match asked.oids[0].strip_prefix(&told(&IF_INDEX)) {
                Some(rest) => rest.arcs().first().map_or(1, |last| (last + 1).min(3)),
                None => 1,
            };
            let rows = (next..)
                .map(|index| index.min(3))
                .take(asked.repetitions.max(1));
            let rows = rows.map(|index| (told(&IF_INDEX).child(index), Told::Integer(7)));
            Reply::from(asked.answer(rows.collect()))
        });
        let snmp = version(port.await);
        let mut session = Transport::new().session(LOCALHOST, &snmp, BUDGET).unwrap();
        let walked = session.walk(&IF_INDEX, 100).await;
        assert_eq!(
            (walked.rows.len(), walked.trouble),
            (3, Some(Trouble::Loop))
        );
    }
}

#[tokio::test]
async fn a_walk_without_an_end_ends() {
    let port = device(|asked| Reply::from(column(&asked, &told(&IF_INDEX), u32::MAX))).await;
    let walked = session(port).walk(&IF_INDEX, 50).await;
    assert_eq!(
        (walked.rows.len(), walked.trouble),
        (50, Some(Trouble::TooMany))
    );

    let few = Budget {
        values: 100,
        ..BUDGET
    };
    let mut session = Transport::new()
        .session(LOCALHOST, &v2c(port), few)
        .unwrap();
    let walked = session.walk(&IF_INDEX, 1_000_000).await;
    assert_eq!(
        (walked.rows.len(), walked.trouble),
        (100, Some(Trouble::Budget))
    );

    let few = Budget {
        requests: 7,
        ..BUDGET
    };
    let mut session = Transport::new().session(LOCALHOST, &v1(port), few).unwrap();
    let walked = session.walk(&IF_INDEX, 1_000_000).await;
    assert_eq!(
        (walked.rows.len(), walked.trouble),
        (7, Some(Trouble::Budget))
    );
    assert_eq!(session.get(&[SYS_DESCR]).await, Err(Trouble::Budget));
}

#[tokio::test]
async fn gen_err_for_one_of_many_leaves_it_out_and_for_all_is_told() {
    let port = device(|asked| {
        let bad = asked.oids.iter().position(|oid| *oid == told(&SYS_UP_TIME));
        Reply::from(match bad {
            Some(place) => asked.error(ErrorStatus::GenErr, i32::try_from(place).unwrap() + 1),
            None => well(&asked),
        })
    });
    let mut session = session(port.await);
    let found = session
        .get(&[SYS_DESCR, SYS_UP_TIME, IF_DESCR])
        .await
        .unwrap();
    let found: Vec<_> = found.into_iter().map(|one| one.oid).collect();
    assert_eq!(found, [SYS_DESCR, IF_DESCR]);
    let trouble = Err(Trouble::Failed("genErr"));
    assert_eq!(session.get(&[SYS_UP_TIME]).await, trouble);
}

#[tokio::test]
async fn gen_err_without_saying_where_is_found_by_halves() {
    let port = device(|asked| {
        let is_bad = asked.oids.contains(&told(&SYS_UP_TIME));
        Reply::from(match is_bad {
            true => asked.vague_error(),
            false => well(&asked),
        })
    });
    let asked: Vec<Oid> = (1..=40)
        .map(|row| IF_DESCR.child(&[row]))
        .chain([SYS_UP_TIME])
        .collect();
    let found = session(port.await).get(&asked).await.unwrap();
    let values: Vec<_> = found.iter().filter_map(|one| one.value.as_u64()).collect();
    assert_eq!(values, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_version_1_does_not_have_is_left_out() {
    let port = device(|asked| {
        let absent = asked
            .oids
            .iter()
            .position(|oid| oid.arcs().last() == Some(&9));
        Reply::from(match absent {
            Some(place) => asked.error(ErrorStatus::NoSuchName, i32::try_from(place).unwrap() + 1),
            None => well(&asked),
        })
    });
    let mut session = Transport::new()
        .session(LOCALHOST, &v1(port.await), BUDGET)
        .unwrap();
    let asked: Vec<Oid> = [1, 9, 2].map(|row| IF_DESCR.child(&[row])).into();
    let found = session.get(&asked).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(session.get(&asked[1..2]).await, Ok(vec![]));
}

#[tokio::test]
async fn too_big_is_asked_for_in_parts() {
    let port = device(|asked| {
        let rows = asked.oids.len().max(asked.repetitions);
        Reply::from(match (rows, asked.kind) {
            (5.., _) => asked.too_big(),
            (_, PduType::GetRequest) => well(&asked),
            _ => column(&asked, &told(&IF_INDEX), 30),
        })
    });
    let mut session = session(port.await);
    let asked: Vec<Oid> = (1..=21).map(|row| IF_DESCR.child(&[row])).collect();
    assert_eq!(session.get(&asked).await.unwrap().len(), 21);
    let walked = session.walk(&IF_INDEX, 100).await;
    assert_eq!((walked.rows.len(), walked.trouble), (30, None));
}

#[tokio::test]
async fn a_device_that_chokes_on_bulk_requests_is_walked_row_by_row() {
    // Some say nothing, some fail, some send what nobody can read.
    for choking in [0, 1, 2] {
        let port = device(move |asked| match (asked.kind, choking) {
            (PduType::GetBulkRequest, 0) => Reply::default(),
            (PduType::GetBulkRequest, 1) => Reply::from(asked.error(ErrorStatus::GenErr, 1)),
            (PduType::GetBulkRequest, _) => Reply::from(vec![0x30, 0x02, 0x05, 0x00]),
            _ => Reply::from(column(&asked, &told(&IF_INDEX), 12)),
        });
        let mut session = session(port.await);
        let walked = session.walk(&IF_INDEX, 100).await;
        assert_eq!((walked.rows.len(), walked.trouble), (12, None), "{choking}");
    }
}

#[tokio::test]
async fn values_that_nobody_asked_for_are_not_taken() {
    let port = device(|asked| {
        let other = (told(&SYS_UP_TIME), Told::TimeTicks(1));
        Reply::from(asked.answer(vec![other]))
    });
    assert_eq!(session(port.await).get(&[SYS_DESCR]).await, Ok(vec![]));
}
