//! Reads a recorded trace: CSV with a quoted header, `timestamp_ms` first, then one column for each
//! series, named as in Prometheus' text format. A second line may say `type` and then each one's
//! kind. An empty cell was not measured at that time.

use anyhow::{Context as _, bail, ensure};

/// What was recorded.
#[derive(Debug, PartialEq)]
pub(crate) struct Trace {
    pub(crate) series: Vec<Series>,
    pub(crate) scrapes: Vec<Scrape>,
}

/// A column.
#[derive(Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// Sorted by name.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) is_counter: bool,
}

/// A row.
#[derive(Debug, PartialEq)]
pub(crate) struct Scrape {
    pub(crate) time_unix_ms: i64,
    /// By column; the absent are left out.
    pub(crate) values: Vec<(usize, f64)>,
}

impl Trace {
    pub(crate) fn samples(&self) -> usize {
        self.scrapes.iter().map(|scrape| scrape.values.len()).sum()
    }
}

pub(crate) fn parse(text: &str) -> anyhow::Result<Trace> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().context("it is empty")?;
    let mut names = cells(header).context("line 1")?.into_iter();
    let first = names.next().unwrap_or_default();
    ensure!(
        first == "timestamp_ms",
        "line 1: the first column is {first:?}, not timestamp_ms"
    );
    let mut series = names
        .map(|name| self::series(&name).with_context(|| format!("line 1: the column {name:?}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(
        !series.is_empty(),
        "line 1: there is no column but timestamp_ms"
    );
    let mut scrapes = Vec::new();
    for (number, line) in lines {
        let row = cells(line).with_context(|| format!("line {number}"))?;
        ensure!(
            row.len() == series.len() + 1,
            "line {number} has {} cells, line 1 has {}",
            row.len(),
            series.len() + 1
        );
        if row.first().is_some_and(|cell| cell == "type") {
            for (series, kind) in series.iter_mut().zip(row.iter().skip(1)) {
                series.is_counter = kind == "counter";
            }
        } else {
            scrapes.push(scrape(&row).with_context(|| format!("line {number}"))?);
        }
    }
    let trace = Trace { series, scrapes };
    ensure!(trace.samples() > 0, "it holds no measurement");
    Ok(trace)
}

/// The cells of a line, without quotes.
fn cells(line: &str) -> anyhow::Result<Vec<String>> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(cell) = cells.last_mut() else { break };
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            _ => cell.push(character),
        }
    }
    ensure!(!quoted, "a quote is not closed");
    Ok(cells)
}

fn series(text: &str) -> anyhow::Result<Series> {
    let (name, mut rest) = match text.split_once('{') {
        Some((name, rest)) => {
            let rest = rest
                .strip_suffix('}')
                .context("its labels do not end with }")?;
            (name, rest)
        }
        None => (text, ""),
    };
    ensure!(!name.is_empty(), "it has no name");
    let mut labels = Vec::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").context("a label has no =\"")?;
        let Some((value, after)) = after.split_once('"') else {
            bail!("the value of the label {label:?} has no end");
        };
        labels.push((label.to_owned(), value.to_owned()));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    labels.sort();
    Ok(Series {
        is_counter: name.ends_with("_total"),
        name: name.to_owned(),
        labels,
    })
}

fn scrape(row: &[String]) -> anyhow::Result<Scrape> {
    let mut cells = row.iter().map(|cell| cell.trim());
    let time = cells.next().unwrap_or_default();
    let time_unix_ms = time
        .parse()
        .with_context(|| format!("{time:?} is no time in Unix milliseconds"))?;
    let mut values = Vec::new();
    for (column, cell) in cells.enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let value = cell
            .parse()
            .with_context(|| format!("{cell:?} in column {} is no number", column + 2))?;
        values.push((column, value));
    }
    Ok(Scrape {
        time_unix_ms,
        values,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_trace_is_read() {
        let text = "timestamp_ms,up,\"cpu_total{mode=\"\"user\"\",cpu=\"\"a,b\"\"}\"\n\
                    type,gauge,counter\n\n5,1,2.5\n20,,NaN\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.samples(), 3);
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = vec![label("cpu", "a,b"), label("mode", "user")];
        assert_eq!(
            (&*trace.series[1].name, &trace.series[1].labels),
            ("cpu_total", &labels)
        );
        assert!(trace.series[1].is_counter && !trace.series[0].is_counter);
        assert_eq!(trace.scrapes[0].values, [(0, 1.0), (1, 2.5)]);
        assert_eq!(
            (trace.scrapes[1].time_unix_ms, trace.scrapes[1].values[0].0),
            (20, 1)
        );
    }

    #[test]
    fn a_bad_trace_is_refused_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        check("", "empty");
        check("time,a\n1,2\n", "line 1: the first column is \"time\"");
        check("timestamp_ms\n1\n", "line 1: there is no column");
        check("timestamp_ms,\"a\n1,2\n", "line 1: a quote is not closed");
        check(
            "timestamp_ms,a{b=c}\n1,2\n",
            "line 1: the column \"a{b=c}\": a label",
        );
        check(
            "timestamp_ms,a\n1,2\n\n3\n",
            "line 4 has 1 cells, line 1 has 2",
        );
        check(
            "timestamp_ms,a\n1,2\n3,x\n",
            "line 3: \"x\" in column 2 is no number",
        );
        check("timestamp_ms,a\nnow,2\n", "line 2: \"now\" is no time");
        check("timestamp_ms,a\n1,\n", "no measurement");
    }
}
