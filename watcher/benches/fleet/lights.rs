//! Lights by the thousand, all at one address, in a process of their own: each is known by the node that it is told of.
//!
//! ```text
//!  bench ──"right 10", "forget"──▶ stdin    stdout ──address, "right", what was heard──▶ bench
//! ```
//!
//! They answer as a lightd with a BlinkStick Nano does. Refuses to know who watches, and what it costs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use podlight_proto::v1;
use podlight_proto::v1::color_status::Outcome;
use podlight_proto::v1::light_server::LightServer;
use podlight_sim::{Answers, Play, PlayedLight};
use podlight_tls::{File, Files, Trust};
use prost::Message as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Streaming;
use tonic::codegen::Service as _;

use crate::{GREEN, RED, certificates, number, say};

/// As lightd pings who is silent.
const PING: Duration = Duration::from_secs(20);

/// What the lights were told.
#[derive(Default)]
struct Told {
    /// By the node's number.
    colors: Vec<Option<u32>>,
    /// Commands that were heard, and their bytes and those of the answers.
    heard: [usize; 3],
    /// Each of so many nodes is red; 0 where none is.
    nth: usize,
    /// Lights that show what they should.
    right: usize,
}

impl Told {
    fn is_right(&self, node: usize) -> bool {
        let red = self.nth > 0 && node.is_multiple_of(self.nth);
        self.colors[node] == Some(if red { RED } else { GREEN })
    }

    fn expect(&mut self, nth: usize) {
        self.nth = nth;
        self.right = (0..self.colors.len()).filter(|&node| self.is_right(node)).count();
    }

    fn hears(&mut self, node: usize, color: u32) {
        self.right -= usize::from(self.is_right(node));
        self.colors[node] = Some(color);
        self.right += usize::from(self.is_right(node));
    }
}

/// Serves `lights` lights until stdin ends; by TLS with the certificates in this folder.
pub(crate) async fn serve(lights: usize, tls: Option<&Path>) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    say(&listener.local_addr().unwrap().to_string());
    let told = Arc::new(Mutex::new(Told { colors: vec![None; lights], ..Told::default() }));
    let (all_right, mut is_right) = watch::channel(false);
    let light = Fake { told: Arc::clone(&told), all_right: Arc::new(all_right) };
    tokio::spawn(accept(listener, tls.map(trust), PlayedLight::service(light)));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match line.split_once(' ') {
            Some(("right", nth)) => {
                let right = {
                    let mut told = told.lock().unwrap();
                    told.expect(nth.parse().unwrap());
                    told.right == lights
                };
                if !right {
                    is_right.mark_unchanged();
                    while told.lock().unwrap().right < lights {
                        is_right.changed().await.unwrap();
                    }
                }
                say("right");
            }
            _ if line == "forget" => {
                told.lock().unwrap().colors.fill(None);
                say("forgotten");
            }
            _ => {
                let heard = told.lock().unwrap().heard;
                say(&heard.map(|figure| figure.to_string()).join(" "));
            }
        }
    }
}

fn trust(folder: &Path) -> Trust {
    let [cert, key, ca] = certificates(folder, "light");
    let file = |path| File { flag: "", path };
    let (trust, renewal) = Trust::read(Files { cert: file(cert), key: file(key), ca: file(ca) }).unwrap();
    // They stay as they are.
    std::mem::forget(renewal);
    trust
}

async fn accept(listener: TcpListener, trust: Option<Trust>, light: LightServer<PlayedLight<Fake>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (trust, light) = (trust.clone(), light.clone());
        tokio::spawn(async move {
            match trust {
                None => converse(stream, light).await,
                Some(mut trust) => {
                    // Who hangs up comes again.
                    let Ok((stream, _)) = podlight_tls::accept(stream, trust.papers()).await else { return };
                    converse(stream, light).await;
                }
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, light: LightServer<PlayedLight<Fake>>) {
    let service = service_fn(move |request| light.clone().call(request));
    let mut server = http2::Builder::new(TokioExecutor::new());
    server.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    // A watcher that is killed says no last word.
    server.serve_connection(TokioIo::new(stream), service).await.ok();
}

#[derive(Clone)]
struct Fake {
    told: Arc<Mutex<Told>>,
    all_right: Arc<watch::Sender<bool>>,
}

impl Fake {
    fn answer(&self, command: &v1::ColorCommand) -> v1::ColorStatus {
        let (color, node) = (command.looks[0].rgb, number(&command.node));
        let answer = status(command);
        let mut told = self.told.lock().unwrap();
        for (sum, more) in told.heard.iter_mut().zip([1, command.encoded_len(), answer.encoded_len()]) {
            *sum += more;
        }
        told.hears(node, color);
        if told.right == told.colors.len() {
            self.all_right.send_replace(true);
        }
        answer
    }
}

/// As a lightd with a Nano says it.
fn status(command: &v1::ColorCommand) -> v1::ColorStatus {
    let v1::ColorCommand { epoch, version, lease, node, reason, looks } = command.clone();
    let text = reason.as_ref().map(|reason| reason.text.clone()).unwrap_or_default();
    let led = |index| v1::LedState {
        index,
        color: format!("#{:06x}", looks[0].rgb),
        effect: v1::Effect::Morph.into(),
        layer: v1::Layer::Watcher.into(),
    };
    let stick = v1::StickState {
        name: "usb".to_owned(),
        present: true,
        model: "BlinkStick Nano".to_owned(),
        serial: "BS012345-3.0".to_owned(),
        path: "1-1.2".to_owned(),
        leds: 2,
        problem: String::new(),
    };
    let light = v1::LightState {
        layer: v1::Layer::Watcher.into(),
        reason: text,
        owner: String::new(),
        remaining: lease,
        leds: vec![led(0), led(1)],
        led_count: 2,
        sticks: vec![stick],
        watcher: Some(v1::WatcherState { epoch, version, remaining: lease, node, reason }),
    };
    let outcome = Outcome::Applied.into();
    v1::ColorStatus { outcome, epoch, version, message: String::new(), light: Some(light) }
}

impl Play for Fake {
    fn answers(&self, commands: Streaming<v1::ColorCommand>) -> Answers {
        let heard = (commands, self.clone());
        let answers = stream::unfold(heard, async |(mut commands, light)| {
            let command = commands.message().await.ok()??;
            Some((Ok(light.answer(&command)), (commands, light)))
        });
        answers.boxed()
    }
}
