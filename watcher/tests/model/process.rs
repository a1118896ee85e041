//! A watcher's process: its tasks, which run soon after something wakes them, and what befalls it. A process that is stopped
//! runs nothing; when it goes on, all that would have run meanwhile runs at once, in any order and with its old beliefs. One
//! that is killed is gone, but what it had written to its connections is still sent.
//!
//! Its own clock is the model's time; what people's clocks show there may be hours off.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use watcher::election::Candidate;
use watcher::freshness::{Freshness, Watch};
use watcher::vouch::{Term, Vouch};

use crate::board::Board;
use crate::follow::{Follow, Told};
use crate::link::Link;
use crate::request::Request;
use crate::world::{Event, Task, World};

pub(crate) const WATCHES: [Watch; 2] = [Watch::Pods, Watch::Nodes];

#[derive(Default)]
pub(crate) struct Process {
    /// Counts starts: what is meant for an earlier life is lost.
    pub(crate) life: u32,
    pub(crate) core: Option<Core>,
    pub(crate) stopped: bool,
    /// How far people's clocks are off here.
    pub(crate) skew: SignedDuration,
    armed: BTreeMap<Task, Instant>,
    /// What would have run while it was stopped.
    missed: Vec<Task>,
}

/// All that the process keeps.
pub(crate) struct Core {
    pub(crate) freshness: Freshness,
    pub(crate) follows: [Follow; 2],
    /// As the channels from the watches to the main loop.
    pub(crate) changes: [VecDeque<Told>; 2],
    pub(crate) known: [Known; 2],
    pub(crate) candidate: Candidate,
    pub(crate) poll: Option<Poll>,
    pub(crate) probe: Probe,
    pub(crate) term: Option<Term>,
    /// How many leaders there had been when this one came to lead.
    pub(crate) reign: u64,
    /// Until when the API's last answer lets it lead, as the model keeps it.
    pub(crate) granted: Instant,
    pub(crate) vouch: Option<Vouch>,
    pub(crate) board: Board,
    pub(crate) links: Vec<Option<Link>>,
    /// LEDs that lights have said that they have.
    pub(crate) measured: VecDeque<(usize, usize)>,
    /// Hands its lights back, and ends.
    pub(crate) parting: bool,
    /// And has released the Lease.
    pub(crate) resigned: bool,
}

/// What the ledger knows of a kind, as the model keeps it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    /// It is as of this version, unless a list is under way.
    pub(crate) version: u64,
    pub(crate) listing: bool,
    /// It was the truth then, but for how long the network took to say so.
    pub(crate) basis: Option<Instant>,
}

/// A read that only the API's store can answer.
pub(crate) enum Probe {
    /// None before then.
    Until(Instant),
    /// Asked then.
    Asked(Request, Instant),
}

/// A step of the election under way.
pub(crate) struct Poll {
    pub(crate) request: Request,
    pub(crate) writes: bool,
    pub(crate) asked: Instant,
}

impl World {
    pub(crate) fn starts(&mut self, watcher: usize) {
        let (now, silence) = (self.now, self.terms.silence);
        let process = &mut self.watchers[watcher];
        process.life += 1;
        process.stopped = false;
        process.missed.clear();
        process.armed.clear();
        let identity = self.identity(watcher);
        self.watchers[watcher].core = Some(Core {
            freshness: Freshness::new(silence, now),
            follows: [Follow::default(), Follow::default()],
            changes: [VecDeque::new(), VecDeque::new()],
            known: [Known::default(); 2],
            candidate: Candidate::new("watcher".to_owned(), identity),
            poll: None,
            probe: Probe::Until(now),
            term: None,
            reign: 0,
            granted: now,
            vouch: None,
            board: Board::default(),
            links: self.lamps.iter().map(|_| None).collect(),
            measured: VecDeque::new(),
            parting: false,
            resigned: false,
        });
        self.note(|| format!("watcher {watcher} starts"));
        for task in [Task::Pulse, Task::Follow(0), Task::Follow(1), Task::Probe, Task::Poll] {
            self.wake(watcher, task);
        }
    }

    /// The process is gone, with all that it didn't write yet.
    pub(crate) fn ends(&mut self, watcher: usize) {
        let process = &mut self.watchers[watcher];
        process.core = None;
        process.life += 1;
        process.stopped = false;
        let lines = self.net.lines().filter(|(_, it)| it.watcher == watcher && it.near_open);
        for line in lines.map(|(line, _)| line).collect::<Vec<_>>() {
            self.hang_up(line);
        }
    }

    /// SIGSTOP.
    pub(crate) fn stops(&mut self, watcher: usize) {
        self.watchers[watcher].stopped = true;
    }

    /// SIGCONT.
    pub(crate) fn continues(&mut self, watcher: usize) {
        let process = &mut self.watchers[watcher];
        process.stopped = false;
        let mut missed = std::mem::take(&mut process.missed);
        self.dice.shuffle(&mut missed);
        for task in missed {
            self.wake(watcher, task);
        }
    }

    /// A task has something to do, and so runs soon.
    pub(crate) fn wake(&mut self, watcher: usize, task: Task) {
        let most = if self.once_in(20) { Duration::from_millis(20) } else { Duration::from_millis(1) };
        let soon = self.now + self.within(most);
        self.wake_at(watcher, task, soon);
    }

    /// A task runs at `at`, or before.
    pub(crate) fn wake_at(&mut self, watcher: usize, task: Task, at: Instant) {
        let at = at.max(self.now);
        let process = &mut self.watchers[watcher];
        if process.armed.get(&task).is_none_or(|armed| at < *armed) {
            process.armed.insert(task, at);
            let life = process.life;
            self.at(at, Event::Runs { watcher, life, task });
        }
    }

    pub(crate) fn runs(&mut self, watcher: usize, life: u32, task: Task) {
        let process = &mut self.watchers[watcher];
        if process.life != life || process.armed.get(&task) != Some(&self.now) {
            return;
        }
        process.armed.remove(&task);
        let Some(core) = &process.core else { return };
        if process.stopped {
            if !process.missed.contains(&task) {
                process.missed.push(task);
            }
            return;
        }
        match task {
            // The main loop is over.
            Task::Pulse | Task::Main if core.parting => {}
            Task::Pulse => self.pulse(watcher),
            Task::Main => self.main(watcher),
            Task::Follow(which) => self.follow(watcher, which),
            Task::Poll => self.poll(watcher),
            Task::Probe => self.probe(watcher),
            Task::Link(light) => self.link(watcher, light),
            Task::Leave(light) => self.leave(watcher, light),
            Task::Flush(light) => self.flush(watcher, light),
            Task::End => self.resigns(watcher),
        }
    }

    /// What a watcher's process is called in the Lease.
    pub(crate) fn identity(&self, watcher: usize) -> String {
        format!("watcher-{watcher}_{}", self.watchers[watcher].life)
    }

    /// What people's clocks show where this watcher runs.
    pub(crate) fn wall_of(&self, watcher: usize) -> Timestamp {
        self.wall().checked_add(self.watchers[watcher].skew).expect("hours off, not ages")
    }

    /// A task of a process that is known to be alive looks at what the process keeps.
    pub(crate) fn core(&mut self, watcher: usize) -> &mut Core {
        self.watchers[watcher].core.as_mut().expect("a task runs only in a process that is alive")
    }

    /// Whether this watcher leads, as far as it knows.
    pub(crate) fn leads(&self, watcher: usize) -> bool {
        let core = self.watchers[watcher].core.as_ref();
        let until = core.and_then(|core| core.candidate.term()).and_then(|term| term.until);
        until.is_some_and(|until| self.now < until)
    }
}
