//! Edge: lets peers in, so many at most, and shows them out. Refuses to know what they want.
//!
//! A connection costs a file, and memory for as long as it lasts, whether or not it ever says anything; HTTP/2 has no
//! deadline for one that doesn't. So their number is bounded, and who is to go when it is reached, [`Guests`] say.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{FutureExt as _, Stream};
use podlight_tls::Trust;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::sleep;
use tonic::transport::server::Connected;

use super::complaints::Complaints;
use super::guests::{Guest, Guests};
use super::line::Line;
use crate::counts::{Counts, count};

/// Before the next try where nobody can be let in, for want of files or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that wait to be let in. By the usual 128, a burst makes others wait for a second and more, until they try
/// again.
const WAITING: u32 = 1024;

/// Listens at `address`. To be called where there is a runtime.
///
/// # Errors
/// The address isn't this host's, or it is taken.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Or nobody could listen here for a minute after this.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// To drop it is to show a guest out.
type Exit = oneshot::Sender<Infallible>;

/// Where peers come in.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// By which certificates. None: anyone may come in, and nothing is encrypted.
    pub(crate) trust: Option<Trust>,
}

/// Those who come to any of `doors`. At most `most` are there at a time.
pub(super) fn open(doors: Vec<Door>, most: usize, counts: Arc<Counts>) -> impl Stream<Item = io::Result<Connection>> {
    let house = House {
        guests: Arc::new(Mutex::new(Guests::new())),
        room: Arc::new(Semaphore::new(most)),
        complaints: Arc::new(Mutex::new(Complaints::default())),
        counts,
    };
    let streams = doors.into_iter().map(|door| {
        let begin = (door, house.clone());
        Box::pin(futures::stream::unfold(begin, |(door, house)| async {
            Some((Ok(house.welcome(&door).await), (door, house)))
        }))
    });
    futures::stream::select_all(streams)
}

/// What all doors lead to.
#[derive(Clone)]
struct House {
    guests: Arc<Mutex<Guests<Exit>>>,
    room: Arc<Semaphore>,
    complaints: Arc<Mutex<Complaints>>,
    counts: Arc<Counts>,
}

impl House {
    async fn welcome(&self, door: &Door) -> Connection {
        let (stream, peer) = door.knock().await;
        // Latency is all that it is about; a peer that has gone already is found out soon.
        let _ = stream.set_nodelay(true);
        if self.room.available_permits() == 0 {
            tracing::debug!(%peer, "too many connections: the quietest makes room");
            count(&self.counts.callers.dismissed);
            drop(lock(&self.guests).dismiss());
        }
        let room = Arc::clone(&self.room).acquire_owned().await.expect("nobody closes it");
        let (exit, leave) = oneshot::channel();
        let guest = lock(&self.guests).comes(exit);
        let visit = Visit { guests: Arc::clone(&self.guests), guest, peer };
        let line = Line::new(stream, peer, door.trust.clone(), Arc::clone(&self.complaints));
        Connection { line, leave: Some(leave), visit, _room: room }
    }
}

impl Door {
    async fn knock(&self) -> (TcpStream, SocketAddr) {
        let mut troubled = false;
        loop {
            match self.listener.accept().await {
                Ok(come) => return come,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if !std::mem::replace(&mut troubled, true) {
                        tracing::warn!(%error, "nobody can be let in");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// A connection, until its guest is shown out.
pub(super) struct Connection {
    line: Line,
    /// None once it was told to go.
    leave: Option<oneshot::Receiver<Infallible>>,
    visit: Visit,
    _room: OwnedSemaphorePermit,
}

impl Connection {
    /// Its bytes, while it may stay.
    fn line(self: Pin<&mut Self>, context: &mut Context<'_>) -> io::Result<Pin<&mut Line>> {
        let this = self.get_mut();
        this.leave.take_if(|leave| leave.poll_unpin(context).is_ready());
        if this.leave.is_none() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(Pin::new(&mut this.line)) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.visit.guests).goes(self.visit.guest);
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.line(context)?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line(context)?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line(context)?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line(context)?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line(context)?.poll_shutdown(context)
    }
}

/// What each request of a connection comes with.
impl Connected for Connection {
    type ConnectInfo = Visit;

    fn connect_info(&self) -> Visit {
        self.visit.clone()
    }
}

/// A guest's, as long as it stays.
#[derive(Clone)]
pub(super) struct Visit {
    guests: Arc<Mutex<Guests<Exit>>>,
    guest: Guest,
    /// Where the guest comes from.
    pub(super) peer: SocketAddr,
}

impl Visit {
    /// The guest asks for something, or says something that counts.
    pub(super) fn speaks(&self) {
        lock(&self.guests).speaks(self.guest);
    }

    /// The guest is in a conversation, until this is dropped.
    pub(super) fn converses(self) -> Conversation {
        lock(&self.guests).begins(self.guest);
        Conversation(self)
    }
}

/// A conversation of a guest.
pub(super) struct Conversation(pub(super) Visit);

impl Drop for Conversation {
    fn drop(&mut self) {
        lock(&self.0.guests).ends(self.0.guest);
    }
}

/// No guest panics halfway through a change.
fn lock(guests: &Mutex<Guests<Exit>>) -> MutexGuard<'_, Guests<Exit>> {
    guests.lock().unwrap_or_else(PoisonError::into_inner)
}
