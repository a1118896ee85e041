//! The port on which a cluster is served, and its going away and coming back.

mod noted;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Instant;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::{Cluster, api};
use noted::{Noted, Notes};

/// A cluster that is being served; until it is dropped, or stopped.
pub struct Server {
    /// Where it listens. The same after a restart.
    pub address: SocketAddr,
    cluster: Cluster,
    notes: Notes,
    /// None while stopped.
    serving: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) async fn bind(cluster: Cluster, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let notes = Notes::default();
        let serving = Some(tokio::spawn(accept(listener, cluster.clone(), notes.clone())));
        Ok(Self { address, cluster, notes, serving })
    }

    /// From now on, when something is handed to the kernel for a client, whatever it is. Whoever asked for this before is
    /// told no longer.
    pub fn writes(&self) -> mpsc::Receiver<Instant> {
        self.notes.follow()
    }

    /// A kubeconfig by which kubectl and kube's client find this server; a file for as long as it is held.
    ///
    /// # Errors
    /// It can't be written.
    pub fn kubeconfig(&self) -> io::Result<NamedTempFile> {
        kubeconfig(&format!("http://{}", self.address))
    }

    /// Closes the port and every connection. The cluster keeps its objects.
    pub async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            // Cancelled is what it shall be.
            let _ = serving.await;
        }
    }

    /// Serves again on the same port, after [`Server::stop`].
    ///
    /// # Errors
    /// Somebody else has taken the port.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await?;
        self.serving = Some(tokio::spawn(accept(listener, self.cluster.clone(), self.notes.clone())));
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// A kubeconfig (YAML) by which kubectl and kube's client find the server at `url`; a file for as long as it is held.
///
/// # Errors
/// It can't be written.
pub fn kubeconfig(url: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: sim\n\
         clusters: [{{name: sim, cluster: {{server: \"{url}\"}}}}]\n\
         contexts: [{{name: sim, context: {{cluster: sim, user: sim}}}}]\n\
         users: [{{name: sim, user: {{}}}}]\n"
    )?;
    Ok(file)
}

/// Connections live in a set of this task's own, so that aborting the task closes them all.
async fn accept(listener: TcpListener, cluster: Cluster, notes: Notes) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A connection that fails to be accepted, or breaks later, is its client's to deal with.
            Ok((stream, _)) = listener.accept() => {
                // As real ones do: an event must not wait until the one before it is acknowledged.
                let _ = stream.set_nodelay(true);
                let cluster = cluster.clone();
                let service = service_fn(move |request| api::answer(cluster.clone(), request));
                connections.spawn(http1::Builder::new().serve_connection(Noted::new(stream, notes.clone()), service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
