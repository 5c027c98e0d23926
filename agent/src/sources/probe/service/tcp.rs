//! A TCP connection to one address, through one interface where the plan names a network.

use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

use super::super::super::Unmeasurable;
use super::outcome::{Outcome, Stop};

/// Connects.
pub(super) async fn connect(to: SocketAddr, interface: Option<&str>) -> Result<TcpStream, Stop> {
    let failed = |error| Stop::network("connect", &error, Outcome::Unreachable);
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(failed)?;
    if let Some(interface) = interface {
        bind(&socket, interface)?;
    }
    let stream = socket.connect(to).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

/// An interface that is not there leads nowhere; one that we may not choose is a limitation.
#[cfg(target_os = "linux")]
fn bind(socket: &TcpSocket, interface: &str) -> Result<(), Stop> {
    let Err(error) = socket.bind_device(Some(interface.as_bytes())) else {
        return Ok(());
    };
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return Err(Stop::Unmeasurable(Unmeasurable {
            what: format!("this system does not let the agent choose the interface {interface}"),
            remedy: "run it with CAP_NET_RAW, or on Linux 5.7 or newer".to_owned(),
        }));
    }
    let detail = format!("interface {interface}: {error}");
    Err(Stop::With(Outcome::Unreachable, detail))
}

#[cfg(not(target_os = "linux"))]
fn bind(_: &TcpSocket, interface: &str) -> Result<(), Stop> {
    Err(Stop::Unmeasurable(Unmeasurable {
        what: format!("the interface {interface} cannot be chosen on this system yet"),
        remedy: "name no network for this service in the plan".to_owned(),
    }))
}
