//! Servers on loopback that behave as they are told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// Stops when it is dropped.
pub(in super::super) struct Server {
    pub(in super::super) address: SocketAddr,
    _running: JoinSet<()>,
}

/// A thing that a server does with a connection, in order.
#[derive(Clone)]
pub(in super::super) enum Act {
    Wait(Duration),
    /// From here on the connection is encrypted.
    Encrypt(Arc<ServerConfig>),
    /// Reads to the end of a request's headers.
    Hear,
    Say(Vec<u8>),
    /// For ever, with this time in between.
    Repeat(Vec<u8>, Duration),
    /// Neither says nor ends anything.
    Hang,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Server {
    /// Does this with every connection, then ends it.
    pub(in super::super) async fn doing(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut serving = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.spawn(serve(stream, acts.clone()));
            }
        });
        Self {
            address,
            _running: running,
        }
    }

    /// Hears a request and says this.
    pub(in super::super) async fn saying(answer: &str) -> Self {
        Self::doing(vec![Act::Hear, say(answer)]).await
    }

    /// As [`Server::saying`], encrypted.
    pub(in super::super) async fn saying_secretly(config: Arc<ServerConfig>, answer: &str) -> Self {
        Self::doing(vec![Act::Encrypt(config), Act::Hear, say(answer)]).await
    }

    pub(in super::super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://portal.example:{}/", self.address.port())
    }
}

pub(in super::super) fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

async fn serve(stream: TcpStream, acts: Vec<Act>) {
    let mut stream: Box<dyn Stream> = Box::new(stream);
    for act in acts {
        match act {
            Act::Wait(time) => sleep(time).await,
            Act::Encrypt(config) => match TlsAcceptor::from(config).accept(stream).await {
                Ok(encrypted) => stream = Box::new(encrypted),
                Err(_) => return,
            },
            Act::Hear => {
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => heard.push(byte),
                        Err(_) => return,
                    }
                }
            }
            Act::Say(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::Repeat(bytes, time) => loop {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                sleep(time).await;
            },
            Act::Hang => std::future::pending().await,
        }
    }
    // The other end may already be gone.
    let _ended = stream.shutdown().await;
}
