//! A watch of a watcher. Stands for `watch.rs::follow` with `hearing.rs`, and for `steps.rs` below them: which step
//! follows which, what is waited for and for how long. What it comes to is for the main loop and for the watcher's own
//! `Freshness`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use watcher::backoff::Backoff;
use watcher::ledger::Change;

use crate::cluster::Record;
use crate::net::Line;
use crate::objects::Object;
use crate::process::WATCHES;
use crate::request::Request;
use crate::words::{Ask, Down, Frame, News, Page, Token};
use crate::world::{Task, Terms, World};

pub(crate) struct Follow {
    phase: Phase,
    /// After a failure nothing is read before then.
    rests: Option<Instant>,
    backoff: Backoff,
    troubled: bool,
    /// What it has to say, and hasn't been asked for yet.
    made: VecDeque<Told>,
    /// When the first page of the list was true.
    listed: Option<Instant>,
}

/// How far it is.
enum Phase {
    Empty,
    Listing(Request),
    Listed(u64),
    Opening(Request, u64),
    Watching { line: Line, version: u64, idle: Instant, sound: bool },
}

/// A change, and what it says was true when.
pub(crate) struct Told {
    pub(crate) change: Change<Object>,
    pub(crate) version: u64,
    pub(crate) basis: Option<Instant>,
}

impl Default for Follow {
    fn default() -> Self {
        Self {
            phase: Phase::Empty,
            rests: None,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(4)),
            troubled: false,
            made: VecDeque::new(),
            listed: None,
        }
    }
}

impl Terms {
    /// As `watch::timeout`.
    pub(crate) fn watch_timeout(self) -> Duration {
        Duration::from_secs((self.silence * 2 / 3).as_secs().clamp(1, 20))
    }

    /// As `steps.rs` has it.
    fn patience(self) -> Duration {
        self.watch_timeout() + Duration::from_secs(5)
    }
}

impl World {
    pub(crate) fn follow(&mut self, watcher: usize, which: usize) {
        let (now, task, watch) = (self.now, Task::Follow(which), WATCHES[which]);
        let core = self.core(watcher);
        if let Some(rests) = core.follows[which].rests {
            if now < rests {
                return self.wake_at(watcher, task, rests);
            }
            core.follows[which].rests = None;
        }
        match core.freshness.lapses(watch) {
            Some(lapses) if lapses <= now => {
                core.freshness.lists(watch, now);
                self.note(|| format!("watcher {watcher}'s {watch:?} have been silent for too long"));
                return self.anew(watcher, which);
            }
            Some(lapses) => self.wake_at(watcher, task, lapses),
            None => {}
        }
        if let Some(told) = self.core(watcher).follows[which].made.pop_front() {
            self.says(watcher, which, told);
            return self.wake(watcher, task);
        }
        match std::mem::replace(&mut self.core(watcher).follows[which].phase, Phase::Empty) {
            Phase::Empty => {
                let core = self.core(watcher);
                core.freshness.lists(watch, now);
                core.follows[which].listed = None;
                self.says(watcher, which, Told { change: Change::Restart, version: 0, basis: None });
                self.asks_for_page(watcher, which, None);
            }
            Phase::Listing(mut request) => match self.answer(watcher, task, &mut request) {
                None => self.core(watcher).follows[which].phase = Phase::Listing(request),
                Some(Ok((Down::Page(page), arrived))) => {
                    self.hang_up(request.line);
                    self.page(watcher, which, page, arrived);
                }
                Some(_) => {
                    self.hang_up(request.line);
                    self.fails(watcher, which, Phase::Empty);
                }
            },
            Phase::Listed(version) => {
                let request = self.request(watcher, task, Ask::Watch(watch, version), self.terms.patience(), false);
                self.core(watcher).follows[which].phase = Phase::Opening(request, version);
                self.wake(watcher, task);
            }
            Phase::Opening(mut request, version) => match self.answer(watcher, task, &mut request) {
                None => self.core(watcher).follows[which].phase = Phase::Opening(request, version),
                Some(Ok((Down::Opened, _))) => {
                    let idle = now + self.terms.patience();
                    let watching = Phase::Watching { line: request.line, version, idle, sound: true };
                    self.core(watcher).follows[which].phase = watching;
                    self.wake(watcher, task);
                }
                Some(_) => {
                    self.hang_up(request.line);
                    self.fails(watcher, which, Phase::Listed(version));
                }
            },
            Phase::Watching { line, version, idle, sound } => self.watching(watcher, which, line, version, idle, sound),
        }
    }

    /// A list begins from nothing, whatever was under way.
    fn anew(&mut self, watcher: usize, which: usize) {
        let follow = &mut self.core(watcher).follows[which];
        follow.made.clear();
        let line = match std::mem::replace(&mut follow.phase, Phase::Empty) {
            Phase::Listing(request) | Phase::Opening(request, _) => Some(request.line),
            Phase::Watching { line, .. } => Some(line),
            Phase::Empty | Phase::Listed(_) => None,
        };
        if let Some(line) = line {
            self.hang_up(line);
        }
        self.wake(watcher, Task::Follow(which));
    }

    fn asks_for_page(&mut self, watcher: usize, which: usize, token: Option<Token>) {
        let ask = Ask::List(WATCHES[which], token);
        self.note(|| format!("watcher {watcher} asks: {ask:?}"));
        let request = self.request(watcher, Task::Follow(which), ask, self.terms.patience(), false);
        self.core(watcher).follows[which].phase = Phase::Listing(request);
        self.wake(watcher, Task::Follow(which));
    }

    fn page(&mut self, watcher: usize, which: usize, page: Page, arrived: Instant) {
        self.note(|| format!("watcher {watcher} gets a page of {:?} at version {}", WATCHES[which], page.version));
        let Page { objects, version, more } = page;
        let follow = &mut self.core(watcher).follows[which];
        let basis = *follow.listed.get_or_insert(arrived);
        let told = |change| Told { change, version, basis: Some(basis) };
        follow.made.extend(objects.into_iter().map(Change::Listed).map(told));
        if more.is_some() {
            return self.asks_for_page(watcher, which, more);
        }
        follow.made.push_back(told(Change::Synced));
        follow.phase = Phase::Listed(version);
        self.wake(watcher, Task::Follow(which));
    }

    fn watching(&mut self, watcher: usize, which: usize, line: Line, version: u64, idle: Instant, sound: bool) {
        let (now, task) = (self.now, Task::Follow(which));
        let (received, more) = match self.net.at(line) {
            Some(it) => (it.inbox.pop_front(), !it.inbox.is_empty()),
            None => (None, false),
        };
        let Some((word, arrived)) = received else {
            if now >= idle {
                self.hang_up(line);
                self.core(watcher).follows[which].phase = Phase::Listed(version);
                return self.wake(watcher, task);
            }
            self.core(watcher).follows[which].phase = Phase::Watching { line, version, idle, sound };
            return self.wake_at(watcher, task, idle);
        };
        if more {
            self.wake(watcher, task);
        }
        let idle = now + self.terms.patience();
        let Down::Frame(Frame { what, sent, as_of }) = word else {
            self.hang_up(line);
            return self.fails(watcher, which, Phase::Listed(version));
        };
        if let News::Error(code) = what {
            let phase = if code == 410 {
                self.hang_up(line);
                Phase::Empty
            } else {
                Phase::Watching { line, version, idle, sound: false }
            };
            return self.fails(watcher, which, phase);
        }
        if sound && !matches!(what, News::Silence) {
            self.hears(watcher, which);
        }
        let late = arrived - sent;
        // Until something came to be, all was as it was.
        let proven = if let News::Change(record) = &what { record.at } else { as_of };
        self.proves(watcher, which, proven + late);
        let mut phase = Phase::Watching { line, version, idle, sound };
        match what {
            News::Change(record) => {
                let Record { version, object, gone, .. } = *record;
                let change = if gone { Change::Deleted(object) } else { Change::Applied(object) };
                let told = Told { change, version, basis: Some(as_of + late) };
                phase = Phase::Watching { line, version, idle, sound };
                self.core(watcher).follows[which].made.push_back(told);
            }
            News::End => {
                self.hang_up(line);
                phase = Phase::Listed(version);
            }
            News::Bookmark | News::Silence | News::Error(_) => {}
        }
        self.core(watcher).follows[which].phase = phase;
        self.wake(watcher, task);
    }

    /// A word on the watch was read.
    fn hears(&mut self, watcher: usize, which: usize) {
        let now = self.now;
        let core = self.core(watcher);
        core.freshness.heard(WATCHES[which], now);
        let follow = &mut core.follows[which];
        if std::mem::take(&mut follow.troubled) {
            follow.backoff.reset();
        }
        self.wake(watcher, Task::Main);
    }

    /// All that has been said so far was still true then.
    fn proves(&mut self, watcher: usize, which: usize, basis: Instant) {
        let core = self.core(watcher);
        let waiting = core.follows[which].made.back_mut().or(core.changes[which].back_mut());
        let known = waiting.map_or(&mut core.known[which].basis, |told| &mut told.basis);
        *known = (*known).max(Some(basis));
    }

    fn says(&mut self, watcher: usize, which: usize, told: Told) {
        let core = self.core(watcher);
        if !matches!(told.change, Change::Restart | Change::Listed(_)) {
            core.follows[which].backoff.reset();
            core.follows[which].troubled = false;
        }
        core.changes[which].push_back(told);
        self.wake(watcher, Task::Main);
    }

    fn fails(&mut self, watcher: usize, which: usize, phase: Phase) {
        let (now, roll) = (self.now, self.dice.f64());
        let follow = &mut self.core(watcher).follows[which];
        let rests = now + follow.backoff.next(roll);
        follow.rests = Some(rests);
        follow.troubled = true;
        follow.phase = phase;
        self.note(|| format!("watcher {watcher}'s {:?} can't be had", WATCHES[which]));
        self.wake_at(watcher, Task::Follow(which), rests);
    }
}
