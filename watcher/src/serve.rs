//! Edge: the [Cluster service](crate::cluster), over gRPC: who may come in, and how many. Refuses to know what they ask.
//!
//! ```text
//!  people ──▶ so many connections ──▶ HTTP/2 (so many calls) ──▶ Service ──▶ desk
//!                                               │                   └──▶ lightd of that node
//!                                               └──▶ the watcher that leads, while this one stands by
//! ```

mod forward;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{self, Stream};
use podlight_proto::DESCRIPTORS;
use podlight_proto::v1::cluster_server::{self, ClusterServer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic_health::pb::health_server;

use crate::ask::Desk;
use crate::cluster::Service;
use forward::Forward;

/// Connections at a time: people, their dashboards, and probes.
const MOST_CONNECTIONS: usize = 256;
/// Calls at a time from one connection.
const MOST_CALLS: u32 = 32;
/// The largest request, a color for a node, is below 1 KiB.
const LARGEST_REQUEST: usize = 16 * 1024;
/// For a request to come and its answer to begin. Streams go on for as long as they like.
const PATIENCE: Duration = Duration::from_secs(10);
/// A peer that doesn't answer a ping for this long is gone.
const PING: Duration = Duration::from_secs(20);
/// Before the next try where nobody can be let in, for want of files or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `desk`, its health and its reflection on `listener` until `shutdown`.
pub(crate) async fn serve(listener: TcpListener, desk: Desk, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ClusterServer<Service>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // Of the contract, this half.
            .with_service_name(cluster_server::SERVICE_NAME)
            .with_service_name(health_server::SERVICE_NAME)
    };
    Server::builder()
        .max_concurrent_streams(MOST_CALLS)
        .timeout(PATIENCE)
        .http2_keepalive_interval(Some(PING))
        .http2_keepalive_timeout(Some(PING))
        .layer(Forward { leader: desk.leader.clone(), port: listener.local_addr()?.port() })
        .add_service(ClusterServer::new(Service::new(desk)).max_decoding_message_size(LARGEST_REQUEST))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(guests(listener), shutdown)
        .await?;
    Ok(())
}

/// Whoever comes, so many at a time: others wait outside.
fn guests(listener: TcpListener) -> impl Stream<Item = io::Result<Guest>> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    stream::unfold((listener, places), |(listener, places)| async {
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // Answers are small and wanted now.
                    stream.set_nodelay(true).ok();
                    return Some((Ok(Guest { stream, address, _place: place }), (listener, places)));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    })
}

/// A connection, and its place.
struct Guest {
    stream: TcpStream,
    address: SocketAddr,
    _place: OwnedSemaphorePermit,
}

impl Connected for Guest {
    type ConnectInfo = SocketAddr;

    fn connect_info(&self) -> SocketAddr {
        self.address
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
