//! Edge: a stick made of nothing, for those who have none. What its LEDs show can be watched.

use std::time::Duration;

use podlight_proto::Color;
use tokio::sync::watch;

use crate::blinkstick::{Mode, Model, Wire};
use crate::counts::Odometer;
use crate::stick::{Fault, Identity, Port, Problem, Stick};

/// LEDs of a virtual Flex: as many as a real one can have.
const FLEX: u8 = 32;

/// What the LEDs of a virtual stick show right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// "BlinkStick Nano".
    pub model: String,
    /// One an LED.
    pub colors: Vec<Color>,
}

/// A virtual stick, always plugged in.
#[derive(Clone)]
pub(crate) struct VirtualStick {
    identity: Identity,
    frames: watch::Sender<Frame>,
}

impl VirtualStick {
    /// A dark stick of `model`.
    pub(crate) fn new(model: Model) -> Self {
        let leds = Wire::of(model, Some(Mode::FRAMES), Some(FLEX)).leds();
        let model = model.to_string();
        let identity = Identity {
            model: model.clone(),
            serial: String::new(),
            path: String::new(),
            leds,
            interval: Duration::from_millis(20),
        };
        Self { identity, frames: watch::Sender::new(Frame { model, colors: vec![Color::BLACK; leds] }) }
    }

    /// What its LEDs show, now and from now on.
    pub(crate) fn frames(&self) -> watch::Receiver<Frame> {
        self.frames.subscribe()
    }
}

impl Port for VirtualStick {
    fn open(&mut self) -> Result<Box<dyn Stick>, Problem> {
        Ok(Box::new(self.clone()))
    }
}

impl Stick for VirtualStick {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn show(&mut self, frame: &[Color], _: &Odometer) -> Result<(), Fault> {
        self.frames.send_if_modified(|shown| {
            let news = shown.colors != frame;
            shown.colors = frame.to_vec();
            news
        });
        Ok(())
    }

    fn gone(&self) -> bool {
        false
    }
}
