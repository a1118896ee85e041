//! A lightd that runs.

#![expect(clippy::unwrap_used, reason = "only tests call this, and a panic fails them")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use podlight_bed::{Bed, kernel};
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{Effect, GetStateRequest, LightState, SetColorRequest, StickState, WatchStateRequest};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

const LIGHTD: &str = env!("CARGO_BIN_EXE_lightd");
/// A machine that is busy may need long; nothing that works needs it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lightd that serves. Dropped, it is killed.
pub(crate) struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
    runtime: Runtime,
    client: LightClient<Channel>,
}

/// Where a lightd runs.
pub(crate) trait Host {
    fn command(&self, program: &str) -> Command;
}

impl Host for Bed {
    fn command(&self, program: &str) -> Command {
        self.command(program)
    }
}

impl Host for kernel::Bed {
    fn command(&self, program: &str) -> Command {
        self.command(program)
    }
}

/// What `lightd` with these arguments prints on `host`.
pub(crate) fn output(host: &impl Host, arguments: &[&str]) -> Output {
    host.command(LIGHTD).args(arguments).output().unwrap()
}

impl Daemon {
    /// Serves on `host` with these arguments besides the address, once it listens.
    pub(crate) fn serve(host: &impl Host, arguments: &[&str]) -> Self {
        let mut command = host.command(LIGHTD);
        command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(String::new()));
        let mut before = String::new();
        let listening = lines.by_ref().find_map(|line| {
            before = format!("{before}{line}\n");
            line.contains("listening")
                .then(|| line.split_once("address=").map(|(_, address)| address.trim().to_owned()))?
        });
        let Some(address) = listening else { panic!("lightd ended: {:?}; it said: {before}", child.wait()) };
        let log = Arc::clone(&said);
        std::thread::spawn(move || lines.for_each(|line| log.lock().unwrap().extend([&line, "\n"])));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let client = LightClient::new(runtime.block_on(endpoint.connect()).unwrap());
        Self { child, said, runtime, client }
    }

    /// Shows `color` on all LEDs.
    pub(crate) fn set(&mut self, color: &str) -> LightState {
        self.request(SetColorRequest { color: color.to_owned(), ..Default::default() })
    }

    /// Shows `color` on one LED.
    pub(crate) fn set_one(&mut self, color: &str, index: u32) -> LightState {
        self.request(SetColorRequest { color: color.to_owned(), index: Some(index), ..Default::default() })
    }

    /// Has all LEDs pulse in `color`: a frame every 20 ms.
    pub(crate) fn pulse(&mut self, color: &str) -> LightState {
        let effect = Effect::Pulse.into();
        self.request(SetColorRequest { color: color.to_owned(), effect, ..Default::default() })
    }

    fn request(&mut self, request: SetColorRequest) -> LightState {
        self.runtime.block_on(self.client.set_color(request)).unwrap().into_inner()
    }

    pub(crate) fn state(&mut self) -> LightState {
        self.runtime.block_on(self.client.get_state(GetStateRequest {})).unwrap().into_inner()
    }

    /// Waits until its sticks are as they should, and returns them.
    pub(crate) fn until_sticks(&mut self, what: &str, holds: impl Fn(&[StickState]) -> bool) -> Vec<StickState> {
        let mut last = None;
        let waited = self.runtime.block_on(async {
            let mut states = self.client.watch_state(WatchStateRequest {}).await.unwrap().into_inner();
            let wait = async {
                loop {
                    let state = states.message().await.unwrap().expect("a light that watches until it is told to stop");
                    if holds(&state.sticks) {
                        return state.sticks;
                    }
                    last = Some(state.sticks);
                }
            };
            tokio::time::timeout(PATIENCE, wait).await
        });
        waited.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}; has {last:?}; lightd said: {}", self.said()))
    }

    /// Waits until all sticks are there and lit.
    pub(crate) fn until_present(&mut self) -> Vec<StickState> {
        self.until_sticks("present", |sticks| sticks.iter().all(|stick| stick.present))
    }

    /// Waits until none is there, and returns the problem of the first.
    pub(crate) fn until_absent(&mut self) -> String {
        let sticks = self.until_sticks("absent", |sticks| sticks.iter().all(|stick| !stick.present));
        sticks.into_iter().map(|stick| stick.problem).next().unwrap_or_default()
    }

    /// What it logged since it listens.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// What the kernel has in `/proc` of its process.
    pub(crate) fn proc(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.child.id()))
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
