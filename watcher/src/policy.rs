//! What shows for a verdict, and why, in words.
//!
//! Offers [`looks`] and [`reason`], the two halves of a command to a light. Pure: the same verdict always shows the same.
//!
//! Looks are spread evenly over a light's LEDs (LED *i* of *n* shows look *i · len / n*): [`Layout::Same`] gives one,
//! [`Layout::Split`] two, [`Layout::Pods`] one for each LED.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use podlight_proto::{Color, Command, Look, Reason};

use crate::census::Trouble;
use crate::standing::PodState;
use crate::verdict::{Footing, Verdict};

/// What shows for each state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// There is no pod.
    pub absent: Look,
    /// All pods have done their work.
    pub completed: Look,
    /// Pods run and are ready.
    pub running: Look,
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
    /// Nobody can tell how the node is.
    pub node_unknown: Look,
}

/// How a verdict is spread over the LEDs of a light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// All LEDs alike: the worst.
    #[default]
    Same,
    /// The first half shows whether anything runs, the second half the worst.
    Split,
    /// An LED a pod; the last one shows the worst of all that are left.
    Pods,
}

/// The origin's colours. Failure shows at once, all else morphs. A node that nobody knows looks like a light that has gone
/// stale: both say "I don't know".
impl Default for Palette {
    fn default() -> Self {
        let red = Color::rgb(50, 0, 0);
        let yellow = Look::morph(Color::rgb(50, 50, 0));
        let dark = Look::morph(Color::BLACK);
        Self {
            absent: dark,
            completed: dark,
            running: Look::morph(Color::rgb(0, 25, 0)),
            unready: yellow,
            pending: yellow,
            deleting: Look::morph(Color::rgb(0, 0, 50)),
            failed: Look::solid(red),
            node_not_ready: Look::blink(red, Duration::from_secs(1)),
            node_unknown: Look::UNKNOWN,
        }
    }
}

impl Palette {
    /// What shows for a pod's state.
    pub const fn of(&self, state: PodState) -> Look {
        match state {
            PodState::Absent => self.absent,
            PodState::Completed => self.completed,
            PodState::Running => self.running,
            PodState::Unready => self.unready,
            PodState::Pending => self.pending,
            PodState::Deleting => self.deleting,
            PodState::Failed => self.failed,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Split => "split",
            Self::Pods => "pods",
        })
    }
}

/// What a light of so many LEDs shows for this verdict. Never empty. A scope wider than a node has no slots, and so shows
/// its worst pod on all LEDs under [`Layout::Pods`].
pub fn looks(verdict: &Verdict<'_>, layout: Layout, leds: usize, palette: &Palette) -> Vec<Look> {
    let leds = leds.clamp(1, Command::MOST_LOOKS);
    let one_for_each = |look| vec![look; if layout == Layout::Pods { leds } else { 1 }];
    match verdict.footing {
        Footing::NotReady { .. } => return one_for_each(palette.node_not_ready),
        Footing::Unknown { .. } => return one_for_each(palette.node_unknown),
        Footing::Firm { .. } => {}
    }
    let worst = verdict.tally.worst();
    match layout {
        Layout::Split if leds > 1 => {
            let runs = verdict.tally.count(PodState::Running) > 0;
            vec![palette.of(if runs { PodState::Running } else { PodState::Absent }), palette.of(worst)]
        }
        Layout::Pods if leds > 1 && !verdict.slots.is_empty() => {
            let (own, rest) = verdict.slots.split_at_checked(leds - 1).unwrap_or((&verdict.slots, &[]));
            let rest = rest.iter().copied().max().unwrap_or(PodState::Absent);
            let free = std::iter::repeat_n(PodState::Absent, leds - 1 - own.len());
            own.iter().copied().chain(free).chain([rest]).map(|state| palette.of(state)).collect()
        }
        Layout::Same | Layout::Split | Layout::Pods => one_for_each(palette.of(worst)),
    }
}

/// Why that shows: the node if it is not ready, else the worst pod, else how many are well.
pub fn reason(verdict: &Verdict<'_>) -> Reason {
    match (verdict.footing, verdict.worst) {
        (Footing::NotReady { node, why, since }, _) => {
            let text = bounded(format!("node {node} NotReady: {why}"));
            Reason { text, since: since.map(SystemTime::from), ..Reason::default() }
        }
        (Footing::Unknown { node, why }, _) => {
            Reason { text: bounded(format!("node {node} Unknown: {why}")), ..Reason::default() }
        }
        (Footing::Firm { .. }, Some(worst)) => Reason {
            text: bounded(trouble(worst)),
            pod: bounded(format!("{}/{}", worst.namespace, worst.name)),
            state: bounded(worst.word.to_string()),
            restarts: worst.restarts,
            since: worst.since.map(SystemTime::from),
        },
        (Footing::Firm { cordoned }, None) => {
            let cordoned = if cordoned { ", node cordoned" } else { "" };
            Reason { text: format!("{}{cordoned}", health(verdict)), ..Reason::default() }
        }
    }
}

/// The look of what somebody sees to: a quarter as bright, and still.
pub fn calm(look: Look) -> Look {
    Look::morph(look.color.map(|part| part.div_ceil(4)))
}

/// The reason, where somebody sees to it. `owner` is empty where nobody said who.
pub fn seen_to(reason: Reason, owner: &str) -> Reason {
    let by = if owner.is_empty() { String::new() } else { format!(" by {owner}") };
    let note = format!(" (seen to{by})");
    let text = cut(reason.text, Reason::LONGEST.saturating_sub(note.len())) + &note;
    Reason { text, ..reason }
}

fn trouble(worst: &Trouble) -> String {
    let Trouble { namespace, name, word, .. } = worst;
    let ready = worst.ready.map_or(Cow::Borrowed(""), |(ready, of)| format!(" ({ready}/{of} ready)").into());
    let restarts = if worst.restarts > 0 { format!(" ×{}", worst.restarts) } else { String::new() };
    format!("{namespace}/{name} {word}{ready}{restarts}")
}

fn health(verdict: &Verdict<'_>) -> String {
    let pods = |state, verb| match verdict.tally.count(state) {
        0 => None,
        1 => Some(format!("1 pod {verb}")),
        many => Some(format!("{many} pods {verb}")),
    };
    pods(PodState::Running, "running")
        .or_else(|| pods(PodState::Completed, "completed"))
        .unwrap_or_else(|| "no pods".to_owned())
}

/// What fits into a reason.
fn bounded(text: String) -> String {
    cut(text, Reason::LONGEST)
}

/// The first so many bytes, cut between characters.
fn cut(mut text: String, most: usize) -> String {
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests;
