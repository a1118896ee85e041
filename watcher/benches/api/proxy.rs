//! A proxy that counts the bytes that go through it, either way. Refuses to know what they mean: it is TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy. Dropped, it takes no more connections.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    bytes: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// To this host and port.
    pub(crate) async fn to(end: (String, u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(join(near, end.clone(), Arc::clone(&counted)));
            }
        });
        Self { address, bytes, accepting }
    }

    /// So far, on all connections.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn join(near: TcpStream, (host, port): (String, u16), bytes: Arc<AtomicU64>) -> io::Result<()> {
    let far = TcpStream::connect((host.as_str(), port)).await?;
    for stream in [&near, &far] {
        stream.set_nodelay(true)?;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        up = pass(near_in, far_out, &bytes) => up,
        down = pass(far_in, near_out, &bytes) => down,
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, bytes: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        bytes.fetch_add(length as u64, Ordering::Relaxed);
        to.write_all(&buffer[..length]).await?;
    }
}
