//! `token create`.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use dawnwatch_collector::ca::Authority;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::token::{self, Grant, USUAL_VALIDITY};
use jiff::{Span, SpanRelativeTo, Timestamp};
use proto::ids::{CentreId, DeviceId};

use super::{output, registry};

/// Longer than any roll-out; a token that lives for ever is one that leaks.
const LONGEST: Duration = Duration::from_hours(366 * 24);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a token and print the command that enrols a machine with it
    ///
    /// The command is the one line on stdout. Good for one machine unless --reusable.
    Create {
        /// Where the machine belongs
        #[arg(long, value_name = "ID")]
        centre: CentreId,
        /// How long the token is good for [default: 24h]
        #[arg(long, value_name = "TIME", value_parser = validity)]
        valid: Option<Duration>,
        /// Let any number of machines use it until it ends, to roll out an image
        #[arg(long)]
        reusable: bool,
        /// The machine's name in its centre; an agent of that name before it is revoked
        #[arg(long, value_name = "NAME", conflicts_with = "reusable")]
        device: Option<DeviceId>,
    },
}

/// `90m`, `24h`, `7d`.
fn validity(text: &str) -> Result<Duration, String> {
    let duration = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST);
    duration.ok_or_else(|| "use a time such as 90m, 24h or 7d, at most 366d".to_owned())
}

impl Command {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Create {
            centre,
            valid,
            reusable,
            device,
        } = self;
        let expires_at = Timestamp::now()
            .checked_add(valid.unwrap_or(USUAL_VALIDITY))
            .context("the clock of this machine is wrong")?;
        let authority = Authority::load(&config.data)?;
        let registry = registry(config)?;
        let grant = Grant {
            centre: centre.clone(),
            device,
            reusable,
            expires_at,
        };
        let token = token::create(&registry, authority.fingerprint(), grant).await?;
        let uses = if reusable {
            "any number of machines"
        } else {
            "one machine"
        };
        let until = output::time(Some(expires_at), config.utc_offset);
        note(&format!("For {uses} of {centre}, until {until}:"));
        if config.grpc_names.is_empty() {
            note("Other machines need a name of this one: set [grpc] names in the settings.");
        }
        let url = config.url();
        output::print(&format!(
            "dawnwatch-agent enroll --collector {url} --token {token}"
        ))
    }
}

/// For the person at the terminal, not for the pipe.
fn note(text: &str) {
    // The token is made whether or not anybody reads the note.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_bounded() {
        let hours = |hours| Ok(Duration::from_hours(hours));
        assert_eq!(validity("24h"), hours(24));
        assert_eq!(validity("7d"), hours(7 * 24));
        assert_eq!(validity("1h30m"), Ok(Duration::from_secs(5400)));
        for bad in ["", "24", "0s", "-1h", "367d", "1 year", "soon"] {
            assert!(validity(bad).is_err(), "{bad}");
        }
    }
}
