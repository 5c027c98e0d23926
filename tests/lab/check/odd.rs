//! Checks on PCs that are odd themselves, of a line that is full, and of what only some centres have.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use super::download::Download;
use super::verdict::{NONE, Saw, Told};
use super::who::Who;
use crate::emulator::Impairment;
use crate::emulator::impairment::Queue;
use crate::harness::eventually;
use crate::harness::faketime::{Error, FakeClock};
use crate::network::{ANCHORS, COLLECTOR, GATEWAY, ISP_1, ISP_RESOLVER, PCS, PORTALS};
use crate::{Lab, ms, needs, servers};

const YEAR: Duration = Duration::from_hours(365 * 24);

/// What a line is measured by until it is as it should be.
const SOON: Duration = Duration::from_secs(20);

#[track_caller]
fn assert_saw(told: &Told, saw: Saw) {
    let mistakes = told.mistakes(saw);
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{:#}", told.json);
}

/// Root on PC 1 and somebody on PC 2, who sees the same.
async fn both_see(lab: &Lab, saw: Saw) -> Told {
    let (root, somebody) = (Who::root(lab, 1), Who::somebody(lab, 2));
    let (of_root, of_somebody) = tokio::join!(root.gets_json(&[]), somebody.gets_json(&[]));
    assert_saw(&of_root, saw);
    assert_saw(&of_somebody, saw);
    of_root
}

#[tokio::test]
async fn a_clock_that_is_years_off_is_the_clocks_fault() {
    let lab = needs!(Lab::new());
    let clock = needs!(FakeClock::new());
    lab.everybody_may_ping();
    let before = clock.before_commands();
    // Who may read the clock's own file.
    let nobody = Who::behind("nobody", lab.on_pc_without_rights(2)).and_behind(&before);
    let root = Who::root(&lab, 1).and_behind(&before);
    for (error, how) in [
        (Error::Behind(10 * YEAR), "10 years slow"),
        (Error::Ahead(3 * YEAR), "3 years fast"),
    ] {
        clock.set(error);
        let (of_root, of_nobody) = tokio::join!(root.gets_json(&[]), nobody.gets_json(&[]));
        for told in [&of_root, &of_nobody] {
            assert_saw(told, ("device", "pc_clock_wrong"));
            let [sentence, _] = told.said("en");
            assert!(sentence.contains(how), "{sentence}");
        }
    }
}

#[tokio::test]
async fn a_line_that_somebody_fills_is_full() {
    let lab = needs!(Lab::new());
    lab.everybody_may_ping();
    let slow = Impairment::none().delay(ms(5)).rate(4e6);
    lab.line().up(slow.clone());
    lab.line().down(slow.queue(Queue::Time(ms(600))));
    let _download = Download::over(&lab);
    eventually("its queue is long", SOON, async || {
        let pinged = lab.ping(1, ISP_1, "-c 1 -W 2");
        (pinged.fastest() > ms(250))
            .then_some(())
            .ok_or(pinged.text)
    })
    .await;
    both_see(&lab, ("line", "line_saturated")).await;
}

#[tokio::test]
async fn a_pc_without_an_address_or_a_way_out_is_told_from_a_dead_router() {
    let lab = needs!(Lab::new());
    let root = Who::root(&lab, 1).with_a_card();
    let gateway_down = ("gateway", "gateway_down");
    lab.pc(1).ip("route delete default").unwrap();
    let no_route = root.gets_json(&[]).await;
    assert_saw(&no_route, gateway_down);
    lab.pc(1).ip("address flush dev eth0").unwrap();
    let no_address = root.gets_json(&[]).await;
    assert_saw(&no_address, gateway_down);
    let address = format!("address add {}/24 dev eth0", PCS[0]);
    let route = format!("route add default via {GATEWAY}");
    lab.pc(1).ips(&[address, route]).unwrap();
    lab.gateway_dies();
    let dead = root.gets_json(&[]).await;
    assert_saw(&dead, gateway_down);
    assert_eq!(no_route.said("en"), no_address.said("en"));
    assert_ne!(no_address.said("en"), dead.said("en"));
    assert!(no_address.took < ms(5_000), "there is nobody to wait for");
}

#[tokio::test]
async fn one_dead_resolver_of_two_is_told_and_no_fault() {
    let lab = needs!(Lab::new());
    lab.everybody_may_ping();
    let [dead, _] = ANCHORS;
    lab.public_resolvers()[0].is_silent();
    for resolvers in [[dead, ISP_RESOLVER], [ISP_RESOLVER, dead]] {
        let root = Who::root(&lab, 1).asking(resolvers);
        let (told, read) = tokio::join!(root.gets_json(&[]), root.reads("vi"));
        assert_saw(&told, NONE);
        let dead = dead.to_string();
        assert_eq!(told.outcomes(&dead), ["timeout"]);
        assert_eq!(told.outcomes(&ISP_RESOLVER.to_string()), ["answered"]);
        assert!(read.text.contains(&dead), "{}", read.text);
    }
}

/// A browser goes on to the other as well.
#[tokio::test]
async fn a_portal_with_a_dead_address_beside_a_good_one_works() {
    let lab = needs!(Lab::new());
    let nobody = Ipv4Addr::new(192, 0, 2, 99);
    let [good, ..] = PORTALS;
    lab.name(servers::PORTALS[0], &[nobody, good]);
    let told = Who::root(&lab, 1).gets_json(&[]).await;
    assert_saw(&told, NONE);
}

#[tokio::test]
async fn a_collector_that_is_down_keeps_nobody_from_serving_people() {
    let lab = needs!(Lab::new());
    let root = Who::root(&lab, 1);
    let settings = root.settings(&format!("collector = \"https://{COLLECTOR}:9781\"\n"));
    let settings = ["--config", settings.to_str().unwrap()];
    assert_saw(&root.gets_json(&settings).await, ("core", "collector_down"));
    let listen = || TcpListener::bind((COLLECTOR, 9781));
    let _listening = lab.network().world.inside(listen).unwrap().unwrap();
    let told = root.gets_json(&settings).await;
    assert_saw(&told, NONE);
    assert_eq!(told.outcomes("collector"), ["answered"]);
}

/// As older systems have it: neither rights nor echoes.
#[tokio::test]
async fn where_nobody_may_ping_a_check_says_so_and_finds_what_it_can() {
    let lab = needs!(Lab::new());
    let somebody = Who::somebody(&lab, 1);
    let told = somebody.gets_json(&[]).await;
    assert_saw(&told, NONE);
    let limitations = told.limitations();
    assert!(
        limitations.iter().any(|one| one.contains("ICMP")),
        "{limitations:?}"
    );
    lab.line().cut();
    assert_saw(&somebody.gets_json(&[]).await, ("line", "line_down"));
    lab.line().heal();
    lab.gateway_dies();
    assert_saw(&somebody.gets_json(&[]).await, ("gateway", "gateway_down"));
}

/// Not even a card, with and without loopback and what the system tells of cards.
#[tokio::test]
async fn a_machine_with_nothing_but_itself_has_no_card() {
    needs!(may_unshare());
    for script in [
        "mount -t sysfs sysfs /sys && ip link set lo up && exec \"$@\"",
        "mount -t sysfs sysfs /sys && exec \"$@\"",
        "mount -t tmpfs tmpfs /sys && ip link set lo up && exec \"$@\"",
    ] {
        let alone = ["unshare", "--net", "--mount", "sh", "-c", script, "sh"];
        let alone = Who::behind("alone", alone.map(str::to_owned).into());
        let told = alone.gets_json(&[]).await;
        assert_saw(&told, ("device", "pc_link_down"));
        assert!(told.took < ms(5_000), "{:?}", told.took);
        let read = alone.reads("vi").await;
        assert_eq!(read.says_what_to_do(&told, "vi"), None);
    }
}

fn may_unshare() -> Result<(), String> {
    let is_root = rustix::process::geteuid().is_root();
    let reason = || "network namespaces need root: see test.sh for how to do without".to_owned();
    is_root.then_some(()).ok_or_else(reason)
}
