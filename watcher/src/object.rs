//! What pods and nodes have in common: the few fields of their metadata that are used, and their conditions.
//!
//! Deserialises from the API's JSON and skips the rest unread (managed fields, foreign annotations). Knows no kind.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};

/// The prefix of the annotations that podlight reads; all others are dropped.
pub(crate) const OWN_ANNOTATIONS: &str = "podlight.dev/";

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

/// When the object's deletion was asked for. `deletionTimestamp` lies a grace period after that moment.
pub(crate) fn deletion_asked(meta: &ObjectMeta) -> Option<Timestamp> {
    let due = meta.deletion_timestamp.as_ref()?.0;
    let grace = SignedDuration::from_secs(meta.deletion_grace_period_seconds.unwrap_or_default());
    Some(due.checked_sub(grace).unwrap_or(due))
}

/// Deserialises only what is used of an object's metadata.
pub(crate) fn slim_meta<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Slim {
        name: Option<String>,
        namespace: Option<String>,
        uid: Option<String>,
        resource_version: Option<String>,
        creation_timestamp: Option<Time>,
        deletion_timestamp: Option<Time>,
        deletion_grace_period_seconds: Option<i64>,
        labels: Option<BTreeMap<String, String>>,
        annotations: Option<OwnAnnotations>,
        owner_references: Option<Vec<Owner>>,
    }
    #[derive(Deserialize)]
    struct Owner {
        kind: String,
        name: String,
        controller: Option<bool>,
    }
    let owner =
        |Owner { kind, name, controller }| OwnerReference { kind, name, controller, ..OwnerReference::default() };
    let slim = Slim::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: slim.name,
        namespace: slim.namespace,
        uid: slim.uid,
        resource_version: slim.resource_version,
        creation_timestamp: slim.creation_timestamp,
        deletion_timestamp: slim.deletion_timestamp,
        deletion_grace_period_seconds: slim.deletion_grace_period_seconds,
        labels: slim.labels,
        annotations: slim.annotations.map(|OwnAnnotations(own)| own).filter(|own| !own.is_empty()),
        owner_references: slim.owner_references.map(|owners| owners.into_iter().map(owner).collect()),
        ..ObjectMeta::default()
    })
}

/// Go writes `null` for what is empty, here and there.
pub(crate) fn null_is_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Annotations under podlight's own prefix. Others can be large: whole manifests live there.
struct OwnAnnotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for OwnAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Own;

        impl<'de> Visitor<'de> for Own {
            type Value = BTreeMap<String, String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of annotations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut own = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key.starts_with(OWN_ANNOTATIONS) {
                        own.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(own)
            }
        }

        de::Deserializer::deserialize_map(deserializer, Own).map(Self)
    }
}
