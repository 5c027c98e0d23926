//! A real agent in a folder of its own.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::binaries;
use super::collector::Collector;
use super::process::{Finished, Folder, Process, run};

/// An agent; runs after [`Agent::run`].
#[derive(Debug)]
pub struct Agent {
    process: Option<Process>,
    /// Put in front of every command: where it runs.
    within: Vec<String>,
    folder: Folder,
}

impl Agent {
    /// An agent that has enrolled, with a token of its own.
    pub async fn enrolled_at(collector: &Collector, centre: &str) -> Self {
        let token = collector.token(centre).await;
        Self::enrolled_with(collector, &token).await
    }

    /// An agent that has enrolled with a token.
    pub async fn enrolled_with(collector: &Collector, token: &str) -> Self {
        let agent = Self::installed();
        agent.enrol(collector, token, &[]).await.succeeded();
        agent
    }

    /// An agent that nobody knows yet.
    pub fn installed() -> Self {
        Self::installed_within(&[])
    }

    /// The same, with every command behind others, such as `ip netns exec NAME`.
    pub fn installed_within(commands: &[String]) -> Self {
        Self {
            process: None,
            within: commands.to_vec(),
            folder: Folder::new("agent"),
        }
    }

    /// Tries to enrol.
    pub async fn enrol(&self, collector: &Collector, token: &str, arguments: &[&str]) -> Finished {
        let url = format!("https://{}", collector.agent_address());
        self.enrol_at(&url, token, arguments).await
    }

    /// Tries to enrol at any address.
    pub async fn enrol_at(&self, url: &str, token: &str, arguments: &[&str]) -> Finished {
        let mut command = self.command();
        command.args(["enroll", "--collector", url, "--token", token]);
        command.args(arguments).arg("--data").arg(self.data());
        run("enroll", &mut command, &self.folder).await
    }

    /// Starts it.
    pub fn run(&mut self) {
        self.run_with(&[]);
    }

    /// Starts it with more arguments.
    pub fn run_with(&mut self, arguments: &[&str]) {
        let mut command = self.command();
        command.arg("run").args(arguments);
        command.arg("--data").arg(self.data());
        self.process = Some(Process::start("run", &mut command, &self.folder));
    }

    /// Starts another program that runs on its data folder.
    pub fn run_as(&mut self, command: &mut Command) {
        self.process = Some(Process::start("run", command, &self.folder));
    }

    /// What it says of itself.
    pub async fn status(&self) -> Result<Value, String> {
        let mut command = self.command();
        command
            .args(["status", "--json", "--data"])
            .arg(self.data());
        let finished = run("status", &mut command, &self.folder).await;
        serde_json::from_str(&finished.stdout).map_err(|error| format!("{error}: {finished:?}"))
    }

    /// The process, while it runs.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the agent runs")
    }

    /// Where its key, its certificate and its spool are.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its folder, in which `data` is.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to end, as a shutdown of the machine does.
    pub async fn stop(&mut self) -> Finished {
        self.process
            .take()
            .expect("the agent runs")
            .terminate()
            .await
    }

    fn command(&self) -> Command {
        let agent = binaries::agent();
        let Some((first, rest)) = self.within.split_first() else {
            return agent;
        };
        let mut command = Command::new(first);
        command.args(rest).arg(agent.get_program());
        command
    }
}
