//! Reads what the API says in protobuf, piece by piece as it arrives, and tells what is used of it in JSON.
//!
//! ```text
//!  a watch:   length, WatchEvent │ length, WatchEvent │ …   ──▶  a line each
//!  all else:  "k8s\0" Unknown { PodList { item, item, … } } ──▶  {"items":[item,item …
//! ```
//!
//! Keeps what isn't whole yet: of a list one object, however long the list. Pure; refuses to know who sends and who reads.

mod messages;

use std::io;

use prost::bytes::{Buf, Bytes, BytesMut};
use prost::{Message, decode_length_delimiter};
use serde::Serialize;

use messages::{ListMeta, Node, Pod, Status, Types, Unknown, WatchEvent};

/// What begins an object in protobuf.
const MAGIC: &[u8] = b"k8s\0";
/// A piece may be so long, in bytes: several times what the API's store takes.
const LONGEST: usize = 16 << 20;

/// A response that is being read.
#[derive(Debug)]
pub struct Reading {
    rest: BytesMut,
    part: Part,
}

/// What comes next.
#[derive(Debug)]
enum Part {
    /// An event of a watch.
    Event,
    /// An object: that it is a list shows when its kind is known.
    Object,
    /// What a list holds, which is of so many more bytes.
    List { types: Types, meta: ListMeta, left: usize, first: bool },
    /// Nothing that counts.
    End,
}

impl Reading {
    /// Of a watch, or of one object.
    pub fn new(watch: bool) -> Self {
        Self { rest: BytesMut::new(), part: if watch { Part::Event } else { Part::Object } }
    }

    /// Takes in a piece. Gives what is to be told for it, which may be nothing yet.
    ///
    /// # Errors
    /// This is no protobuf of Kubernetes'.
    pub fn take(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        self.rest.extend_from_slice(piece);
        let mut told = Vec::new();
        while self.step(&mut told)? {}
        if self.rest.len() > LONGEST && !matches!(self.part, Part::End) {
            return Err(malformed("too long"));
        }
        Ok(told)
    }

    /// Takes in that nothing more comes.
    ///
    /// # Errors
    /// Something should.
    pub fn end(&mut self) -> io::Result<Vec<u8>> {
        let rest = std::mem::take(&mut self.rest).freeze();
        match std::mem::replace(&mut self.part, Part::End) {
            Part::Event | Part::End => Ok(Vec::new()),
            Part::List { .. } => Err(io::ErrorKind::UnexpectedEof.into()),
            // Not until its end is it known to be whole.
            Part::Object => object(rest),
        }
    }

    /// Goes on by one piece, if it is whole.
    fn step(&mut self, told: &mut Vec<u8>) -> io::Result<bool> {
        match &mut self.part {
            Part::Event => {
                let Some(length) = self.rest.get(..4) else { return Ok(false) };
                let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                if length > LONGEST {
                    return Err(malformed("too long"));
                }
                if self.rest.len() < 4 + length {
                    return Ok(false);
                }
                self.rest.advance(4);
                event(self.rest.split_to(length).freeze(), told);
                Ok(true)
            }
            Part::Object => {
                let Some((head, types, left)) = list(&self.rest)? else { return Ok(false) };
                self.rest.advance(head);
                told.extend_from_slice(br#"{"items":["#);
                self.part = Part::List { types, meta: ListMeta::default(), left, first: true };
                Ok(true)
            }
            Part::List { types, meta, left: 0, .. } => {
                told.extend_from_slice(br#"],"metadata":"#);
                write(told, meta)?;
                told.extend_from_slice(br#","apiVersion":"#);
                write(told, &types.api_version)?;
                told.extend_from_slice(br#","kind":"#);
                write(told, &types.kind)?;
                told.push(b'}');
                self.part = Part::End;
                Ok(true)
            }
            Part::List { types, meta, left, first } => {
                let mut rest = &self.rest[..];
                let Some((number, value)) = field(&mut rest)? else { return Ok(false) };
                let took = self.rest.len() - rest.len();
                *left = left.checked_sub(took).ok_or_else(|| malformed("a field ends beyond its list"))?;
                match number {
                    1 => *meta = ListMeta::decode(value).map_err(malformed)?,
                    2 => {
                        if !std::mem::replace(first, false) {
                            told.push(b',');
                        }
                        slim(types.kind.strip_suffix("List").unwrap_or_default(), value, told)?;
                    }
                    _ => {}
                }
                self.rest.advance(took);
                Ok(true)
            }
            Part::End => {
                self.rest.clear();
                Ok(false)
            }
        }
    }
}

/// Tells of an event. What can't be read is told as what nobody can read: who follows the watch must hear of it.
fn event(bytes: Bytes, told: &mut Vec<u8>) {
    let start = told.len();
    if tell(bytes, told).is_err() {
        told.truncate(start);
        told.extend_from_slice(br#"{"type":"MODIFIED","object":"unreadable"}"#);
    }
    told.push(b'\n');
}

fn tell(bytes: Bytes, told: &mut Vec<u8>) -> io::Result<()> {
    let WatchEvent { what, object } = WatchEvent::decode(bytes).map_err(malformed)?;
    let Unknown { types, raw } = unknown(object.raw)?;
    told.extend_from_slice(br#"{"type":"#);
    write(told, &what)?;
    told.extend_from_slice(br#","object":"#);
    if what == "BOOKMARK" {
        // It names its kind, other than all else that is told.
        told.extend_from_slice(br#"{"apiVersion":"#);
        write(told, &types.api_version)?;
        told.extend_from_slice(br#","kind":"#);
        write(told, &types.kind)?;
        let mut rest = Vec::new();
        slim(&types.kind, raw, &mut rest)?;
        told.push(b',');
        told.extend_from_slice(rest.get(1..).unwrap_or_default());
    } else {
        slim(&types.kind, raw, told)?;
    }
    told.push(b'}');
    Ok(())
}

/// Tells of an object of this kind what is used of it.
fn slim(kind: &str, bytes: impl Buf, told: &mut Vec<u8>) -> io::Result<()> {
    match kind {
        "Pod" => write(told, &Pod::decode(bytes).map_err(malformed)?),
        "Node" => write(told, &Node::decode(bytes).map_err(malformed)?),
        "Status" => write(told, &Status::decode(bytes).map_err(malformed)?),
        _ => Err(malformed("another kind")),
    }
}

/// An object that isn't a list.
fn object(bytes: Bytes) -> io::Result<Vec<u8>> {
    let mut told = Vec::new();
    let Unknown { types, raw } = unknown(bytes)?;
    slim(&types.kind, raw, &mut told)?;
    Ok(told)
}

fn unknown(mut bytes: Bytes) -> io::Result<Unknown> {
    if !bytes.starts_with(MAGIC) {
        return Err(malformed("no object"));
    }
    bytes.advance(MAGIC.len());
    Unknown::decode(bytes).map_err(malformed)
}

/// The length of all that comes before the content of a list, the list's kind, and the length of the content. Nothing where this
/// isn't a list, or not there yet.
fn list(bytes: &[u8]) -> io::Result<Option<(usize, Types, usize)>> {
    let Some((magic, mut rest)) = bytes.split_at_checked(MAGIC.len()) else { return Ok(None) };
    if magic != MAGIC {
        return Err(malformed("no object"));
    }
    let Some((1, types)) = field(&mut rest)? else { return Ok(None) };
    let types = Types::decode(types).map_err(malformed)?;
    if !types.kind.ends_with("List") {
        return Ok(None);
    }
    let Some((2, length)) = head(&mut rest)? else { return Ok(None) };
    Ok(Some((bytes.len() - rest.len(), types, length)))
}

/// The number of the next field and what is in it, if it is whole.
fn field<'a>(bytes: &mut &'a [u8]) -> io::Result<Option<(usize, &'a [u8])>> {
    let mut rest = *bytes;
    let Some((number, length)) = head(&mut rest)? else { return Ok(None) };
    let Some((value, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    *bytes = rest;
    Ok(Some((number, value)))
}

/// The number of the next field and the length of what is in it, if they are there. All fields up here have a length.
fn head(bytes: &mut &[u8]) -> io::Result<Option<(usize, usize)>> {
    /// A key and a length, at most.
    const HEAD: usize = 20;
    /// How a field is marked that has a length.
    const LENGTH: usize = 2;

    let whole = bytes.len() >= HEAD;
    match decode_length_delimiter(&mut *bytes).and_then(|key| Ok((key, decode_length_delimiter(&mut *bytes)?))) {
        Ok((key, length)) if key & 7 == LENGTH => Ok(Some((key >> 3, length))),
        Ok(_) => Err(malformed("a field without a length")),
        Err(error) if whole => Err(malformed(error)),
        Err(_) => Ok(None),
    }
}

fn write(told: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(told, value).map_err(malformed)
}

fn malformed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
