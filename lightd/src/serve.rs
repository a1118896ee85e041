//! Edge: the Light service. Parses what peers send, tells the keeper, and answers.
//!
//! ```text
//!  peers ──▶ door (so many connections) ──▶ line (TLS) ──▶ HTTP/2 (so many streams and bytes) ──▶ Service ──▶ keeper
//!              └─ who is dismissed: guests    └─ who is complained of: complaints
//! ```
//!
//! Whoever reaches the port may speak, so each of a peer's means is bounded. By the limits below, all connections
//! together make lightd hold a few MiB, and none keeps a watcher or a person out.

mod complaints;
mod door;
mod guests;
mod line;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_server::{self, Light, LightServer};
use podlight_proto::{Command, DESCRIPTORS, Identify, Invalid, Lease, SetColor, v1};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tonic_health::pb::health_server;

use crate::counts::{Callers, Counts, count};
use crate::keeper::Keeper;
use door::{Conversation, Visit};

pub(crate) use door::{Door, listen};

/// Connections at a time: a watcher or two, and people with their dashboards.
const MOST_CONNECTIONS: usize = 64;
/// Calls at a time from one connection: a watcher needs one, a person two.
const MOST_STREAMS: u32 = 8;
/// Of requests in flight on one connection, in bytes: HTTP/2's default. hyper's is a MiB for each stream.
const WINDOW: u32 = 65_535;
/// Headers of one call, in bytes: gRPC's are a few hundred.
const LARGEST_HEADERS: u32 = 4 * 1024;
/// The largest command, 192 looks with a reason, is below 8 KiB.
const LARGEST_MESSAGE: usize = 64 * 1024;
/// For a request to come and its answer to begin. Streams go on for as long as they like.
const PATIENCE: Duration = Duration::from_secs(10);
/// A peer that doesn't answer a ping for this long is gone.
const PING: Duration = Duration::from_secs(20);

/// Serves `keeper`'s light, its health and its reflection at `doors` until `shutdown`.
pub(crate) async fn serve(
    doors: Vec<Door>,
    keeper: Arc<Keeper>,
    counts: Arc<Counts>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<LightServer<Service>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // Of the contract, this half.
            .with_service_name(light_server::SERVICE_NAME)
            .with_service_name(health_server::SERVICE_NAME)
    };
    let light = LightServer::new(Service { keeper, counts: Arc::clone(&counts) })
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    Server::builder()
        .max_concurrent_streams(MOST_STREAMS)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .http2_max_header_list_size(LARGEST_HEADERS)
        .timeout(PATIENCE)
        .http2_keepalive_interval(Some(PING))
        .http2_keepalive_timeout(Some(PING))
        .layer(InterceptorLayer::new(heard))
        .add_service(light)
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(door::open(doors, MOST_CONNECTIONS, counts), shutdown)
        .await?;
    Ok(())
}

/// A guest asks for something.
fn heard(request: Request<()>) -> Result<Request<()>, Status> {
    if let Some(visit) = request.extensions().get::<Visit>() {
        visit.speaks();
    }
    Ok(request)
}

/// A guest begins a conversation. Every request has a visit: it comes through the door.
fn conversation<T>(request: &Request<T>) -> Option<Conversation> {
    request.extensions().get::<Visit>().cloned().map(Visit::converses)
}

struct Service {
    keeper: Arc<Keeper>,
    counts: Arc<Counts>,
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Light for Service {
    type StreamColorsStream = Replies<v1::ColorStatus>;
    type WatchStateStream = Replies<v1::LightState>;

    async fn stream_colors(
        &self,
        request: Request<Streaming<v1::ColorCommand>>,
    ) -> Result<Response<Self::StreamColorsStream>, Status> {
        let Some(conversation) = conversation(&request) else { return Err(Status::internal("no connection")) };
        let (replies, stream) = mpsc::channel(1);
        let (keeper, counts) = (Arc::clone(&self.keeper), Arc::clone(&self.counts));
        tokio::spawn(
            async move { converse(keeper, &counts.callers, &conversation, request.into_inner(), replies).await },
        );
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn set_color(&self, request: Request<v1::SetColorRequest>) -> Result<Response<v1::LightState>, Status> {
        let set = SetColor::try_from(request.into_inner())?;
        let (result, state) = self.keeper.tell(|light, now| light.set_color(set, now));
        result?;
        Ok(Response::new(state))
    }

    async fn identify(&self, request: Request<v1::IdentifyRequest>) -> Result<Response<v1::LightState>, Status> {
        let identify = Identify::try_from(request.into_inner())?;
        let ((), state) = self.keeper.tell(|light, now| light.identify(identify, now));
        Ok(Response::new(state))
    }

    async fn release(&self, _: Request<v1::ReleaseRequest>) -> Result<Response<v1::LightState>, Status> {
        let ((), state) = self.keeper.tell(|light, _| light.release());
        Ok(Response::new(state))
    }

    async fn get_state(&self, _: Request<v1::GetStateRequest>) -> Result<Response<v1::LightState>, Status> {
        let ((), state) = self.keeper.tell(|_, _| ());
        Ok(Response::new(state))
    }

    async fn watch_state(
        &self,
        request: Request<v1::WatchStateRequest>,
    ) -> Result<Response<Self::WatchStateStream>, Status> {
        let mut changes = self.keeper.changes();
        changes.mark_changed();
        let following = (Arc::clone(&self.keeper), conversation(&request), changes);
        let states = futures::stream::unfold(following, |(keeper, conversation, mut changes)| async move {
            changes.changed().await.ok()?;
            changes.borrow_and_update().as_ref()?;
            let ((), state) = keeper.tell(|_, _| ());
            Some((Ok(state), (keeper, conversation, changes)))
        });
        Ok(Response::new(Box::pin(states)))
    }
}

/// Applies each command as it comes. Commands never wait for statuses to be read: an unread one gives way to a newer.
async fn converse(
    keeper: Arc<Keeper>,
    callers: &Callers,
    Conversation(visit): &Conversation,
    mut commands: Streaming<v1::ColorCommand>,
    replies: mpsc::Sender<Result<v1::ColorStatus, Status>>,
) {
    let mut changes = keeper.changes();
    if changes.borrow_and_update().is_none() {
        // The connection came just before lightd stopped.
        return;
    }
    let mut unread: Option<v1::ColorStatus> = None;
    let mut obeyed = false;
    let mut lapses = None;
    loop {
        tokio::select! {
            command = commands.message() => {
                let Ok(Some(command)) = command else {
                    // Whoever says no more may still want to hear what became of it.
                    if let Some(status) = unread {
                        let _ = replies.send(Ok(status)).await;
                    }
                    break;
                };
                let now = Instant::now();
                if lapses.is_some_and(|lapses| lapses <= now) {
                    // Held up on its way, for nobody knows how long: a new stream brings what is new.
                    count(&callers.late);
                    let why = "the lease given on this stream has lapsed; open another";
                    let _ = replies.send(Err(Status::aborted(why))).await;
                    break;
                }
                let (epoch, version) = (command.epoch, command.version);
                let command = Command::try_from(command);
                lapses = command.as_ref().ok().and_then(|command| lapse(command.lease, now)).or(lapses);
                let status = v1::ColorStatus { epoch, version, ..apply(&keeper, callers, command) };
                if status.outcome() == Outcome::Applied {
                    visit.speaks();
                    if !std::mem::replace(&mut obeyed, true) {
                        tracing::info!(peer = %visit.peer, "watcher heard");
                    }
                }
                unread = Some(status);
                // The answer tells of the change.
                if changes.borrow_and_update().is_none() {
                    break;
                }
            }
            changed = changes.changed() => {
                // An answer that is still unread stays one, about the light as it is now.
                let Some(light) = changed.ok().and_then(|()| changes.borrow_and_update().clone()) else { break };
                let status = unread.get_or_insert_with(|| v1::ColorStatus {
                    outcome: Outcome::Changed.into(),
                    ..Default::default()
                });
                status.light = Some(light);
            }
            slot = replies.reserve(), if unread.is_some() => match (slot, unread.take()) {
                (Ok(slot), Some(status)) => slot.send(Ok(status)),
                _ => break,
            },
        }
    }
    // Anyone may open a stream and say nothing: that is no news.
    if obeyed {
        tracing::info!(peer = %visit.peer, "watcher gone");
    }
}

/// When this lease lapses. Nothing where it grants no time.
fn lapse(lease: Lease, now: Instant) -> Option<Instant> {
    match lease {
        Lease::For(time) => Some(now + time),
        Lease::Over => None,
    }
}

/// The answer to a command, but for which one that was.
fn apply(keeper: &Keeper, callers: &Callers, command: Result<Command, Invalid>) -> v1::ColorStatus {
    let (counter, outcome, message, light) = match command {
        Ok(command) => match keeper.tell(|light, now| light.command(command, now)) {
            (Ok(()), light) => (&callers.applied, Outcome::Applied, String::new(), light),
            (Err(fenced), light) => (&callers.fenced, Outcome::Fenced, fenced.to_string(), light),
        },
        Err(invalid) => (&callers.invalid, Outcome::Invalid, invalid.to_string(), keeper.tell(|_, _| ()).1),
    };
    count(counter);
    v1::ColorStatus { outcome: outcome.into(), message, light: Some(light), ..v1::ColorStatus::default() }
}
