//! One transfer each way, with echoes meanwhile.
//!
//! What is told is what arrived after the first quarter, by whoever received it ([`proto::throughput`]),
//! without the headers of TLS, TCP and IP: some 5 % less than the line carries. It is that of one TCP
//! connection: a line so fast that the transfer ends before TCP has got up to speed is told slower than it
//! is. Echoes that begin to be sent when the transfer is under way show how long the queue in front of the
//! line is (bufferbloat); where no echoes are possible, none of it is told.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use proto::metrics;
use proto::throughput::{LONGEST, Meter};
use proto::wire::transfer_client::TransferClient;
use proto::wire::{DownloadRequest, Piece};
use rand::Rng as _;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::super::super::{Access, Readings, Unmeasurable};
use super::super::packets::{Came, Carrier, Packets, Probe, USUAL_BYTES};
use super::super::statistics::median;
use crate::os;
use crate::tls;

/// How long the collector's word may take after an upload was measured.
const REST: Duration = Duration::from_secs(15);

/// Between the two directions: what queued up for one drains.
const BETWEEN: Duration = Duration::from_secs(1);

/// Bytes that may be on their way to here: more than a line holds, less than waits forever behind it.
const WINDOW: u32 = 1 << 20;

/// Sent at a time.
const PIECE_BYTES: u32 = 16_384;

/// Between two echoes, and for the answer to one.
const SPACING: Duration = Duration::from_millis(50);
const ECHO_LIMIT: Duration = Duration::from_secs(3);

/// What one direction reached.
#[derive(Debug, Clone, Copy)]
struct Reached {
    /// `None` where it ended too soon to tell.
    bits_per_second: Option<f64>,
    /// Median.
    loaded_rtt: Option<Duration>,
}

/// Why nothing was measured.
#[derive(Debug)]
pub(super) enum NotMeasured {
    /// It is not this machine's turn, or the collector knows no transfers.
    Refused,
    /// The collector has no time for it now.
    NotNow,
    Failed(Unmeasurable),
}

/// Transfers so many bytes each way, if the collector lets us.
pub(super) async fn measure(
    access: &Access,
    bytes: u32,
    readings: &mut Readings,
) -> Result<(), NotMeasured> {
    let packets = Packets::new(None);
    // A connection for each: what a slow line has not carried is given up when it is closed.
    let (client, collector) = connect(access).await?;
    let reached = with_echoes(&packets, collector, download(client, bytes)).await?;
    tell(readings, "download", reached);
    tokio::time::sleep(BETWEEN).await;
    let (client, collector) = connect(access).await?;
    let reached = with_echoes(&packets, collector, upload(client, bytes)).await?;
    tell(readings, "upload", reached);
    Ok(())
}

fn tell(readings: &mut Readings, direction: &str, reached: Reached) {
    if let Some(bits_per_second) = reached.bits_per_second {
        readings.push(&metrics::THROUGHPUT, &[direction], bits_per_second.round());
    }
    if let Some(rtt) = reached.loaded_rtt {
        readings.push(
            &metrics::THROUGHPUT_LOADED_RTT,
            &[direction],
            rtt.as_secs_f64(),
        );
    }
}

async fn connect(
    access: &Access,
) -> Result<(TransferClient<Channel>, Option<SocketAddr>), NotMeasured> {
    let config = access.identity.borrow().tls(&access.folder);
    let config = config.map_err(|error| failed(&error))?;
    let connected = tls::connect_wide(&access.collector, config, WINDOW).await;
    let (channel, collector) = connected.map_err(|error| failed(&error))?;
    Ok((TransferClient::new(channel), collector))
}

async fn download(mut client: TransferClient<Channel>, bytes: u32) -> Result<Option<f64>, Status> {
    let request = DownloadRequest { bytes };
    let mut pieces = client.download(request).await?.into_inner();
    let began = Instant::now();
    let mut meter = Meter::default();
    let receiving = async {
        while let Some(piece) = pieces.message().await? {
            meter.arrived(piece.data.len(), began.elapsed());
        }
        Ok::<_, Status>(())
    };
    if let Ok(received) = timeout(LONGEST, receiving).await {
        received?;
    }
    Ok(meter.bits_per_second())
}

async fn upload(mut client: TransferClient<Channel>, bytes: u32) -> Result<Option<f64>, Status> {
    let began = Instant::now();
    let mut left = bytes;
    // Made when there is room for it on the way.
    let pieces = std::iter::from_fn(move || {
        let length = PIECE_BYTES.min(left);
        if length == 0 || began.elapsed() >= LONGEST {
            return None;
        }
        left -= length;
        let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
        rand::rng().fill_bytes(&mut data);
        Some(Piece { data })
    });
    let uploading = client.upload(tokio_stream::iter(pieces));
    let late = |_| Status::deadline_exceeded("the collector did not confirm the transfer");
    let answer = timeout(LONGEST + REST, uploading).await.map_err(late)??;
    let told = answer.into_inner().bits_per_second;
    #[allow(
        clippy::cast_precision_loss,
        reason = "a rate needs no more digits than a number has"
    )]
    let bits_per_second = (told > 0).then_some(told as f64);
    Ok(bits_per_second)
}

/// Sends echoes while a transfer goes on.
async fn with_echoes(
    packets: &Packets,
    collector: Option<SocketAddr>,
    transfer: impl Future<Output = Result<Option<f64>, Status>>,
) -> Result<Reached, NotMeasured> {
    let probe = collector.map(|collector| Probe {
        to: os::Address {
            ip: collector.ip().to_canonical(),
            zone: None,
        },
        carrier: Carrier::Echo,
        ttl: None,
        bytes: USUAL_BYTES,
    });
    let mut ticks = interval_at(Instant::now() + SPACING, SPACING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut transfer = pin!(transfer);
    let mut waited_for = FuturesUnordered::new();
    let mut rtts = Vec::new();
    let transferred = loop {
        tokio::select! {
            transferred = &mut transfer => break transferred,
            _ = ticks.tick() => {
                let sent = probe.as_ref().map(|probe| packets.send(probe, ECHO_LIMIT));
                waited_for.extend(sent);
            }
            Some(came) = waited_for.next() => rtts.extend(rtt(came)),
        }
    };
    let bits_per_second = transferred.map_err(|status| not_transferred(&status))?;
    // These were sent while the line was full, too.
    while let Some(came) = waited_for.next().await {
        rtts.extend(rtt(came));
    }
    rtts.sort_unstable();
    Ok(Reached {
        bits_per_second,
        loaded_rtt: median(&rtts),
    })
}

fn rtt(came: std::io::Result<Came>) -> Option<Duration> {
    match came {
        Ok(Came::Reply { rtt }) => Some(rtt),
        _ => None,
    }
}

fn not_transferred(status: &Status) -> NotMeasured {
    match status.code() {
        Code::ResourceExhausted | Code::FailedPrecondition | Code::Unimplemented => {
            NotMeasured::Refused
        }
        // The collector said so itself; of a connection that broke, it is told why.
        Code::Unavailable if std::error::Error::source(status).is_none() => NotMeasured::NotNow,
        _ => failed(status),
    }
}

fn failed(error: &dyn std::error::Error) -> NotMeasured {
    NotMeasured::Failed(Unmeasurable {
        what: format!("no transfer to the collector: {}", crate::chain(error)),
        remedy: "look at how the agent's connection fares; it is tried again".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_no_failure() {
        let became = |status: &Status| match not_transferred(status) {
            NotMeasured::Refused => "refused",
            NotMeasured::NotNow => "not now",
            NotMeasured::Failed(_) => "failed",
        };
        for (code, expected) in [
            (Code::ResourceExhausted, "refused"),
            (Code::FailedPrecondition, "refused"),
            // Of an older collector.
            (Code::Unimplemented, "refused"),
            (Code::PermissionDenied, "failed"),
            (Code::Unavailable, "not now"),
        ] {
            assert_eq!(became(&Status::new(code, "")), expected, "{code:?}");
        }
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let mut status = Status::unavailable("");
        status.set_source(std::sync::Arc::new(broken));
        assert_eq!(became(&status), "failed");
    }
}
