//! The first dashboard: which centres report, whose gateway is bad, and what one centre's devices say.
//!
//! For whoever is on call, from the province down to one centre. Tiles before maps: sixty-five
//! coloured tiles need no internet.

use proto::metrics::{CENTRE_INFO, DEVICE_CPU_USAGE, Unit};

use crate::grafana::{Dashboard, Look, Panel, Section, Variable};
use crate::queries::{
    OF_THE_CENTRE, TO_THE_GATEWAY, centres, devices_in, loss, memory_use, newest, over, presence,
    rtt_p95, state, ten_highest,
};
use crate::thresholds::{DRAWN_OVER, LOSS, RTT_P95, USE};

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

fn province() -> Section {
    Section {
        title: "Province",
        panels: vec![
            Panel {
                title: "Centres",
                description: "Whether at least one agent of each centre reports: then its power and its line work. \
                    \"Off\" means that the last one said goodbye, as PCs do in the evening. Click for the devices.",
                width: 24,
                query: centres(),
                legend: "{{name}}",
                unit: Unit::Count,
                look: Look::Tiles {
                    words: words(),
                    link: Some(
                        "d/province?var-centre=${__field.labels.centre}&var-datasource=${datasource}&${__url_time_range}",
                    ),
                },
            },
            number(
                "Devices that report",
                state::REPORTING,
                "green",
                "Agents that are connected and send measurements.",
            ),
            number(
                "Devices that are silent",
                state::SILENT,
                "red",
                "Agents that stopped without a word: a power cut, a cut line, a crash. Look at the tiles above: a whole \
                 centre points to its line, a single device to the device.",
            ),
            number(
                "Devices that are off",
                state::OFF,
                "blue",
                "Agents that said goodbye: shut down or stopped on purpose.",
            ),
            Panel {
                title: "Loss to the gateway, the ten highest",
                description: "Share of echoes from the devices to their own router that stayed unanswered. Nothing of the \
                    line is in it: look at cables, switch, Wi-Fi and router.",
                width: 12,
                query: ten_highest(|over| loss("centre", TO_THE_GATEWAY, over), DRAWN_OVER),
                legend: "{{centre}}",
                unit: Unit::Ratio,
                look: Look::Curves { levels: LOSS },
            },
            Panel {
                title: "Round-trip time to the gateway, the ten highest",
                description: "95th percentile of the time a router takes to answer its own devices. Above a few \
                    milliseconds on a cable, the router or the local network is overloaded.",
                width: 12,
                query: ten_highest(|over| rtt_p95("centre", TO_THE_GATEWAY, over), DRAWN_OVER),
                legend: "{{centre}}",
                unit: Unit::Seconds,
                look: Look::Curves { levels: RTT_P95 },
            },
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
                look: Look::Tiles {
                    words: words(),
                    link: None,
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
                look: Look::Curves { levels: USE },
            },
            Panel {
                title: "Round-trip time by link",
                description: "95th percentile over all devices of the centre. The first segment that is slow is the one to \
                    blame: what lies behind it can only be slower.",
                width: 12,
                query: rtt_p95("segment, target", OF_THE_CENTRE, &over(DRAWN_OVER)),
                legend: "{{segment}} {{target}}",
                unit: Unit::Seconds,
                look: Look::Curves { levels: RTT_P95 },
            },
            Panel {
                title: "Loss by link",
                description: "Share of echoes that stayed unanswered, over all devices of the centre. The first segment that \
                    loses packets is the one to blame.",
                width: 12,
                query: loss("segment, target", OF_THE_CENTRE, &over(DRAWN_OVER)),
                legend: "{{segment}} {{target}}",
                unit: Unit::Ratio,
                look: Look::Curves { levels: LOSS },
            },
        ],
    }
}

fn number(
    title: &'static str,
    state: i32,
    colour: &'static str,
    description: &'static str,
) -> Panel {
    Panel {
        title,
        description,
        width: 8,
        query: devices_in(state),
        legend: title,
        unit: Unit::Count,
        look: Look::Number { colour },
    }
}

/// One text and one colour per state, wherever it is shown.
fn words() -> Vec<(i32, &'static str, &'static str)> {
    vec![
        (state::REPORTING, "reports", "green"),
        (state::OFF, "off", "blue"),
        (state::SILENT, "silent", "red"),
        (state::NONE, "no agent", "text"),
    ]
}
