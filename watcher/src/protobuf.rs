//! Reads what the API says in protobuf, piece by piece as it arrives, and makes of it what is used.
//!
//! ```text
//!  a watch:   length, WatchEvent │ length, WatchEvent │ …
//!  all else:  "k8s\0" Unknown { PodList { item, item, … } }
//! ```
//!
//! Kubernetes' own components speak so: most of an object is skipped without a look at it. Keeps what isn't whole yet: of a list one
//! object, however long the list. Pure; refuses to know who sends and who reads.

mod messages;
mod slim;

use std::error::Error;
use std::marker::PhantomData;

use kube::core::watch::{Bookmark, BookmarkMeta};
use kube::core::{Status, TypeMeta, WatchEvent};
use prost::bytes::{Buf as _, Bytes, BytesMut};
use prost::{Message, decode_length_delimiter};
use thiserror::Error;

use messages::{ListMeta, Types, Unknown};
pub use slim::Object;

/// What begins an object in protobuf.
const MAGIC: &[u8] = b"k8s\0";
/// A piece may be so long, in bytes: several times what the API's store takes.
const LONGEST: usize = 16 << 20;

/// This is no protobuf of Kubernetes'.
#[derive(Debug, Error)]
#[error("no protobuf of Kubernetes': {0}")]
pub struct Malformed(Box<dyn Error + Send + Sync>);

/// What was said.
#[derive(Clone, Debug)]
pub enum Said<K> {
    /// What became of an object.
    Event(WatchEvent<K>),
    /// A list names this.
    Item(K),
    /// A list, or a part of it, is over.
    ListEnds {
        /// The version of the cluster that it is of.
        version: String,
        /// How to ask for the rest; empty where there is none.
        rest: String,
    },
    /// Something is refused.
    Refused(Box<Status>),
}

/// A response that is being read.
#[derive(Debug)]
pub struct Reading<K> {
    rest: BytesMut,
    part: Part,
    of: PhantomData<fn() -> K>,
}

/// What comes next.
#[derive(Debug)]
enum Part {
    /// An event of a watch.
    Event,
    /// An object: that it is a list shows when its kind is known.
    Object,
    /// What a list holds, which is of so many more bytes.
    List { meta: ListMeta, left: usize },
    /// Nothing that counts.
    End,
}

impl Malformed {
    fn new(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(why.into())
    }
}

impl<K: Object> Reading<K> {
    /// Of a watch, or of anything else.
    pub fn new(watch: bool) -> Self {
        Self { rest: BytesMut::new(), part: if watch { Part::Event } else { Part::Object }, of: PhantomData }
    }

    /// Takes in what has arrived.
    pub fn take(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
    }

    /// What was said next, if that is whole.
    ///
    /// # Errors
    /// It can't be read. Of a watch, what follows can.
    pub fn said(&mut self) -> Result<Option<Said<K>>, Malformed> {
        loop {
            match &mut self.part {
                Part::Event => {
                    let Some(length) = self.rest.first_chunk() else { return Ok(None) };
                    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                    if length > LONGEST {
                        return Err(Malformed::new("too long"));
                    }
                    if self.rest.len() < 4 + length {
                        return Ok(None);
                    }
                    self.rest.advance(4);
                    return event(self.rest.split_to(length).freeze()).map(Said::Event).map(Some);
                }
                Part::Object => {
                    let Some((head, left)) = list(&self.rest)? else { return self.waits() };
                    self.rest.advance(head);
                    self.part = Part::List { meta: ListMeta::default(), left };
                }
                Part::List { meta, left: 0 } => {
                    let ListMeta { resource_version: version, rest } = std::mem::take(meta);
                    self.part = Part::End;
                    return Ok(Some(Said::ListEnds { version, rest }));
                }
                Part::List { meta, left } => {
                    let mut rest = &self.rest[..];
                    let Some((number, length)) = head(&mut rest)? else { return self.waits() };
                    if rest.len() < length {
                        return self.waits();
                    }
                    let head = self.rest.len() - rest.len();
                    let over = || Malformed::new("a field ends beyond its list");
                    *left = left.checked_sub(head + length).ok_or_else(over)?;
                    self.rest.advance(head);
                    let value = self.rest.split_to(length).freeze();
                    match number {
                        1 => *meta = ListMeta::decode(value).map_err(Malformed::new)?,
                        2 => return K::read(value).map(Said::Item).map(Some),
                        _ => {}
                    }
                }
                Part::End => {
                    self.rest.clear();
                    return Ok(None);
                }
            }
        }
    }

    /// Nothing more comes. What was said with that, if anything.
    ///
    /// # Errors
    /// More should come, or it can't be read.
    pub fn end(&mut self) -> Result<Option<Said<K>>, Malformed> {
        match std::mem::replace(&mut self.part, Part::End) {
            Part::End => Ok(None),
            // A watch breaks off where it likes.
            Part::Event => Ok(None),
            Part::List { .. } => Err(Malformed::new("half a list")),
            // Not until its end is it known to be whole.
            Part::Object => {
                let Unknown { types, raw } = unknown(std::mem::take(&mut self.rest).freeze())?;
                if types.kind != "Status" {
                    return Err(Malformed::new(format!("another kind, {}", types.kind)));
                }
                status(raw).map(|status| Some(Said::Refused(Box::new(status))))
            }
        }
    }

    fn waits(&self) -> Result<Option<Said<K>>, Malformed> {
        if self.rest.len() > LONGEST { Err(Malformed::new("too long")) } else { Ok(None) }
    }
}

fn event<K: Object>(bytes: Bytes) -> Result<WatchEvent<K>, Malformed> {
    let messages::WatchEvent { what, object } = messages::WatchEvent::decode(bytes).map_err(Malformed::new)?;
    let Unknown { types: Types { api_version, kind }, raw } = unknown(object.raw)?;
    Ok(match what.as_str() {
        "ADDED" => WatchEvent::Added(K::read(raw)?),
        "MODIFIED" => WatchEvent::Modified(K::read(raw)?),
        "DELETED" => WatchEvent::Deleted(K::read(raw)?),
        "BOOKMARK" => {
            let messages::Marked { metadata } = messages::Marked::decode(raw).map_err(Malformed::new)?;
            let metadata =
                BookmarkMeta { resource_version: metadata.resource_version, annotations: metadata.annotations };
            WatchEvent::Bookmark(Bookmark { types: TypeMeta { api_version, kind }, metadata })
        }
        "ERROR" => WatchEvent::Error(Box::new(status(raw)?)),
        _ => return Err(Malformed::new(format!("an event of another kind, {what}"))),
    })
}

fn status(bytes: Bytes) -> Result<Status, Malformed> {
    let messages::Status { message, reason, code } = messages::Status::decode(bytes).map_err(Malformed::new)?;
    Ok(Status { message, reason, code: u16::try_from(code).unwrap_or_default(), ..Status::default() })
}

fn unknown(mut bytes: Bytes) -> Result<Unknown, Malformed> {
    if !bytes.starts_with(MAGIC) {
        return Err(Malformed::new("no object"));
    }
    bytes.advance(MAGIC.len());
    Unknown::decode(bytes).map_err(Malformed::new)
}

/// The length of all that comes before the content of a list, and of the content. Nothing where this isn't a list, or not there yet.
fn list(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some((magic, mut rest)) = bytes.split_at_checked(MAGIC.len()) else { return Ok(None) };
    if magic != MAGIC {
        return Err(Malformed::new("no object"));
    }
    let Some((1, length)) = head(&mut rest)? else { return Ok(None) };
    let Some((types, mut rest)) = rest.split_at_checked(length) else { return Ok(None) };
    if !Types::decode(types).map_err(Malformed::new)?.kind.ends_with("List") {
        return Ok(None);
    }
    let Some((2, length)) = head(&mut rest)? else { return Ok(None) };
    Ok(Some((bytes.len() - rest.len(), length)))
}

/// The number of the next field and the length of what is in it, if they are there. All fields up here have a length.
fn head(bytes: &mut &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    /// A key and a length, at most.
    const HEAD: usize = 20;
    /// How a field is marked that has a length.
    const LENGTH: usize = 2;

    let whole = bytes.len() >= HEAD;
    match decode_length_delimiter(&mut *bytes).and_then(|key| Ok((key, decode_length_delimiter(&mut *bytes)?))) {
        Ok((key, length)) if key & 7 == LENGTH => Ok(Some((key >> 3, length))),
        Ok(_) => Err(Malformed::new("a field without a length")),
        Err(error) if whole => Err(Malformed::new(error)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
