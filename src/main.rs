//! `dawnwatch`: the whole product on one machine. The only package that knows both the agent and the
//! collector.

mod first_values;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Bad usage, as in sysexits.h.
const USAGE: u8 = 64;

/// Know before the doors open.
#[derive(Parser)]
#[command(name = "dawnwatch", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a collector and an agent on this machine and show what they measure
    Up {
        /// Folder for everything that is kept
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// Settings of the collector; see collector/collector.example.toml
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let Command::Up { data, config } = arguments.command;
    agent::logging::start("warn");
    let result = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let result = runtime.block_on(up::up(data, config));
            // A hung disk or a name that nobody resolves must not keep the program from ending.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("dawnwatch: {}", agent::chain(error.as_ref())));
            let is_config = error
                .downcast_ref::<collector::config::ConfigError>()
                .is_some();
            ExitCode::from(if is_config { USAGE } else { 1 })
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one error a program ends with")]
fn tell(text: &str) {
    eprintln!("{text}");
}
