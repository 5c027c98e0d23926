//! Wakes a machine of the centre when the plan says so: the frame that network cards listen for while their machine
//! is off, and nothing else. The one thing an agent does but measure.
//!
//! The frame is six times 0xFF and sixteen times the machine's own address, 102 bytes by UDP to port 9, to everybody
//! in the networks that this machine is in; routers forward no such thing. It goes to machines that the plan lists
//! as those of this centre alone, when the collector's clock says that it is time, three times, each wish once, and
//! not more often than [`limits`] allow. Nobody answers it: whether the machine is on, its own agent tells.
//! Deliberately absent: networks of IPv6, and passwords of cards (`SecureOn`), which nobody sets.
//!
//! [`limits`]: proto::limits::WAKES_PER_DAY

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use proto::ids::DeviceId;
use proto::limits::{WAKE_WINDOW, WAKES_PER_DAY};
use proto::metrics::AGENT_WAKES;
use proto::plan::{Mac, Plan};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use crate::clock;
use crate::os::{self, LocalNetwork, Root};
use crate::schedule::Taken;
use crate::sources::Readings;
use crate::uplink::Bucket;

/// What `status` calls it.
const SOURCE: &str = "wake";

/// The port that is thrown away (RFC 863), which is the usual one.
const PORT: u16 = 9;

/// How often the frame is sent: one may be lost, and a card may wake up to hear only the second.
const TIMES: u32 = 3;

/// Between two of them.
const APART: Duration = Duration::from_secs(2);

/// Networks that this machine may be in.
const NETWORKS: usize = 8;

/// Longest wait before the clocks are looked at again.
const LOOK: Duration = Duration::from_mins(1);

/// A machine that is to be woken, and when by the collector's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    name: DeviceId,
    mac: Mac,
    at_unix_ms: i64,
}

/// What to do about a wish now.
#[derive(Debug, PartialEq, Eq)]
enum Now {
    Wait(Duration),
    Wake,
    /// Its time is long over.
    Leave,
}

/// How often what was done.
#[derive(Debug, Default)]
struct Counts {
    sent: f64,
    failed: f64,
    refused: f64,
}

/// Wakes what the plan names until there is no plan any more, or nobody takes what is told.
pub(crate) async fn run(
    mut planned: watch::Receiver<Plan>,
    lead_ms: watch::Receiver<Option<i64>>,
    taken: mpsc::Sender<Taken>,
) {
    let per_day = f64::from(WAKES_PER_DAY);
    let mut allowed = Bucket::new(per_day / 86_400.0, per_day / 4.0);
    let mut counts = Counts::default();
    let mut done = None;
    loop {
        let wish =
            Wish::of(&planned.borrow_and_update()).filter(|wish| done.as_ref() != Some(wish));
        let lead = *lead_ms.borrow();
        let next = match (&wish, lead) {
            (Some(wish), Some(lead)) => wish.now(lead, clock::now().monotonic_ms),
            // No clock to go by, or nothing to do: the next plan comes from whoever has one.
            _ => Now::Wait(LOOK),
        };
        let Now::Wait(wait) = next else {
            done.clone_from(&wish);
            let Some(wish) = wish.filter(|_| next == Now::Wake) else {
                continue;
            };
            if allowed.wait_for(1.0).is_zero() {
                allowed.take(1.0);
                counts.note(wish.grant().await);
            } else {
                warn!(machine = %wish.name, "Asked to wake machines too often: this one is not woken.");
                counts.refused += 1.0;
            }
            if taken.send(counts.tell()).await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep(wait.min(LOOK)), if wish.is_some() => {}
            changed = planned.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

impl Wish {
    fn of(plan: &Plan) -> Option<Self> {
        let (machine, at_unix_ms) = plan.to_wake()?;
        Some(Self {
            name: machine.name.clone(),
            mac: machine.mac,
            at_unix_ms,
        })
    }

    /// By the collector's clock, of which is known how far it is ahead of the one here that nobody sets.
    fn now(&self, lead_ms: i64, monotonic_ms: u64) -> Now {
        let now_unix_ms = lead_ms.saturating_add_unsigned(monotonic_ms);
        match u64::try_from(self.at_unix_ms.saturating_sub(now_unix_ms)) {
            Ok(0) => Now::Wake,
            Ok(early) => Now::Wait(Duration::from_millis(early)),
            Err(_) => {
                let late = Duration::from_millis(now_unix_ms.abs_diff(self.at_unix_ms));
                if late <= WAKE_WINDOW {
                    Now::Wake
                } else {
                    Now::Leave
                }
            }
        }
    }

    /// Sends the frame as often as it takes. Whether it went out into any network.
    async fn grant(&self) -> bool {
        let networks = tokio::task::spawn_blocking(|| os::local_networks(&Root::default())).await;
        let networks = networks.ok().and_then(Result::ok).unwrap_or_default();
        let mut sent = false;
        for time in 0..TIMES {
            if time > 0 {
                tokio::time::sleep(APART).await;
            }
            for network in networks.iter().take(NETWORKS) {
                match send(network, self.mac).await {
                    Ok(()) => sent = true,
                    Err(error) => warn!(
                        machine = %self.name, interface = network.interface, %error,
                        "The frame that wakes a machine could not be sent here."
                    ),
                }
            }
        }
        info!(machine = %self.name, sent, networks = networks.len(), "A machine is to wake.");
        sent
    }
}

async fn send(network: &LocalNetwork, mac: Mac) -> io::Result<()> {
    let socket = UdpSocket::bind((network.own, 0)).await?;
    socket.set_broadcast(true)?;
    let everybody = SocketAddr::new(IpAddr::V4(broadcast(network)), PORT);
    socket.send_to(&frame(mac), everybody).await?;
    Ok(())
}

/// The address of everybody in a network. One of two machines or fewer has none of its own.
fn broadcast(network: &LocalNetwork) -> Ipv4Addr {
    let hosts = u32::MAX.checked_shr(network.length).unwrap_or(0);
    if hosts <= 1 {
        return Ipv4Addr::BROADCAST;
    }
    Ipv4Addr::from_bits(network.address.to_bits() | hosts)
}

fn frame(mac: Mac) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(mac.0.repeat(16));
    frame
}

impl Counts {
    fn note(&mut self, sent: bool) {
        let count = if sent {
            &mut self.sent
        } else {
            &mut self.failed
        };
        *count += 1.0;
    }

    /// As readings.
    fn tell(&self) -> Taken {
        let mut readings = Readings::default();
        let outcomes = [
            ("sent", self.sent),
            ("failed", self.failed),
            ("refused", self.refused),
        ];
        for (outcome, count) in outcomes.into_iter().filter(|(_, count)| *count > 0.0) {
            readings.push(&AGENT_WAKES, &[outcome], count);
        }
        Taken {
            source: SOURCE,
            clock: clock::now(),
            readings: readings.taken,
            limitations: Vec::new(),
            problem: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use proto::plan::{Machine, Wake};

    use super::*;

    const MAC: Mac = Mac([0x00, 0x1b, 0xa9, 1, 2, 3]);

    fn network(address: [u8; 4], length: u32) -> LocalNetwork {
        LocalNetwork {
            interface: "eth0".into(),
            own: address.into(),
            address: address.into(),
            length,
            leads_everywhere: true,
        }
    }

    #[test]
    fn the_frame_is_the_one_that_cards_listen_for() {
        let frame = frame(MAC);
        assert_eq!(frame.len(), 102);
        assert_eq!(frame[..6], [0xff; 6]);
        assert!(frame[6..].chunks(6).all(|part| part == MAC.0));
    }

    #[test]
    fn everybody_is_everybody_of_the_network() {
        let check = |address, length, expected: [u8; 4]| {
            assert_eq!(
                broadcast(&network(address, length)),
                Ipv4Addr::from(expected)
            );
        };
        check([192, 168, 1, 0], 24, [192, 168, 1, 255]);
        check([10, 0, 0, 0], 8, [10, 255, 255, 255]);
        check([10, 0, 0, 4], 30, [10, 0, 0, 7]);
        check([10, 0, 0, 4], 31, [255, 255, 255, 255]);
        check([10, 0, 0, 4], 32, [255, 255, 255, 255]);
    }

    #[test]
    fn it_is_done_when_the_collectors_clock_says_so_and_not_long_after() {
        let wish = Wish {
            name: "pc-2".parse().unwrap(),
            mac: MAC,
            at_unix_ms: 1_000_000,
        };
        let window = i64::try_from(WAKE_WINDOW.as_millis()).unwrap();
        let check = |now_unix_ms: i64, expected| {
            // Whatever the monotonic clock counts from.
            assert_eq!(wish.now(now_unix_ms - 5_000, 5_000), expected);
        };
        check(940_000, Now::Wait(Duration::from_mins(1)));
        check(1_000_000, Now::Wake);
        check(1_000_000 + window, Now::Wake);
        check(1_000_001 + window, Now::Leave);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_frame_comes_to_everybody_in_the_network_and_to_nobody_behind_its_router() {
        use crate::sources::probe::road::{Icmp, Road, Who};
        let Some(road) = Road::new(Icmp::Datagram) else {
            return;
        };
        let (near, far) = (
            road.listen(Who::Gateway, PORT),
            road.listen(Who::Router, PORT),
        );
        let own = Ipv4Addr::new(100, 88, 0, 2);
        let network = LocalNetwork {
            own,
            ..network([100, 88, 0, 0], 24)
        };
        send(&network, MAC).await.unwrap();
        near.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut heard = [0; 200];
        let (length, from) = near.recv_from(&mut heard).unwrap();
        assert_eq!((length, from.ip()), (102, IpAddr::V4(own)));
        assert_eq!(heard[..length], frame(MAC));
        // Had it been forwarded, it would be there by now.
        far.set_nonblocking(true).unwrap();
        assert!(far.recv(&mut heard).is_err());
    }

    /// A plan that wakes a machine at a time of a collector whose clock is the monotonic one.
    fn waking(name: &str, listed: &str, at_unix_ms: i64) -> Plan {
        let machine = Machine {
            name: listed.parse().unwrap(),
            mac: MAC,
        };
        let name = name.parse().unwrap();
        Plan {
            machines: vec![machine],
            wake: Some(Wake { name, at_unix_ms }),
            ..Plan::default()
        }
    }

    fn counted(run: &Taken) -> Vec<(&str, f64)> {
        let told = run.readings.iter();
        told.map(|one| (&*one.series.labels[0].1, one.value))
            .collect()
    }

    /// Sent or, on a machine without a network, failed: it was tried.
    #[tokio::test]
    async fn each_wish_is_granted_once_and_too_many_are_refused() {
        let now = i64::try_from(clock::now().monotonic_ms).unwrap();
        let (plan, planned) = watch::channel(waking("unknown", "pc-2", now));
        let (_lead, lead) = watch::channel(Some(0));
        let (taken, mut runs) = mpsc::channel(8);
        let waking_up = tokio::spawn(run(planned, lead, taken));
        tokio::time::pause();
        let mut tried = 0.0;
        for wish in 0..=WAKES_PER_DAY / 4 {
            let at = now - i64::from(wish);
            // The same wish in another plan is the same wish.
            for version in 0..3 {
                let again = waking("pc-2", "pc-2", at);
                plan.send_replace(Plan { version, ..again });
            }
            let told = runs.recv().await.unwrap();
            let counts = counted(&told);
            if wish < WAKES_PER_DAY / 4 {
                tried += 1.0;
                let sum: f64 = counts.iter().map(|(_, count)| count).sum();
                assert_eq!(sum.to_bits(), f64::to_bits(tried), "{counts:?}");
                assert!(counts.iter().all(|(outcome, _)| *outcome != "refused"));
            } else {
                assert_eq!(counts.last(), Some(&("refused", 1.0)));
            }
        }
        assert!(runs.try_recv().is_err(), "nobody wakes who is not listed");
        drop(plan);
        waking_up.await.unwrap();
    }
}
