//! A lightd that runs.

#![expect(clippy::unwrap_used, reason = "only tests call this, and a panic fails them")]

use std::process::{Command, Output};
use std::time::Duration;

use podlight_bed::{Bed, Process, kernel};
use podlight_proto::v1::light_client::LightClient;
use podlight_proto::v1::{Effect, GetStateRequest, LightState, SetColorRequest, StickState, WatchStateRequest};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

const LIGHTD: &str = env!("CARGO_BIN_EXE_lightd");
/// A machine that is busy may need long; nothing that works needs it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lightd that serves. Dropped, it is killed.
pub(crate) struct Daemon {
    pub(crate) process: Process,
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
        let process = Process::start(&mut command);
        let address = process.until_says("listening address=");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let client = LightClient::new(runtime.block_on(endpoint.connect()).unwrap());
        Self { process, runtime, client }
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
        waited.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}; has {last:?}"))
    }

    /// Waits until all sticks are there and lit.
    pub(crate) fn until_present(&mut self) -> Vec<StickState> {
        self.until_sticks("present", |sticks| sticks.iter().all(|stick| stick.present))
    }

    /// Waits until none is there, and returns the problem of the first. Where it was just not looked for yet, there is none.
    pub(crate) fn until_absent(&mut self) -> String {
        let absent = |stick: &StickState| !stick.present && !stick.problem.is_empty();
        let sticks = self.until_sticks("absent", |sticks| sticks.iter().all(absent));
        sticks.into_iter().map(|stick| stick.problem).next().unwrap_or_default()
    }

    /// What the kernel says of its process.
    pub(crate) fn status(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap()
    }
}
