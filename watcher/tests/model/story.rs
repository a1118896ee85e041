//! What befalls everyone, by the dice. Faults at random; then all of them end, and the lights must show the truth; then the
//! leader is struck, and the other must take over; then nobody can vouch any more, and the lights must turn stale; and at
//! last all is well again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::faults::Fault;
use crate::world::{Event, World};

/// A step of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A watcher starts.
    Starts(usize),
    /// Something in the cluster changes.
    Stirs,
    /// A fault begins.
    Strikes,
    /// A fault ends.
    Mends(usize),
    /// The API reads its store again.
    Reads,
    /// Every fault ends.
    Heals,
    /// Do all lights show the truth?
    Settles,
    /// The leader is struck.
    Falls,
    /// Has the other taken over?
    Follows,
    /// Nobody can vouch.
    Darkens,
    /// It has been dark for a while.
    Dawns,
}

pub(crate) struct Story {
    pub(crate) over: bool,
    chapter: u32,
    /// Random faults go on.
    pub(crate) wild: bool,
    /// The longest time between two of them.
    fury: Duration,
    /// Pods and nodes change.
    stirring: bool,
    pub(crate) faults: Vec<Option<Fault>>,
    /// The pods that have been, and the uid of each name's last.
    pub(crate) pods: u64,
    pub(crate) uids: BTreeMap<String, u64>,
    /// Since when what is measured goes on, and until when it may.
    since: Instant,
    due: Instant,
    fallen: usize,
    /// Whether somebody led when all faults ended.
    led: bool,
    /// No light may show anything but that it doesn't know.
    pub(crate) dark_from: Option<Instant>,
}

const SECOND: Duration = Duration::from_secs(1);
/// After all faults' end, every light shows the truth.
const HEALING: Duration = Duration::from_secs(10);
/// After a leader's end, another holds every light.
const TAKE_OVER: Duration = Duration::from_secs(20);
/// How often it is looked whether what must come to pass has.
const GLANCE: Duration = Duration::from_millis(100);

impl Story {
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            over: false,
            chapter: 0,
            wild: true,
            fury: Duration::ZERO,
            stirring: true,
            faults: Vec::new(),
            pods: 0,
            uids: BTreeMap::new(),
            since: start,
            due: start,
            fallen: 0,
            led: false,
            dark_from: None,
        }
    }
}

impl World {
    pub(crate) fn begin(&mut self) {
        self.founds();
        self.api.bookmarks = self.dice.bool();
        if self.dice.bool() {
            self.keeps_lease();
        }
        for watcher in 0..2 {
            let time = self.within(5 * SECOND);
            self.after(time, Event::Story(Act::Starts(watcher)));
        }
        self.after(Duration::ZERO, Event::Story(Act::Stirs));
        // Some have a leader before the first fault, and some are left in peace for long enough to have one between faults.
        let calm = if self.once_in(4) { Duration::ZERO } else { 25 * SECOND };
        self.story.fury = [4, 8, 16, 32][self.dice.usize(..4)] * SECOND;
        self.after(calm, Event::Story(Act::Strikes));
        let time = calm + 40 * SECOND + self.within(80 * SECOND);
        self.after(time, Event::Story(Act::Heals));
    }

    pub(crate) fn goes_on(&mut self, act: Act) {
        match act {
            Act::Starts(watcher) => {
                if self.watchers[watcher].core.is_none() {
                    self.starts(watcher);
                }
            }
            Act::Stirs => self.stir(),
            Act::Strikes if self.story.wild => {
                self.strike();
                let time = self.within(self.story.fury);
                self.after(time, Event::Story(Act::Strikes));
            }
            Act::Strikes => {}
            Act::Mends(fault) => self.mend(fault),
            Act::Reads => self.api_reads(),
            Act::Heals => self.heal(),
            Act::Settles => self.settle(),
            Act::Falls => self.fall(),
            Act::Follows => self.succeed(),
            Act::Darkens => self.darken(),
            Act::Dawns => {
                let last = self.lamps.iter().filter_map(|lamp| Some(lamp.held?.until)).max();
                let promised = self.terms.silence + self.terms.lease;
                let stale = last.and_then(|last| last.checked_duration_since(self.story.since)).unwrap_or_default();
                self.figures.stale = self.figures.stale.max(stale.div_duration_f64(promised));
                self.story.dark_from = None;
                self.heal();
            }
        }
    }

    fn stir(&mut self) {
        if !self.story.stirring {
            return;
        }
        self.change();
        let quiet = self.once_in(20);
        let time = self.within(if quiet { 60 * SECOND } else { 4 * SECOND });
        self.after(time, Event::Story(Act::Stirs));
    }

    /// All faults end, and nothing changes any more.
    fn heal(&mut self) {
        self.story.wild = false;
        self.story.stirring = false;
        for fault in 0..self.story.faults.len() {
            self.mend(fault);
        }
        self.finds_lines();
        for watcher in 0..2 {
            self.goes_on(Act::Starts(watcher));
        }
        let holder = self.api.lease.as_ref().and_then(|lease| lease.spec.as_ref()?.holder_identity.clone());
        let alive = |watcher: usize| Some(self.identity(watcher)) == holder;
        self.story.led = (0..2).any(alive);
        self.story.since = self.now;
        self.story.due = self.now + if self.story.led { HEALING } else { TAKE_OVER };
        let led = self.story.led;
        self.note(|| format!("all is well, and somebody leads: {led}"));
        self.after(GLANCE, Event::Story(Act::Settles));
    }

    fn settle(&mut self) {
        if let Some(why) = self.untrue() {
            if self.now > self.story.due {
                let time = self.now - self.story.since;
                return self.breaks(|| format!("{time:?} after all faults' end, {why}"));
            }
            return self.after(GLANCE, Event::Story(Act::Settles));
        }
        let time = self.now - self.story.since;
        let figure = if self.story.led { &mut self.figures.healing } else { &mut self.figures.election };
        *figure = time.max(*figure);
        self.story.chapter += 1;
        let pause = self.within(10 * SECOND);
        match self.story.chapter {
            1 => {
                self.story.stirring = true;
                self.after(Duration::ZERO, Event::Story(Act::Stirs));
                self.after(pause, Event::Story(Act::Falls));
            }
            2 => {
                self.story.stirring = true;
                self.after(Duration::ZERO, Event::Story(Act::Stirs));
                self.after(pause, Event::Story(Act::Darkens));
            }
            _ => self.story.over = true,
        }
    }

    fn fall(&mut self) {
        let Some(leader) = (0..2).find(|watcher| self.leads(*watcher)) else {
            // What was under way when the faults ended made a leader lose its term.
            self.story.chapter -= 1;
            return self.settle();
        };
        self.note(|| format!("watcher {leader} falls"));
        self.story.stirring = false;
        self.story.fallen = leader;
        let later = self.strike_leader(leader);
        self.story.since = self.now + later;
        self.story.due = self.story.since + TAKE_OVER;
        self.after(GLANCE, Event::Story(Act::Follows));
    }

    fn succeed(&mut self) {
        let still = self.leads(self.story.fallen).then(|| "it still leads".to_owned());
        if let Some(why) = still.or_else(|| self.untrue()) {
            if self.now > self.story.due {
                let time = self.now - self.story.since;
                return self.breaks(|| format!("{time:?} after the leader's end, {why}"));
            }
            return self.after(GLANCE, Event::Story(Act::Follows));
        }
        self.figures.take_over = self.figures.take_over.max(self.now.saturating_duration_since(self.story.since));
        let time = self.within(30 * SECOND);
        self.after(time, Event::Story(Act::Heals));
    }

    fn darken(&mut self) {
        let promised = self.strike_all();
        self.note(|| format!("nobody can vouch: all must be stale in {promised:?}"));
        self.story.dark_from = Some(self.now + promised);
        self.story.since = self.now;
        let time = promised + self.within(20 * SECOND);
        self.after(time, Event::Story(Act::Dawns));
    }
}
