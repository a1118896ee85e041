//! How what is said on a stream becomes bytes, and bytes become what is heard: as the contract has it, but nothing twice. A
//! lease is renewed by the same command again, and answered by the same status: neither is made or read anew. Refuses to know
//! what either says.

use podlight_proto::v1::ColorStatus;
use podlight_proto::{buffers, read};
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The codec of one stream.
#[derive(Debug, Default)]
pub(super) struct Repeats;

/// Commands come as bytes.
#[derive(Debug)]
pub(super) struct Teller;

/// Reads statuses. One that is, byte for byte, as the last has no `light` and no `message`: both are as they were.
#[derive(Debug, Default)]
pub(super) struct Hearer {
    last: Vec<u8>,
    outcome: i32,
    epoch: u64,
    version: u64,
}

impl Codec for Repeats {
    type Encode = Bytes;
    type Decode = ColorStatus;
    type Encoder = Teller;
    type Decoder = Hearer;

    fn encoder(&mut self) -> Teller {
        Teller
    }

    fn decoder(&mut self) -> Hearer {
        Hearer::default()
    }
}

impl Encoder for Teller {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, command: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(command);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl Decoder for Hearer {
    type Item = ColorStatus;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<ColorStatus>, Status> {
        let message = source.copy_to_bytes(source.remaining());
        let status = if message == self.last {
            let Self { outcome, epoch, version, .. } = *self;
            ColorStatus { outcome, epoch, version, ..ColorStatus::default() }
        } else {
            let status: ColorStatus = read(&message)?;
            let ColorStatus { outcome, epoch, version, .. } = status;
            *self = Self { last: message.to_vec(), outcome, epoch, version };
            status
        };
        Ok(Some(status))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}
