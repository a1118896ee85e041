//! The objects and how they came to be so: every version is one change. Pure. Knows no HTTP.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::query::Selection;

/// Changes that are kept for watches that lag, unless told otherwise: about five minutes of a busy cluster.
const HISTORY: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Node,
    Pod,
}

/// Kind, namespace (empty for nodes) and name.
type Key = (Kind, String, String);

pub(crate) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    /// Of the last change.
    version: u64,
    /// The changes of the versions up to `version`, the last ones only.
    changes: VecDeque<Change>,
    /// How many of them are kept.
    pub(crate) history: usize,
}

struct Change {
    version: u64,
    key: Key,
    before: Option<Arc<Value>>,
    after: Option<Arc<Value>>,
}

/// The version asked for is older than what is kept, or never was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired;

/// A part of a list.
pub(crate) struct Page {
    pub(crate) version: u64,
    pub(crate) items: Vec<Arc<Value>>,
    /// Namespace and name of the last item, if more follow.
    pub(crate) more_after: Option<(String, String)>,
}

/// From where a page goes on: the version that its list is of, and the last item's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) version: u64,
    pub(crate) after: (String, String),
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Pod => "Pod",
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), version: 0, changes: VecDeque::new(), history: HISTORY }
    }
}

impl Store {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        self.objects.get(&(kind, namespace.to_owned(), name.to_owned())).map(|object| Value::clone(object))
    }

    pub(crate) fn apply(&mut self, kind: Kind, mut object: Value) {
        let version = self.version + 1;
        let metadata = &mut object["metadata"];
        let namespace = match kind {
            Kind::Pod => metadata["namespace"].as_str().unwrap_or("default").to_owned(),
            Kind::Node => String::new(),
        };
        let key = (kind, namespace, metadata["name"].as_str().unwrap_or_default().to_owned());
        let before = self.objects.get(&key).cloned();
        let kept = |field: &str| before.as_ref().map(|before| before["metadata"][field].clone());
        if metadata["uid"].is_null() {
            metadata["uid"] = kept("uid").unwrap_or_else(|| json!(format!("00000000-0000-4000-8000-{version:012x}")));
        }
        if metadata["creationTimestamp"].is_null() {
            metadata["creationTimestamp"] = kept("creationTimestamp").unwrap_or_else(crate::pod::now);
        }
        metadata["resourceVersion"] = json!(version.to_string());
        let after = Arc::new(object);
        self.objects.insert(key.clone(), Arc::clone(&after));
        self.record(Change { version, key, before, after: Some(after) });
    }

    pub(crate) fn delete(&mut self, kind: Kind, namespace: &str, name: &str) -> bool {
        let key = (kind, namespace.to_owned(), name.to_owned());
        let before = self.objects.remove(&key);
        let was = before.is_some();
        if was {
            self.record(Change { version: self.version + 1, key, before, after: None });
        }
        was
    }

    pub(crate) fn compact(&mut self) {
        self.changes.clear();
    }

    fn record(&mut self, change: Change) {
        self.version = change.version;
        self.changes.push_back(change);
        let old = self.changes.len().saturating_sub(self.history);
        self.changes.drain(..old);
    }

    /// The changes after `version`, which has been, and not too long ago.
    fn since(&self, version: u64) -> Result<impl DoubleEndedIterator<Item = &Change>, Expired> {
        let oldest = self.changes.front().map_or(self.version, |change| change.version - 1);
        if !(oldest..=self.version).contains(&version) {
            return Err(Expired);
        }
        let seen = self.changes.partition_point(|change| change.version <= version);
        Ok(self.changes.range(seen..))
    }

    /// At most `limit` objects, of the list as it was at the version where it began.
    pub(crate) fn page(
        &self,
        kind: Kind,
        selection: &Selection,
        limit: usize,
        from: Option<Position>,
    ) -> Result<Page, Expired> {
        let version = from.as_ref().map_or(self.version, |position| position.version);
        let start = from.map(|Position { after, .. }| after);
        let inside =
            |key: &Key| key.0 == kind && start.as_ref().is_none_or(|after| (&key.1, &key.2) > (&after.0, &after.1));
        // What has changed since, as it was then: the earliest change after the version has the last word.
        let undone: BTreeMap<&Key, Option<&Arc<Value>>> =
            self.since(version)?.rev().map(|change| (&change.key, change.before.as_ref())).collect();
        let first = match &start {
            Some((namespace, name)) => (kind, namespace.clone(), name.clone()),
            None => (kind, String::new(), String::new()),
        };
        let mut then: BTreeMap<&Key, &Arc<Value>> = self
            .objects
            .range(first..)
            .filter(|(key, object)| inside(key) && !undone.contains_key(key) && selection.has(object))
            .take(limit.saturating_add(1))
            .collect();
        then.extend(
            undone
                .into_iter()
                .filter_map(|(key, object)| Some((key, object?)))
                .filter(|(key, object)| inside(key) && selection.has(object)),
        );
        let more = then.len() > limit;
        let page: Vec<_> = then.into_iter().take(limit).collect();
        let last = page.last().map(|((_, namespace, name), _)| (namespace.clone(), name.clone()));
        Ok(Page {
            version,
            items: page.into_iter().map(|(_, object)| Arc::clone(object)).collect(),
            more_after: last.filter(|_| more),
        })
    }

    /// The events after `version` that a watch of this kind and selection is sent: what became of which object.
    pub(crate) fn events(
        &self,
        kind: Kind,
        selection: &Selection,
        version: u64,
    ) -> Result<Vec<(&'static str, Arc<Value>)>, Expired> {
        let changes = self.since(version)?.filter(|change| change.key.0 == kind);
        let event = |change: &Change| {
            let selected = |object: &&Arc<Value>| selection.has(object);
            match (change.before.as_ref().filter(selected), change.after.as_ref().filter(selected)) {
                (None, Some(after)) => Some(("ADDED", Arc::clone(after))),
                (Some(_), Some(after)) => Some(("MODIFIED", Arc::clone(after))),
                (Some(before), None) => {
                    let mut last = Value::clone(before);
                    last["metadata"]["resourceVersion"] = json!(change.version.to_string());
                    Some(("DELETED", Arc::new(last)))
                }
                (None, None) => None,
            }
        };
        Ok(changes.filter_map(event).collect())
    }
}
