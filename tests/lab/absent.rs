//! What is not there: the right to send echoes, a network at all, a cable, an interface, a way out. The
//! agent goes on, says what it cannot do, and its figures say what happened, also those that come late.

use crate::harness::scrape::Page;
use crate::harness::{eventually, metric};
use crate::network::{COLLECTOR, GATEWAY, PCS};
use crate::watch::{SEEN, Watch};
use crate::{Lab, needs};

const PORTAL: &str = "[[service]]\nname = \"portal\"\nurl = \"https://dichvucong.gov.vn/\"\n";

#[tokio::test]
async fn without_the_right_to_echo_links_are_measured_by_tcp() {
    let lab = needs!(Lab::new());
    let within = lab.on_pc_without_rights(1);
    let mut watch = Watch::within(lab, &within, PORTAL).await;
    let look = |page: &Page| {
        for target in ["collector", "192.168.1.1"] {
            let method = metric("dawnwatch_link_method_info").label("target", target);
            method.label("method", "tcp_connect").found_in(page)?;
            let median = metric("dawnwatch_link_rtt_median_seconds").label("target", target);
            median.found_in(page)?;
            let loss = metric("dawnwatch_link_loss_ratio").label("target", target);
            loss.is(0.0).found_in(page)?;
        }
        // A datagram to where nobody listens needs no rights, nor does its expiry.
        let hops = metric("dawnwatch_path_hops").label("target", "collector");
        hops.is(4.0).found_in(page)
    };
    watch
        .shows("links by TCP and the path by datagrams", look)
        .await;
    watch.services_end(&[("portal", "answered")]).await;
    eventually("the limitation is told", SEEN, async || {
        let told = watch.limitations("icmp").await?;
        let is_told = told.iter().any(|one| one.contains("no ICMP over IPv4"));
        is_told.then_some(()).ok_or_else(|| format!("{told:?}"))
    })
    .await;
    watch.is_unharmed();
}

/// Each way to lose the network, and to have it back, while the same agent runs.
#[tokio::test]
async fn an_agent_outlives_its_network_and_tells_of_it_afterwards() {
    let lab = needs!(Lab::new());
    let talkative = ["env", "DAWNWATCH_LOG=info,dawnwatch_agent=debug"].map(str::to_owned);
    let within = [lab.on_pc(1), talkative.into()].concat();
    let mut watch = Watch::within(lab, &within, PORTAL).await;
    watch.services_end(&[("portal", "answered")]).await;

    let changes = || metric("dawnwatch_interface_carrier_changes_total").label("interface", "eth0");
    let page = watch.collector.metrics().await.unwrap();
    let before = changes().in_(&page);
    outage(&mut watch, Lab::cable_out, Lab::cable_in).await;
    let look = |page: &Page| changes().is(before + 2.0).found_in(page);
    watch.shows("the cable was out and in", look).await;

    let pull_the_card = |lab: &Lab| lab.network().switch.ip("link delete port-1").unwrap();
    outage(&mut watch, pull_the_card, put_the_card_back).await;

    // It also starts without a network.
    watch.lab.cable_out();
    watch.agent.stop().await.succeeded();
    watch.agent.run();
    fails_to_use_the_portal(&mut watch, 0).await;
    watch.lab.cable_in();
    watch.services_end(&[("portal", "answered")]).await;
    nothing_waits(&watch).await;
    watch.is_unharmed();
}

/// While the network is gone the agent measures on; afterwards all of it arrives, and the counters know
/// what was lost.
async fn outage(watch: &mut Watch, begins: impl Fn(&Lab), ends: impl Fn(&Lab)) {
    let count = |page: &Page, name: &str| {
        let metric = metric(&format!("dawnwatch_link_{name}_total"));
        metric.label("target", "collector").found_in(page)
    };
    let lost = |page: &Page| Ok::<_, String>(count(page, "sent")? - count(page, "received")?);
    let lost_before = lost(&watch.collector.metrics().await.unwrap()).unwrap();
    let failures = failures(watch);
    begins(&watch.lab);
    fails_to_use_the_portal(watch, failures).await;
    ends(&watch.lab);
    watch.services_end(&[("portal", "answered")]).await;
    let look = |page: &Page| {
        let more = lost(page)? - lost_before;
        let median = metric("dawnwatch_link_rtt_median_seconds").label("target", "collector");
        median.found_in(page)?;
        let ill = metric("dawnwatch_probe_outcome").label("service", "portal");
        let ill = ill.is(0.0).all_in(page).len();
        match more >= 2.0 && ill > 0 {
            true => Ok(()),
            false => Err(format!("{more} lost, {ill} other outcomes")),
        }
    };
    watch
        .shows("what was lost, and that it is well", look)
        .await;
    nothing_waits(watch).await;
    watch.is_unharmed();
}

fn put_the_card_back(lab: &Lab) {
    let pc = lab.pc(1);
    let card = format!(
        "link add port-1 type veth peer name eth0 netns {}",
        pc.name()
    );
    let plugged = ["link set port-1 master br0", "link set port-1 up"];
    let switch = &lab.network().switch;
    switch
        .ip(&card)
        .and_then(|()| switch.ips(&plugged))
        .unwrap();
    pc.ips(&[
        format!("address add {}/24 dev eth0", PCS[0]),
        "link set eth0 up".to_owned(),
        format!("route add default via {GATEWAY}"),
    ])
    .unwrap();
}

/// How often the agent could not use the portal, by its own word.
fn failures(watch: &mut Watch) -> usize {
    let log = watch.agent.process().stderr();
    let tried = log.lines().filter(|line| line.contains("Tried."));
    tried
        .filter(|line| !line.contains("outcome=\"answered\""))
        .count()
}

async fn fails_to_use_the_portal(watch: &mut Watch, before: usize) {
    eventually("it goes on measuring", SEEN, async || {
        let now = failures(watch);
        (now >= before + 2)
            .then_some(())
            .ok_or_else(|| format!("{now} failures, {before} before"))
    })
    .await;
}

/// What was measured meanwhile has arrived, all of it.
async fn nothing_waits(watch: &Watch) {
    eventually("what waited has arrived", SEEN, async || {
        let status = watch.agent.status().await?;
        assert_eq!(status["dropped_samples"], 0, "{status}");
        let is_all = status["waiting_batches"] == 0 && status["connected"] == true;
        is_all.then_some(()).ok_or_else(|| status.to_string())
    })
    .await;
}

/// With a way to the collector alone, the figures say at once what is the matter.
#[tokio::test]
async fn without_a_default_route_figures_say_unreachable() {
    let lab = needs!(Lab::new());
    let mut watch = Watch::over(lab, PORTAL).await;
    let well = [("203.0.113.53", "answered"), ("system", "answered")];
    watch.resolvers_end(&well).await;
    watch.services_end(&[("portal", "answered")]).await;
    let pc = watch.lab.pc(1).clone();
    pc.ip(&format!("route add {COLLECTOR} via {GATEWAY}"))
        .unwrap();
    pc.ip("route delete default").unwrap();
    watch
        .resolvers_end(&[("203.0.113.53", "unreachable")])
        .await;
    watch.services_end(&[("portal", "dns_failed")]).await;
    let look = |page: &Page| match Watch::phases(page, "portal").as_slice() {
        [] => metric("dawnwatch_link_rtt_median_seconds")
            .label("target", "collector")
            .found_in(page),
        phases => Err(format!("{phases:?}")),
    };
    watch
        .shows("no phase of the portal, and a link to the collector", look)
        .await;
    pc.ip(&format!("route add default via {GATEWAY}")).unwrap();
    watch.resolvers_end(&well).await;
    watch.services_end(&[("portal", "answered")]).await;
    watch.is_unharmed();
}
