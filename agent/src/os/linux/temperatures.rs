//! Temperature sensors of `/sys/class/hwmon`, or `/sys/class/thermal` where no chip has any.
//!
//! Virtual machines and many routers have none. A sensor without a device behind it cannot be read
//! and is left out.

use std::path::{Path, PathBuf};

use super::super::{Root, Temperature};

/// Every sensor that can be read, in the kernel's order.
#[must_use]
pub fn temperatures(root: &Root) -> Vec<Temperature> {
    let chips = sorted(&root.join("sys/class/hwmon"));
    let sensors: Vec<Temperature> = chips.iter().flat_map(|chip| of_chip(chip)).collect();
    if !sensors.is_empty() {
        return sensors;
    }
    let zones = sorted(&root.join("sys/class/thermal"));
    zones.iter().filter_map(|zone| of_zone(zone)).collect()
}

/// `name`, and for each sensor `tempN_input`, often with `tempN_label`.
fn of_chip(chip: &Path) -> Vec<Temperature> {
    let name = text(&chip.join("name")).unwrap_or_default();
    let sensor = |input: &PathBuf| {
        let number = input.file_name()?.to_str()?.strip_suffix("_input")?;
        let number = number.strip_prefix("temp")?;
        let celsius = celsius(input)?;
        let label = text(&chip.join(format!("temp{number}_label")));
        let label = label.unwrap_or_else(|| number.to_owned());
        let sensor = format!("{name} {label}").trim().to_owned();
        Some(Temperature { sensor, celsius })
    };
    sorted(chip).iter().filter_map(sensor).collect()
}

fn of_zone(zone: &Path) -> Option<Temperature> {
    let celsius = celsius(&zone.join("temp"))?;
    let sensor = text(&zone.join("type"))?;
    Some(Temperature { sensor, celsius })
}

fn celsius(path: &Path) -> Option<f64> {
    let millidegrees: i32 = text(path)?.parse().ok()?;
    Some(f64::from(millidegrees) / 1000.0)
}

fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The entries of a folder, `temp2` before `temp10`.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    paths
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[(&str, f64)]) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join("sys/class").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = temperatures(&Root(folder.path().to_owned()));
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.sensor.as_str(), one.celsius))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn chips_come_first_and_zones_only_without_them() {
        check(&[], &[]);
        let zone = [
            ("thermal/thermal_zone0/type", "acpitz\n"),
            ("thermal/thermal_zone0/temp", "27800\n"),
            ("thermal/cooling_device0/type", "Processor\n"),
        ];
        check(&zone, &[("acpitz", 27.8)]);
        let chips = [
            ("hwmon/hwmon0/name", "coretemp\n"),
            ("hwmon/hwmon0/temp1_input", "61000\n"),
            ("hwmon/hwmon0/temp1_label", "Package id 0\n"),
            ("hwmon/hwmon0/temp10_input", "-5500\n"),
            ("hwmon/hwmon0/temp2_input", "60000\n"),
            ("hwmon/hwmon0/temp3_input", "nonsense\n"),
            ("hwmon/hwmon0/temp1_max", "100000\n"),
        ];
        let both: Vec<_> = zone.iter().chain(&chips).copied().collect();
        let expected = [
            ("coretemp Package id 0", 61.0),
            ("coretemp 2", 60.0),
            ("coretemp 10", -5.5),
        ];
        check(&both, &expected);
    }
}
