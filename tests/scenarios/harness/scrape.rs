//! Reads `/metrics` as Prometheus does, and says of what is missing what came nearest.
//!
//! `metric("dawnwatch_agent_up").label("centre", "cong-son").is(1.0).in_(&page)`
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::fmt;

/// The values shown at one moment.
#[derive(Debug, Default)]
pub struct Page {
    /// In the page's order.
    pub samples: Vec<Sample>,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Of the series, with `_bucket` and the like.
    pub name: String,
    /// All of them.
    pub labels: BTreeMap<String, String>,
    /// Newest.
    pub value: f64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        write!(f, "{}{{{}}} {}", self.name, labels.join(","), self.value)
    }
}

/// Fetches a page as text.
pub async fn fetch(url: &str) -> Result<String, String> {
    // Fails when one is installed already. No address here is one of TLS, but the client wants to know.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let response = reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(5))
        .build()
        .and_then(|client| client.get(url).build().map(|request| (client, request)));
    let (client, request) = response.map_err(|error| error.to_string())?;
    let response = client
        .execute(request)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let text = response.text().await.map_err(|error| error.to_string())?;
    if status.is_success() {
        Ok(text)
    } else {
        Err(format!("{url}: {status}: {text}"))
    }
}

impl Page {
    /// Reads the text format. Comments are skipped; a line that is no sample is an error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let samples = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| parse_sample(line).ok_or_else(|| format!("no sample: {line}")))
            .collect::<Result<_, _>>()?;
        Ok(Self { samples })
    }
}

fn parse_sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = unquote(after)?;
            labels.insert(label.to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.split_whitespace().next()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().ok()?,
    })
}

/// The value of a label and what follows its closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((position, c)) = characters.next() {
        match c {
            '"' => return Some((value, text.get(position + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            c => value.push(c),
        }
    }
    None
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    name: String,
    labels: Vec<(String, String)>,
    value: Option<f64>,
}

/// Looks for a series by name.
pub fn metric(name: &str) -> Wanted {
    Wanted {
        name: name.to_owned(),
        labels: Vec::new(),
        value: None,
    }
}

impl Wanted {
    /// Which has this label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whose value is this.
    pub fn is(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// All that match.
    pub fn all_in<'a>(&self, page: &'a Page) -> Vec<&'a Sample> {
        let matching = |sample: &&Sample| self.misses(sample) == (0, 0);
        page.samples.iter().filter(matching).collect()
    }

    /// The value of the first that matches; the error says what came nearest.
    pub fn found_in(&self, page: &Page) -> Result<f64, String> {
        match self.all_in(page).first() {
            Some(sample) => Ok(sample.value),
            None => Err(format!("no {self}; {}", self.nearest(page))),
        }
    }

    /// The same, for what must be there now.
    #[track_caller]
    pub fn in_(&self, page: &Page) -> f64 {
        self.found_in(page)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// That nothing matches; the error says what does.
    pub fn absent_from(&self, page: &Page) -> Result<(), String> {
        match self.all_in(page).first() {
            Some(sample) => Err(format!("still there: {sample}")),
            None => Ok(()),
        }
    }

    /// How far a sample is from what is wanted: name and labels first, then value.
    fn misses(&self, sample: &Sample) -> (usize, usize) {
        if sample.name != self.name {
            return (usize::MAX, 0);
        }
        let has = |(name, value): &&(String, String)| sample.labels.get(name) == Some(value);
        let labels = self.labels.iter().filter(|label| !has(label)).count();
        #[allow(clippy::float_cmp, reason = "whole numbers are asked for")]
        let value = self.value.is_some_and(|value| value != sample.value);
        (labels, usize::from(value))
    }

    fn nearest(&self, page: &Page) -> String {
        let of_name = page
            .samples
            .iter()
            .filter(|sample| sample.name == self.name);
        if let Some(sample) = of_name.min_by_key(|sample| self.misses(sample)) {
            return format!("the nearest is {sample}");
        }
        let common = |sample: &&Sample| {
            let pairs = sample.name.chars().zip(self.name.chars());
            pairs.take_while(|(a, b)| a == b).count()
        };
        match page.samples.iter().max_by_key(common) {
            Some(sample) => format!("no such metric, the nearest is {sample}"),
            None => "the page is empty".into(),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        write!(f, "{}{{{}}}", self.name, labels.join(","))?;
        self.value.map_or(Ok(()), |value| write!(f, " {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# HELP up Whether.
# TYPE up gauge
up{centre="cong-son",device="pc-1"} 1
up{centre="dong-dang",device="pc-1"} 0
no_labels 1e3
text{a="x\\y\"z\nä, }b",c=""} +Inf 1700000000000
"#;

    fn page() -> Page {
        Page::parse(PAGE).expect("a page")
    }

    #[test]
    fn a_page_is_read_as_it_is_written() {
        let page = page();
        assert_eq!(page.samples.len(), 4);
        assert_eq!(metric("no_labels").in_(&page), 1e3);
        let odd = metric("text").label("a", "x\\y\"z\nä, }b").label("c", "");
        assert_eq!(odd.in_(&page), f64::INFINITY);
        assert!(Page::parse("up{a=\"b} 1").is_err());
        assert!(Page::parse("up{a=\"b\"}").is_err());
        assert!(Page::parse("up one").is_err());
    }

    #[test]
    fn what_is_missing_is_told_by_what_is_nearest() {
        let check = |wanted: Wanted, expected: &str| {
            let error = wanted.found_in(&page()).expect_err("missing");
            assert!(error.contains(expected), "{error}");
        };
        let up = metric("up").label("centre", "dong-dang");
        assert_eq!(up.found_in(&page()), Ok(0.0));
        check(
            up.clone().is(1.0),
            r#"nearest is up{centre="dong-dang",device="pc-1"} 0"#,
        );
        check(
            up.label("device", "pc-2"),
            r#"nearest is up{centre="dong-dang",device="pc-1"} 0"#,
        );
        check(
            metric("no_label"),
            "no such metric, the nearest is no_labels",
        );
        assert!(metric("up").absent_from(&page()).is_err());
        assert_eq!(metric("down").absent_from(&page()), Ok(()));
    }
}
