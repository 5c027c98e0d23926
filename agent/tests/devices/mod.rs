//! Devices to ask, real or recorded, each in a network namespace of its own.
//!
//! A program that is not installed fails the test where `CI` is set; recordings of others, which are not part of
//! the project, may be absent anywhere.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Until a device has started.
const PATIENCE: Duration = Duration::from_secs(60);

/// A namespace with a device in it, both gone when this is.
pub(crate) struct Network {
    device: Child,
    /// Where the device may write.
    folder: tempfile::TempDir,
}

/// Of a program that is not installed, or not allowed.
fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "a skip fails here: {why}");
    eprintln!("skipped, because {why}");
    None
}

/// Recordings of others, where they are there.
pub(crate) fn recordings(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/devices");
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("skipped, because there is no {}", path.display());
        return None;
    }
    Some(path)
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.iter().any(|folder| folder.join(program).exists())
}

/// snmpsim with our own captures and those of more folders, at port 1161: the community is the file below its
/// folder without its end (`printer/healthy`), as is the context of the user `monitor`, who signs and does not
/// encrypt: it fills up what it encrypts with more than a cipher needs, which is not read as SNMP. `snmpd` does
/// that well.
pub(crate) fn snmpsim(more: &[PathBuf]) -> Option<Network> {
    if !is_installed("snmpsimd") {
        return skip("snmpsimd is not installed");
    }
    // It changes to another user where it is started by root, who may not be allowed to read the files.
    let script = "[ \"$(id -u)\" != 0 ] || set -- --process-user=root --process-group=root \"$@\"
        exec snmpsimd --cache-dir=\"$TMPDIR/cache\" --agent-udpv4-endpoint=127.0.0.1:1161 \\
            --v3-user=monitor --v3-auth-key=auctoritas1 --v3-auth-proto=SHA \"$@\"";
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let folders = std::iter::once(&captures).chain(more);
    let folders: Vec<_> = folders
        .map(|folder| format!("--data-dir={}", folder.display()))
        .collect();
    let mut command = vec!["sh", "-c", script, "snmpsimd"];
    command.extend(folders.iter().map(String::as_str));
    let network = Network::with(&command)?;
    network.wait("snmp://printer%2Fhealthy@127.0.0.1:1161");
    Some(network)
}

/// Debian's agent with these settings, at port 1161.
pub(crate) fn snmpd(settings: &str) -> Option<Network> {
    if !is_installed("snmpd") {
        return skip("snmpd is not installed");
    }
    let settings = format!("agentaddress udp:127.0.0.1:1161\n{settings}");
    let script = "printf '%s' \"$1\" > \"$TMPDIR/snmpd.conf\"
        export SNMP_PERSISTENT_DIR=\"$TMPDIR\" PATH=\"$PATH:/usr/sbin\"
        exec snmpd -f -Lf \"$TMPDIR/log\" -C -c \"$TMPDIR/snmpd.conf\"";
    let network = Network::with(&["sh", "-c", script, "sh", &settings])?;
    let community = if settings.contains("only1") {
        "only1"
    } else {
        "public"
    };
    network.wait(&format!("snmp://{community}@127.0.0.1:1161"));
    Some(network)
}

/// A real printer that speaks IPP, at port 8631.
pub(crate) fn ippeveprinter() -> Option<Network> {
    let missing = ["ippeveprinter", "dbus-daemon", "curl"]
        .into_iter()
        .find(|program| !is_installed(program));
    if let Some(program) = missing {
        return skip(&format!("{program} is not installed"));
    }
    // Without a bus of the system it does not start, although it needs none.
    let script = "export PATH=\"$PATH:/usr/sbin\" DBUS_SYSTEM_BUS_ADDRESS=\"unix:path=$TMPDIR/bus\"
        mkdir \"$TMPDIR/spool\"
        dbus-daemon --session --nofork --address=\"$DBUS_SYSTEM_BUS_ADDRESS\" &
        while ! test -S \"$TMPDIR/bus\"; do :; done
        ippeveprinter -r off -n localhost -p 8631 -d \"$TMPDIR/spool\" -f application/pdf may-in";
    let network = Network::with(&["sh", "-c", script])?;
    network.wait("ipp://127.0.0.1:8631/ipp/print");
    Some(network)
}

/// Recorded answers of IPP, by the path `/ipp/RECORDING`, at port 8632.
pub(crate) fn ipp_recordings() -> Option<Network> {
    let tools = recordings("ipp/ipp_tools.py")?;
    if !is_installed("python3") {
        return skip("python3 is not installed");
    }
    let network = Network::with(&["python3", tools.to_str()?, "serve", "8632"])?;
    network.wait("ipp://127.0.0.1:8632/ipp/xerox_b210_idle");
    Some(network)
}

impl Network {
    /// Starts this command in a namespace of its own, with loopback alone. Everything it starts ends with it.
    fn with(command: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let device = Command::new("unshare")
            .args(["--net", "--pid", "--fork", "--kill-child", "sh", "-c"])
            .args([
                "ip link set lo up && echo up && exec \"$@\" >\"$TMPDIR/output\" 2>&1",
                "sh",
            ])
            .args(command)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut device = match device {
            Ok(device) => device,
            Err(error) => return skip(&format!("unshare does not start: {error}")),
        };
        let mut up = String::new();
        let told = device.stdout.take().expect("a pipe");
        let _ = BufReader::new(told).read_line(&mut up);
        if up.is_empty() {
            let ended = device.wait_with_output();
            return skip(&format!("network namespaces are not allowed: {ended:?}"));
        }
        Some(Self { device, folder })
    }

    /// A command within.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let target = self.device.id().to_string();
        command.args(["--target", &target, "--net", "--", program]);
        command
    }

    /// Asks with the real program.
    pub(crate) fn ask(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_dawnwatch-agent"));
        command.arg("ask").args(arguments);
        command.envs(environment.iter().copied());
        command.output().expect("the agent starts")
    }

    /// Opens a page.
    pub(crate) fn get(&self, url: &str) {
        let output = self
            .command("curl")
            .args(["-sSf", "-o", "/dev/null", url])
            .output();
        let output = output.expect("curl starts");
        assert!(output.status.success(), "{output:?}");
    }

    /// Until this device answers.
    #[expect(
        clippy::disallowed_methods,
        reason = "looks at a state with a deadline, and has no runtime"
    )]
    fn wait(&self, target: &str) {
        let began = Instant::now();
        loop {
            let output = self.ask(&[target, "--json", "--timeout", "2s"], &[]);
            if output.status.success() {
                return;
            }
            if began.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(self.folder.path().join("output"));
                panic!("{target} does not answer: {output:?}; the device says {said:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The first of its processes ends with it, and the others with that one.
        let _ = self.device.kill();
        let _ = self.device.wait();
    }
}
