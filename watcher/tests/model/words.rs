//! What is said on connections, and with it what only the model knows: how old it is.

use std::time::Instant;

use k8s_openapi::api::coordination::v1::Lease;
use podlight_proto::Command;
use podlight_proto::v1::color_status::Outcome;
use watcher::freshness::Watch;
use watcher::pace::Mark;

use crate::cluster::Record;
use crate::objects::Object;

/// From a watcher.
#[derive(Clone, Debug)]
pub(crate) enum Up {
    /// A connection is asked for.
    Dial,
    Ask(Ask),
    /// A stream to a light is asked for.
    Call,
    Told(Box<Told>),
    Ping,
    Pong,
    /// Nothing more will be said.
    Closed,
}

/// To a watcher.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Accepted,
    /// There is nobody at this address, or nobody any more.
    Reset,
    /// A status that is no success.
    Failed(u16),
    Page(Page),
    /// The watch begins.
    Opened,
    Frame(Frame),
    /// The stream ends in good order.
    Ended,
    /// The Lease as it is, and how many leaders there have been.
    Lease(Option<Box<Lease>>, u64),
    /// The stream begins.
    Called,
    Status(Status),
    Ping,
    Pong,
}

/// A request to the API.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    List(Watch, Option<Token>),
    Watch(Watch, u64),
    Look,
    Write(Box<Lease>),
}

/// Where the next page of a list begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) version: u64,
    pub(crate) from: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    pub(crate) version: u64,
    pub(crate) more: Option<Token>,
}

/// A piece of a watch's response.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) what: News,
    pub(crate) sent: Instant,
    /// Until when nothing has happened that neither this nor an earlier frame tells.
    pub(crate) as_of: Instant,
}

#[derive(Clone, Debug)]
pub(crate) enum News {
    Change(Box<Record>),
    Bookmark,
    /// The watch ends in good order.
    End,
    /// Nothing: no watcher hears it. So the model knows that nothing else was said until then.
    Silence,
    /// An error event, with its code.
    Error(u16),
}

/// A command to a light.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) command: Command,
    /// What it says was the truth then, but for how long the network took to say so.
    pub(crate) basis: Instant,
    /// How many leaders there had been when this one came to lead.
    pub(crate) reign: u64,
    /// When it was last looked at.
    pub(crate) left: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) outcome: Outcome,
    pub(crate) mark: Mark,
    pub(crate) leds: usize,
}
