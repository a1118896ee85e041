//! A watcher's session with one light. Stands for `link.rs`, and for the HTTP/2 connection below it with its pings. The pace,
//! the backoff and the vouch are the real ones.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use podlight_proto::v1::color_status::Outcome;
use podlight_proto::{Command, Lease, Reason};
use watcher::backoff::Backoff;
use watcher::pace::{Mark, Pace};
use watcher::vouch;

use crate::net::{Far, Line};
use crate::words::{Down, Status, Told, Up};
use crate::world::{Task, World};

/// As `link::OPENING`: to connect, and once more to open the stream.
const OPENING: Duration = Duration::from_secs(5);
/// As `link::endpoint` sets them.
const PING: Duration = Duration::from_secs(10);
const PONG: Duration = Duration::from_secs(5);

pub(crate) struct Link {
    phase: Phase,
    backoff: Backoff,
}

enum Phase {
    /// There is nothing that may be said.
    Idle,
    Dialling {
        line: Line,
        deadline: Instant,
    },
    Calling {
        voice: Voice,
        deadline: Instant,
    },
    Speaking(Voice),
    /// The last word is said.
    Parting(Voice),
    Resting(Instant),
}

/// What is said in a session.
struct Voice {
    line: Line,
    pace: Pace,
    /// Commands that were made, and until when they may leave.
    made: VecDeque<(Told, Option<Instant>)>,
    /// Commands that the connection has, and hasn't written yet.
    left: VecDeque<Told>,
    /// That the light said it has.
    leds: usize,
    read: Instant,
    pinged: Option<Instant>,
}

impl Default for Link {
    fn default() -> Self {
        Self { phase: Phase::Idle, backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(5)) }
    }
}

impl World {
    pub(crate) fn link(&mut self, watcher: usize, light: usize) {
        let (now, task) = (self.now, Task::Link(light));
        let vouch = self.core(watcher).vouch;
        let Some(link) = &mut self.core(watcher).links[light] else { return };
        match std::mem::replace(&mut link.phase, Phase::Idle) {
            Phase::Resting(until) if now < until => {
                link.phase = Phase::Resting(until);
                self.wake_at(watcher, task, until);
            }
            Phase::Idle | Phase::Resting(_) => {
                if vouch::epoch(vouch, now).is_some() {
                    let line = self.net.open(watcher, Far::Light(light), task, now);
                    self.send_up(line, Up::Dial);
                    self.turn(watcher, light, Phase::Dialling { line, deadline: now + OPENING });
                    self.wake_at(watcher, task, now + OPENING);
                }
            }
            Phase::Dialling { line, deadline } => match self.received(line) {
                Some(Down::Accepted) => {
                    let mut voice = Voice::new(line, self.terms.lease, self.start, now);
                    self.tells(watcher, light, &mut voice);
                    self.send_up(line, Up::Call);
                    self.turn(watcher, light, Phase::Calling { voice, deadline: now + OPENING });
                    self.wake_at(watcher, task, now + OPENING);
                }
                None if now < deadline => {
                    self.turn(watcher, light, Phase::Dialling { line, deadline });
                    self.wake_at(watcher, task, deadline);
                }
                _ => self.loses(watcher, light, line),
            },
            Phase::Calling { mut voice, deadline } => match self.received(voice.line) {
                Some(Down::Called) => {
                    voice.read = now;
                    self.turn(watcher, light, Phase::Speaking(voice));
                    self.wake(watcher, task);
                }
                None if now < deadline => {
                    self.turn(watcher, light, Phase::Calling { voice, deadline });
                    self.wake_at(watcher, task, deadline);
                }
                _ => self.loses(watcher, light, voice.line),
            },
            Phase::Speaking(voice) => self.speaks(watcher, light, voice),
            Phase::Parting(voice) => link.phase = Phase::Parting(voice),
        }
    }

    fn speaks(&mut self, watcher: usize, light: usize, mut voice: Voice) {
        let (now, task, line) = (self.now, Task::Link(light), voice.line);
        if let Some(word) = self.received(line) {
            voice.read = now;
            voice.pinged = None;
            match word {
                Down::Ping => self.send_up(line, Up::Pong),
                Down::Pong => {}
                Down::Status(status) => self.heard(watcher, light, &status, &mut voice),
                Down::Accepted
                | Down::Reset
                | Down::Failed(_)
                | Down::Page(_)
                | Down::Opened
                | Down::Frame(_)
                | Down::Ended
                | Down::Lease(..)
                | Down::Called => return self.loses(watcher, light, line),
            }
        }
        if self.net.at(line).is_some_and(|it| !it.inbox.is_empty()) {
            self.wake(watcher, task);
        }
        let dies = match voice.pinged {
            Some(pinged) => pinged + PONG,
            None if now >= voice.read + PING => {
                self.send_up(line, Up::Ping);
                voice.pinged = Some(now);
                now + PONG
            }
            None => voice.read + PING,
        };
        if voice.pace.overdue(now) || (voice.pinged.is_some() && now >= dies) {
            return self.loses(watcher, light, line);
        }
        self.tells(watcher, light, &mut voice);
        let next = voice.pace.next(self.core(watcher).vouch, now);
        self.turn(watcher, light, Phase::Speaking(voice));
        self.wake_at(watcher, task, next.map_or(dies, |next| next.min(dies)));
    }

    /// Says what is due.
    fn tells(&mut self, watcher: usize, light: usize, voice: &mut Voice) {
        let (now, lease) = (self.now, self.terms.lease);
        let core = self.core(watcher);
        let Some(seat) = core.board.seat(light) else { return };
        let Some(mark) = voice.pace.due(seat.order.version, core.vouch, now) else { return };
        let command = Command {
            epoch: mark.epoch,
            version: mark.version,
            lease: Lease::For(lease),
            node: seat.light.to_string(),
            reason: seat.order.shown.reason.clone(),
            looks: seat.order.shown.looks.clone(),
        };
        let basis = core.known.iter().map(|known| known.basis).min().flatten();
        let (reign, until) = (core.reign, core.vouch.map(|vouch| vouch.until));
        let Some(basis) = basis else {
            return self.breaks(|| format!("watcher {watcher} vouches for what it never heard"));
        };
        voice.made.push_back((Told { command, basis, reign, left: now }, until));
        voice.pace.said(mark, now);
        self.wake(watcher, Task::Leave(light));
    }

    fn heard(&mut self, watcher: usize, light: usize, status: &Status, voice: &mut Voice) {
        let core = self.core(watcher);
        if std::mem::replace(&mut voice.leds, status.leds) != status.leds {
            core.measured.push_back((light, status.leds));
        }
        let answers = status.outcome != Outcome::Changed && voice.pace.answered(status.mark);
        if answers && let Some(link) = &mut core.links[light] {
            link.backoff.reset();
        }
        self.wake(watcher, Task::Main);
    }

    /// The connection takes what was made, unless that is too old by now: then the stream ends.
    pub(crate) fn leave(&mut self, watcher: usize, light: usize) {
        let now = self.now;
        let granted = self.core(watcher).granted;
        let Some(voice) = self.core(watcher).voice(light) else { return };
        let line = voice.line;
        while let Some((mut told, until)) = voice.made.pop_front() {
            if until.is_some_and(|until| now >= until) {
                voice.made.clear();
                self.figures.withheld += 1;
                return self.send_up(line, Up::Closed);
            }
            told.left = now;
            voice.left.push_back(told);
            if until.is_some() && now >= granted {
                self.breaks(|| format!("watcher {watcher} tells light {light}, and leads no longer"));
                return;
            }
        }
        self.wake(watcher, Task::Flush(light));
    }

    pub(crate) fn flush(&mut self, watcher: usize, light: usize) {
        let Some(voice) = self.core(watcher).voice(light) else { return };
        let line = voice.line;
        for told in std::mem::take(&mut voice.left) {
            self.send_up(line, Up::Told(Box::new(told)));
        }
    }

    /// The watcher stops: the light is to show nothing of it any more.
    pub(crate) fn hands_back(&mut self, watcher: usize, light: usize) {
        let now = self.now;
        let core = self.core(watcher);
        let Some(seat) = core.board.seat(light) else { return };
        let (node, reign) = (seat.light.to_string(), core.reign);
        let Some(link) = &mut core.links[light] else { return };
        let mut voice = match std::mem::replace(&mut link.phase, Phase::Idle) {
            Phase::Speaking(voice) => voice,
            phase @ (Phase::Idle
            | Phase::Dialling { .. }
            | Phase::Calling { .. }
            | Phase::Parting(_)
            | Phase::Resting(_)) => {
                link.phase = phase;
                return self.unlinks(watcher, light);
            }
        };
        if let Some((Mark { epoch, version }, _)) = voice.pace.last() {
            let reason = Reason { text: "the watcher has stopped".to_owned(), ..Reason::default() };
            let command = Command { epoch, version, lease: Lease::Over, node, reason, looks: Vec::new() };
            voice.made.push_back((Told { command, basis: now, reign, left: now }, None));
            self.wake(watcher, Task::Leave(light));
        }
        self.turn(watcher, light, Phase::Parting(voice));
    }

    /// The session ends for good.
    pub(crate) fn unlinks(&mut self, watcher: usize, light: usize) {
        let line = match self.core(watcher).links[light].take().map(|link| link.phase) {
            Some(Phase::Dialling { line, .. }) => line,
            Some(Phase::Calling { voice, .. } | Phase::Speaking(voice) | Phase::Parting(voice)) => voice.line,
            Some(Phase::Idle | Phase::Resting(_)) | None => return,
        };
        self.hang_up(line);
    }

    fn loses(&mut self, watcher: usize, light: usize, line: Line) {
        let (now, roll) = (self.now, self.dice.f64());
        self.hang_up(line);
        if let Some(link) = &mut self.core(watcher).links[light] {
            let until = now + link.backoff.next(roll);
            link.phase = Phase::Resting(until);
            self.note(|| format!("watcher {watcher} loses light {light}"));
            self.wake_at(watcher, Task::Link(light), until);
        }
    }

    fn turn(&mut self, watcher: usize, light: usize, phase: Phase) {
        if let Some(link) = &mut self.core(watcher).links[light] {
            link.phase = phase;
        }
    }

    fn received(&mut self, line: Line) -> Option<Down> {
        self.net.at(line)?.inbox.pop_front().map(|(word, _)| word)
    }
}

impl crate::process::Core {
    fn voice(&mut self, light: usize) -> Option<&mut Voice> {
        match &mut self.links[light].as_mut()?.phase {
            Phase::Calling { voice, .. } | Phase::Speaking(voice) | Phase::Parting(voice) => Some(voice),
            Phase::Idle | Phase::Dialling { .. } | Phase::Resting(_) => None,
        }
    }
}

impl Voice {
    fn new(line: Line, lease: Duration, beat: Instant, now: Instant) -> Self {
        let (made, left) = (VecDeque::new(), VecDeque::new());
        Self { line, pace: Pace::new(lease, beat), made, left, leds: 0, read: now, pinged: None }
    }
}
