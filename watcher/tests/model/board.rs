//! A watcher's main loop. Stands for `lib.rs::run` and `board.rs`: what wakes it, in which order it takes things in, and
//! when it tells the sessions. The ledger, the policy, the freshness and the vouch are the real ones.

use std::rc::Rc;

use watcher::freshness::Freshness;
use watcher::ledger::{Change, FoundLight, Ledger, Scope};
use watcher::lights::Light;
use watcher::vouch::{self, Vouch};

use crate::cluster::Shown;
use crate::follow::Told;
use crate::lamp::GIVEN;
use crate::link::Link;
use crate::objects::Object;
use crate::process::WATCHES;
use crate::world::{Task, World};

/// As `lib.rs::EVENTS`.
const EVENTS: usize = 256;

#[derive(Default)]
pub(crate) struct Board {
    ledger: Ledger,
    pub(crate) seats: Vec<Seat>,
    version: u64,
    lit: bool,
}

/// A light, and what it is ordered to show.
pub(crate) struct Seat {
    pub(crate) light: Light,
    pub(crate) lamp: usize,
    pub(crate) leds: Option<usize>,
    pub(crate) order: Rc<Order>,
}

pub(crate) struct Order {
    pub(crate) version: u64,
    pub(crate) shown: Shown,
}

impl World {
    pub(crate) fn pulse(&mut self, watcher: usize) {
        let (now, period) = (self.now, Freshness::pulse(self.terms.silence));
        self.core(watcher).freshness.awake(now);
        self.wake_at(watcher, Task::Pulse, now + period);
        self.main(watcher);
    }

    pub(crate) fn main(&mut self, watcher: usize) {
        let now = self.now;
        let measured = self.core(watcher).measured.pop_front();
        if let Some((lamp, leds)) = measured {
            self.measured(watcher, lamp, leds);
            self.wake(watcher, Task::Main);
        }
        for (which, watch) in WATCHES.into_iter().enumerate() {
            for _ in 0..EVENTS {
                let Some(Told { change, version, basis }) = self.core(watcher).changes[which].pop_front() else {
                    break;
                };
                let wall = self.wall_of(watcher);
                let core = self.core(watcher);
                let known = &mut core.known[which];
                match &change {
                    Change::Restart => known.listing = true,
                    Change::Listed(_) => {}
                    Change::Synced | Change::Applied(_) | Change::Deleted(_) => {
                        known.version = version;
                        known.basis = known.basis.max(basis);
                    }
                }
                if let Change::Synced = change {
                    known.listing = false;
                    core.freshness.listed(watch, now);
                }
                core.board.take(change, which == 0, wall);
            }
        }
        self.publish(watcher);
        self.vouch(watcher);
    }

    fn vouch(&mut self, watcher: usize) {
        let now = self.now;
        let core = self.core(watcher);
        let until = core.freshness.until();
        let next = Vouch::new(core.term, until);
        let turns = vouch::epoch(core.vouch, now) != vouch::epoch(next, now);
        core.vouch = next;
        if turns {
            self.note(|| format!("watcher {watcher} vouches as {:?}", vouch::epoch(next, now)));
            for light in 0..self.lamps.len() {
                self.wake(watcher, Task::Link(light));
            }
        }
        if let Some(lapses) = until.filter(|until| now < *until) {
            self.wake_at(watcher, Task::Main, lapses);
        }
    }

    fn measured(&mut self, watcher: usize, lamp: usize, leds: usize) {
        let layout = self.terms.layout;
        let Board { ledger, seats, version, .. } = &mut self.core(watcher).board;
        let Some(seat) = seats.iter_mut().find(|seat| seat.lamp == lamp && seat.leds != Some(leds)) else { return };
        seat.leds = Some(leds);
        *version += 1;
        if seat.tell(ledger, *version, layout) {
            self.wake(watcher, Task::Link(lamp));
        }
    }

    fn publish(&mut self, watcher: usize) {
        let layout = self.terms.layout;
        let board = &mut self.core(watcher).board;
        if !board.ledger.is_listed() {
            return;
        }
        let changed = board.ledger.take_changed();
        if changed.lights || !board.lit {
            board.lit = true;
            self.meet(watcher);
        }
        let Board { ledger, seats, version, .. } = &mut self.core(watcher).board;
        let mut told = Vec::new();
        for seat in seats.iter_mut().filter(|seat| changed.touches(&seat.light.scope)) {
            *version += 1;
            if seat.tell(ledger, *version, layout) {
                told.push(seat.lamp);
            }
        }
        for lamp in told {
            self.wake(watcher, Task::Link(lamp));
        }
        self.compare(watcher);
    }

    /// Begins a session with each light that is new, and ends those with lights that are gone.
    fn meet(&mut self, watcher: usize) {
        let layout = self.terms.layout;
        let urls: Vec<_> = self.lamps.iter().map(|lamp| lamp.url.clone()).collect();
        let board = &mut self.core(watcher).board;
        let mut lights: Vec<Light> = board.ledger.lights().map(found).collect();
        lights.push(GIVEN.parse().expect("a light"));
        let gone: Vec<_> =
            board.seats.iter().filter(|seat| !lights.contains(&seat.light)).map(|seat| seat.lamp).collect();
        board.seats.retain(|seat| lights.contains(&seat.light));
        lights.retain(|light| board.seats.iter().all(|seat| seat.light != *light));
        let mut new = Vec::new();
        for light in lights {
            let lamp = urls.iter().position(|url| *url == light.url).expect("a pod of this model has a light");
            board.version += 1;
            let shown = Shown::new(&board.ledger, &light.scope, None, layout);
            let order = Rc::new(Order { version: board.version, shown });
            board.seats.push(Seat { light, lamp, leds: None, order });
            new.push(lamp);
        }
        for lamp in gone {
            self.unlinks(watcher, lamp);
        }
        for lamp in new {
            self.core(watcher).links[lamp] = Some(Link::default());
            self.wake(watcher, Task::Link(lamp));
        }
    }
}

impl Board {
    pub(crate) fn seat(&self, lamp: usize) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.lamp == lamp)
    }

    fn take(&mut self, change: Change<Object>, pods: bool, wall: jiff::Timestamp) {
        if pods {
            let change = map(change, |object| match object {
                Object::Pod(pod) => (*pod).clone(),
                Object::Node(_) => unreachable!("a watch of pods tells of pods"),
            });
            self.ledger.pod(change, wall);
        } else {
            let change = map(change, |object| match object {
                Object::Node(node) => (*node).clone(),
                Object::Pod(_) => unreachable!("a watch of nodes tells of nodes"),
            });
            self.ledger.node(change);
        }
    }
}

impl Seat {
    /// Orders what is to show now, where that differs from what was ordered last; says whether it does.
    fn tell(&mut self, ledger: &Ledger, version: u64, layout: watcher::policy::Layout) -> bool {
        let shown = Shown::new(ledger, &self.light.scope, self.leds, layout);
        let news = shown != self.order.shown;
        if news {
            self.order = Rc::new(Order { version, shown });
        }
        news
    }
}

fn found(light: FoundLight<'_>) -> Light {
    Light { scope: Scope::Node(light.node.to_owned()), url: format!("http://{}", light.address) }
}

fn map<T>(change: Change<Object>, inner: impl FnOnce(Object) -> T) -> Change<T> {
    match change {
        Change::Restart => Change::Restart,
        Change::Listed(object) => Change::Listed(inner(object)),
        Change::Synced => Change::Synced,
        Change::Applied(object) => Change::Applied(inner(object)),
        Change::Deleted(object) => Change::Deleted(inner(object)),
    }
}
