//! The path: where it is weak, what excuses a router, and what lies at its ends.

use super::fixture::{Answer, Device, Province, centre, get};

const PC: &str = "/centres/cong-son/devices/pc-1?lang=en";

fn one_pc() -> (Province, Device) {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    let pc = province.enrol("cong-son", "pc-1");
    (province, pc)
}

/// The caption of the picture alone.
fn caption(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<figcaption class=\"").unwrap();
    let (caption, _) = rest.split_once("</figcaption>").unwrap();
    caption.to_owned()
}

#[tokio::test]
async fn the_first_weak_stretch_is_marked_and_what_lies_before_it_is_good() {
    let (province, pc) = one_pc();
    pc.has_link("gateway", "gateway", 0.001, 0.0)
        .has_link("line", "10.0.0.1", 0.02, 0.2)
        .has_link("core", "collector", 0.03, 0.2);
    let page = get(&province.router(), PC).await;
    assert!(caption(&page).starts_with("poor\""), "{}", page.body);
    page.says("Weak from here on: Line.").says("weak from here");
    assert_eq!(page.body.matches("class=\"poor weakest\"").count(), 1);
    page.says("<li class=\"good\"><h3><i class=\"mark\" aria-hidden=\"true\">●</i>Gateway");
}

#[tokio::test]
async fn a_router_that_answers_when_it_likes_is_excused_by_what_lies_behind_it() {
    let (province, pc) = one_pc();
    pc.has_link("gateway", "gateway", 0.001, 0.0)
        .has_link("line", "10.0.0.1", 0.02, 0.6)
        .has_link("isp", "10.0.0.9", 0.4, 0.0)
        .has_link("core", "collector", 0.03, 0.0);
    let router = province.router();
    let page = get(&router, PC).await;
    page.says("Every stretch that could be judged is good.")
        .says("this is no fault")
        .does_not_say("weak from here");
    get(&router, "/")
        .await
        .says("id=\"good\"")
        .does_not_say("60%");
    // What lies behind is no better: no excuse.
    pc.has_link("core", "collector", 0.03, 0.6);
    get(&router, "/").await.says("id=\"poor\"");
    // A target that somebody named is no router by the way.
    let (province, pc) = one_pc();
    pc.has_link("isp", "exchange", 0.02, 0.6)
        .has_link("core", "collector", 0.03, 0.0);
    get(&province.router(), "/").await.says("id=\"poor\"");
}

#[tokio::test]
async fn a_neighbour_that_is_switched_off_loses_nothing() {
    let check = async |losses: &dyn Fn(i64) -> f64, expected: &str| {
        let (province, pc) = one_pc();
        let neighbour = [("segment", "lan"), ("target", "pc-2")];
        pc.has_link("core", "collector", 0.03, 0.0);
        for minute in (0..15).rev() {
            let loss = losses(minute);
            pc.reported(minute, "dawnwatch_link_loss_ratio", &neighbour, loss);
        }
        get(&province.router(), "/").await.says(expected);
    };
    // Five minutes ago, in the middle of a minute.
    let switched_off =
        |minute| f64::from(i8::from(minute < 5)) + f64::from(i8::from(minute == 5)) * 0.5;
    check(&switched_off, "id=\"good\"").await;
    check(
        &|minute| if minute == 0 { 0.75 } else { 0.0 },
        "id=\"good\"",
    )
    .await;
    check(&|_| 1.0, "id=\"good\"").await;
    check(&|_| 0.3, "id=\"poor\"").await;
}

#[tokio::test]
async fn every_outcome_is_said_in_words_of_both_languages() {
    let services = "answered dns_failed refused timeout unreachable tls_failed certificate_expired \
        certificate_not_yet_valid certificate_name certificate_untrusted clock_wrong http_error unexpected \
        captive too_large";
    let resolvers = "answered timeout servfail nxdomain wrong refused unreachable";
    let (province, pc) = one_pc();
    let router = province.router();
    for word in services.split_whitespace() {
        pc.used("portal", word, &[]);
        for language in ["vi", "en"] {
            let page = get(&router, &format!("{PC}&lang={language}")).await;
            page.says("<b>portal</b> ")
                .does_not_say(&format!("<b>portal</b> {word}"));
        }
        let labels = [("service", "portal"), ("outcome", word)];
        pc.reports("dawnwatch_probe_outcome", &labels, 0.0);
    }
    for word in resolvers.split_whitespace() {
        pc.asked("isp", word, 0.01);
        let page = get(&router, PC).await;
        page.says("<b>isp</b> ")
            .does_not_say(&format!("<b>isp</b> {word}"));
        let labels = [("resolver", "isp"), ("outcome", word)];
        pc.reports("dawnwatch_dns_outcome", &labels, 0.0);
    }
}

#[tokio::test]
async fn a_service_shows_its_phases_and_only_those_of_the_last_attempt() {
    let (province, pc) = one_pc();
    let whole = [
        ("dns", 0.01),
        ("connect", 0.02),
        ("tls", 0.04),
        ("first_byte", 0.2),
    ];
    pc.used_before(1, "portal", "answered", &whole);
    let router = province.router();
    let page = get(&router, PC).await;
    page.says("works · <span>270 ms</span>")
        .says("name 10 ms · connect 20 ms · security 40 ms · wait 200 ms")
        .says("<path class=\"first_byte\" d=\"M14 4h40\"></path>");
    page.does_not_say("<b>slow</b>");
    pc.used("portal", "timeout", &[("dns", 0.01)]);
    let page = get(&router, PC).await;
    page.says("no answer in time · <span>10 ms</span>")
        .says("Not well: portal.")
        .does_not_say("connect 20 ms");
    let (province, pc) = one_pc();
    pc.used("portal", "answered", &[("first_byte", 4.1)]);
    let page = get(&province.router(), PC).await;
    page.says("works · <span>4.1 s</span> · <b>slow</b>");
}

#[tokio::test]
async fn a_way_shows_its_routers_its_largest_packet_and_what_it_swallows() {
    let (province, pc) = one_pc();
    let target = [("target", "google")];
    pc.has_link("core", "google", 0.03, 0.0)
        .traced(
            "google",
            &[("1", "192.168.1.1"), ("10", "10.0.0.9"), ("4", "10.0.0.4")],
            12.0,
        )
        .reports("dawnwatch_path_changes_total", &target, 3.0)
        .reports("dawnwatch_path_mtu_bytes", &target, 1_412.0)
        .reports("dawnwatch_path_mtu_blackhole", &target, 1.0);
    let router = province.router();
    let page = get(&router, PC).await;
    page.says("12 hops").says("3 since the agent started");
    page.says(
        "<li value=\"3\"><small>does not answer</small></li><li value=\"4\">10.0.0.4 <small>4.2 ms",
    );
    page.says("Large packets to google (1,412 B) vanish on the way");
    get(&router, "/centres/cong-son?lang=en")
        .await
        .says("Large packets to google (1,412 B)");
    // The next discovery found less.
    let (province, pc) = one_pc();
    let labels = [
        ("target", "google"),
        ("hop", "2"),
        ("address", "203.0.113.77"),
    ];
    pc.reported(10, "dawnwatch_path_hop_info", &labels, 1.0);
    pc.traced("google", &[("1", "192.168.1.1")], 3.0);
    get(&province.router(), PC)
        .await
        .says("3 hops")
        .does_not_say("203.0.113.77");
}

#[tokio::test]
async fn a_centre_shows_the_middle_of_its_machines_and_counts_outcomes() {
    let mut province = Province::of([centre("cong-son", "Xã Công Sơn")]);
    for (name, delay, outcome) in [
        ("pc-1", 0.010, "answered"),
        ("pc-2", 0.020, "answered"),
        ("pc-3", 0.400, "timeout"),
    ] {
        let pc = province.enrol("cong-son", name);
        pc.has_link("core", "collector", delay, 0.0)
            .used("portal", outcome, &[])
            .asked("isp", "answered", delay);
    }
    let page = get(&province.router(), "/centres/cong-son?lang=en").await;
    page.says("The middle of 3 machines.")
        .says("Dawnwatch server</b> <span class=\"figures\"><b>20 ms</b>")
        .says("works: 2 of 3 machines · no answer in time: 1 of 3 machines")
        .says("works: 3 of 3 machines · <span>20 ms</span>");
}

#[tokio::test]
async fn a_centre_whose_machines_resolve_no_names_needs_attention() {
    let (province, pc) = one_pc();
    pc.has_link("core", "collector", 0.03, 0.0);
    pc.asked("isp", "timeout", 0.0);
    let router = province.router();
    // Another resolver of the plan is not what people use.
    get(&router, "/").await.says("id=\"good\"");
    pc.asked("system", "servfail", 0.02);
    let page = get(&router, "/?lang=en").await;
    page.says("id=\"poor\"")
        .says("names: it fails to look names up");
    let page = get(&router, "/centres/cong-son?lang=en").await;
    page.says("Poor connection</b>: names: it fails to look names up");
}

#[tokio::test]
async fn a_portal_that_fails_for_all_is_one_line_and_no_centres_fault() {
    let ids = ["a", "b", "c", "d"];
    let mut province = Province::of(ids.map(|id| centre(id, &format!("Xã {id}"))));
    for (number, id) in ids.into_iter().enumerate() {
        // The last one's line explains why nothing works there.
        let loss = if number == 3 { 0.5 } else { 0.0 };
        let login = if number == 1 { "captive" } else { "answered" };
        let pc = province.enrol(id, "pc-1");
        pc.has_link("core", "collector", 0.03, loss)
            .used("portal", "http_error", &[])
            .used("login", login, &[]);
    }
    let page = get(&province.router(), "/?lang=en").await;
    page.says("portal fails in 3 of 3 connected centres</b>: answers with an error. So many share");
    page.says("login fails in 1 of 3 connected centres</b> · <a href=\"/centres/b\">Xã b</a>: a login page");
    assert_eq!(page.body.matches("class=\"group good\"").count(), 1);
    page.says("<b>3</b> Fine");
}

#[tokio::test]
async fn cards_show_duplex_radio_and_speed() {
    let (province, pc) = one_pc();
    let card = [("interface", "eth0")];
    pc.reports("dawnwatch_interface_up", &card, 1.0)
        .reports("dawnwatch_interface_full_duplex", &card, 0.0)
        .reports("dawnwatch_interface_carrier_changes_total", &card, 214.0);
    let radio = [("interface", "wlan0")];
    pc.reports("dawnwatch_interface_up", &radio, 1.0).reports(
        "dawnwatch_wifi_signal_dbm",
        &radio,
        -81.0,
    );
    let download = [("direction", "download")];
    pc.reports("dawnwatch_throughput_bits_per_second", &download, 38e6)
        .reports("dawnwatch_throughput_loaded_rtt_seconds", &download, 1.9);
    let page = get(&province.router(), PC).await;
    page.says("eth0 · one direction at a time (half duplex)")
        .says("half duplex) · link lost or found 214 times")
        .says("signal −81 dBm")
        .says("38 Mb/s · delay meanwhile 1.9 s");
}

#[tokio::test]
async fn how_a_router_is_asked_is_said_in_words() {
    let (province, pc) = one_pc();
    pc.has_link("line", "192.0.2.1", 0.01, 0.0);
    let method = [
        ("segment", "line"),
        ("target", "192.0.2.1"),
        ("address", "192.0.2.1"),
        ("method", "icmp_ttl"),
    ];
    pc.reports("dawnwatch_link_method_info", &method, 1.0);
    let page = get(&province.router(), PC).await;
    page.says("192.0.2.1 · asked by packets that expire there (ICMP)")
        .does_not_say("icmp_ttl");
}

#[tokio::test]
async fn a_device_with_all_it_may_have_fits_a_slow_line() {
    let (province, pc) = one_pc();
    for number in 0..32 {
        let segment = if number % 2 == 0 { "core" } else { "lan" };
        let target = format!("target-with-a-name-{number}");
        let labels = [("segment", segment), ("target", target.as_str())];
        pc.has_link(segment, &target, 0.03, 0.05);
        for minute in (0..60_i32).rev() {
            let varied = f64::from(minute * 37 % 60) / 60.0;
            let rtt = "dawnwatch_link_rtt_median_seconds";
            pc.reported(minute.into(), rtt, &labels, 0.02 + varied * 0.03)
                .reported(minute.into(), "dawnwatch_link_loss_ratio", &labels, varied);
        }
    }
    let phases = ["dns", "connect", "tls", "first_byte", "transfer"].map(|phase| (phase, 0.1));
    for number in 0..24 {
        pc.used(&format!("service-{number}"), "answered", &phases);
    }
    for number in 0..8 {
        pc.asked(&format!("resolver-{number}"), "answered", 0.01);
    }
    let numbers: Vec<_> = (1..=16).map(|number| number.to_string()).collect();
    let hops: Vec<_> = numbers
        .iter()
        .map(|number| (number.as_str(), "203.0.113.250"))
        .collect();
    pc.traced("google", &hops, 16.0)
        .traced("cloudflare", &hops, 16.0);
    let page = get(&province.router(), PC).await;
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    page.says("and 12 more")
        .says("service-23")
        .says("resolver-7");
}

#[tokio::test]
async fn a_device_that_names_more_than_a_plan_can_ask_for_is_cut_short() {
    let (province, pc) = one_pc();
    for number in 0..80 {
        let name = format!("flood-{number}");
        pc.used(&name, "answered", &[])
            .asked(&name, "answered", 0.01)
            .has_link("core", &name, 0.03, 0.0)
            .traced(&name, &[("1", "192.0.2.1")], 2.0);
    }
    let page = get(&province.router(), PC).await;
    assert!(page.body.len() < 100_000, "{} bytes", page.body.len());
}
