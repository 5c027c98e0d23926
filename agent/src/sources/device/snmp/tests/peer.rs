//! A device of the tests' own making: it gets requests as read, and sends whatever it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use async_snmp::message::{CommunityMessage, Message};
use async_snmp::pdu::{Pdu, PduBody, PduType, StandardPduType};
use async_snmp::{CommunityVersion, DecodeConfig, ErrorStatus, Value, VarBind, Version};
use bytes::Bytes;
use tokio::net::UdpSocket;

use super::super::Oid;

/// A request as the device sees it.
pub(super) struct Asked {
    version: Version,
    pub(super) id: i32,
    pub(super) kind: PduType,
    pub(super) oids: Vec<async_snmp::Oid>,
    pub(super) repetitions: usize,
}

impl Asked {
    fn read(datagram: Vec<u8>) -> Option<Self> {
        let read = Message::decode(Bytes::from(datagram), DecodeConfig::DEFAULT).ok()?;
        let version = read.value.version();
        let pdu = read.value.into_pdu()?;
        let (_, repetitions) = pdu.get_bulk_fields().unwrap_or_default();
        Some(Self {
            version,
            id: pdu.request_id(),
            kind: pdu.pdu_type(),
            repetitions: usize::try_from(repetitions).ok()?,
            oids: pdu.varbinds().iter().map(|one| one.oid.clone()).collect(),
        })
    }

    /// What a device that is well answers.
    pub(super) fn answer(&self, values: Vec<(async_snmp::Oid, Value)>) -> Vec<u8> {
        self.message(self.id, ErrorStatus::NoError, 0, values)
    }

    /// An error, blamed on the binding with this number.
    pub(super) fn error(&self, status: ErrorStatus, number: i32) -> Vec<u8> {
        let asked = self.oids.iter().map(|oid| (oid.clone(), Value::Null));
        self.message(self.id, status, number, asked.collect())
    }

    /// RFC 3416, section 4.2.1: an answer that does not fit is replaced by this, without bindings.
    pub(super) fn too_big(&self) -> Vec<u8> {
        self.message(self.id, ErrorStatus::TooBig, 0, Vec::new())
    }

    /// An error that blames nobody, against RFC 3416.
    pub(super) fn vague_error(&self) -> Vec<u8> {
        let mut error = self.error(ErrorStatus::GenErr, 1);
        let fields = [2, 1, ErrorStatus::GenErr.as_i32().to_be_bytes()[3], 2, 1, 1];
        let place = error.windows(fields.len()).position(|part| part == fields);
        error[place.unwrap() + fields.len() - 1] = 0;
        error
    }

    pub(super) fn message(
        &self,
        id: i32,
        status: ErrorStatus,
        number: i32,
        values: Vec<(async_snmp::Oid, Value)>,
    ) -> Vec<u8> {
        let body = PduBody::Standard {
            pdu_type: StandardPduType::Response,
            error_status: status.as_i32(),
            error_index: number,
        };
        let values = values
            .into_iter()
            .map(|(oid, value)| VarBind { oid, value });
        let pdu = Pdu::from_raw_parts(id, body, values.collect());
        let version = match self.version {
            Version::V1 => CommunityVersion::V1,
            _ => CommunityVersion::V2c,
        };
        let message = CommunityMessage::new(version, Bytes::from_static(b"public"), pdu);
        message.unwrap().encode().unwrap().to_vec()
    }
}

/// What a device sends for a request, and after how long.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) after: Duration,
    pub(super) datagrams: Vec<Vec<u8>>,
    /// Whether from another port than it was asked at.
    pub(super) elsewhere: bool,
}

impl From<Vec<u8>> for Reply {
    fn from(datagram: Vec<u8>) -> Self {
        Self {
            datagrams: vec![datagram],
            ..Self::default()
        }
    }
}

/// Starts a device that answers so; it ends with the test's runtime.
pub(super) async fn device<R: Into<Reply>>(
    mut behaves: impl FnMut(Asked) -> R + Send + 'static,
) -> u16 {
    let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let other = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let Some(asked) = Asked::read(buffer[..length].to_vec()) else {
                continue;
            };
            let reply = behaves(asked).into();
            tokio::time::sleep(reply.after).await;
            let through = if reply.elsewhere { &other } else { &socket };
            for datagram in reply.datagrams {
                // Whoever asked may be gone.
                let _ = through.send_to(&datagram, from).await;
            }
        }
    });
    port
}

pub(super) fn told(oid: &Oid) -> async_snmp::Oid {
    async_snmp::Oid::from(oid)
}

/// Any instance, with its last arc as its value.
pub(super) fn well(asked: &Asked) -> Vec<u8> {
    let values = asked.oids.iter().map(|oid| {
        let last = oid.arcs().last().copied().unwrap_or_default();
        (oid.clone(), Value::Gauge32(last))
    });
    asked.answer(values.collect())
}

/// A device that has one column of this many rows, and nothing else.
pub(super) fn column(asked: &Asked, column: &async_snmp::Oid, rows: u32) -> Vec<u8> {
    let row = |index: u32| (column.child(index), Value::Integer(index.cast_signed()));
    let after = |oid: &async_snmp::Oid| match oid.strip_prefix(column) {
        Some(rest) => rest.arcs().first().map_or(1, |last| last + 1),
        None => 1,
    };
    let values = match asked.kind {
        PduType::GetRequest => asked
            .oids
            .iter()
            .map(|oid| (oid.clone(), Value::Null))
            .collect(),
        _ => {
            let first = after(&asked.oids[0]);
            let most = u32::try_from(asked.repetitions.max(1)).unwrap();
            let end = (column.parent().unwrap().child(99), Value::Integer(0));
            (first..first + most)
                .map(|index| {
                    if index <= rows {
                        row(index)
                    } else {
                        end.clone()
                    }
                })
                .collect()
        }
    };
    asked.answer(values)
}
