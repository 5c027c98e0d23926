//! How messages get into gRPC's frames: as protobuf, in buffers that start small.
//!
//! A stream is open for weeks and carries a few hundred bytes a minute, and a collector has tens of
//! thousands of them: tonic's usual 8 KiB each way would be a fifth of all its memory. A larger
//! message makes its buffer grow.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

/// What a buffer has to begin with, in bytes.
const BUFFER_BYTES: usize = 512;

/// Messages that are ready at the same time go out together, up to this many bytes.
const TOGETHER_BYTES: usize = 32 << 10;

/// Protobuf, as tonic has it, in small buffers.
#[derive(Debug, Clone)]
pub struct SmallBuffers<Sent, Received>(PhantomData<(Sent, Received)>);

impl<Sent, Received> Default for SmallBuffers<Sent, Received> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Sent, Received> Codec for SmallBuffers<Sent, Received>
where
    Sent: Message + Send + 'static,
    Received: Message + Default + Send + 'static,
{
    type Encode = Sent;
    type Decode = Received;
    type Encoder = <ProstCodec<Sent, Received> as Codec>::Encoder;
    type Decoder = <ProstCodec<Sent, Received> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<Sent, Received>::raw_encoder(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<Sent, Received>::raw_decoder(buffers())
    }
}

fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, TOGETHER_BYTES)
}
