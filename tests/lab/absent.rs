//! What is not there: the right to send echoes, a network at all, a cable, an interface, a way out. The
//! agent goes on, says what it cannot do, and its figures say what happened, also those that come late.

use crate::centre::{Centre, SOON};
use crate::harness::scrape::Page;
use crate::harness::{eventually, metric};
use crate::network::{COLLECTOR, GATEWAY, PCS};
use crate::{Lab, needs, watch};

const PORTAL: &str = "[[service]]\nname = \"portal\"\nurl = \"https://dichvucong.gov.vn/\"\n";

#[tokio::test]
async fn without_the_right_to_echo_links_are_measured_by_tcp() {
    let lab = needs!(Lab::new());
    let within = lab.on_pc_without_rights(1);
    let mut centre = watch::within(&lab, &within, PORTAL).await;
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
    centre
        .shows("links by TCP and the path by datagrams", SOON, look)
        .await;
    centre.services_end(&[("portal", "answered")]).await;
    eventually("the limitation is told", SOON, async || {
        let told = centre.limitations("icmp").await?;
        let is_told = told.iter().any(|one| one.contains("no ICMP over IPv4"));
        is_told.then_some(()).ok_or_else(|| format!("{told:?}"))
    })
    .await;
    centre.is_unharmed();
}

/// Each way to lose the network, and to have it back, while the same agent runs.
#[tokio::test]
async fn an_agent_outlives_its_network_and_tells_of_it_afterwards() {
    let lab = needs!(Lab::new());
    let talkative = ["env", "DAWNWATCH_LOG=info,dawnwatch_agent=debug"].map(str::to_owned);
    let within = [lab.on_pc(1), talkative.into()].concat();
    let mut centre = watch::within(&lab, &within, PORTAL).await;
    centre.services_end(&[("portal", "answered")]).await;

    let changes = || metric("dawnwatch_interface_carrier_changes_total").label("interface", "eth0");
    let page = centre.collector.metrics().await.unwrap();
    let before = changes().in_(&page);
    outage(&mut centre, Lab::cable_out, Lab::cable_in).await;
    let look = |page: &Page| changes().is(before + 2.0).found_in(page);
    centre.shows("the cable was out and in", SOON, look).await;

    let pull_the_card = |lab: &Lab| lab.network().switch.ip("link delete port-1").unwrap();
    outage(&mut centre, pull_the_card, put_the_card_back).await;

    // It also starts without a network.
    centre.lab.cable_out();
    centre.agent.stop().await.succeeded();
    centre.agent.run();
    fails_to_use_the_portal(&mut centre, 0).await;
    centre.lab.cable_in();
    centre.services_end(&[("portal", "answered")]).await;
    nothing_waits(&centre).await;
    centre.is_unharmed();
}

/// While the network is gone the agent measures on; afterwards all of it arrives, and the counters know
/// what was lost.
async fn outage(centre: &mut Centre<'_>, begins: impl Fn(&Lab), ends: impl Fn(&Lab)) {
    let count = |page: &Page, name: &str| {
        let metric = metric(&format!("dawnwatch_link_{name}_total"));
        metric.label("target", "collector").found_in(page)
    };
    let lost = |page: &Page| Ok::<_, String>(count(page, "sent")? - count(page, "received")?);
    let lost_before = lost(&centre.collector.metrics().await.unwrap()).unwrap();
    let failures = failures(centre);
    begins(centre.lab);
    fails_to_use_the_portal(centre, failures).await;
    ends(centre.lab);
    centre.services_end(&[("portal", "answered")]).await;
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
    centre
        .shows("what was lost, and that it is well", SOON, look)
        .await;
    nothing_waits(centre).await;
    centre.is_unharmed();
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
fn failures(centre: &mut Centre<'_>) -> usize {
    let log = centre.agent.process().stderr();
    let tried = log.lines().filter(|line| line.contains("Tried."));
    tried
        .filter(|line| !line.contains("outcome=\"answered\""))
        .count()
}

async fn fails_to_use_the_portal(centre: &mut Centre<'_>, before: usize) {
    eventually("it goes on measuring", SOON, async || {
        let now = failures(centre);
        (now >= before + 2)
            .then_some(())
            .ok_or_else(|| format!("{now} failures, {before} before"))
    })
    .await;
}

/// What was measured meanwhile has arrived, all of it.
async fn nothing_waits(centre: &Centre<'_>) {
    eventually("what waited has arrived", SOON, async || {
        let status = centre.agent.status().await?;
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
    let mut centre = watch::over(&lab, PORTAL).await;
    let well = [("203.0.113.53", "answered"), ("system", "answered")];
    centre.resolvers_end(&well).await;
    centre.services_end(&[("portal", "answered")]).await;
    let pc = centre.lab.pc(1).clone();
    pc.ip(&format!("route add {COLLECTOR} via {GATEWAY}"))
        .unwrap();
    pc.ip("route delete default").unwrap();
    centre
        .resolvers_end(&[("203.0.113.53", "unreachable")])
        .await;
    centre.services_end(&[("portal", "dns_failed")]).await;
    let look = |page: &Page| match watch::phases(page, "portal").as_slice() {
        [] => metric("dawnwatch_link_rtt_median_seconds")
            .label("target", "collector")
            .found_in(page),
        phases => Err(format!("{phases:?}")),
    };
    centre
        .shows(
            "no phase of the portal, and a link to the collector",
            SOON,
            look,
        )
        .await;
    pc.ip(&format!("route add default via {GATEWAY}")).unwrap();
    centre.resolvers_end(&well).await;
    centre.services_end(&[("portal", "answered")]).await;
    centre.is_unharmed();
}
