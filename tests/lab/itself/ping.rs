//! The system's `ping` on a PC, and what it says.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::Lab;

/// What `ping` printed.
#[derive(Debug)]
pub struct Pinged {
    /// All of it.
    pub text: String,
    /// Echoes it sent.
    pub sent: u32,
    /// Replies, without duplicates.
    pub received: u32,
    /// Replies that came again.
    pub duplicates: u32,
    /// Of each reply, in the order of arrival: the sequence number and the time.
    pub times: Vec<(u32, Duration)>,
}

impl Pinged {
    /// Whether everything came back.
    pub fn all(&self) -> bool {
        self.sent > 0 && self.received == self.sent
    }

    /// Whether nothing did.
    pub fn none(&self) -> bool {
        self.received == 0
    }

    /// The least that a round trip took: what a busy machine adds to others is not in it.
    pub fn fastest(&self) -> Duration {
        let times = self.times.iter().map(|(_, time)| *time);
        times.min().unwrap_or_default()
    }
}

impl Lab {
    /// Runs `ping` on a PC, with these arguments beside the address.
    pub fn ping(&self, pc: usize, to: Ipv4Addr, arguments: &str) -> Pinged {
        let mut ping = self.command_on_pc(pc, "ping");
        ping.env("LC_ALL", "C")
            .arg("-n")
            .args(arguments.split(' '))
            .arg(to.to_string());
        let output = ping.output().expect("ping runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        let count = |before: &str| -> Option<u32> {
            let found = text.split(before).next()?;
            found.rsplit([' ', '+', '\n']).next()?.parse().ok()
        };
        Pinged {
            sent: count(" packets transmitted").unwrap_or_else(|| panic!("{text}")),
            received: count(" received").unwrap_or_default(),
            duplicates: count(" duplicates").unwrap_or_default(),
            times: text.lines().filter_map(time).collect(),
            text,
        }
    }
}

/// Reads `64 bytes from 192.0.2.10: icmp_seq=1 ttl=61 time=0.360 ms`.
fn time(line: &str) -> Option<(u32, Duration)> {
    let after = |mark: &str| line.split(mark).nth(1)?.split(' ').next();
    let milliseconds: f64 = after("time=")?.parse().ok()?;
    Some((
        after("icmp_seq=")?.parse().ok()?,
        Duration::try_from_secs_f64(milliseconds / 1_000.0).ok()?,
    ))
}
