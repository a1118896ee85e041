//! The demo's cluster: which pods there are, where, and how they do. Pure.

use std::collections::BTreeMap;

use super::cast::App;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// How many pods it takes, compared to others. Not 0.
    pub(crate) size: usize,
    pub(crate) ready: bool,
    pub(crate) cordoned: bool,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) id: u32,
    pub(crate) app: App,
    pub(crate) name: String,
    /// The name of its node.
    pub(crate) node: Option<String>,
    pub(crate) state: PodState,
    pub(crate) terminating: bool,
}

/// How a pod does; restarts where they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodState {
    /// Waits for a node.
    Pending,
    /// Has a node, and waits for its containers.
    Creating,
    /// Runs, and isn't ready.
    Starting,
    Ready,
    /// Runs again, after an end that `oom` tells: for want of memory, or by an error of its own.
    Restarted {
        restarts: u32,
        oom: bool,
    },
    CrashLoop(u32),
    OomKilled(u32),
    ImagePull,
    Completed,
}

/// How many pods of a node are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) running: usize,
    pub(crate) pending: usize,
    pub(crate) deleting: usize,
    pub(crate) failed: usize,
    pub(crate) completed: usize,
}

/// All nodes and pods.
#[derive(Default)]
pub(crate) struct World {
    nodes: Vec<Node>,
    pods: BTreeMap<u32, Pod>,
    /// How many pods each node has.
    loads: BTreeMap<String, usize>,
    ids: u32,
}

impl World {
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.values()
    }

    pub(super) fn find(&self, id: u32) -> Option<&Pod> {
        self.pods.get(&id)
    }

    /// The pods on `node`.
    pub(crate) fn on<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Pod> {
        self.pods().filter(move |pod| pod.node.as_deref() == Some(node))
    }

    /// The tally of each node that has pods.
    pub(crate) fn tallies(&self) -> BTreeMap<&str, Tally> {
        let mut tallies = BTreeMap::new();
        for pod in self.pods() {
            let Some(node) = &pod.node else { continue };
            tallies.entry(node.as_str()).or_insert_with(Tally::default).count(pod);
        }
        tallies
    }

    /// How many pods `node` has.
    pub(super) fn load(&self, node: &Node) -> usize {
        self.loads.get(&node.name).copied().unwrap_or_default()
    }

    pub(super) const fn next_id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn add(&mut self, pod: Pod) -> Pod {
        self.pods.insert(pod.id, pod.clone());
        pod
    }

    /// Changes a pod that is still there; nothing where that made no difference.
    pub(super) fn change(&mut self, id: u32, change: impl FnOnce(&mut Pod)) -> Option<Pod> {
        let pod = self.pods.get_mut(&id)?;
        let before = pod.clone();
        change(pod);
        if let (None, Some(node)) = (before.node.as_ref(), &pod.node) {
            *self.loads.entry(node.clone()).or_default() += 1;
        }
        (*pod != before).then(|| pod.clone())
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<Pod> {
        let pod = self.pods.remove(&id)?;
        if let Some(load) = pod.node.as_ref().and_then(|node| self.loads.get_mut(node)) {
            *load -= 1;
        }
        Some(pod)
    }

    /// Adds a node, or replaces the one of its name.
    pub(super) fn set(&mut self, node: Node) -> Node {
        match self.nodes.iter_mut().find(|known| known.name == node.name) {
            Some(known) => known.clone_from(&node),
            None => self.nodes.push(node.clone()),
        }
        node
    }

    /// So many pods, from where there are most for the size of their node, that `movable` says may go elsewhere.
    pub(super) fn crowded(&self, count: usize, movable: impl Fn(&Pod) -> bool) -> Vec<u32> {
        let mut crowds: Vec<(usize, Vec<u32>)> = self
            .nodes
            .iter()
            .map(|node| (node.size, self.on(&node.name).filter(|pod| movable(pod)).map(|pod| pod.id).collect()))
            .collect();
        let most = |crowds: &mut Vec<(usize, Vec<u32>)>| {
            crowds.iter_mut().max_by_key(|(size, pods)| pods.len() * 100 / size)?.1.pop()
        };
        (0..count).map_while(|_| most(&mut crowds)).collect()
    }

    /// The node with the fewest pods for its size, of those that take any.
    pub(super) fn roomiest(&self, rng: &mut fastrand::Rng) -> Option<String> {
        let open = self.nodes.iter().filter(|node| node.ready && !node.cordoned);
        open.min_by_key(|node| (self.load(node) * 100 / node.size, rng.u32(..))).map(|node| node.name.clone())
    }
}

impl Tally {
    fn count(&mut self, pod: &Pod) {
        let count = match pod.state {
            _ if pod.terminating => &mut self.deleting,
            PodState::Pending | PodState::Creating | PodState::Starting => &mut self.pending,
            PodState::Ready => &mut self.running,
            // What runs again isn't trusted yet: nor does its light.
            PodState::Restarted { .. } | PodState::CrashLoop(_) | PodState::OomKilled(_) | PodState::ImagePull => {
                &mut self.failed
            }
            PodState::Completed => &mut self.completed,
        };
        *count += 1;
    }
}
