//! What a look finds where real devices are: a router with Debian's snmpd, printers by `ippeveprinter`, one of
//! them at a port that only mDNS (avahi) tells, and somebody who says nothing. And what it leaves alone.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use proto::plan::{Credential, Secret, Security, Snmp};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::super::look::{Look, TRY};
use super::super::mdns;
use super::house::{House, address};
use crate::os::Root;
use crate::sources::device::snmp::{Session as _, Transport};
use crate::sources::device::system::SYS_OBJECT_ID;

/// Who lives there, by the last number of the address.
const HERE: u8 = 2;
const ROUTER: u8 = 20;
const PRINTER: u8 = 30;
const TOLD_PRINTER: u8 = 40;
const SILENT: u8 = 50;

/// Says to a process in the house what to do there.
const TASK: &str = "DAWNWATCH_TEST_IN_THE_HOUSE";

/// What leaves this machine: where it should not go, what asks for IPP, what does so too soon after others,
/// and what asks somebody who is not there.
const COUNTERS: &str = "table ip count {
    counter outside {}
    counter knocks {}
    counter hurried {}
    counter to_nobody {}
    chain out {
        type filter hook output priority 0;
        ip daddr != { 10.88.0.0/26, 127.0.0.0/8, 224.0.0.251, 224.0.0.22 } counter name outside
        tcp dport 631 tcp flags syn / fin,syn,rst,ack counter name knocks
        tcp dport 631 tcp flags syn / fin,syn,rst,ack limit rate over 25/second burst 5 packets counter name hurried
        ip daddr 10.88.0.60 udp dport 161 counter name to_nobody
    }
}";

#[test]
fn devices_are_found_at_a_slow_pace_and_nobody_else_is_asked() {
    match std::env::var(TASK).as_deref() {
        Ok("wait") => return in_the_house(wait_for_all()),
        Ok(_) => return in_the_house(look_around()),
        Err(_) => {}
    }
    let folder = tempfile::tempdir().unwrap();
    let house = match furnished(folder.path()) {
        Ok(house) => house,
        Err(reason) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "a skip fails here: {reason}"
            );
            println!("skipped, because {reason}");
            return;
        }
    };
    within(&house, "wait");
    house.nft(HERE, COUNTERS).unwrap();
    let printed = within(&house, "look");
    let count = |counter: &str| {
        let told = house
            .nft(HERE, &format!("list counter ip count {counter}"))
            .unwrap();
        let mut words = told
            .split_whitespace()
            .skip_while(|word| *word != "packets");
        words.nth(1).unwrap().parse::<u32>().unwrap()
    };
    let lines = printed
        .lines()
        .filter_map(|line| line.split_once("found: "));
    let mut found: Vec<&str> = lines.map(|(_, found)| found).collect();
    found.sort_unstable();
    let expected = [
        "10.88.0.20 028800000014 kind= name=gate credential=office ipp=",
        "10.88.0.30 02880000001e kind=printer name=Hall credential= ipp=631/ipp/print",
        "10.88.0.40 028800000028 kind=printer name=Loft credential= ipp=8631/ipp/print",
    ];
    assert_eq!(found, expected, "{printed}");
    assert_eq!(count("outside"), 0, "packets to beyond the network");
    assert_eq!(count("to_nobody"), 0, "packets to nobody");
    let knocks = count("knocks");
    assert!((62..=80).contains(&knocks), "{knocks}");
    assert_eq!(count("hurried"), 0, "of {knocks}");
}

/// Everybody has moved in.
fn furnished(folder: &Path) -> Result<House, String> {
    for program in ["snmpd", "ippeveprinter", "avahi-daemon"] {
        let path = Path::new("/usr/sbin").join(program);
        if !path.exists() {
            return Err(format!("there is no {}", path.display()));
        }
    }
    let mut house = House::new()?;
    for number in [HERE, ROUTER, PRINTER, TOLD_PRINTER, SILENT] {
        house.settle(number)?;
    }
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = write(
        "snmpd.conf",
        "agentaddress udp:161\nrocommunity office\nsysname gate\n",
    );
    let own = folder.display();
    let environment = format!("SNMP_PERSISTENT_DIR={own} SNMPCONFPATH={own}");
    house.start(
        ROUTER,
        &format!("{environment} exec snmpd -f -Le -C -c {config}"),
    )?;
    for (number, port, name) in [(PRINTER, 631, "Hall"), (TOLD_PRINTER, 8631, "Loft")] {
        let (bus, spool) = (format!("{own}/{name}.bus"), format!("{own}/{name}"));
        // It listens where its own name leads, in both families.
        let own_name = format!("{} printer\nfd88::{number} printer\n", address(number));
        let hosts = write(&format!("{name}.hosts"), &own_name);
        let script = format!(
            "mount --bind {hosts} /etc/hosts; mkdir {spool}; dbus-daemon --session --nofork --address=unix:path={bus} &
             while [ ! -S {bus} ]; do sleep 0.1; done
             DBUS_SYSTEM_BUS_ADDRESS=unix:path={bus} exec ippeveprinter -r off -n printer -p {port} \
             -d {spool} -f application/pdf {name}"
        );
        house.ip(
            number,
            &format!("address add fd88::{number}/64 dev eth0 nodad"),
        )?;
        house.start(number, &script)?;
    }
    let config = "[server]\nhost-name=loft\nuse-ipv6=no\nenable-dbus=no\nallow-interfaces=eth0\n\
                  [wide-area]\nenable-wide-area=no\n";
    let config = write("avahi.conf", config);
    let service = "<?xml version=\"1.0\"?><!DOCTYPE service-group SYSTEM \"avahi-service.dtd\">\
        <service-group><name>Loft</name><service><type>_ipp._tcp</type><port>8631</port>\
        <txt-record>rp=ipp/print</txt-record></service></service-group>";
    write("services/loft.service", service);
    let script = format!(
        "mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && \
         mount --bind {own}/services /etc/avahi/services && \
         exec avahi-daemon -f {config} --no-drop-root --no-chroot --no-rlimits"
    );
    house.start(TOLD_PRINTER, &script)?;
    let deaf = "table ip deaf { chain input { type filter hook input priority 0; drop; }; }";
    house.nft(SILENT, deaf)?;
    Ok(house)
}

/// Runs this test again, as a process in the house, and returns what it prints.
fn within(house: &House, task: &str) -> String {
    let this = std::env::current_exe().unwrap().display().to_string();
    let task = format!("{TASK}={task}");
    let test = "sources::device::discovery::tests::in_a_house::\
                devices_are_found_at_a_slow_pace_and_nobody_else_is_asked";
    let arguments = ["env", &task, &this, "--exact", test, "--nocapture"];
    house
        .output(HERE, &arguments)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn in_the_house(task: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(task);
}

fn credential(name: &str) -> Credential {
    Credential {
        name: name.to_owned(),
        snmp: Snmp {
            port: Snmp::PORT,
            security: Security::V2c {
                community: Secret(name.to_owned()),
            },
        },
    }
}

async fn wait_for_all() {
    let deadline = Instant::now() + Duration::from_secs(30);
    let transport = Transport::new();
    loop {
        let takes = async |number, port| {
            TcpStream::connect(SocketAddr::from((address(number), port)))
                .await
                .is_ok()
        };
        let heard = mdns::browse(address(HERE)).await.unwrap();
        let router = address(ROUTER).into();
        let mut session = transport
            .session(router, &credential("office").snmp, TRY)
            .unwrap();
        let state = [
            ("snmpd", session.get(&[SYS_OBJECT_ID]).await.is_ok()),
            ("a printer", takes(PRINTER, 631).await),
            ("another", takes(TOLD_PRINTER, 8631).await),
            (
                "mDNS",
                heard.iter().any(|one| one.address == address(TOLD_PRINTER)),
            ),
        ];
        if state.iter().all(|(_, is_there)| *is_there) {
            return;
        }
        assert!(Instant::now() < deadline, "{state:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn look_around() {
    let look = Look {
        root: &Root::default(),
        credentials: &[credential("elsewhere"), credential("office")],
        known: vec![address(PRINTER), [10, 99, 0, 9].into()],
        heavy: &Semaphore::new(1),
    };
    let looked = look.around().await.unwrap();
    assert_eq!((looked.addresses, looked.left_out), (62, 0));
    for one in looked.devices {
        println!(
            "found: {} {} kind={} name={} credential={} ipp={}",
            one.address, one.mac, one.kind, one.name, one.credential, one.ipp
        );
    }
}
