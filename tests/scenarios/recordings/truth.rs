//! What `/metrics` has to show of a recorded device, from the truth that was derived from the MIBs: pure.
//!
//! Whatever the truth holds is compared both ways: a series too many is as wrong as one that is missing.

use serde_json::Value as Json;

use super::values::{INTERFACE, PRINTER, Values, unique};

/// Of an interface, in the truth.
const COUNTERS: [(&str, &str); 6] = [
    ("interface_receive_bytes_total", "in_octets"),
    ("interface_transmit_bytes_total", "out_octets"),
    ("interface_receive_errors_total", "in_errors"),
    ("interface_transmit_errors_total", "out_errors"),
    ("interface_receive_drops_total", "in_discards"),
    ("interface_transmit_drops_total", "out_discards"),
];

/// What must be shown of a recording, by a version of SNMP that has numbers of 64 bits or has not.
pub fn expected(truth: &Json, has_wide_numbers: bool) -> Values {
    let mut values = Values::default();
    if truth["printer"].is_object() {
        values.printer(&truth["printer"]);
    }
    if let Some(interfaces) = truth["interfaces"].as_array() {
        values.interfaces(interfaces, has_wide_numbers);
    }
    values.processors(truth);
    values.memory(truth);
    values.ups(&truth["ups"]);
    values
}

impl Values {
    fn printer(&mut self, truth: &Json) {
        self.judge(&PRINTER);
        let supplies = truth["supplies"].as_array().unwrap();
        let names = unique(supplies.iter().map(|supply| text(&supply["description"])));
        for (supply, name) in supplies.iter().zip(&names) {
            let named = ("supply", name.as_str());
            self.level(
                ["printer_supply_ratio", "printer_supply_state"],
                named,
                supply,
            );
            let receptacle = supply["receptacle"].to_string();
            let info = [
                named,
                ("type", text(&supply["type"])),
                ("receptacle", &receptacle),
            ];
            self.put("printer_supply_info", &info, 1.0);
        }
        let inputs = truth["inputs"].as_array().unwrap();
        let names: Vec<String> = inputs.iter().map(tray).collect();
        let names = unique(names.iter().map(String::as_str));
        for (input, name) in inputs.iter().zip(&names) {
            let metrics = ["printer_tray_level_ratio", "printer_tray_state"];
            self.level(metrics, ("tray", name), input);
        }
        let pages = truth["life_count"][0]["count"].as_f64();
        self.put_some("printer_pages_total", &[], pages);
        let status = status(truth).map(|status| [("status", status)]);
        if let Some(status) = &status {
            self.put("printer_status", status, 1.0);
        }
        let bits = &truth["hrPrinterDetectedErrorState"]["1"]["bits"];
        for bit in bits.as_array().into_iter().flatten() {
            self.put("printer_condition", &[("condition", condition(bit))], 1.0);
        }
        match truth["serial"].as_str() {
            Some(serial) => self.put("serial", &[("is", serial)], 1.0),
            None => self.forgive(|metric| metric == "serial"),
        }
    }

    fn level(&mut self, [ratio, state]: [&'static str; 2], name: (&str, &str), truth: &Json) {
        let percent = truth["percent"].as_f64();
        self.put_some(ratio, &[name], percent.map(|percent| percent / 100.0));
        let semantics = text(&truth["semantics"]);
        let word = match percent {
            Some(_) => "measured",
            None if semantics.starts_with("some_remaining") => "some_remaining",
            None if semantics.starts_with("no_restriction") => "unlimited",
            None => "unknown",
        };
        self.put(state, &[name, ("state", word)], 1.0);
    }

    fn interfaces(&mut self, truth: &[Json], has_wide_numbers: bool) {
        self.judge(&INTERFACE);
        let name = |one: &Json| match text(&one["name"]) {
            "" => text(&one["descr"]).to_owned(),
            name => name.to_owned(),
        };
        let names: Vec<String> = truth.iter().map(name).collect();
        for (one, name) in truth.iter().zip(unique(names.iter().map(String::as_str))) {
            let named = [("interface", name.as_str())];
            let is_up = |status: &Json| match text(status) {
                "" | "unknown" => None,
                word => Some(f64::from(u8::from(word == "up"))),
            };
            self.put_some("interface_up", &named, is_up(&one["oper"]));
            self.put_some("interface_enabled", &named, is_up(&one["admin"]));
            let speed = one["speed_bps"].as_f64().filter(|speed| *speed > 0.0);
            self.put_some("interface_speed_bits_per_second", &named, speed);
            // Those of 32 bits that such a device may have too are not in the truth.
            let is_told = has_wide_numbers || one["octets_bits"] != 64;
            let is_compared = |metric: &str| is_told || !metric.contains("bytes");
            self.forgive(|metric| !is_compared(metric));
            let counters = COUNTERS.iter().filter(|(metric, _)| is_compared(metric));
            for (metric, field) in counters {
                self.put_some(metric, &named, one[*field].as_f64());
            }
        }
    }

    /// The standard's average, or the first of the maker's figures, which is for all processors.
    fn processors(&mut self, truth: &Json) {
        let average = truth["host"]["hrProcessorLoad"]["average"].as_f64();
        let percent = average.or(truth["cpu_readings"][0]["percent"].as_f64());
        if let Some(percent) = percent {
            self.put("cpu_usage_ratio", &[], percent / 100.0);
        }
    }

    fn memory(&mut self, truth: &Json) {
        let readings = truth["memory_readings"].as_array().into_iter().flatten();
        let mut main = readings.filter(|one| {
            let name = text(&one["descr"]).to_lowercase();
            !name.contains("virtual") && !name.contains("flash")
        });
        let Some(percent) = main.next().and_then(|one| one["librenms_percent"].as_f64()) else {
            return;
        };
        self.put("memory_used_percent", &[], percent);
        let mut storage = truth["host"]["hrStorage"].as_array().into_iter().flatten();
        let ram = storage.find(|row| row["type"] == "ram");
        if let Some(size) = ram.and_then(|ram| ram["size_bytes"].as_f64()) {
            self.put("memory_size_bytes", &[], size);
        }
    }

    fn ups(&mut self, truth: &Json) {
        let truth_of = |is: bool| Some(f64::from(u8::from(is)));
        let standard = &truth["UPS-MIB"];
        if standard.is_object() {
            let minutes = standard["estimatedMinutesRemaining"].as_f64();
            let minutes = minutes.filter(|minutes| *minutes < f64::from(u32::MAX));
            let share = |value: &Json| value.as_f64().map(|percent| percent / 100.0);
            let load = &standard["outputPercentLoad"]["1"];
            for (name, value) in [
                ("ups_on_battery", truth_of(standard["outputSource"] == 5)),
                (
                    "ups_battery_ratio",
                    share(&standard["estimatedChargeRemaining"]),
                ),
                ("ups_runtime_seconds", minutes.map(|minutes| minutes * 60.0)),
                ("ups_load_ratio", share(load)),
                ("ups_battery_low", truth_of(standard["batteryStatus"] != 2)),
            ] {
                self.put_some(name, &[], value);
            }
        }
        let apc = &truth["PowerNet-MIB"];
        if apc.is_object() {
            let tenths = |name: &str| apc[name].as_f64().map(|tenths| tenths / 1000.0);
            let ticks = apc["runtimeRemaining_ticks"].as_f64();
            for (name, value) in [
                ("ups_on_battery", truth_of(apc["basicOutputStatus"] == 3)),
                ("ups_battery_ratio", tenths("capacity_hiprec_0.1pct")),
                ("ups_runtime_seconds", ticks.map(|ticks| ticks / 100.0)),
                ("ups_load_ratio", tenths("outputLoad_hiprec_0.1pct")),
                (
                    "ups_battery_replace",
                    truth_of(apc["replaceIndicator"] == 2),
                ),
            ] {
                self.put_some(name, &[], value);
            }
        }
    }
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// One without a name has a number: a tray is called something.
fn tray(input: &Json) -> String {
    let number = text(&input["index"]).rsplit('.').next();
    match text(&input["name"]) {
        "" => format!("tray {}", number.unwrap_or_default()),
        name => name.to_owned(),
    }
}

/// From the names of bits in the truth.
fn condition(bit: &Json) -> &'static str {
    match text(bit) {
        "jammed" => "jam",
        "doorOpen" => "cover_open",
        "inputTrayEmpty" | "noPaper" => "paper_empty",
        "lowPaper" => "paper_low",
        "noToner" => "toner_empty",
        "lowToner" => "toner_low",
        "offline" => "offline",
        "serviceRequested" => "service",
        other => panic!("no word for {other}"),
    }
}

/// From the names of both states in the truth, by the table of RFC 3805.
fn status(truth: &Json) -> Option<&str> {
    let name = |of: &str| truth[of]["1"]["name"].as_str();
    match (name("hrDeviceStatus"), name("hrPrinterStatus")) {
        (Some("running"), Some("other")) => Some("standby"),
        (Some("down"), _) => Some("stopped"),
        (_, printer) => printer,
    }
}
