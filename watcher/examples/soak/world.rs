//! The soak's cluster: nodes with moods, and pods that change all the time. Pure: the seed and the time decide. Keeps what
//! each pod does; refuses to know Kubernetes' JSON, and what a light makes of it.
//!
//! A mood says how bad the worst of a node's pods is, and one pod is to blame for it; all others change too, but stay
//! below. So each mood has one truth to tell, that lasts for long enough to tell it from older ones.

use std::time::{Duration, Instant};

/// The nodes' names.
pub(crate) const NODES: [&str; 6] = ["pi-atlas", "pi-boreas", "pi-calypso", "pi-dione", "pi-echo", "pi-fauna"];
const APPS: [(&str, &str); 6] = [
    ("shop", "cart"),
    ("shop", "search"),
    ("media", "thumbs"),
    ("mail", "inbox"),
    ("home", "mqtt"),
    ("jobs", "report"),
];
/// Pods of each node, besides its lightd.
const PODS: usize = 12;

/// What a pod does, best first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Doing {
    Completed,
    Running,
    /// Runs, and isn't ready.
    Starting,
    /// Waits for its container.
    Creating,
    Terminating,
    CrashLooping {
        restarts: u32,
    },
    OomKilled {
        restarts: u32,
    },
    CantPull,
    Evicted,
    /// Runs again after an error; from `trusted` on nobody holds that against it.
    Restarted {
        restarts: u32,
        trusted: Instant,
    },
}

/// How bad that is, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Completed,
    Running,
    Unready,
    Pending,
    Deleting,
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) namespace: &'static str,
    pub(crate) name: String,
    /// Another one for each pod, also of the same name.
    pub(crate) uid: u64,
    /// The name of its node.
    pub(crate) node: &'static str,
    pub(crate) doing: Doing,
    /// How often it was touched without a difference.
    pub(crate) touched: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) ready: bool,
    /// Whether there is such a node object.
    listed: bool,
    pub(crate) cordoned: bool,
    /// None of its pods is worse.
    ceiling: Severity,
    /// When its mood turns.
    turns: Instant,
}

/// What happened, for the API server to take over.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Pod(Pod),
    PodGone { node: &'static str, namespace: &'static str, name: String },
    Node(Node),
    NodeGone(&'static str),
}

/// All nodes and pods. Of each node's pods the first is to blame for its mood.
pub(crate) struct World {
    rng: fastrand::Rng,
    nodes: Vec<Node>,
    pods: Vec<Vec<Pod>>,
    made: u64,
    /// Restarts are counted through, so that no two troubles are alike.
    restarts: u32,
    deeds: Vec<Deed>,
}

impl Doing {
    pub(crate) fn severity(self, now: Instant) -> Severity {
        match self {
            Self::Completed => Severity::Completed,
            Self::Running => Severity::Running,
            Self::Restarted { trusted, .. } if trusted <= now => Severity::Running,
            Self::Starting => Severity::Unready,
            Self::Creating => Severity::Pending,
            Self::Terminating => Severity::Deleting,
            Self::CrashLooping { .. }
            | Self::OomKilled { .. }
            | Self::CantPull
            | Self::Evicted
            | Self::Restarted { .. } => Severity::Failed,
        }
    }

    /// When time alone makes it better.
    pub(crate) const fn trusted(self) -> Option<Instant> {
        if let Self::Restarted { trusted, .. } = self { Some(trusted) } else { None }
    }

    /// Whether only another pod can do better.
    fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Terminating | Self::Evicted)
    }
}

impl Pod {
    fn gone(&self) -> Deed {
        Deed::PodGone { node: self.node, namespace: self.namespace, name: self.name.clone() }
    }
}

impl Deed {
    /// The node whose light may be concerned.
    pub(crate) const fn node(&self) -> &'static str {
        match self {
            Self::Pod(pod) => pod.node,
            Self::PodGone { node, .. } | Self::NodeGone(node) => node,
            Self::Node(node) => node.name,
        }
    }
}

impl World {
    /// Six nodes and their pods, all well. [`World::deeds`] has them.
    pub(crate) fn new(seed: u64, now: Instant) -> Self {
        let mut world = Self {
            rng: fastrand::Rng::with_seed(seed),
            nodes: Vec::new(),
            pods: Vec::new(),
            made: 0,
            restarts: 0,
            deeds: Vec::new(),
        };
        for name in NODES {
            let node =
                Node { name, ready: true, listed: true, cordoned: false, ceiling: Severity::Running, turns: now };
            world.deeds.push(Deed::Node(node.clone()));
            let index = world.nodes.len();
            world.nodes.push(node);
            let pods: Vec<_> = (0..PODS).map(|_| world.make(index, None)).collect();
            world.pods.push(pods);
        }
        world
    }

    /// What has happened since this was last called.
    pub(crate) fn deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.deeds)
    }

    /// Lets something happen, somewhere.
    pub(crate) fn go_on(&mut self, now: Instant) {
        let node = self.rng.usize(..self.nodes.len());
        if self.nodes[node].turns <= now {
            self.turn(node, now);
        } else {
            self.stir(node, now);
        }
    }

    /// All troubled pods are deleted, at once; nothing takes their place.
    pub(crate) fn relieve(&mut self, now: Instant) {
        for node in 0..self.nodes.len() {
            self.footing(node, true, true, false);
            self.nodes[node].ceiling = Severity::Running;
            let troubled = |pod: &Pod| pod.doing.severity(now) > Severity::Running;
            let (gone, left) = std::mem::take(&mut self.pods[node]).into_iter().partition(troubled);
            self.pods[node] = left;
            let gone: Vec<Pod> = gone;
            self.deeds.extend(gone.iter().map(Pod::gone));
        }
    }

    /// Another mood for this node.
    fn turn(&mut self, node: usize, now: Instant) {
        // Short ones that a gap may swallow, and long ones that outlast a silence.
        let seconds = if self.rng.bool() { 0.3 + 3.0 * self.rng.f64() } else { 5.0 + 12.0 * self.rng.f64() };
        self.nodes[node].turns = now + Duration::from_secs_f64(seconds);
        self.restarts += 1;
        let restarts = self.restarts;
        let soon = now + Duration::from_secs_f64(0.5 + 6.0 * self.rng.f64());
        let cordoned = self.rng.u8(..5) == 0;
        let (footing, blame) = match self.rng.u8(..13) {
            0 => ((false, true), None),
            1 => ((true, false), None),
            2 | 3 => ((true, true), Some(Doing::CrashLooping { restarts })),
            4 => ((true, true), Some(Doing::OomKilled { restarts })),
            5 => ((true, true), Some(Doing::CantPull)),
            6 => ((true, true), Some(Doing::Evicted)),
            7 => ((true, true), Some(Doing::Restarted { restarts, trusted: soon })),
            8 => ((true, true), Some(Doing::Terminating)),
            9 => ((true, true), Some(Doing::Creating)),
            10 => ((true, true), Some(Doing::Starting)),
            _ => ((true, true), None),
        };
        let ceiling = match blame {
            Some(doing) => doing.severity(now),
            None if footing == (true, true) => Severity::Running,
            // Whatever its pods claim, the node decides.
            None => Severity::Failed,
        };
        self.nodes[node].ceiling = ceiling;
        self.footing(node, footing.0, footing.1, cordoned);
        while self.pods[node].len() < PODS {
            let pod = self.make(node, None);
            self.pods[node].push(pod);
        }
        for index in 0..PODS {
            if self.pods[node][index].doing.severity(now) >= ceiling.max(Severity::Unready) {
                self.replace(node, index);
            }
        }
        if let Some(doing) = blame {
            self.turn_into(node, 0, doing);
        }
    }

    /// Something that is no worse than the node's mood.
    fn stir(&mut self, node: usize, now: Instant) {
        let ceiling = self.nodes[node].ceiling;
        let count = self.pods[node].len();
        let index = self.rng.usize(..count.max(2)).min(count.saturating_sub(1));
        let Some(pod) = self.pods[node].get(index) else { return };
        let doing = pod.doing;
        if index == 0 && doing.severity(now) == ceiling && ceiling > Severity::Running {
            self.restarts += u32::from(self.rng.u8(..8) == 0);
            let restarts = self.restarts;
            if matches!(doing, Doing::CrashLooping { .. }) {
                self.turn_into(node, index, Doing::CrashLooping { restarts });
            } else if matches!(doing, Doing::OomKilled { .. }) {
                self.turn_into(node, index, Doing::OomKilled { restarts });
            } else {
                self.touch(node, index);
            }
            return;
        }
        let other = match self.rng.u8(..16) {
            0..10 => return self.touch(node, index),
            10 => return self.replace(node, index),
            11 => Doing::Completed,
            12 => Doing::Starting,
            13 => Doing::Creating,
            14 => Doing::Terminating,
            _ => Doing::Running,
        };
        let fits = other.severity(now) <= Severity::Running || other.severity(now) < ceiling;
        if doing.is_final() {
            self.replace(node, index);
        } else {
            self.turn_into(node, index, if fits { other } else { Doing::Running });
        }
    }

    fn footing(&mut self, node: usize, ready: bool, listed: bool, cordoned: bool) {
        let node = &mut self.nodes[node];
        if (node.ready, node.listed, node.cordoned) == (ready, listed, cordoned) {
            return;
        }
        (node.ready, node.listed, node.cordoned) = (ready, listed, cordoned);
        self.deeds.push(if listed { Deed::Node(node.clone()) } else { Deed::NodeGone(node.name) });
    }

    fn touch(&mut self, node: usize, index: usize) {
        let pod = &mut self.pods[node][index];
        pod.touched += 1;
        self.deeds.push(Deed::Pod(pod.clone()));
    }

    fn turn_into(&mut self, node: usize, index: usize, doing: Doing) {
        let pod = &mut self.pods[node][index];
        pod.doing = doing;
        self.deeds.push(Deed::Pod(pod.clone()));
    }

    /// The pod is deleted, and another takes its place; of the same name, every other time.
    fn replace(&mut self, node: usize, index: usize) {
        let old = &self.pods[node][index];
        self.deeds.push(old.gone());
        let same = self.rng.bool().then(|| (old.namespace, old.name.clone()));
        self.pods[node][index] = self.make(node, same);
    }

    fn make(&mut self, node: usize, name: Option<(&'static str, String)>) -> Pod {
        self.made += 1;
        let uid = self.made;
        let (namespace, name) = name.unwrap_or_else(|| {
            let (namespace, app) = APPS[self.rng.usize(..APPS.len())];
            (namespace, format!("{app}-{uid:05x}"))
        });
        let pod = Pod { namespace, name, uid, node: self.nodes[node].name, doing: Doing::Running, touched: 0 };
        self.deeds.push(Deed::Pod(pod.clone()));
        pod
    }
}
