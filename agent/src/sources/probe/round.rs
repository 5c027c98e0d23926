//! One round of echoes to one address, for whoever wants it once and at once: `dawnwatch-agent check`.
//!
//! The echoes are those of `echo.rs`, as the source `icmp` sends them: ICMP where the system lets us, else
//! connections to a port.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::Unmeasurable;
use super::echo::{Means, Sockets, Way};
use super::pace::Pace;
use crate::os::Address;

/// For one answer: a line with a full queue takes its time.
const LIMIT: Duration = Duration::from_millis(1_500);

/// Sends rounds, over the same sockets.
#[derive(Default)]
pub(crate) struct Rounds(Mutex<Sockets>);

/// What became of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Round {
    /// Echoes sent.
    pub(crate) sent: u32,
    /// How long each answer took.
    pub(crate) rtts: Vec<Duration>,
    /// How they were made.
    pub(crate) method: &'static str,
    /// What was in the way of making them otherwise.
    pub(crate) limitation: Option<Unmeasurable>,
}

/// Which round to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Through which interface; `None` where the system chooses.
    pub(crate) interface: Option<&'a str>,
    /// Where it likely takes connections, should ICMP not be possible.
    pub(crate) port: u16,
    /// How many echoes.
    pub(crate) echoes: u32,
    /// How far apart.
    pub(crate) spacing: Duration,
}

impl Rounds {
    /// Sends a round and waits for its answers.
    ///
    /// # Errors
    /// When nothing can be sent that way.
    pub(crate) async fn round(
        &self,
        to: &Address,
        wanted: Wanted<'_>,
    ) -> Result<Round, Unmeasurable> {
        let (means, limitation) = self.means(to.ip, wanted);
        let means = match (means, limitation.clone()) {
            (Some(means), _) => means,
            (None, Some(problem)) => return Err(problem),
            (None, None) => return Err(no_way(to)),
        };
        let pace = Pace {
            echoes: wanted.echoes,
            lookup: Duration::ZERO,
            window: Duration::ZERO,
            spacing: wanted.spacing,
            timeout: LIMIT,
        };
        let echoes = means.round(to, pace).await;
        Ok(Round {
            sent: u32::try_from(echoes.len()).unwrap_or(u32::MAX),
            rtts: echoes.iter().filter_map(|echo| echo.rtt).collect(),
            method: means.method().as_str(),
            limitation,
        })
    }

    fn means(&self, ip: IpAddr, wanted: Wanted<'_>) -> (Option<Means>, Option<Unmeasurable>) {
        let way = Way {
            ipv4: ip.is_ipv4(),
            interface: wanted.interface.map(str::to_owned),
        };
        let mut sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.means(&way, Some(wanted.port))
    }
}

fn no_way(to: &Address) -> Unmeasurable {
    Unmeasurable {
        what: format!("nothing can be sent to {to}"),
        remedy: "look at the other steps".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::os::Root;

    #[tokio::test]
    async fn a_round_to_oneself_is_answered() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = Address::parse("127.0.0.1", &Root::default()).unwrap();
        let wanted = Wanted {
            interface: None,
            port: listener.local_addr().unwrap().port(),
            echoes: 4,
            spacing: Duration::from_millis(1),
        };
        let round = Rounds::default().round(&here, wanted).await.unwrap();
        assert_eq!((round.sent, round.rtts.len()), (4, 4), "{round:?}");
    }
}
