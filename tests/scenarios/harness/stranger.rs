//! An agent that says whatever a scenario wants: the wire without the manners.
//!
//! Its certificate is real and so are TLS and HTTP/2; what goes over them is up to the scenario.

use std::time::Duration;

use agent::identity::{self, Identity};
use agent::tls::{self, Address, ConnectError, Trust};
use proto::columns::{self, Lane, Rounds};
use proto::wire::session_client::SessionClient;
use proto::wire::{Ack, Batch, Clock, FromAgent, FromCollector, Hello, Series};
use proto::wire::{from_agent, from_collector};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::collector::Collector;
use super::process::Folder;

/// How long the collector may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Who it is.
#[derive(Debug)]
pub struct Stranger {
    folder: Folder,
    collector: Address,
    identity: Identity,
}

/// One open stream.
#[derive(Debug)]
pub struct Stream {
    up: mpsc::Sender<FromAgent>,
    down: Streaming<FromCollector>,
    columns: columns::Encoder,
}

/// The instance of its batches, unless a scenario says otherwise.
pub const INSTANCE: u64 = 7;

impl Stranger {
    /// Enrols like anybody.
    pub async fn enrolled_at(collector: &Collector, centre: &str) -> Self {
        let token = collector.token(centre).await;
        Self::enrolled_with(collector, &token).await
    }

    /// Enrols with a token.
    pub async fn enrolled_with(collector: &Collector, token: &str) -> Self {
        let token = token.parse().unwrap();
        let folder = Folder::new("stranger");
        let address = address_of(collector);
        let identity = identity::enroll(folder.path(), &address, &token, None)
            .await
            .unwrap();
        Self {
            folder,
            collector: address,
            identity,
        }
    }

    /// What it trusts.
    pub fn trust(&self) -> Trust {
        self.identity.trust(self.folder.path()).unwrap()
    }

    /// Connects to its collector with its certificate.
    pub async fn connect(&self) -> Result<Channel, ConnectError> {
        self.connect_to(self.trust(), &self.collector).await
    }

    /// Connects to any collector with its certificate.
    pub async fn connect_to(
        &self,
        trust: Trust,
        collector: &Address,
    ) -> Result<Channel, ConnectError> {
        let shown = self.identity.shown(self.folder.path()).unwrap();
        let config = tls::client_config(trust, Some(shown)).unwrap();
        tls::connect(collector, config).await
    }

    /// Connects without a certificate.
    pub async fn connect_unknown(&self) -> Channel {
        let config = tls::client_config(self.trust(), None).unwrap();
        tls::connect(&self.collector, config).await.unwrap()
    }

    /// Opens a stream and says hello.
    pub async fn welcomed(&self) -> Stream {
        let mut stream = Stream::open(self.connect().await.unwrap()).await.unwrap();
        stream.hello(proto::limits::PROTOCOL).await;
        let first = stream.answer().await.unwrap();
        assert!(
            matches!(first, Some(from_collector::Kind::Welcome(_))),
            "{first:?}"
        );
        let second = stream.answer().await.unwrap();
        assert!(
            matches!(second, Some(from_collector::Kind::Plan(_))),
            "{second:?}"
        );
        stream
    }
}

/// Where a collector's agents call.
pub fn address_of(collector: &Collector) -> Address {
    format!("https://{}", collector.agent_address())
        .parse()
        .unwrap()
}

impl Stream {
    /// Opens a stream and says nothing.
    pub async fn open(channel: Channel) -> Result<Self, Status> {
        let (up, messages) = mpsc::channel(1_000);
        let mut client = SessionClient::new(channel);
        let opening = client.open(ReceiverStream::new(messages));
        let opened = tokio::time::timeout(ANSWER, opening)
            .await
            .expect("an answer")?;
        Ok(Self {
            up,
            down: opened.into_inner(),
            columns: columns::Encoder::default(),
        })
    }

    /// Says something.
    pub async fn say(&self, kind: from_agent::Kind) {
        self.up
            .send(FromAgent { kind: Some(kind) })
            .await
            .expect("the stream is open");
    }

    /// Says hello.
    pub async fn hello(&self, protocol: u32) {
        self.say(from_agent::Kind::Hello(Hello {
            protocol,
            ..Hello::default()
        }))
        .await;
    }

    /// The next batch of this stream; it asks for an acknowledgement.
    pub fn batch(&mut self, sequence: u64, series: &[Series], rounds: &Rounds) -> Batch {
        Batch {
            instance: INSTANCE,
            sequence,
            clock: Some(clock(0)),
            series: proto::stream::pack(series),
            samples: self.columns.encode(Lane::Live, rounds),
            wants_ack: true,
            ..Batch::default()
        }
    }

    /// Sends a batch and waits for its acknowledgement: how many samples were refused.
    pub async fn send(&mut self, batch: Batch) -> u32 {
        let (instance, sequence) = (batch.instance, batch.sequence);
        self.say(from_agent::Kind::Batch(batch)).await;
        match self.answer().await.unwrap() {
            Some(from_collector::Kind::Ack(ack)) if covers(&ack, instance, sequence) => {
                ack.rejected_samples
            }
            other => panic!("no acknowledgement of {sequence}: {other:?}"),
        }
    }

    /// What the collector says next; `None` at the end.
    pub async fn answer(&mut self) -> Result<Option<from_collector::Kind>, Status> {
        let message = tokio::time::timeout(ANSWER, self.down.message()).await;
        Ok(message
            .expect("an answer")?
            .and_then(|message| message.kind))
    }
}

/// Whether a batch is acknowledged.
pub fn covers(ack: &Ack, instance: u64, sequence: u64) -> bool {
    ack.batches.iter().any(|batches| {
        batches.instance == instance && (batches.first..=batches.last).contains(&sequence)
    })
}

/// Now, by a wall clock that is `ahead_ms` ahead.
pub fn clock(ahead_ms: i64) -> Clock {
    let now = agent::clock::now();
    Clock {
        wall_unix_ms: now.wall_unix_ms.saturating_add(ahead_ms),
        ..now
    }
}

/// The definition of a series.
pub fn series(id: u32, metric: &str, labels: &[(&str, &str)]) -> Series {
    let label = |(name, value): &(&str, &str)| proto::wire::Label {
        name: (*name).into(),
        value: (*value).into(),
    };
    Series {
        id,
        metric: metric.into(),
        labels: labels.iter().map(label).collect(),
        device: String::new(),
    }
}
