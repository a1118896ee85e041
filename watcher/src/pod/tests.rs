//! What the API sends, and what is read of it.

use super::*;
use crate::fixtures::{at, pod};

/// As an API server sends it, with much that is skipped.
const JSON: &str = r#"{
    "kind": "Pod", "apiVersion": "v1",
    "metadata": {
        "name": "cart-7f", "namespace": "shop", "uid": "0123abcd-4567-89ef-0000-fedcba987654", "resourceVersion": "42",
        "generateName": "cart-", "creationTimestamp": "2025-06-01T11:59:00Z", "deletionTimestamp": "2025-06-01T12:00:30Z",
        "deletionGracePeriodSeconds": 30, "labels": {"app": "cart"},
        "annotations": {"podlight.dev/ignore": "true", "example.com/manifest": "{\"much\": [1, 2]}"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "cart", "uid": "x", "apiVersion": "apps/v1"}],
        "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}]
    },
    "spec": {
        "nodeName": "pi-3", "restartPolicy": "OnFailure", "volumes": [{"name": "v", "emptyDir": {}}],
        "initContainers": [{"name": "proxy", "restartPolicy": "Always", "image": "proxy"}, {"name": "setup"}],
        "containers": [{"name": "main", "image": "cart", "ports": [{"name": "grpc", "containerPort": 9000, "protocol": "TCP"}]}]
    },
    "status": {
        "phase": "Running", "podIP": "10.0.0.7", "qosClass": "Burstable", "startTime": "2025-06-01T11:59:01Z",
        "conditions": [
            {"type": "PodReadyToStartContainers", "status": "True", "lastProbeTime": null, "lastTransitionTime": null},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2025-06-01T11:59:30Z"}
        ],
        "containerStatuses": [{
            "name": "main", "ready": false, "started": false, "restartCount": 3, "image": "cart", "imageID": "",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": "2025-06-01T11:59:20Z",
                "finishedAt": "2025-06-01T11:59:29Z", "containerID": "containerd://1"}}
        }]
    }
}"#;

fn parse(json: &str) -> Pod {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_pod_is_read_as_the_api_sends_it() {
    let pod = parse(JSON);
    assert_eq!((pod.name(), pod.namespace(), pod.node()), ("cart-7f", "shop", "pi-3"));
    assert_eq!(pod.metadata.resource_version, "42", "a watch goes on from it");
    assert_eq!(pod.deletion_asked(), Some(at(0)));
    assert_eq!(pod.spec.restart_policy, RestartPolicy::OnFailure);
    assert!(pod.is_sidecar("proxy") && !pod.is_sidecar("setup") && !pod.is_sidecar("main"));
    assert_eq!(pod.status.phase, Phase::Running);
    assert_eq!(pod.condition(ConditionKind::Ready).unwrap().last_transition_time, Some(at(-30)));
    let main = &pod.status.container_statuses[0];
    assert_eq!((main.restart_count, main.state.waiting_reason()), (3, Some("CrashLoopBackOff")));
    assert_eq!(main.last_state.failure().unwrap().finished_at, Some(at(-31)));
}

#[test]
fn an_owner_that_does_not_control_a_pod_is_none() {
    assert!(parse(JSON).metadata.controller.is_none());
}

#[test]
fn foreign_annotations_are_dropped_and_our_own_is_heard() {
    let pod = parse(JSON);
    assert_eq!(pod.metadata.annotations.iter().collect::<Vec<_>>(), [(Pod::IGNORE, "true")]);
    assert!(pod.is_ignored());
}

#[test]
fn what_is_null_or_missing_or_new_is_no_error() {
    for json in [
        r#"{"metadata": {}}"#,
        r#"{"metadata": {"creationTimestamp": null, "annotations": null, "labels": null, "ownerReferences": null}, "spec": {}, "status": {}}"#,
        r#"{"metadata": {}, "spec": {"containers": null, "nodeName": null, "initContainers": [{"name": "a"}]}, "status": {"containerStatuses": null}}"#,
    ] {
        assert_eq!(parse(json).status.phase, Phase::Pending, "{json}");
    }
    let new = r#"{"metadata": {}, "spec": {"restartPolicy": "OnTuesdays"},
        "status": {"phase": "Dreaming", "conditions": [{"type": "Lucid", "status": "Partly"}]}}"#;
    assert_eq!(parse(new).status.phase, Phase::Unknown);
}

#[test]
fn a_lightd_pod_is_a_light_where_its_grpc_port_is() {
    let lightd = || pod("lightd").on("n1").lightd([10, 0, 0, 7].into());
    assert_eq!(lightd().light(), Some("10.0.0.7:50051".parse().unwrap()));
    assert_eq!(lightd().port("http", 8081).port("grpc", 9000).light(), Some("10.0.0.7:9000".parse().unwrap()));
    let v6 = pod("lightd").on("n1").lightd("fd00::7".parse().unwrap());
    assert_eq!(v6.light(), Some("[fd00::7]:50051".parse().unwrap()));
}

#[test]
fn what_cannot_be_dialled_is_no_light() {
    let lightd = || pod("lightd").on("n1").lightd([10, 0, 0, 7].into());
    let mut addressless = lightd();
    addressless.status.pod_ip.clear();
    for (what, pod) in [
        ("another pod", pod("a").on("n1")),
        ("another component", lightd().labelled("app.kubernetes.io/component", "watcher")),
        ("another namespace", lightd().within("shop")),
        ("on its way out", lightd().terminating()),
        ("not begun", lightd().phase(Phase::Pending)),
        ("not on a node", lightd().on("")),
        ("without an address", addressless),
    ] {
        assert_eq!(pod.light(), None, "{what}");
    }
}
