//! A watcher's reads of what only the API's store can tell. Stands for `watch.rs::probe`.

use std::time::Duration;

use watcher::freshness::Watch;

use crate::process::Probe;
use crate::words::{Ask, Down};
use crate::world::{Task, World};

/// As `watch::ANSWERING`.
const ANSWERING: Duration = Duration::from_secs(5);
/// As `watch::AGAIN`.
const AGAIN: Duration = Duration::from_secs(1);

impl World {
    pub(crate) fn probe(&mut self, watcher: usize) {
        let (now, silence) = (self.now, self.terms.silence);
        let probe = std::mem::replace(&mut self.core(watcher).probe, Probe::Until(now));
        let until = match probe {
            Probe::Until(until) if now < until => until,
            Probe::Until(_) => {
                let request = self.request(watcher, Task::Probe, Ask::List(Watch::Nodes, None), ANSWERING, true);
                self.core(watcher).probe = Probe::Asked(request, now);
                return self.wake(watcher, Task::Probe);
            }
            Probe::Asked(mut request, asked) => {
                let Some(answer) = self.answer(watcher, Task::Probe, &mut request) else {
                    self.core(watcher).probe = Probe::Asked(request, asked);
                    return;
                };
                self.hang_up(request.line);
                if matches!(answer, Ok((Down::Page(_), _))) {
                    self.core(watcher).freshness.reads(asked);
                    self.wake(watcher, Task::Main);
                    asked + silence / 3
                } else {
                    self.core(watcher).freshness.fails();
                    self.wake(watcher, Task::Main);
                    now + AGAIN
                }
            }
        };
        self.core(watcher).probe = Probe::Until(until);
        self.wake_at(watcher, Task::Probe, until);
    }
}
