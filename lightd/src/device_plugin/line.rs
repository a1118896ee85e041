//! Edge: a kubelet's connection, as an HTTP/2 server can read it. What is amiss in it, [`authority`](super::authority) knows.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tonic::transport::server::Connected;

use super::authority::Reading;

/// What is read at once.
const CHUNK: usize = 4096;

/// A connection of a kubelet.
pub(super) struct Line {
    stream: UnixStream,
    reading: Reading,
    /// What is ready to be read, from `read` on.
    ready: Vec<u8>,
    read: usize,
}

impl Line {
    /// A connection that has just come.
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, reading: Reading::default(), ready: Vec::new(), read: 0 }
    }
}

impl Connected for Line {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.read == this.ready.len() {
            this.ready.clear();
            this.read = 0;
            let mut chunk = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.reading.push(chunk.filled(), &mut this.ready);
        }
        let ready = &this.ready[this.read..];
        let count = ready.len().min(buffer.remaining());
        buffer.put_slice(&ready[..count]);
        this.read += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
