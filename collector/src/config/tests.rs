//! Settings as people write them, right and wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

fn parse(text: &str) -> Config {
    Config::parse("collector.toml", text).unwrap()
}

#[test]
fn the_example_lists_every_key_with_its_default() {
    let example = include_str!("../../collector.example.toml");
    assert_eq!(parse(example), Config::default());
    // Keys that have no default to show are comments; as settings they are good ones.
    let all: String = example
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = parse(&all);
    let plan = &config.plan;
    assert_eq!((plan.targets.len(), plan.services.len()), (1, 1));
    assert_eq!((plan.resolvers.len(), plan.networks.len()), (1, 1));
    assert!(plan.discovery.is_some());
    assert_eq!(plan.validate(), Ok(()));
    assert_eq!(config.grpc_names.len(), 2);
    assert_eq!(config.remote_write.len(), 2);
    assert!(config.alertmanager.is_some_and(|it| it.page.is_some()));
    assert_eq!(config.calendars.particular().count(), 2);
    for table in [
        "",
        "[http]",
        "[grpc]",
        "[plan]",
        "[[anchor]]",
        "[[service]]",
        "[[resolver]]",
        "[[network]]",
        "[[remote_write]]",
        "[alertmanager]",
        "[diagnosis]",
        "[calendar]",
        "[[season]]",
        "[[exception]]",
        "[[maintenance]]",
    ] {
        for key in known_in(table) {
            let set = format!("{key} = ");
            let table = format!("[{key}]");
            let found = all
                .lines()
                .any(|line| line.starts_with(&set) || line.contains(&table));
            assert!(found, "{key}");
        }
    }
}

/// The keys that a table has, as the complaint of an unknown one lists them.
fn known_in(table: &str) -> Vec<String> {
    let mistakes = Config::parse("", &format!("{table}\nqqqqqqqq = 1")).unwrap_err();
    let lists: Vec<_> = mistakes
        .mistakes
        .iter()
        .filter_map(|mistake| mistake.message.split_once("known here: "))
        .map(|(_, list)| list.split(", ").map(str::to_owned).collect())
        .collect();
    assert_eq!(lists.len(), 1, "{mistakes}");
    lists.into_iter().next().unwrap()
}

#[test]
fn every_mistake_is_reported_with_its_line() {
    let text = r#"province = 3
utc_offset = "Hanoi"
colour = "red"
[http]
listen = "9780"
[grpc]
names = ["ok.example", "not a name"]
certificate_lifetime = "0s"
[plan]
link_interval = "1ms"
host_interval = "often"
service_interval = "60"
[[anchor]]
name = "isp"
[[anchor]]
name = "a"
address = "192.0.2.1"
[[anchor]]
name = "a"
address = "192.0.2.2"
[alertmanager]
url = "localhost:9093"
[[remote_write]]
url = "http://localhost:9090/api/v1/write"
[[service]]
name = "portal"
[[resolver]]
name = "isp"
"#;
    let mistakes = Config::parse("c.toml", text).unwrap_err();
    let lines: Vec<usize> = mistakes.mistakes.iter().map(|m| m.line).collect();
    assert_eq!(
        lines,
        [1, 2, 3, 5, 7, 8, 10, 11, 12, 13, 19, 22, 25, 27],
        "{mistakes}"
    );
    let text = mistakes.to_string();
    assert!(
        text.contains(
            "c.toml:22: alertmanager.url must be a URL such as \"http://localhost:9093\""
        )
    );
}

#[test]
fn offsets_are_written_as_people_do() {
    let check = |text: &str, expected: Option<i32>| {
        let offset = text.parse::<WrittenOffset>().ok();
        assert_eq!(offset.map(|offset| offset.0.seconds()), expected, "{text}");
    };
    check("+07:00", Some(7 * 3600));
    check("-03:30", Some(-(3 * 3600 + 1800)));
    check("07:00", None);
    check("+7", None);
    check("+7:00", None);
    check("+07:60", None);
    check("+15:00", None);
    check("+0-:00", None);
    check("ố", None);
    check("", None);
}

#[test]
fn the_enrolment_command_names_the_collector() {
    let url = |names: &str| parse(&format!("[grpc]\nnames = {names}")).url();
    assert_eq!(url("[]"), "https://localhost:9781");
    assert_eq!(url("['dw.example', 'x']"), "https://dw.example:9781");
    assert_eq!(url("['192.0.2.1']"), "https://192.0.2.1:9781");
    assert_eq!(url("['2001:db8::1']"), "https://[2001:db8::1]:9781");
}

#[test]
fn a_relative_data_folder_is_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "data = 'here'").unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(config.data, folder.path().join("here"));
}

#[test]
fn a_store_that_is_written_to_is_not_scraped_as_well() {
    let shows = |text: &str| parse(text).shows_measurements();
    let target = "[[remote_write]]\nurl = \"http://127.0.0.1:9/api/v1/write\"\n";
    assert!(shows(""));
    assert!(!shows(target));
    assert!(shows(&format!("[http]\nmeasurements = true\n{target}")));
    assert!(!shows("[http]\nmeasurements = false"));
}

#[test]
fn a_backlog_has_a_rate_that_ends_it_some_day() {
    let rate = |rate: &str| Config::parse("c.toml", &format!("[plan]\nbacklog_rate = {rate}"));
    assert_eq!(rate("'64kB'").map(|config| config.backlog_rate), Ok(64_000));
    for refused in ["0", "'999B'", "'2GB'", "true"] {
        let mistakes = rate(refused).unwrap_err().to_string();
        assert!(
            mistakes.starts_with("c.toml:2: plan.backlog_rate must be"),
            "{mistakes}"
        );
    }
}

#[test]
fn an_alertmanager_needs_an_address_without_a_password() {
    let of = |text: &str| Config::parse("c.toml", &format!("[alertmanager]\n{text}"));
    let config = of("url = 'https://am.example/am'").unwrap();
    let alertmanager = config.alertmanager.unwrap();
    assert_eq!(alertmanager.url.as_str(), "https://am.example/am");
    assert_eq!(
        (alertmanager.page, &*alertmanager.runbooks),
        (None, "docs/runbooks/README.md")
    );
    let told = |text: &str| of(text).unwrap_err().to_string();
    assert!(told("page = 'http://x/'").contains("missing key \"alertmanager.url\""));
    assert!(told("url = 'http://a:b@x/'").contains("must not hold a password"));
    assert!(told("url = 'http://x/?y'").contains("must be a URL"));
    assert!(told("url = 'http://x/'\npage = 'x'").contains("alertmanager.page must be a URL"));
    assert!(told("url = 'http://x/'\nrunbooks = ''").contains("must be the address or the path"));
}

#[test]
fn lines_seen_from_outside_are_read_with_their_mistakes() {
    let config = Config::parse(
        "c.toml",
        "[reverse]\nfrom = 'tinh'\n\
         [[line]]\ncentre = 'cong-son'\naddress = '203.0.113.5'\n\
         [[line]]\ncentre = 'cong-son'\naddress = 'cong-son.example'\n",
    );
    let reverse = config.unwrap().reverse.unwrap();
    let targets: Vec<_> = reverse
        .targets()
        .map(|one| (one.name, one.address))
        .collect();
    let expected = [
        ("cong-son", "203.0.113.5"),
        ("cong-son 2", "cong-son.example"),
    ];
    assert_eq!(
        targets,
        expected.map(|(name, address)| (name.to_owned(), address.to_owned()))
    );
    assert_eq!(
        reverse.told_by("tinh", "cong-son 2").map(|id| id.as_str()),
        Some("cong-son")
    );
    assert_eq!(reverse.told_by("cong-son", "cong-son"), None);

    let check = |text: &str, expected: &str| {
        let mistakes = Config::parse("c.toml", text).unwrap_err().to_string();
        assert!(mistakes.contains(expected), "{mistakes}");
    };
    let line = "[[line]]\ncentre = 'cong-son'\naddress = '203.0.113.5'\n";
    check(line, "[reverse] from");
    check(
        &format!("[reverse]\nfrom = 'cong-son'\n{line}"),
        "not from outside",
    );
    check(
        &format!("[reverse]\nfrom = 'tinh'\n{line}{line}"),
        "another [[line]]",
    );
    check(
        &format!(
            "[reverse]\nfrom = 'tinh'\n{line}[[anchor]]\nname = 'cong-son'\naddress = '192.0.2.1'\n"
        ),
        "[[anchor]]",
    );
    check(
        "[reverse]\nfrom = 'tinh'\n[[line]]\ncentre = 'cong-son'\naddress = 'https://a/'\n",
        "host name",
    );
}
