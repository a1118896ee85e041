//! A watcher's stream to a light: each command is the whole look, renewed by a third of its lease, and answered before the
//! next.

use std::net::SocketAddr;
use std::time::Duration;

use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::{Command, Lease, Look, Reason};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

/// The watcher's own.
const LEASE: Duration = Duration::from_secs(15);

/// A stream that is open, for as long as this lives.
pub(crate) struct Stream {
    wish: watch::Sender<Look>,
    task: JoinHandle<()>,
}

impl Stream {
    /// Opens one to the light at `address`, which shall show `look`.
    pub(crate) async fn open(address: SocketAddr, look: Look) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let mut client = LightClient::new(endpoint.connect().await.unwrap());
        let (wish, mut wished) = watch::channel(look);
        let (commands, stream) = mpsc::channel(1);
        let task = async move {
            let mut answers = client.stream_colors(ReceiverStream::new(stream)).await.unwrap().into_inner();
            let mut version = 1;
            loop {
                let command = command(version, *wished.borrow_and_update());
                commands.send(command.into()).await.unwrap();
                while answers.message().await.unwrap().expect("the stream goes on").outcome() != Outcome::Applied {}
                let renewal = timeout(LEASE / 3, wished.changed()).await;
                version += u64::from(renewal.is_ok());
            }
        };
        Self { wish, task: tokio::spawn(task) }
    }

    pub(crate) fn wants(&self, look: Look) {
        self.wish.send_replace(look);
    }

    /// Nothing went wrong so far.
    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }
}

fn command(version: u64, look: Look) -> Command {
    Command {
        epoch: 1,
        version,
        lease: Lease::For(LEASE),
        node: "pi-1".to_owned(),
        reason: Reason { text: "12 pods running".to_owned(), ..Reason::default() },
        looks: vec![look],
    }
}
