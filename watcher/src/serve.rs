//! Edge: the [Cluster service](crate::cluster), over gRPC. Refuses to know what is asked.
//!
//! ```text
//!  people ──▶ Guests ──▶ HTTP/2 (so many calls) ──▶ Service ──▶ desk
//!                                  │                   └──▶ lightd of that node
//!                                  └──▶ the watcher that leads, while this one stands by
//! ```

mod forward;

use std::future::Future;
use std::time::Duration;

use podlight_proto::DESCRIPTORS;
use podlight_proto::v1::cluster_server::{self, ClusterServer};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic_health::pb::health_server;

use crate::ask::Desk;
use crate::cluster::Service;
use crate::guests::Guests;
use crate::leader::Leader;
use forward::Forward;

/// Calls at a time from one connection.
const MOST_CALLS: u32 = 32;
/// The largest request, a color for a node, is below 1 KiB.
const LARGEST_REQUEST: usize = 16 * 1024;
/// For a request to come and its answer to begin. Streams go on for as long as they like.
const PATIENCE: Duration = Duration::from_secs(10);
/// A peer that doesn't answer a ping for this long is gone.
const PING: Duration = Duration::from_secs(20);

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
        .layer(Forward(Leader::new(desk.leader.clone(), listener.local_addr()?.port())))
        .add_service(ClusterServer::new(Service::new(desk)).max_decoding_message_size(LARGEST_REQUEST))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(Guests::new(listener).into_stream(), shutdown)
        .await?;
    Ok(())
}
