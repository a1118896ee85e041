//! A wire between the watcher and the API, or a light, that can be cut or go dead.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::cluster::Cluster;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// All passes.
    Open,
    /// Nothing passes, and nobody is told. What was said comes through once it is open again.
    Dead,
    /// Connections end, the new ones too.
    Cut,
}

/// A wire to what listens.
pub(crate) struct Wire {
    line: watch::Sender<Line>,
    address: SocketAddr,
}

impl Wire {
    /// Lays an open one to the API.
    pub(crate) async fn lay(cluster: &Cluster) -> Self {
        Self::lay_to(cluster.address()).await
    }

    /// Lays an open one to this host and port.
    pub(crate) async fn lay_to(end: (String, u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, state) = watch::channel(Line::Open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, end.clone(), state.clone()));
            }
        });
        Self { line, address }
    }

    /// Of the API behind it.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Where its near end listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn turn(&self, line: Line) {
        self.line.send_replace(line);
    }
}

/// Joins a connection with the far end until either side, or the wire, ends it.
async fn connect(near: TcpStream, (host, port): (String, u16), mut line: watch::Receiver<Line>) {
    let (up, down) = (line.clone(), line.clone());
    let joined = async {
        let far = TcpStream::connect((host.as_str(), port)).await?;
        tokio::select! {
            result = pass(&near, &far, up) => result,
            result = pass(&far, &near, down) => result,
        }
    };
    tokio::select! {
        // That a side fails ends the connection, which the other side sees.
        _ = joined => {}
        _ = line.wait_for(|line| *line == Line::Cut) => {}
    }
}

async fn pass(from: &TcpStream, to: &TcpStream, mut line: watch::Receiver<Line>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        from.readable().await?;
        if line.wait_for(|line| *line == Line::Open).await.is_err() {
            return Ok(());
        }
        let mut rest = match from.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        while !rest.is_empty() {
            to.writable().await?;
            match to.try_write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}
