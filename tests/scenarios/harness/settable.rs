//! A device that a test can change while it is asked: the simulator with a recording of our own, some of
//! whose values `snmpset` may set.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::process::{Folder, run};
use super::skip::program;
use super::snmpsim::{COMMUNITY, Recording, Snmpsim};

/// A running one.
#[derive(Debug)]
pub struct Settable {
    simulator: Snmpsim,
    folder: Folder,
}

impl Settable {
    /// With the recording at this path below the agent's captures, of which these can be set.
    pub async fn captured(capture: &str, settable: &[&str]) -> Result<Self, String> {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/tests/captures");
        let records = std::fs::read_to_string(captures.join(capture)).expect("a capture");
        Self::of(&records, settable).await
    }

    /// With these records, of which some can be set.
    pub async fn of(records: &str, settable: &[&str]) -> Result<Self, String> {
        program("snmpset")?;
        let folder = Folder::new("settable");
        let file = folder.write("settable.snmprec", recording(records, settable));
        let simulator = Snmpsim::of(&[Recording::at(&file)]).await?;
        Ok(Self { simulator, folder })
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.simulator.address(0), self.simulator.port())
    }

    /// Sets values: object, type as `snmpset` has it, value.
    pub async fn set(&self, values: &[[&str; 3]]) {
        let mut command = Command::new("snmpset");
        command.args(["-v2c", "-c", COMMUNITY]);
        command.arg(self.address().to_string());
        command.args(values.iter().flatten());
        run("snmpset", &mut command, &self.folder).await.succeeded();
    }
}

/// The same records, in the order of their objects, some with a value that can be set.
fn recording(records: &str, settable: &[&str]) -> String {
    let lines = records.lines().filter(|line| !line.starts_with('#'));
    let mut lines: Vec<(Vec<u32>, String)> = lines
        .map(|line| {
            let (object, rest) = line.split_once('|').expect("a record");
            let (kind, value) = rest.split_once('|').expect("a record");
            let record = match (settable.contains(&object), kind) {
                (false, _) => line.to_owned(),
                (true, "4x") => format!("{object}|4x:writecache|hexvalue={value}"),
                (true, "4") => {
                    // A text may have commas, by which values are parted.
                    let octets = value.bytes().map(|byte| format!("{byte:02x}"));
                    let octets: String = octets.collect();
                    format!("{object}|4:writecache|hexvalue={octets}")
                }
                (true, _) => format!("{object}|{kind}:writecache|value={value}"),
            };
            let numbers = object.split('.').map(|one| one.parse().expect("a number"));
            (numbers.collect(), record)
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_in_order_and_some_can_be_set() {
        let records = "# A printer.\n1.3.10|2|7\n1.3.9|4x|0400\n1.3.9.1|4|x\n1.3.8|4|a,b\n";
        let expected = "1.3.8|4:writecache|hexvalue=612c62\n1.3.9|4x:writecache|hexvalue=0400\n\
                        1.3.9.1|4|x\n1.3.10|2:writecache|value=7\n";
        assert_eq!(recording(records, &["1.3.8", "1.3.9", "1.3.10"]), expected);
    }
}
