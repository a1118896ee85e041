//! Joins what is known with who is to show it: keeps the ledger, for each light its session and its newest order, and who
//! sees to what. Refuses to know how the API and the lights are reached. What people ask of all that, [`answers`] says.
//!
//! A light is told only of what concerns it, and only where that differs from what it was told last. Nothing is told
//! before both first lists are complete: half the truth would be a lie.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use podlight_proto::v1::Vouching;
use podlight_proto::{Look, Reason};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::acks::Acks;
use crate::ask::{Ask, Desk};
use crate::connection::Connection;
use crate::dial::Dial;
use crate::election;
use crate::figures::Counts;
use crate::ledger::{Change, Ledger, Scope};
use crate::lights::{self, Light};
use crate::lines::Lines;
use crate::link::{Link, Order, Show, Word};
use crate::node::Node;
use crate::pod::Pod;
use crate::policy::{self, Layout, Palette, Policy};
use crate::roster::Roster;
use crate::seen::{Seen, Terms};
use crate::vouch::Vouch;
use crate::wait::Wait;

mod answers;
mod measured;

/// The ledger, and the lights that show it.
pub(crate) struct Board {
    ledger: Ledger,
    policy: Arc<Policy>,
    /// As it shows now.
    palette: Palette,
    /// When it shows otherwise.
    dims: Option<Timestamp>,
    /// All is to be told again.
    anew: bool,
    sessions: HashMap<Scope, Vec<Session>>,
    acks: Acks,
    roster: Roster,
    /// Counts what changes for people, for whoever waits for that.
    news: watch::Sender<u64>,
    /// What the roster counted when that was last said.
    announced: u64,
    vouching: Vouching,
    /// Where the watcher runs that leads, while this one doesn't.
    leader: watch::Sender<Option<IpAddr>>,
    counts: Counts,
    /// Since when what is taken in waits to be shown. Nothing before anything is.
    taken: Option<Instant>,
    /// The last version that any light was told. One count for all: a light that goes and comes is never told less.
    version: u64,
    lease: Duration,
    vouch: watch::Receiver<Option<Vouch>>,
    words: mpsc::Sender<(Arc<Light>, Word)>,
    lines: Lines,
    dial: Dial,
    links: JoinSet<()>,
    lit: bool,
    /// There are more lights than there is room for.
    crowded: bool,
}

struct Session {
    light: Arc<Light>,
    order: watch::Sender<Order>,
    seen: Seen,
    /// For what people want of the light. Nothing while no stream is open.
    connection: Option<Connection>,
    /// It was reached before.
    met: bool,
}

impl Board {
    /// A board on which nothing is known yet, under this policy at `now`. Lights are reached by `dial`, and what is learned
    /// of them is sent to `words`; while `vouch` doesn't hold, they are told nothing.
    pub(crate) fn new(
        policy: Arc<Policy>,
        lease: Duration,
        now: Timestamp,
        vouch: watch::Receiver<Option<Vouch>>,
        words: mpsc::Sender<(Arc<Light>, Word)>,
        lines: Lines,
        dial: Dial,
    ) -> Self {
        Self {
            ledger: Ledger::new(policy.criteria.clone()),
            palette: policy.brightness.palette(&policy.palette, now),
            dims: policy.brightness.changes(now),
            policy,
            anew: false,
            sessions: HashMap::new(),
            acks: Acks::default(),
            roster: Roster::default(),
            news: watch::Sender::new(0),
            announced: 0,
            vouching: Vouching::default(),
            leader: watch::Sender::new(None),
            counts: Counts::default(),
            taken: None,
            version: 0,
            lease,
            vouch,
            words,
            lines,
            dial,
            links: JoinSet::new(),
            lit: false,
            crowded: false,
        }
    }

    /// From now on, this policy holds. True where pods and nodes must be listed anew for it: what it names wasn't kept.
    pub(crate) fn obey(&mut self, policy: Arc<Policy>, now: Timestamp) -> bool {
        let old = std::mem::replace(&mut self.policy, policy);
        self.lit &= old.lights == self.policy.lights;
        let dropped = |light: &Light| old.lights.contains(light) && !self.policy.lights.contains(light);
        for session in self.sessions.values().flatten().filter(|session| dropped(&session.light)) {
            // It still listens, and needn't wait for its lease to lapse.
            session.order.send_replace(Order::HandBack);
        }
        self.dim(now);
        let differs = old.criteria != self.policy.criteria;
        if differs {
            self.ledger.obey(self.policy.criteria.clone());
        }
        differs
    }

    /// Shows as the policy says at `now`.
    fn dim(&mut self, now: Timestamp) {
        self.palette = self.policy.brightness.palette(&self.policy.palette, now);
        self.dims = self.policy.brightness.changes(now);
        self.anew = true;
    }

    /// It is `now`, and what is taken in from here on waits since then to be shown.
    pub(crate) const fn takes_in(&mut self, now: Instant) {
        self.taken = Some(now);
    }

    /// Takes in what became of a pod.
    pub(crate) fn pod(&mut self, change: Change<Pod>, now: Timestamp) {
        self.counts.pods.takes(&change);
        self.ledger.pod(change, now);
    }

    /// Takes in what became of a node.
    pub(crate) fn node(&mut self, change: Change<Node>) {
        self.counts.nodes.takes(&change);
        self.ledger.node(change);
    }

    /// Takes in that time has passed.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.ledger.settle(now);
        for node in self.acks.settle(now) {
            self.look_again(&node);
        }
        if self.dims.is_some_and(|at| at <= now) {
            self.dim(now);
        }
    }

    /// When time alone changes something.
    pub(crate) fn next_settle(&self) -> Option<Timestamp> {
        self.ledger.next_settle().into_iter().chain(self.acks.next_settle()).chain(self.dims).min()
    }

    /// Takes in what was learned of `light` at `now`.
    pub(crate) fn heard(&mut self, light: &Light, word: Word, now: Instant) {
        let sessions = self.sessions.get_mut(&light.scope).into_iter().flatten();
        let Some(session) = sessions.into_iter().find(|session| *session.light == *light) else { return };
        let leds = session.seen.leds();
        let news = match word {
            Word::Open(connection) => {
                session.connection = Some(*connection);
                self.counts.reconnects += u64::from(std::mem::replace(&mut session.met, true));
                false
            }
            Word::Closed => {
                session.connection = None;
                false
            }
            Word::Took(time) => {
                self.counts.acknowledged.observe(time);
                false
            }
            Word::State(state) => session.seen.says(*state, now),
            Word::Same => {
                session.seen.repeats(now);
                false
            }
            Word::Terms(terms, why) => session.seen.stands(terms, why),
        };
        let measured = session.seen.leds().is_some_and(|now| leds != Some(now));
        if let (Scope::Node(node), true) = (&light.scope, news) {
            self.roster.touch(node);
        }
        if measured {
            self.tell(&light.scope);
        }
    }

    /// Takes in whether what is known is `fresh`, whether this watcher `leads`, and which one does, as the election names it.
    pub(crate) fn stands(&mut self, fresh: bool, leads: bool, leader: &str) {
        let was = &self.vouching;
        if was.leads != leads {
            // What it knows of any light.
            self.roster.touch_all();
            for session in self.sessions.values().flatten() {
                if let Order::Show(show) = &*session.order.borrow() {
                    show.wait.forget();
                }
            }
        }
        if (was.fresh, was.leads, was.leader.as_str()) != (fresh, leads, leader) {
            self.vouching = Vouching { fresh, leads, leader: leader.to_owned() };
            self.news.send_modify(|news| *news += 1);
        }
        let leader = if leads { None } else { self.ledger.watcher(election::host(leader)) };
        self.leader.send_if_modified(|known| std::mem::replace(known, leader) != leader);
    }

    /// Where people's questions are answered, which go by `asks`.
    pub(crate) fn desk(&self, asks: mpsc::Sender<Ask>) -> Desk {
        Desk { asks, news: self.news.subscribe(), leader: self.leader.subscribe() }
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
        if std::mem::take(&mut self.anew) {
            let nodes: Vec<_> = self.roster.nodes().map(Arc::clone).collect();
            nodes.iter().for_each(|node| self.look_again(node));
            let scopes: Vec<_> =
                self.sessions.keys().filter(|scope| !matches!(scope, Scope::Node(_))).cloned().collect();
            scopes.iter().for_each(|scope| self.tell(scope));
        }
        for node in changed.nodes.iter().filter(|node| !node.is_empty()) {
            self.look_again(node);
        }
        let namespaces = changed.namespaces.iter().map(|namespace| Scope::Namespace(namespace.to_string()));
        for scope in namespaces.chain(changed.cluster.then_some(Scope::Cluster)) {
            self.tell(&scope);
        }
        if std::mem::replace(&mut self.announced, self.roster.count()) != self.roster.count() {
            self.news.send_modify(|news| *news += 1);
        }
    }

    /// This node may have come to something else.
    fn look_again(&mut self, node: &str) {
        let scope = Scope::Node(node.to_owned());
        if self.acks.of(node).is_some() {
            self.acks.review(node, &self.ledger.verdict(&scope));
        }
        if self.ledger.has(node) || self.sessions.contains_key(&scope) {
            self.roster.touch(node);
        } else {
            self.roster.remove(node);
        }
        self.tell(&scope);
    }

    /// Orders what is to show now of this scope, where that differs from what was ordered last.
    fn tell(&mut self, scope: &Scope) {
        for session in self.sessions.get(scope).into_iter().flatten() {
            self.version += 1;
            let mut show = self.show(&session.light, session.seen.leds(), self.version);
            session.order.send_if_modified(|order| match order {
                Order::Show(last) if last.reason == show.reason && last.looks == show.looks => false,
                Order::Show(_) | Order::HandBack => {
                    if let (Order::Show(last), Some(taken), true) = (&*order, self.taken, self.vouching.leads) {
                        show.wait = Wait::after(&last.wait, taken);
                    }
                    *order = Order::Show(Arc::new(show));
                    true
                }
            });
        }
    }

    /// What `light` is to show.
    fn show(&self, light: &Light, leds: Option<usize>, version: u64) -> Show {
        let (looks, reason) = self.face(&light.scope, leds);
        Show { version, reason, looks, wait: Wait::none() }
    }

    /// What shows of a scope on so many LEDs, and why. Until it is known how many they are, they are all alike.
    fn face(&self, scope: &Scope, leds: Option<usize>) -> (Vec<Look>, Reason) {
        let verdict = self.ledger.verdict(scope);
        let (layout, leds) = leds.map_or((Layout::Same, 1), |leds| (self.policy.layout, leds));
        let (looks, reason) = (policy::looks(&verdict, layout, leds, &self.palette), policy::reason(&verdict));
        let ack = if let Scope::Node(node) = scope { self.acks.of(node) } else { None };
        match ack {
            Some(ack) => (looks.into_iter().map(policy::calm).collect(), policy::seen_to(reason, &ack.owner)),
            None => (looks, reason),
        }
    }

    /// Begins a session with each light that is new, and ends those with lights that are gone.
    fn meet(&mut self) {
        let mut lights = lights::all(&self.policy.lights, self.ledger.lights(), self.dial.is_secure());
        let (count, room) = (lights.len(), self.lines.most());
        if count > room && !self.crowded {
            tracing::warn!(lights = count, room, "too few open files are allowed for all lights: raise `ulimit -n`");
        }
        self.crowded = count > room;
        let mut concerned = HashSet::new();
        self.sessions.retain(|scope, sessions| {
            let before = sessions.len();
            // What is left of `lights` then is new.
            sessions.retain(|session| lights.remove(&*session.light));
            if sessions.len() != before {
                concerned.insert(scope.clone());
            }
            !sessions.is_empty()
        });
        for light in lights.into_iter().map(Arc::new) {
            self.version += 1;
            let (order, orders) = watch::channel(Order::Show(Arc::new(self.show(&light, None, self.version))));
            let link = Link {
                light: Arc::clone(&light),
                lease: self.lease,
                order: orders,
                vouch: self.vouch.clone(),
                words: self.words.clone(),
                lines: self.lines.clone(),
                trust: self.dial.trust().filter(|_| light.is_secure()),
                terms: Terms::Untried,
            };
            let (dial, is_given) = (self.dial.clone(), self.policy.lights.contains(&light));
            let dialed = Arc::clone(&light);
            self.links.spawn(link.run(move || dial.clone().dial(Arc::clone(&dialed), is_given)));
            concerned.insert(light.scope.clone());
            let session = Session { light, order, seen: Seen::default(), connection: None, met: false };
            let sessions = self.sessions.entry(session.light.scope.clone()).or_default();
            // Nearly always it is the only one, and a vector would begin with room for four.
            sessions.reserve_exact(1);
            sessions.push(session);
        }
        for scope in concerned {
            if let Scope::Node(node) = scope {
                self.look_again(&node);
            }
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

#[cfg(test)]
mod tests;
