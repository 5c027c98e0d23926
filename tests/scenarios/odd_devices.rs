//! A device that is silent, slow, mad or loud delays only itself: whoever asks thirty devices tells of the good
//! ones at every interval, stays small, and says of each odd one what is wrong with it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::harness::asked::CENTRE;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::odd_devices::{Manner, OddDevice, OddPrinter, TcpManner};
use crate::harness::process::Folder;
use crate::harness::prometheus::Raw;
use crate::harness::snmpsim::{COMMUNITY, Recording, Snmpsim};
use crate::harness::{Agent, Collector, Prometheus, eventually};
use crate::needs;
use crate::store::targets;

/// Between two polls.
const INTERVAL: Duration = Duration::from_secs(20);

/// Polls of every good device that are looked at.
const POLLS: usize = 5;

/// All of them, and the first.
const LOOKED_AT: Duration = Duration::from_mins(3);

/// A good device may have to let another go first, and a busy machine takes its time.
const LATE: Duration = Duration::from_secs(3);

/// What odd devices may add to what the agent has in memory, and what it may have at all as the tests build it.
const GROWTH_KB: u64 = 1_024;
const MEMORY_KB: u64 = 12 * 1_024;

const PLAN: &str = "[plan]\ndevice_interval = \"20s\"\nreport_interval = \"1s\"\n";

const GOOD: usize = 24;

/// The odd ones, and what is said of each.
const ODD: [(&str, Manner, &[&str]); 6] = [
    ("silent", Manner::Silent, &["timeout"]),
    ("late", Manner::Late(INTERVAL), &["timeout"]),
    ("garbage", Manner::Garbage, &["unreadable", "timeout"]),
    ("gen-err", Manner::GenErr, &["failed"]),
    ("other-port", Manner::OtherPort, &["timeout"]),
    ("loud", Manner::Flood, &["answered"]),
];

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_device_that_is_silent_slow_mad_or_loud_delays_only_itself() {
    let prometheus = needs!(Prometheus::receiving().await);
    let folder = Folder::new("good");
    let simulator = needs!(Snmpsim::of(&good(&folder)).await);
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(PLAN);
    let setup = setup.with_settings(&targets(&[("prometheus", prometheus.write_url())]));
    let collector = setup.start().await;
    let port = simulator.port().to_string();
    let credential = ["--version", "2c", "--port", &port];
    collector.credential("good", &credential, COMMUNITY).await;
    for number in 0..GOOD {
        let address = simulator.address(number).to_string();
        let how = ["--address", &address, "--snmp", "good"];
        let name = format!("good-{number}");
        collector.device(CENTRE, &name, "printer", &how).await;
    }
    let well = SocketAddr::new(simulator.address(0), simulator.port());
    let (mut odd, mut printers) = (Vec::new(), Vec::new());
    for (name, manner, _) in ODD {
        let device = OddDevice::before(well, HERE, manner);
        let port = device.address().port().to_string();
        let credential = ["--version", "2c", "--port", &port];
        collector.credential(name, &credential, COMMUNITY).await;
        let mut how = vec!["--address", "127.0.0.1", "--snmp", name];
        let ipp = match manner {
            Manner::Silent => Some(TcpManner::Hangs),
            Manner::Flood => Some(TcpManner::Endless),
            _ => None,
        };
        let ipp = ipp.map(|manner| OddPrinter::at(HERE, manner));
        let place = ipp.as_ref().map(|one| format!("{}/ipp/print", one.port()));
        how.extend(place.iter().flat_map(|place| ["--ipp", place]));
        collector.device(CENTRE, name, "printer", &how).await;
        odd.push(device);
        printers.extend(ipp);
    }
    let mut agent = collector.machine("pc-1").await;
    let first = eventually("all good ones were told of", LOOKED_AT, async || {
        all_told(&prometheus, 1).await
    });
    first.await;
    let before = memory_kb(&mut agent);
    let told = eventually("every interval is told of", LOOKED_AT, async || {
        all_told(&prometheus, POLLS).await
    })
    .await;
    let after = memory_kb(&mut agent);

    let latest = told.iter().map(longest_gap).max().unwrap();
    let sent = odd.iter().map(OddDevice::sent).max().unwrap_or_default();
    eprintln!(
        "the longest time between two polls of a good device: {latest:.1?}; the loud one sent {sent} \
         datagrams; private memory {before} kB after the first polls, {after} kB after {POLLS}"
    );
    assert!(latest <= INTERVAL + LATE, "{latest:?}");
    assert!(sent > 10_000, "{sent}");
    assert!(odd.iter().all(|one| one.asked() > 0), "{odd:?}");
    assert!(printers.iter().all(|one| one.asked() > 0), "{printers:?}");
    assert!(after <= MEMORY_KB.min(before + GROWTH_KB), "{after} kB");
    each_is_told_of(&prometheus).await;
    assert_eq!(agent.process().ended(), None);
}

/// Of as many printers, each with a serial number of its own.
fn good(folder: &Folder) -> Vec<Recording> {
    let captures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/tests/captures");
    let records = std::fs::read_to_string(captures.join("printer/healthy.snmprec")).unwrap();
    let numbers = 0..GOOD;
    let recordings = numbers.map(|number| {
        let own = records.replace("PL100-0001", &format!("PL100-1{number:03}"));
        Recording::at(&folder.write(&format!("good-{number}.snmprec"), own))
    });
    recordings.collect()
}

/// When each good device answered, once each has so many times.
async fn all_told(prometheus: &Prometheus, times: usize) -> Result<Vec<Raw>, String> {
    let answered = "dawnwatch_device_poll_outcome{outcome=\"answered\",device=~\"good-.*\"}";
    let series = prometheus.raw(answered, "1h").await?;
    let few = series.iter().filter(|(_, samples)| samples.len() < times);
    match (series.len(), few.count()) {
        (GOOD, 0) => {
            let failed = series
                .iter()
                .find(|(_, samples)| samples.iter().any(|(_, value)| *value < 0.5));
            assert_eq!(failed, None, "a good device was not read");
            Ok(series)
        }
        (all, few) => Err(format!(
            "{all} of {GOOD} are told of, {few} fewer than {times} times"
        )),
    }
}

fn longest_gap((_, samples): &Raw) -> Duration {
    let gaps = samples.windows(2).map(|pair| pair[1].0 - pair[0].0);
    Duration::from_millis(gaps.max().unwrap_or_default().unsigned_abs())
}

/// What is not shared with other programs and not in a file.
fn memory_kb(agent: &mut Agent) -> u64 {
    let status = format!("/proc/{}/status", agent.process().id());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

/// Each odd one has the outcome that says what is wrong with it.
async fn each_is_told_of(prometheus: &Prometheus) {
    for (name, _, expected) in ODD {
        let query =
            format!("dawnwatch_device_poll_outcome{{device={name:?},protocol=\"snmp\"}} == 1");
        let told = prometheus.query(&query).await.unwrap();
        let outcomes: Vec<_> = told.iter().map(|(labels, _)| &labels["outcome"]).collect();
        eprintln!("{name}: {outcomes:?}");
        assert!(
            matches!(&outcomes[..], [one] if expected.contains(&one.as_str())),
            "{name}: {outcomes:?}"
        );
    }
}
