//! A network namespace of the lab, with a name, and taken away with its last handle.
//!
//! Named, because `ip` and people find it so: `ip netns exec dw-lab-pc-1-… ping …` works while a test
//! runs. What has to happen inside runs on a thread of its own ([`Namespace::inside`]), or while a guard
//! lives ([`Namespace::visit`]).

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A handle.
#[derive(Debug, Clone)]
pub struct Namespace(Arc<Named>);

#[derive(Debug)]
struct Named(String);

impl Namespace {
    /// Makes one, with loopback and without IPv6, which nobody speaks in the lab.
    pub fn new(name: String) -> Result<Self, String> {
        run("ip", &["netns", "add", &name], "")?;
        let namespace = Self(Arc::new(Named(name)));
        namespace.ip("link set lo up")?;
        for (key, value) in [
            ("net.ipv6.conf.all.disable_ipv6", "1"),
            ("net.ipv6.conf.default.disable_ipv6", "1"),
            ("net.ipv4.conf.all.rp_filter", "0"),
            ("net.ipv4.conf.default.rp_filter", "0"),
        ] {
            namespace.set(key, value)?;
        }
        Ok(namespace)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.0
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(self.name())
    }

    /// Runs one `ip` command in it: `namespace.ip("link set eth0 down")`.
    pub fn ip(&self, arguments: &str) -> Result<(), String> {
        self.ips(&[arguments])
    }

    /// Runs many, one by one.
    pub fn ips<C: AsRef<str>>(&self, commands: &[C]) -> Result<(), String> {
        let lines: String = commands
            .iter()
            .map(|command| format!("{}\n", command.as_ref()))
            .collect();
        run("ip", &["-n", self.name(), "-batch", "-"], &lines)
    }

    /// Replaces one table of the packet filter; without rules it goes.
    ///
    /// `hook` is what a chain begins with: `type filter hook forward priority 0`.
    pub fn filter(&self, table: &str, hook: &str, rules: &[&str]) -> Result<(), String> {
        let mut script = format!("table inet {table}\ndelete table inet {table}\n");
        if !rules.is_empty() {
            let rules = rules.join("\n");
            script += &format!("table inet {table} {{\nchain it {{\n{hook}\n{rules}\n}}\n}}\n");
        }
        self.inside(move || run("nft", &["-f", "-"], &script))?
    }

    /// Sets one of the kernel's variables of networks: `namespace.set("net.ipv4.ip_forward", "1")`.
    pub fn set(&self, key: &str, value: &str) -> Result<(), String> {
        let path = PathBuf::from("/proc/sys").join(key.replace('.', "/"));
        let value = value.to_owned();
        let cannot = format!("{key} = {value}");
        self.inside(move || match path.exists() {
            true => std::fs::write(path, value),
            // A kernel without IPv6, say, has nothing to switch off.
            false => Ok(()),
        })?
        .map_err(|error| format!("{cannot}: {error}"))
    }

    /// Runs something on a thread that is inside. Sockets and devices it opens stay there.
    pub fn inside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let namespace = self.clone();
        std::thread::spawn(move || namespace.enter().map(|()| work()))
            .join()
            .map_err(|_| "a thread in a namespace has panicked".to_owned())?
    }

    /// Moves this thread there, for good.
    pub fn enter(&self) -> Result<(), String> {
        enter(&self.path())
    }

    /// Moves this thread, and the programs it starts, there for as long as the guard lives.
    pub fn visit(&self) -> Result<Inside, String> {
        let home = PathBuf::from("/proc/thread-self/ns/net");
        let home = File::open(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        self.enter().map(|()| Inside { home })
    }
}

/// While this lives, its thread is elsewhere.
#[derive(Debug)]
pub struct Inside {
    home: File,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let network = Some(LinkNameSpaceType::Network);
        if let Err(error) = move_into_link_name_space(self.home.as_fd(), network) {
            eprintln!("the thread stays in a namespace of the lab: {error}");
        }
    }
}

fn enter(path: &Path) -> Result<(), String> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("cannot enter {}: {error}", path.display());
    let there = File::open(path).map_err(|error| cannot(&error))?;
    move_into_link_name_space(there.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| cannot(&error))
}

impl Drop for Named {
    fn drop(&mut self) {
        if let Err(error) = run("ip", &["netns", "delete", &self.0], "") {
            eprintln!("a network namespace stays behind: {error}");
        }
    }
}

/// Runs a program to its end, with something to read.
fn run(program: &str, arguments: &[&str], input: &str) -> Result<(), String> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let start = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = start.map_err(|error| format!("{} does not run: {error}", shown()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says itself why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output();
    let output = output.map_err(|error| format!("{}: {error}", shown()))?;
    if output.status.success() {
        Ok(())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: {error}\n{input}", shown()))
    }
}
