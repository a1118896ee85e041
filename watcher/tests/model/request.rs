//! A request to the API, and how long a watcher waits for its answer. Stands for the settings of kube's client in
//! `watch.rs`: some requests make a connection first, others take one that is there.

use std::time::{Duration, Instant};

use crate::net::{Far, Line};
use crate::words::{Ask, Down, Up};
use crate::world::{Task, World};

/// As `watch::CONNECTING`.
const CONNECTING: Duration = Duration::from_secs(4);

pub(crate) struct Request {
    pub(crate) line: Line,
    /// To be asked once the connection is there.
    ask: Option<Ask>,
    deadline: Instant,
    patience: Duration,
    /// No answer may come later.
    last: Option<Instant>,
}

/// There is no answer, and won't be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unanswered;

impl World {
    /// Asks. An answer may take `patience` or, where it is `hard`, this long with all that comes before.
    pub(crate) fn request(&mut self, watcher: usize, task: Task, ask: Ask, patience: Duration, hard: bool) -> Request {
        let line = self.net.open(watcher, Far::Api, task, self.now);
        let last = hard.then(|| self.now + patience);
        let connected = self.once_in(2);
        if connected {
            self.send_up(line, Up::Ask(ask));
            return Request { line, ask: None, deadline: self.now + patience, patience, last };
        }
        self.send_up(line, Up::Dial);
        Request { line, ask: Some(ask), deadline: self.now + CONNECTING, patience, last }
    }

    /// The answer and when it arrived, if it is there. Otherwise the task is woken when it has waited for long enough.
    pub(crate) fn answer(
        &mut self,
        watcher: usize,
        task: Task,
        request: &mut Request,
    ) -> Option<Result<(Down, Instant), Unanswered>> {
        loop {
            match self.net.at(request.line).and_then(|it| it.inbox.pop_front()) {
                Some((Down::Accepted, _)) => {
                    if let Some(ask) = request.ask.take() {
                        self.send_up(request.line, Up::Ask(ask));
                        request.deadline = self.now + request.patience;
                    }
                }
                Some((Down::Reset, _)) => break,
                Some(answer) => return Some(Ok(answer)),
                None => {
                    let deadline = request.last.map_or(request.deadline, |last| last.min(request.deadline));
                    if self.now >= deadline {
                        break;
                    }
                    self.wake_at(watcher, task, deadline);
                    return None;
                }
            }
        }
        self.hang_up(request.line);
        Some(Err(Unanswered))
    }
}
