//! Sockets that use one interface alone, where a plan names a network.
//!
//! A plan is for all machines of a centre, and not each is in each of its networks: an interface that this
//! one never had is nothing to measure. One that was there in this process's life and left leads nowhere
//! any more, which is a result. Deliberately absent: waiting for it.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};

use socket2::SockRef;

use super::super::Unmeasurable;
use crate::os;

/// Interfaces that sockets of this process were bound to: no more than this machine ever has.
static THERE: There = There(Mutex::new(BTreeSet::new()));

/// Why a socket is not bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unbound {
    /// The interface was there, and is no more.
    Gone(String),
    /// It cannot be used here, for all we know.
    Cannot(Unmeasurable),
}

struct There(Mutex<BTreeSet<String>>);

/// Binds to the interface where there is one to bind to; else the system chooses.
pub(crate) fn bind(socket: &SockRef<'_>, interface: Option<&str>) -> Result<(), Unbound> {
    match interface {
        Some(interface) => THERE.note(interface, os::bind_to(socket, interface)),
        None => Ok(()),
    }
}

impl There {
    /// Remembers the interface, or says what it means that it cannot be used.
    fn note(&self, interface: &str, bound: io::Result<()>) -> Result<(), Unbound> {
        let mut there = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match bound {
            Ok(()) => {
                if !there.contains(interface) {
                    there.insert(interface.to_owned());
                }
                return Ok(());
            }
            Err(error) => error,
        };
        let cannot = |what, remedy: &str| {
            let remedy = remedy.to_owned();
            Err(Unbound::Cannot(Unmeasurable { what, remedy }))
        };
        match error.kind() {
            io::ErrorKind::NotFound if there.contains(interface) => {
                Err(Unbound::Gone(format!("interface {interface}: {error}")))
            }
            io::ErrorKind::NotFound => cannot(
                format!(
                    "this machine has no interface {interface}: its network is not measured from here"
                ),
                "where the network is reached through another, say so under [networks] in the agent's settings",
            ),
            io::ErrorKind::PermissionDenied => cannot(
                format!("this system does not let the agent choose the interface {interface}"),
                "run it with CAP_NET_RAW, or on Linux 5.7 or newer",
            ),
            io::ErrorKind::Unsupported => cannot(
                format!("the interface {interface} cannot be chosen on this system yet"),
                "name no network for this machine's services and resolvers in the plan",
            ),
            _ => cannot(
                format!("the interface {interface} cannot be used: {error}"),
                "look whether its name in the plan is right",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(there: &There, kind: io::ErrorKind) -> Unbound {
        let failed = there.note("wwan0", Err(kind.into()));
        failed.expect_err("not bound")
    }

    #[test]
    fn an_interface_that_left_leads_nowhere_and_one_that_never_was_is_not_measured() {
        let there = There(Mutex::default());
        let never = failed(&there, io::ErrorKind::NotFound);
        assert!(
            matches!(&never, Unbound::Cannot(limitation) if limitation.what.contains("no interface wwan0")),
            "{never:?}"
        );
        assert_eq!(there.note("wwan0", Ok(())), Ok(()));
        let left = failed(&there, io::ErrorKind::NotFound);
        assert!(matches!(left, Unbound::Gone(_)), "{left:?}");
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::Unsupported,
            io::ErrorKind::InvalidInput,
        ] {
            let failed = failed(&there, kind);
            assert!(matches!(failed, Unbound::Cannot(_)), "{failed:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn real_sockets_are_bound_where_there_is_something_to_bind_to() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let socket = SockRef::from(&socket);
        assert_eq!(bind(&socket, None), Ok(()));
        for name in ["gone0", "a-name-longer-than-any"] {
            let never = bind(&socket, Some(name));
            let is_none = |limitation: &Unmeasurable| limitation.what.contains("has no interface");
            assert!(
                matches!(&never, Err(Unbound::Cannot(limitation)) if is_none(limitation)),
                "{never:?}"
            );
        }
        assert_eq!(bind(&socket, Some("lo")), Ok(()));
    }
}
