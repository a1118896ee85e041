//! How messages become bytes: as tonic-prost does it, with buffers for what is said here. tonic's own are of 8 KiB, two for
//! each stream, and the watcher has a stream to each light. Refuses to know what a message says, and how long it may be.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::ProstCodec;

/// Each buffer to begin with, in bytes: most commands and states fit. It grows for one that doesn't.
const BUFFER: usize = 512;
/// As tonic's own: what is ready to be said is gathered up to so many bytes.
const GATHER: usize = 32 * 1024;

/// Messages as protobuf has them, by small buffers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Small<T, U>(PhantomData<(T, U)>);

/// Reads messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reader<U>(PhantomData<U>);

impl<T: Message + 'static, U: Message + Default + 'static> Codec for Small<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = Reader<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Reader(PhantomData)
    }
}

impl<U: Message + Default> Decoder for Reader<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        // In one piece, that is read in half the time.
        let message = source.copy_to_bytes(source.remaining());
        read(&message).map(Some)
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

/// Reads a message.
///
/// # Errors
/// INTERNAL, as gRPC has it, where it is none.
pub fn read<U: Message + Default>(message: &[u8]) -> Result<U, Status> {
    U::decode(message).map_err(|error| Status::internal(error.to_string()))
}

/// Buffers for messages of this contract.
pub fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER, GATHER)
}
