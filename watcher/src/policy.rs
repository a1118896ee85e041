//! What shows for a verdict, and why, in words; and the policy that says so.
//!
//! ```text
//!  text ──Policy::parse──▶ Policy: criteria ──▶ Ledger ──▶ Verdict ──▶ looks, reason, rule
//!                             └─ palette, layout, brightness ──────────────▲
//! ```
//!
//! Offers [`looks`] and [`reason`], the two halves of a command to a light, and [`rule()`], which names what decided. Pure:
//! the same verdict always shows the same.
//!
//! Looks are spread evenly over a light's LEDs (LED *i* of *n* shows look *i · len / n*): [`Layout::Same`] gives one,
//! [`Layout::Split`] two, [`Layout::Pods`] one for each LED.

mod fault;
mod file;
mod night;
mod palette;
mod presets;
mod question;
mod rule;
mod text;
mod tree;

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use podlight_proto::{Command, Look, Reason};

use crate::census::Trouble;
use crate::criteria::Criteria;
use crate::lights::Light;
use crate::standing::PodState;
use crate::timing::Rule;
use crate::verdict::{Cause, Footing, Verdict};

pub use fault::Fault;
pub use night::{Brightness, Night};
pub use palette::Palette;
pub use presets::Preset;
pub use question::Question;
pub use rule::rule;

/// What counts, and what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What counts, and when.
    pub criteria: Criteria,
    /// How it is spread over the LEDs of a light.
    pub layout: Layout,
    /// What it looks like.
    pub palette: Palette,
    /// How bright.
    pub brightness: Brightness,
    /// Lights besides those found in the cluster.
    pub lights: Vec<Light>,
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

impl Layout {
    /// As it is given.
    const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Split => "split",
            Self::Pods => "pods",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a light of so many LEDs shows for this verdict. Never empty. A scope wider than a node has no slots, and so shows
/// its worst pod on all LEDs under [`Layout::Pods`].
pub fn looks(verdict: &Verdict<'_>, layout: Layout, leds: usize, palette: &Palette) -> Vec<Look> {
    let leds = leds.clamp(1, Command::MOST_LOOKS);
    let one_for_each = |look| vec![look; if layout == Layout::Pods { leds } else { 1 }];
    match verdict.cause() {
        Cause::Footing(Footing::NotReady { .. }) => return one_for_each(palette.node_not_ready),
        Cause::Footing(Footing::Unknown { .. }) => return one_for_each(palette.node_unknown),
        Cause::Footing(Footing::Pressed { .. }) => return one_for_each(palette.node_pressure),
        Cause::Footing(Footing::Cordoned { .. }) => return one_for_each(palette.node_cordoned),
        Cause::Footing(Footing::Firm { .. }) | Cause::Pod(_) => {}
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

/// Why that shows: the node if it is not well, else the worst pod, else how many are well.
pub fn reason(verdict: &Verdict<'_>) -> Reason {
    let node = |text, since: Option<Timestamp>| Reason {
        text: bounded(text),
        since: since.map(SystemTime::from),
        ..Reason::default()
    };
    match verdict.cause() {
        Cause::Footing(Footing::NotReady { node: name, why, since }) => {
            node(format!("node {name} NotReady: {why}"), since)
        }
        Cause::Footing(Footing::Unknown { node: name, why }) => node(format!("node {name} Unknown: {why}"), None),
        Cause::Footing(Footing::Pressed { node: name, why, since }) => node(format!("node {name} {why}"), since),
        Cause::Pod(worst) => Reason {
            text: bounded(trouble(worst)),
            pod: bounded([&*worst.namespace, "/", &*worst.name].concat()),
            state: bounded(worst.word.to_string()),
            restarts: worst.restarts,
            since: worst.since.map(SystemTime::from),
        },
        Cause::Footing(Footing::Cordoned { .. } | Footing::Firm { cordoned: true }) => {
            node(format!("{}, node cordoned", health(verdict)), None)
        }
        Cause::Footing(Footing::Firm { cordoned: false }) => node(health(verdict), None),
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
    let Trouble { namespace, name, word, rule, .. } = worst;
    let parts: [&str; 5] = [namespace, "/", name, " ", word];
    let mut text = parts.concat();
    if let Some((ready, of)) = worst.ready {
        text += &format!(" ({ready}/{of} ready)");
    }
    if worst.restarts > 0 {
        text += &format!(" ×{}", worst.restarts);
    }
    text + match rule {
        Rule::State => "",
        Rule::Grace => ", of late",
        Rule::Hold => ", until a moment ago",
        Rule::Updating => ", updating",
    }
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
    let most = most.min(text.len());
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text
}

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
