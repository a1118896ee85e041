//! The truth: pods and nodes as they are, and every version that they have been through. Offers the snapshot of any version,
//! and what a light must show for it, worked out from scratch. Refuses to know who asks, and what is still on the way.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Instant;

use jiff::Timestamp;
use podlight_proto::{Look, Reason};
use watcher::filter::Filter;
use watcher::freshness::Watch;
use watcher::ledger::{Change, Ledger, Scope};
use watcher::policy::{self, Layout, Palette};

use crate::objects::Object;

/// What came to be at a version.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) version: u64,
    pub(crate) at: Instant,
    pub(crate) name: String,
    /// As it is since or, where it is gone, as it was last.
    pub(crate) object: Object,
    pub(crate) gone: bool,
}

/// All that is, and was.
#[derive(Default)]
pub(crate) struct Cluster {
    pub(crate) version: u64,
    pods: Kept,
    nodes: Kept,
    scratch: HashMap<(usize, usize), Rc<Ledger>>,
}

/// Objects of one kind.
#[derive(Default)]
struct Kept {
    now: BTreeMap<String, Object>,
    records: Vec<Record>,
}

impl Cluster {
    /// Creates or replaces an object at `at`.
    pub(crate) fn put(&mut self, name: &str, object: Object, at: Instant) {
        self.version += 1;
        let record = Record { version: self.version, at, name: name.to_owned(), object: object.clone(), gone: false };
        let kept = self.kept_mut(kind(&object));
        kept.now.insert(name.to_owned(), object);
        kept.records.push(record);
    }

    /// Deletes an object at `at`, if there is one of this name.
    pub(crate) fn delete(&mut self, watch: Watch, name: &str, at: Instant) {
        let Some(object) = self.kept_mut(watch).now.remove(name) else { return };
        self.version += 1;
        let record = Record { version: self.version, at, name: name.to_owned(), object, gone: true };
        self.kept_mut(watch).records.push(record);
    }

    pub(crate) fn has(&self, watch: Watch, name: &str) -> bool {
        self.kept(watch).now.contains_key(name)
    }

    /// All objects of a kind as they were at `version`, by name.
    pub(crate) fn snapshot(&self, watch: Watch, version: u64) -> Vec<Object> {
        let mut objects = BTreeMap::new();
        for record in &self.kept(watch).records[..self.index(watch, version)] {
            if record.gone {
                objects.remove(&record.name)
            } else {
                objects.insert(&record.name, &record.object)
            };
        }
        objects.into_values().cloned().collect()
    }

    /// What came to be of a kind after `version`.
    pub(crate) fn since(&self, watch: Watch, version: u64) -> &[Record] {
        &self.kept(watch).records[self.index(watch, version)..]
    }

    /// The version that was the last one at `at`.
    pub(crate) fn version_at(&self, at: Instant) -> u64 {
        let last = |watch| {
            let records = &self.kept(watch).records;
            let index = records.partition_point(|record| record.at <= at);
            records[..index].last().map_or(0, |record| record.version)
        };
        last(Watch::Pods).max(last(Watch::Nodes))
    }

    /// What a light of so many LEDs must show where pods are as of one version and nodes as of another.
    pub(crate) fn truth(&mut self, versions: [u64; 2], scope: &Scope, leds: Option<usize>, layout: Layout) -> Shown {
        let [pods, nodes] = versions;
        let key = (self.index(Watch::Pods, pods), self.index(Watch::Nodes, nodes));
        if !self.scratch.contains_key(&key) {
            let ledger = self.ledger(pods, nodes);
            self.scratch.insert(key, Rc::new(ledger));
        }
        Shown::new(&self.scratch[&key], scope, leds, layout)
    }

    fn ledger(&self, pods: u64, nodes: u64) -> Ledger {
        let mut ledger = Ledger::new(Filter::default());
        for object in self.snapshot(Watch::Nodes, nodes) {
            if let Object::Node(node) = object {
                ledger.node(Change::Listed((*node).clone()));
            }
        }
        for object in self.snapshot(Watch::Pods, pods) {
            if let Object::Pod(pod) = object {
                ledger.pod(Change::Listed((*pod).clone()), Timestamp::UNIX_EPOCH);
            }
        }
        ledger.node(Change::Synced);
        ledger.pod(Change::Synced, Timestamp::UNIX_EPOCH);
        ledger
    }

    /// How many records of a kind there are up to `version`.
    fn index(&self, watch: Watch, version: u64) -> usize {
        self.kept(watch).records.partition_point(|record| record.version <= version)
    }

    fn kept(&self, watch: Watch) -> &Kept {
        match watch {
            Watch::Pods => &self.pods,
            Watch::Nodes => &self.nodes,
        }
    }

    fn kept_mut(&mut self, watch: Watch) -> &mut Kept {
        match watch {
            Watch::Pods => &mut self.pods,
            Watch::Nodes => &mut self.nodes,
        }
    }
}

fn kind(object: &Object) -> Watch {
    match object {
        Object::Pod(_) => Watch::Pods,
        Object::Node(_) => Watch::Nodes,
    }
}

/// What a light shows, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) looks: Vec<Look>,
    pub(crate) reason: Reason,
}

impl Shown {
    /// As the board has it: until it is known how many LEDs a light has, they are all alike.
    pub(crate) fn new(ledger: &Ledger, scope: &Scope, leds: Option<usize>, layout: Layout) -> Self {
        let verdict = ledger.verdict(scope);
        let (layout, leds) = leds.map_or((Layout::Same, 1), |leds| (layout, leds));
        let looks = policy::looks(&verdict, layout, leds, &Palette::default());
        Self { looks, reason: policy::reason(&verdict) }
    }
}
