//! The board and real links, to lights over loopback.

use std::process::Command;
use std::sync::Arc;

use clap::Parser as _;
use futures::stream::{self, StreamExt as _};
use podlight_proto::v1;
use podlight_proto::v1::color_status::Outcome;
use podlight_sim::{Answers, Play, PlayedLight};
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tonic::Streaming;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::*;
use crate::Settings;
use crate::fixtures::{NOW, node, pod};
use crate::object::Truth;

const UPDATES: u32 = 1_000_000;
/// Between two updates to the light that obeys.
const OFTEN: u32 = 1_000;
/// What the light that stalls may cost, in KiB.
const MOST: usize = 2 * 1024;

/// Alone in a process, for memory is a process's.
#[test]
fn a_million_updates_to_a_light_that_stalls_cost_no_memory_and_delay_no_other() {
    let this = std::env::current_exe().unwrap();
    let alone = ["--exact", "board::tests::a_million_updates", "--ignored", "--nocapture"];
    assert!(Command::new(this).args(alone).status().unwrap().success());
}

#[tokio::test]
#[ignore = "the test above runs it, in a process of its own"]
async fn a_million_updates() {
    let (obeyed, mut obeys) = watch::channel(String::new());
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lights = Server::builder().add_service(PlayedLight::service(Lights { obeyed: Arc::new(obeyed) }));
        tokio::spawn(lights.serve_with_incoming(TcpIncoming::from(listener)));
        address
    };
    let settings = Settings::parse_from(["watcher", "--lease", "10m"]);
    let now = tokio::time::Instant::now().into_std();
    let until = now + Duration::from_secs(3_600);
    let (_vouch, vouch) = watch::channel(Some(Vouch { epoch: 1, until }));
    let (words, mut learned) = mpsc::channel(8);
    tokio::spawn(async move { while learned.recv().await.is_some() {} });
    let policy = Arc::new(Policy::default());
    let mut board = Board::new(policy, settings.lease, NOW, vouch, words, Lines::new(2, now), Dial::plain());
    for name in ["obeys", "stalls"] {
        board.node(Change::Applied(node(name)));
        let lightd = pod(name).on(name).lightd(address.ip()).port("grpc", address.port());
        board.pod(Change::Applied(lightd), NOW);
    }
    board.node(Change::Synced);
    board.pod(Change::Synced, NOW);

    let mut before = 0;
    for update in 1..=UPDATES {
        let reason = update.to_string();
        board.node(Change::Applied(node("stalls").ready(Truth::False, &reason)));
        if update % OFTEN == 0 {
            board.node(Change::Applied(node("obeys").ready(Truth::False, &reason)));
        }
        board.publish();
        // Updates come in bursts.
        if update % 8 == 0 {
            yield_now().await;
        }
        if update % OFTEN == 0 {
            obeys.wait_for(|obeyed| obeyed.ends_with(&format!(" {reason}"))).await.unwrap();
        }
        if update == UPDATES / 100 {
            before = memory();
        }
    }
    let more = memory().saturating_sub(before);
    assert!(more <= MOST, "{more} KiB more");
}

/// Of this process, in KiB: what it has in RAM, of whatever kind.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Lights of which one obeys, and one takes the stream and then neither reads nor answers.
struct Lights {
    /// Why the first shows what it was told last.
    obeyed: Arc<watch::Sender<String>>,
}

impl Play for Lights {
    fn answers(&self, commands: Streaming<v1::ColorCommand>) -> Answers {
        let heard = (commands, Arc::clone(&self.obeyed));
        let statuses = stream::unfold(heard, |(mut commands, obeyed)| async {
            let command = commands.message().await.ok()??;
            if command.node == "stalls" {
                std::future::pending::<()>().await;
            }
            obeyed.send_replace(command.reason.unwrap_or_default().text);
            let (epoch, version, outcome) = (command.epoch, command.version, Outcome::Applied.into());
            let status = v1::ColorStatus { outcome, epoch, version, ..v1::ColorStatus::default() };
            Some((Ok(status), (commands, obeyed)))
        });
        statuses.boxed()
    }
}
