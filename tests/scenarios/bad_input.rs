//! Mistakes of operators and of strangers get a clear answer, and nothing breaks.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;

use crate::harness::process::{Folder, run};
use crate::harness::{Agent, Collector, binaries, collector::ONE_CENTRE, metric};

#[tokio::test]
async fn every_mistake_of_a_settings_file_is_told_at_once() {
    let folder = Folder::new("settings");
    let text = "daata = \"x\"\n[http]\nlisten = \"nowhere\"\n[plan]\nhost_interval = \"soon\"\n";
    let file = folder.write("collector.toml", text);
    let mut command = binaries::collector();
    command.arg("serve").arg("--config").arg(&file);
    let error = run("serve", &mut command, &folder).await.failed_with(64);
    for place in [
        "collector.toml:1:",
        "collector.toml:3:",
        "collector.toml:5:",
    ] {
        assert!(error.contains(place), "{place} in {error}");
    }
    let file = folder.write(
        "agent.toml",
        "colector = \"x\"\n[limits]\nspool_age = \"long\"\n",
    );
    let mut command = binaries::agent();
    command.arg("run").arg("--config").arg(&file);
    let error = run("run", &mut command, &folder).await.failed_with(64);
    for place in ["agent.toml:1:", "agent.toml:3:"] {
        assert!(error.contains(place), "{place} in {error}");
    }
}

#[tokio::test]
async fn centres_are_imported_as_spreadsheets_write_them() {
    let csv = "\u{feff}id,name,area,isp,latitude,longitude,hours,days,notes\r\n\
        cong-son,Công Sơn,Cao Lộc,VNPT,21.85,106.9,07:30-11:30 13:30-17:00,mon-fri,\r\n\
        huu-lung,\"Hữu Lũng, trụ sở 2\",Hữu Lũng,Viettel,,,,,\r\n";
    let collector = Collector::with_centres(csv).start().await;
    let centres = collector.api("/api/v1/centres").await.unwrap().to_string();
    assert!(centres.contains("Công Sơn"), "{centres}");
    assert!(centres.contains("Hữu Lũng, trụ sở 2"), "{centres}");
    let page = collector.metrics().await.unwrap();
    let info = metric("dawnwatch_centre_info").label("name", "Công Sơn");
    info.label("centre", "cong-son").is(1.0).in_(&page);
}

#[tokio::test]
async fn a_list_of_centres_with_mistakes_is_refused_whole() {
    let collector = Collector::started().await;
    let csv = "id,name,hours,days\n\
        new-one,Mới,,\n\
        Cong Son,Công Sơn,,\n\
        dong-dang,Đồng Đăng,25:00-26:00,mon-fri\n\
        new-one,Mới nữa,,\n";
    let file = collector.folder().write("wrong.csv", csv);
    let finished = collector
        .command(&["centre", "import", file.to_str().unwrap()])
        .await;
    assert!(!finished.status.success(), "{finished:?}");
    for line in ["wrong.csv:3", "wrong.csv:4", "wrong.csv:5"] {
        assert!(
            finished.stderr.contains(line),
            "{line} in {}",
            finished.stderr
        );
    }
    let centres = collector.api("/api/v1/centres").await.unwrap().to_string();
    assert!(!centres.contains("new-one"), "{centres}");
}

#[tokio::test]
async fn strangers_do_not_disturb() {
    let collector = Collector::with_centres(ONE_CENTRE)
        .in_a_hurry()
        .start()
        .await;
    // Some say nothing, some say nonsense, some speak HTTP where TLS is expected.
    let mut strangers = Vec::new();
    for words in [
        "",
        "GET / HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}nonsense",
    ] {
        for address in [collector.agent_address(), collector.http_address()] {
            for _ in 0..20 {
                let mut stranger = TcpStream::connect(address).unwrap();
                stranger.write_all(words.as_bytes()).unwrap();
                strangers.push(stranger);
            }
        }
    }
    let agent = Agent::enrolled_at(&collector, "cong-son").await;
    assert!(agent.status().await.is_ok());
    collector.metrics().await.unwrap();
}

#[tokio::test]
async fn a_token_for_a_centre_that_nobody_knows_is_refused() {
    let collector = Collector::started().await;
    let finished = collector
        .command(&["token", "create", "--centre", "cong-sun"])
        .await;
    let error = finished.failed_with(1);
    assert!(error.contains("cong-sun"), "{error}");
}

#[tokio::test]
async fn a_registry_of_a_newer_version_is_left_alone() {
    let mut collector = Collector::started().await;
    collector.stop().await.succeeded();
    let registry = registry_of(&collector);
    let mut bytes = std::fs::read(&registry).unwrap();
    // "User version" in the header, https://www.sqlite.org/fileformat.html: the number of migrations.
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&registry, &bytes).unwrap();
    let finished = collector.command(&["serve"]).await;
    let error = finished.failed_with(1);
    assert!(error.contains("newer"), "{error}");
    assert!(std::fs::read(&registry).unwrap() == bytes, "it was changed");
}

fn registry_of(collector: &Collector) -> PathBuf {
    let data = collector.folder().path().join("data");
    let files = std::fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_database = |path: &PathBuf| {
        path.is_file()
            && std::fs::read(path)
                .unwrap()
                .starts_with(b"SQLite format 3\0")
    };
    files.into_iter().find(is_database).expect("a registry")
}

#[tokio::test]
async fn an_agent_that_is_not_enrolled_says_what_to_do() {
    let mut agent = Agent::installed();
    agent.run();
    let finished = agent.process().finish(crate::FIRST_VALUES).await;
    let error = finished.failed_with(1);
    assert!(error.contains("dawnwatch-agent enroll"), "{error}");
}

#[tokio::test]
async fn a_machine_is_not_enrolled_twice_by_accident() {
    let collector = Collector::started().await;
    let agent = Agent::enrolled_at(&collector, "cong-son").await;
    let token = collector.token("cong-son").await;
    let error = agent.enrol(&collector, &token, &[]).await.failed_with(1);
    assert!(error.contains("enrolled already"), "{error}");
}
