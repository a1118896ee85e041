//! The Light service from outside: a real lightd with a virtual stick, over loopback.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use clap::Parser as _;
use lightd::{Lightd, Settings};
use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::{Color, Command, Lease, Look, Reason, v1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

/// Far longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    client: LightClient<Channel>,
    http: SocketAddr,
    frames: watch::Receiver<lightd::Frame>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

async fn start(arguments: &[&str]) -> Running {
    let arguments = ["lightd", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"].iter().chain(arguments);
    let lightd = Lightd::bind(Settings::parse_from(arguments)).await.expect("it binds");
    let channel = Channel::from_shared(format!("http://{}", lightd.address())).expect("a URL").connect_lazy();
    let (frames, http) = (lightd.frames().remove(0), lightd.http_address().expect("it listens there"));
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(lightd.run(async { drop(stopped.await) }));
    let mut running = Running { client: LightClient::new(channel), http, frames, stop, task };
    // The stick's thread has said what it drives before a test relies on it.
    running.state_when(|state| state.sticks[0].present).await;
    running
}

impl Running {
    async fn state_when(&mut self, wanted: impl Fn(&v1::LightState) -> bool) -> v1::LightState {
        let mut states = self.client.watch_state(v1::WatchStateRequest {}).await.expect("a stream").into_inner();
        loop {
            let state = timeout(PATIENCE, states.message()).await.expect("in time").expect("no error").expect("no end");
            if wanted(&state) {
                return state;
            }
        }
    }

    /// What it answers to a GET: the status, and the text.
    async fn read(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: light\r\n\r\n")).await
    }

    async fn ask(&self, request: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(self.http).await.expect("it listens");
        connection.write_all(request.as_bytes()).await.expect("it hears");
        let mut answer = String::new();
        timeout(PATIENCE, connection.read_to_string(&mut answer)).await.expect("in time").expect("an answer");
        let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
        (head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status"), text.to_owned())
    }

    /// This sample of its metrics.
    async fn sample(&self, name: &str) -> f64 {
        let (_, text) = self.read("/metrics").await;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    async fn shown_when(&mut self, wanted: &[Color]) {
        let shown = self.frames.wait_for(|frame| frame.colors == wanted);
        timeout(PATIENCE, shown).await.expect("in time").expect("the stick is there");
    }

    async fn stream(&mut self) -> Stream {
        let (commands, stream) = mpsc::channel(16);
        let answers = self.client.stream_colors(ReceiverStream::new(stream)).await.expect("a stream").into_inner();
        Stream { commands, answers }
    }
}

struct Stream {
    commands: mpsc::Sender<v1::ColorCommand>,
    answers: Streaming<v1::ColorStatus>,
}

impl Stream {
    /// Sends `command` and waits for its answer; what changes meanwhile is no answer.
    async fn send(&mut self, command: impl Into<v1::ColorCommand>) -> v1::ColorStatus {
        self.commands.send(command.into()).await.expect("the stream is open");
        self.answer(|status| status.outcome() != Outcome::Changed).await
    }

    async fn answer(&mut self, wanted: impl Fn(&v1::ColorStatus) -> bool) -> v1::ColorStatus {
        loop {
            let status = timeout(PATIENCE, self.answers.message()).await.expect("in time").expect("no error");
            let status = status.expect("no end");
            if wanted(&status) {
                return status;
            }
        }
    }
}

const RED: Color = Color::rgb(50, 0, 0);
const GREEN: Color = Color::rgb(0, 25, 0);

fn command(epoch: u64, version: u64, color: Color, lease: u64) -> Command {
    Command {
        epoch,
        version,
        lease: if lease == 0 { Lease::Over } else { Lease::For(Duration::from_secs(lease)) },
        node: "pi-1".to_owned(),
        reason: Reason { text: "shop/cart Running".to_owned(), ..Reason::default() },
        looks: vec![Look::solid(color)],
    }
}

fn request(color: &str) -> v1::SetColorRequest {
    v1::SetColorRequest { color: color.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_streamed_look_shows_and_is_told_of() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut stream = light.stream().await;
    let status = stream.send(command(1, 1, GREEN, 60)).await;
    assert_eq!((status.outcome(), status.epoch, status.version), (Outcome::Applied, 1, 1));
    light.shown_when(&[GREEN, GREEN]).await;
    let state = light.client.get_state(v1::GetStateRequest {}).await.expect("a state").into_inner();
    assert_eq!((state.layer(), state.reason.as_str()), (v1::Layer::Watcher, "shop/cart Running"));
    assert_eq!(state.led_count, 2);
    assert_eq!(state.leds[1].color, "#001900");
    assert_eq!(state.sticks[0].model, "BlinkStick Nano");
    let watcher = state.watcher.expect("it has spoken");
    assert!(watcher.remaining.is_some_and(|left| left.seconds < 60));
    assert_eq!(watcher.node, "pi-1");
}

#[tokio::test]
async fn a_command_is_answered_even_where_it_is_the_last_word() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    for version in 1..=20 {
        let only = tokio_stream::once(command(1, version, GREEN, 60).into());
        let mut answers = light.client.stream_colors(only).await.expect("a stream").into_inner();
        let status =
            timeout(PATIENCE, answers.message()).await.expect("in time").expect("no error").expect("an answer");
        assert_eq!((status.outcome(), status.version), (Outcome::Applied, version));
    }
}

#[tokio::test]
async fn a_closed_stream_leaves_the_look_until_its_lease_lapses() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut stream = light.stream().await;
    stream.send(command(1, 1, GREEN, 1)).await;
    drop(stream);
    let state = light.client.get_state(v1::GetStateRequest {}).await.expect("a state").into_inner();
    assert_eq!(state.layer(), v1::Layer::Watcher);
    let state = light.state_when(|state| state.layer() == v1::Layer::Stale).await;
    assert!(state.reason.contains("nothing heard"), "{}", state.reason);
    assert_eq!(state.leds[0].effect(), v1::Effect::Pulse);
}

#[tokio::test]
async fn a_lease_that_is_cut_short_lapses_at_its_new_deadline() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut stream = light.stream().await;
    stream.send(command(1, 1, GREEN, 600)).await;
    stream.send(command(1, 1, GREEN, 1)).await;
    light.state_when(|state| state.layer() == v1::Layer::Stale).await;
}

#[tokio::test]
async fn a_command_that_comes_after_its_streams_lease_may_be_old_and_is_not_applied() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut held_up = light.stream().await;
    held_up.send(command(1, 1, GREEN, 1)).await;
    light.state_when(|state| state.layer() == v1::Layer::Stale).await;
    held_up.commands.send(command(1, 2, RED, 60).into()).await.expect("it is open");
    let end = timeout(PATIENCE, async {
        while held_up.answers.message().await?.is_some() {}
        Ok::<_, tonic::Status>(())
    });
    let ended = end.await.expect("in time").expect_err("an error");
    assert_eq!((ended.code(), ended.message().contains("open another")), (Code::Aborted, true));
    let state = light.client.get_state(v1::GetStateRequest {}).await.expect("a state").into_inner();
    assert_eq!(state.layer(), v1::Layer::Stale);
    light.stream().await.send(command(1, 3, RED, 60)).await;
    light.state_when(|state| state.layer() == v1::Layer::Watcher).await;
}

#[tokio::test]
async fn a_command_that_is_refused_says_why_and_changes_nothing() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut stream = light.stream().await;
    stream.send(command(2, 1, GREEN, 60)).await;
    let fenced = stream.send(command(1, 9, RED, 60)).await;
    assert_eq!(fenced.outcome(), Outcome::Fenced);
    assert!(fenced.message.contains("epoch 2"), "{}", fenced.message);
    let invalid = stream.send(v1::ColorCommand { epoch: 3, ..Default::default() }).await;
    assert_eq!(invalid.outcome(), Outcome::Invalid);
    assert!(invalid.message.starts_with("lease: nothing is not valid"), "{}", invalid.message);
    let lease = Some(prost_types::Duration { seconds: i64::MIN, nanos: i32::MIN });
    let absurd = stream.send(v1::ColorCommand { epoch: 3, lease, ..Default::default() }).await;
    assert_eq!(absurd.outcome(), Outcome::Invalid);
    let state = absurd.light.expect("each status has one");
    assert_eq!((state.layer(), state.leds[0].color.as_str()), (v1::Layer::Watcher, "#001900"));
}

#[tokio::test]
async fn the_watcher_hears_what_a_person_does() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut stream = light.stream().await;
    stream.send(command(1, 1, GREEN, 60)).await;
    light.client.set_color(request("blue")).await.expect("it is valid");
    let status = stream.answer(|_| true).await;
    assert_eq!(status.outcome(), Outcome::Changed);
    assert_eq!(status.light.expect("each status has one").layer(), v1::Layer::Manual);
}

#[tokio::test]
async fn a_person_sets_identifies_and_releases() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let blue = Color::rgb(0, 0, 255);
    let set = v1::SetColorRequest { owner: "ana".to_owned(), ..request("blue") };
    let state = light.client.set_color(set).await.expect("it is valid").into_inner();
    assert_eq!((state.layer(), state.owner.as_str()), (v1::Layer::Manual, "ana"));
    light.shown_when(&[blue, blue]).await;
    let one = v1::SetColorRequest { index: Some(1), ..request("#002800") };
    light.client.set_color(one).await.expect("it has two");
    light.shown_when(&[blue, Color::rgb(0, 40, 0)]).await;
    let state = light.client.identify(v1::IdentifyRequest::default()).await.expect("it is valid").into_inner();
    assert_eq!(state.layer(), v1::Layer::Identify);
    light.shown_when(&[Color::WHITE, Color::WHITE]).await;
    light.shown_when(&[Color::BLACK, Color::BLACK]).await;
    let state = light.client.release(v1::ReleaseRequest {}).await.expect("always").into_inner();
    assert_eq!(state.layer(), v1::Layer::Idle);
    light.shown_when(&[Color::rgb(6, 6, 6); 2]).await;
}

#[tokio::test]
async fn a_hold_ends_by_itself() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let hold = Some(prost_types::Duration { seconds: 0, nanos: 100_000_000 });
    light.client.set_color(v1::SetColorRequest { hold, ..request("blue") }).await.expect("it is valid");
    light.state_when(|state| state.layer() == v1::Layer::Idle).await;
}

#[tokio::test]
async fn a_bad_wish_is_refused_in_words_and_the_light_stays_as_it_was() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    light.client.set_color(request("blue")).await.expect("it is valid");
    let lasting = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    for (bad, field) in [
        (v1::SetColorRequest::default(), "color: nothing"),
        (request("grene"), "color: \"grene\""),
        (v1::SetColorRequest { index: Some(2), ..request("red") }, "index: 2"),
        (v1::SetColorRequest { hold: lasting(-1), ..request("red") }, "hold: -1s"),
        (v1::SetColorRequest { hold: lasting(86_401), ..request("red") }, "hold: 86401s"),
        (v1::SetColorRequest { effect: 77, ..request("red") }, "effect: 77"),
    ] {
        let status = light.client.set_color(bad).await.expect_err("it breaks an obligation");
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(field) && status.message().contains("give "), "{}", status.message());
    }
    let state = light.client.get_state(v1::GetStateRequest {}).await.expect("a state").into_inner();
    assert_eq!((state.leds[0].color.as_str(), state.leds[1].color.as_str()), ("#0000ff", "#0000ff"));
}

#[tokio::test]
async fn several_sticks_show_alike_each_in_its_size() {
    let mut light = start(&["--stick", "virtual:strip", "--stick", "virtual:nano"]).await;
    light.state_when(|state| state.sticks.iter().all(|stick| stick.present)).await;
    let mut stream = light.stream().await;
    let split = Command { looks: vec![Look::solid(GREEN), Look::solid(RED)], ..command(1, 1, GREEN, 60) };
    let status = stream.send(split).await;
    assert_eq!(status.light.expect("each status has one").led_count, 2, "the smaller one's");
    light.shown_when(&[GREEN, GREEN, GREEN, GREEN, RED, RED, RED, RED]).await;
}

#[tokio::test]
async fn a_stick_is_dimmed_turned_and_inverted_as_it_is_mounted() {
    let arguments = ["--stick", "virtual:nano", "--max-brightness", "51", "--flip", "--inverse"];
    let mut light = start(&arguments).await;
    light.client.set_color(v1::SetColorRequest { index: Some(0), ..request("red") }).await.expect("it is valid");
    // Idle (6,6,6) scales to (1,1,1), and stays visible at 3.
    light.shown_when(&[Color::rgb(252, 252, 252), Color::rgb(204, 255, 255)]).await;
}

#[tokio::test]
async fn on_stop_the_stick_shows_a_look_of_its_own_and_streams_end() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    let mut stream = light.stream().await;
    stream.send(command(1, 1, GREEN, 60)).await;
    let mut states = light.client.watch_state(v1::WatchStateRequest {}).await.expect("a stream").into_inner();
    light.stop.send(()).expect("it runs");
    timeout(PATIENCE, light.task).await.expect("in time").expect("no panic").expect("an orderly end");
    assert_eq!(light.frames.borrow().colors, [Color::rgb(24, 0, 40); 2]);
    while let Ok(Some(_)) = timeout(PATIENCE, states.message()).await.expect("in time") {}
}

#[tokio::test]
async fn an_address_beyond_loopback_needs_to_be_asked_for() {
    let settings = Settings::parse_from(["lightd", "--listen", "0.0.0.0:0", "--stick", "virtual"]);
    let error = Lightd::bind(settings).await.err().expect("it is refused").to_string();
    assert!(error.contains("--listen 0.0.0.0:0") && error.contains("--insecure"), "{error}");
}

#[tokio::test]
async fn metrics_follow_what_the_light_does() {
    let mut light = start(&["--stick", "virtual:nano"]).await;
    assert_eq!(light.sample("podlight_light_layer{layer=\"idle\"}").await, 1.0);
    assert_eq!(light.sample("podlight_light_lease_seconds").await, 0.0);
    let frames = light.sample("podlight_stick_frames_total{stick=\"virtual:nano\"}").await;
    let mut stream = light.stream().await;
    stream.send(command(7, 1, GREEN, 60)).await;
    stream.send(command(6, 1, RED, 60)).await;
    light.shown_when(&[GREEN, GREEN]).await;
    assert_eq!(light.sample("podlight_light_layer{layer=\"watcher\"}").await, 1.0);
    assert_eq!(light.sample("podlight_light_layer{layer=\"idle\"}").await, 0.0);
    assert!((50.0..=60.0).contains(&light.sample("podlight_light_lease_seconds").await));
    assert_eq!(light.sample("podlight_light_epoch").await, 7.0);
    for outcome in ["applied", "fenced"] {
        assert_eq!(light.sample(&format!("podlight_light_commands_total{{outcome=\"{outcome}\"}}")).await, 1.0);
    }
    assert_eq!(light.sample("podlight_stick_present{stick=\"virtual:nano\"}").await, 1.0);
    assert!(light.sample("podlight_stick_frames_total{stick=\"virtual:nano\"}").await > frames);
}

#[tokio::test]
async fn a_lightd_without_a_stick_lives_and_is_ready() {
    let arguments = ["lightd", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--stick", "usb:NONE"];
    let lightd = Lightd::bind(Settings::parse_from(arguments)).await.expect("it binds");
    let channel = Channel::from_shared(format!("http://{}", lightd.address())).expect("a URL").connect_lazy();
    let http = lightd.http_address().expect("it listens there");
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(lightd.run(async { drop(stopped.await) }));
    let (_, frames) = watch::channel(lightd::Frame { model: String::new(), colors: Vec::new() });
    let mut light = Running { client: LightClient::new(channel), http, frames, stop, task };
    light.state_when(|state| !state.sticks[0].problem.is_empty()).await;
    for probe in ["/livez", "/readyz"] {
        assert_eq!(light.read(probe).await, (200, "ok\n".to_owned()), "{probe}");
    }
    assert_eq!(light.sample("podlight_stick_present{stick=\"usb:NONE\"}").await, 0.0);
}

#[tokio::test]
async fn over_http_there_is_nothing_but_to_read() {
    let light = start(&["--stick", "virtual:nano"]).await;
    assert_eq!(light.read("/").await.0, 404);
    assert_eq!(light.ask("POST /metrics HTTP/1.1\r\nHost: light\r\nContent-Length: 0\r\n\r\n").await.0, 405);
    assert_eq!(light.ask(&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(16_384))).await.0, 431);
}

#[tokio::test]
async fn those_who_connect_and_say_nothing_keep_nobody_out() {
    let light = start(&["--stick", "virtual:nano"]).await;
    let mut mute = Vec::new();
    for _ in 0..64 {
        mute.push(TcpStream::connect(light.http).await.expect("it listens"));
    }
    assert_eq!(light.read("/livez").await.0, 200);
}

#[tokio::test]
#[ignore = "needs promtool; .ci/run has it"]
async fn promtool_finds_no_fault_with_the_metrics() {
    let light = start(&["--stick", "virtual:nano,usb:NONE"]).await;
    let (_, text) = light.read("/metrics").await;
    let mut promtool = Program::new("promtool");
    let mut promtool =
        promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    promtool.stdin.take().expect("it is piped").write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert_eq!((output.status.success(), String::from_utf8_lossy(&output.stderr)), (true, "".into()), "{text}");
}
