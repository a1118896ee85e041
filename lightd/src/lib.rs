//! lightd owns the BlinkSticks of one host, and shows on them what it is told over gRPC.
//!
//! ```text
//!  watcher ─StreamColors─▶┐                     ┌─scene─▶ stick loop ─▶ usb ─▶ BlinkStick
//!  person ─SetColor, …───▶ serve ─▶ keeper ─────┤
//!  person ◀─state───────── serve ◀─ (light) ◀───┘◀─report─
//!  Prometheus, kubelet ◀── http ◀── metrics ◀─ counts ◀────── whoever does something
//! ```
//!
//! Pure: [`light`] (layers, leases, fencing), [`look`] and [`canvas`] (frames in time), [`state`] and [`metrics`] (what is
//! told of it), [`blinkstick`] (models and their bytes). Edges: [`serve`], [`http`], [`keeper`], [`stick`], [`usb`], [`virtual_stick`].
//! [`device_plugin`] is a daemon of its own: it hands a pod the device nodes that its sticks may get.
//! Channels hold the newest only: a stick that lags delays nobody and is never behind by more than a frame.

pub mod blinkstick;
pub mod canvas;
pub mod cli;
mod counts;
pub mod device_plugin;
mod doctor;
mod http;
mod keeper;
pub mod light;
mod look;
mod metrics;
mod screen;
mod serve;
mod settings;
mod state;
mod status;
mod stick;
mod usb;
mod virtual_stick;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use podlight_metrics::Process;
use podlight_tls::{Renewal, Trust};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::counts::{Callers, Counts, Odometer};
use crate::http::Reading;
use crate::keeper::Keeper;
use crate::serve::Door;
use crate::stick::{Port, Report};
use crate::virtual_stick::VirtualStick;

pub use screen::has_color;
pub use settings::{Http, Settings, StickName, VirtualModel};
pub use virtual_stick::Frame;

/// How long the last frame, and the streams that are open, may take when lightd stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// A lightd that listens, and doesn't serve yet.
pub struct Lightd {
    doors: Vec<Door>,
    address: SocketAddr,
    local: Option<SocketAddr>,
    renewal: Option<Renewal>,
    http: Option<TcpListener>,
    keeper: Arc<Keeper>,
    counts: Arc<Counts>,
    process: Process,
    frames: Vec<watch::Receiver<Frame>>,
    /// Each sends its reports, and ends when its stick has shown the last scene.
    loops: Vec<(watch::Receiver<Report>, oneshot::Receiver<()>)>,
}

impl Lightd {
    /// Listens, and lights the sticks up.
    ///
    /// # Errors
    /// Settings that contradict each other, or an address that can't be listened on. A stick that isn't there is a
    /// state, not an error.
    pub async fn bind(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let (trust, renewal) = settings.tls()?.map(Trust::read).transpose()?.unzip();
        let listener = serve::listen(settings.listen).with_context(|| format!("--listen {}", settings.listen))?;
        let address = listener.local_addr()?;
        let mut doors = vec![Door { listener, trust }];
        let mut local = None;
        if let Some(wanted) = settings.local {
            let listener = serve::listen(wanted).with_context(|| format!("--local {wanted}"))?;
            local = Some(listener.local_addr()?);
            doors.push(Door { listener, trust: None });
        }
        let http = match settings.http {
            Http::Off => None,
            Http::At(address) => Some(serve::listen(address).with_context(|| format!("--http {address}"))?),
        };
        let keeper = Arc::new(Keeper::new(settings.stick.iter().map(ToString::to_string).collect()));
        let named = settings.stick.iter().filter_map(|name| match name {
            StickName::Usb(wanted) => wanted.clone(),
            StickName::Virtual(_) => None,
        });
        let claims = usb::Claims::new(named);
        let (mut frames, mut loops, mut odometers) = (Vec::new(), Vec::new(), Vec::new());
        for name in &settings.stick {
            let port: Box<dyn Port> = match name {
                StickName::Usb(wanted) => {
                    Box::new(usb::UsbPort::new(wanted.clone(), settings.keep_mode, claims.clone()))
                }
                StickName::Virtual(VirtualModel(model)) => {
                    let stick = VirtualStick::new(*model);
                    frames.push(stick.frames());
                    Box::new(stick)
                }
            };
            let odometer = Arc::new(Odometer::new(Instant::now().into_std()));
            odometers.push((name.to_string(), Arc::clone(&odometer)));
            loops.push(spawn(name, port, &settings, &keeper, odometer)?);
        }
        let counts = Arc::new(Counts { sticks: odometers, callers: Callers::default() });
        let process = Process::begins();
        Ok(Self { doors, address, local, http, renewal, keeper, counts, process, frames, loops })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for this host besides.
    pub const fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Where it can be read over HTTP. Nothing where it can't.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.local_addr().ok()
    }

    /// What each virtual stick shows, in the order of the settings.
    pub fn frames(&self) -> Vec<watch::Receiver<Frame>> {
        self.frames.clone()
    }

    /// Serves until `shutdown`, then leaves the sticks in a defined look.
    ///
    /// # Errors
    /// What ends the service: the listener fails, or a stick's loop ends before its time.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { doors, address, local, http, renewal, keeper, counts, process, loops, .. } = self;
        tracing::info!(%address, "listening");
        if let Some(local) = local {
            tracing::info!(%local, "listening without TLS, for this host");
        }
        if let Some(address) = http.as_ref().and_then(|http| http.local_addr().ok()) {
            tracing::info!(%address, "HTTP can be read");
        }
        if let Some(renewal) = &renewal {
            tracing::info!("mutual TLS, by a certificate {}", renewal.papers());
        }
        let reading = Reading { keeper: Arc::clone(&keeper), counts: Arc::clone(&counts), process };
        let mut ended = Vec::new();
        let mut reports = Vec::new();
        for (index, (report, end)) in loops.into_iter().enumerate() {
            reports.push(follow(Arc::clone(&keeper), index, report));
            ended.push(end);
        }
        let (stop, stopping) = oneshot::channel::<()>();
        let server = serve::serve(doors, Arc::clone(&keeper), counts, async {
            let _ = stopping.await;
        });
        tokio::pin!(server);
        let ending = async {
            tokio::select! {
                result = &mut server => return result,
                () = keeper.keep() => {}
                never = renew(renewal) => match never {},
                never = http::serve(http, Arc::new(reading)) => match never {},
                _ = futures::future::select_all(reports.into_iter().map(Box::pin)) => anyhow::bail!("a stick's loop ended"),
                () = shutdown => {}
            }
            tracing::info!("stopping");
            keeper.leave();
            let _ = stop.send(());
            // Each loop ends once the last scene shows; a stick that is missing, or a peer that clings to its stream,
            // doesn't keep us.
            let _ = timeout(FAREWELL, futures::future::join_all(ended)).await;
            timeout(FAREWELL, &mut server).await.unwrap_or(Ok(()))
        };
        ending.await
    }
}

/// Keeps certificates up to date, where there are any.
async fn renew(renewal: Option<Renewal>) -> Infallible {
    match renewal {
        Some(renewal) => renewal.run().await,
        None => std::future::pending().await,
    }
}

/// Tells the keeper what a stick's loop reports, until the loop ends.
async fn follow(keeper: Arc<Keeper>, index: usize, mut reports: watch::Receiver<Report>) {
    loop {
        let report = reports.borrow_and_update().clone();
        keeper.report(index, report);
        if reports.changed().await.is_err() {
            return;
        }
    }
}

/// Starts the loop of the stick at `port`, in a thread of its own.
fn spawn(
    name: &StickName,
    port: Box<dyn Port>,
    settings: &Settings,
    keeper: &Keeper,
    odometer: Arc<Odometer>,
) -> anyhow::Result<(watch::Receiver<Report>, oneshot::Receiver<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (reports, report) = watch::channel(Report::default());
    let (end, ended) = oneshot::channel();
    let (mount, orders) = (settings.mount(), keeper.orders());
    std::thread::Builder::new().name(name.to_string()).spawn(move || {
        runtime.block_on(stick::drive(port, mount, orders, reports, odometer));
        // Nobody may wait for it any more.
        let _ = end.send(());
    })?;
    Ok((report, ended))
}
