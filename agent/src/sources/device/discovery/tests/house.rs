//! For tests: a house with a switch, and at it, each in a network namespace of its own, who lives there. Whoever
//! looks around is a process in one of them, since what a system says of its networks is said to processes.
//!
//! Names are made of the process id; the guard ends what runs there and takes everything away on drop.

use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Every address in the house begins so, and there are 62.
pub(super) const SWITCH: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
const LENGTH: u8 = 26;

/// The house. Dropped, it is gone.
pub(super) struct House {
    names: Vec<String>,
    running: Vec<Child>,
}

impl House {
    /// The switch, which is also the way out, to nowhere.
    pub(super) fn new() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces need root".to_owned());
        }
        run("nft", &["--version"])?;
        let mut house = Self {
            names: Vec::new(),
            running: Vec::new(),
        };
        house.add(1)?;
        house.ip(1, "link add switch type bridge")?;
        house.ip(1, &format!("address add {SWITCH}/{LENGTH} dev switch"))?;
        house.ip(1, "link set switch up")?;
        Ok(house)
    }

    /// Somebody with this last number, and a card whose address ends in it too.
    pub(super) fn settle(&mut self, number: u8) -> Result<(), String> {
        self.add(number)?;
        let switch = name(1);
        let card = format!("address 02:88:00:00:00:{number:02x}");
        self.ip(
            number,
            &format!("link add eth0 {card} type veth peer name to{number} netns {switch}"),
        )?;
        self.ip(1, &format!("link set to{number} master switch up"))?;
        self.ip(
            number,
            &format!("address add {}/{LENGTH} dev eth0", address(number)),
        )?;
        self.ip(number, "link set eth0 up")?;
        self.ip(number, &format!("route add default via {SWITCH}"))
    }

    fn add(&mut self, number: u8) -> Result<(), String> {
        ip(&format!("netns add {}", name(number)))?;
        self.names.push(name(number));
        self.ip(number, "link set lo up")
    }

    pub(super) fn ip(&self, number: u8, arguments: &str) -> Result<(), String> {
        ip(&format!("-n {} {arguments}", name(number)))
    }

    /// Runs `nft` there, and returns what it prints.
    pub(super) fn nft(&self, number: u8, script: &str) -> Result<String, String> {
        output(&mut at(number, &["nft", script]))
    }

    /// Starts a program there, until the house is gone.
    pub(super) fn start(&mut self, number: u8, script: &str) -> Result<(), String> {
        let mut command = at(number, &["sh", "-c", script]);
        let command = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let child = command.spawn().map_err(|error| error.to_string())?;
        self.running.push(child);
        Ok(())
    }

    /// Runs a program there, and returns what it prints.
    pub(super) fn output(&self, number: u8, arguments: &[&str]) -> Result<String, String> {
        output(&mut at(number, arguments))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for child in &mut self.running {
            // With all that it started.
            if let Some(group) = i32::try_from(child.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = child.wait();
        }
        for name in &self.names {
            if let Err(error) = ip(&format!("netns delete {name}")) {
                println!("a house stays behind: {error}");
            }
        }
    }
}

/// Of who has this number.
pub(super) fn address(number: u8) -> Ipv4Addr {
    let [a, b, c, _] = SWITCH.octets();
    Ipv4Addr::new(a, b, c, number)
}

fn name(number: u8) -> String {
    format!("dwh-{number}-{}", std::process::id())
}

fn at(number: u8, arguments: &[&str]) -> Command {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", &name(number)])
        .args(arguments);
    command
}

fn ip(arguments: &str) -> Result<(), String> {
    run("ip", &arguments.split(' ').collect::<Vec<_>>())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    output(Command::new(program).args(arguments)).map(drop)
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?} does not run: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(printed)
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {error}{printed}"))
    }
}
