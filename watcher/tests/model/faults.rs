//! What can go wrong, and what can happen in a cluster.

use std::time::Duration;

use jiff::SignedDuration;
use watcher::freshness::Watch;

use crate::api::Mood;
use crate::lamp::{FOUND, NODES, ip};
use crate::net::{DELAY, Far, Way};
use crate::objects::{Draft, Health, node};
use crate::promises::lightd;
use crate::story::Act;
use crate::words::Down;
use crate::world::{Event, World};

/// What goes on until it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Mood(Mood),
    /// The API answers lists from an older snapshot.
    Behind,
    /// It takes its time for the Lease.
    Slow,
    /// It can't reach its store.
    Cut,
    Hole(usize, Far, Way),
    Stopped(usize),
    Gone(usize),
    /// Told to stop, which takes a while.
    Left(usize),
    LampDown(usize),
}

const SECOND: Duration = Duration::from_secs(1);
/// As `election::RENEWAL`.
const RENEWAL: Duration = Duration::from_secs(5);
const PODS: [&str; 6] = ["cart-0", "cart-1", "bank-0", "bank-1", "mail-0", "mail-1"];

impl World {
    /// The cluster as it is to begin with.
    pub(crate) fn founds(&mut self) {
        let (now, since) = (self.now, self.wall());
        for name in NODES {
            self.cluster.put(name, node(name, "True", false, since), now);
        }
        for light in 0..FOUND {
            self.puts_lightd(light);
        }
        for name in &PODS[..3] {
            self.puts_pod(name, Health::Running);
        }
    }

    /// Something in the cluster changes.
    pub(crate) fn change(&mut self) {
        let (now, since) = (self.now, self.wall());
        let name = PODS[self.dice.usize(..PODS.len())];
        match self.dice.u32(..20) {
            0..11 => {
                let health = self.health();
                self.puts_pod(name, health);
            }
            11..14 => self.cluster.delete(Watch::Pods, name, now),
            // A successor of the same name.
            14 => {
                self.cluster.delete(Watch::Pods, name, now);
                let health = self.health();
                self.puts_pod(name, health);
            }
            15..17 => {
                let name = NODES[self.dice.usize(..NODES.len())];
                let ready = ["True", "True", "False", "Unknown"][self.dice.usize(..4)];
                let cordoned = self.once_in(4);
                self.cluster.put(name, node(name, ready, cordoned, since), now);
            }
            17 => {
                let name = NODES[self.dice.usize(..NODES.len())];
                self.cluster.delete(Watch::Nodes, name, now);
            }
            18 => {
                let light = self.dice.usize(..FOUND);
                self.cluster.delete(Watch::Pods, &lightd(NODES[light]), now);
            }
            _ => {
                let light = self.dice.usize(..FOUND);
                self.puts_lightd(light);
            }
        }
        self.api_tells();
    }

    fn health(&mut self) -> Health {
        match self.dice.u32(..9) {
            0..3 => Health::Running,
            3 => Health::Unready,
            4 => Health::Pending,
            5 => Health::Crashing { restarts: self.dice.u32(1..9) },
            6 => Health::NoImage,
            7 => Health::Deleting,
            _ => Health::Completed,
        }
    }

    /// Creates a pod, or changes it. One that is to be on another node is another pod, of the same name.
    fn puts_pod(&mut self, name: &str, health: Health) {
        let place = self.dice.u64(..3);
        let uid = self.replaces(name, place);
        let node = (health != Health::Pending).then_some(NODES[usize::try_from(place).expect("small")]);
        let (now, since) = (self.now, self.wall());
        let pod = Draft { namespace: &name[..4], name, uid, node, health, ip: None, since }.pod();
        self.cluster.put(name, pod, now);
    }

    /// A uid that no pod had before; or that of the pod of this name, if it is there and in the same place.
    fn replaces(&mut self, name: &str, place: u64) -> u64 {
        if self.cluster.has(Watch::Pods, name) {
            let uid = self.story.uids.get(name).copied().unwrap_or_default();
            if uid % 3 == place {
                return uid;
            }
            self.cluster.delete(Watch::Pods, name, self.now);
        }
        self.story.pods += 1;
        let uid = 3 * self.story.pods + place;
        self.story.uids.insert(name.to_owned(), uid);
        uid
    }

    fn puts_lightd(&mut self, light: usize) {
        let (now, since) = (self.now, self.wall());
        let name = lightd(NODES[light]);
        let again = self.dice.u64(..3);
        let uid = self.replaces(&name, again);
        let (node, ip, health) = (Some(NODES[light]), ip(light), Health::Running);
        let pod = Draft { namespace: "podlight", name: &name, uid, node, health, ip: Some(&ip), since }.pod();
        self.cluster.put(&name, pod, now);
    }

    /// A fault begins. Some end by themselves.
    pub(crate) fn strike(&mut self) {
        let (watcher, light) = (self.dice.usize(..2), self.dice.usize(..self.lamps.len()));
        let fault = match self.dice.u32(..24) {
            0 => Fault::Mood(Mood::Silent),
            1 => Fault::Mood(Mood::Refusing),
            2 => Fault::Mood(Mood::Down),
            3 => return self.note_and(|world| world.api.compacted = world.cluster.version, "history is compacted"),
            4 => Fault::Behind,
            5 => [Fault::Slow, Fault::Cut][self.dice.usize(..2)],
            6 => return self.note_and(Self::api_resets, "all watches are reset"),
            7 => return self.note_and(Self::api_ends_watches, "all watches end early"),
            8..10 => Fault::Hole(watcher, Far::Api, self.way()),
            10..12 => Fault::Hole(watcher, Far::Light(light), self.way()),
            12..15 => Fault::Stopped(watcher),
            15 => return self.loses_lines(watcher),
            16 => return self.jump(watcher),
            17..19 => Fault::Gone(watcher),
            19 if self.is_up(watcher) => Fault::Left(watcher),
            19 => return,
            20 => return self.note_and(|world| world.put_lease(None), "the Lease is deleted"),
            21 => return self.note_and(Self::touch_lease, "the Lease gets a label"),
            22 => Fault::LampDown(light),
            _ => {
                let leds = [1, 2, 8, 32][self.dice.usize(..4)];
                self.note(|| format!("light {light} gets a stick of {leds} LEDs"));
                return self.lamp_resizes(light, leds);
            }
        };
        let most = [2 * SECOND, 20 * SECOND, 70 * SECOND][self.dice.usize(..3)];
        let time = self.within(most);
        self.begins(fault);
        self.after(time, Event::Story(Act::Mends(self.story.faults.len() - 1)));
    }

    fn begins(&mut self, fault: Fault) {
        self.note(|| format!("begins: {fault:?}"));
        match fault {
            Fault::Mood(mood) => self.api_turns(mood),
            Fault::Behind => self.api.behind = 10 * SECOND,
            Fault::Slow => self.api.slow = 6 * SECOND,
            Fault::Cut => self.api_is_cut(true),
            Fault::Hole(watcher, far, way) => self.holes(watcher, far, way, true),
            Fault::Stopped(watcher) => self.stops(watcher),
            Fault::Gone(watcher) => self.ends(watcher),
            Fault::Left(watcher) => self.leaves(watcher),
            Fault::LampDown(light) => self.lamp_ends(light),
        }
        self.story.faults.push(Some(fault));
    }

    pub(crate) fn mend(&mut self, fault: usize) {
        let Some(fault) = self.story.faults[fault].take() else { return };
        self.note(|| format!("ends: {fault:?}"));
        let goes_on = self.story.faults.iter().flatten().any(|other| *other == fault);
        match fault {
            Fault::Hole(watcher, far, way) => self.holes(watcher, far, way, false),
            _ if goes_on => {}
            Fault::Mood(mood) if self.api.mood == mood => self.api_turns(Mood::Well),
            Fault::Mood(_) => {}
            Fault::Behind => self.api.behind = Duration::ZERO,
            Fault::Slow => self.api_hurries(),
            Fault::Cut => self.api_is_cut(false),
            Fault::Stopped(watcher) => self.continues(watcher),
            Fault::Gone(watcher) | Fault::Left(watcher) => {
                if self.watchers[watcher].core.as_ref().is_some_and(|core| core.parting) {
                    self.ends(watcher);
                }
                self.goes_on(Act::Starts(watcher));
            }
            Fault::LampDown(light) => self.lamp_starts(light),
        }
    }

    /// The leader can't lead any more, and doesn't come back by itself. Says how much later others can see that.
    pub(crate) fn strike_leader(&mut self, leader: usize) -> Duration {
        let (up, down) = (Fault::Hole(leader, Far::Api, Way::Up), Fault::Hole(leader, Far::Api, Way::Down));
        match self.dice.u32(..6) {
            0 => self.begins(Fault::Gone(leader)),
            1 => self.begins(Fault::Stopped(leader)),
            2 => self.begins(Fault::Left(leader)),
            3 => self.begins(up),
            // Its next renewal still arrives.
            4 => {
                self.begins(down);
                return RENEWAL;
            }
            _ => {
                self.begins(up);
                self.begins(down);
            }
        }
        Duration::ZERO
    }

    /// Nobody can vouch to any light any more. Says for how long a light may not know that yet.
    pub(crate) fn strike_all(&mut self) -> Duration {
        let (told, vouched) = (self.terms.lease + 2 * DELAY, self.terms.silence + self.terms.lease);
        let (up, down) = (Way::Up, Way::Down);
        match self.dice.u32(..9) {
            0 => self.begins(Fault::Mood(Mood::Silent)),
            8 => self.begins(Fault::Cut),
            1 => self.begins(Fault::Mood(Mood::Down)),
            2 => {
                self.begins(Fault::Mood(Mood::Refusing));
                self.api_resets();
            }
            3 => (0..2).for_each(|watcher| self.begins(Fault::Hole(watcher, Far::Api, down))),
            4 => (0..2).for_each(|watcher| {
                self.begins(Fault::Hole(watcher, Far::Api, up));
                self.begins(Fault::Hole(watcher, Far::Api, down));
            }),
            5 => {
                (0..2).for_each(|watcher| self.begins(Fault::Gone(watcher)));
                return told;
            }
            6 => {
                (0..2).for_each(|watcher| self.begins(Fault::Stopped(watcher)));
                return told;
            }
            _ => {
                for light in 0..self.lamps.len() {
                    (0..2).for_each(|watcher| self.begins(Fault::Hole(watcher, Far::Light(light), up)));
                }
                return told;
            }
        }
        vouched
    }

    fn holes(&mut self, watcher: usize, far: Far, way: Way, dead: bool) {
        for (at, event) in self.net.hole(watcher, far, way, dead, self.now, &mut self.dice) {
            self.at(at, event);
        }
    }

    fn way(&mut self) -> Way {
        if self.dice.bool() { Way::Up } else { Way::Down }
    }

    /// Whatever stands between forgets all connections of a watcher, and tells nobody.
    fn loses_lines(&mut self, watcher: usize) {
        self.note(|| format!("watcher {watcher}'s connections are lost"));
        for (_, connection) in self.net.lines().filter(|(_, it)| it.watcher == watcher) {
            connection.lost = true;
        }
    }

    /// Whoever still waits on a connection that was lost is told.
    pub(crate) fn finds_lines(&mut self) {
        let lost = self.net.lines().filter(|(_, it)| it.lost && it.near_open);
        for (line, watcher, reader) in lost.map(|(line, it)| (line, it.watcher, it.reader)).collect::<Vec<_>>() {
            let now = self.now;
            if let Some(connection) = self.net.at(line) {
                connection.inbox.push_back((Down::Reset, now));
            }
            self.wake(watcher, reader);
        }
    }

    /// People's clocks at a watcher are set.
    fn jump(&mut self, watcher: usize) {
        let hours = i64::from(self.dice.i32(-12..=12));
        self.note(|| format!("watcher {watcher}'s wall clock is {hours} h off"));
        self.watchers[watcher].skew = SignedDuration::from_hours(hours);
    }

    fn is_up(&self, watcher: usize) -> bool {
        let process = &self.watchers[watcher];
        !process.stopped && process.core.as_ref().is_some_and(|core| !core.parting)
    }

    /// Somebody changes the Lease, but nothing that matters.
    fn touch_lease(&mut self) {
        let lease = self.api.lease.clone();
        if lease.is_some() {
            self.put_lease(lease);
        }
    }

    fn note_and(&mut self, act: impl FnOnce(&mut Self), what: &'static str) {
        self.note(|| what.to_owned());
        act(self);
    }
}
