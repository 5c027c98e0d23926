//! What agents are asked for, as people write it, right and wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::Config;
use super::*;

fn parse(text: &str) -> Plan {
    Config::parse("c.toml", text).unwrap().plan
}

/// The lines with mistakes, and all that is told of them.
fn mistakes(text: &str) -> (Vec<usize>, String) {
    let mistakes = Config::parse("c.toml", text).unwrap_err();
    let lines = mistakes.mistakes.iter().map(|one| one.line).collect();
    (lines, mistakes.to_string())
}

#[test]
fn the_usual_is_measured_until_something_is_named() {
    let names = |text: &str| {
        let plan = parse(text);
        assert_eq!(plan.validate(), Ok(()));
        (plan.targets.len(), plan.services.len())
    };
    let anchor = "[[anchor]]\nname = 'hub'\naddress = '192.0.2.1'\n";
    let service = "[[service]]\nname = 'portal'\nurl = 'https://portal.example'\n";
    assert_eq!(names(""), (2, 3));
    assert_eq!(names(anchor), (1, 3));
    assert_eq!(names(service), (2, 1));
    assert_eq!(names("[plan]\nusual = true"), (2, 3));
    assert_eq!(names("[plan]\nusual = false"), (0, 0));
    assert_eq!(names(&format!("{anchor}[plan]\nusual = false")), (1, 0));
}

#[test]
fn everything_has_a_place_in_the_plan() {
    let plan = parse(
        r#"[plan]
service_interval = "2m"
path_interval = "30m"
link_echoes = 20
throughput_interval = "1h"
throughput_bytes = "2MB"
[[network]]
name = "state"
interface = "eth1"
[[anchor]]
name = "hub"
address = "192.0.2.1"
network = "state"
[[service]]
name = "portal"
url = "https://portal.example/"
expect = "Đăng nhập"
network = "state"
[[resolver]]
name = "state-dns"
address = "192.0.2.53"
network = "state"
"#,
    );
    assert_eq!(plan.validate(), Ok(()));
    let state = Some("state".to_owned());
    assert_eq!(plan.targets[0].network, state);
    assert_eq!(plan.services[0].network, state);
    assert_eq!(plan.services[0].expect.as_deref(), Some("Đăng nhập"));
    assert_eq!(plan.resolvers[0].network, state);
    assert_eq!(plan.networks[0].interface, "eth1");
    assert_eq!(plan.link_echoes, 20);
    let intervals = [plan.service_interval, plan.path_interval].map(|one| one.as_secs() / 60);
    assert_eq!(intervals, [2, 30]);
    let expected = Throughput {
        interval: Duration::from_hours(1),
        bytes: 2_000_000,
    };
    assert_eq!(plan.throughput, Some(expected));
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let (lines, text) = mistakes(
        r#"[plan]
usual = "perhaps"
link_echoes = 0
service_interval = "2h"
throughput_bytes = "1kB"
[[network]]
name = "state"
[[service]]
name = "portal"
url = "portal.example"
[[service]]
name = "portal"
url = "https://portal.example"
expect = ""
[[resolver]]
name = "isp"
address = "dns.example"
network = "elsewhere"
[[anchor]]
name = "hub"
address = "192.0.2.1"
netwrk = "state"
"#,
    );
    let expected = [2, 3, 4, 5, 6, 10, 12, 14, 17, 18, 22];
    assert_eq!(lines, expected, "{text}");
    assert!(text.contains("c.toml:3: plan.link_echoes must be a whole number from 1 to 100"));
    assert!(text.contains("c.toml:12: service.name is the name of another service too"));
    assert!(text.contains("c.toml:18: resolver.network is not the name of a [[network]]"));
}

#[test]
fn throughput_takes_little_of_a_line_or_nothing() {
    let planned = |text: &str| parse(&format!("[plan]\n{text}")).throughput;
    assert_eq!(planned(""), Some(USUAL_THROUGHPUT));
    assert_eq!(planned("throughput_bytes = 0"), None);
    let most = planned("throughput_bytes = '4MiB'\nthroughput_interval = '10m'").unwrap();
    assert_eq!(most.bytes, 4_194_304);
    for (text, line) in [
        ("throughput_interval = '59s'", 2),
        ("throughput_interval = '1m'", 2),
        ("throughput_interval = '1m'\nthroughput_bytes = '421kB'", 3),
        ("throughput_bytes = '65535B'", 2),
        ("throughput_bytes = '5MB'", 2),
        ("throughput_bytes = '5GB'", 2),
    ] {
        let (lines, told) = mistakes(&format!("[plan]\n{text}"));
        assert_eq!(lines, [line], "{told}");
    }
}

#[test]
fn a_service_has_an_address_that_can_be_used() {
    let check = |url: &str, good: bool| {
        let text = format!("[[service]]\nname = 'portal'\nurl = '{url}'");
        match Config::parse("c.toml", &text) {
            Ok(config) => {
                assert!(good && config.plan.services[0].url == url, "{url}");
                assert_eq!(config.plan.validate(), Ok(()));
            }
            Err(mistakes) => {
                let told = mistakes.to_string();
                let expected = "c.toml:3: service.url must be an address such as";
                assert!(!good && told.starts_with(expected), "{url}: {told}");
            }
        }
    };
    check("https://portal.example", true);
    check("https://portal.example:8443/login?next=%2F", true);
    check("http://192.0.2.1/", true);
    check("https://[2001:db8::1]/", true);
    check("tls://portal.example:443", true);
    check("tcp://192.0.2.1:22", true);
    check("HTTPS://portal.example/", false);
    check("Tcp://192.0.2.1:22", false);
    check("tcp://192.0.2.1", false);
    check("tcp://192.0.2.1:22/path", false);
    check("tls://portal.example:0", false);
    check("https://portal.example:99999/", false);
    check("https://somebody:secret@portal.example/", false);
    check("ftp://portal.example/", false);
    check("portal.example", false);
    check("https://", false);
    check("https:///login", false);
    check("https://a b/", false);
    check("", false);
    check(
        &format!("https://portal.example/{}", "x".repeat(512)),
        false,
    );
}

#[test]
fn an_anchor_has_an_address_that_can_be_probed() {
    let check = |address: &str, good: bool| {
        let text = format!("[[anchor]]\nname = 'hub'\naddress = '{address}'");
        match Config::parse("c.toml", &text) {
            Ok(config) => assert!(
                good && config.plan.targets[0].address == address,
                "{address}"
            ),
            Err(mistakes) => {
                let told = mistakes.to_string();
                let expected = "c.toml:3: anchor.address must be a host name or an IP address";
                assert!(!good && told.starts_with(expected), "{told}");
            }
        }
    };
    check("192.0.2.10", true);
    check("2001:db8::10", true);
    check("core.dawnwatch.example", true);
    check("localhost", true);
    check("https://192.0.2.10", false);
    check("192.0.2.10:443", false);
    check("[2001:db8::10]", false);
    check("192.0.2.256", false);
    check("192.0.2.0/24", false);
    check("core router", false);
    check("", false);
}

#[test]
fn there_are_as_many_anchors_as_an_agent_can_probe() {
    let anchor = |number| format!("[[anchor]]\nname = 'a{number}'\naddress = '192.0.2.1'\n");
    let most: String = (0..ANCHORS).map(anchor).collect();
    assert_eq!(parse(&most).validate(), Ok(()));
    // Told even when there is more to say of that anchor, and told once.
    let more = format!(
        "{most}[[anchor]]\nname = 'more'\naddress = 'a b'\n{}",
        anchor(99)
    );
    let mistakes = Config::parse("c.toml", &more).unwrap_err();
    let line = 3 * ANCHORS + 2;
    let lines: Vec<usize> = mistakes.mistakes.iter().map(|m| m.line).collect();
    assert_eq!(lines, [line, line + 1], "{mistakes}");
    assert!(mistakes.to_string().contains("one anchor too many: 16"));
}

#[test]
fn names_that_agents_give_themselves_are_taken() {
    let (lines, told) = mistakes(
        r"[[anchor]]
name = 'system'
address = '192.0.2.1'
[[anchor]]
name = 'collector'
address = '192.0.2.1'
[[resolver]]
name = 'collector'
address = '192.0.2.1'
[[resolver]]
name = 'system'
address = '192.0.2.1'
",
    );
    assert_eq!(lines, [5, 11], "{told}");
    let expected =
        "c.toml:5: anchor.name is what agents call the collector itself: choose another one";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn reports_come_while_they_are_news() {
    let report = |every: &str| {
        let text = format!("[plan]\nreport_interval = '{every}'");
        Config::parse("c.toml", &text).map(|config| config.plan.report_interval)
    };
    assert_eq!(report("1m").unwrap(), Duration::from_mins(1));
    let told = report("61s").unwrap_err().to_string();
    assert_eq!(
        told,
        "c.toml:2: plan.report_interval must be from 1 s to 60 s"
    );
}

#[test]
fn devices_are_asked_each_minute_and_looked_for_when_that_is_wanted() {
    let usual = parse("");
    assert_eq!(usual.device_interval, Duration::from_mins(1));
    assert_eq!(usual.discovery, None);
    let plan = parse("[plan]\ndevice_interval = '5s'\ndiscovery_interval = '1d'");
    assert_eq!(plan.device_interval, Duration::from_secs(5));
    let discovery = plan.discovery.as_ref().unwrap();
    assert_eq!(discovery.interval, Duration::from_hours(24));
    assert_eq!(plan.validate(), Ok(()));
    for text in [
        "device_interval = '0s'",
        "device_interval = '2h'",
        "discovery_interval = '59s'",
        "discovery_interval = '8d'",
        "discovery_interval = true",
    ] {
        let (lines, told) = mistakes(&format!("[plan]\n{text}"));
        assert_eq!(lines, [2], "{told}");
    }
}
