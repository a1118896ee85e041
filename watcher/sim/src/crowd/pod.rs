//! A part, written as a Go API server writes a pod: compact, in the order of Go's types, with what defaulting fills in.

mod text;

use super::cast::{Owner, Part, State};
use super::{Crowd, fill, moment};

/// Writes the pod's fields, without the braces around them.
pub(super) fn write(crowd: &Crowd, part: &Part, number: usize, change: u64, out: &mut Vec<u8>) {
    let state = part.state(change);
    let mut own = crowd.dice("own", number);
    let mut whole = crowd.dice("whole", part.work);
    let (uid, hash) = (own.uid(), whole.suffix(10));
    let (owner_uid, digest) = (whole.uid(), whole.digest());
    let at = |seconds| moment(crowd.now, seconds);
    // What isn't told changes a second later than what was told before.
    let seconds = i64::try_from(change).unwrap_or(i64::MAX);
    let last = at(if change == 0 { 30 - part.age.min(300) } else { seconds });
    let node = part.node.map(|node| crowd.node_name(node)).unwrap_or_default();
    let (low, high) = (number & 255, number >> 8);
    let address = format!("10.{}.{}.{low}", 64 + (high >> 8), high & 255);
    let host = part
        .node
        .map(|node| format!("10.{}.{}.{}", node >> 12, (node >> 4) & 255, 16 + (node & 15)))
        .unwrap_or_default();
    let stem = match part.owner {
        Owner::ReplicaSet => part.name.rsplit_once('-').map_or(part.name.as_str(), |(stem, _)| stem),
        Owner::DaemonSet | Owner::StatefulSet | Owner::Job | Owner::Nobody => part.app.as_str(),
    };
    let version = crowd.version(number, change).to_string();
    let (created, started, ready) = (at(-part.age), at(2 - part.age), at(30 - part.age));
    let deletion = at(seconds + 30);
    let container_id = own.digest();
    let restarts = match state {
        State::Running(restarts) | State::Crashing(restarts) => restarts,
        State::InitCrashing => 7,
        State::Unready
        | State::Unscheduled
        | State::Creating
        | State::ImagePull
        | State::Terminating
        | State::Evicted
        | State::Completed
        | State::Failed => 0,
    }
    .to_string();
    let values = [
        ("name", part.name.as_str()),
        ("namespace", &part.namespace),
        ("app", &part.app),
        ("stem", stem),
        ("uid", &uid),
        ("version", &version),
        ("hash", &hash),
        ("ownerid", &owner_uid),
        ("digest", &digest),
        ("containerid", &container_id),
        ("created", &created),
        ("started", &started),
        ("ready", &ready),
        ("last", &last),
        ("deletion", &deletion),
        ("node", &node),
        ("address", &address),
        ("host", &host),
        ("restarts", &restarts),
    ];
    let mut put = |text: &str| fill(out, text, &values);
    metadata(part, state, &mut put);
    spec(part, &mut put);
    status(part, state, &mut put);
}

fn metadata(part: &Part, state: State, put: &mut impl FnMut(&str)) {
    put(r#""metadata":{"name":"$name","#);
    if !matches!(part.owner, Owner::StatefulSet | Owner::Nobody) {
        put(r#""generateName":"$stem-","#);
    }
    put(
        r#""namespace":"$namespace","uid":"$uid","resourceVersion":"$version","generation":1,"creationTimestamp":"$created","#,
    );
    if state == State::Terminating {
        put(r#""deletionTimestamp":"$deletion","deletionGracePeriodSeconds":30,"#);
    }
    put(match part.owner {
        Owner::ReplicaSet => text::LABELS_OF_A_REPLICA_SET,
        Owner::DaemonSet => text::LABELS_OF_A_DAEMON_SET,
        Owner::StatefulSet => text::LABELS_OF_A_STATEFUL_SET,
        Owner::Job => text::LABELS_OF_A_JOB,
        Owner::Nobody => text::LABELS,
    });
    // Whose network is told of has no sidecar.
    let network = part.containers == 1 && part.node.is_some();
    put(if network { text::ANNOTATIONS_WITH_NETWORK } else { text::ANNOTATIONS });
    let owner = match part.owner {
        Owner::ReplicaSet => r#""apiVersion":"apps/v1","kind":"ReplicaSet","name":"$stem""#,
        Owner::DaemonSet => r#""apiVersion":"apps/v1","kind":"DaemonSet","name":"$app""#,
        Owner::StatefulSet => r#""apiVersion":"apps/v1","kind":"StatefulSet","name":"$app""#,
        Owner::Job => r#""apiVersion":"batch/v1","kind":"Job","name":"$app""#,
        Owner::Nobody => "",
    };
    if !owner.is_empty() {
        put(r#""ownerReferences":[{"#);
        put(owner);
        put(r#","uid":"$ownerid","controller":true,"blockOwnerDeletion":true}],"#);
    }
    put(text::MANAGED_METADATA);
    for container in 0..part.containers {
        put([text::MANAGED_MAIN, text::MANAGED_SIDECAR][container]);
    }
    put(text::MANAGED_SPEC);
    if part.inits > 0 {
        put(text::MANAGED_INIT);
    }
    put(text::MANAGED_REST);
    if network {
        put(text::MANAGED_NETWORK);
    }
    put(if part.node.is_some() { text::MANAGED_STATUS } else { text::MANAGED_SCHEDULING });
    put("]},");
}

fn spec(part: &Part, put: &mut impl FnMut(&str)) {
    put(text::VOLUMES);
    if part.inits > 0 {
        put(r#""initContainers":["#);
        put(text::INIT);
        put("],");
    }
    put(r#""containers":["#);
    for container in 0..part.containers {
        put([text::MAIN, text::SIDECAR][container]);
    }
    put(r#"],"restartPolicy":"#);
    put(if part.owner == Owner::Job { r#""OnFailure""# } else { r#""Always""# });
    put(text::SPEC);
    if part.node.is_some() {
        put(r#""nodeName":"$node","#);
    }
    put(text::SCHEDULING);
    if part.owner == Owner::DaemonSet {
        put(text::TOLERATIONS_OF_A_DAEMON_SET);
    }
    put(text::PRIORITY);
}

fn status(part: &Part, state: State, put: &mut impl FnMut(&str)) {
    let phase = match state {
        State::Running(_) | State::Unready | State::Crashing(_) | State::Terminating => "Running",
        State::Unscheduled | State::Creating | State::ImagePull | State::InitCrashing => "Pending",
        State::Evicted | State::Failed => "Failed",
        State::Completed => "Succeeded",
    };
    put(r#""status":{"observedGeneration":1,"phase":""#);
    put(phase);
    put(r#"","conditions":["#);
    let well = matches!(state, State::Running(_) | State::Terminating);
    if state == State::Unscheduled {
        put(text::UNSCHEDULABLE);
        put(r#"],"qosClass":"Burstable"}"#);
        return;
    }
    if state == State::Evicted {
        put(text::EVICTED);
        return;
    }
    let initialized = state != State::InitCrashing;
    put(text::READY_TO_START);
    put(if initialized { text::INITIALIZED } else { text::NOT_INITIALIZED });
    put(match (well, state) {
        (true, _) => text::READY,
        (false, State::Completed) => text::READY_NO_MORE,
        (false, _) => text::NOT_READY,
    });
    put(text::SCHEDULED);
    put(r#""hostIP":"$host","hostIPs":[{"ip":"$host"}],"#);
    if !matches!(state, State::Creating) {
        put(r#""podIP":"$address","podIPs":[{"ip":"$address"}],"#);
    }
    put(r#""startTime":"$created","#);
    if part.inits > 0 {
        put(r#""initContainerStatuses":["#);
        put(match state {
            State::Creating => text::INIT_WAITS,
            State::InitCrashing => text::INIT_CRASHES,
            State::Running(_)
            | State::Unready
            | State::Unscheduled
            | State::ImagePull
            | State::Crashing(_)
            | State::Terminating
            | State::Evicted
            | State::Completed
            | State::Failed => text::INIT_DONE,
        });
        put("],");
    }
    put(r#""containerStatuses":["#);
    for container in 0..part.containers {
        let [name, of] = if container == 0 {
            [r#"{"name":"main","#, text::IMAGE_OF_MAIN]
        } else {
            [r#",{"name":"proxy","#, text::IMAGE_OF_SIDECAR]
        };
        put(name);
        put(match state {
            State::Running(restarts) if restarts > 0 && container == 0 => text::RUNS_AGAIN,
            State::Running(_) | State::Terminating => text::RUNS,
            State::Unready | State::Crashing(_) if container > 0 => text::RUNS,
            State::Unready => text::RUNS_UNREADY,
            State::Crashing(_) => text::CRASHES,
            State::ImagePull => text::PULLS,
            State::Creating | State::InitCrashing => text::WAITS,
            State::Completed => text::COMPLETED,
            State::Unscheduled | State::Evicted | State::Failed => text::FAILED,
        });
        put(of);
    }
    put(r#"],"qosClass":"Burstable"}"#);
}
