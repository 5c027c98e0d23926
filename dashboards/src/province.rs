//! The first dashboard: which centres report, whose gateway is bad, and what one centre's devices say.
//!
//! For whoever is on call, from the province down to one centre. Tiles before maps: sixty-five
//! coloured tiles need no internet.

use proto::metrics::{CENTRE_INFO, DEVICE_CPU_USAGE, Unit};

use crate::grafana::{Dashboard, Link, Look, Panel, Section, Variable};
use crate::queries::{
    OF_THE_CENTRE, TO_THE_CORE, TO_THE_GATEWAY, centres, devices_in, loss, memory_use, newest,
    over, presence, rtt_p95, state, ten_highest,
};
use proto::thresholds::{DRAWN_OVER, LOSS, Levels, RTT, USE};

/// `generated/province.json`.
#[must_use]
pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "province",
        title: "Province → centre",
        description: "Which centres report, whose gateway loses packets, and what the devices of one centre say.",
        variables: vec![Variable {
            name: "centre",
            label: "Centre",
            metric: CENTRE_INFO.name,
            of: "centre",
        }],
        sections: vec![province(), centre()],
    }
}

const TO_THE_CENTRE: Link = Link {
    title: "The centre's devices and links, further down",
    url: "d/province?var-centre=${__field.labels.centre}&var-datasource=${datasource}&${__url_time_range}",
};

fn province() -> Section {
    Section {
        title: "Province",
        panels: vec![
            Panel {
                title: "Centres",
                description: "Silent: no device reports, and none said goodbye; look at power and line. Gateway loss: more \
                    echoes to the centre's own router are lost than people can work with; look at cables, switch and \
                    router. Some silent: the centre is connected, a device is not. Off: all said goodbye, as PCs do in \
                    the evening. Click for the devices.",
                width: 24,
                query: centres(),
                legend: "{{name}}",
                unit: Unit::Count,
                link: Some(TO_THE_CENTRE),
                look: Look::Tiles {
                    words: words(),
                    height: 9,
                },
            },
            number(
                "Devices that report",
                state::REPORTING,
                ("red", "green"),
                "Agents that are connected and send measurements. None at all: the collector is down, or nobody scrapes it.",
            ),
            number(
                "Devices that are silent",
                state::SILENT,
                ("green", "red"),
                "Agents that stopped without a word: a power cut, a cut line, a crash. Look at the tiles above: a whole \
                 centre points to its line, a single device to the device.",
            ),
            number(
                "Devices that are off",
                state::OFF,
                ("text", "blue"),
                "Agents that said goodbye: shut down or stopped on purpose.",
            ),
            highest(
                "Loss to the gateway, the ten highest",
                "Share of echoes from the devices to their own router that stayed unanswered. Nothing of the line is in \
                 it: look at cables, switch, Wi-Fi and router.",
                Unit::Ratio,
                LOSS,
                |over| loss("centre", TO_THE_GATEWAY, over),
            ),
            highest(
                "Loss to the core, the ten highest",
                "Share of echoes from the devices to the core network that stayed unanswered. A centre that is not among \
                 the highest to the gateway has a bad line: call its ISP.",
                Unit::Ratio,
                LOSS,
                |over| loss("centre", TO_THE_CORE, over),
            ),
            highest(
                "Round-trip time to the gateway, the ten highest",
                "95th percentile of the time a router takes to answer its own devices. Above a few milliseconds on a \
                 cable, the router or the local network is overloaded.",
                Unit::Seconds,
                RTT,
                |over| rtt_p95("centre", TO_THE_GATEWAY, over),
            ),
            highest(
                "Round-trip time to the core, the ten highest",
                "95th percentile of the time an answer from the core network takes. Where the gateway answers fast, the \
                 rest is the line: full, or bad.",
                Unit::Seconds,
                RTT,
                |over| rtt_p95("centre", TO_THE_CORE, over),
            ),
        ],
    }
}

fn centre() -> Section {
    Section {
        title: "Centre $centre",
        panels: vec![
            Panel {
                title: "Devices",
                description: "Whether the agent on each device reports, said goodbye, or fell silent.",
                width: 24,
                query: presence(OF_THE_CENTRE),
                legend: "{{device}}",
                unit: Unit::Count,
                link: None,
                look: Look::Tiles {
                    words: words(),
                    height: 5,
                },
            },
            Panel {
                title: "Processor use",
                description: "Share of time that all processors of a device are busy. Hours above 90 %: a runaway program, \
                    or a PC too weak for its work.",
                width: 12,
                query: newest(&DEVICE_CPU_USAGE, "device", OF_THE_CENTRE),
                legend: "{{device}}",
                unit: Unit::Ratio,
                link: None,
                look: Look::Curves { levels: USE },
            },
            Panel {
                title: "Memory use",
                description: "Share of memory that programs cannot get without swapping. A PC that stays above 90 % is slow \
                    whatever its line does.",
                width: 12,
                query: memory_use("device", OF_THE_CENTRE),
                legend: "{{device}}",
                unit: Unit::Ratio,
                link: None,
                look: Look::Curves { levels: USE },
            },
            Panel {
                title: "Round-trip time by link",
                description: "95th percentile over all devices of the centre. The gateway is the first on the way, the \
                    core the last. The first that is slow is to blame: what lies behind it can only be slower.",
                width: 12,
                query: rtt_p95("segment, target", OF_THE_CENTRE, &over(DRAWN_OVER)),
                legend: "{{segment}} {{target}}",
                unit: Unit::Seconds,
                link: None,
                look: Look::Curves { levels: RTT },
            },
            Panel {
                title: "Loss by link",
                description: "Share of echoes that stayed unanswered, over all devices of the centre. The gateway is the \
                    first on the way, the core the last. The first that loses packets is to blame.",
                width: 12,
                query: loss("segment, target", OF_THE_CENTRE, &over(DRAWN_OVER)),
                legend: "{{segment}} {{target}}",
                unit: Unit::Ratio,
                link: None,
                look: Look::Curves { levels: LOSS },
            },
        ],
    }
}

fn number(
    title: &'static str,
    state: i32,
    (none, some): (&'static str, &'static str),
    description: &'static str,
) -> Panel {
    Panel {
        title,
        description,
        width: 8,
        query: devices_in(state),
        legend: title,
        unit: Unit::Count,
        link: None,
        look: Look::Number { none, some },
    }
}

fn highest(
    title: &'static str,
    description: &'static str,
    unit: Unit,
    levels: Levels,
    query: impl Fn(&str) -> String,
) -> Panel {
    Panel {
        title,
        description,
        width: 12,
        query: ten_highest(query, DRAWN_OVER),
        legend: "{{name}}",
        unit,
        link: Some(TO_THE_CENTRE),
        look: Look::Curves { levels },
    }
}

/// One text and one colour per state, wherever it is shown.
fn words() -> Vec<(i32, &'static str, &'static str)> {
    vec![
        (state::SILENT, "silent", "red"),
        (state::GATEWAY_LOSES, "gateway loss", "orange"),
        (state::PARTLY_SILENT, "some silent", "yellow"),
        (state::REPORTING, "reports", "green"),
        (state::OFF, "off", "blue"),
        (state::NONE, "no agent", QUIET),
    ]
}

/// A grey that does not call for attention, on light and on dark.
const QUIET: &str = "#6e7680";
