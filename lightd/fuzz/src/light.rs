//! What comes over gRPC, any bytes: parsed, checked and put to the light, and compared at each step with a model of the
//! layers.
//!
//! The bytes are steps: `kind (1) length (2, little endian) content`. Content is a message as it travels, or, where that
//! is to reach further into the light than made-up messages do, a few numbers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lightd::canvas::{Canvas, Scene};
use lightd::light::{IDLE, Layer, Light, STALE};
use podlight_proto::{Color, Command, Effect, Identify, Lease, Look, Reason, SetColor, v1};
use prost::Message;

/// More would only be slower.
const MOST_STEPS: usize = 100;
/// Of the stick that shows it.
const LEDS: usize = 8;

pub(crate) fn check(data: &[u8]) {
    let mut run = Run::new();
    let mut rest = data;
    for _ in 0..MOST_STEPS {
        let Some((&[kind, low, high], after)) = rest.split_first_chunk() else { return };
        let length = usize::from(u16::from_le_bytes([low, high])).min(after.len());
        let (content, after) = after.split_at(length);
        run.step(kind, content);
        run.compare();
        rest = after;
    }
}

/// The light, and what it should be.
struct Run {
    light: Light,
    canvas: Canvas,
    model: Model,
    now: Instant,
}

#[derive(Default)]
struct Model {
    leds: usize,
    watcher: Option<Held>,
    all: Option<(Look, Instant)>,
    single: BTreeMap<u32, (Look, Instant)>,
    identify: Option<Instant>,
}

struct Held {
    key: (u64, u64),
    looks: Vec<Look>,
    until: Instant,
}

impl Run {
    #[expect(clippy::disallowed_methods, reason = "any instant serves as the origin")]
    fn new() -> Self {
        let now = Instant::now();
        let canvas = Canvas::new(LEDS, &Scene::all(IDLE), now);
        Self { light: Light::default(), canvas, model: Model::default(), now }
    }

    fn step(&mut self, kind: u8, content: &[u8]) {
        match kind % 8 {
            0 => drop(parsed::<v1::ColorCommand, Command>(content).map(|command| self.command(command))),
            1 => drop(parsed::<v1::SetColorRequest, SetColor>(content).map(|set| self.set(set))),
            2 => drop(parsed::<v1::IdentifyRequest, Identify>(content).map(|identify| self.identify(identify))),
            3 => {
                self.light.release();
                (self.model.identify, self.model.all) = (None, None);
                self.model.single.clear();
            }
            4 => self.now += Duration::from_millis(100 * u64::from(number(content, 0))),
            5 => {
                self.model.leds = usize::from(number(content, 0)) % (Command::MOST_LOOKS + 1);
                self.light.resize(self.model.leds);
            }
            6 => self.command(small_command(content)),
            _ => {
                let [index, hold, red, ..] = numbers(content);
                let wish = v1::SetColorRequest {
                    color: Color::rgb(red, 0, 1).to_string(),
                    index: (index < 255).then_some(index.into()),
                    hold: Some(prost_types::Duration { seconds: i64::from(hold) + 1, nanos: 0 }),
                    ..v1::SetColorRequest::default()
                };
                self.set(wish.try_into().expect("each field is as it must be"));
            }
        }
        self.light.expire(self.now);
    }

    /// The higher of two commands stays while its lease lives; the newest does otherwise.
    fn command(&mut self, command: Command) {
        assert_eq!(
            Command::try_from(v1::ColorCommand::from(command.clone())),
            Ok(command.clone()),
            "it travels unharmed"
        );
        assert!(command.looks.len() <= Command::MOST_LOOKS && command.node.len() <= 253);
        let key = (command.epoch, command.version);
        let until = match command.lease {
            Lease::For(time) => self.now + time,
            Lease::Over => self.now,
        };
        let fenced = self.model.watcher.as_ref().is_some_and(|held| key < held.key && self.now < held.until);
        let looks = command.looks.clone();
        assert_eq!(self.light.command(command, self.now).is_err(), fenced);
        if !fenced {
            self.model.watcher = Some(Held { key, looks, until });
        }
    }

    fn set(&mut self, set: SetColor) {
        let (look, index, until) = (set.look, set.index, self.now + Duration::from(set.hold));
        let lacks = index.is_some_and(|index| index as usize >= self.model.leds);
        assert_eq!(self.light.set_color(set, self.now).is_err(), lacks);
        match index {
            _ if lacks => {}
            Some(index) => drop(self.model.single.insert(index, (look, until))),
            None => {
                self.model.single.clear();
                self.model.all = Some((look, until));
            }
        }
    }

    fn identify(&mut self, identify: Identify) {
        self.model.identify = Some(self.now + Duration::from(identify.hold));
        self.light.identify(identify, self.now);
    }

    fn compare(&mut self) {
        let Self { light, canvas, model, now } = self;
        let (now, leds) = (*now, model.leds.max(1));
        let held = light.watcher().map(|streamed| ((streamed.command.epoch, streamed.command.version), streamed.until));
        assert_eq!(held, model.watcher.as_ref().map(|held| (held.key, held.until)));

        let scene = light.scene(now);
        for index in 0..leds {
            let (layer, look) = model.shown(index, leds, now);
            assert_eq!(light.layer(index, now), layer, "LED {index}");
            if layer != Layer::Identify {
                assert_eq!(scene.look(index, leds), look, "LED {index}");
            }
        }
        let verdict = light.verdict(now);
        assert_eq!(verdict.layer, model.top(now));
        assert!(!verdict.reason.is_empty() || model.watcher.is_some());
        if let Some(deadline) = light.next_deadline(now) {
            assert!(deadline > now);
            assert_eq!(light.scene(deadline - Duration::from_nanos(1)), scene, "nothing changes before the deadline");
        }
        canvas.aim(&scene, now);
        assert_eq!(canvas.frame(now).len(), LEDS);
        let next = canvas.next_change(now);
        assert!(next.is_none_or(|next| next > now), "a frame is drawn once");
        let mut effects = (0..LEDS).map(|index| scene.look(index, LEDS).effect);
        if effects.all(|effect| matches!(effect, Effect::Solid | Effect::Blink { .. })) {
            let before = next.map_or(now, |next| next - Duration::from_nanos(1));
            assert_eq!(canvas.frame(before), canvas.frame(now), "nothing changes before the next frame");
        }
    }
}

impl Model {
    /// What LED `index` of `leds` shows, and by which layer. The look of identify is the light's own affair.
    fn shown(&self, index: usize, leds: usize, now: Instant) -> (Layer, Look) {
        let lives = |wish: &&(Look, Instant)| now < wish.1;
        let single = self.single.get(&(index as u32)).filter(lives);
        let below = match &self.watcher {
            None => (Layer::Idle, IDLE),
            Some(held) if now < held.until => (Layer::Watcher, held.looks[index * held.looks.len() / leds]),
            Some(_) => (Layer::Stale, STALE),
        };
        let manual = single.or(self.all.as_ref().filter(lives)).map_or(below, |wish| (Layer::Manual, wish.0));
        if self.identified(now) { (Layer::Identify, manual.1) } else { manual }
    }

    fn identified(&self, now: Instant) -> bool {
        self.identify.is_some_and(|until| now < until)
    }

    /// The highest layer that lives, also by an LED that no stick has any more.
    fn top(&self, now: Instant) -> Layer {
        let manual = self.single.values().chain(&self.all).any(|wish| now < wish.1);
        match &self.watcher {
            _ if self.identified(now) => Layer::Identify,
            _ if manual => Layer::Manual,
            None => Layer::Idle,
            Some(held) if now < held.until => Layer::Watcher,
            Some(_) => Layer::Stale,
        }
    }
}

/// What becomes of a message's bytes: nothing, an error in words, or what the contract allows.
fn parsed<W: Message + Default, T: TryFrom<W, Error = podlight_proto::Invalid>>(content: &[u8]) -> Option<T> {
    let invalid = match T::try_from(W::decode(content).ok()?) {
        Ok(checked) => return Some(checked),
        Err(invalid) => invalid.to_string(),
    };
    assert!(invalid.contains("is not valid; give "), "{invalid}");
    assert!(invalid.len() < 4096, "an error of {} bytes", invalid.len());
    None
}

fn small_command(content: &[u8]) -> Command {
    let [epoch, version, lease, red, looks, ..] = numbers(content);
    Command {
        epoch: epoch.into(),
        version: version.into(),
        lease: if lease == 0 { Lease::Over } else { Lease::For(Duration::from_secs(lease.into())) },
        node: "n1".to_owned(),
        reason: Reason { text: "why".to_owned(), ..Reason::default() },
        looks: (0..=looks).take(Command::MOST_LOOKS).map(|green| Look::solid(Color::rgb(red, green, 0))).collect(),
    }
}

/// The first bytes; zeros where there are none.
fn numbers(content: &[u8]) -> [u8; 8] {
    std::array::from_fn(|i| content.get(i).copied().unwrap_or_default())
}

fn number(content: &[u8], at: usize) -> u16 {
    let numbers = numbers(content);
    u16::from_le_bytes([numbers[at], numbers[at + 1]])
}
