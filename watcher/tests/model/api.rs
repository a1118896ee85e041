//! The API server: lists by pages of one snapshot, watches from a version with bookmarks and an orderly end, history that
//! gets compacted, and the Lease with its optimistic locking. It misbehaves as the story tells it to. Refuses to know who
//! asks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use watcher::freshness::Watch;

use crate::net::Line;
use crate::story::Act;
use crate::words::{Ask, Down, Frame, News, Page, Token, Up};
use crate::world::{Event, World};

/// How it behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Stopped: its host still takes connections and words, and what is due is done when it goes on.
    Silent,
    /// Answers each new request with 503. Open watches go on.
    Refusing,
    /// Not there: whoever connects is reset.
    Down,
}

#[derive(Default)]
pub(crate) struct Api {
    pub(crate) mood: Mood,
    /// Lists are this old.
    pub(crate) behind: Duration,
    /// Requests for the Lease take this long.
    pub(crate) slow: Duration,
    /// Since when it can't reach its store, and knows nothing new: it answers watches from what it remembers.
    pub(crate) cut: Option<Instant>,
    storeless: bool,
    /// It has been so once.
    pub(crate) forgot: bool,
    /// Bookmarks are sent.
    pub(crate) bookmarks: bool,
    /// Nothing older can be watched, or listed further.
    pub(crate) compacted: u64,
    pub(crate) lease: Option<Box<Lease>>,
    /// The Lease was deleted once.
    pub(crate) deleted: bool,
    /// Counts whatever is written to the Lease, also before it was deleted.
    lease_version: u64,
    /// How many leaders there have been.
    reign: u64,
    leader: String,
    pending: BTreeMap<Line, Ask>,
    watches: BTreeMap<Line, Watching>,
}

struct Watching {
    watch: Watch,
    sent: u64,
    ends: Instant,
    bookmark: Option<Instant>,
}

/// Objects of a page.
const PAGE: usize = 5;
/// Its watches, with its store, before anyone can read from that.
const CATCHING_UP: Duration = Duration::from_millis(500);

impl World {
    pub(crate) fn api_hears(&mut self, line: Line, word: Up) {
        match word {
            Up::Closed => {
                self.api.pending.remove(&line);
                self.api.watches.remove(&line);
                self.net.drop(line);
            }
            _ if self.api.mood == Mood::Down => self.send_down(line, Down::Reset),
            Up::Dial => self.send_down(line, Down::Accepted),
            Up::Ask(ask) => {
                let most = if matches!(ask, Ask::Look | Ask::Write(_)) { self.api.slow } else { Duration::ZERO };
                let time = self.within(most + Duration::from_millis(5));
                self.api.pending.insert(line, ask);
                self.after(time, Event::Answers(line));
            }
            Up::Call | Up::Told(_) | Up::Ping | Up::Pong => {}
        }
    }

    pub(crate) fn api_answers(&mut self, line: Line) {
        if self.api.mood == Mood::Silent {
            return;
        }
        let Some(ask) = self.api.pending.remove(&line) else { return };
        if self.api.storeless && !matches!(ask, Ask::Watch(..)) {
            if self.once_in(2) {
                return self.send_down(line, Down::Failed(500));
            }
            self.api.pending.insert(line, ask);
            return;
        }
        if self.api.mood == Mood::Refusing {
            return self.send_down(line, Down::Failed(503));
        }
        match ask {
            Ask::List(watch, token) => self.list(line, watch, token),
            Ask::Watch(watch, from) => self.watch(line, watch, from),
            Ask::Look => {
                let answer = Down::Lease(self.api.lease.clone(), self.api.reign);
                self.send_down(line, answer);
            }
            Ask::Write(lease) => self.write(line, lease),
        }
    }

    /// What a list of everything says: the newest, or what a server that lags takes for it.
    fn list(&mut self, line: Line, watch: Watch, token: Option<Token>) {
        let behind = self.within(self.api.behind);
        let newest = if behind.is_zero() {
            self.cluster.version
        } else {
            self.cluster.version_at(self.now.checked_sub(behind).unwrap_or(self.start))
        };
        let Token { version, from } = token.unwrap_or(Token { version: newest, from: 0 });
        if token.is_some() && version < self.api.compacted {
            return self.send_down(line, Down::Failed(410));
        }
        let mut objects = self.cluster.snapshot(watch, version).split_off(from);
        let more = (objects.len() > PAGE).then_some(Token { version, from: from + PAGE });
        objects.truncate(PAGE);
        self.send_down(line, Down::Page(Page { objects, version, more }));
    }

    fn watch(&mut self, line: Line, watch: Watch, from: u64) {
        self.send_down(line, Down::Opened);
        if from < self.api.compacted {
            self.frame(line, News::Error(410), self.now);
            return self.frame(line, News::End, self.now);
        }
        let ends = self.now + self.terms.watch_timeout();
        // A real server's come each minute, and two seconds before the end.
        let bookmark = self.api.bookmarks.then(|| ends - self.terms.watch_timeout() / 10);
        self.api.watches.insert(line, Watching { watch, sent: from, ends, bookmark });
        self.tell(line);
        self.frame(line, News::Silence, self.now);
        self.at(bookmark.unwrap_or(ends), Event::Ticks(line));
    }

    pub(crate) fn api_ticks(&mut self, line: Line) {
        if matches!(self.api.mood, Mood::Silent | Mood::Down) {
            return;
        }
        self.tell(line);
        let Some(watching) = self.api.watches.get_mut(&line) else { return };
        let (ends, bookmark) = (watching.ends, watching.bookmark.take_if(|at| *at <= self.now));
        if bookmark.is_some() {
            self.frame(line, News::Bookmark, self.now);
        }
        if ends <= self.now {
            self.api.watches.remove(&line);
            self.frame(line, News::End, self.now);
        } else {
            self.at(ends, Event::Ticks(line));
        }
    }

    /// Something has come to be: whoever watches is told.
    pub(crate) fn api_tells(&mut self) {
        if matches!(self.api.mood, Mood::Well | Mood::Refusing) {
            for line in self.api.watches.keys().copied().collect::<Vec<_>>() {
                self.tell(line);
            }
        }
    }

    fn tell(&mut self, line: Line) {
        if self.api.cut.is_some() {
            return;
        }
        let Some(watching) = self.api.watches.get_mut(&line) else { return };
        let news = self.cluster.since(watching.watch, watching.sent).to_vec();
        watching.sent = self.cluster.version;
        for (i, record) in news.iter().enumerate() {
            let as_of = news.get(i + 1).map_or(self.now, |next| next.at);
            self.frame(line, News::Change(Box::new(record.clone())), as_of);
        }
    }

    fn frame(&mut self, line: Line, what: News, as_of: Instant) {
        let as_of = self.api.cut.map_or(as_of, |cut| cut.min(as_of));
        self.send_down(line, Down::Frame(Frame { what, sent: self.now, as_of }));
    }

    fn write(&mut self, line: Line, mut lease: Box<Lease>) {
        let asked = lease.metadata.resource_version.take();
        let stored = self.api.lease.as_ref().map(|lease| lease.metadata.resource_version.clone());
        match (asked, stored) {
            (None, None) => {}
            (Some(asked), Some(Some(stored))) if asked == stored => {}
            (Some(_), None) => return self.send_down(line, Down::Failed(404)),
            _ => return self.send_down(line, Down::Failed(409)),
        }
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
        if holder != self.api.leader {
            self.api.reign += u64::from(!holder.is_empty());
            self.api.leader = holder;
        }
        self.put_lease(Some(lease));
        let answer = Down::Lease(self.api.lease.clone(), self.api.reign);
        self.send_down(line, answer);
    }

    /// Stores a Lease, or deletes it.
    pub(crate) fn put_lease(&mut self, lease: Option<Box<Lease>>) {
        self.api.lease_version += 1;
        self.api.deleted |= lease.is_none();
        let version = self.api.lease_version.to_string();
        let now = Timestamp::from_second(self.wall().as_second()).expect("in range");
        self.api.lease = lease.map(|mut lease| {
            lease.metadata.uid.get_or_insert(version.clone());
            lease.metadata.resource_version = Some(version);
            lease.metadata.creation_timestamp.get_or_insert(Time(now));
            lease
        });
    }

    /// There is a Lease of old, which many have held, and nobody does.
    pub(crate) fn keeps_lease(&mut self) {
        let made = self.wall().checked_sub(SignedDuration::from_hours(24)).expect("in range");
        let mut lease = Lease::default();
        lease.metadata.creation_timestamp = Some(Time(made));
        lease.spec = Some(LeaseSpec { lease_transitions: Some(1_000), ..LeaseSpec::default() });
        self.put_lease(Some(Box::new(lease)));
    }

    /// It behaves otherwise from now on.
    pub(crate) fn api_turns(&mut self, mood: Mood) {
        let was = std::mem::replace(&mut self.api.mood, mood);
        if mood == Mood::Down {
            for line in std::mem::take(&mut self.api.pending).into_keys() {
                self.send_down(line, Down::Reset);
            }
            self.api_resets();
            self.api.compacted = self.cluster.version;
        }
        if was == Mood::Silent {
            self.api_hurries();
            for line in self.api.watches.keys().copied().collect::<Vec<_>>() {
                self.after(Duration::ZERO, Event::Ticks(line));
            }
        }
    }

    /// Whoever waits is answered at once.
    pub(crate) fn api_hurries(&mut self) {
        self.api.slow = Duration::ZERO;
        for line in self.api.pending.keys().copied().collect::<Vec<_>>() {
            self.after(Duration::ZERO, Event::Answers(line));
        }
    }

    /// It loses its store, or finds it again: then its watches say what they missed, and when they have, it answers reads.
    pub(crate) fn api_is_cut(&mut self, cut: bool) {
        self.api.cut = cut.then_some(self.now);
        if cut {
            self.api.storeless = true;
            self.api.forgot = true;
            return;
        }
        self.api_tells();
        for line in self.api.watches.keys().copied().collect::<Vec<_>>() {
            self.frame(line, News::Silence, self.now);
        }
        let time = CATCHING_UP + self.within(CATCHING_UP);
        self.after(time, Event::Story(Act::Reads));
    }

    /// It answers reads, if it has its store.
    pub(crate) fn api_reads(&mut self) {
        if self.api.cut.is_none() {
            self.api.storeless = false;
            self.api_hurries();
        }
    }

    /// All watches break.
    pub(crate) fn api_resets(&mut self) {
        for line in std::mem::take(&mut self.api.watches).into_keys() {
            self.send_down(line, Down::Reset);
        }
    }

    /// All watches end in good order, before their time.
    pub(crate) fn api_ends_watches(&mut self) {
        for watching in self.api.watches.values_mut() {
            watching.ends = self.now;
        }
        for line in self.api.watches.keys().copied().collect::<Vec<_>>() {
            self.after(Duration::ZERO, Event::Ticks(line));
        }
    }
}
