//! What happens in the demo's cluster: a story told in chapters, for ever, and never twice alike. Pure: the time that
//! has passed and the seed decide. Knows neither Kubernetes' JSON nor lights.

mod cast;
mod chapters;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chapters::Chapter;
pub(crate) use world::{Node, Pod, PodState, Tally, World};

/// Something that happens, for the cluster to take over or for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A pod is created or changed.
    Pod(Pod),
    /// A pod is gone.
    Gone { namespace: &'static str, name: String },
    /// A node is created or changed.
    Node(Node),
    /// The API falls silent, or speaks again.
    Silence(bool),
    /// What goes on, for people.
    Say(String),
}

/// What is yet to come of a pod, a node or the story itself.
#[derive(Clone, Debug)]
enum Step {
    Say(String),
    Begin(Chapter),
    /// A new pod waits for a node.
    Create(Pod),
    /// A pod finds its node.
    Place(u32),
    Become(u32, PodState),
    Terminate(u32),
    Remove(u32),
    Replace(u32, Manner),
    Change(Node),
    Silence(bool),
}

/// How a pod makes room for another.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// When the other is ready.
    After,
    /// At once.
    Before,
    /// It is given up at once; and gone after so many seconds.
    Lost(f64),
}

/// The story so far, and what is bound to come.
pub(crate) struct Story {
    world: World,
    /// Pods whose replacement is arranged, or that need none.
    leaving: BTreeSet<u32>,
    rng: fastrand::Rng,
    /// Seconds of the story in one of the clock's.
    speed: f64,
    now: Duration,
    /// By time, then in the order they were planned.
    plan: BTreeMap<(Duration, u32), Step>,
    planned: u32,
    round: u32,
}

impl Story {
    /// A story of so many nodes and pods, of which so many seconds pass in one of the clock's. What is there at the
    /// beginning are its first actions.
    pub(crate) fn new(seed: u64, nodes: usize, pods: usize, speed: f64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        let mut story = Self {
            world: World::default(),
            leaving: BTreeSet::new(),
            rng,
            speed,
            now: Duration::ZERO,
            plan: BTreeMap::new(),
            planned: 0,
            round: 0,
        };
        for index in 0..nodes {
            story.plan(
                0.0,
                Step::Change(Node { name: cast::node(index), size: cast::size(index), ready: true, cordoned: false }),
            );
        }
        for index in 0..pods {
            let pod = story.pod(cast::app(index));
            let id = pod.id;
            story.plan(0.0, Step::Create(pod));
            story.plan(0.0, Step::Place(id));
            story.plan(0.0, Step::Become(id, PodState::Ready));
        }
        story.plan(0.0, Step::Say(format!("{nodes} nodes, {pods} pods, and all is well.")));
        story.plan_round();
        story
    }

    /// Goes on to `now`, counted from the beginning.
    pub(crate) fn advance(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(entry) = self.plan.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), step) = entry.remove_entry();
            self.now = at;
            actions.extend(self.take(step));
            if self.plan.is_empty() {
                self.plan_round();
            }
        }
        self.now = now;
        actions
    }

    /// Seconds of the story in one of the clock's.
    pub(crate) const fn speed(&self) -> f64 {
        self.speed
    }

    /// The cluster as it is.
    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    fn take(&mut self, step: Step) -> Option<Action> {
        match step {
            Step::Say(text) => Some(Action::Say(text)),
            Step::Silence(silent) => Some(Action::Silence(silent)),
            Step::Begin(chapter) => {
                chapter.unfold(self);
                None
            }
            Step::Create(pod) => Some(Action::Pod(self.world.add(pod))),
            Step::Place(id) => {
                let node = self.world.roomiest(&mut self.rng)?;
                self.world.change(id, |pod| (pod.node, pod.state) = (Some(node), PodState::Creating)).map(Action::Pod)
            }
            Step::Become(id, state) => self
                .world
                // What is on its way out, or never found a node, doesn't start any more.
                .change(id, |pod| {
                    if !pod.terminating && pod.node.is_some() {
                        pod.state = state;
                    }
                })
                .map(Action::Pod),
            Step::Terminate(id) => self.world.change(id, |pod| pod.terminating = true).map(Action::Pod),
            Step::Replace(id, manner) => {
                self.replace(id, manner);
                None
            }
            Step::Remove(id) => {
                self.leaving.remove(&id);
                self.world.remove(id).map(|pod| Action::Gone { namespace: pod.app.namespace, name: pod.name })
            }
            Step::Change(node) => Some(Action::Node(self.world.set(node))),
        }
    }

    /// Plans `step` for so many seconds from now.
    fn plan(&mut self, seconds: f64, step: Step) {
        self.planned += 1;
        self.plan.insert((self.now + Duration::from_secs_f64(seconds), self.planned), step);
    }

    /// Plans the next round of chapters: the first in the order told in the README, the others shuffled.
    fn plan_round(&mut self) {
        let chapters = chapters::round(self.round, &mut self.rng);
        for (at, chapter) in chapters {
            self.plan(at, Step::Begin(chapter));
        }
        self.round += 1;
    }

    /// A new pod of `app`, not created yet.
    fn pod(&mut self, app: cast::App) -> Pod {
        let id = self.world.next_id();
        let name = format!("{}-{:04x}", app.name, self.rng.u16(..));
        Pod { id, app, name, node: None, state: PodState::Pending, terminating: false }
    }

    /// Plans a pod of `app` that is created in so many seconds, finds a node, and ends up in `state`; when it is there.
    fn launch(&mut self, seconds: f64, app: cast::App, state: PodState) -> (u32, f64) {
        let pod = self.pod(app);
        let id = pod.id;
        let (place, start) = (seconds + 0.3, seconds + 1.2 + self.rng.f64());
        self.plan(seconds, Step::Create(pod));
        self.plan(place, Step::Place(id));
        if state == PodState::ImagePull {
            self.plan(start, Step::Become(id, state));
            return (id, start);
        }
        let ready = start + 0.8 + self.rng.f64();
        self.plan(start, Step::Become(id, PodState::Starting));
        self.plan(ready, Step::Become(id, state));
        (id, ready)
    }

    /// Plans that a pod makes room for another of its app, unless it does so already.
    fn replace(&mut self, id: u32, manner: Manner) {
        let Some(&Pod { app, state, .. }) = self.world.find(id) else { return };
        // Its own chapter looks after what is in trouble.
        if matches!(manner, Manner::After) && state != PodState::Ready {
            return;
        }
        let news = self.leaving.insert(id);
        match manner {
            Manner::After if news => {
                let (_, ready) = self.launch(0.0, app, PodState::Ready);
                self.retire(ready + 0.2, id);
            }
            Manner::After => {}
            Manner::Before => self.retire(0.0, id),
            Manner::Lost(gone) => {
                self.plan(0.0, Step::Terminate(id));
                self.plan(gone, Step::Remove(id));
            }
        }
        if news && !matches!(manner, Manner::After) {
            self.launch(0.2, app, PodState::Ready);
        }
    }

    /// Plans a pod's end: it is deleted in so many seconds, and gone a while later.
    fn retire(&mut self, seconds: f64, id: u32) {
        self.plan(seconds, Step::Terminate(id));
        let gone = seconds + 1.5 + self.rng.f64();
        self.plan(gone, Step::Remove(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Duration = Duration::from_secs(600);

    /// When something happens next.
    fn next(story: &Story) -> Duration {
        story.plan.first_key_value().unwrap().0.0
    }

    fn told(seed: u64) -> Vec<Action> {
        Story::new(seed, 6, 42, 1.0).advance(MINUTES)
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(told(1), told(1));
        assert_ne!(told(1), told(2));
    }

    #[test]
    fn small_steps_tell_the_same_as_large_ones() {
        let mut story = Story::new(3, 6, 42, 1.0);
        let mut actions = story.advance(Duration::ZERO);
        while next(&story) <= MINUTES {
            actions.extend(story.advance(next(&story)));
        }
        assert_eq!(actions, told(3));
    }

    #[test]
    fn everything_is_well_at_the_end_of_each_round() {
        for seed in 0..20 {
            let mut story = Story::new(seed, 6, 42, 1.0);
            for round in 1..4 {
                while story.round == round {
                    story.advance(next(&story));
                }
                let world = story.world();
                assert!(world.nodes().iter().all(|node| node.ready && !node.cordoned), "seed {seed}, round {round}");
                let ready = |pod: &&Pod| pod.state == PodState::Ready && !pod.terminating;
                assert_eq!(world.pods().filter(ready).count(), 42, "seed {seed}, round {round}");
                assert_eq!(world.pods().count(), 42, "seed {seed}, round {round}");
            }
        }
    }

    #[test]
    fn tiny_and_odd_clusters_have_a_story_too() {
        for (nodes, pods) in [(1, 0), (1, 1), (2, 3), (40, 7), (3, 500)] {
            assert!(
                Story::new(1, nodes, pods, 10.0).advance(MINUTES).len() > nodes + pods,
                "{nodes} nodes, {pods} pods"
            );
        }
    }
}
