//! Connections, as TCP makes them: what is sent on one arrives in order, late or never. Between connections there is no
//! order. Keeps what is on the way and what a host has received for a process that hasn't read it. Refuses to know what is
//! said.
//!
//! A black hole holds back what enters it, and lets it go when it ends, for that is what TCP's repetition comes to; whoever
//! has given the connection up by then doesn't hear it. A connection that is closed still delivers what was sent before, also
//! for a process that was killed. A reset one, and one whose state was lost on the way, delivers nothing more.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::words::{Down, Up};
use crate::world::{Event, Task};

/// The end that is not the watcher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Far {
    Api,
    Light(usize),
}

/// Away from the watcher, or to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// A connection's number. None is used twice.
pub(crate) type Line = usize;

pub(crate) struct Connection {
    pub(crate) watcher: usize,
    pub(crate) far: Far,
    /// Who in the watcher reads it.
    pub(crate) reader: Task,
    up: Pipe<Up>,
    down: Pipe<Down>,
    /// Whether the watcher's end is open.
    pub(crate) near_open: bool,
    /// Whatever stands between has forgotten it: nothing arrives any more, and nobody is told.
    pub(crate) lost: bool,
    /// What the watcher's host has received, and since when.
    pub(crate) inbox: VecDeque<(Down, Instant)>,
}

/// One direction. Of what is queued, the first `flying` have been scheduled to arrive; a hole holds the others.
struct Pipe<T> {
    queue: VecDeque<T>,
    flying: usize,
    last: Instant,
}

/// All connections.
pub(crate) struct Net {
    lines: BTreeMap<Line, Connection>,
    next: Line,
    /// By watcher, far end and way: how many faults keep it dead.
    holes: Vec<[[u32; 2]; 2]>,
}

/// The longest that anything is on the way where nothing is wrong.
pub(crate) const DELAY: Duration = Duration::from_millis(50);
/// How long TCP takes at most to notice that a hole has ended. Real ones take as long as the hole lasted, but whoever waits
/// for anything here has its own deadlines.
const REPETITION: Duration = Duration::from_millis(1_500);

impl Net {
    pub(crate) fn new(lights: usize) -> Self {
        Self { lines: BTreeMap::new(), next: 0, holes: vec![[[0; 2]; 2]; lights + 1] }
    }

    pub(crate) fn open(&mut self, watcher: usize, far: Far, reader: Task, now: Instant) -> Line {
        self.next += 1;
        let (up, down) = (Pipe::new(now), Pipe::new(now));
        let (near_open, lost, inbox) = (true, false, VecDeque::new());
        self.lines.insert(self.next, Connection { watcher, far, reader, up, down, near_open, lost, inbox });
        self.next
    }

    /// Nothing once it is of no use to either end.
    pub(crate) fn at(&mut self, line: Line) -> Option<&mut Connection> {
        self.lines.get_mut(&line)
    }

    /// All that are of use to either end.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = (Line, &mut Connection)> {
        self.lines.iter_mut().map(|(line, connection)| (*line, connection))
    }

    /// Sends, and says when it will arrive: never, if a hole holds it, or nobody can hear it.
    pub(crate) fn up(&mut self, line: Line, word: Up, now: Instant, dice: &mut Rng) -> Option<(Instant, Event)> {
        let dead = self.dead(line, Way::Up);
        let pipe = &mut self.lines.get_mut(&line)?.up;
        Some((pipe.send(word, dead, now, dice)?, Event::Arrives(line, Way::Up)))
    }

    /// As [`Self::up`].
    pub(crate) fn down(&mut self, line: Line, word: Down, now: Instant, dice: &mut Rng) -> Option<(Instant, Event)> {
        let dead = self.dead(line, Way::Down);
        let pipe = &mut self.lines.get_mut(&line)?.down;
        Some((pipe.send(word, dead, now, dice)?, Event::Arrives(line, Way::Down)))
    }

    /// Takes what arrives at the far end, unless a hole holds it after all.
    pub(crate) fn arrived_up(&mut self, line: Line) -> Option<Up> {
        let dead = self.dead(line, Way::Up);
        let connection = self.lines.get_mut(&line)?;
        connection.up.arrive(dead).filter(|_| !connection.lost)
    }

    /// As [`Self::arrived_up`], at the watcher's end.
    pub(crate) fn arrived_down(&mut self, line: Line) -> Option<Down> {
        let dead = self.dead(line, Way::Down);
        let connection = self.lines.get_mut(&line)?;
        connection.down.arrive(dead).filter(|_| !connection.lost)
    }

    /// Begins or ends a hole; says what arrives when, now that it has ended.
    pub(crate) fn hole(
        &mut self,
        watcher: usize,
        far: Far,
        way: Way,
        dead: bool,
        now: Instant,
        dice: &mut Rng,
    ) -> Vec<(Instant, Event)> {
        let count = &mut self.holes[index(far)][watcher][way as usize];
        if dead {
            *count += 1;
            return Vec::new();
        }
        *count -= 1;
        if *count > 0 {
            return Vec::new();
        }
        let mut arrivals = Vec::new();
        let between = |it: &&mut Connection| it.watcher == watcher && it.far == far;
        for (line, connection) in self.lines.iter_mut().map(|(line, it)| (*line, it)) {
            let Some(connection) = Some(connection).filter(between) else { continue };
            let times = match way {
                Way::Up => connection.up.release(now, dice),
                Way::Down => connection.down.release(now, dice),
            };
            arrivals.extend(times.into_iter().map(|at| (at, Event::Arrives(line, way))));
        }
        arrivals
    }

    /// Forgets a connection: nothing that is on the way will arrive.
    pub(crate) fn drop(&mut self, line: Line) {
        self.lines.remove(&line);
    }

    fn dead(&self, line: Line, way: Way) -> bool {
        self.lines.get(&line).is_some_and(|it| self.holes[index(it.far)][it.watcher][way as usize] > 0)
    }
}

const fn index(far: Far) -> usize {
    match far {
        Far::Api => 0,
        Far::Light(light) => light + 1,
    }
}

impl<T> Pipe<T> {
    fn new(now: Instant) -> Self {
        Self { queue: VecDeque::new(), flying: 0, last: now }
    }

    fn send(&mut self, word: T, dead: bool, now: Instant, dice: &mut Rng) -> Option<Instant> {
        self.queue.push_back(word);
        // Behind what a hole holds, nothing passes.
        (!dead && self.flying + 1 == self.queue.len()).then(|| self.fly(now + delay(dice)))
    }

    fn fly(&mut self, at: Instant) -> Instant {
        self.flying += 1;
        self.last = self.last.max(at);
        self.last
    }

    fn arrive(&mut self, dead: bool) -> Option<T> {
        self.flying -= 1;
        if dead { None } else { self.queue.pop_front() }
    }

    fn release(&mut self, now: Instant, dice: &mut Rng) -> Vec<Instant> {
        let noticed = now + REPETITION.mul_f64(dice.f64());
        (self.flying..self.queue.len()).map(|_| self.fly(noticed + delay(dice))).collect()
    }
}

fn delay(dice: &mut Rng) -> Duration {
    let most = if dice.u8(..) < 16 { DELAY } else { DELAY / 20 };
    most.mul_f64(dice.f64())
}
