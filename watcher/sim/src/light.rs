//! A light that is played: it does with a stream of commands what its owner says, and refuses all else.

use futures::stream::BoxStream;
use podlight_proto::v1;
use podlight_proto::v1::light_server::{Light, LightServer};
use tonic::{Request, Response, Status, Streaming};

/// What a light answers to commands.
pub type Answers = BoxStream<'static, Result<v1::ColorStatus, Status>>;

/// How a light is played.
pub trait Play: Send + Sync + 'static {
    /// What it answers to these.
    fn answers(&self, commands: Streaming<v1::ColorCommand>) -> Answers;
}

/// A light that is played so.
#[derive(Clone, Debug)]
pub struct PlayedLight<P>(P);

impl<P: Play> PlayedLight<P> {
    /// The service `Light` of this one.
    pub fn service(play: P) -> LightServer<Self> {
        LightServer::new(Self(play))
    }
}

#[tonic::async_trait]
impl<P: Play> Light for PlayedLight<P> {
    type StreamColorsStream = Answers;
    type WatchStateStream = BoxStream<'static, Result<v1::LightState, Status>>;

    async fn stream_colors(
        &self,
        request: Request<Streaming<v1::ColorCommand>>,
    ) -> Result<Response<Self::StreamColorsStream>, Status> {
        Ok(Response::new(self.0.answers(request.into_inner())))
    }

    async fn set_color(&self, _: Request<v1::SetColorRequest>) -> Result<Response<v1::LightState>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn identify(&self, _: Request<v1::IdentifyRequest>) -> Result<Response<v1::LightState>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn release(&self, _: Request<v1::ReleaseRequest>) -> Result<Response<v1::LightState>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn get_state(&self, _: Request<v1::GetStateRequest>) -> Result<Response<v1::LightState>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn watch_state(&self, _: Request<v1::WatchStateRequest>) -> Result<Response<Self::WatchStateStream>, Status> {
        Err(Status::unimplemented("not played"))
    }
}
