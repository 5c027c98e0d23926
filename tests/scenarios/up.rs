//! `dawnwatch up`: everything on one machine, with nothing prepared.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::FIRST_VALUES;
use crate::harness::collector::announced;
use crate::harness::process::{Folder, Process, run};
use crate::harness::scrape::{Page, fetch};
use crate::harness::{binaries, eventually, metric};

fn command(folder: &Folder, data: &Path, page: SocketAddr) -> std::process::Command {
    let settings = format!(
        "[http]\nlisten = \"{page}\"\n[grpc]\nlisten = \"127.0.0.1:0\"\n[plan]\nusual = false\n"
    );
    let file = folder.write("up.toml", settings);
    let mut command = binaries::dawnwatch();
    command
        .arg("up")
        .arg("--data")
        .arg(data)
        .arg("--config")
        .arg(file);
    command
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn values(page: SocketAddr) -> Page {
    eventually(
        "values of this machine are shown",
        FIRST_VALUES,
        async || {
            let page = Page::parse(&fetch(&format!("http://{page}/metrics")).await?)?;
            metric("dawnwatch_agent_up").is(1.0).found_in(&page)?;
            metric("dawnwatch_cpu_usage_ratio").found_in(&page)?;
            metric("dawnwatch_memory_available_bytes").found_in(&page)?;
            Ok(page)
        },
    )
    .await
}

#[tokio::test]
async fn it_shows_this_machine_within_half_a_minute_and_knows_it_again() {
    let folder = Folder::new("up");
    let data = folder.path().join("data");
    let mut devices = Vec::new();
    for _ in ["first", "second"] {
        let mut up = Process::start("up", &mut command(&folder, &data, any_port()), &folder);
        let page = announced(&mut up, "http://").await;
        let shown = values(page).await;
        let up_series = metric("dawnwatch_agent_up");
        let of_all: Vec<_> = up_series.all_in(&shown).into_iter().cloned().collect();
        assert_eq!(of_all.len(), 1, "one machine: {of_all:?}");
        devices.push(of_all[0].labels.clone());
        up.signal(Signal::INT);
        up.finish(Duration::from_secs(20)).await.succeeded();
    }
    assert_eq!(devices[0], devices[1]);
}

#[tokio::test]
async fn an_agent_that_the_collector_does_not_know_enrols_anew() {
    let folder = Folder::new("up");
    let data = folder.path().join("data");
    for _ in ["first", "with another collector"] {
        let mut up = Process::start("up", &mut command(&folder, &data, any_port()), &folder);
        values(announced(&mut up, "http://").await).await;
        up.signal(Signal::INT);
        up.finish(Duration::from_secs(20)).await.succeeded();
        std::fs::remove_dir_all(data.join("collector")).unwrap();
    }
}

#[tokio::test]
async fn the_agent_finds_a_collector_that_listens_elsewhere_than_on_localhost() {
    let folder = Folder::new("up");
    let data = folder.path().join("data");
    let settings = "[http]\nlisten = \"127.0.0.1:0\"\n[grpc]\nlisten = \"127.0.0.7:0\"\n\
        [plan]\nusual = false\n";
    let mut command = command(&folder, &data, any_port());
    folder.write("up.toml", settings);
    let mut up = Process::start("up", &mut command, &folder);
    values(announced(&mut up, "http://").await).await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = Folder::new("up");
    let taken = TcpListener::bind(any_port()).unwrap();
    let address = taken.local_addr().unwrap();
    let data = folder.path().join("data");
    let error = run("up", &mut command(&folder, &data, address), &folder)
        .await
        .failed_with(1);
    assert!(error.contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new("up");
    let file = folder.write("file", "in the way");
    let data = file.join("data");
    let error = run("up", &mut command(&folder, &data, any_port()), &folder)
        .await
        .failed_with(1);
    assert!(error.contains(data.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn it_works_without_root() {
    if !rustix::process::geteuid().is_root() {
        return; // Then the scenarios above have shown it.
    }
    let folder = Folder::new("up");
    // Nobody may not be allowed to reach the folder of the sources.
    let program = folder.path().join("dawnwatch");
    std::fs::copy(binaries::dawnwatch().get_program(), &program).unwrap();
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let as_root = command(&folder, &folder.path().join("data"), any_port());
    let mut as_nobody = std::process::Command::new(program);
    as_nobody.args(as_root.get_args()).uid(NOBODY).gid(NOBODY);
    let mut up = Process::start("up", &mut as_nobody, &folder);
    values(announced(&mut up, "http://").await).await;
    let secret_folder = Folder::new("root");
    let data = secret_folder.path().join("data");
    let as_root = command(&folder, &data, any_port());
    let mut as_nobody = std::process::Command::new(as_nobody.get_program());
    as_nobody.args(as_root.get_args()).uid(NOBODY).gid(NOBODY);
    let error = run("refused", &mut as_nobody, &folder).await.failed_with(1);
    assert!(error.contains(data.to_str().unwrap()), "{error}");
}

const NOBODY: u32 = 65_534;
