//! How messages become bytes: as tonic-prost does it, with buffers for what is said here. tonic's own are of 8 KiB, two for
//! each stream, and the watcher has a stream to each light. Refuses to know what a message says, and how long it may be.

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

/// Each buffer to begin with, in bytes: most commands and states fit. It grows for one that doesn't.
const BUFFER: usize = 512;
/// As tonic's own: what is ready to be said is gathered up to so many bytes.
const GATHER: usize = 32 * 1024;

/// Messages as protobuf has them, by small buffers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Small<T, U>(std::marker::PhantomData<(T, U)>);

impl<T: Message + 'static, U: Message + Default + 'static> Codec for Small<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(BUFFER, GATHER))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(BufferSettings::new(BUFFER, GATHER))
    }
}
