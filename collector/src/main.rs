//! `dawnwatch-collector`: arguments, logging, exit codes. What each command does is in `cli`.

mod cli;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use dawnwatch_collector::config::{Config, ConfigError};
use tracing_subscriber::EnvFilter;

/// Bad usage or configuration; EX_USAGE of sysexits.h.
const USAGE: u8 = 64;

/// The central program of Dawnwatch: enrols agents, keeps the newest values, serves the page and
/// /metrics.
#[derive(Parser)]
#[command(name = "dawnwatch-collector", version = proto::VERSION)]
#[command(
    after_help = "DAWNWATCH_LOG sets what is logged to stderr: info, debug, …\n\
    Exit codes: 0 good, 1 failed, 64 bad usage or configuration."
)]
struct Arguments {
    /// Settings; see collector.example.toml [default: none, every setting has a default]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the authority and the registry [default: /var/lib/dawnwatch-collector]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: cli::Command,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    let filter = std::env::var_os("DAWNWATCH_LOG");
    if let Err(error) = start_logging(filter) {
        complain(&format!("dawnwatch-collector: {error:#}"));
        return ExitCode::from(USAGE);
    }
    let config = match configure(arguments.config, arguments.data) {
        Ok(config) => config,
        Err(ConfigError::Mistakes(mistakes)) => {
            complain(&mistakes.to_string());
            return ExitCode::from(USAGE);
        }
        Err(ConfigError::Read(error)) => {
            complain(&format!(
                "dawnwatch-collector: {:#}",
                anyhow::Error::from(error)
            ));
            return ExitCode::from(USAGE);
        }
    };
    match run(arguments.command, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("dawnwatch-collector: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What clap has to say: help, version, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> ExitCode {
    // Whoever closed our output does not want to be told.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

fn complain(message: &str) {
    // There is nowhere left to complain to when this fails.
    let _ = writeln!(io::stderr(), "{message}");
}

fn start_logging(filter: Option<OsString>) -> anyhow::Result<()> {
    let filter = match &filter {
        Some(filter) => {
            let filter = filter.to_str().unwrap_or_default();
            EnvFilter::try_new(filter).context("DAWNWATCH_LOG is no filter such as \"info\"")?
        }
        None => EnvFilter::new("info"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    Ok(())
}

fn configure(file: Option<PathBuf>, data: Option<PathBuf>) -> Result<Config, ConfigError> {
    let mut config = Config::load(file.as_deref())?;
    if let Some(data) = data {
        config.data = data;
    }
    Ok(config)
}

fn run(command: cli::Command, config: Config) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(command.run(config))
}
