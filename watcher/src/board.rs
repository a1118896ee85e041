//! Joins what is known with who is to show it: keeps the ledger, and for each light its session and its newest order.
//! Refuses to know how the API and the lights are reached.
//!
//! A light is told only of what concerns it, and only where that differs from what it was told last. Nothing is told
//! before both first lists are complete: half the truth would be a lie.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podlight_proto::Look;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::ledger::{Change, Ledger, Scope};
use crate::lights::{self, Light};
use crate::lines::Lines;
use crate::link::{self, Link, Order, Show, Terms};
use crate::node::Node;
use crate::pod::Pod;
use crate::policy::{self, Layout, Palette};
use crate::settings::Settings;
use crate::vouch::Vouch;

/// The ledger, and the lights that show it.
pub(crate) struct Board {
    ledger: Ledger,
    layout: Layout,
    palette: Palette,
    given: Vec<Light>,
    sessions: HashMap<Scope, Vec<Session>>,
    /// The last version that any light was told. One count for all: a light that goes and comes is never told less.
    version: u64,
    lease: Duration,
    vouch: watch::Receiver<Option<Vouch>>,
    leds: mpsc::Sender<(Light, usize)>,
    lines: Lines,
    links: JoinSet<()>,
    lit: bool,
    /// There are more lights than there is room for.
    crowded: bool,
}

struct Session {
    light: Light,
    order: watch::Sender<Order>,
    /// Nothing until the light has said it.
    leds: Option<usize>,
}

impl Board {
    /// A board on which nothing is known yet. Lights say on `leds` how many LEDs they have; while `vouch` doesn't hold,
    /// they are told nothing.
    pub(crate) fn new(
        settings: &Settings,
        vouch: watch::Receiver<Option<Vouch>>,
        leds: mpsc::Sender<(Light, usize)>,
        lines: Lines,
    ) -> Self {
        Self {
            ledger: Ledger::new(settings.filter()),
            layout: settings.layout,
            palette: Palette::default(),
            given: settings.lights.clone(),
            sessions: HashMap::new(),
            version: 0,
            lease: settings.lease,
            vouch,
            leds,
            lines,
            links: JoinSet::new(),
            lit: false,
            crowded: false,
        }
    }

    /// Takes in what became of a pod.
    pub(crate) fn pod(&mut self, change: Change<Pod>, now: Timestamp) {
        self.ledger.pod(change, now);
    }

    /// Takes in what became of a node.
    pub(crate) fn node(&mut self, change: Change<Node>) {
        self.ledger.node(change);
    }

    /// Takes in that time has passed.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.ledger.settle(now);
    }

    /// When time alone changes something.
    pub(crate) fn next_settle(&self) -> Option<Timestamp> {
        self.ledger.next_settle()
    }

    /// Takes in that `light` has this many LEDs.
    pub(crate) fn measured(&mut self, light: &Light, leds: usize) {
        let sessions = self.sessions.get_mut(&light.scope).into_iter().flatten();
        for session in sessions.filter(|session| session.light == *light && session.leds != Some(leds)) {
            session.leds = Some(leds);
            self.version += 1;
            session.tell(&self.ledger, self.layout, &self.palette, self.version);
        }
    }

    /// Tells each light that is concerned what has changed since the last time.
    pub(crate) fn publish(&mut self) {
        if !self.ledger.is_listed() {
            return;
        }
        let changed = self.ledger.take_changed();
        if changed.lights || !self.lit {
            self.lit = true;
            self.meet();
        }
        let nodes = changed.nodes.iter().map(|node| Scope::Node(node.to_string()));
        let namespaces = changed.namespaces.iter().map(|namespace| Scope::Namespace(namespace.to_string()));
        for scope in nodes.chain(namespaces).chain(changed.cluster.then_some(Scope::Cluster)) {
            for session in self.sessions.get(&scope).into_iter().flatten() {
                self.version += 1;
                session.tell(&self.ledger, self.layout, &self.palette, self.version);
            }
        }
    }

    /// Begins a session with each light that is new, and ends those with lights that are gone.
    fn meet(&mut self) {
        let mut lights = lights::all(&self.given, self.ledger.lights());
        let (count, room) = (lights.len(), self.lines.most());
        if count > room && !self.crowded {
            tracing::warn!(lights = count, room, "too few open files are allowed for all lights: raise `ulimit -n`");
        }
        self.crowded = count > room;
        self.sessions.retain(|_, sessions| {
            // What is left of `lights` then is new.
            sessions.retain(|session| lights.remove(&session.light));
            !sessions.is_empty()
        });
        for light in lights {
            self.version += 1;
            let show = show(&self.ledger, &light, None, self.layout, &self.palette, self.version);
            let (order, orders) = watch::channel(Order::Show(Arc::new(show)));
            let link = Link {
                light: light.clone(),
                lease: self.lease,
                order: orders,
                vouch: self.vouch.clone(),
                leds: self.leds.clone(),
                lines: self.lines.clone(),
                terms: Terms::Untried,
            };
            let url = light.url.clone();
            self.links.spawn(link.run(move || {
                let url = url.clone();
                async move { link::dial(&url).await }
            }));
            self.sessions.entry(light.scope.clone()).or_default().push(Session { light, order, leds: None });
        }
    }

    /// Waits until a session ends that should go on. Those with lights that are gone end by themselves.
    pub(crate) async fn fails(&mut self) -> anyhow::Error {
        loop {
            match self.links.join_next().await {
                Some(Err(error)) => return anyhow::Error::new(error).context("a light's session failed"),
                Some(Ok(())) => {
                    let ended = self.sessions.values().flatten().find(|session| session.order.is_closed());
                    if let Some(Session { light, .. }) = ended {
                        return anyhow::anyhow!("the session with the light of {light} ended");
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Hands all lights back, for as long as `patience` lasts. Those that don't answer go stale by themselves.
    pub(crate) async fn hand_back(mut self, patience: Duration) {
        for session in self.sessions.values().flatten() {
            session.order.send_replace(Order::HandBack);
        }
        let all = async { while self.links.join_next().await.is_some() {} };
        tokio::time::timeout(patience, all).await.ok();
    }
}

impl Session {
    /// Orders what is to show now, as `version`, where that differs from what was ordered last.
    fn tell(&self, ledger: &Ledger, layout: Layout, palette: &Palette, version: u64) {
        let show = show(ledger, &self.light, self.leds, layout, palette, version);
        self.order.send_if_modified(|order| match order {
            Order::Show(last) if last.reason == show.reason && last.looks == show.looks => false,
            Order::Show(_) | Order::HandBack => {
                *order = Order::Show(Arc::new(show));
                true
            }
        });
    }
}

/// What `light` is to show. Until it is known how many LEDs it has, they are all alike.
fn show(ledger: &Ledger, light: &Light, leds: Option<usize>, layout: Layout, palette: &Palette, version: u64) -> Show {
    let verdict = ledger.verdict(&light.scope);
    let looks: Vec<Look> = match leds {
        Some(leds) => policy::looks(&verdict, layout, leds, palette),
        None => policy::looks(&verdict, Layout::Same, 1, palette),
    };
    Show { version, node: light.to_string(), reason: policy::reason(&verdict), looks }
}

#[cfg(test)]
mod tests;
