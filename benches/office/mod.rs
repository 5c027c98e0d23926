//! Devices for a scout to ask: recordings put together, and played by a simulator each at an address of
//! its own. Two of three are printers; the rest are routers and UPS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::harness::snmpsim::{COMMUNITY, PASSWORD, Recording, Snmpsim, USER};

/// Of ours, what is put together to be one device: a capture holds one rule alone.
const PRINTERS: [[&str; 3]; 4] = [
    [
        "printer/healthy",
        "system/brother_like",
        "network/cidr_routes",
    ],
    ["printer/in_trouble", "printer/healthy", "network/next_hop"],
    ["printer/receptacles", "printer/names", "printer/healthy"],
    ["printer/sentinels", "printer/healthy", "network/next_hop"],
];
const ROUTERS: [[&str; 3]; 2] = [
    [
        "system/chassis",
        "network/storage",
        "network/mixed_interfaces",
    ],
    [
        "system/described_router",
        "network/routes",
        "network/storage",
    ],
];
const UPS: [[&str; 3]; 2] = [
    ["ups/on_battery", "system/unknown_ups", "network/next_hop"],
    ["ups/powernet", "ups/on_battery", "network/next_hop"],
];

/// What an operator calls these kinds, and where others keep their recordings.
const KINDS: [(&str, &str); 3] = [
    ("printer", "printers"),
    ("router", "routers"),
    ("ups", "ups"),
];

/// Devices that answer while this is kept.
pub(crate) struct Office {
    pub(crate) simulator: Snmpsim,
    /// The kind of each, by its number.
    pub(crate) kinds: Vec<&'static str>,
    /// What ours are written to.
    _folder: tempfile::TempDir,
}

impl Office {
    /// This many, with our own captures or the recordings of a folder.
    pub(crate) async fn of(devices: usize, recordings: Option<&Path>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let choices = match recordings {
            Some(others) => KINDS
                .map(|(_, name)| others.join(name))
                .map(|kind| Recording::all_in(&kind).map_err(|error| anyhow::anyhow!("{error}"))),
            None => [
                put_together(folder.path(), &PRINTERS),
                put_together(folder.path(), &ROUTERS),
                put_together(folder.path(), &UPS),
            ],
        };
        let mut all = Vec::new();
        for ((kind, _), choice) in KINDS.into_iter().zip(choices) {
            let choice = choice?;
            let share = match kind {
                "printer" => devices - 2 * (devices / 6),
                _ => devices / 6,
            };
            all.extend(
                choice
                    .into_iter()
                    .cycle()
                    .take(share)
                    .map(|one| (kind, one)),
            );
        }
        let (kinds, recordings): (_, Vec<_>) = all.into_iter().unzip();
        let simulator = Snmpsim::of(&recordings).await;
        Ok(Self {
            simulator: simulator.map_err(|error| anyhow::anyhow!("{error}"))?,
            kinds,
            _folder: folder,
        })
    }
}

/// The arguments of `credential set` for what these devices ask for, and the secret it reads.
pub(crate) fn credential(is_v3: bool) -> (Vec<&'static str>, &'static str) {
    if is_v3 {
        let how = vec!["--version", "3", "--user", USER, "--auth", "sha1"];
        (how, PASSWORD)
    } else {
        (vec!["--version", "2c"], COMMUNITY)
    }
}

fn put_together(folder: &Path, devices: &[[&str; 3]]) -> anyhow::Result<Vec<Recording>> {
    devices.iter().map(|parts| one(folder, parts)).collect()
}

/// One device; where two parts say something else of the same, the first is right.
fn one(folder: &Path, parts: &[&str]) -> anyhow::Result<Recording> {
    let captures = PathBuf::from("agent/tests/captures");
    let mut lines = BTreeMap::new();
    for part in parts {
        let file = captures.join(part).with_extension("snmprec");
        let text = std::fs::read_to_string(&file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (oid, _) = line.split_once('|').context("a line is OID|TYPE|VALUE")?;
            let arcs: Result<Vec<u32>, _> = oid.split('.').map(str::parse).collect();
            lines.entry(arcs?).or_insert_with(|| line.to_owned());
        }
    }
    let name = parts.join("+").replace('/', "-");
    let file = folder.join(name).with_extension("snmprec");
    let lines: Vec<String> = lines.into_values().collect();
    std::fs::write(&file, lines.join("\n") + "\n")?;
    Ok(Recording::at(&file))
}
