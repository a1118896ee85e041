//! Edge: who may come in to ask: so many connections at a time, others wait outside. Refuses to know what they ask, and how.

use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use futures::stream::{self, Stream};
use rustix::net::sockopt::{set_tcp_nodelay, set_tcp_user_timeout};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};
use tonic::transport::server::Connected;

/// At a time: people, their dashboards, and probes.
const MOST: usize = 256;
/// Who takes none of what was sent in this time, in milliseconds, is gone: the place is free again.
const UNTAKEN: u32 = 20_000;
/// Who says nothing and takes nothing for so long is gone, too, or means no good.
const IDLE: Duration = Duration::from_secs(60);
/// Before the next try where nobody can be let in, for want of files or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// All who come.
#[derive(Debug)]
pub(crate) struct Guests {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

/// A connection, and its place.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: TcpStream,
    address: SocketAddr,
    gone: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Guests {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(MOST)) }
    }

    /// One after the other, as tonic takes them.
    pub(crate) fn into_stream(self) -> impl Stream<Item = io::Result<Guest>> {
        stream::unfold(self, |mut guests| async {
            let (guest, _) = guests.accept().await;
            Some((Ok(guest), guests))
        })
    }
}

impl Listener for Guests {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("nobody closes it");
        loop {
            let Ok((stream, address)) = self.listener.accept().await else {
                sleep(PAUSE).await;
                continue;
            };
            // Answers are small and wanted now.
            set_tcp_nodelay(&stream, true).ok();
            set_tcp_user_timeout(&stream, UNTAKEN).ok();
            return (Guest { stream, address, gone: Box::pin(sleep(IDLE)), _place: place }, address);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected for Guest {
    type ConnectInfo = SocketAddr;

    fn connect_info(&self) -> SocketAddr {
        self.address
    }
}

impl Guest {
    fn lives(&mut self) {
        self.gone.as_mut().reset(Instant::now() + IDLE);
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            return self.gone.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        self.lives();
        read
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if written.is_ready() {
            self.lives();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn guests() -> (Guests, SocketAddr) {
        let guests = Guests::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = guests.local_addr().unwrap();
        (guests, address)
    }

    #[tokio::test]
    async fn where_all_places_are_taken_the_next_waits_until_one_is_free() {
        let (mut guests, address) = guests().await;
        let mut inside = Vec::new();
        for _ in 0..MOST {
            let outside = TcpStream::connect(address).await.unwrap();
            inside.push((guests.accept().await, outside));
        }
        let _next = TcpStream::connect(address).await.unwrap();
        assert!(guests.accept().now_or_never().is_none());
        inside.pop();
        guests.accept().await;
    }

    #[tokio::test]
    async fn who_says_and_takes_nothing_is_sent_away() {
        let (mut guests, address) = guests().await;
        let mut outside = TcpStream::connect(address).await.unwrap();
        let (mut guest, _) = guests.accept().await;
        tokio::time::pause();
        for _ in 0..3 {
            outside.write_all(b"x").await.unwrap();
            assert_eq!(guest.read_u8().await.unwrap(), b'x');
            tokio::time::advance(IDLE / 2).await;
            guest.write_all(b"y").await.unwrap();
            tokio::time::advance(IDLE / 2).await;
        }
        tokio::time::advance(IDLE).await;
        assert_eq!(guest.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
