//! `dawnwatch-agent`: arguments, logging, exit codes, and nothing else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::app::App;
use agent::ask::{InvalidOptions, Options, ask};
use agent::check::{Language, Reader, check};
use agent::config::{Config, ConfigError};
use agent::identity;
use agent::status::report;
use agent::tls::Address;
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use dawnwatch_agent as agent;
use proto::token::{Fingerprint, InvalidToken, Token};

/// Bad usage or configuration, as in sysexits.h.
const USAGE: u8 = 64;

/// Measures this machine and its links, and reports them to a collector.
#[derive(Parser)]
#[command(name = "dawnwatch-agent", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Place {
    /// Settings file; see agent.example.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of key, certificate, plan and waiting measurements
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make this machine known to a collector, once
    Enroll(Box<Enrolment>),
    /// Measure and report until stopped
    Run,
    /// Look from this machine's network card to the portals: what fails, and what to do
    Check {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
        /// Vietnamese or English, unless the environment's is right
        #[arg(long, value_name = "vi|en")]
        lang: Option<Language>,
    },
    /// Ask a printer, router or UPS what it says of itself
    Ask(Box<Options>),
    /// Say how the agent on this machine fares
    Status {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Enrolment {
    /// Where the collector is: https://HOST:PORT
    #[arg(long, value_name = "URL")]
    collector: Address,
    /// What `dawnwatch-collector token create` printed
    // Text, because whoever parses arguments repeats what is wrong with them, and logs are read.
    #[arg(long)]
    token: String,
    /// What the collector's authority must be, in hexadecimal; the token says it too
    #[arg(long, value_name = "F")]
    ca_fingerprint: Option<Fingerprint>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render().to_string();
            if !error.use_stderr() {
                print(text.trim_end());
                return ExitCode::SUCCESS;
            }
            tell(without_tokens(text, std::env::args()).trim_end());
            return ExitCode::from(USAGE);
        }
    };
    agent::logging::start("info");
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            tell(&format!(
                "dawnwatch-agent: {}",
                agent::chain(error.as_ref())
            ));
            let is_usage = error.downcast_ref::<ConfigError>().is_some()
                || error.downcast_ref::<InvalidOptions>().is_some()
                || error.downcast_ref::<InvalidToken>().is_some();
            ExitCode::from(if is_usage { USAGE } else { 1 })
        }
    }
}

/// A token in the wrong place is a secret still.
fn without_tokens(text: String, arguments: impl Iterator<Item = String>) -> String {
    arguments
        .filter_map(|argument| Some(argument.get(argument.find("dw1-")?..)?.to_owned()))
        .fold(text, |text, token| text.replace(&token, "dw1-…"))
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut config = match &arguments.place.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(data) = arguments.place.data {
        config.data = data;
    }
    // One thread: a ten-year-old PC has better things to do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Made when needed: enough for every source and file to hang at the same time. Lookups have threads
        // of their own.
        .max_blocking_threads(24)
        // Longer than the usual interval of sources: threads that are needed every time are not made
        // anew every time. Few are, since sources take turns; and what one that ended leaves behind, the
        // C library's memory for it, is more than the stack of one that waits.
        .thread_keep_alive(std::time::Duration::from_secs(20))
        .build()
        .context("cannot start")?;
    let result = runtime.block_on(execute(arguments.command, config));
    // A hung disk or a name that nobody resolves must not keep the program from ending.
    runtime.shutdown_background();
    result
}

async fn execute(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Enroll(enrolment) => {
            let Enrolment {
                collector,
                token,
                ca_fingerprint,
            } = *enrolment;
            let token: Token = token.parse().context("--token cannot be used")?;
            agent::storage::make_folder(&config.data)
                .with_context(|| format!("cannot make the folder {}", config.data.display()))?;
            let identity =
                identity::enroll(&config.data, &collector, &token, ca_fingerprint).await?;
            print(&format!(
                "Enrolled as {} of {}.",
                identity.device, identity.centre
            ));
            Ok(ExitCode::SUCCESS)
        }
        Command::Run => {
            let app = App::build(config).await?;
            app.run(agent::stop::requested()).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { json, lang } => {
            let reader = if json {
                Reader::Program
            } else {
                Reader::Person(language(lang))
            };
            let checked = check(&config, reader).await;
            if json {
                print(&serde_json::to_string_pretty(&checked.json)?);
            }
            Ok(if checked.is_well {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Ask(options) => {
            let (json, lang) = (options.json, options.lang);
            let answer = ask(*options, environment).await?;
            print(&if json {
                answer.json()?
            } else {
                answer.text(language(lang)).trim_end().to_owned()
            });
            Ok(if answer.is_answered() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Status { json } => {
            let report = report(&config.data)?;
            print(&if json {
                serde_json::to_string_pretty(&report)?
            } else {
                report.to_string()
            });
            Ok(if report.is_well() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

fn language(asked_for: Option<Language>) -> Language {
    asked_for.unwrap_or_else(|| Language::of_the_environment(environment))
}

/// Results go to standard output. A reader who has gone away, as `head` does, is no error.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[expect(clippy::print_stderr, reason = "the one error a program ends with")]
fn tell(text: &str) {
    eprintln!("{text}");
}
