//! `token create`, `token list`, `token revoke`.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use dawnwatch_collector::ca::Authority;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::registry::{KeptToken, TokenId};
use dawnwatch_collector::token::{self, Grant, USUAL_VALIDITY};
use jiff::tz::Offset;
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
    /// List the tokens, those that expired within a week or were used too; never their secrets
    List,
    /// Withdraw a token at once: nobody enrols with it any more
    ///
    /// Machines that did stay enrolled; see `agent list` and `agent revoke`.
    Revoke {
        /// As `token list` shows it
        #[arg(value_name = "ID")]
        token: TokenId,
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
        match self {
            Self::Create {
                centre,
                valid,
                reusable,
                device,
            } => {
                let expires_at = Timestamp::now()
                    .checked_add(valid.unwrap_or(USUAL_VALIDITY))
                    .context("the clock of this machine is wrong")?;
                let grant = Grant {
                    centre,
                    device,
                    reusable,
                    expires_at,
                };
                create(config, grant).await
            }
            Self::List => {
                let tokens = registry(config)?.tokens().await?;
                output::print(&list(&tokens, config.utc_offset))
            }
            Self::Revoke { token } => {
                let revoked = registry(config)?.revoke_token(token).await?;
                output::print(&format!("{token} ({}) revoked", revoked.centre))
            }
        }
    }
}

async fn create(config: &Config, grant: Grant) -> anyhow::Result<()> {
    let authority = Authority::load(&config.data)?;
    let registry = registry(config)?;
    let uses = if grant.reusable {
        "any number of machines"
    } else {
        "one machine"
    };
    let until = output::time(Some(grant.expires_at), config.utc_offset);
    let told = format!("For {uses} of {}, until {until}:", grant.centre);
    let token = token::create(&registry, authority.fingerprint(), grant).await?;
    note(&told);
    if config.grpc_names.is_empty() {
        note("Other machines need a name of this one: set [grpc] names in the settings.");
    }
    let url = config.url();
    output::print(&format!(
        "dawnwatch-agent enroll --collector {url} --token {token}"
    ))
}

fn list(tokens: &[KeptToken], offset: Offset) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let row = |token: &KeptToken| {
        [
            token.id.to_string(),
            token.centre.to_string(),
            token
                .device
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
            yes(token.reusable),
            output::time(Some(token.expires_at), offset),
            yes(token.used_by.is_some()),
        ]
    };
    let header = ["ID", "CENTRE", "DEVICE", "REUSABLE", "EXPIRES", "USED"];
    output::table(header, tokens.iter().map(row).collect())
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
