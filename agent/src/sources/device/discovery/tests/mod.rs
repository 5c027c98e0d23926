//! When it is looked, and what is found in a network of real devices.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests, which say what they skip"
)]

#[cfg(target_os = "linux")]
mod house;
#[cfg(target_os = "linux")]
mod in_a_house;

use std::collections::BTreeMap;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::*;

#[test]
fn the_first_look_comes_soon_and_not_everywhere_at_once() {
    let firsts: Vec<_> = (0..100)
        .map(|_| first_after(Duration::from_hours(24)))
        .collect();
    assert!(firsts.iter().all(|first| *first <= FIRST_WITHIN));
    let early = firsts
        .iter()
        .filter(|first| **first < FIRST_WITHIN / 2)
        .count();
    assert!(
        (20..=80).contains(&early),
        "{early} of 100 in the first half"
    );
    assert!(first_after(Duration::from_mins(1)) <= Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_plan_asks_for_none_never_looks() {
    let (plan, planned) = watch::channel(Plan::default());
    let (found, mut told) = watch::channel(Vec::new());
    let context = Context::new(planned, None, BTreeMap::new());
    let running = tokio::spawn(run(context, found));
    plan.send_modify(|plan| plan.version = 2);
    let looked = timeout(Duration::from_hours(24), told.changed()).await;
    assert!(looked.is_err(), "{looked:?}");
    drop(plan);
    running.await.unwrap();
    assert!(told.changed().await.is_err(), "it ends with the agent");
}

#[tokio::test(start_paused = true)]
async fn a_look_waits_for_who_loads_the_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
    std::fs::write(folder.path().join("proc/net/route"), "header\n").unwrap();
    let heavy = Semaphore::new(1);
    let loads_the_line = heavy.acquire().await.unwrap();
    let look = Look {
        root: &Root(folder.path().to_owned()),
        credentials: &[],
        known: Vec::new(),
        heavy: &heavy,
    };
    let mut looking = Box::pin(look.around());
    let waited = timeout(Duration::from_mins(1), &mut looking).await;
    assert!(waited.is_err(), "{waited:?}");
    drop(loads_the_line);
    let looked = looking.await.unwrap();
    assert_eq!((looked.addresses, looked.devices), (0, Vec::new()));
}
