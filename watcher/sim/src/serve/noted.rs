//! Edge: a connection on which it is noted when something is written. Refuses to know what.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Who wants to know. All connections of a server share it.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Option<mpsc::Sender<Instant>>>>);

/// A connection.
pub(super) struct Noted {
    stream: TokioIo<TcpStream>,
    notes: Notes,
}

impl Notes {
    /// What is noted from now on.
    pub(super) fn follow(&self) -> mpsc::Receiver<Instant> {
        let (sender, notes) = mpsc::channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        notes
    }

    fn note(&self, moment: Instant) {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.take_if(|reader| reader.send(moment).is_err());
    }
}

impl Noted {
    pub(super) fn new(stream: TcpStream, notes: Notes) -> Self {
        Self { stream: TokioIo::new(stream), notes }
    }

    /// Before it is written: a client may well have it before this thread goes on.
    fn note<T>(mut self: Pin<&mut Self>, write: impl FnOnce(Pin<&mut TokioIo<TcpStream>>) -> Poll<T>) -> Poll<T> {
        let moment = tokio::time::Instant::now().into_std();
        let written = ready!(write(Pin::new(&mut self.stream)));
        self.notes.note(moment);
        Poll::Ready(written)
    }
}

impl Read for Noted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Noted {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.note(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.note(|stream| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
