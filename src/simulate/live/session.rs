//! One simulated machine's agent on the wire: a stream of its own over mutual TLS, opened, lost and opened again as that
//! of a real one.
//!
//! What was measured arrives here when the simulation lets it through. So silence from the simulation means that the
//! machine is cut off: then the stream is dropped without a word, as a dead line does, and opened again when something
//! comes. What is not acknowledged is kept, within bounds, and sent again on the next stream. Deliberately absent: a disk;
//! what a simulated agent has not delivered ends with this program.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use agent::backoff::Backoff;
use agent::clock;
use agent::identity::Identity;
use agent::tls::{self, Address};
use diagnosis::record::{Goodbye, Hello, Measured};
use proto::columns::Lane;
use proto::limits::{MESSAGE_BYTES, PROTOCOL, TURNS_PER_HELLO};
use proto::stream;
use proto::wire::session_client::SessionClient;
use proto::wire::{self, FromAgent, FromCollector, from_agent, from_collector};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::readings::{Stretch, Teller};

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What arrives within this time of the first is told together: the order in a drain is the newest first.
const GATHER: Duration = Duration::from_millis(300);

/// Batches kept until they are acknowledged: hours of a cut.
const MOST_KEPT: usize = 500;

/// Messages that wait for the connection to take them.
const MESSAGES: usize = 64;

const LEAST_WAIT: Duration = Duration::from_secs(1);
const MOST_WAIT: Duration = Duration::from_secs(20);

/// Something that one machine has to tell. Times are true, Unix milliseconds.
#[derive(Debug)]
pub(super) enum Told {
    Measured {
        when: Stretch,
        /// How far its wall clock is ahead.
        ahead_ms: i64,
        measured: Box<Measured>,
    },
    Came {
        at_ms: i64,
        how: Hello,
    },
    Left {
        at_ms: i64,
        why: Goodbye,
    },
}

/// One machine's agent.
pub(super) struct Session {
    pub(super) folder: PathBuf,
    pub(super) identity: Identity,
    pub(super) collector: Address,
    pub(super) hostname: String,
    pub(super) teller: Teller,
    pub(super) told: mpsc::Receiver<Told>,
    /// So long a silence is a cut.
    pub(super) silence: Duration,
    pub(super) kept: Kept,
}

/// What was measured and is not acknowledged, and what it was measured with.
#[derive(Debug)]
pub(super) struct Kept {
    instance: u64,
    sequence: u64,
    waiting: VecDeque<Waiting>,
    dropped: u64,
    turns: Vec<wire::Turn>,
    boot: u64,
    ahead_ms: i64,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    measured: stream::Measured,
    to_ms: i64,
    ahead_ms: i64,
    boot: u64,
}

/// How a stream ended.
enum Ended {
    /// The machine is off, or cut off.
    Quiet,
    /// There is nothing more to simulate.
    Over,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self {
            instance: rand::random::<u64>().max(1),
            sequence: 0,
            waiting: VecDeque::new(),
            dropped: 0,
            turns: Vec::new(),
            boot: rand::random(),
            ahead_ms: 0,
        }
    }

    fn boot_id(&self, boot: u64) -> String {
        format!("simulated-{:016x}-{boot:016x}", self.instance)
    }

    /// Both clocks, as they stood at a true time.
    fn clock(&self, at_ms: i64, ahead_ms: i64) -> wire::Clock {
        let now = clock::now();
        let ago = now.wall_unix_ms.saturating_sub(at_ms);
        wire::Clock {
            wall_unix_ms: at_ms.saturating_add(ahead_ms),
            monotonic_ms: now.monotonic_ms.saturating_add_signed(ago.saturating_neg()),
        }
    }

    fn turned(&mut self, kind: wire::turn::Kind, at_ms: i64) {
        let recorded = wire::Recorded {
            boot_id: self.boot_id(self.boot),
            clock: Some(self.clock(at_ms, self.ahead_ms)),
        };
        self.turns.push(wire::Turn {
            kind: kind.into(),
            at: Some(recorded),
        });
        // The oldest first; the newest say how it stands.
        self.turns.sort_by_key(|turn| {
            turn.at
                .as_ref()
                .and_then(|at| at.clock)
                .map(|clock| clock.monotonic_ms)
        });
        let more = self.turns.len().saturating_sub(TURNS_PER_HELLO);
        self.turns.drain(..more);
    }

    fn measured(&mut self, measured: stream::Measured, to_ms: i64) -> u64 {
        self.sequence += 1;
        self.waiting.push_back(Waiting {
            sequence: self.sequence,
            measured,
            to_ms,
            ahead_ms: self.ahead_ms,
            boot: self.boot,
        });
        if self.waiting.len() > MOST_KEPT
            && let Some(oldest) = self.waiting.pop_front()
        {
            let samples = oldest.measured.rounds.samples();
            self.dropped += u64::try_from(samples).unwrap_or(0);
        }
        self.sequence
    }

    fn acknowledged(&mut self, ack: &wire::Ack) {
        let instance = self.instance;
        let is_safe = |sequence: u64| {
            let of = |safe: &wire::Batches| {
                safe.instance == instance
                    && (safe.first..=safe.last.max(safe.first)).contains(&sequence)
            };
            ack.batches.iter().any(of)
        };
        self.waiting.retain(|waiting| !is_safe(waiting.sequence));
    }
}

/// One open stream.
struct Line {
    up: mpsc::Sender<FromAgent>,
    down: Streaming<FromCollector>,
    encoder: stream::Encoder,
}

impl Session {
    /// Tells what there is to tell until nothing more comes.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(LEAST_WAIT, MOST_WAIT);
        while self.gather(GATHER).await {
            match self.stream(&mut backoff).await {
                Ok(Ended::Over) => return,
                Ok(Ended::Quiet) => {}
                Err(error) => {
                    let problem = agent::chain(error.as_ref());
                    tracing::warn!(agent = %self.identity.device, problem, "A simulated agent lost its collector.");
                    if !self.gather(backoff.next_wait()).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until there is something to tell, and a while longer; `false` when nothing more comes.
    async fn gather(&mut self, longer: Duration) -> bool {
        if self.kept.waiting.is_empty() && self.kept.turns.is_empty() {
            match self.told.recv().await {
                Some(told) => self.take(told),
                None => return false,
            };
        }
        let more = async {
            while let Some(told) = self.told.recv().await {
                self.take(told);
            }
        };
        // At the end of everything there is nothing to wait for.
        tokio::time::timeout(longer, more).await.is_err()
    }

    /// Keeps what was told until it is sent; says its number when it is a batch.
    fn take(&mut self, told: Told) -> Option<u64> {
        match told {
            Told::Measured {
                when,
                ahead_ms,
                measured,
            } => {
                self.kept.ahead_ms = ahead_ms;
                let own = Stretch {
                    from_ms: when.from_ms.saturating_add(ahead_ms),
                    to_ms: when.to_ms.saturating_add(ahead_ms),
                };
                let measured = self.teller.tell(&measured, own)?;
                Some(self.kept.measured(measured, when.to_ms))
            }
            Told::Came { at_ms, how } => {
                use wire::turn::Kind;
                let kind = match how {
                    Hello::CleanBoot => Kind::CleanBoot,
                    Hello::PowerLossBoot => Kind::PowerLossBoot,
                    Hello::Wake => Kind::Wake,
                    Hello::Restart | Hello::Other => Kind::Restart,
                };
                if matches!(how, Hello::CleanBoot | Hello::PowerLossBoot) {
                    self.kept.boot = self.kept.boot.wrapping_add(1);
                }
                self.kept.turned(kind, at_ms);
                None
            }
            Told::Left { at_ms, why } => {
                use wire::turn::Kind;
                let kind = match why {
                    Goodbye::Shutdown => Kind::ShutDown,
                    Goodbye::Sleep => Kind::FellAsleep,
                    Goodbye::Stop | Goodbye::Other => Kind::Stopped,
                };
                self.kept.turned(kind, at_ms);
                None
            }
        }
    }

    /// One stream, from connecting to its end.
    async fn stream(&mut self, backoff: &mut Backoff) -> anyhow::Result<Ended> {
        let mut line = tokio::time::timeout(PATIENCE, self.open()).await??;
        let numbers: Vec<u64> = self.kept.waiting.iter().map(|one| one.sequence).collect();
        for number in numbers {
            self.send(&mut line, number).await?;
        }
        backoff.reset();
        loop {
            tokio::select! {
                message = line.down.message() => {
                    let message = message?;
                    let Some(message) = message else { anyhow::bail!("the collector ended the stream") };
                    if let Some(from_collector::Kind::Ack(ack)) = message.kind {
                        self.kept.acknowledged(&ack);
                    }
                }
                told = tokio::time::timeout(self.silence, self.told.recv()) => match told {
                    Err(_) => return Ok(Ended::Quiet),
                    Ok(None) => {
                        line.goodbye(wire::goodbye::Reason::Stop).await?;
                        return Ok(Ended::Over);
                    }
                    Ok(Some(Told::Left { at_ms, why })) if is_recent(at_ms, self.silence) => {
                        line.goodbye(reason(why)).await?;
                        return Ok(Ended::Quiet);
                    }
                    Ok(Some(told)) => match self.take(told) {
                        Some(number) => self.send(&mut line, number).await?,
                        // Whoever came says so with a Hello.
                        None if !self.kept.turns.is_empty() => return Ok(Ended::Quiet),
                        None => {}
                    },
                }
            }
        }
    }

    /// Connects, says hello, and is welcomed.
    async fn open(&mut self) -> anyhow::Result<Line> {
        let channel = tls::connect(&self.collector, self.identity.tls(&self.folder)?).await?;
        let (up, messages) = mpsc::channel(MESSAGES);
        let hello = wire::Hello {
            protocol: PROTOCOL,
            host: Some(wire::Host {
                hostname: self.hostname.clone(),
                os: "simulated".to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
                version: proto::VERSION.to_owned(),
                kind: String::new(),
            }),
            boot_id: self.kept.boot_id(self.kept.boot),
            clock: Some(self.kept.clock(clock::wall_unix_ms(), self.kept.ahead_ms)),
            turns: self.kept.turns.clone(),
            ..wire::Hello::default()
        };
        up.send(FromAgent {
            kind: Some(from_agent::Kind::Hello(hello)),
        })
        .await?;
        let mut client = SessionClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        let mut down = client
            .open(ReceiverStream::new(messages))
            .await?
            .into_inner();
        let first = down.message().await?.and_then(|message| message.kind);
        anyhow::ensure!(
            matches!(first, Some(from_collector::Kind::Welcome(_))),
            "the collector did not say welcome"
        );
        self.kept.turns.clear();
        Ok(Line {
            up,
            down,
            encoder: stream::Encoder::default(),
        })
    }

    async fn send(&mut self, line: &mut Line, number: u64) -> anyhow::Result<()> {
        let kept = &self.kept;
        let Some(waiting) = kept.waiting.iter().find(|one| one.sequence == number) else {
            return Ok(());
        };
        let lane = if is_recent(waiting.to_ms, self.silence) {
            Lane::Live
        } else {
            Lane::Backlog
        };
        anyhow::ensure!(
            line.encoder.has_room_for(&waiting.measured.series),
            "this stream has all the series it can have"
        );
        let now = clock::wall_unix_ms();
        let is_as_now = waiting.boot == kept.boot && waiting.ahead_ms == kept.ahead_ms;
        let encoded = line.encoder.encode(waiting.measured.clone(), lane);
        let batch = wire::Batch {
            instance: kept.instance,
            sequence: waiting.sequence,
            clock: Some(kept.clock(now, kept.ahead_ms)),
            series: encoded.series,
            samples: encoded.samples,
            lane: match lane {
                Lane::Live => wire::Lane::Live.into(),
                Lane::Backlog => wire::Lane::Backlog.into(),
            },
            wants_ack: true,
            dropped_samples: kept.dropped,
            recorded: (!is_as_now).then(|| wire::Recorded {
                boot_id: kept.boot_id(waiting.boot),
                clock: Some(kept.clock(now, waiting.ahead_ms)),
            }),
        };
        line.say(from_agent::Kind::Batch(batch)).await
    }
}

impl Line {
    async fn say(&self, kind: from_agent::Kind) -> anyhow::Result<()> {
        let message = FromAgent { kind: Some(kind) };
        Ok(self.up.send_timeout(message, PATIENCE).await?)
    }

    /// Says goodbye and waits until it was heard, not for long.
    async fn goodbye(mut self, why: wire::goodbye::Reason) -> anyhow::Result<()> {
        let goodbye = wire::Goodbye { reason: why.into() };
        self.say(from_agent::Kind::Goodbye(goodbye)).await?;
        let Self { up, down, .. } = &mut self;
        // Dropping the sender ends this side; the collector closes its own when it has heard it.
        *up = mpsc::channel(1).0;
        let heard = async { while let Ok(Some(_)) = down.message().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), heard).await;
        Ok(())
    }
}

fn reason(why: Goodbye) -> wire::goodbye::Reason {
    match why {
        Goodbye::Shutdown => wire::goodbye::Reason::Shutdown,
        Goodbye::Sleep => wire::goodbye::Reason::Sleep,
        Goodbye::Stop | Goodbye::Other => wire::goodbye::Reason::Stop,
    }
}

fn is_recent(at_ms: i64, within: Duration) -> bool {
    let ago = clock::wall_unix_ms().saturating_sub(at_ms);
    ago < i64::try_from(within.as_millis()).unwrap_or(i64::MAX)
}
