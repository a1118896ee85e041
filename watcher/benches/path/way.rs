//! One change at a time, and what becomes of it on the stick.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::cluster::Stage;
use crate::figures::Times;
use crate::light::{Color, GREEN, RED, Stick, YELLOW};

/// What became of one change.
struct Turn {
    begun: Instant,
    /// By the API server, to whoever watches.
    written: Instant,
    /// All that the stick was sent for it that changed anything.
    frames: Vec<(Instant, Color)>,
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
    stage.turn(GREEN);
    stick.until_all(GREEN);
    let turns = [RED, GREEN].into_iter().cycle().take(count).map(|color| {
        thread::sleep(Duration::from_micros(random.u64(pauses.clone())));
        turn(stage, stick, color)
    });
    let turns: Vec<_> = turns.collect();
    Turns {
        written: turns.iter().map(|turn| turn.written - turn.begun).collect(),
        first: turns.iter().map(|turn| turn.frames[0].0 - turn.written).collect(),
        last: turns.iter().map(|turn| turn.frames[turn.frames.len() - 1].0 - turn.written).collect(),
    }
}

fn turn(stage: &Stage, stick: &impl Stick, color: Color) -> Turn {
    let begun = stage.turn(color);
    stick.until_all(color);
    let frames = stick.frames_since(begun);
    assert_eq!(frames.last().map(|(_, last)| *last), Some(color), "the last frame has the color");
    Turn { begun, written: stage.written(), frames }
}

/// So many changes at once, of which the last one alone is to red: how long that took to show, and how often the stick
/// changed until it did.
pub(crate) fn burst(stage: &Stage, stick: &impl Stick, changes: usize, pause: Duration) -> (Duration, usize) {
    stage.turn(GREEN);
    stick.until_all(GREEN);
    thread::sleep(pause);
    let begun = stage.turn(if changes == 1 { RED } else { YELLOW });
    for change in 1..changes {
        stage.turn(if change == changes - 1 { RED } else { [YELLOW, GREEN][change % 2] });
    }
    stick.until_all(RED);
    let frames = stick.frames_since(begun);
    (frames[frames.len() - 1].0 - begun, frames.len())
}
