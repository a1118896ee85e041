//! What must hold, whatever happens: looked at after every step, and wherever a light takes or refuses a command.

use std::time::{Duration, Instant};

use watcher::freshness::Watch;

use crate::cluster::Shown;
use crate::lamp::{FOUND, Held, NODES};
use crate::process::Core;
use crate::world::World;

/// What the two checks of vouching may differ by: a task that runs late, and what a connection writes late.
const SLACK: Duration = Duration::from_millis(100);
/// What lightd hears at last from a peer that doesn't answer its pings was said so long ago: `serve::PING`, twice.
const LATEST: Duration = Duration::from_secs(40);

/// The longest that was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Between what a light showed being true and its showing it, apart from how long the network took.
    pub(crate) age: Duration,
    /// Between a command's leaving and a light's taking it.
    pub(crate) transit: Duration,
    /// Between all faults' end and every light's showing the truth.
    pub(crate) healing: Duration,
    /// The same, where nobody led when the faults ended.
    pub(crate) election: Duration,
    /// Between a leader's end and another's holding every light.
    pub(crate) take_over: Duration,
    /// Between the last moment at which anyone could vouch and the last light's turning stale, as a part of the time that
    /// is promised.
    pub(crate) stale: f64,
    /// Commands that lights took, and that they refused; and those that were too old to leave.
    pub(crate) taken: u64,
    pub(crate) fenced: u64,
    pub(crate) withheld: u64,
    pub(crate) steps: u64,
}

impl Figures {
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            age: self.age.max(other.age),
            transit: self.transit.max(other.transit),
            healing: self.healing.max(other.healing),
            election: self.election.max(other.election),
            take_over: self.take_over.max(other.take_over),
            stale: self.stale.max(other.stale),
            taken: self.taken + other.taken,
            fenced: self.fenced + other.fenced,
            withheld: self.withheld + other.withheld,
            steps: self.steps + other.steps,
        }
    }
}

impl World {
    /// The last moment at which a light may show what was true at `basis`, and was on its way for `transit`.
    pub(crate) fn bound(&self, basis: Instant, transit: Duration) -> Instant {
        basis + self.terms.silence + self.terms.lease + transit + self.slack()
    }

    /// A server that lost its store may be believed until the next read that only that can answer.
    fn slack(&self) -> Duration {
        SLACK + if self.api.forgot { self.terms.silence / 3 } else { Duration::ZERO }
    }

    /// A light took or refused a command.
    pub(crate) fn judge(&mut self, light: usize, mut held: Held, over: bool, transit: Duration, taken: bool) {
        let now = self.now;
        let old = self.lamps[light].held;
        let alive = old.filter(|old| now < old.until);
        let key = |held: Held| (held.mark.epoch, held.mark.version);
        let older = alive.filter(|old| key(held) < key(*old));
        match (older, taken) {
            (Some(old), true) => {
                self.breaks(|| format!("light {light} took {:?} while {:?} lived", held.mark, old.mark));
            }
            (None, false) => self.breaks(|| format!("light {light} refused {:?} for nothing", held.mark)),
            (Some(_), false) => {
                self.figures.fenced += 1;
                return;
            }
            (None, true) => self.figures.taken += 1,
        }
        if let Some(old) = alive.filter(|old| held.reign < old.reign) {
            let (mine, theirs) = (held.reign, old.reign);
            self.breaks(|| format!("light {light} obeyed leader {mine} while leader {theirs} held it"));
        }
        if transit > LATEST + SLACK {
            self.breaks(|| format!("light {light} heard a command after {transit:?}"));
        }
        self.figures.transit = self.figures.transit.max(transit);
        if let Some(old) = old.filter(|old| old.mark == held.mark && !over) {
            held.bound = held.bound.max(old.bound);
        }
        if !over && held.until > held.bound {
            let late = held.until - held.bound;
            self.breaks(|| format!("light {light} took {:?} to show for {late:?} too long", held.mark));
        }
        let age =
            (held.until + self.terms.silence + self.terms.lease + self.slack()).checked_duration_since(held.bound);
        self.figures.age = self.figures.age.max(age.unwrap_or_default());
        self.lamps[light].held = Some(held);
    }

    /// After every step.
    pub(crate) fn look(&mut self) {
        self.figures.steps += 1;
        let now = self.now;
        for light in 0..self.lamps.len() {
            let lamp = &self.lamps[light];
            if !lamp.tells(now) {
                continue;
            }
            let held = lamp.held;
            if held.is_none_or(|held| now >= held.until) {
                self.breaks(|| format!("light {light} shows what nobody vouches for any more: {held:?}"));
            }
            if held.is_some_and(|held| now > held.bound) {
                self.breaks(|| format!("light {light} shows what is too old"));
            }
            if self.story.dark_from.is_some_and(|from| now >= from) {
                self.breaks(|| format!("light {light} isn't stale, though nobody can vouch"));
            }
        }
        if self.leads(0) && self.leads(1) {
            self.ranks();
        }
    }

    /// Two think that they lead: that can't be but where the Lease was deleted, and then lights know who is the newer one.
    fn ranks(&mut self) {
        let rank = |core: &Core| (core.reign, core.term.map(|term| term.epoch));
        let [Some(one), Some(other)] = self.watchers.each_ref().map(|process| process.core.as_ref().map(rank)) else {
            return;
        };
        if !self.api.deleted || (one.0 < other.0) != (one.1 < other.1) {
            self.breaks(|| format!("two watchers lead: {one:?}, {other:?}"));
        }
    }

    /// What a watcher orders is the truth of the versions that it knows, unless a list is under way.
    pub(crate) fn compare(&mut self, watcher: usize) {
        let layout = self.terms.layout;
        let core = self.watchers[watcher].core.as_ref().expect("it has just published");
        if core.known.iter().any(|known| known.listing) {
            return;
        }
        let versions = core.known.map(|known| known.version);
        for seat in &core.board.seats {
            let truth = self.cluster.truth(versions, &seat.light.scope, seat.leds, layout);
            if seat.order.shown != truth && self.broken.is_none() {
                let (light, shown) = (&seat.light, &seat.order.shown);
                let what =
                    format!("watcher {watcher} orders of {light} {shown:?}, but at {versions:?} {truth:?} is true");
                self.broken = Some(what);
            }
        }
    }

    /// Why not every light shows the truth, told by the one who leads; nothing if all do.
    pub(crate) fn untrue(&mut self) -> Option<String> {
        let (now, layout) = (self.now, self.terms.layout);
        let leaders: Vec<_> = (0..2).filter(|watcher| self.leads(*watcher)).collect();
        let [leader] = leaders[..] else { return Some(format!("{} watchers lead", leaders.len())) };
        let reign = self.core(leader).reign;
        for light in 0..self.lamps.len() {
            // One whose pod is gone is told nothing more, and goes stale by its lease.
            let found = NODES[..FOUND].get(light);
            if found.is_some_and(|node| !self.cluster.has(Watch::Pods, &lightd(node))) {
                continue;
            }
            let lamp = &self.lamps[light];
            if !lamp.tells(now) {
                return Some(format!("light {light} shows {:?}", lamp.layer(now)));
            }
            let (scope, leds) = (lamp.scope.clone(), lamp.leds);
            let versions = [self.cluster.version; 2];
            let truth = self.cluster.truth(versions, &scope, Some(leds), layout);
            let lamp = &self.lamps[light];
            let streamed = lamp.light.as_ref().and_then(|light| light.watcher());
            let command = streamed.map(|streamed| &streamed.command);
            let shown = command.map(|command| Shown { looks: command.looks.clone(), reason: command.reason.clone() });
            if shown.as_ref() != Some(&truth) {
                return Some(format!("light {light} shows {shown:?} where {truth:?} is true"));
            }
            if lamp.held.is_none_or(|held| held.reign != reign) {
                return Some(format!("light {light} is held by {:?}, not by leader {reign}", lamp.held));
            }
        }
        None
    }
}

/// What the pod of a node's lightd is called.
pub(crate) fn lightd(node: &str) -> String {
    format!("lightd-{node}")
}
