//! Pure: one light, its layers, leases and fencing.
//!
//! Keeps what the watcher and people asked for, each with its deadline; says which layer wins at `now` and why, what
//! scene that makes, and when to look again. Knows nothing of sticks but how many LEDs a look can address.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use podlight_proto::{Color, Command, Identify, Invalid, Lease, Look, SetColor};

use crate::canvas::Scene;

/// What wins, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Nobody has spoken yet.
    Idle,
    /// The watcher's lease has lapsed.
    Stale,
    /// The watcher, while its lease lives.
    Watcher,
    /// A person's color.
    Manual,
    /// A person looks for this box.
    Identify,
}

/// What shows while nobody has spoken: a dim white that no pod state has.
pub const IDLE: Look = Look::solid(Color::rgb(6, 6, 6));
/// What shows while the truth is unknown.
pub const STALE: Look = Look::UNKNOWN;
/// What stays on the stick after lightd is gone, for nothing moves then: the stale look's color.
pub const GONE: Look = Look::solid(STALE.color);
/// What shows where a person looks for the box: white flashes, as fast as is harmless.
const IDENTIFY: Look = Look::blink(Color::WHITE, Duration::from_millis(400));

/// A command was refused: another holds a lease that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("epoch {} version {} is older than epoch {} version {}, whose lease lives", asked.0, asked.1, held.0, held.1)]
pub struct Fenced {
    asked: (u64, u64),
    held: (u64, u64),
}

/// One light.
#[derive(Debug, Default)]
pub struct Light {
    /// LEDs that a look can address; 0 until a stick was seen.
    leds: usize,
    watcher: Option<Streamed>,
    /// In the order they were set; at most one an index, and one without.
    manual: Vec<Manual>,
    identify: Option<Held>,
}

/// The watcher's last command.
#[derive(Debug)]
pub struct Streamed {
    /// The command.
    pub command: Command,
    /// When its lease lapses.
    pub until: Instant,
}

#[derive(Debug)]
struct Held {
    owner: String,
    until: Instant,
}

#[derive(Debug)]
struct Manual {
    look: Look,
    index: Option<u32>,
    held: Held,
}

/// What wins at a moment, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The highest layer that is live.
    pub layer: Layer,
    /// For people.
    pub reason: String,
    /// The person who set it, or nothing.
    pub owner: String,
    /// When the layer ends by itself.
    pub until: Option<Instant>,
}

impl Light {
    /// The light has sticks of at least `leds` LEDs.
    pub fn resize(&mut self, leds: usize) {
        self.leds = leds;
    }

    /// LEDs that a look can address; 0 until a stick was seen.
    pub const fn leds(&self) -> usize {
        self.leds
    }

    /// Takes up the watcher's whole desired look.
    ///
    /// # Errors
    /// [`Fenced`] while a later command's lease lives.
    pub fn command(&mut self, command: Command, now: Instant) -> Result<(), Fenced> {
        if let Some(Streamed { command: held, until }) = &self.watcher {
            let (asked, held) = ((command.epoch, command.version), (held.epoch, held.version));
            if asked < held && now < *until {
                return Err(Fenced { asked, held });
            }
        }
        let until = match command.lease {
            Lease::For(time) => now + time,
            Lease::Over => now,
        };
        self.watcher = Some(Streamed { command, until });
        Ok(())
    }

    /// Takes up a person's color, for one LED or, in place of all earlier ones, for all.
    ///
    /// # Errors
    /// [`Invalid`] where the light has no such LED.
    pub fn set_color(&mut self, set: SetColor, now: Instant) -> Result<(), Invalid> {
        if let Some(index) = set.index
            && usize::try_from(index).map_or(true, |index| index >= self.leds)
        {
            let want = match self.leds {
                0 => "none: no stick was seen yet, so its LEDs are unknown".to_owned(),
                leds => format!("0 to {}: the light has no other LEDs", leds - 1),
            };
            return Err(Invalid::new("index", index.to_string(), want));
        }
        self.manual.retain(|manual| set.index.is_some() && manual.index != set.index);
        let held = Held { owner: set.owner, until: now + Duration::from(set.hold) };
        self.manual.push(Manual { look: set.look, index: set.index, held });
        Ok(())
    }

    /// Shows whoever looks for this box where it is.
    pub fn identify(&mut self, identify: Identify, now: Instant) {
        self.identify = Some(Held { owner: identify.owner, until: now + Duration::from(identify.hold) });
    }

    /// Drops what people hold.
    pub fn release(&mut self) {
        self.identify = None;
        self.manual.clear();
    }

    /// Drops what people held until `now`. What the watcher said stays: it tells what was last known.
    pub fn expire(&mut self, now: Instant) {
        self.identify.take_if(|held| held.until <= now);
        self.manual.retain(|manual| now < manual.held.until);
    }

    /// When the light changes by itself: the next deadline after `now`.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let identify = self.identify.iter().map(|held| held.until);
        let manual = self.manual.iter().map(|manual| manual.held.until);
        let watcher = self.watcher.iter().map(|streamed| streamed.until);
        identify.chain(manual).chain(watcher).filter(|deadline| now < *deadline).min()
    }

    /// The watcher's last command, whether its lease lives or not.
    pub const fn watcher(&self) -> Option<&Streamed> {
        self.watcher.as_ref()
    }

    /// The layer of the watcher at `now`: what shows where no person interferes.
    fn below_people(&self, now: Instant) -> Layer {
        match &self.watcher {
            None => Layer::Idle,
            Some(streamed) if now < streamed.until => Layer::Watcher,
            Some(_) => Layer::Stale,
        }
    }

    /// The layer that LED `index` shows at `now`.
    pub fn layer(&self, index: usize, now: Instant) -> Layer {
        let addressed = |manual: &Manual| manual.index.is_none_or(|led| usize::try_from(led) == Ok(index));
        if self.identify.is_some() {
            Layer::Identify
        } else if self.manual.iter().any(addressed) {
            Layer::Manual
        } else {
            self.below_people(now)
        }
    }

    /// What wins at `now`, and why. To be asked after [`Light::expire`].
    pub fn verdict(&self, now: Instant) -> Verdict {
        if let Some(held) = &self.identify {
            let (reason, owner) = ("someone looks for this box".to_owned(), held.owner.clone());
            return Verdict { layer: Layer::Identify, reason, owner, until: Some(held.until) };
        }
        if let Some(last) = self.manual.last() {
            let until = self.manual.iter().map(|manual| manual.held.until).max();
            let (reason, owner) = ("set by hand".to_owned(), last.held.owner.clone());
            return Verdict { layer: Layer::Manual, reason, owner, until };
        }
        let layer = self.below_people(now);
        let (reason, until) = match &self.watcher {
            None => ("no watcher has spoken yet".to_owned(), None),
            Some(Streamed { command, until }) if layer == Layer::Watcher => (command.reason.text.clone(), Some(*until)),
            Some(Streamed { command, .. }) if command.lease == Lease::Over => ("the watcher has left".to_owned(), None),
            Some(Streamed { command, .. }) => {
                (format!("nothing heard from the watcher; it last said: {}", command.reason.text), None)
            }
        };
        Verdict { layer, reason, owner: String::new(), until }
    }

    /// What all sticks shall show at `now`. To be asked after [`Light::expire`].
    pub fn scene(&self, now: Instant) -> Scene {
        if self.identify.is_some() {
            return Scene::all(IDENTIFY);
        }
        let mut base = match &self.watcher {
            None => vec![IDLE],
            Some(streamed) if now < streamed.until => streamed.command.looks.clone(),
            Some(_) => vec![STALE],
        };
        let mut over = BTreeMap::new();
        for manual in &self.manual {
            match manual.index {
                Some(index) => drop(over.insert(index, manual.look)),
                None => base = vec![manual.look],
            }
        }
        Scene::new(base, over)
    }
}

#[cfg(test)]
mod tests;
