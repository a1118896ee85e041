//! An honest watcher's stream to a light, for tests and benchmarks: each command is the whole look, renewed before its lease
//! ends, and answered before the next.

#![expect(clippy::unwrap_used, reason = "only tests and benchmarks call this, and a panic fails them")]

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
pub(crate) const LEASE: Duration = Duration::from_secs(15);

/// A stream that is open for as long as this lives, and never opened anew.
pub(crate) struct Stream {
    wish: watch::Sender<Look>,
    task: JoinHandle<()>,
}

impl Stream {
    /// Opens one to the light at `address`, which shall show `look`. Its lease is renewed this often.
    pub(crate) async fn open(address: SocketAddr, look: Look, renewal: Duration) -> Self {
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
                let answer = async {
                    loop {
                        let status = answers.message().await.expect("the stream lives").expect("the stream goes on");
                        if status.outcome() != Outcome::Changed {
                            return status.outcome();
                        }
                    }
                };
                assert_eq!(answer.await, Outcome::Applied);
                let changed = timeout(renewal, wished.changed()).await;
                version += u64::from(changed.is_ok());
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
        epoch: 7,
        version,
        lease: Lease::For(LEASE),
        node: "pi-1".to_owned(),
        reason: Reason { text: "12 pods running".to_owned(), ..Reason::default() },
        looks: vec![look],
    }
}
