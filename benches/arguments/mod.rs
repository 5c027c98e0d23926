//! What a bench is told: `--name value`, after the `--bench` that cargo puts there.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench uses what it needs of it"
)]

use std::str::FromStr;

use anyhow::Context as _;

/// The arguments of a bench that shall run.
pub struct Arguments(Vec<String>);

impl Arguments {
    /// `None` for `cargo test --all-targets`, which starts benches too, without `--bench`.
    pub fn of_bench() -> Option<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let is_bench = arguments.iter().any(|argument| argument == "--bench");
        is_bench.then_some(Self(arguments))
    }

    /// What follows this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        let mut rest = self.0.iter().skip_while(|argument| *argument != name);
        rest.nth(1).map(String::as_str)
    }

    /// A number that follows this name, or the usual one.
    pub fn number<N: FromStr>(&self, name: &str, usual: N) -> anyhow::Result<N> {
        let Some(text) = self.text(name) else {
            return Ok(usual);
        };
        let number = text.parse().ok();
        number.with_context(|| format!("{name} needs a number, not {text}"))
    }
}
