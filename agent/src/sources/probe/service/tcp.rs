//! A TCP connection to one address, through one interface where the plan names a network.

use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use super::super::binding::bind;
use super::outcome::{Outcome, Stop};

/// Connects.
pub(super) async fn connect(to: SocketAddr, interface: Option<&str>) -> Result<TcpStream, Stop> {
    let failed = |error| Stop::network("connect", &error, Outcome::Unreachable);
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(failed)?;
    bind(&SockRef::from(&socket), interface)?;
    let stream = socket.connect(to).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}
