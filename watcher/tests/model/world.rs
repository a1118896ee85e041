//! The loop: takes the next event, lets whom it concerns act, and looks whether every promise still holds. Keeps the time,
//! the dice and everyone who acts; what they do is in the other modules.
//!
//! Time passes only between events. Events of one moment come in any order, as the dice will have it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use watcher::policy::Layout;

use crate::api::Api;
use crate::cluster::Cluster;
use crate::lamp::Lamp;
use crate::net::{Far, Line, Net, Way};
use crate::process::Process;
use crate::promises::Figures;
use crate::story::{Act, Story};
use crate::words::{Down, Up};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something arrives on a connection.
    Arrives(Line, Way),
    /// A task of a watcher's process runs, if that is still the one of this life.
    Runs { watcher: usize, life: u32, task: Task },
    /// The API is ready to answer a request.
    Answers(Line),
    /// A watch of the API is to be ended, or sent a bookmark.
    Ticks(Line),
    /// A light looks whether the peer of a connection still answers.
    Pings { light: usize, line: Line },
    /// A lease of a light lapses.
    Lapses,
    /// The story goes on.
    Story(Act),
}

/// What runs by itself in a watcher's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// The main loop's tick.
    Pulse,
    /// The main loop.
    Main,
    /// The watch of pods, or of nodes.
    Follow(usize),
    /// The election.
    Poll,
    /// The reads that only the API's store can answer.
    Probe,
    /// The session with a light.
    Link(usize),
    /// A command leaves the session for the connection.
    Leave(usize),
    /// The connection writes it.
    Flush(usize),
    /// The process ends.
    End,
}

/// How the watchers are set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) silence: Duration,
    pub(crate) lease: Duration,
    pub(crate) layout: Layout,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) dice: Rng,
    pub(crate) terms: Terms,
    queue: BinaryHeap<Reverse<Due>>,
    serial: u64,
    pub(crate) cluster: Cluster,
    pub(crate) api: Api,
    pub(crate) net: Net,
    pub(crate) watchers: [Process; 2],
    pub(crate) lamps: Vec<Lamp>,
    pub(crate) story: Story,
    pub(crate) figures: Figures,
    /// What was broken, first.
    pub(crate) broken: Option<String>,
    /// The last steps, if anyone will read them.
    pub(crate) trace: Option<VecDeque<String>>,
    /// How many steps are kept.
    steps: usize,
}

struct Due {
    at: Instant,
    order: u32,
    serial: u64,
    event: Event,
}

impl World {
    /// The world of this seed, and a trace of its last `steps`, if there is to be one.
    pub(crate) fn new(seed: u64, start: Instant, steps: Option<usize>) -> Self {
        let mut dice = Rng::with_seed(seed);
        let second = Duration::from_secs(1);
        let (silence, lease) = if dice.bool() { (30 * second, 15 * second) } else { (5 * second, 5 * second) };
        let layout = if dice.bool() { Layout::Same } else { Layout::Split };
        let lamps = Lamp::all();
        Self {
            now: start,
            start,
            terms: Terms { silence, lease, layout },
            queue: BinaryHeap::new(),
            serial: 0,
            cluster: Cluster::default(),
            api: Api::default(),
            net: Net::new(lamps.len()),
            watchers: [Process::default(), Process::default()],
            lamps,
            story: Story::new(start),
            figures: Figures::default(),
            broken: None,
            trace: steps.map(|_| VecDeque::new()),
            steps: steps.unwrap_or_default(),
            dice,
        }
    }

    /// Plays the story to its end, or until a promise is broken.
    pub(crate) fn play(&mut self) {
        self.begin();
        while let Some(Reverse(Due { at, event, .. })) = self.queue.pop() {
            self.now = at;
            self.happens(event);
            self.look();
            if self.broken.is_some() || self.story.over {
                return;
            }
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives(line, Way::Up) => {
                let Some(word) = self.net.arrived_up(line) else { return };
                match self.net.at(line).map(|it| it.far) {
                    Some(Far::Api) => self.api_hears(line, word),
                    Some(Far::Light(light)) => self.lamp_hears(light, line, word),
                    None => {}
                }
            }
            Event::Arrives(line, Way::Down) => {
                let Some(word) = self.net.arrived_down(line) else { return };
                let now = self.now;
                if let Some(connection) = self.net.at(line).filter(|it| it.near_open) {
                    connection.inbox.push_back((word, now));
                    let (watcher, reader) = (connection.watcher, connection.reader);
                    self.wake(watcher, reader);
                }
            }
            Event::Runs { watcher, life, task } => self.runs(watcher, life, task),
            Event::Answers(line) => self.api_answers(line),
            Event::Ticks(line) => self.api_ticks(line),
            Event::Pings { light, line } => self.lamp_pings(light, line),
            Event::Lapses => {}
            Event::Story(act) => self.goes_on(act),
        }
    }

    pub(crate) fn at(&mut self, at: Instant, event: Event) {
        self.serial += 1;
        self.queue.push(Reverse(Due { at: at.max(self.now), order: self.dice.u32(..), serial: self.serial, event }));
    }

    pub(crate) fn after(&mut self, time: Duration, event: Event) {
        self.at(self.now + time, event);
    }

    /// A time from zero to this.
    pub(crate) fn within(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.dice.f64())
    }

    /// Whether something comes to pass that does so once in `times`.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.dice.u32(..times) == 0
    }

    pub(crate) fn send_up(&mut self, line: Line, word: Up) {
        if let Some((at, event)) = self.net.up(line, word, self.now, &mut self.dice) {
            self.at(at, event);
        }
    }

    pub(crate) fn send_down(&mut self, line: Line, word: Down) {
        if let Some((at, event)) = self.net.down(line, word, self.now, &mut self.dice) {
            self.at(at, event);
        }
    }

    /// A watcher's end of a connection closes. What was sent before still arrives.
    pub(crate) fn hang_up(&mut self, line: Line) {
        if let Some(connection) = self.net.at(line).filter(|it| it.near_open) {
            connection.near_open = false;
            connection.inbox.clear();
            self.send_up(line, Up::Closed);
        }
    }

    /// What people's clocks show at the API.
    pub(crate) fn wall(&self) -> Timestamp {
        /// 2025-06-01T12:00:00Z.
        const ORIGIN: Timestamp = Timestamp::constant(1_748_779_200, 0);
        let passed = SignedDuration::try_from(self.now - self.start).expect("a story is short");
        ORIGIN.checked_add(passed).expect("a story is short")
    }

    pub(crate) fn breaks(&mut self, what: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            if trace.len() == self.steps {
                trace.pop_front();
            }
            let seconds = (self.now - self.start).as_secs_f64();
            trace.push_back(format!("{seconds:10.3} {}", what()));
        }
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order, self.serial).cmp(&(other.at, other.order, other.serial))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}
