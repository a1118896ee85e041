//! The rpcs of the Cluster service: parses what people ask, asks the [desk](crate::ask::Desk), passes on to lights what is for
//! them. Refuses to know by which protocol it came, and the cluster.

use std::pin::Pin;
use std::time::Duration;

use futures::future::join_all;
use futures::{Stream, stream};
use podlight_proto::v1::cluster_server::Cluster;
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{self, LightState};
use podlight_proto::{Acknowledge, Identify, SetColor};
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status};

use crate::ask::{Desk, Refusal, Whose};
use crate::connection::Connection;
use crate::follow::Follower;

/// Pods that an explanation names, unless told otherwise, and at most.
const PODS: u32 = 10;
const MOST_PODS: u32 = 1000;
/// For a light to do what a person wants of it.
const ANSWERING: Duration = Duration::from_secs(5);
/// What the others show while one is looked for.
const DIM: &str = "#010101";

/// The service, of one desk.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    desk: Desk,
}

impl Service {
    pub(crate) const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Asks the lights of this node for something, and answers with what the first says.
    async fn pass_on<F>(&self, node: String, ask: impl Fn(LightClient<Connection>) -> F) -> Result<LightState, Status>
    where
        F: Future<Output = Result<Response<LightState>, Status>>,
    {
        let connections = self.desk.reach(node.clone(), Whose::Its).await?;
        let answers = connections.into_iter().map(|connection| answered(ask(connection.light())));
        let first = join_all(answers).await.into_iter().next();
        let answer = first.unwrap_or_else(|| Err(Status::internal("no light was asked")));
        answer.map_err(|status| {
            // None says so of itself.
            let absent = status.code() == Code::Unavailable;
            if absent { Refusal::OutOfReach { node, why: status.message().to_owned() }.into() } else { status }
        })
    }

    /// Asks the lights of all other nodes for something. How many did it, and how many didn't.
    async fn pass_on_to_others<F>(
        &self,
        node: String,
        ask: impl Fn(LightClient<Connection>) -> F,
    ) -> Result<(u32, u32), Status>
    where
        F: Future<Output = Result<Response<LightState>, Status>>,
    {
        let connections = self.desk.reach(node, Whose::Others).await?;
        let answers = connections.into_iter().map(|connection| answered(ask(connection.light())));
        let (did, did_not): (Vec<_>, Vec<_>) = join_all(answers).await.into_iter().partition(Result::is_ok);
        Ok((count(did.len()), count(did_not.len())))
    }
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Cluster for Service {
    type WatchNodesStream = Replies<v1::WatchNodesResponse>;

    async fn list_nodes(&self, _: Request<v1::ListNodesRequest>) -> Result<Response<v1::ListNodesResponse>, Status> {
        let all = self.desk.nodes(None).await?;
        Ok(Response::new(v1::ListNodesResponse { nodes: all.nodes, vouching: Some(all.vouching) }))
    }

    async fn watch_nodes(&self, _: Request<v1::WatchNodesRequest>) -> Result<Response<Self::WatchNodesStream>, Status> {
        let replies = stream::unfold(Follower::new(self.desk.clone()), async |mut follower| {
            let reply = follower.next().await?;
            Some((reply.map_err(Status::from), follower))
        });
        Ok(Response::new(Box::pin(replies)))
    }

    async fn explain_node(
        &self,
        request: Request<v1::ExplainNodeRequest>,
    ) -> Result<Response<v1::ExplainNodeResponse>, Status> {
        let v1::ExplainNodeRequest { node, pods } = request.into_inner();
        let pods = pods.unwrap_or(PODS);
        if !(1..=MOST_PODS).contains(&pods) {
            return Err(podlight_proto::Invalid::new("pods", pods.to_string(), "1 to 1000").into());
        }
        Ok(Response::new(self.desk.explain(node, pods as usize).await?))
    }

    async fn set_node_color(&self, request: Request<v1::SetNodeColorRequest>) -> Result<Response<LightState>, Status> {
        let v1::SetNodeColorRequest { node, color } = request.into_inner();
        let color = color.unwrap_or_default();
        // Said here rather than by the light, whether it can be reached or not.
        SetColor::try_from(color.clone()).map_err(|invalid| invalid.within("color"))?;
        let set = |mut light: LightClient<Connection>| {
            let color = color.clone();
            async move { light.set_color(color).await }
        };
        Ok(Response::new(self.pass_on(node, set).await?))
    }

    async fn identify_node(
        &self,
        request: Request<v1::IdentifyNodeRequest>,
    ) -> Result<Response<v1::IdentifyNodeResponse>, Status> {
        let v1::IdentifyNodeRequest { node, hold, owner, others_dim } = request.into_inner();
        let wish = v1::IdentifyRequest { hold, owner: owner.clone() };
        let Identify { hold, owner } = Identify::try_from(wish.clone())?;
        let identify = |mut light: LightClient<Connection>| {
            let wish = wish.clone();
            async move { light.identify(wish).await }
        };
        let light = self.pass_on(node.clone(), identify).await?;
        let (dimmed, not_dimmed) = if others_dim {
            let dim =
                v1::SetColorRequest { color: DIM.to_owned(), hold: Some(hold.into()), owner, ..Default::default() };
            let dim = |mut light: LightClient<Connection>| {
                let dim = dim.clone();
                async move { light.set_color(dim).await }
            };
            self.pass_on_to_others(node, dim).await?
        } else {
            (0, 0)
        };
        Ok(Response::new(v1::IdentifyNodeResponse { light: Some(light), dimmed, not_dimmed }))
    }

    async fn release_node(&self, request: Request<v1::ReleaseNodeRequest>) -> Result<Response<LightState>, Status> {
        let v1::ReleaseNodeRequest { node, others } = request.into_inner();
        let release = |mut light: LightClient<Connection>| async move { light.release(v1::ReleaseRequest {}).await };
        let light = self.pass_on(node.clone(), release).await?;
        if others {
            self.pass_on_to_others(node, release).await?;
        }
        Ok(Response::new(light))
    }

    async fn acknowledge_node(
        &self,
        request: Request<v1::AcknowledgeNodeRequest>,
    ) -> Result<Response<v1::Node>, Status> {
        let Acknowledge { node, by } = request.into_inner().try_into()?;
        Ok(Response::new(self.desk.acknowledge(node, by).await?))
    }
}

/// What the light says, in its own words; that it doesn't in time, in ours.
async fn answered(answer: impl Future<Output = Result<Response<LightState>, Status>>) -> Result<LightState, Status> {
    match timeout(ANSWERING, answer).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_) => Err(Status::unavailable("no answer")),
    }
}

fn count(lights: usize) -> u32 {
    lights.try_into().unwrap_or(u32::MAX)
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::NotListed | Refusal::OutOfReach { .. } | Refusal::Stops => Self::unavailable(text),
            Refusal::NoSuchNode { .. } => Self::not_found(text),
            Refusal::NoLight(_) | Refusal::StandsBy(_) | Refusal::NothingWrong(_) => Self::failed_precondition(text),
        }
    }
}
