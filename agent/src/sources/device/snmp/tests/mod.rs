//! The transport against real agents and against peers that misbehave, over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests, which say what they skip"
)]

#[cfg(target_os = "linux")]
mod agents;
mod beside;
mod corpus;
mod hostile;
mod odd;
mod peer;
mod secrets;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proto::plan::{Secret, Security, Snmp};

use super::{Budget, Oid, Session, Transport, oid};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SYS_DESCR: Oid = oid!("1.3.6.1.2.1.1.1.0");
const SYS_UP_TIME: Oid = oid!("1.3.6.1.2.1.1.3.0");
const IF_INDEX: Oid = oid!("1.3.6.1.2.1.2.2.1.1");
const IF_DESCR: Oid = oid!("1.3.6.1.2.1.2.2.1.2");

/// Of a device on loopback: what is silent there for so long stays silent.
const BUDGET: Budget = Budget {
    timeout: Duration::from_millis(500),
    retries: 1,
    whole: Duration::from_secs(10),
    requests: 500,
    values: 20_000,
};

/// For real agents on a machine that does other things too.
const PATIENT: Budget = Budget {
    timeout: Duration::from_secs(5),
    whole: Duration::from_mins(1),
    ..BUDGET
};

fn v1(port: u16) -> Snmp {
    let community = Secret("public".to_owned());
    let security = Security::V1 { community };
    Snmp { port, security }
}

fn v2c(port: u16) -> Snmp {
    let community = Secret("public".to_owned());
    let security = Security::V2c { community };
    Snmp { port, security }
}

fn session(port: u16) -> impl Session {
    Transport::new()
        .session(LOCALHOST, &v2c(port), BUDGET)
        .unwrap()
}
