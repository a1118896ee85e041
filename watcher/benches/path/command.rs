//! lightd's part of the way alone: commands from here, as a watcher sends them.

use std::time::Duration;

use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{ColorCommand, Effect, Look, Reason};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

use crate::figures::Times;
use crate::light::{Emulated, GREEN, RED, Stick as _, now};

/// From commands that are handed over to gRPC to their frames; so many, after a pause of so many microseconds each.
pub(crate) fn frames(light: &Emulated, count: usize, pause: u64) -> Times {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", light.address())).unwrap().tcp_nodelay(true);
    runtime.block_on(async {
        let mut client = LightClient::new(endpoint.connect().await.unwrap());
        let (commands, stream) = mpsc::channel(1);
        let mut statuses = client.stream_colors(ReceiverStream::new(stream)).await.unwrap().into_inner();
        let mut times = Vec::new();
        for (version, color) in (1..).zip([RED, GREEN].into_iter().cycle().take(count)) {
            let [r, g, b] = color;
            let command = ColorCommand {
                // Above any watcher's, which is the time in seconds.
                epoch: u64::MAX,
                version,
                lease: Some(prost_types::Duration { seconds: 600, nanos: 0 }),
                node: "n1".to_owned(),
                reason: Some(Reason { text: "a benchmark".to_owned(), ..Reason::default() }),
                looks: vec![Look { rgb: u32::from_be_bytes([0, r, g, b]), effect: Effect::Solid.into(), period: None }],
            };
            tokio::time::sleep(Duration::from_micros(pause)).await;
            let begun = now();
            commands.send(command).await.unwrap();
            while statuses.message().await.unwrap().unwrap().outcome() != Outcome::Applied {}
            light.until_all(color);
            times.push(light.frames_since(begun).last().copied().unwrap() - begun);
        }
        times.into_iter().collect()
    })
}
