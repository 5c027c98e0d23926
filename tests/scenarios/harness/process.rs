//! Real processes, which end with the test, and whose logs are shown when it fails.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::wait::{eventually, poll};

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(20);

/// Lines shown of each log when a test fails.
const SHOWN: usize = 60;

/// A folder of its own for each part of a test. Kept, and its logs shown, when the test fails.
#[derive(Debug)]
pub struct Folder(Option<TempDir>);

impl Folder {
    /// An empty one.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("dawnwatch-{name}-"))
            .tempdir()
            .expect("a temporary folder");
        Self(Some(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.as_ref().expect("only drop takes it").path()
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("a temporary file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let Some(folder) = self.0.take() else { return };
        let path = folder.keep();
        eprintln!("kept: {}", path.display());
        let mut logs: Vec<PathBuf> = std::fs::read_dir(&path)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        logs.sort();
        for log in logs {
            let text = std::fs::read(&log).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            eprintln!("---- {} ({} lines)", log.display(), lines.len());
            for line in lines.iter().skip(lines.len().saturating_sub(SHOWN)) {
                eprintln!("{line}");
            }
        }
    }
}

/// A running program. Killed on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// Its output, and how much of it is of earlier runs.
    logs: [(PathBuf, u64); 2],
}

/// A program that ended.
#[derive(Debug)]
pub struct Finished {
    /// How.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Process {
    /// Starts a program; its output goes to `NAME.out.log` and `NAME.err.log` in the folder.
    pub fn start(name: &str, command: &mut Command, folder: &Folder) -> Self {
        let log = |suffix: &str| {
            let path = folder.path().join(format!("{name}.{suffix}.log"));
            let file = OpenOptions::new().create(true).append(true).open(&path);
            let file = file.expect("a log file");
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            (file, (path, length))
        };
        let (out, out_log) = log("out");
        let (err, err_log) = log("err");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self {
            name: name.to_owned(),
            child,
            logs: [out_log, err_log],
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed in this run.
    pub fn stdout(&self) -> String {
        read(&self.logs[0])
    }

    /// What it has logged in this run.
    pub fn stderr(&self) -> String {
        read(&self.logs[1])
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its state can be asked")
    }

    /// Waits until it prints or logs a line with this in it, and returns the line. An error when it
    /// ends first.
    pub async fn line(&mut self, with: &str, within: Duration) -> Result<String, String> {
        let name = self.name.clone();
        let seen = poll(within, async || {
            // Before looking: what it prints last is then seen.
            let ended = self.ended();
            let output = self.stdout() + &self.stderr();
            match (output.lines().find(|line| line.contains(with)), ended) {
                (Some(line), _) => Ok(Ok(line.to_owned())),
                (None, Some(status)) => Ok(Err(format!("{name} ended, {status}: {output}"))),
                (None, None) => Err(format!("{name} has said no {with:?}")),
            }
        });
        seen.await?
    }

    /// `kill -9`, as a power cut would.
    pub fn kill(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process id"), signal).expect("it runs");
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(mut self) -> Finished {
        self.signal(Signal::TERM);
        self.finish(GRACE).await
    }

    /// Waits until it ends by itself.
    pub async fn finish(&mut self, within: Duration) -> Finished {
        let name = self.name.clone();
        let status = eventually(&format!("{name} ends"), within, async || {
            self.ended().ok_or_else(|| "it still runs".to_owned())
        })
        .await;
        Finished {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Finished {
    /// What it printed.
    ///
    /// # Panics
    /// When it did not succeed.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.status.success(), "{self:#?}");
        self.stdout
    }

    /// What it complained about.
    ///
    /// # Panics
    /// When it did not fail with this exit code.
    #[track_caller]
    pub fn failed_with(self, code: i32) -> String {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self.stderr
    }
}

/// Runs a program to its end.
pub async fn run(name: &str, command: &mut Command, folder: &Folder) -> Finished {
    Process::start(name, command, folder).finish(GRACE).await
}

fn read((path, from): &(PathBuf, u64)) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(*from))?;
        file.read_to_end(&mut bytes)
    });
    read.expect("its log can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_line_is_waited_for() {
        let folder = Folder::new("process");
        let mut process = Process::start("it", &mut shell("echo port 7; exec sleep 60"), &folder);
        let line = process.line("port", GRACE).await;
        assert_eq!(line, Ok("port 7".into()));
        assert_eq!(process.ended(), None);
        let finished = process.terminate().await;
        assert_eq!(finished.status.code(), None, "ended by the signal");
    }

    #[tokio::test]
    async fn a_program_that_ends_instead_says_why() {
        let folder = Folder::new("process");
        let mut process = Process::start("it", &mut shell("echo no luck >&2; exit 3"), &folder);
        let error = process.line("port", GRACE).await.expect_err("no line");
        assert!(
            error.contains("exit status: 3") && error.contains("no luck"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_second_run_does_not_see_the_output_of_the_first() {
        let folder = Folder::new("process");
        for text in ["first", "second"] {
            let finished = run("it", &mut shell(&format!("echo {text}")), &folder).await;
            assert_eq!(finished.succeeded().trim(), text);
        }
    }

    #[tokio::test]
    async fn a_process_ends_with_the_test() {
        let folder = Folder::new("process");
        let process = Process::start("it", &mut shell("exec sleep 60"), &folder);
        let stat = format!("/proc/{}/stat", process.id());
        assert!(Path::new(&stat).exists());
        drop(process);
        assert!(!Path::new(&stat).exists());
    }
}
