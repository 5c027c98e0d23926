//! `dawnwatch`: the whole product on one machine. The only package that knows both the agent and the
//! collector.

mod diagnose;
mod evaluate;
mod first_values;
mod simulate;
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
        /// Beside this machine so many centres that do not exist, to look at
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200))]
        simulate: Option<u32>,
        /// The same seed gives the same centres, and the same faults
        #[arg(long, value_name = "N", requires = "simulate", default_value_t = 1)]
        seed: u64,
        /// How many times faster than the clock their days shall pass, 1 to 100
        #[arg(long, value_name = "TIMES", requires = "simulate", default_value = "1")]
        speed: simulate::live::Speed,
    },
    /// Say what recorded evidence means: JSON lines in, incidents as JSON lines out
    Diagnose(diagnose::Options),
    /// Make up a province whose every fault is known: write what would be recorded of it, or tell a collector
    Simulate(simulate::Options),
    /// Say how good the diagnosis is where the truth is known
    Evaluate(evaluate::Options),
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
    agent::logging::start("warn");
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            tell(&format!("dawnwatch: {}", agent::chain(error.as_ref())));
            ExitCode::from(if is_usage(&error) { USAGE } else { 1 })
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up {
            data,
            config,
            simulate,
            seed,
            speed,
        } => {
            let beside = simulate.map(|centres| up::Beside {
                scenario: simulate::live::to_be_seen(seed, centres),
                speed,
            });
            up(data, config, beside).map(|()| ExitCode::SUCCESS)
        }
        Command::Diagnose(options) => diagnose::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Evaluate(options) => evaluate::run(&options),
    }
}

fn up(data: PathBuf, config: Option<PathBuf>, beside: Option<up::Beside>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(up::up(data, config, beside));
    // A hung disk or a name that nobody resolves must not keep the program from ending.
    runtime.shutdown_background();
    result
}

/// Whether an error is a mistake in what the user wrote.
fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<collector::config::ConfigError>() || error.is::<collector::centres::ReadError>()
}

#[expect(clippy::print_stderr, reason = "the one error a program ends with")]
fn tell(text: &str) {
    eprintln!("{text}");
}
