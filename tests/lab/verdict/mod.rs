//! One cause, one alert: what really breaks in centres of the lab is told once, with the right segment, and once that it
//! is over, by a real Alertmanager.
//!
//! [`town`] the centres and who is told · [`branch`] one centre and what can go wrong there · [`course`] how a fault is
//! followed from its beginning to its end · [`silence`] what is said of a centre that nobody hears · this file: what breaks.

mod branch;
mod course;
mod silence;
mod town;

use crate::emulator::Impairment;
use crate::servers::Door;
use crate::{Lab, needs};

use self::course::{Ill, all_are_told_once};
use self::town::{Place, Town};

const fn at(id: &'static str, pcs: usize) -> Place {
    Place {
        id,
        pcs,
        shares: false,
    }
}

/// One of three that hang on one router of their provider.
const fn sharing(id: &'static str) -> Place {
    Place {
        id,
        pcs: 3,
        shares: true,
    }
}

/// Where everything breaks at the same time, and two where nothing does. Where several machines are there, their
/// silence is news; where one is, it is not.
const PLACES: [Place; 13] = [
    at("cable", 3),
    at("switch", 3),
    at("gateway", 3),
    at("line", 3),
    at("power", 3),
    at("resolver", 1),
    at("mtu", 1),
    at("loss", 2),
    sharing("isp-1"),
    sharing("isp-2"),
    sharing("isp-3"),
    at("quiet", 1),
    at("still", 2),
];

/// All who are in the town, in order: they use one portal.
const EVERYBODY: [&str; PLACES.len()] = [
    "cable", "gateway", "isp-1", "isp-2", "isp-3", "line", "loss", "mtu", "power", "quiet",
    "resolver", "still", "switch",
];

/// Each way.
const LOSS: f64 = 0.05;

/// The portal's machine refuses everybody, while the rest of the Internet is well.
const PORTAL: [Ill; 1] = [Ill {
    begins: |town| town.lab.portal().door(Door::Closed).unwrap(),
    ends: |town| town.lab.portal().door(Door::Open).unwrap(),
    is_alone: true,
    ..ill(&EVERYBODY, "service", "service_down")
}];

/// A line that loses packets has lost some for minutes before that is news, and none for minutes before it is well: for
/// that there is no time here.
const LOSSY: [Ill; 1] = [Ill {
    begins: |town| loses(town, LOSS),
    ends: |town| loses(town, 0.0),
    is_slow: true,
    ..ill(&["loss"], "line", "line_lossy")
}];

/// What those who are hit tell of at once, a provider that three centres share, and a machine that cannot tell.
const HEARD: [Ill; 4] = [
    Ill {
        begins: |town| town.shared.cut(),
        ends: |town| town.shared.heal(),
        ..ill(&["isp-1", "isp-2", "isp-3"], "isp", "isp_down")
    },
    Ill {
        begins: |town| town.at("cable").cable(false),
        ends: |town| town.at("cable").cable(true),
        is_mute: true,
        ..ill(&["cable"], "device", "pc_link_down")
    },
    Ill {
        begins: |town| town.at("resolver").resolver(false),
        ends: |town| town.at("resolver").resolver(true),
        ..ill(&["resolver"], "dns", "dns_down")
    },
    Ill {
        begins: |town| swallow(town, true),
        ends: |town| swallow(town, false),
        ..ill(&["mtu"], "route", "mtu_blackhole")
    },
];

/// What silences a centre: from outside these look the same. Two at a time, since many that fall silent at once have one
/// cause.
const SILENT: [[Ill; 2]; 2] = [
    [
        Ill {
            begins: |town| town.at("switch").switch(false),
            ends: |town| town.at("switch").switch(true),
            ..silent(&["switch"], "lan", "lan_down")
        },
        Ill {
            begins: |town| town.at("gateway").gateway(false),
            ends: |town| town.at("gateway").gateway(true),
            ..silent(&["gateway"], "gateway", "gateway_down")
        },
    ],
    [
        Ill {
            begins: |town| town.at("line").line.cut(),
            ends: |town| town.at("line").line.heal(),
            ..silent(&["line"], "line", "line_down")
        },
        Ill {
            begins: |town| town.at("power").power_is_cut(),
            ends: |town| town.power_is_back("power"),
            ..silent(&["power"], "power", "power_outage")
        },
    ],
];

/// What silences a centre.
const fn silent(scope: &'static [&'static str], segment: &'static str, fault: &'static str) -> Ill {
    Ill {
        is_silent: true,
        ..ill(scope, segment, fault)
    }
}

const fn ill(scope: &'static [&'static str], segment: &'static str, fault: &'static str) -> Ill {
    Ill {
        begins: |_| {},
        ends: |_| {},
        is_mute: false,
        is_silent: false,
        is_slow: false,
        is_alone: false,
        scope,
        segment,
        fault,
    }
}

/// So much of what goes either way is lost on the line.
fn loses(town: &mut Town<'_>, share: f64) {
    town.at("loss").line.both(Impairment::none().loss(share));
}

/// Large packets vanish on the line, and nobody says so.
fn swallow(town: &mut Town<'_>, begins: bool) {
    let line = &town.at("mtu").line;
    match begins {
        true => line.both(Impairment::none().swallows_above(1_400)),
        false => line.heal(),
    }
}

#[tokio::test]
async fn what_breaks_is_told_once_each_by_its_name() {
    let lab = needs!(Lab::new());
    let mut town = needs!(Town::built(&lab, &PLACES).await);
    all_are_told_once(
        &mut town,
        &[&PORTAL, &LOSSY, &HEARD, &SILENT[0], &SILENT[1]],
    )
    .await;
}
