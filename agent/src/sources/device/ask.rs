//! Asks one device of everything, once: what it says by SNMP and IPP.
//!
//! Both protocols at the same time, each with its own: a device that is silent in one, or answers it with
//! nonsense, is told by the other. What it is (`system`) comes first, since that says which tables are worth
//! asking for; where it does not say, all of them are. Deliberately absent: whether it is the device that
//! was meant, which only who asks knows.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proto::plan::{Device, Ipp, Kind, Snmp};
use tokio::time::Instant;

use super::merge::merged;
use super::said::{Origin, Said};
use super::snmp::{Budget, Session, Transport, Trouble};
use super::witness::{Moments, Witness};
use super::{ipp, network, printer, system, ups};

/// Which device, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// Where it is.
    pub(crate) address: IpAddr,
    /// What it is, where that is known: asked for that too, whatever it calls itself.
    pub(crate) kind: Option<Kind>,
    /// By SNMP, in this way.
    pub(crate) snmp: Option<Snmp>,
    /// The context that is its usual one; mostly empty.
    pub(crate) context: String,
    /// By IPP, there.
    pub(crate) ipp: Option<Ipp>,
}

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Asked {
    /// All that it said.
    pub(crate) said: Said,
    /// When it said what goes on while it is asked.
    pub(crate) moments: Moments,
    /// Of each protocol that was tried.
    pub(crate) attempts: Vec<Attempt>,
}

/// The same, before it is put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Apart {
    /// By SNMP, and when.
    pub(crate) snmp: (Said, Moments),
    /// By IPP, and when.
    pub(crate) ipp: (Said, Moments),
    /// Of each protocol that was tried.
    pub(crate) attempts: Vec<Attempt>,
}

/// How asking by one protocol went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) protocol: Origin,
    /// The `outcome` label: `answered`, `partly`, or why not.
    pub(crate) outcome: &'static str,
    pub(crate) took: Duration,
    /// Why it did not say everything, and what to do, for people.
    pub(crate) problem: Option<String>,
}

impl Question {
    /// About a device of the plan.
    pub(crate) fn about(device: &Device) -> Self {
        Self {
            address: device.address,
            kind: Some(device.kind),
            snmp: device.snmp.clone(),
            context: String::new(),
            ipp: device.ipp.clone(),
        }
    }
}

impl Asked {
    /// Whether it said anything.
    pub(crate) fn any(&self) -> bool {
        self.attempts.iter().any(Attempt::is_answered)
    }
}

impl Apart {
    /// Puts it together.
    pub(crate) fn merged(self) -> Asked {
        let ((snmp, mut moments), (ipp, by_ipp)) = (self.snmp, self.ipp);
        let said = merged(snmp, ipp);
        if said.origins.get("uptime_seconds") == Some(&Origin::Ipp) {
            moments.uptime = by_ipp.uptime;
        }
        Asked {
            said,
            moments,
            attempts: self.attempts,
        }
    }
}

impl Attempt {
    /// Whether it said something.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.outcome, "answered" | "partly")
    }
}

/// Asks. Ends when the budget's whole time is over, whatever the device does.
pub(crate) async fn ask(transport: &Transport, question: &Question, budget: Budget) -> Apart {
    let (snmp, ipp) = tokio::join!(
        by_snmp(transport, question, budget),
        by_ipp(question, budget.whole)
    );
    let mut attempts = Vec::new();
    let mut told = |heard: Option<(Said, Moments, Attempt)>| {
        let Some((mut said, moments, attempt)) = heard else {
            return (Said::default(), Moments::default());
        };
        let problem = attempt.problem.as_ref();
        let problem = problem.filter(|problem| !said.problems.contains(problem));
        said.problems.extend(problem.cloned());
        for problem in &mut said.problems {
            name(problem, attempt.protocol);
        }
        attempts.push(attempt);
        (said, moments)
    };
    let (snmp, ipp) = (told(snmp), told(ipp));
    Apart {
        snmp,
        ipp,
        attempts,
    }
}

/// A problem says whose it is.
fn name(problem: &mut String, protocol: Origin) {
    let protocol = match protocol {
        Origin::Snmp => "SNMP",
        Origin::Ipp => "IPP",
    };
    if !problem.starts_with(protocol) {
        problem.insert_str(0, &format!("{protocol}: "));
    }
}

async fn by_snmp(
    transport: &Transport,
    question: &Question,
    budget: Budget,
) -> Option<(Said, Moments, Attempt)> {
    let snmp = question.snmp.as_ref()?;
    let began = Instant::now();
    let mut said = Said::default();
    let mut moments = Moments::default();
    let heard = match transport.session(question.address, snmp, budget) {
        Ok(session) => {
            let mut session = Witness::new(session, &question.context);
            let heard = read(&mut session, question.kind, &mut said).await;
            moments = session.moments;
            heard
        }
        Err(trouble) => Heard::Nothing(trouble),
    };
    let (outcome, problem) = match heard {
        Heard::All => ("answered", None),
        Heard::Some(problem) => ("partly", Some(problem)),
        Heard::Nothing(trouble) => {
            // It used up its time, and nothing came of it.
            let code = Some(trouble.code()).filter(|code| *code != "partly");
            (code.unwrap_or("timeout"), Some(crate::chain(&trouble)))
        }
    };
    let attempt = Attempt {
        protocol: Origin::Snmp,
        outcome,
        took: began.elapsed(),
        problem,
    };
    Some((said, moments, attempt))
}

/// How much of what was asked a device said.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    All,
    /// Not all, and this is the first that is missing, for people.
    Some(String),
    Nothing(Trouble),
}

/// Reads whatever the device has. A table that it answers with an error is missing like one that it has no
/// time for, although its reader goes on with the next.
async fn read<S: Session>(session: &mut Witness<S>, kind: Option<Kind>, said: &mut Said) -> Heard {
    if let Err(trouble) = system::read(session, said).await {
        return Heard::Nothing(trouble);
    }
    let is = |this| said.kind == Some(this) || kind == Some(this);
    let is_unknown = matches!(said.kind, None | Some(Kind::Other));
    let (is_printer, is_ups) = (is(Kind::Printer), is(Kind::Ups));
    let rest = async {
        if is_printer || is_unknown {
            printer::read(session, said).await?;
        }
        if is_ups || is_unknown {
            ups::read(session, said).await?;
        }
        network::read(session, kind, said).await
    };
    if let Err(trouble) = rest.await {
        return Heard::Some(crate::chain(&trouble));
    }
    // Some that they met is none to the readers: what nobody has, or what is longer than is wanted.
    let mut problems = said.problems.iter();
    let unread = problems.find(|problem| session.is_trouble(problem));
    unread.map_or(Heard::All, |problem| Heard::Some(problem.clone()))
}

async fn by_ipp(question: &Question, limit: Duration) -> Option<(Said, Moments, Attempt)> {
    let ipp = question.ipp.as_ref()?;
    let address = SocketAddr::new(question.address, ipp.port);
    let began = Instant::now();
    let mut said = Said::default();
    let read = ipp::read(address, &ipp.path, limit, &mut said).await;
    let attempt = Attempt {
        protocol: Origin::Ipp,
        outcome: read.as_ref().err().map_or("answered", ipp::Trouble::code),
        took: began.elapsed(),
        problem: read.err().map(|trouble| crate::chain(&trouble)),
    };
    // All in one answer, and this is when it was there.
    let moments = Moments {
        uptime: said.uptime_seconds.map(|_| Instant::now()),
        ..Moments::default()
    };
    Some((said, moments, attempt))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proto::plan::{Secret, Security};
    use tokio::net::{TcpListener, UdpSocket};

    use super::super::snmp::{oid, recorded::Recorded};
    use super::*;

    /// A UPS that nobody has a table for.
    const UPS: &str = "1.3.6.1.2.1.1.1.0|4|Some box\n\
                       1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999.1\n\
                       1.3.6.1.2.1.1.3.0|67|4200\n\
                       1.3.6.1.2.1.2.2.1.1.1|2|1\n\
                       1.3.6.1.2.1.2.2.1.2.1|4|eth0\n\
                       1.3.6.1.2.1.2.2.1.8.1|2|1\n\
                       1.3.6.1.2.1.33.1.2.1.0|2|2\n\
                       1.3.6.1.2.1.33.1.2.4.0|2|80\n";

    async fn heard(recorded: Recorded, kind: Option<Kind>) -> (Said, Heard) {
        let mut said = Said::default();
        let mut session = Witness::new(recorded, "");
        let heard = read(&mut session, kind, &mut said).await;
        (said, heard)
    }

    #[tokio::test]
    async fn a_device_is_read_for_what_it_is() {
        let (said, all) = heard(Recorded::parse(UPS), None).await;
        assert_eq!(all, Heard::All, "{said:?}");
        assert_eq!(said.kind, Some(Kind::Ups));
        assert_eq!(said.ups.unwrap().battery_ratio, Some(0.8));
        assert_eq!(said.interfaces.len(), 1);
        assert_eq!(said.conditions, None, "it is no printer");
    }

    #[tokio::test]
    async fn a_device_that_says_nothing_of_itself_is_asked_for_all_that_it_may_have() {
        let supplies = "1.3.6.1.2.1.43.11.1.1.6.1.1|4|Black Toner\n\
                        1.3.6.1.2.1.43.11.1.1.8.1.1|2|100\n\
                        1.3.6.1.2.1.43.11.1.1.9.1.1|2|40\n";
        let (said, all) = heard(Recorded::parse(supplies), None).await;
        assert_eq!(all, Heard::All);
        assert_eq!(said.supplies.len(), 1, "{said:?}");
        assert_eq!(said.kind, Some(Kind::Printer));
    }

    #[tokio::test]
    async fn what_is_known_as_a_router_has_a_line_whatever_it_calls_itself() {
        let box_ = "1.3.6.1.2.1.1.1.0|4|Some box\n\
                    1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999.1\n\
                    1.3.6.1.2.1.2.2.1.2.1|4|wan0\n\
                    1.3.6.1.2.1.2.2.1.3.1|2|6\n\
                    1.3.6.1.2.1.2.2.1.8.1|2|1\n";
        for (known, is_line) in [(None, false), (Some(Kind::Router), true)] {
            let (said, _) = heard(Recorded::parse(box_), known).await;
            assert_eq!(said.kind, Some(Kind::Other));
            let lines: Vec<_> = said.interfaces.iter().map(|one| one.wan).collect();
            assert_eq!(lines, [is_line], "{known:?}");
        }
    }

    #[tokio::test]
    async fn what_was_read_before_trouble_counts() {
        let half = Recorded::parse(UPS).failing(oid!("1.3.6.1.2.1.2"));
        let (said, some) = heard(half, None).await;
        assert!(said.ups.is_some() && said.interfaces.is_empty(), "{said:?}");
        let Heard::Some(problem) = some else {
            panic!("{some:?}");
        };
        assert!(problem.contains("interfaces"), "{problem}");
        assert!(said.problems.contains(&problem), "{said:?}");
    }

    #[tokio::test]
    async fn a_level_that_makes_no_sense_is_no_part_that_is_missing() {
        let supplies = "1.3.6.1.2.1.43.11.1.1.6.1.1|4|Black Toner\n\
                        1.3.6.1.2.1.43.11.1.1.8.1.1|2|100\n\
                        1.3.6.1.2.1.43.11.1.1.9.1.1|2|400\n";
        let (said, all) = heard(Recorded::parse(supplies), None).await;
        assert_eq!(said.problems.len(), 1, "{said:?}");
        assert_eq!(all, Heard::All);
    }

    #[tokio::test]
    async fn a_protocol_that_is_silent_keeps_nothing_from_the_other() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = closed.local_addr().unwrap().port();
        drop(closed);
        let question = Question {
            address: [127, 0, 0, 1].into(),
            kind: Some(Kind::Printer),
            snmp: Some(Snmp {
                port: silent.local_addr().unwrap().port(),
                security: Security::V2c {
                    community: Secret("public".to_owned()),
                },
            }),
            context: String::new(),
            ipp: Some(Ipp {
                port: refusing,
                path: "/ipp/print".to_owned(),
            }),
        };
        let budget = Budget {
            timeout: Duration::from_millis(100),
            retries: 1,
            whole: Duration::from_secs(2),
            requests: 100,
            values: 1_000,
        };
        let asked = ask(&Transport::new(), &question, budget).await.merged();
        let [snmp, ipp] = asked.attempts.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!((snmp.protocol, snmp.outcome), (Origin::Snmp, "timeout"));
        assert_eq!((ipp.protocol, ipp.outcome), (Origin::Ipp, "refused"));
        assert!(ipp.took < snmp.took);
        assert!(!asked.any());
        let [first, second] = asked.said.problems.as_slice() else {
            panic!("{asked:?}");
        };
        assert!(
            first.starts_with("SNMP: ") && second.starts_with("IPP: "),
            "{asked:?}"
        );
    }
}
