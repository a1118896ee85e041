//! The lights: lightd's own `Light`, and what its service does around it. Each stands for `lightd/src/serve.rs` and
//! `keeper.rs`: a command is applied as it comes and answered, a stream whose peer is silent is closed. Sticks are not played:
//! what a light shows is what it tells its sticks to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lightd::light::{Layer, Light};
use podlight_proto::v1::color_status::Outcome;
use podlight_proto::{Command, Lease, v1};
use watcher::ledger::Scope;
use watcher::lights;
use watcher::pace::Mark;

use crate::net::Line;
use crate::words::{Down, Status, Told, Up};
use crate::world::{Event, World};

/// The names of the nodes. Each of the first has a light of its own.
pub(crate) const NODES: [&str; 3] = ["n0", "n1", "n2"];
/// Those lights that are found in the cluster.
pub(crate) const FOUND: usize = 2;
/// The one that is given by hand.
pub(crate) const GIVEN: &str = "cluster=http://10.0.0.3:50051";

/// As `serve::PING`: for how long a peer may say nothing, and then how long it may take to answer.
const PING: Duration = Duration::from_secs(20);

pub(crate) struct Lamp {
    pub(crate) scope: Scope,
    pub(crate) url: String,
    /// Nothing while lightd is down.
    pub(crate) light: Option<Light>,
    pub(crate) leds: usize,
    streams: BTreeMap<Line, Peer>,
    pub(crate) held: Option<Held>,
}

/// Who is at the other end of a stream.
struct Peer {
    heard: Instant,
    pinged: Option<Instant>,
}

/// What the light was told last and took, as the model keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) mark: Mark,
    pub(crate) reign: u64,
    pub(crate) until: Instant,
    /// No later may it show.
    pub(crate) bound: Instant,
}

impl Lamp {
    pub(crate) fn all() -> Vec<Self> {
        let lamp = |scope, url: String| Self {
            scope,
            url,
            light: Some(light(2)),
            leds: 2,
            streams: BTreeMap::new(),
            held: None,
        };
        let found = NODES[..FOUND].iter().enumerate();
        let found = found.map(|(i, node)| lamp(Scope::Node((*node).to_owned()), format!("http://{}:50051", ip(i))));
        let given: lights::Light = GIVEN.parse().expect("a light");
        found.chain([lamp(given.scope, given.url)]).collect()
    }

    /// What wins at `now`; nothing while lightd is down.
    pub(crate) fn layer(&self, now: Instant) -> Option<Layer> {
        self.light.as_ref().map(|light| light.layer(0, now))
    }

    /// Whether it shows what a watcher told it.
    pub(crate) fn tells(&self, now: Instant) -> bool {
        self.layer(now) == Some(Layer::Watcher)
    }
}

/// Where the lightd of a node listens.
pub(crate) fn ip(light: usize) -> String {
    format!("10.0.0.{}", light + 1)
}

fn light(leds: usize) -> Light {
    let mut light = Light::default();
    light.resize(leds);
    light
}

impl World {
    pub(crate) fn lamp_hears(&mut self, light: usize, line: Line, word: Up) {
        let now = self.now;
        let lamp = &mut self.lamps[light];
        if let Up::Closed = word {
            lamp.streams.remove(&line);
            // Whoever closed only their half hears that we close ours.
            if self.net.at(line).is_some_and(|it| it.near_open) {
                self.send_down(line, Down::Ended);
            } else {
                self.net.drop(line);
            }
            return;
        }
        if lamp.light.is_none() {
            return self.send_down(line, Down::Reset);
        }
        if let Up::Dial = word {
            lamp.streams.insert(line, Peer { heard: now, pinged: None });
            self.after(PING, Event::Pings { light, line });
            return self.send_down(line, Down::Accepted);
        }
        // A connection that this lightd, or the one before it, doesn't have.
        let Some(peer) = lamp.streams.get_mut(&line) else {
            return self.send_down(line, Down::Reset);
        };
        *peer = Peer { heard: now, pinged: None };
        match word {
            Up::Call => {
                self.send_down(line, Down::Called);
            }
            Up::Told(told) => self.lamp_applies(light, line, *told),
            Up::Ping => self.send_down(line, Down::Pong),
            Up::Pong | Up::Dial | Up::Closed | Up::Ask(_) => {}
        }
    }

    fn lamp_applies(&mut self, light: usize, line: Line, told: Told) {
        let Told { command, basis, reign, left } = told;
        let now = self.now;
        let command = Command::try_from(v1::ColorCommand::from(command)).expect("the watcher keeps the contract");
        let mark = Mark { epoch: command.epoch, version: command.version };
        let lease = Duration::from(command.lease);
        let over = command.lease == Lease::Over;
        let taken = self.lamps[light].light.as_mut().is_some_and(|light| light.command(command, now).is_ok());
        if !taken || over || self.lamps[light].held.is_none_or(|held| held.mark != mark) {
            let (verb, over) = (if taken { "takes" } else { "refuses" }, if over { ", the last" } else { "" });
            self.note(|| format!("light {light} {verb} {mark:?} of leader {reign}{over}"));
        }
        let held = Held { mark, reign, until: now + lease, bound: self.bound(basis, now - left) };
        self.judge(light, held, over, now - left, taken);
        self.at(now + lease, Event::Lapses);
        let outcome = if taken { Outcome::Applied } else { Outcome::Fenced };
        let leds = self.lamps[light].leds;
        self.send_down(line, Down::Status(Status { outcome, mark, leds }));
    }

    /// As hyper does: an idle peer is pinged, and one that doesn't answer is dropped.
    pub(crate) fn lamp_pings(&mut self, light: usize, line: Line) {
        let now = self.now;
        let Some(peer) = self.lamps[light].streams.get_mut(&line) else { return };
        match peer.pinged {
            Some(pinged) if now >= pinged + PING => {
                self.lamps[light].streams.remove(&line);
                self.send_down(line, Down::Ended);
            }
            Some(pinged) => self.at(pinged + PING, Event::Pings { light, line }),
            None if now >= peer.heard + PING => {
                peer.pinged = Some(now);
                self.send_down(line, Down::Ping);
                self.after(PING, Event::Pings { light, line });
            }
            None => {
                let next = peer.heard + PING;
                self.at(next, Event::Pings { light, line });
            }
        }
    }

    /// lightd ends. It forgets everything.
    pub(crate) fn lamp_ends(&mut self, light: usize) {
        let lamp = &mut self.lamps[light];
        lamp.light = None;
        lamp.held = None;
        for line in std::mem::take(&mut lamp.streams).into_keys() {
            self.send_down(line, Down::Reset);
        }
    }

    /// lightd starts.
    pub(crate) fn lamp_starts(&mut self, light: usize) {
        let lamp = &mut self.lamps[light];
        lamp.light = Some(self::light(lamp.leds));
    }

    /// Another stick is plugged in.
    pub(crate) fn lamp_resizes(&mut self, light: usize, leds: usize) {
        let lamp = &mut self.lamps[light];
        lamp.leds = leds;
        if let Some(light) = &mut lamp.light {
            light.resize(leds);
        }
        let status = Status { outcome: Outcome::Changed, mark: Mark { epoch: 0, version: 0 }, leds };
        for line in lamp.streams.keys().copied().collect::<Vec<_>>() {
            self.send_down(line, Down::Status(status.clone()));
        }
    }
}
