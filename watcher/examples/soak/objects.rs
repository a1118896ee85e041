//! The objects as the API server has them, deed by deed, and what a light must show for them. Pure. Says anew, and by
//! itself, what pods and nodes mean to a light: it shares nothing with the watcher, whose word it is there to check.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use podlight_proto::Color;
use podlight_proto::v1::Effect;

use crate::face::{Face, UNKNOWN};
use crate::world::{Deed, Doing, Node, Pod, Severity};

const RED: Color = Color::rgb(50, 0, 0);

/// All that there is.
#[derive(Default)]
pub(crate) struct Objects {
    nodes: BTreeMap<&'static str, Node>,
    /// By namespace and name.
    pods: BTreeMap<(&'static str, String), Pod>,
}

/// What is to be thought of a node below its pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    /// Its pods decide.
    Firm { cordoned: bool },
    /// It decides, whatever its pods do.
    Decides(Face),
}

/// What a node's pods have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crowd {
    pub(crate) look: (Color, Effect),
    /// A light may give any of these reasons.
    pub(crate) whys: Vec<String>,
    /// Whether a light says next to that that the node is cordoned.
    pub(crate) well: bool,
    /// What time alone makes of it, and when: whoever hears of nothing new shows that.
    pub(crate) later: Option<(Instant, Box<Crowd>)>,
}

impl Objects {
    /// Takes over what happened.
    pub(crate) fn apply(&mut self, deed: &Deed) {
        match deed {
            Deed::Pod(pod) => drop(self.pods.insert((pod.namespace, pod.name.clone()), pod.clone())),
            Deed::PodGone { namespace, name, .. } => drop(self.pods.remove(&(*namespace, name.clone()))),
            Deed::Node(node) => drop(self.nodes.insert(node.name, node.clone())),
            Deed::NodeGone(name) => drop(self.nodes.remove(name)),
        }
    }

    /// What is to be thought of `node`.
    pub(crate) fn footing(&self, node: &str) -> Footing {
        let decides =
            |(color, effect), state| Footing::Decides(Face { color, effect, why: format!("node {node} {state}") });
        match self.nodes.get(node) {
            None => decides(UNKNOWN, "Unknown:"),
            Some(node) if !node.ready => decides((RED, Effect::Blink), "NotReady:"),
            Some(node) => Footing::Firm { cordoned: node.cordoned },
        }
    }

    /// What the pods of `node` have come to.
    pub(crate) fn crowd(&self, node: &str, now: Instant) -> Crowd {
        let on_node = || self.pods.values().filter(|pod| pod.node == node);
        let worst = on_node().map(|pod| pod.doing.severity(now)).max().unwrap_or(Severity::Running);
        let look = match worst {
            Severity::Failed => (RED, Effect::Solid),
            Severity::Deleting => (Color::rgb(0, 0, 50), Effect::Morph),
            Severity::Pending | Severity::Unready => (Color::rgb(50, 50, 0), Effect::Morph),
            Severity::Running | Severity::Completed => (Color::rgb(0, 25, 0), Effect::Morph),
        };
        let well = worst <= Severity::Running;
        let whys = if well {
            // The light's own lightd is a pod, too.
            let running = 1 + on_node().filter(|pod| pod.doing.severity(now) == Severity::Running).count();
            vec![format!("{running} {} running", if running == 1 { "pod" } else { "pods" })]
        } else {
            on_node().filter(|pod| pod.doing.severity(now) == worst).map(trouble).collect()
        };
        let trusted = on_node().filter_map(|pod| pod.doing.trusted()).filter(|at| *at > now).min();
        let later = trusted.map(|at| (at, Box::new(self.crowd(node, at))));
        Crowd { look, whys, well, later }
    }
}

fn trouble(Pod { namespace, name, doing, .. }: &Pod) -> String {
    let (word, restarts) = match *doing {
        Doing::Completed => ("Completed", 0),
        // kubectl has no word of its own for what isn't ready.
        Doing::Running | Doing::Starting => ("Running", 0),
        Doing::Creating => ("ContainerCreating", 0),
        Doing::Terminating => ("Terminating", 0),
        Doing::CrashLooping { restarts } => ("CrashLoopBackOff", restarts),
        Doing::OomKilled { restarts } => ("OOMKilled", restarts),
        Doing::CantPull => ("ImagePullBackOff", 0),
        Doing::Evicted => ("Evicted", 0),
        Doing::Restarted { restarts, .. } => ("Error", restarts),
    };
    format!("{namespace}/{name} {word} ×{restarts}")
}

impl Footing {
    /// Whether a light that shows this at `now` tells the truth, if its node stands on this and its pods are so.
    pub(crate) fn is_told(&self, crowd: &Crowd, face: &Face, now: Instant) -> bool {
        match self {
            Self::Decides(own) => own == face,
            Self::Firm { cordoned } => crowd.is_told(*cordoned, face, now),
        }
    }
}

impl Crowd {
    fn is_told(&self, cordoned: bool, face: &Face, now: Instant) -> bool {
        let besides = if self.well && cordoned { ", node cordoned" } else { "" };
        let fits = |why: &String| face.why.strip_suffix(besides) == Some(why);
        let later = self.later.as_ref().filter(|(at, _)| *at <= now);
        self.look == (face.color, face.effect) && self.whys.iter().any(fits)
            || later.is_some_and(|(_, crowd)| crowd.is_told(cordoned, face, now))
    }
}

impl fmt::Display for Footing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firm { cordoned: false } => f.write_str("the node is ready"),
            Self::Firm { cordoned: true } => f.write_str("the node is cordoned"),
            Self::Decides(face) => face.fmt(f),
        }
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} ({})", self.look.0, self.look.1, self.whys.join(", or "))?;
        self.later.iter().try_for_each(|(_, crowd)| write!(f, ", with time {crowd}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::world::{NODES, World};

    /// A world of a while, as it is and as its deeds tell.
    #[test]
    fn each_mood_has_one_truth_or_a_few_that_look_alike() {
        #[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
        let mut now = Instant::now();
        let mut world = World::new(7, now);
        let mut objects = Objects::default();
        let mut looks = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            now += Duration::from_millis(5);
            world.go_on(now);
            for deed in world.deeds() {
                objects.apply(&deed);
            }
            for node in NODES {
                let crowd = objects.crowd(node, now);
                assert!(!crowd.whys.is_empty());
                looks.insert(match objects.footing(node) {
                    Footing::Decides(face) => (face.color.parts(), face.effect),
                    Footing::Firm { .. } => (crowd.look.0.parts(), crowd.look.1),
                });
            }
        }
        // Red, blinking red, blue, yellow, green, and the look of not knowing.
        assert_eq!(looks.len(), 6);
    }

    #[test]
    fn a_cordoned_node_says_so_only_where_all_is_well() {
        #[expect(clippy::disallowed_methods, reason = "any instant does, to count from")]
        let now = Instant::now();
        let crowd =
            |color, well| Crowd { look: (color, Effect::Solid), whys: vec!["so".to_owned()], well, later: None };
        let face = |color, why: &str| Face { color, effect: Effect::Solid, why: why.to_owned() };
        let cordoned = Footing::Firm { cordoned: true };
        assert!(cordoned.is_told(&crowd(RED, false), &face(RED, "so"), now));
        assert!(!cordoned.is_told(&crowd(Color::BLACK, true), &face(Color::BLACK, "so"), now));
        assert!(cordoned.is_told(&crowd(Color::BLACK, true), &face(Color::BLACK, "so, node cordoned"), now));
    }
}
