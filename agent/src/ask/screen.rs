//! What a device says, for people: what is the matter first, then what it is and what it has left.

use std::fmt::Write as _;

use super::Answer;
use super::words::{self, Both};
use crate::check::Language;
use crate::sources::device::ask::{Asked, Attempt};
use crate::sources::device::said::{Interface, Level, Origin, Said, Supply, Ups};

/// Longer names push the rest of their line.
const NAME: usize = 30;

/// Longer ones are cut: a device may say anything.
const LONGEST: usize = 80;

/// Cells of a bar.
const CELLS: usize = 20;

/// Lines of a table; what is left out is counted.
const LINES: usize = 60;

pub(super) fn text(answer: &Answer, language: Language) -> String {
    let mut screen = Screen {
        text: String::new(),
        language,
    };
    let said = &answer.asked.said;
    if answer.is_answered() {
        screen.head(answer, said);
        screen.matter(said);
        screen.facts(said);
        screen.supplies(said);
        screen.trays(said);
        screen.ups(said.ups.as_ref());
        screen.interfaces(&said.interfaces);
    } else {
        let silent = ("không trả lời.", "does not answer.");
        let target = answer.target.to_string();
        let silent = screen.pick(silent);
        screen.line(&format!("✗ {target} {silent}"));
    }
    screen.how(answer);
    screen.text
}

struct Screen {
    text: String,
    language: Language,
}

impl Screen {
    fn pick(&self, (vi, en): Both) -> &'static str {
        self.language.pick(vi, en)
    }

    fn line(&mut self, text: &str) {
        // What devices say may hold what commands a terminal.
        self.text.extend(
            text.trim_end()
                .chars()
                .map(|c| if c.is_control() { '·' } else { c }),
        );
        self.text.push('\n');
    }

    fn title(&mut self, title: Both) {
        self.text.push('\n');
        self.line(self.pick(title));
    }

    fn head(&mut self, answer: &Answer, said: &Said) {
        let model = [&said.vendor, &said.model, &said.name];
        let [vendor, model, name] = model.map(|text| text.as_deref().unwrap_or_default());
        let model = match (vendor, model) {
            (vendor, model) if model.to_lowercase().contains(&vendor.to_lowercase()) => {
                model.to_owned()
            }
            (vendor, model) => format!("{vendor} {model}"),
        };
        let shown = if model.trim().is_empty() {
            name
        } else {
            model.trim()
        };
        let kind = self.pick(words::kind(said.kind));
        let shown = short(shown);
        let target = &answer.target;
        let dash = if shown.is_empty() { "" } else { " — " };
        self.line(&format!("{shown}{dash}{kind}, {target}"));
    }

    /// What somebody has to do something about.
    fn matter(&mut self, said: &Said) {
        let mut matters: Vec<(Both, Both)> = Vec::new();
        let conditions = said.conditions.iter().flatten();
        matters.extend(conditions.map(|condition| words::condition(*condition)));
        matters.extend(said.ups.iter().flat_map(of_ups));
        for (matter, action) in &matters {
            let (matter, action) = (self.pick(*matter), self.pick(*action));
            self.line(&format!("✗ {matter} → {action}"));
        }
        if matters.is_empty() && (said.conditions.is_some() || said.ups.is_some()) {
            self.line(self.pick(("✓ Không báo lỗi gì", "✓ Nothing is the matter")));
        }
        for message in &said.messages {
            self.line(&format!("  “{}”", short(message)));
        }
    }

    fn facts(&mut self, said: &Said) {
        self.text.push('\n');
        self.fact(("Số sê-ri", "Serial number"), said.serial.clone());
        self.fact(("Phần mềm", "Firmware"), said.firmware.clone());
        self.fact(("Tên", "Name"), said.name.clone());
        let up = said.uptime_seconds.map(|seconds| self.duration(seconds));
        self.fact(("Đã chạy", "Up for"), up);
        let status = said
            .status
            .map(|status| self.pick(words::status(status)).to_owned());
        self.fact(("Trạng thái", "State"), status);
        self.fact(
            ("Số trang đã in", "Pages made"),
            said.pages_total.map(grouped),
        );
        self.fact(
            ("Lệnh in đang chờ", "Jobs waiting"),
            said.queued_jobs.map(grouped),
        );
        self.fact(("Bộ xử lý", "Processor"), said.cpu_usage_ratio.map(percent));
        let free = said.memory_available_bytes.zip(said.memory_size_bytes);
        let of = self.language.pick("trống trên", "free of");
        let free = free.map(|(free, size)| format!("{} {of} {}", bytes(free), bytes(size)));
        self.fact(("Bộ nhớ", "Memory"), free);
    }

    fn fact(&mut self, name: Both, value: Option<String>) {
        if let Some(value) = value {
            let name = self.pick(name);
            self.line(&format!("{name:<18}{}", short(&value)));
        }
    }

    fn supplies(&mut self, said: &Said) {
        if !said.supplies.is_empty() {
            self.title(("Mực và vật tư", "Supplies"));
        }
        for supply in said.supplies.iter().take(LINES) {
            let Supply {
                description,
                receptacle,
                level,
                ..
            } = supply;
            let space = ("chỗ trống", "space left");
            let unit = if *receptacle { self.pick(space) } else { "" };
            self.level(description, *level, unit);
        }
        self.left_out(said.supplies.len());
    }

    fn trays(&mut self, said: &Said) {
        if !said.trays.is_empty() {
            self.title(("Khay giấy", "Paper trays"));
        }
        for tray in said.trays.iter().take(LINES) {
            self.level(&tray.name, tray.level, "");
        }
        self.left_out(said.trays.len());
    }

    fn level(&mut self, name: &str, level: Level, unit: &str) {
        let shown = match level {
            Level::Measured(ratio) => format!("{} {:>5} {unit}", bar(ratio), percent(ratio)),
            other => self.pick(words::no_number(other)).to_owned(),
        };
        self.line(&format!("  {:<NAME$}  {shown}", short(name)));
    }

    fn ups(&mut self, ups: Option<&Ups>) {
        let Some(ups) = ups else {
            return;
        };
        self.title(("Bộ lưu điện", "UPS"));
        let power = ups.on_battery.map(|on_battery| {
            let battery = ("ắc quy", "battery");
            let mains = ("điện lưới", "mains");
            self.pick(if on_battery { battery } else { mains })
                .to_owned()
        });
        self.fact(("Nguồn điện", "Power"), power);
        self.fact(("Ắc quy", "Battery"), ups.battery_ratio.map(percent));
        let runtime = ups.runtime_seconds.map(|seconds| self.duration(seconds));
        self.fact(("Còn chạy được", "Would last"), runtime);
        self.fact(("Tải", "Load"), ups.load_ratio.map(percent));
    }

    fn interfaces(&mut self, interfaces: &[Interface]) {
        if interfaces.is_empty() {
            return;
        }
        self.title(("Cổng mạng", "Interfaces"));
        let head = self.language.pick(
            ["Tên", "Nối", "Tốc độ", "Nhận", "Gửi", "Lỗi"],
            ["Name", "Link", "Speed", "Received", "Sent", "Errors"],
        );
        self.row(&head.map(str::to_owned));
        for interface in interfaces.iter().take(LINES) {
            let row = self.interface(interface);
            self.row(&row);
        }
        self.left_out(interfaces.len());
    }

    fn interface(&self, interface: &Interface) -> [String; 6] {
        let wan = if interface.wan { " (WAN)" } else { "" };
        let link = match (interface.enabled, interface.up) {
            (Some(false), _) => self.pick(("tắt", "off")),
            (_, Some(true)) => self.pick(("có", "up")),
            (_, Some(false)) => self.pick(("không", "down")),
            (_, None) => "?",
        };
        let speed = interface.speed_bits_per_second.filter(|speed| *speed > 0);
        let errors = [
            interface.receive_errors_total,
            interface.transmit_errors_total,
        ];
        let errors = errors.iter().flatten().copied().reduce(u64::saturating_add);
        let shown =
            |value: Option<u64>, show: fn(u64) -> String| value.map_or_else(String::new, show);
        [
            format!("{}{wan}", short(&interface.name)),
            link.to_owned(),
            shown(speed, bits),
            shown(interface.receive_bytes_total, bytes),
            shown(interface.transmit_bytes_total, bytes),
            shown(errors, grouped),
        ]
    }

    fn row(&mut self, [name, link, speed, received, sent, errors]: &[String; 6]) {
        self.line(&format!(
            "  {name:<NAME$}  {link:<6} {speed:>10} {received:>10} {sent:>10} {errors:>8}"
        ));
    }

    fn left_out(&mut self, all: usize) {
        if let Some(more) = all.checked_sub(LINES).filter(|more| *more > 0) {
            let text = self.language.pick("… và {} nữa", "… and {} more");
            self.line(&format!("  {}", text.replace("{}", &more.to_string())));
        }
    }

    /// By which protocols, and what they did not say.
    fn how(&mut self, answer: &Answer) {
        self.text.push('\n');
        let Asked { said, attempts, .. } = &answer.asked;
        if attempts.is_empty() && self.language == Language::Vi {
            self.line("Không tìm thấy tên này; dùng địa chỉ IP của thiết bị.");
        }
        for attempt in attempts {
            let protocol = match (attempt.protocol, answer.version) {
                (Origin::Snmp, Some(version)) => format!("SNMP {version}"),
                (Origin::Snmp, None) => "SNMP".to_owned(),
                (Origin::Ipp, _) => "IPP".to_owned(),
            };
            let told = match self.language {
                Language::Vi => words::outcome(attempt.outcome),
                Language::En => attempt.problem.as_deref().unwrap_or("answered"),
            };
            let took = attempt.took.as_secs_f64();
            self.line(&format!("{protocol}: {told} ({took:.1} s)"));
        }
        let language = self.language;
        // What readers noted is in English, as programs and devices are.
        let is_told = |problem: &&String| {
            // What is missing in part has no word in Vietnamese.
            let is_whole = |it: &&Attempt| language == Language::En || it.outcome != "partly";
            let whole = attempts.iter().filter(is_whole);
            let mut whole = whole.filter_map(|attempt| attempt.problem.as_ref());
            whole.any(|whole| problem.ends_with(whole.as_str()))
        };
        for problem in said.problems.iter().filter(|problem| !is_told(problem)) {
            self.line(&format!("– {problem}"));
        }
    }

    fn duration(&self, seconds: f64) -> String {
        let minutes = (seconds / 60.0).floor();
        let (hours, days) = ((minutes / 60.0).floor(), (minutes / 1440.0).floor());
        let day = if days < 2.0 { "day" } else { "days" };
        let [day, hour, minute] = self
            .language
            .pick(["ngày", "giờ", "phút"], [day, "h", "min"]);
        if days >= 1.0 {
            format!("{days} {day} {} {hour}", hours - days * 24.0)
        } else if hours >= 1.0 {
            format!("{hours} {hour} {} {minute}", minutes - hours * 60.0)
        } else {
            format!("{minutes} {minute}")
        }
    }
}

/// What is the matter with a UPS.
fn of_ups(ups: &Ups) -> impl Iterator<Item = (Both, Both)> {
    let on_battery = (
        (
            "Mất điện lưới, đang chạy bằng ắc quy",
            "The mains are off; it runs on battery",
        ),
        (
            "lưu việc đang làm, xem lại nguồn điện",
            "save your work, and look at the power",
        ),
    );
    let low = (
        ("Ắc quy sắp cạn", "The battery is nearly empty"),
        ("tắt máy tính ngay", "shut the computers down now"),
    );
    let replace = (
        ("Ắc quy đã hỏng", "The battery is worn out"),
        ("thay ắc quy", "replace it"),
    );
    let told = [
        (ups.on_battery, on_battery),
        (ups.battery_low, low),
        (ups.battery_replace, replace),
    ];
    let told = told.into_iter().filter(|(is, _)| *is == Some(true));
    told.map(|(_, matter)| matter)
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn bar(ratio: f64) -> String {
    let mut bar = String::from("[");
    for cell in 0..CELLS {
        #[expect(clippy::cast_precision_loss, reason = "there are few cells")]
        let is_full = (cell as f64) < ratio * CELLS as f64;
        bar.push(if is_full { '█' } else { '·' });
    }
    bar.push(']');
    bar
}

fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}

/// `12 345`, which reads the same in both languages.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn bytes(number: u64) -> String {
    scaled(number, 1024.0, ["B", "KiB", "MiB", "GiB", "TiB"])
}

fn bits(number: u64) -> String {
    scaled(
        number,
        1000.0,
        ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"],
    )
}

fn scaled(number: u64, step: f64, units: [&str; 5]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let mut number = number as f64;
    let mut text = String::new();
    for (index, unit) in units.iter().enumerate() {
        if number < step || index + 1 == units.len() {
            let digits = usize::from(number.fract() != 0.0 && number < 10.0);
            // Writing to a text cannot fail.
            let _ = write!(text, "{number:.digits$} {unit}");
            break;
        }
        number /= step;
    }
    text
}
