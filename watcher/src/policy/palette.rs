//! What shows for each state, and the palettes that come with podlight.

use std::time::Duration;

use podlight_proto::{Color, Look};

use crate::standing::PodState;

/// What shows for each state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// There is no pod.
    pub absent: Look,
    /// All pods have done their work.
    pub completed: Look,
    /// Pods run and are ready.
    pub running: Look,
    /// A pod comes or goes as its owner replaces pods, and that gets on.
    pub updating: Look,
    /// A pod runs and is not ready.
    pub unready: Look,
    /// A pod has not begun.
    pub pending: Look,
    /// A pod is on its way out.
    pub deleting: Look,
    /// A pod has failed.
    pub failed: Look,
    /// The node is not ready.
    pub node_not_ready: Look,
    /// The node runs short of memory, disk or process ids.
    pub node_pressure: Look,
    /// The node takes no new pods.
    pub node_cordoned: Look,
    /// Nobody can tell how the node is.
    pub node_unknown: Look,
}

const RED: Color = Color::rgb(50, 0, 0);
const GREEN: Color = Color::rgb(0, 25, 0);
const BLUE: Color = Color::rgb(0, 0, 50);
const AMBER: Color = Color::rgb(50, 20, 0);

/// The origin's colors. Failure shows at once, all else morphs. A node that nobody knows looks like a light that has gone
/// stale: both say "I don't know".
impl Default for Palette {
    fn default() -> Self {
        let yellow = Look::morph(Color::rgb(50, 50, 0));
        let dark = Look::morph(Color::BLACK);
        Self {
            absent: dark,
            completed: dark,
            running: Look::morph(GREEN),
            updating: Look::pulse(GREEN, Duration::from_secs(3)),
            unready: yellow,
            pending: yellow,
            deleting: Look::morph(BLUE),
            failed: Look::solid(RED),
            node_not_ready: Look::blink(RED, Duration::from_secs(1)),
            node_pressure: Look::pulse(AMBER, Duration::from_secs(2)),
            node_cordoned: Look::morph(Color::rgb(0, 20, 20)),
            node_unknown: Look::UNKNOWN,
        }
    }
}

impl Palette {
    /// States differ by rhythm as well as by hue, and hues by blue against yellow, which nearly everyone can tell.
    pub(crate) fn color_blind_safe() -> Self {
        let blue = Color::rgb(0, 20, 50);
        let yellow = Color::rgb(50, 40, 0);
        let orange = Color::rgb(60, 18, 0);
        Self {
            running: Look::morph(blue),
            updating: Look::pulse(blue, Duration::from_secs(3)),
            unready: Look::morph(yellow),
            pending: Look::pulse(yellow, Duration::from_secs(3)),
            deleting: Look::pulse(Color::rgb(30, 30, 30), Duration::from_secs(3)),
            failed: Look::blink(orange, Duration::from_millis(1500)),
            node_not_ready: Look::blink(orange, Duration::from_millis(500)),
            node_pressure: Look::pulse(orange, Duration::from_secs(1)),
            node_cordoned: Look::morph(Color::rgb(20, 20, 20)),
            ..Self::default()
        }
    }

    /// What shows for a pod's state.
    pub const fn of(&self, state: PodState) -> Look {
        match state {
            PodState::Absent => self.absent,
            PodState::Completed => self.completed,
            PodState::Running => self.running,
            PodState::Updating => self.updating,
            PodState::Unready => self.unready,
            PodState::Pending => self.pending,
            PodState::Deleting => self.deleting,
            PodState::Failed => self.failed,
        }
    }

    pub(crate) const fn of_mut(&mut self, state: PodState) -> &mut Look {
        match state {
            PodState::Absent => &mut self.absent,
            PodState::Completed => &mut self.completed,
            PodState::Running => &mut self.running,
            PodState::Updating => &mut self.updating,
            PodState::Unready => &mut self.unready,
            PodState::Pending => &mut self.pending,
            PodState::Deleting => &mut self.deleting,
            PodState::Failed => &mut self.failed,
        }
    }

    /// The same at these shares of its brightness, in percent: failures at the one, all else at the other. That nobody knows
    /// looks the same everywhere.
    pub(crate) fn dimmed(&self, failures: u8, others: u8) -> Self {
        let at = |percent| move |look: Look| Look { color: look.color.map(|part| share(part, percent)), ..look };
        let (failure, other) = (at(failures), at(others));
        Self {
            absent: other(self.absent),
            completed: other(self.completed),
            running: other(self.running),
            updating: other(self.updating),
            unready: other(self.unready),
            pending: other(self.pending),
            deleting: other(self.deleting),
            failed: failure(self.failed),
            node_not_ready: failure(self.node_not_ready),
            node_pressure: other(self.node_pressure),
            node_cordoned: other(self.node_cordoned),
            node_unknown: self.node_unknown,
        }
    }
}

/// So many hundredths of it, rounded. What isn't to be dark is not: the least light keeps its hue.
fn share(part: u8, percent: u8) -> u8 {
    let share = (u32::from(part) * u32::from(percent) + 50) / 100;
    let least = u8::from(part > 0 && percent > 0);
    u8::try_from(share).unwrap_or(u8::MAX).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_light_keeps_its_hue_and_none_is_dark() {
        for (part, percent, want) in
            [(50, 100, 50), (50, 20, 10), (50, 1, 1), (1, 1, 1), (255, 50, 128), (50, 0, 0), (0, 9, 0)]
        {
            assert_eq!(share(part, percent), want, "{percent} % of {part}");
        }
    }

    #[test]
    fn what_is_safe_to_the_color_blind_differs_by_rhythm_or_by_more_than_red_against_green() {
        let palette = Palette::color_blind_safe();
        let looks: Vec<_> = PodState::ALL[2..]
            .iter()
            .map(|state| palette.of(*state))
            .chain([palette.node_not_ready, palette.node_pressure, palette.node_unknown])
            .collect();
        for (i, one) in looks.iter().enumerate() {
            for other in &looks[..i] {
                let far = one.color.b.abs_diff(other.color.b) > 15;
                assert!(one.effect != other.effect || far, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn failures_may_stay_bright_and_the_unknown_always_looks_the_same() {
        let dimmed = Palette::default().dimmed(100, 20);
        assert_eq!(
            (dimmed.failed, dimmed.node_not_ready),
            (Palette::default().failed, Palette::default().node_not_ready)
        );
        assert_eq!(dimmed.running, Look::morph(Color::rgb(0, 5, 0)));
        assert_eq!(Palette::default().dimmed(0, 0).node_unknown, Look::UNKNOWN);
    }
}
