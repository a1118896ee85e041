//! A stream to a light: how it is opened, and what is said on it. Refuses to know what comes of it.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use podlight_proto::v1::{ColorCommand, ColorStatus};
use podlight_proto::{Command, Lease, Reason};
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use super::repeats::Repeats;
use super::{Down, LARGEST_STATUS, OPENING, Order, SPREAD, Show, Word, now};
use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::lines::Lines;
use crate::pace::{Mark, Pace};
use crate::vouch::Vouch;

/// [`LightClient::stream_colors`](podlight_proto::v1::light_client::LightClient::stream_colors), which brings a codec of its own.
const STREAM_COLORS: &str = "/podlight.v1.Light/StreamColors";

/// What it takes to open a stream, once and again.
#[derive(Clone)]
pub(super) struct Opener {
    /// What the light speaks of.
    pub(super) light: String,
    pub(super) lease: Duration,
    pub(super) order: watch::Receiver<Order>,
    pub(super) vouch: watch::Receiver<Option<Vouch>>,
    pub(super) lines: Lines,
}

/// An open stream.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) voice: Voice,
    pub(super) statuses: Streaming<ColorStatus>,
    _room: OwnedSemaphorePermit,
}

/// What we say on it.
pub(super) struct Voice {
    light: String,
    lease: Duration,
    pub(super) pace: Pace,
    commands: mpsc::Sender<Box<Made>>,
    /// What was said last, and as what.
    pub(super) said: Option<(Arc<Show>, Bytes)>,
}

/// A command on its way, encoded.
pub(super) struct Made {
    pub(super) command: Bytes,
    /// When it may no longer be said. Nothing for what stays true.
    pub(super) until: Option<Instant>,
}

impl Opener {
    /// Opens the stream with the whole state: a server may want to hear before it answers.
    pub(super) async fn open<F>(self, dial: &impl Fn() -> F) -> Result<Box<Session>, Down>
    where
        F: Future<Output = io::Result<Connection>>,
    {
        let room = self.lines.room().await;
        let connection = timeout(OPENING, dial()).await.map_err(|_| Down::Silent)?.map_err(Down::Unreachable)?;
        // A host that is gone takes nobody's turn.
        let _turn = self.lines.turn().await;
        let mut light = connection.grpc().max_decoding_message_size(LARGEST_STATUS);
        let (commands, made) = mpsc::channel(1);
        let pace = Pace::new(self.lease, self.lines.beat());
        let mut voice = Voice { light: self.light, lease: self.lease, pace, commands, said: None };
        let order = self.order.borrow().clone();
        if let Order::Show(show) = order {
            let vouch = *self.vouch.borrow();
            voice.tell(&show, vouch, now())?;
        }
        let opening = async {
            light.ready().await.map_err(|error| Status::from_error(error.into()))?;
            light.streaming(Request::new(leaving(made)), PathAndQuery::from_static(STREAM_COLORS), Repeats).await
        };
        let statuses = timeout(OPENING, opening).await.map_err(|_| Down::Silent)??.into_inner();
        Ok(Box::new(Session { connection, voice, statuses, _room: room }))
    }

    /// Opens another stream beside the one that is, once it can. Ends without one where there is room for one only.
    pub(super) async fn renew<F>(self, dial: &impl Fn() -> F) -> Result<Box<Session>, Down>
    where
        F: Future<Output = io::Result<Connection>>,
    {
        sleep(SPREAD.mul_f64(fastrand::f64())).await;
        drop(timeout(OPENING, self.lines.room()).await.map_err(|_| Down::Crowded)?);
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let mut told = false;
        loop {
            match self.clone().open(dial).await {
                Ok(session) => return Ok(session),
                Err(down) if !std::mem::replace(&mut told, true) => {
                    let (light, why) = (&self.light, crate::chain(&down));
                    tracing::warn!(%light, why, "light isn't reached with the new certificates yet; the old stream goes on");
                }
                Err(_) => {}
            }
            sleep(backoff.next(fastrand::f64())).await;
        }
    }
}

impl Session {
    /// That it is open.
    pub(super) fn open(&self) -> Word {
        Word::Open(Box::new(self.connection.clone()))
    }
}

impl Voice {
    /// Says what is due.
    pub(super) fn tell(&mut self, show: &Arc<Show>, vouch: Option<Vouch>, now: Instant) -> Result<(), Down> {
        let Some(mark) = self.pace.due(show.version, vouch, now) else { return Ok(()) };
        let command = match &self.said {
            Some((_, command)) if self.pace.last().is_some_and(|(last, _)| last == mark) => command.clone(),
            _ => self.command(mark, show),
        };
        let made = Made { command: command.clone(), until: vouch.map(|vouch| vouch.until) };
        self.commands.try_send(Box::new(made)).map_err(|_| Down::Closed)?;
        self.pace.said(mark, now);
        self.said = Some((Arc::clone(show), command));
        Ok(())
    }

    fn command(&self, Mark { epoch, version }: Mark, show: &Show) -> Bytes {
        let Show { reason, looks, .. } = show;
        encoded(Command {
            epoch,
            version,
            lease: Lease::For(self.lease),
            node: self.light.clone(),
            reason: reason.clone(),
            looks: looks.clone(),
        })
    }

    /// Says that the watcher stops, and nothing after that. False where the light isn't listening.
    pub(super) fn part(self, Mark { epoch, version }: Mark) -> bool {
        let last = Command {
            epoch,
            version,
            lease: Lease::Over,
            node: self.light,
            reason: Reason { text: "the watcher has stopped".to_owned(), ..Reason::default() },
            looks: Vec::new(),
        };
        self.commands.try_send(Box::new(Made { command: encoded(last), until: None })).is_ok()
    }
}

fn encoded(command: Command) -> Bytes {
    ColorCommand::from(command).encode_to_vec().into()
}

/// What is made, as the connection takes it. One that comes too late ends it: the light didn't get what we think it got.
pub(super) fn leaving(made: mpsc::Receiver<Box<Made>>) -> impl Stream<Item = Bytes> {
    let in_time = |made: Box<Made>| made.until.is_none_or(|until| now() < until).then_some(made.command);
    tokio_stream::StreamExt::map_while(ReceiverStream::new(made), in_time)
}
