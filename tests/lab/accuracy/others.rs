//! `fping` and `ping` on the agent's PC, from addresses of their own, by which their echoes are told from
//! the agent's.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{ENOUGH, TARGETS};
use crate::Lab;

/// Of the PC, for `fping`.
pub const FPING: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 21);
/// And for `ping`.
pub const PING: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 22);

/// What one of them said of one target.
#[derive(Debug)]
pub struct Pinged {
    pub program: &'static str,
    pub asked: Ipv4Addr,
    /// Of each echo, in the order of sending, in seconds.
    pub times: Vec<Option<f64>>,
}

/// Starts both: `fping` for all targets, `ping` for the farthest. The future is what they said.
pub fn beside(lab: &Arc<Lab>) -> impl Future<Output = Vec<Pinged>> {
    for address in [FPING, PING] {
        let add = lab.pc(1).ip(&format!("address add {address}/24 dev eth0"));
        add.unwrap_or_else(|error| panic!("{error}"));
    }
    let (one, other) = (Arc::clone(lab), Arc::clone(lab));
    let fping = tokio::task::spawn_blocking(move || fping(&one));
    let ping = tokio::task::spawn_blocking(move || ping(&other));
    async move {
        let mut pinged = fping.await.expect("fping was run");
        pinged.push(ping.await.expect("ping was run"));
        pinged
    }
}

/// Every 20 ms to each of the targets, and half a second for the last answers.
fn fping(lab: &Lab) -> Vec<Pinged> {
    let mut fping = lab.command_on_pc(1, "fping");
    fping.args(["-q", "-p", "20", "-i", "1", "-t", "500"]);
    fping.args(["-C", &ENOUGH.to_string(), "-S", &FPING.to_string()]);
    fping.args(TARGETS.map(|(_, address)| address.to_string()));
    let output = fping.output().expect("fping runs");
    // It fails when anything was lost, and tells everything as a complaint.
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let of = |asked: Ipv4Addr| {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{asked} ")));
        let (_, times) = line.and_then(|line| line.split_once(" : ")).expect(&text);
        let time = |word: &str| Some(word.parse::<f64>().ok()? / 1_000.0);
        Pinged {
            program: "fping",
            asked,
            times: times.split_whitespace().map(time).collect(),
        }
    };
    TARGETS.map(|(_, asked)| of(asked)).into()
}

fn ping(lab: &Lab) -> Pinged {
    let (_, asked) = TARGETS[2];
    let pinged = lab.ping(1, asked, &format!("-c {ENOUGH} -i 0.02 -W 1 -I {PING}"));
    let mut times = vec![None; ENOUGH];
    for (sequence, time) in &pinged.times {
        let index = usize::try_from(*sequence).unwrap() - 1;
        times[index] = Some(time.as_secs_f64());
    }
    Pinged {
        program: "ping",
        asked,
        times,
    }
}
