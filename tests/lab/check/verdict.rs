//! What a check told, read as its contract has it. What is not as it should be is returned in words.

use std::time::Duration;

use serde_json::Value;

/// Segment and fault.
pub type Saw = (&'static str, &'static str);

/// All is well.
pub const NONE: Saw = ("", "none");

/// Where something can be, beside nowhere.
const SEGMENTS: [&str; 9] = [
    "device", "lan", "gateway", "line", "isp", "core", "dns", "service", "route",
];

/// What a check told a program.
#[derive(Debug)]
pub struct Told {
    pub who: &'static str,
    pub json: Value,
    pub code: Option<i32>,
    pub took: Duration,
}

/// What it told a person.
#[derive(Debug)]
pub struct Read {
    pub text: String,
    pub code: Option<i32>,
    pub took: Duration,
    /// When each line was first seen.
    pub came: Vec<Duration>,
}

impl Told {
    /// What is not as the contract has it, or not what is to be seen.
    pub fn mistakes(&self, (segment, fault): Saw) -> Vec<String> {
        let mut mistakes = self.breaches();
        let verdict = &self.json["verdict"];
        let seen = verdict["segment"].as_str().unwrap_or_default();
        if (seen, verdict["fault"].as_str()) != (segment, Some(fault)) {
            mistakes.push(format!("sees {verdict:#}"));
        }
        if self.code != Some(i32::from(fault != "none")) {
            mistakes.push(format!("ends with {:?}", self.code));
        }
        let said = mistakes.iter().map(|one| format!("{} {one}", self.who));
        said.collect()
    }

    fn breaches(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        let verdict = &self.json["verdict"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for sentence in ["sentence", "action"] {
            let (vi, en) = (&verdict[sentence]["vi"], &verdict[sentence]["en"]);
            if text(vi).is_empty() || text(en).is_empty() || vi == en {
                breaches.push(format!("has no {sentence} in two languages: {verdict:#}"));
            }
        }
        let confidence = verdict["confidence"].as_f64().unwrap_or(-1.0);
        if !(0.0..=1.0).contains(&confidence) {
            breaches.push(format!("is {confidence} sure"));
        }
        let steps = self.json["steps"].as_array().cloned().unwrap_or_default();
        if steps.is_empty() {
            breaches.push("took no step".to_owned());
        }
        for step in steps {
            let known = SEGMENTS.contains(&text(&step["segment"]).as_str());
            if !known || text(&step["outcome"]).is_empty() || !step["target"].is_string() {
                breaches.push(format!("took an odd step: {step}"));
            }
        }
        breaches
    }

    /// The sentence and what to do, in one language.
    pub fn said(&self, language: &str) -> [String; 2] {
        let verdict = &self.json["verdict"];
        ["sentence", "action"].map(|what| {
            let said = verdict[what][language].as_str();
            said.unwrap_or_default().to_owned()
        })
    }

    /// The outcomes of the steps that looked at this.
    pub fn outcomes(&self, target: &str) -> Vec<&str> {
        let steps = self.json["steps"].as_array();
        let steps = steps.into_iter().flatten();
        let of_target = steps.filter(|step| step["target"] == target);
        of_target
            .filter_map(|step| step["outcome"].as_str())
            .collect()
    }

    /// What could not be measured.
    pub fn limitations(&self) -> Vec<String> {
        let limitations = self.json["limitations"].as_array();
        let limitations = limitations.into_iter().flatten();
        limitations
            .map(|one| one.as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

impl Read {
    /// A person is told to do the same as a program is told.
    pub fn says_what_to_do(&self, told: &Told, language: &str) -> Option<String> {
        let [_, action] = told.said(language);
        let expected = format!("→ {action}");
        let is_said = self.text.lines().any(|line| line == expected);
        (!is_said || self.code != told.code).then(|| {
            format!(
                "a person reads, with {:?}, not {expected:?}: {}",
                self.code, self.text
            )
        })
    }

    /// It told each step when it was done, not all of them in the end.
    pub fn came_bit_by_bit(&self) -> Option<String> {
        let half = self.took / 2;
        let early = self.came.iter().filter(|at| **at < half).count();
        let late = self.came.len() - early;
        (early == 0 || late == 0).then(|| format!("lines came at {:?}", self.came))
    }
}
