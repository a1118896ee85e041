//! What was true when, and which faults were on: decides whether a light may show what it shows. Pure: all times are
//! arguments. Refuses to know how faults are made and lights are asked.
//!
//! A light may show the truth of the present. While a fault is on, and until [`HEALED`] after it, it may also show an
//! older truth, of no more than [`SILENCE`] + [`LEASE`] ago, or that it doesn't know; and once nobody can vouch for
//! anything any more, that alone. To all this comes [`FLIGHT`], and by how much this process itself runs late.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use podlight_proto::Color;
use podlight_proto::v1::Effect;

use crate::face::{self, Face, Shown};
use crate::fault::Kind;
use crate::objects::{Crowd, Footing};

/// The watcher's settings.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
pub(crate) const SILENCE: Duration = Duration::from_secs(4);
/// From an object's change to a light's.
pub(crate) const FLIGHT: Duration = Duration::from_secs(1);
/// From the end of a fault to the truth.
pub(crate) const HEALED: Duration = Duration::from_secs(10);

/// For how long truths are kept: longer than anything looks back.
const MEMORY: Duration = Duration::from_secs(60);

/// Of the truths that were allowed, those that a lie is told with.
const TOLD: usize = 16;

/// A light showed what it may not.
#[derive(Debug)]
pub(crate) struct Lie {
    pub(crate) shown: String,
    pub(crate) allowed: String,
}

/// What a fault of this kind has come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    pub(crate) times: u32,
    /// Longest time from its beginning until a light showed that it doesn't know.
    pub(crate) to_stale: Option<Duration>,
    /// Longest time from its end until a light showed the truth of the present.
    pub(crate) to_truth: Option<Duration>,
}

#[derive(Default)]
pub(crate) struct Book {
    pages: Vec<Page>,
    tolls: BTreeMap<Kind, Toll>,
    /// Looks at a light's state, and at its LEDs.
    pub(crate) looks: u64,
    pub(crate) frames: u64,
    /// Of the looks those for which more than a second was allowed as this process ran late.
    pub(crate) loose: u64,
    /// Of the looks those with no fault around; and of these those that were at a color, of so many that were allowed.
    pub(crate) strict: u64,
    pub(crate) colors: u64,
    pub(crate) allowed: u64,
}

/// What was so, each with when it came true.
struct Series<T>(VecDeque<(Instant, T)>);

/// How far to look back: from so long before a light was asked, to when it had answered.
#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    to: Instant,
}

/// A light's.
struct Page {
    /// Nodes and pods are two watches: what is known of the one may be older than what is known of the other.
    footings: Series<Footing>,
    crowds: Series<Crowd>,
    ills: Vec<Ill>,
    /// When the last fault ended, or all began.
    healed: Instant,
    /// The kind of that fault, until the truth was shown again.
    recovers: Option<Kind>,
    /// When the light, since it was started, was first seen to have been told something.
    told: Option<Instant>,
    still: Option<Still>,
}

struct Ill {
    kind: Kind,
    since: Instant,
    /// When the light must have shown that it doesn't know, if this lasts.
    stale: Option<Instant>,
    /// Whether the light has shown since that it doesn't know.
    admitted: bool,
}

/// A look that LEDs are to be at rest in.
struct Still {
    look: (Color, Effect),
    /// Since when, or when the LEDs were last seen to show it.
    fine: Instant,
}

impl Book {
    /// So many lights, of which nothing is known yet.
    pub(crate) fn new(lights: usize, now: Instant) -> Self {
        let page = |_| Page {
            footings: Series(VecDeque::new()),
            crowds: Series(VecDeque::new()),
            ills: Vec::new(),
            healed: now,
            recovers: None,
            told: None,
            still: None,
        };
        Self { pages: (0..lights).map(page).collect(), ..Self::default() }
    }

    pub(crate) const fn tolls(&self) -> &BTreeMap<Kind, Toll> {
        &self.tolls
    }

    /// This is true of a light's node and pods from now on.
    pub(crate) fn truth(&mut self, light: usize, footing: Footing, crowd: Crowd, now: Instant) {
        self.pages[light].footings.push(footing, now);
        self.pages[light].crowds.push(crowd, now);
    }

    /// A fault begins, for these lights.
    pub(crate) fn begin(&mut self, kind: Kind, lights: &[usize], now: Instant) {
        self.tolls.entry(kind).or_default().times += 1;
        for light in lights {
            let page = &mut self.pages[*light];
            // A light that can't be reached isn't handed back: it has its lease.
            let reached = page.ills.is_empty() && page.healed + HEALED < now;
            let within = kind.stale_within().map(|time| if reached { time } else { time.max(LEASE) });
            page.ills.push(Ill { kind, since: now, stale: within.map(|time| now + time), admitted: false });
        }
    }

    /// It is over.
    pub(crate) fn end(&mut self, kind: Kind, lights: &[usize], now: Instant) {
        for light in lights {
            let page = &mut self.pages[*light];
            page.ills.retain(|ill| ill.kind != kind);
            page.healed = now;
            page.recovers = page.ills.is_empty().then_some(kind);
        }
    }

    /// A light was started anew, and knows nothing.
    pub(crate) fn born(&mut self, light: usize) {
        let page = &mut self.pages[light];
        (page.told, page.still) = (None, None);
        // Nobody could look at it, so nobody knows when it would have shown what.
        page.ills.iter_mut().for_each(|ill| ill.admitted = true);
    }

    /// A light that was asked, and has answered, says that it shows this.
    pub(crate) fn look(
        &mut self,
        light: usize,
        shown: &Shown,
        (asked, answered): (Instant, Instant),
        late: Duration,
    ) -> Result<(), Lie> {
        let page = &mut self.pages[light];
        let calm = page.ills.is_empty() && page.healed + HEALED + late < asked;
        self.looks += 1;
        self.loose += u64::from(late > Duration::from_secs(1));
        self.strict += u64::from(calm);
        let span = |back: Duration| Span { from: asked - back - late, to: answered };
        let present = span(FLIGHT);
        let lie = |allowed: String| Err(Lie { shown: shown.to_string(), allowed });
        let face = match shown {
            Shown::Odd(_) => return lie("what the watcher says, stale, or idle".to_owned()),
            Shown::Idle if page.told.is_some_and(|told| told < asked) => {
                return lie("anything but idle: it has been told before".to_owned());
            }
            // A lease is renewed when a third of it is over: whoever runs so late that it lapses can't be vouched for.
            Shown::Idle | Shown::Stale if calm && late < LEASE * 2 / 3 => return lie(page.list(present)),
            Shown::Idle | Shown::Stale => {
                if *shown == Shown::Stale {
                    page.told.get_or_insert(answered);
                }
                for ill in page.ills.iter_mut().filter(|ill| !ill.admitted) {
                    ill.admitted = true;
                    let toll = self.tolls.entry(ill.kind).or_default();
                    toll.to_stale = toll.to_stale.max(ill.stale.map(|_| answered.saturating_duration_since(ill.since)));
                }
                return Ok(());
            }
            Shown::Face(face) => face,
        };
        page.told.get_or_insert(answered);
        let overdue = |ill: &&Ill| ill.stale.is_some_and(|stale| stale + FLIGHT + late < asked);
        if let Some(ill) = page.ills.iter().find(overdue) {
            return lie(format!("stale: {} for {:.1?}", ill.kind.name(), answered - ill.since));
        }
        let now_told = page.was_true(face, present);
        let allowed = if calm { present } else { span(SILENCE + LEASE + FLIGHT) };
        if calm {
            self.colors += 1;
            self.allowed += page.colors(present);
        }
        if !now_told && !page.was_true(face, allowed) {
            return lie(page.list(allowed) + if calm { "" } else { "\n    or stale" });
        }
        if now_told
            && page.ills.is_empty()
            && let Some(kind) = page.recovers.take()
        {
            let toll = self.tolls.entry(kind).or_default();
            toll.to_truth = toll.to_truth.max(Some(answered.saturating_duration_since(page.healed)));
        }
        Ok(())
    }

    /// A light that says that it shows this has these LEDs.
    pub(crate) fn frame(
        &mut self,
        light: usize,
        shown: &Shown,
        leds: &[Color],
        now: Instant,
        late: Duration,
    ) -> Result<(), Lie> {
        let page = &mut self.pages[light];
        self.frames += 1;
        let Some(look) = shown.look() else { return Ok(()) };
        let still = match &mut page.still {
            Some(still) if still.look == look => still,
            still => still.insert(Still { look, fine: now }),
        };
        if face::may_show(leds, look) {
            still.fine = now;
        } else if still.fine + FLIGHT + late < now {
            let shown = format!("LEDs of {leds:?} for {:.1?}", now - still.fine);
            return Err(Lie { shown, allowed: format!("LEDs of {} {:?}", look.0, look.1) });
        }
        Ok(())
    }
}

impl<T: PartialEq> Series<T> {
    fn push(&mut self, item: T, now: Instant) {
        if self.0.back().is_none_or(|(_, last)| *last != item) {
            self.0.push_back((now, item));
        }
        while self.0.get(1).is_some_and(|(since, _)| *since + MEMORY < now) {
            self.0.pop_front();
        }
    }

    /// What was so at any time of a span.
    fn during(&self, Span { from, to }: Span) -> impl Iterator<Item = &(Instant, T)> {
        let ended = move |index: usize| self.0.get(index + 1).is_some_and(|(since, _)| *since < from);
        self.0
            .iter()
            .enumerate()
            .filter(move |(index, (since, _))| !ended(*index) && *since <= to)
            .map(|(_, item)| item)
    }
}

impl Page {
    /// Whether a light that shows this at the end of a span tells a truth of it.
    fn was_true(&self, face: &Face, span: Span) -> bool {
        let crowds = || self.crowds.during(span).map(|(_, crowd)| crowd);
        self.footings.during(span).any(|(_, footing)| crowds().any(|crowd| footing.is_told(crowd, face, span.to)))
    }

    /// How many looks that can be told apart from afar are allowed.
    fn colors(&self, span: Span) -> u64 {
        let footings = self.footings.during(span).filter_map(|(_, footing)| match footing {
            Footing::Firm { .. } => None,
            Footing::Decides(face) => Some((face.color, face.effect)),
        });
        let looks: BTreeSet<_> = footings
            .chain(self.crowds.during(span).map(|(_, crowd)| crowd.look))
            .map(|(color, effect)| (color.parts(), effect))
            .collect();
        looks.len().try_into().unwrap_or_default()
    }

    fn list(&self, span: Span) -> String {
        let ago = |since: &Instant| span.to.saturating_duration_since(*since);
        let footings = self.footings.during(span).map(|(since, footing)| (ago(since), footing.to_string()));
        let crowds = self.crowds.during(span).map(|(since, crowd)| (ago(since), crowd.to_string()));
        let mut truths: Vec<_> = footings.chain(crowds).collect();
        truths.sort_by_key(|(ago, _)| *ago);
        let mut text = format!("{} truths, the last of them first:", truths.len());
        for (ago, truth) in truths.iter().take(TOLD) {
            // A string takes all that is written into it.
            let _ = write!(text, "\n    {truth}, true from {ago:.2?} ago");
        }
        text
    }
}

#[cfg(test)]
mod tests;
