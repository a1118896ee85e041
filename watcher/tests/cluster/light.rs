//! A lightd with a Nano, seen from both ends: what it says, and what its stick was sent.

use std::path::Path;

use podlight_bed::{Bed, EmulatedStick, Plugged, Process};
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{GetStateRequest, Layer, LightState, Reason};
use tonic::transport::{Channel, Endpoint};

use crate::stage::until;

pub(crate) const DARK: [u8; 3] = [0, 0, 0];
pub(crate) const GREEN: [u8; 3] = [0, 25, 0];
pub(crate) const YELLOW: [u8; 3] = [50, 50, 0];
pub(crate) const BLUE: [u8; 3] = [0, 0, 50];
pub(crate) const RED: [u8; 3] = [50, 0, 0];

/// A lightd that serves, and its stick. Fields are dropped in this order.
pub(crate) struct Light {
    process: Process,
    client: LightClient<Channel>,
    stick: Plugged,
    pub(crate) port: u16,
    bed: Bed,
}

/// The report that shows `color` on both LEDs of a Nano: (G, R, B) in each of eight slots, of which it has two.
fn report([r, g, b]: [u8; 3]) -> Vec<u8> {
    let mut report = [&[6, 0][..], &[g, r, b].repeat(2)].concat();
    report.resize(26, 0);
    report
}

/// A lightd of this bed, its port and a client of it. It takes this port, or where that is 0 a free one.
async fn serve(bed: &Bed, port: u16) -> (Process, u16, LightClient<Channel>) {
    let lightd = Path::new(env!("CARGO_BIN_EXE_watcher")).with_file_name("lightd");
    assert!(lightd.exists(), "{} is missing: cargo build first", lightd.display());
    let mut command = bed.command(lightd);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--http", "off"]);
    let process = Process::start(&mut command);
    let listening = process.until_says("address=");
    let (_, port) = listening.rsplit_once(':').expect("an address has a port");
    let port = port.parse().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    let client = LightClient::new(endpoint.connect().await.unwrap());
    (process, port, client)
}

impl Light {
    /// Starts it, and waits until its stick is lit.
    pub(crate) async fn start() -> Self {
        let bed = Bed::make().expect("there was one when the test began");
        let stick = bed.plug(1, EmulatedStick::nano("BS012345-3.0"));
        let (process, port, client) = serve(&bed, 0).await;
        let light = Self { process, client, stick, port, bed };
        until("the stick is lit", async || if light.sent().is_empty() { Err("no report".into()) } else { Ok(()) })
            .await;
        light
    }

    /// Kills it. The stick stays.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again where it was, once it was killed, and waits until it serves.
    pub(crate) async fn restart(&mut self) {
        (self.process, _, self.client) = serve(&self.bed, self.port).await;
    }

    /// The argument that makes a watcher let this light speak of `scope`.
    pub(crate) fn of(&self, scope: &str) -> String {
        format!("--light={scope}=http://127.0.0.1:{}", self.port)
    }

    /// What it says of itself.
    pub(crate) async fn state(&self) -> LightState {
        self.client.clone().get_state(GetStateRequest {}).await.unwrap().into_inner()
    }

    /// How many reports the stick has taken.
    pub(crate) fn count(&self) -> usize {
        self.stick.look(|stick| stick.reports().len())
    }

    /// Whether the stick was last sent this color.
    pub(crate) fn was_left(&self, color: [u8; 3]) -> bool {
        self.sent().pop() == Some(report(color))
    }

    /// The reports that the stick took.
    fn sent(&self) -> Vec<Vec<u8>> {
        self.stick.look(|stick| stick.reports().into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Waits until the watcher's word is `why` and the stick shows `color`.
    pub(crate) async fn until_shows(&self, color: [u8; 3], why: &str) {
        self.until_shows_for(color, why, |reason| reason.text == why).await;
    }

    /// Waits until the watcher's word is a reason that fits, and the stick shows `color`.
    pub(crate) async fn until_shows_for(&self, color: [u8; 3], what: &str, fits: impl Fn(&Reason) -> bool) {
        until(&format!("{color:?} for {what:?}"), async || self.shows(color, &fits).await).await;
    }

    /// Whether the watcher's word is a reason that fits and the stick shows `color`; else what is so.
    pub(crate) async fn shows(&self, color: [u8; 3], fits: impl Fn(&Reason) -> bool) -> Result<(), String> {
        let state = self.state().await;
        let reason = state.watcher.as_ref().and_then(|watcher| watcher.reason.clone()).unwrap_or_default();
        let last = self.sent().pop().unwrap_or_default();
        let shows = state.layer() == Layer::Watcher && fits(&reason) && last == report(color);
        if shows { Ok(()) } else { Err(format!("{last:?} by {:?} for {:?}", state.layer(), state.reason)) }
    }

    /// Waits until the stick was sent these colors after one another, once it was sent `count` reports.
    pub(crate) async fn until_shows_in_turn(&self, count: usize, colors: &[[u8; 3]]) {
        until(&format!("{colors:?} in turn"), async || {
            let mut sent = self.sent().split_off(count);
            sent.dedup();
            let wanted: Vec<_> = colors.iter().copied().map(report).collect();
            if sent.windows(wanted.len()).any(|sent| sent == wanted) { Ok(()) } else { Err(format!("{sent:?}")) }
        })
        .await;
    }

    /// Waits until it knows that it knows nothing: its stick is violet.
    pub(crate) async fn until_stale(&self) {
        until("violet, for it knows nothing", async || {
            let state = self.state().await;
            let last = self.sent().pop().unwrap_or_default();
            let [_, _, g, r, b, ..] = last[..] else { return Err(format!("{last:?}")) };
            let is_violet = g == 0 && 0 < r && r < b;
            if state.layer() == Layer::Stale && is_violet { Ok(()) } else { Err(format!("{last:?} by {state:?}")) }
        })
        .await;
    }

    /// Whether anything on the way to green was in any report since the stick was sent `count` of them.
    pub(crate) fn was_green_since(&self, count: usize) -> bool {
        self.sent().iter().skip(count).any(|report| report[2] > report[3])
    }
}
