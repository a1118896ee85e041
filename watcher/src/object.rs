//! What pods and nodes have in common: the few fields of their metadata that are used, and their conditions.
//!
//! Deserialises from the API's JSON and skips the rest unread (managed fields, foreign annotations). Knows no kind.

use std::{fmt, iter};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// The prefix of the annotations that podlight reads; all others are dropped.
pub(crate) const OWN_ANNOTATIONS: &str = "podlight.dev/";

/// What is used of an object's metadata. What is absent is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) name: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) namespace: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) uid: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) resource_version: String,
    pub(crate) creation_timestamp: Option<Timestamp>,
    pub(crate) deletion_timestamp: Option<Timestamp>,
    pub(crate) deletion_grace_period_seconds: Option<i64>,
    #[serde(deserialize_with = "all")]
    pub(crate) labels: Labels,
    /// Those of podlight.
    #[serde(deserialize_with = "own")]
    pub(crate) annotations: Labels,
    /// The owner that controls it.
    #[serde(rename = "ownerReferences", deserialize_with = "controller")]
    pub(crate) controller: Option<Owner>,
}

/// Texts by key, in one piece, as they came: of most objects none is ever asked for.
#[derive(Clone, Default)]
pub(crate) struct Labels(Vec<u8>);

/// Who made an object.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// A condition of a pod's or a node's status.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: ConditionKind,
    pub(crate) status: Truth,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) reason: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) last_transition_time: Option<Timestamp>,
}

/// The conditions that decide something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum ConditionKind {
    PodScheduled,
    Initialized,
    Ready,
    MemoryPressure,
    DiskPressure,
    #[serde(rename = "PIDPressure")]
    PidPressure,
    #[serde(other)]
    Other,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Truth {
    True,
    False,
    #[serde(other)]
    Unknown,
}

impl ConditionKind {
    /// As Kubernetes names it; empty where it is none of these.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::PodScheduled => "PodScheduled",
            Self::Initialized => "Initialized",
            Self::Ready => "Ready",
            Self::MemoryPressure => "MemoryPressure",
            Self::DiskPressure => "DiskPressure",
            Self::PidPressure => "PIDPressure",
            Self::Other => "",
        }
    }
}

/// The condition of this kind, if there is one.
pub(crate) fn condition(conditions: &[Condition], kind: ConditionKind) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

impl Meta {
    /// When the object's deletion was asked for. `deletionTimestamp` lies a grace period after that moment.
    pub(crate) fn deletion_asked(&self) -> Option<Timestamp> {
        let due = self.deletion_timestamp?;
        let grace = SignedDuration::from_secs(self.deletion_grace_period_seconds.unwrap_or_default());
        Some(due.checked_sub(grace).unwrap_or(due))
    }
}

impl Labels {
    /// Behind each key and each text.
    const END: u8 = 0;
    /// What those of most objects take, in bytes.
    const USUAL: usize = 256;

    /// Puts in this text, also where the key has one. What has our mark in it is no label.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) {
        let Self(bytes) = self;
        if key.contains(&Self::END) || value.contains(&Self::END) {
            return;
        }
        if bytes.is_empty() {
            bytes.reserve(Self::USUAL);
        }
        for part in [key, value] {
            bytes.extend_from_slice(part);
            bytes.push(Self::END);
        }
    }

    /// The text of this key.
    pub(crate) fn of(&self, key: &str) -> Option<&str> {
        self.iter().filter(|(known, _)| *known == key).map(|(_, value)| value).last()
    }

    /// All keys and texts; of a key that comes again the last counts. What is no text isn't there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split(|byte| *byte == Self::END);
        let pairs = iter::from_fn(move || Some((parts.next()?, parts.next()?)));
        pairs.filter_map(|(key, value)| Some((str::from_utf8(key).ok()?, str::from_utf8(value).ok()?)))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Those conditions of a list that decide something.
pub(crate) fn deciding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    let mut conditions: Vec<Condition> = null_is_default(deserializer)?;
    conditions.retain(|condition| condition.kind != ConditionKind::Other);
    Ok(conditions)
}

/// Go writes `null` for what is empty, here and there.
pub(crate) fn null_is_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn all<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    deserializer.deserialize_any(Prefixed(""))
}

/// Those under podlight's own prefix. Others can be large: whole manifests live there.
fn own<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    deserializer.deserialize_any(Prefixed(OWN_ANNOTATIONS))
}

fn controller<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Owner>, D::Error> {
    #[derive(Deserialize)]
    struct Any {
        kind: String,
        name: String,
        controller: Option<bool>,
    }
    let owners: Vec<Any> = null_is_default(deserializer)?;
    let controller = owners.into_iter().find(|owner| owner.controller == Some(true));
    Ok(controller.map(|Any { kind, name, .. }| Owner { kind, name }))
}

/// Takes of a map what has a key that begins so.
struct Prefixed(&'static str);

impl<'de> Visitor<'de> for Prefixed {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_unit<E>(self) -> Result<Labels, E> {
        Ok(Labels::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = Labels::default();
        while let Some(key) = map.next_key::<String>()? {
            if key.starts_with(self.0) {
                labels.insert(key.as_bytes(), map.next_value::<String>()?.as_bytes());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(labels)
    }
}
