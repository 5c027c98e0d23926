//! The line between a centre and its collector, which can be cut and joined again.
//!
//! A TCP proxy inside the test's own process: agents call it instead of the collector. Either kind of
//! cut ends only by [`Line::join`]. Deliberately absent: delay and loss, which [`super::netns`] has.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A line that carries whatever goes over it, unless it is cut.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    state: watch::Sender<State>,
    proxy: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Joined,
    Broken,
    Silent,
}

impl Line {
    /// A line to this address, joined.
    pub async fn to(far_end: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State::Joined);
        let proxy = tokio::spawn(serve(listener, far_end, seen));
        Self {
            address,
            state,
            proxy,
        }
    }

    /// Where to call.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts it so that both ends notice: connections are reset, and so are new ones.
    pub fn cut(&self) {
        self.state.send_replace(State::Broken);
    }

    /// Cuts it so that nobody notices: connections stay and new ones come about, but nothing is
    /// carried.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Carries again. What waited in a silent connection goes on; a connection that was reset stays
    /// so.
    pub fn join(&self) {
        self.state.send_replace(State::Joined);
    }

    /// Whether it carries.
    pub fn is_joined(&self) -> bool {
        *self.state.borrow() == State::Joined
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}

async fn serve(listener: TcpListener, far_end: SocketAddr, state: watch::Receiver<State>) {
    // Dropped with the proxy, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((near, _)) = accepted else { return };
                connections.spawn(carry(near, far_end, state.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until both ends have closed it, one end died, or the line breaks.
async fn carry(
    mut near: TcpStream,
    far_end: SocketAddr,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut breaking = state.clone();
    let broken = breaking.wait_for(|state| *state == State::Broken);
    tokio::pin!(broken);
    let connected = async {
        is_joined(&mut state).await?;
        TcpStream::connect(far_end).await
    };
    let mut far = tokio::select! {
        _ = &mut broken => return near.set_zero_linger(),
        far = connected => far?,
    };
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let carried = async {
        let (near_reads, near_writes) = near.split();
        let (far_reads, far_writes) = far.split();
        // One half may end well before the other.
        tokio::try_join!(
            pump(near_reads, far_writes, state.clone()),
            pump(far_reads, near_writes, state.clone()),
        )
    };
    let is_well = tokio::select! {
        _ = broken => false,
        carried = carried => carried.is_ok(),
    };
    if !is_well {
        // Then closing is a reset.
        near.set_zero_linger()?;
        far.set_zero_linger()?;
    }
    Ok(())
}

/// Waits until the line carries; an error when it is gone for good.
async fn is_joined(state: &mut watch::Receiver<State>) -> io::Result<()> {
    let joined = state.wait_for(|state| *state == State::Joined).await;
    joined.map(|_| ()).map_err(io::Error::other)
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        is_joined(&mut state).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Longer than a joined line needs by far.
    const LONG: Duration = Duration::from_millis(200);

    /// A line to a server that says everything twice.
    async fn line() -> Line {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.split();
                    tokio::io::copy(&mut reads, &mut writes).await
                });
            }
        });
        Line::to(address).await
    }

    async fn echo(stream: &mut TcpStream) -> std::io::Result<u8> {
        stream.write_u8(7).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_line_carries_until_it_is_cut_and_again_when_it_is_joined() {
        let line = line().await;
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        let answer = timeout(SOON, echo(&mut stream)).await.unwrap();
        assert_eq!(answer.unwrap(), 7);
        line.cut();
        timeout(SOON, stream.read_u8()).await.unwrap().unwrap_err();
        let mut late = TcpStream::connect(line.address()).await.unwrap();
        timeout(SOON, late.read_u8()).await.unwrap().unwrap_err();
        line.join();
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        let answer = timeout(SOON, echo(&mut stream)).await.unwrap();
        assert_eq!(answer.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_silent_line_keeps_what_is_said_until_it_is_joined() {
        let line = line().await;
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        timeout(SOON, echo(&mut stream)).await.unwrap().unwrap();
        line.silence();
        let mut late = TcpStream::connect(line.address()).await.unwrap();
        timeout(LONG, echo(&mut stream)).await.unwrap_err();
        timeout(LONG, echo(&mut late)).await.unwrap_err();
        line.join();
        for mut stream in [stream, late] {
            let answer = timeout(SOON, stream.read_u8()).await.unwrap();
            assert_eq!(answer.unwrap(), 7);
        }
    }

    #[tokio::test]
    async fn either_end_may_close() {
        let line = line().await;
        let mut stream = TcpStream::connect(line.address()).await.unwrap();
        stream.write_u8(7).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut said = Vec::new();
        let read = timeout(SOON, stream.read_to_end(&mut said)).await.unwrap();
        assert_eq!((read.unwrap(), said), (1, vec![7]));
    }
}
