//! Edge: the bytes of one connection, plain or by TLS. Refuses to know who may stay, and what is said.
//!
//! A handshake is made by whoever reads or writes first, so that it holds up nobody but the one who is to make it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use podlight_tls::{Client, Refused, TlsStream, Trust};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::complaints::Complaints;

/// A record of TLS begins with this, where it is one of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

type Shaken = Result<(TlsStream<TcpStream>, Client), Refused>;

/// The bytes of a connection.
pub(super) struct Line {
    state: State,
    peer: SocketAddr,
    complaints: Arc<Mutex<Complaints>>,
}

enum State {
    Plain {
        stream: TcpStream,
        heard: bool,
    },
    Shaking(Pin<Box<dyn Future<Output = Shaken> + Send>>, Trust),
    Tls {
        stream: Box<TlsStream<TcpStream>>,
        /// Ends when the peer's certificate isn't good any more.
        outstays: Pin<Box<dyn Future<Output = ()> + Send>>,
    },
    /// The handshake failed, or the peer has outstayed.
    Over,
}

impl Line {
    /// Without TLS where there is no `trust`.
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        trust: Option<Trust>,
        complaints: Arc<Mutex<Complaints>>,
    ) -> Self {
        let state = match trust {
            None => State::Plain { stream, heard: false },
            Some(mut trust) => State::Shaking(Box::pin(podlight_tls::accept(stream, trust.papers())), trust),
        };
        Self { state, peer, complaints }
    }

    /// Does with the stream as `act` says, once there is one to do it with.
    fn with<T>(
        &mut self,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut dyn Stream, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let State::Shaking(shaking, trust) = &mut self.state {
            self.state = match ready!(shaking.as_mut().poll(context)) {
                Ok((stream, client)) => {
                    State::Tls { stream: Box::new(stream), outstays: Box::pin(client.outstays(trust.clone())) }
                }
                Err(refused) => {
                    complain(&self.complaints, self.peer, &refused);
                    State::Over
                }
            };
        }
        if let State::Tls { outstays, .. } = &mut self.state
            && outstays.as_mut().poll(context).is_ready()
        {
            tracing::info!(peer = %self.peer, "its certificate is good no more: it may come back with another");
            self.state = State::Over;
        }
        match &mut self.state {
            State::Plain { stream, .. } => act(stream, context),
            State::Tls { stream, .. } => act(stream, context),
            State::Shaking(..) | State::Over => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
    }
}

fn complain(complaints: &Mutex<Complaints>, peer: SocketAddr, refused: &Refused) {
    let why = refused.to_string();
    let mut complaints = complaints.lock().unwrap_or_else(PoisonError::into_inner);
    if *refused != Refused::Gone && complaints.is_news(peer.ip(), &why, Instant::now()) {
        tracing::warn!(%peer, why, "a peer is refused");
    }
}

/// Both kinds of it.
trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = this.with(context, |stream, context| Pin::new(stream).poll_read(context, buffer));
        if let State::Plain { heard: heard @ false, .. } = &mut this.state
            && let Some(first) = buffer.filled().get(before)
        {
            *heard = true;
            if *first == HANDSHAKE {
                let why = "it speaks TLS: give it http://, or lightd --tls-cert, --tls-key and --client-ca";
                complain(&this.complaints, this.peer, &Refused::Distrust(why.to_owned()));
            }
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().with(context, |stream, context| Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().with(context, |stream, context| Pin::new(stream).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        // TLS gathers slices into a record, TCP into a segment.
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(context, |stream, context| Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(context, |stream, context| Pin::new(stream).poll_shutdown(context))
    }
}
