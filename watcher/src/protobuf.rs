//! Reads what the API says in protobuf, piece by piece as it arrives, and makes of it what is used.
//!
//! ```text
//!  a watch:   length, WatchEvent │ length, WatchEvent │ …
//!  all else:  "k8s\0" Unknown { PodList { item, item, … } }
//! ```
//!
//! Kubernetes' own components speak so: most of an object is skipped without a look at it. Keeps what isn't whole yet: of a list one
//! object, however long the list. Pure; refuses to know who sends and who reads.

mod fields;
mod slim;

use std::collections::BTreeMap;
use std::error::Error;
use std::marker::PhantomData;

use kube::core::watch::{Bookmark, BookmarkMeta};
use kube::core::{Status, TypeMeta, WatchEvent};
use prost::bytes::{Buf as _, BytesMut};
use prost::decode_length_delimiter;
use thiserror::Error;

use fields::Fields;
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

/// An object whose kind is known, and which is to be read.
#[derive(Debug, Default)]
struct Unknown<'a> {
    kind: &'a str,
    raw: &'a [u8],
}

/// Which list this is, and how to ask for the rest.
#[derive(Debug, Default)]
struct ListMeta {
    version: String,
    rest: String,
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
                    let Some(message) = self.rest.get(4..4 + length) else { return Ok(None) };
                    let event = event(message);
                    self.rest.advance(4 + length);
                    return event.map(Said::Event).map(Some);
                }
                Part::Object => {
                    let Some((head, left)) = list(&self.rest)? else { return self.waits() };
                    self.rest.advance(head);
                    self.part = Part::List { meta: ListMeta::default(), left };
                }
                Part::List { meta, left: 0 } => {
                    let ListMeta { version, rest } = std::mem::take(meta);
                    self.part = Part::End;
                    return Ok(Some(Said::ListEnds { version, rest }));
                }
                Part::List { meta, left } => {
                    let mut rest = &self.rest[..];
                    let Some((number, length)) = head(&mut rest)? else { return self.waits() };
                    let Some(value) = rest.get(..length) else { return self.waits() };
                    let whole = self.rest.len() - rest.len() + length;
                    let over = || Malformed::new("a field ends beyond its list");
                    *left = left.checked_sub(whole).ok_or_else(over)?;
                    let item = match number {
                        1 => list_meta(value).map(|read| {
                            *meta = read;
                            None
                        }),
                        2 => K::read(value).map(Some),
                        _ => Ok(None),
                    };
                    self.rest.advance(whole);
                    if let Some(item) = item? {
                        return Ok(Some(Said::Item(item)));
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
                let Unknown { kind, raw } = unknown(&self.rest)?;
                if kind != "Status" {
                    return Err(Malformed::new(format!("another kind, {kind}")));
                }
                status(raw).map(|status| Some(Said::Refused(Box::new(status))))
            }
        }
    }

    fn waits(&self) -> Result<Option<Said<K>>, Malformed> {
        if self.rest.len() > LONGEST { Err(Malformed::new("too long")) } else { Ok(None) }
    }
}

/// Of `k8s.io/apimachinery/pkg/apis/meta/v1`, as the next ones.
fn event<K: Object>(message: &[u8]) -> Result<WatchEvent<K>, Malformed> {
    let (mut what, mut object, mut fields) = ("", &[][..], Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => what = value.text()?,
            2 => object = extension(value.piece()?)?,
            _ => {}
        }
    }
    let Unknown { kind, raw } = unknown(object)?;
    Ok(match what {
        "ADDED" => WatchEvent::Added(K::read(raw)?),
        "MODIFIED" => WatchEvent::Modified(K::read(raw)?),
        "DELETED" => WatchEvent::Deleted(K::read(raw)?),
        "BOOKMARK" => WatchEvent::Bookmark(bookmark(kind, raw)?),
        "ERROR" => WatchEvent::Error(Box::new(status(raw)?)),
        _ => return Err(Malformed::new(format!("an event of another kind, {what}"))),
    })
}

/// An object of which nothing but the version counts.
fn bookmark(kind: &str, message: &[u8]) -> Result<Bookmark, Malformed> {
    let (mut resource_version, mut fields) = (String::new(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        if number == 1 {
            resource_version = slim::meta(value.piece()?)?.resource_version;
        }
    }
    let types = TypeMeta { kind: kind.to_owned(), ..TypeMeta::default() };
    Ok(Bookmark { types, metadata: BookmarkMeta { resource_version, annotations: BTreeMap::new() } })
}

fn status(message: &[u8]) -> Result<Status, Malformed> {
    let (mut status, mut fields) = (Status::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            3 => status.message = value.owned()?,
            4 => status.reason = value.owned()?,
            6 => status.code = value.number().unwrap_or_default(),
            _ => {}
        }
    }
    Ok(status)
}

fn list_meta(message: &[u8]) -> Result<ListMeta, Malformed> {
    let (mut meta, mut fields) = (ListMeta::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            2 => meta.version = value.owned()?,
            3 => meta.rest = value.owned()?,
            _ => {}
        }
    }
    Ok(meta)
}

/// Of `k8s.io/apimachinery/pkg/runtime`, as the next ones: what is around an object.
fn extension(message: &[u8]) -> Result<&[u8], Malformed> {
    let (mut raw, mut fields) = (&[][..], Fields(message));
    while let Some((number, value)) = fields.next()? {
        if number == 1 {
            raw = value.piece()?;
        }
    }
    Ok(raw)
}

fn unknown(message: &[u8]) -> Result<Unknown<'_>, Malformed> {
    let message = message.strip_prefix(MAGIC).ok_or_else(|| Malformed::new("no object"))?;
    let (mut unknown, mut fields) = (Unknown::default(), Fields(message));
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => unknown.kind = kind(value.piece()?)?,
            2 => unknown.raw = value.piece()?,
            _ => {}
        }
    }
    Ok(unknown)
}

fn kind(types: &[u8]) -> Result<&str, Malformed> {
    let (mut kind, mut fields) = ("", Fields(types));
    while let Some((number, value)) = fields.next()? {
        if number == 2 {
            kind = value.text()?;
        }
    }
    Ok(kind)
}

/// The length of all that comes before the content of a list, and of the content. Nothing where this isn't a list, or not there yet.
fn list(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some((magic, mut rest)) = bytes.split_at_checked(MAGIC.len()) else { return Ok(None) };
    if magic != MAGIC {
        return Err(Malformed::new("no object"));
    }
    let Some((1, length)) = head(&mut rest)? else { return Ok(None) };
    let Some((types, mut rest)) = rest.split_at_checked(length) else { return Ok(None) };
    if !kind(types)?.ends_with("List") {
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
