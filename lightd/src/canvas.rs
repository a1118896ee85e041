//! Pure: the LEDs of one stick in time. Spreads a [`Scene`] over them, and says each frame and when the next is due.
//! Knows nothing of layers or reasons, nor of reports.

use std::collections::BTreeMap;
use std::time::Instant;

use podlight_proto::{Color, Look};

use crate::look::Led;

/// What all sticks of a light shall show, whatever their size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Spread evenly over the LEDs; never empty.
    base: Vec<Look>,
    /// Single LEDs that show something else.
    over: BTreeMap<u32, Look>,
}

impl Scene {
    /// `base` spread over all LEDs, but for those in `over`. An empty base is dark.
    pub fn new(base: Vec<Look>, over: BTreeMap<u32, Look>) -> Self {
        let base = if base.is_empty() { vec![Look::solid(Color::BLACK)] } else { base };
        Self { base, over }
    }

    /// All LEDs alike.
    pub fn all(look: Look) -> Self {
        Self::new(vec![look], BTreeMap::new())
    }

    /// What LED `index` of `leds` shall show.
    pub fn look(&self, index: usize, leds: usize) -> Look {
        let over = u32::try_from(index).ok().and_then(|index| self.over.get(&index));
        let spread = index * self.base.len() / leds.max(1);
        // The last, where the index is not one of `leds`.
        over.copied().unwrap_or_else(|| self.base[spread.min(self.base.len() - 1)])
    }
}

/// How a stick is mounted, and how bright it may be.
#[derive(Clone, Copy, Debug)]
pub struct Mount {
    /// The brightest that a part of a color may be, 1 to 255; all scale with it.
    pub max_brightness: u8,
    /// Upside down: the first LED is the last.
    pub flip: bool,
    /// LEDs that are lit by low values.
    pub inverse: bool,
}

impl Mount {
    /// The lowest value that a person sees on a Nano.
    const VISIBLE: u8 = 3;

    /// `frame` as this stick must be sent it: scaled, then inverted, then turned.
    pub fn apply(self, mut frame: Vec<Color>) -> Vec<Color> {
        for color in &mut frame {
            *color = color.map(|part| {
                let part = self.scale(part);
                if self.inverse { 255 - part } else { part }
            });
        }
        if self.flip {
            frame.reverse();
        }
        frame
    }

    /// A part that was to be seen stays to be seen: dimming must not turn a light dark.
    fn scale(self, part: u8) -> u8 {
        let scaled = u16::from(part) * u16::from(self.max_brightness) / 255;
        // At most `max_brightness`, a byte.
        u8::try_from(scaled).unwrap_or(u8::MAX).max(part.min(Self::VISIBLE).min(self.max_brightness))
    }
}

/// The LEDs of one stick.
#[derive(Debug)]
pub struct Canvas {
    leds: Vec<Led>,
}

impl Canvas {
    /// A stick of `leds` LEDs that was dark until it got `scene`, at `now`.
    pub fn new(leds: usize, scene: &Scene, now: Instant) -> Self {
        let led = |index| Led::new(Color::BLACK, scene.look(index, leds), now);
        Self { leds: (0..leds).map(led).collect() }
    }

    /// Takes up `scene`, from whatever shows at `now`.
    pub fn aim(&mut self, scene: &Scene, now: Instant) {
        let count = self.leds.len();
        for (index, led) in self.leds.iter_mut().enumerate() {
            led.aim(scene.look(index, count), now);
        }
    }

    /// What shows at `now`.
    pub fn frame(&self, now: Instant) -> Vec<Color> {
        self.leds.iter().map(|led| led.color(now)).collect()
    }

    /// When the frame next differs from that at `now`, or may; `None` if never.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        self.leds.iter().filter_map(|led| led.next_change(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use proptest::prelude::*;

    const RED: Color = Color::rgb(255, 0, 0);
    const GREEN: Color = Color::rgb(0, 25, 0);
    const BLUE: Color = Color::rgb(0, 0, 255);

    fn scene(colors: &[Color]) -> Scene {
        Scene::new(colors.iter().copied().map(Look::solid).collect(), BTreeMap::new())
    }

    fn shown(scene: &Scene, leds: usize) -> Vec<Color> {
        (0..leds).map(|index| scene.look(index, leds).color).collect()
    }

    #[test]
    fn looks_are_spread_evenly() {
        assert_eq!(shown(&scene(&[RED]), 2), [RED, RED]);
        assert_eq!(shown(&scene(&[RED, BLUE]), 2), [RED, BLUE]);
        assert_eq!(shown(&scene(&[RED, BLUE]), 4), [RED, RED, BLUE, BLUE]);
        assert_eq!(shown(&scene(&[RED, BLUE]), 1), [RED]);
    }

    #[test]
    fn single_leds_show_something_else() {
        let scene = Scene::new(vec![Look::solid(RED)], [(1, Look::solid(BLUE)), (9, Look::solid(GREEN))].into());
        assert_eq!(shown(&scene, 3), [RED, BLUE, RED]);
    }

    #[test]
    fn a_frame_is_scaled_then_inverted_then_turned() {
        let plain = Mount { max_brightness: 255, flip: false, inverse: false };
        assert_eq!(plain.apply(vec![RED, GREEN]), [RED, GREEN]);
        let mount = Mount { max_brightness: 51, flip: true, inverse: true };
        assert_eq!(mount.apply(vec![RED, GREEN]), [Color::rgb(255, 250, 255), Color::rgb(204, 255, 255)]);
    }

    proptest! {
        #[test]
        fn dimming_keeps_within_the_limit_and_never_turns_dark(part: u8, max_brightness in 1u8..) {
            let scaled = Mount { max_brightness, flip: false, inverse: false }.scale(part);
            prop_assert!(scaled <= max_brightness);
            prop_assert_eq!(scaled == 0, part == 0);
        }

        #[test]
        fn at_rest_the_canvas_shows_the_last_scene(
            steps in prop::collection::vec((any::<[u8; 3]>(), any::<bool>(), 0u64..500), 1..20),
            leds in 1usize..10,
        ) {
            #[expect(clippy::disallowed_methods, reason = "any instant serves as the origin")]
            let mut now = Instant::now();
            let mut canvas = Canvas::new(leds, &scene(&[BLUE]), now);
            let mut wanted = BLUE;
            for ([r, g, b], morph, wait) in steps {
                wanted = Color::rgb(r, g, b);
                canvas.aim(&Scene::all(if morph { Look::morph(wanted) } else { Look::solid(wanted) }), now);
                now += Duration::from_millis(wait);
            }
            while let Some(next) = canvas.next_change(now) {
                prop_assert!(next > now);
                now = next;
            }
            prop_assert_eq!(canvas.frame(now), vec![wanted; leds]);
        }
    }
}
