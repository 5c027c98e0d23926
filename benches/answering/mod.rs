//! Somebody who answers on loopback whatever an agent asks: connections, pages and names.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each bench uses what it needs of it"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Where resolvers are asked.
const DNS: &str = "127.0.3.1:53";

/// What there is to use.
pub struct Answering {
    port: u16,
    has_resolver: bool,
    questions: Arc<AtomicU32>,
}

impl Answering {
    /// Answers until the runtime ends. Without the right to take the port of resolvers there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(page(stream));
            }
        });
        let resolver = UdpSocket::bind(DNS).await;
        let has_resolver = resolver.is_ok();
        let questions = Arc::default();
        if let Ok(resolver) = resolver {
            tokio::spawn(no_such_names(resolver, Arc::clone(&questions)));
        }
        Ok(Self {
            port,
            has_resolver,
            questions,
        })
    }

    /// How many names it was asked for.
    pub fn questions(&self) -> u32 {
        self.questions.load(Ordering::Relaxed)
    }

    /// What the settings of a collector name, whose agents open so many connections, and ask for one
    /// page and one resolver.
    pub fn settings(&self, connections: u64) -> String {
        let port = self.port;
        let mut text = String::new();
        let mut service = |name: &str, url: &str| {
            let _ = write!(text, "[[service]]\nname = {name:?}\nurl = {url:?}\n");
        };
        for number in 1..=connections {
            let url = format!("tcp://127.0.2.{number}:{port}");
            service(&format!("connection-{number}"), &url);
        }
        service("page", &format!("http://127.0.2.250:{port}/"));
        if self.has_resolver {
            let address = DNS.trim_end_matches(":53");
            let _ = write!(
                text,
                "[[resolver]]\nname = \"resolver\"\naddress = {address:?}\n"
            );
        }
        text
    }
}

/// Answers a request that fits into one packet; a connection without one is used by that alone.
async fn page(mut stream: TcpStream) -> anyhow::Result<()> {
    let mut request = [0; 2048];
    if stream.read(&mut request).await? > 0 {
        let page = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n";
        stream.write_all(page.as_bytes()).await?;
    }
    Ok(())
}

/// Says of every name that there is none.
async fn no_such_names(socket: UdpSocket, questions: Arc<AtomicU32>) -> anyhow::Result<()> {
    let mut packet = [0; 512];
    loop {
        let (length, from) = socket.recv_from(&mut packet).await?;
        questions.fetch_add(1, Ordering::Relaxed);
        let flags = packet.get_mut(2..4).context("a packet of 512 bytes")?;
        flags.copy_from_slice(&[0x81, 0x83]);
        let answer = packet.get(..length).unwrap_or_default();
        socket.send_to(answer, from).await?;
    }
}
