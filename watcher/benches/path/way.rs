//! One change at a time, and what becomes of it on the stick.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::cluster::Stage;
use crate::figures::Times;
use crate::light::{Color, GREEN, RED, Stick, YELLOW, now};

/// What became of one change.
struct Turn {
    begun: Instant,
    /// By the API server, to whoever watches.
    written: Instant,
    /// All that the stick was sent for it that changed anything, to the color itself.
    frames: Vec<Instant>,
}

/// What became of many.
#[derive(Default)]
pub(crate) struct Turns {
    /// Until the API server had written it: the simulation's own work.
    pub(crate) written: Times,
    /// From then to the first frame that showed anything of it.
    pub(crate) first: Times,
    /// From then to the last.
    pub(crate) last: Times,
}

/// Changes between red and green, after a pause of so many microseconds each.
pub(crate) fn turns(stage: &Stage, stick: &impl Stick, count: usize, pauses: &Range<u64>, random: &mut Rng) -> Turns {
    begin(stage, stick);
    let turns = [RED, GREEN].into_iter().cycle().take(count).map(|color| {
        thread::sleep(Duration::from_micros(random.u64(pauses.clone())));
        turn(stage, stick, color)
    });
    let turns: Vec<_> = turns.collect();
    Turns {
        written: turns.iter().map(|turn| turn.written - turn.begun).collect(),
        first: turns.iter().map(|turn| turn.frames[0] - turn.written).collect(),
        last: turns.iter().map(|turn| turn.frames[turn.frames.len() - 1] - turn.written).collect(),
    }
}

/// What became of changes that came at once.
pub(crate) struct Burst {
    /// Until the last of them showed.
    pub(crate) time: Duration,
    /// How often the stick changed until then.
    pub(crate) frames: usize,
}

/// So many changes at once, of which the last one alone is to red; after a pause of so many microseconds.
pub(crate) fn burst(stage: &Stage, stick: &impl Stick, changes: usize, pause: u64) -> Burst {
    begin(stage, stick);
    thread::sleep(Duration::from_micros(pause));
    let begun = now();
    for change in 1..changes {
        stage.turn([GREEN, YELLOW][change % 2]);
    }
    stage.turn(RED);
    stick.until_all(RED);
    let frames = stick.frames_since(begun);
    Burst { time: frames[frames.len() - 1] - begun, frames: frames.len() }
}

/// All is well, and the stick shows it. That it is so already is no change: the origin would be busy with one.
fn begin(stage: &Stage, stick: &impl Stick) {
    if stage.color() != GREEN {
        stage.turn(GREEN);
    }
    stick.until_all(GREEN);
}

fn turn(stage: &Stage, stick: &impl Stick, color: Color) -> Turn {
    let begun = stage.turn(color);
    stick.until_all(color);
    Turn { begun, written: stage.written(), frames: stick.frames_since(begun) }
}
