//! The seam between a light and its sticks: what a stick is, USB or virtual, and the loop that keeps one showing the
//! newest scene.
//!
//! The loop owns its stick for good, in a thread of its own: a USB transfer blocks, and two at a time on one handle
//! make libusb see ghosts. A stick that is missing, or that fails, is a state it reports and recovers from.

use std::sync::Arc;
use std::time::Duration;

use podlight_proto::Color;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::canvas::{Canvas, Mount, Scene};
use crate::counts::{Odometer, count};

/// A stick that is open. One thread owns it; every call may block for as long as a USB transfer takes.
pub(crate) trait Stick: Send {
    /// What it is.
    fn identity(&self) -> &Identity;

    /// One attempt to show `frame`: a color for each of its LEDs, as the stick must be sent it. Counts the transfers that
    /// it takes.
    ///
    /// # Errors
    /// [`Fault`]; what shows is unknown then.
    fn show(&mut self, frame: &[Color], odometer: &Odometer) -> Result<(), Fault>;

    /// Whether it was pulled out, as far as can be told without a transfer.
    fn gone(&self) -> bool;
}

/// Where a stick can be found.
pub(crate) trait Port: Send {
    /// Opens the stick that is there.
    ///
    /// # Errors
    /// [`Problem`]: a state, to be tried again.
    fn open(&mut self) -> Result<Box<dyn Stick>, Problem>;
}

/// What a stick is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// "BlinkStick Nano".
    pub(crate) model: String,
    /// Empty where it has none.
    pub(crate) serial: String,
    /// Bus and port, "1-1.2". Empty where virtual.
    pub(crate) path: String,
    /// How many LEDs a frame has.
    pub(crate) leds: usize,
    /// The least time between two frames.
    pub(crate) interval: Duration,
}

/// An attempt to show a frame failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The same again may well work, a little later.
    #[error("{0}")]
    Transient(String),
    /// Nothing will work until the stick is opened anew.
    #[error("{0}")]
    Broken(String),
}

/// Why no stick is open, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The host, or this container, has no USB.
    #[error(
        "no USB here ({0}); plug a stick in, or give the container /dev/bus/usb: podlight.dev/usb-stick in its limits"
    )]
    NoUsb(String),
    /// No BlinkStick is plugged in.
    #[error("no BlinkStick found; plug one in")]
    Absent,
    /// BlinkSticks are plugged in, but not this one.
    #[error("no BlinkStick {wanted} found, but {found}; plug it in, or name another with --stick")]
    NotFound {
        /// As on the command line.
        wanted: String,
        /// Those that are there.
        found: String,
    },
    /// The stick may not be opened.
    #[error("no permission to open {device}; see `lightd udev-rules`")]
    Denied {
        /// The device node.
        device: String,
    },
    /// The container's list of devices lacks it, whatever the file's mode says.
    #[error(
        "the container may not use {device}: ask for podlight.dev/usb-stick in its limits; if it does, runc 1.1.3 to \
         1.1.6 leaves out devices that aren't there yet: update to 1.1.7"
    )]
    Withheld {
        /// The device node.
        device: String,
    },
    /// Another of our own loops has it.
    #[error("the BlinkStick at {path} is already in use by another --stick")]
    Taken {
        /// Bus and port.
        path: String,
    },
    /// It is there, and fails.
    #[error("the BlinkStick at {path} fails: {why}; it is tried again every second")]
    Failing {
        /// Bus and port.
        path: String,
        /// What libusb said.
        why: String,
    },
}

/// What a stick shall show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) scene: Scene,
    /// It is the last one: once it shows, the loop ends.
    pub(crate) last: bool,
}

/// What is known of a stick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The stick seen last.
    pub(crate) identity: Option<Identity>,
    /// Why it doesn't show what it should. It does where there is none, and an identity.
    pub(crate) problem: Option<String>,
}

/// Between two looks for a stick that isn't there, or at one that may have been pulled out.
const LOOK_OUT: Duration = Duration::from_secs(1);
/// Between two assertions of a frame that didn't change: a stick checks no CRC, so a color can arrive corrupted.
const REASSERT: Duration = Duration::from_secs(4);
/// Attempts at one frame before the stick is opened anew, and the pause between them: while it shifts bits out to its
/// LEDs, a stick can't answer.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps the stick at `port` showing the newest of `orders`, until the last one shows or can't.
pub(crate) async fn drive(
    mut port: Box<dyn Port>,
    mount: Mount,
    mut orders: watch::Receiver<Order>,
    reports: watch::Sender<Report>,
    odometer: Arc<Odometer>,
) {
    loop {
        let opened = Instant::now();
        odometer.turns(opened.into_std());
        let problem = match port.open() {
            Ok(mut stick) => {
                count(&odometer.openings);
                match show(stick.as_mut(), mount, &mut orders, &reports, &odometer).await {
                    Ended::Done => return,
                    Ended::Lost(problem) => problem,
                }
            }
            Err(problem) => problem,
        };
        tell(&reports, &problem);
        // A stick that worked until now may well open anew at once; one that didn't is left in peace for a while.
        let worked = opened.elapsed() > LOOK_OUT;
        tokio::select! {
            () = sleep(if worked { PAUSE } else { LOOK_OUT }) => {}
            _ = orders.wait_for(|order| order.last) => return,
        }
    }
}

/// Why a stick is shown nothing more.
enum Ended {
    /// The last one shows.
    Done,
    /// It has to be opened anew.
    Lost(Problem),
}

async fn show(
    stick: &mut dyn Stick,
    mount: Mount,
    orders: &mut watch::Receiver<Order>,
    reports: &watch::Sender<Report>,
    odometer: &Odometer,
) -> Ended {
    let Identity { leds, interval, path, .. } = stick.identity().clone();
    let mut canvas = Canvas::new(leds, &orders.borrow().scene, Instant::now().into_std());
    let mut shown: Option<(Vec<Color>, Instant)> = None;
    let mut attempts = 0;
    loop {
        let now = Instant::now();
        odometer.turns(now.into_std());
        let Order { scene, last } = orders.borrow_and_update().clone();
        canvas.aim(&scene, now.into_std());
        let frame = mount.apply(canvas.frame(now.into_std()));
        if shown.as_ref().is_none_or(|(last, at)| *last != frame || now >= *at + REASSERT) {
            if attempts > 0 {
                count(&odometer.retries);
            }
            match stick.show(&frame, odometer) {
                Ok(()) => {
                    count(&odometer.frames);
                    attempts = 0;
                    let report = Report { identity: Some(stick.identity().clone()), problem: None };
                    reports.send_if_modified(|told| std::mem::replace(told, report.clone()) != report);
                    shown = Some((frame, Instant::now()));
                }
                Err(Fault::Transient(why)) => {
                    attempts += 1;
                    let problem = Problem::Failing { path: path.clone(), why };
                    if attempts == ATTEMPTS {
                        return Ended::Lost(problem);
                    }
                    // A stick that was busy shifting bits out takes the next attempt; one that doesn't, shows what isn't so.
                    if attempts > 1 {
                        tell(reports, &problem);
                    }
                    sleep(PAUSE).await;
                    continue;
                }
                Err(Fault::Broken(why)) => return Ended::Lost(Problem::Failing { path, why }),
            }
        }
        if last {
            return Ended::Done;
        }
        if stick.gone() {
            return Ended::Lost(Problem::Absent);
        }
        let after_frame = shown.as_ref().map_or(now, |(_, at)| *at + interval);
        let wake = canvas.next_change(now.into_std()).map_or(now + LOOK_OUT, |next| (now + LOOK_OUT).min(next.into()));
        tokio::select! {
            () = sleep_until(wake) => {}
            changed = orders.changed() => if changed.is_err() { return Ended::Done },
        }
        sleep_until(after_frame).await;
    }
}

/// Reports `problem`, where that is news. What the stick was stays known.
fn tell(reports: &watch::Sender<Report>, problem: &Problem) {
    let problem = Some(problem.to_string());
    reports.send_if_modified(|told| std::mem::replace(&mut told.problem, problem.clone()) != problem);
}

#[cfg(test)]
mod tests;
