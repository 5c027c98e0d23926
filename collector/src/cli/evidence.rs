//! `export-evidence`.

use std::io::{self, BufWriter};

use anyhow::{Context as _, ensure};
use clap::Args;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::watch::evidence;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

#[derive(Args)]
pub(crate) struct Arguments {
    /// From when, by arrival: 2026-11-24, or 2026-11-24T07:30:00+07:00 [default: the oldest there is]
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// Until when, likewise; a day with all of it [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
}

/// A day of the province, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Day(Date),
    At(Timestamp),
}

impl std::str::FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.parse().map(Self::At);
        let day = || text.parse().map(Self::Day);
        at.or_else(|_| day())
            .map_err(|_| "write it as 2026-11-24 or 2026-11-24T07:30:00+07:00")
    }
}

impl Moment {
    /// When it begins, and when it ends.
    fn span(self, offset: Offset) -> anyhow::Result<(Timestamp, Timestamp)> {
        match self {
            Self::At(at) => Ok((at, at)),
            Self::Day(day) => {
                let start = |day: Date| offset.to_timestamp(day.at(0, 0, 0, 0));
                let next = start(day.tomorrow()?)?;
                Ok((start(day)?, next - std::time::Duration::from_nanos(1)))
            }
        }
    }
}

impl Arguments {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        let span = |moment: Moment| moment.span(config.utc_offset);
        let from = self.from.map(span).transpose()?;
        let to = self.to.map(span).transpose()?;
        let from = from.map_or(Timestamp::UNIX_EPOCH, |(from, _)| from);
        let to = to.map_or_else(Timestamp::now, |(_, to)| to);
        ensure!(from <= to, "--to is before --from");
        let mut stdout = BufWriter::new(io::stdout().lock());
        match evidence::export(&config.evidence_bounds(), from, to, &mut stdout) {
            Err(error) if is_closed(&error) => Ok(()),
            exported => exported.map(drop).context("cannot export the evidence"),
        }
    }
}

/// A reader that closed its pipe has seen enough.
fn is_closed(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn days_are_those_of_the_province_and_whole() {
        let check = |text: &str, from: &str, to: &str| {
            let span = text.parse::<Moment>().unwrap().span(Offset::constant(7));
            let (begins, ends) = span.unwrap();
            assert_eq!((begins, ends), (from.parse().unwrap(), to.parse().unwrap()));
        };
        check(
            "2026-11-24",
            "2026-11-23T17:00:00Z",
            "2026-11-24T16:59:59.999999999Z",
        );
        let at = "2026-11-24T00:30:00Z";
        check("2026-11-24T07:30:00+07:00", at, at);
        assert!("yesterday".parse::<Moment>().is_err());
    }
}
