//! What agents measure, as the diagnosis hears it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use diagnosis::record::{DnsWord, Measured, Medium, Place, ServiceWord};
use proto::metrics::find;

use super::*;

/// A stream whose series are numbered as they come.
#[derive(Default)]
struct Stream {
    telling: Telling,
    known: Vec<(String, String)>,
    reverse: Option<crate::reverse::Reverse>,
}

/// A moment, and what was measured: device, metric with labels, value.
type Moment<'a> = (i64, &'a [(&'a str, &'a str, f64)]);

impl Stream {
    fn number(&mut self, device: &str, name: &str) -> u32 {
        let key = (device.to_owned(), name.to_owned());
        if let Some(known) = self.known.iter().position(|known| *known == key) {
            return u32::try_from(known).unwrap();
        }
        let (metric, labels) = name.split_once('{').unwrap_or((name, ""));
        let (metric, part) = find(&format!("dawnwatch_{metric}")).unwrap();
        let labels = labels
            .trim_end_matches('}')
            .split(',')
            .filter(|text| !text.is_empty());
        let labels = labels.map(|label| {
            let (name, value) = label.split_once('=').unwrap();
            let name = metric.labels.iter().find(|known| **known == name).unwrap();
            (*name, value.to_owned())
        });
        let series = Series {
            device: (!device.is_empty()).then(|| device.parse().unwrap()),
            metric,
            part,
            labels: labels.collect(),
        };
        self.telling.define(&[series]);
        self.known.push(key);
        u32::try_from(self.known.len() - 1).unwrap()
    }

    fn batch(&mut self, lane: Lane, moments: &[Moment<'_>]) -> Vec<Record> {
        let mut rounds = Rounds::default();
        for (at, values) in moments {
            let values: Vec<_> = values
                .iter()
                .map(|(device, name, value)| (self.number(device, name), *value))
                .collect();
            rounds.push(*at, values).unwrap();
        }
        self.telling.records(&Taken {
            lane,
            correction_ms: 500,
            rounds: [&Rounds::default(), &rounds],
            centre: "cong-son",
            agent: "pc-1",
            arrived: 1_000.0,
            clock_offset: (lane == Lane::Live).then_some(0.25),
            others: &[("mfp-1", true), ("router", false)],
            reverse: self.reverse.as_ref(),
        })
    }

    /// The one minute that a live batch makes.
    fn minute(&mut self, moments: &[Moment<'_>]) -> Measured {
        let mut records = self.batch(Lane::Live, moments);
        assert_eq!(records.len(), 1, "{records:?}");
        measured(&records.remove(0))
    }
}

fn measured(record: &Record) -> Measured {
    match &record.what.as_ref().unwrap().kind {
        Kind::Measured(measured) => Measured::clone(measured),
        other => panic!("{other:?}"),
    }
}

const SENT: &str = "link_sent_total{segment=gateway,target=10.0.0.1}";
const RECEIVED: &str = "link_received_total{segment=gateway,target=10.0.0.1}";

#[test]
fn echoes_are_what_counters_grew_by_and_delays_in_milliseconds() {
    let mut stream = Stream::default();
    let median = "link_rtt_median_seconds{segment=gateway,target=10.0.0.1}";
    let longest = "link_rtt_max_seconds{segment=gateway,target=10.0.0.1}";
    let minute = stream.minute(&[
        (
            0,
            &[("", SENT, 100.0), ("", RECEIVED, 90.0), ("", median, 0.001)],
        ),
        (
            15_000,
            &[("", SENT, 105.0), ("", RECEIVED, 95.0), ("", median, 0.003)],
        ),
        (
            30_000,
            &[
                ("", SENT, 110.0),
                ("", RECEIVED, 97.0),
                ("", median, 0.002),
                ("", longest, 0.25),
            ],
        ),
    ]);
    let [link] = minute.links.as_slice() else {
        panic!("{minute:?}");
    };
    assert_eq!(
        (link.segment, link.target.as_str()),
        (Place::Gateway, "10.0.0.1")
    );
    assert_eq!((link.sent, link.received, link.hop), (10, 7, None));
    assert_eq!((link.rtt_ms, link.rtt_p95_ms), (Some(2.0), Some(250.0)));
    // The next batch goes on from there; the agent was restarted meanwhile.
    let minute = stream.minute(&[(60_000, &[("", SENT, 5.0), ("", RECEIVED, 0.0)])]);
    let link = &minute.links[0];
    assert_eq!((link.sent, link.received, link.rtt_ms), (5, 0, None));
}

#[test]
fn what_waited_is_told_minute_by_minute_and_counted_apart() {
    let mut stream = Stream::default();
    let at = |minute: i64, sent: f64| (minute * 60_000, [("", SENT, sent), ("", RECEIVED, sent)]);
    let live = at(100, 500.0);
    stream.batch(Lane::Live, &[(live.0, &live.1)]);
    let waited: Vec<_> = (0..4_i32)
        .map(|n| at(n.into(), f64::from(n) * 5.0))
        .collect();
    let waited: Vec<Moment<'_>> = waited
        .iter()
        .map(|(at, values)| (*at, values.as_slice()))
        .collect();
    let records = stream.batch(Lane::Backlog, &waited);
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            let minute = measured(record);
            (
                record.what.as_ref().unwrap().t,
                minute.links[0].sent,
                minute.host,
            )
        })
        .collect();
    // Of the first minute only that it was is known, and a clock of now says nothing of then.
    assert_eq!(told, [(60.5, 5, None), (120.5, 5, None), (180.5, 5, None)]);
    let next = at(101, 505.0);
    let minute = stream.minute(&[(next.0, &next.1)]);
    assert_eq!(minute.links[0].sent, 5);
}

#[test]
fn routers_on_the_way_are_counted_from_the_gateway() {
    let mut stream = Stream::default();
    let far = |target: &str, segment: &str| {
        format!("link_sent_total{{segment={segment},target={target}}}")
    };
    let names = [
        far("10.9.0.1", "line"),
        far("10.9.0.9", "isp"),
        far("collector", "core"),
        far("google", "core"),
        far("pc-2", "lan"),
        far("10.0.0.1", "dns"),
    ];
    let values = |value: f64| -> Vec<(&str, &str, f64)> {
        let mut values = vec![
            (
                "",
                "path_hop_info{target=google,hop=2,address=10.9.0.1}",
                1.0,
            ),
            (
                "",
                "path_hop_info{target=google,hop=4,address=10.9.0.9}",
                1.0,
            ),
        ];
        values.extend(names.iter().map(|name| ("", name.as_str(), value)));
        values
    };
    let minute = stream.minute(&[(0, &values(1.0)), (15_000, &values(6.0))]);
    let told: Vec<_> = minute
        .links
        .iter()
        .map(|link| (link.segment, link.target.as_str(), link.hop))
        .collect();
    let expected = [
        (Place::Hop, "10.9.0.1", Some(1)),
        (Place::Hop, "10.9.0.9", Some(3)),
        (Place::Collector, "collector", None),
        (Place::Anchor, "google", None),
        (Place::Lan, "pc-2", None),
    ];
    assert_eq!(told, expected);
}

#[test]
fn attempts_names_and_large_packets_have_the_words_of_the_diagnosis() {
    let mut stream = Stream::default();
    let minute = stream.minute(&[
        (
            0,
            &[
                (
                    "",
                    "probe_phase_duration_seconds{service=portal,phase=connect}",
                    0.1,
                ),
                (
                    "",
                    "probe_phase_duration_seconds{service=portal,phase=tls}",
                    0.2,
                ),
                ("", "probe_outcome{service=portal,outcome=answered}", 1.0),
                ("", "dns_outcome{resolver=system,outcome=answered}", 1.0),
                ("", "dns_duration_seconds{resolver=system}", 0.014),
                ("", "path_mtu_blackhole{target=google}", 1.0),
            ],
        ),
        (
            30_000,
            &[
                ("", "probe_outcome{service=portal,outcome=answered}", 0.0),
                ("", "probe_outcome{service=portal,outcome=refused}", 1.0),
                ("", "probe_outcome{service=login,outcome=clock_wrong}", 1.0),
                ("", "dns_outcome{resolver=system,outcome=answered}", 0.0),
                ("", "dns_outcome{resolver=system,outcome=timeout}", 1.0),
            ],
        ),
    ]);
    let [portal] = minute.services.as_slice() else {
        panic!("{minute:?}");
    };
    assert_eq!(
        (portal.service.as_str(), portal.outcome),
        ("portal", ServiceWord::Refused)
    );
    assert_eq!((portal.attempts, portal.failed), (2, 1));
    assert_eq!(
        (portal.phase.as_deref(), portal.total_ms),
        (Some("connect"), Some(300.0))
    );
    let dns: Vec<_> = minute
        .dns
        .iter()
        .map(|one| (&*one.resolver, one.outcome, one.ms))
        .collect();
    assert_eq!(
        dns,
        [
            ("isp", DnsWord::Answered, Some(14.0)),
            ("isp", DnsWord::Timeout, None)
        ]
    );
    assert_eq!(
        (&*minute.mtu[0].target, minute.mtu[0].ok),
        ("google", false)
    );
}

#[test]
fn the_card_that_leads_out_is_the_busiest_with_a_link() {
    let mut stream = Stream::default();
    let values = |bytes: f64| -> Vec<(&'static str, &'static str, f64)> {
        vec![
            ("", "interface_up{interface=eth0}", 0.0),
            ("", "interface_up{interface=wlan0}", 1.0),
            ("", "interface_up{interface=eth1}", 1.0),
            ("", "wifi_signal_dbm{interface=wlan0}", -60.0),
            ("", "interface_speed_bits_per_second{interface=wlan0}", 54e6),
            ("", "interface_receive_bytes_total{interface=wlan0}", bytes),
            (
                "",
                "interface_receive_bytes_total{interface=eth0}",
                bytes * 9.0,
            ),
            (
                "",
                "interface_receive_errors_total{interface=wlan0}",
                bytes / 1_000.0,
            ),
            ("", "cpu_usage_ratio", bytes / 10_000.0),
            ("", "turn_delay_seconds", bytes / 10_000.0),
        ]
    };
    let minute = stream.minute(&[(0, &values(1_000.0)), (10_000, &values(3_000.0))]);
    let nic = minute.nic.unwrap();
    assert_eq!(
        (nic.up, nic.medium, nic.speed_mbps),
        (Some(true), Some(Medium::Wifi), Some(54.0))
    );
    assert_eq!(nic.errors, Some(2.0));
    let host = minute.host.unwrap();
    assert_eq!((host.rx_bps, host.tx_bps), (Some(1_600.0), None));
    assert_eq!((host.cpu, host.clock_offset_s), (Some(0.2), Some(0.25)));
    assert_eq!(host.lag_ms, Some(200.0));
}

#[test]
fn a_printer_is_told_whenever_it_was_asked_and_a_router_is_none() {
    let mut stream = Stream::default();
    let answered = "device_poll_outcome{protocol=snmp,outcome=answered}";
    let timeout = "device_poll_outcome{protocol=snmp,outcome=timeout}";
    let jam = "printer_condition{condition=jam}";
    let records = stream.batch(
        Lane::Live,
        &[
            (
                0,
                &[
                    ("mfp-1", answered, 1.0),
                    ("mfp-1", jam, 1.0),
                    ("router", answered, 1.0),
                ],
            ),
            (30_000, &[("mfp-1", answered, 1.0), ("mfp-1", jam, 0.0)]),
            (60_000, &[("mfp-1", answered, 0.0), ("mfp-1", timeout, 1.0)]),
        ],
    );
    let told: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.what.as_ref()?.kind {
            Kind::Printer(printer) => Some((printer.reachable, printer.conditions.join(" "))),
            _ => None,
        })
        .collect();
    let expected = [(true, "jam"), (true, ""), (false, "")];
    assert_eq!(
        told,
        expected.map(|(reachable, words)| (reachable, words.to_owned()))
    );
}

#[test]
fn a_line_seen_from_outside_is_told_of_its_centre_by_who_is_to_look_and_nobody_else() {
    let line = |centre: &str, target: &str| crate::reverse::Line {
        centre: centre.parse().unwrap(),
        target: target.to_owned(),
        address: "192.0.2.1".to_owned(),
    };
    let reverse = |from: &str| crate::reverse::Reverse {
        from: from.parse().unwrap(),
        lines: vec![line("mau-son", "mau-son"), line("mau-son", "mau-son 2")],
    };
    let sent = "link_sent_total{segment=reverse,target=mau-son}";
    let received = "link_received_total{segment=reverse,target=mau-son}";
    let second = "link_sent_total{segment=reverse,target=mau-son 2}";
    let unknown = "link_sent_total{segment=reverse,target=ba-son}";
    let moments: &[Moment<'_>] = &[
        (
            0,
            &[
                ("", sent, 50.0),
                ("", received, 50.0),
                ("", second, 5.0),
                ("", unknown, 5.0),
            ],
        ),
        (15_000, &[("", sent, 55.0), ("", received, 54.0)]),
        (
            30_000,
            &[
                ("", sent, 60.0),
                ("", received, 54.0),
                ("", second, 10.0),
                ("", unknown, 10.0),
            ],
        ),
    ];
    let told = |from: Option<&str>| {
        let mut stream = Stream {
            reverse: from.map(reverse),
            ..Stream::default()
        };
        let records = stream.batch(Lane::Live, moments);
        let pings = records.into_iter().filter_map(|record| record.what);
        pings
            .filter_map(|what| match what.kind {
                Kind::ReversePing(ping) => {
                    assert_eq!((&*what.centre, &*what.agent), ("mau-son", ""));
                    Some((what.t, ping.sent, ping.received))
                }
                // How its clock is.
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(Some("cong-son")),
        [(15.5, 5, 4), (30.5, 5, 0), (30.501, 5, 0)]
    );
    assert_eq!(told(Some("tinh")), [], "this agent is not to look");
    assert_eq!(told(None), []);
}
