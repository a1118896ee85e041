//! A watcher's part in the election. Stands for `lease.rs`: the candidate says what to do, the API is asked, and the answer
//! goes back to the candidate.

use std::time::Duration;

use watcher::election::Step;

use crate::process::Poll;
use crate::words::{Ask, Down};
use crate::world::{Task, World};

/// As `lease::PATIENCE`.
const PATIENCE: Duration = Duration::from_secs(4);
/// As `election::DEADLINE`.
const DEADLINE: Duration = Duration::from_secs(10);
/// As `lib.rs::PARTING`.
const PARTING: Duration = Duration::from_secs(2);

impl World {
    pub(crate) fn poll(&mut self, watcher: usize) {
        let (now, wall) = (self.now, self.wall_of(watcher));
        if let Some(mut poll) = self.core(watcher).poll.take() {
            match self.answer(watcher, Task::Poll, &mut poll.request) {
                None => {
                    self.core(watcher).poll = Some(poll);
                    return;
                }
                Some(_) if self.core(watcher).resigned => return self.ends(watcher),
                Some(answer) => {
                    self.hang_up(poll.request.line);
                    self.polled(watcher, &poll, answer.ok().map(|(word, _)| word));
                }
            }
        }
        let (ask, writes) = match self.core(watcher).candidate.next(now, wall) {
            Step::Wait(until) => return self.wake_at(watcher, Task::Poll, until),
            Step::Look => (Ask::Look, false),
            Step::Write(lease) => (Ask::Write(lease), true),
        };
        let request = self.request(watcher, Task::Poll, ask, PATIENCE, true);
        self.core(watcher).poll = Some(Poll { request, writes, asked: now });
        self.wake(watcher, Task::Poll);
    }

    fn polled(&mut self, watcher: usize, poll: &Poll, answer: Option<Down>) {
        let now = self.now;
        let core = self.core(watcher);
        let old = core.term;
        let mut reigns = core.reign;
        match answer {
            Some(Down::Lease(Some(lease), reign)) if poll.writes => {
                core.candidate.wrote(*lease, poll.asked, now);
                core.granted = poll.asked + DEADLINE;
                reigns = reign;
            }
            Some(Down::Lease(lease, _)) => core.candidate.saw(lease.map(|lease| *lease), now),
            Some(Down::Failed(404 | 409)) if poll.writes => core.candidate.refused(now),
            _ => core.candidate.failed(now),
        }
        core.term = core.candidate.term();
        let term = core.term;
        let epochs = [old, term].map(|term| term.map(|term| term.epoch));
        if epochs[0] != epochs[1] {
            core.reign = reigns;
            self.note(|| format!("watcher {watcher}'s epoch turns from {:?} to {:?}", epochs[0], epochs[1]));
        }
        if old != term {
            self.wake(watcher, Task::Main);
        }
    }

    /// SIGTERM: hands all lights back, and then the Lease.
    pub(crate) fn leaves(&mut self, watcher: usize) {
        self.core(watcher).parting = true;
        for light in 0..self.lamps.len() {
            self.hands_back(watcher, light);
        }
        // As long as lights take to answer, at most as long as `link::PARTING`.
        let soon = self.now + self.within(Duration::from_secs(1));
        self.wake_at(watcher, Task::End, soon);
    }

    /// The lights are handed back: the Lease is released, and the process ends, at the latest after `lib.rs::PARTING`.
    pub(crate) fn resigns(&mut self, watcher: usize) {
        let (now, wall) = (self.now, self.wall_of(watcher));
        let core = self.core(watcher);
        let lease = if core.resigned { None } else { core.candidate.resign(now, wall) };
        core.resigned = true;
        core.term = None;
        let Some(lease) = lease else { return self.ends(watcher) };
        if let Some(poll) = core.poll.take() {
            self.hang_up(poll.request.line);
        }
        let request = self.request(watcher, Task::Poll, Ask::Write(Box::new(lease)), PATIENCE, true);
        self.core(watcher).poll = Some(Poll { request, writes: true, asked: now });
        self.wake_at(watcher, Task::End, now + PARTING);
    }
}
