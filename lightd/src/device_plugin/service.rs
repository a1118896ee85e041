//! Edge: the plugin's service, on one socket. Answers with what the [`Offer`] says, and knows who listens; whether that is
//! enough, [`standing`](super::standing) knows.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::net::UnixListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::line::Line;
use super::offer::Offer;
use super::v1beta1::device_plugin_server::{DevicePlugin, DevicePluginServer};
use super::v1beta1::{AllocateRequest, AllocateResponse, DevicePluginOptions, Empty, ListAndWatchResponse};

/// The largest request that a kubelet has to make is a few dozen bytes.
const LARGEST_MESSAGE: usize = 64 * 1024;
/// Calls at a time on one connection.
const MOST_STREAMS: u32 = 16;

/// Who listens to the list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hearing {
    /// Counts registrations: a stream of an earlier one says nothing of the kubelet that is there now.
    pub(super) registration: u64,
    pub(super) streams: usize,
}

/// A service that runs. Dropped, it ends.
pub(super) struct Running {
    _stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Running {
    /// Serves `offer` to whoever comes to `listener`, and tells `hearing` of those who listen.
    pub(super) fn start(listener: UnixListener, offer: Offer, hearing: watch::Sender<Hearing>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let lines = futures::stream::unfold(listener, |listener| async {
            let line = listener.accept().await.map(|(stream, _)| Line::new(stream));
            Some((line, listener))
        });
        let service = DevicePluginServer::new(Service { offer, hearing }).max_decoding_message_size(LARGEST_MESSAGE);
        let server = Server::builder().max_concurrent_streams(MOST_STREAMS).add_service(service);
        let task = tokio::spawn(server.serve_with_incoming_shutdown(lines, async { drop(stopped.await) }));
        Self { _stop: stop, task }
    }

    /// Waits until it ends by itself, which it shouldn't, and says why.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Ok(())) => anyhow::anyhow!("the service on the plugin's socket ended"),
            Ok(Err(error)) => error.into(),
            Err(error) => error.into(),
        }
    }
}

struct Service {
    offer: Offer,
    hearing: watch::Sender<Hearing>,
}

#[tonic::async_trait]
impl DevicePlugin for Service {
    type ListAndWatchStream = Listening;

    async fn get_device_plugin_options(&self, _: Request<Empty>) -> Result<Response<DevicePluginOptions>, Status> {
        Ok(Response::new(DevicePluginOptions::default()))
    }

    async fn list_and_watch(&self, _: Request<Empty>) -> Result<Response<Listening>, Status> {
        let mut registration = 0;
        self.hearing.send_modify(|hearing| {
            hearing.streams += 1;
            registration = hearing.registration;
        });
        Ok(Response::new(Listening { list: Some(Offer::list()), registration, hearing: self.hearing.clone() }))
    }

    async fn allocate(&self, request: Request<AllocateRequest>) -> Result<Response<AllocateResponse>, Status> {
        match self.offer.allocate(request.get_ref()) {
            Ok(answer) => {
                tracing::info!("a container is given the nodes");
                Ok(Response::new(answer))
            }
            Err(why) => {
                tracing::warn!(why, "refused what isn't offered");
                Err(Status::invalid_argument(why))
            }
        }
    }
}

/// The list, once; then nothing, for as long as the kubelet listens.
struct Listening {
    list: Option<ListAndWatchResponse>,
    registration: u64,
    hearing: watch::Sender<Hearing>,
}

impl Stream for Listening {
    type Item = Result<ListAndWatchResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Whoever reads it ends it; nothing else would wake it.
        self.get_mut().list.take().map_or(Poll::Pending, |list| Poll::Ready(Some(Ok(list))))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.hearing.send_if_modified(|hearing| {
            let current = hearing.registration == self.registration;
            if current {
                hearing.streams -= 1;
            }
            current
        });
    }
}
