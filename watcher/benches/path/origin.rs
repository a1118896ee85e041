//! The peer: the origin's way, in Python with the libraries that people use, on the same kind of emulated stick.

use fastrand::Rng;
use podlight_bed::{Bed, EmulatedStick, Process, bench};

use crate::cluster::{NODE, Stage};
use crate::way::{self, Burst, Turns};

/// Between two changes, in microseconds. It goes on for a while after it has sent a color first.
const PAUSE: u64 = 300_000;

/// What became of changes by the origin's way.
pub(crate) struct Origin {
    pub(crate) turns: Turns,
    pub(crate) burst: Burst,
}

/// So many changes one by one, then so many at once.
///
/// # Errors
/// It can't be measured here, and why.
pub(crate) fn measure(stage: &Stage, changes: usize, burst: usize) -> Result<Origin, String> {
    let python = bench::python(&["blinkstick.blinkstick", "kubernetes"], "kubernetes blinkstick pyusb")?;
    let bed = Bed::make().ok_or("not measured beside it: no stick can be emulated here")?;
    let stick = bed.plug(1, EmulatedStick::nano("BS012345-3.0"));
    let mut command = bed.command(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/path/origin.py"));
    let _process = Process::start(command.env("NODE_NAME", NODE).env("KUBECONFIG", stage.kubeconfig.path()));
    let pauses = PAUSE..PAUSE + 1;
    let turns = way::turns(stage, &stick, changes, &pauses, &mut Rng::with_seed(0));
    let burst = way::burst(stage, &stick, burst, PAUSE);
    Ok(Origin { turns, burst })
}
