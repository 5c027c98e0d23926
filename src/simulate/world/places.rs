//! Who is there: centres with their lines, machines and printers. Drawn once, before anything happens.

use rand::rngs::StdRng;

use super::chance::{between, count, draw, draw_count, float, happens, index};
use crate::simulate::scenario::Scenario;

pub(crate) const ISPS: [&str; 4] = ["VNPT", "Viettel", "FPT", "MobiFone"];
const AREAS: [&str; 8] = [
    "Trung tâm",
    "Phía Bắc",
    "Phía Nam",
    "Phía Đông",
    "Phía Tây",
    "Ven sông",
    "Thung lũng",
    "Biên giới",
];
pub(crate) const SERVICES: [&str; 6] = [
    "portal",
    "identity",
    "registry",
    "payments",
    "land",
    "insurance",
];

const FIRST: [(&str, &str); 13] = [
    ("an", "An"),
    ("binh", "Bình"),
    ("cao", "Cao"),
    ("dong", "Đồng"),
    ("gia", "Gia"),
    ("hoa", "Hòa"),
    ("khanh", "Khánh"),
    ("lam", "Lâm"),
    ("minh", "Minh"),
    ("nam", "Nam"),
    ("phu", "Phú"),
    ("tan", "Tân"),
    ("yen", "Yên"),
];
const SECOND: [(&str, &str); 5] = [
    ("son", "Sơn"),
    ("loc", "Lộc"),
    ("thuy", "Thủy"),
    ("duc", "Đức"),
    ("hai", "Hải"),
];

/// When centres are open, in the product's words.
pub(crate) const HOURS: &str = "07:30-11:30 13:30-17:00";
pub(crate) const DAYS: &str = "mon-fri";

/// What happens to a centre's electricity when nobody works there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mains {
    AlwaysOn,
    OffAtNight,
    OffAtNightAndLunch,
}

#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) area: usize,
    pub(crate) isp: usize,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    pub(crate) mains: Mains,
    pub(crate) machines: Vec<Machine>,
    pub(crate) printers: Vec<String>,
    /// A switch or storage box that is always on and answers.
    pub(crate) fixed: bool,
    pub(crate) gateway_answers: bool,
    pub(crate) first_hop_answers: bool,
    /// Share of echoes the second hop leaves unanswered although it is well.
    pub(crate) second_hop_limit: f64,
    pub(crate) has_third_hop: bool,
    pub(crate) answers_outside: bool,
    /// Loss that is always there.
    pub(crate) loss: f64,
    pub(crate) lan_rtt: f64,
    pub(crate) line_rtt: f64,
    pub(crate) backbone_rtt: f64,
    pub(crate) capacity_bps: f64,
    /// How often bursts happen here.
    pub(crate) restlessness: f64,
}

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) is_wired: bool,
    pub(crate) is_laptop: bool,
    /// Always on, unless the electricity fails.
    pub(crate) is_witness: bool,
    /// Loss its Wi-Fi always has.
    pub(crate) chronic_loss: f64,
    pub(crate) speed_mbps: f64,
    pub(crate) clock_offset: f64,
    /// Where in the minute it writes, seconds.
    pub(crate) phase: f64,
    pub(crate) leaves_by_sleep: bool,
    /// How well it can do without being switched off.
    pub(crate) stays_at_lunch: bool,
}

impl Place {
    /// The name of the area it is in.
    pub(crate) fn area_name(&self) -> &'static str {
        AREAS.get(self.area).copied().unwrap_or_default()
    }

    pub(crate) fn isp_name(&self) -> &'static str {
        ISPS.get(self.isp).copied().unwrap_or_default()
    }
}

/// Draws a province.
pub(crate) fn draw_places(scenario: &Scenario, rng: &mut StdRng) -> Vec<Place> {
    let centres = count(f64::from(scenario.centres));
    let areas = centres.div_ceil(8).clamp(1, AREAS.len());
    (0..centres)
        .map(|number| place(scenario, number, areas, rng))
        .collect()
}

fn place(scenario: &Scenario, number: usize, areas: usize, rng: &mut StdRng) -> Place {
    let (id, name) = name(number);
    let (parameters, weather) = (&scenario.parameters, &scenario.weather);
    let area = number % areas;
    let mains = match between(rng, 0.0, 1.0) {
        share if share >= weather.mains_off => Mains::AlwaysOn,
        share if share < weather.mains_off * 0.4 => Mains::OffAtNightAndLunch,
        _ => Mains::OffAtNight,
    };
    let has_witness = happens(rng, weather.witnesses) && mains == Mains::AlwaysOn;
    let machines = draw_count(rng, parameters.agents).max(1);
    let machines = (0..machines)
        .map(|number| machine(scenario, number, has_witness && number == 0, rng))
        .collect();
    let printers = index(rng, 3) + 1;
    Place {
        id,
        name,
        area,
        isp: isp(parameters.isps, rng),
        latitude: between(rng, 21.4, 22.4),
        longitude: between(rng, 106.1, 107.3),
        mains,
        machines,
        printers: (1..=printers)
            .map(|number| format!("mfp-{number}"))
            .collect(),
        fixed: happens(rng, 0.6),
        gateway_answers: !happens(rng, weather.silent_routers * 0.5),
        first_hop_answers: !happens(rng, weather.silent_routers),
        second_hop_limit: if happens(rng, weather.rate_limited_hops) {
            between(rng, 0.1, 0.6)
        } else {
            0.0
        },
        has_third_hop: happens(rng, 0.5),
        answers_outside: happens(rng, weather.reverse_ping),
        loss: between(rng, 0.0, 0.003) * weather.background_loss,
        lan_rtt: between(rng, 0.3, 1.2),
        line_rtt: draw(rng, parameters.line_rtt_ms),
        backbone_rtt: draw(rng, parameters.backbone_rtt_ms),
        capacity_bps: [20e6, 35e6, 50e6, 100e6]
            .get(index(rng, 4))
            .copied()
            .unwrap_or(50e6),
        restlessness: if happens(rng, 0.3) { 3.0 } else { 0.6 },
    }
}

fn machine(scenario: &Scenario, number: usize, is_witness: bool, rng: &mut StdRng) -> Machine {
    let is_wired = is_witness || !happens(rng, scenario.parameters.wifi);
    let is_chronic = !is_wired && happens(rng, scenario.weather.chronic_wifi);
    Machine {
        name: format!("pc-{:02}", number + 1),
        is_wired,
        is_laptop: !is_witness && happens(rng, if is_wired { 0.05 } else { 0.6 }),
        is_witness,
        chronic_loss: if is_chronic {
            between(rng, 0.02, 0.05)
        } else {
            0.0
        },
        speed_mbps: if is_wired && happens(rng, 0.15) {
            100.0
        } else if is_wired {
            1000.0
        } else {
            144.0
        },
        clock_offset: between(rng, -1.8, 1.8),
        phase: between(rng, 0.0, 60.0),
        leaves_by_sleep: happens(rng, 0.25),
        stays_at_lunch: happens(rng, 0.75),
    }
}

/// The n-th name; after the last of the list they are numbered.
fn name(number: usize) -> (String, String) {
    let pairs = FIRST.len() * SECOND.len();
    let (first, second) = (number % FIRST.len(), (number / FIRST.len()) % SECOND.len());
    let ((first, first_name), (second, second_name)) = (
        FIRST.get(first).copied().unwrap_or_default(),
        SECOND.get(second).copied().unwrap_or_default(),
    );
    match number / pairs {
        0 => (
            format!("{first}-{second}"),
            format!("{first_name} {second_name}"),
        ),
        more => (
            format!("{first}-{second}-{}", more + 1),
            format!("{first_name} {second_name} {}", more + 1),
        ),
    }
}

fn isp(shares: [f64; 4], rng: &mut StdRng) -> usize {
    let mut left = between(rng, 0.0, shares.iter().sum());
    for (isp, share) in shares.iter().enumerate() {
        if left < *share {
            return isp;
        }
        left -= share;
    }
    0
}

/// How many services there are in this province.
pub(crate) fn services(rng: &mut StdRng) -> usize {
    4 + count(between(rng, 0.0, float(SERVICES.len() - 3))).min(SERVICES.len() - 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let ids: HashSet<String> = (0..5000).map(|number| name(number).0).collect();
        assert_eq!(ids.len(), 5000);
    }
}
