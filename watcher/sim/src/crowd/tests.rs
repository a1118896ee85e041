use std::collections::{BTreeMap, HashSet};

use k8s_openapi::api::core::v1::{Node, Pod};

use super::*;

fn pod(crowd: &Crowd, number: usize, change: u64) -> Vec<u8> {
    let mut text = Vec::new();
    crowd.pod(number, change, &mut text);
    text
}

fn parsed(crowd: &Crowd, number: usize, change: u64) -> Pod {
    let text = pod(crowd, number, change);
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)))
}

fn words(pod: &Pod) -> String {
    let status = pod.status.as_ref().unwrap();
    let word = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        let state = state?;
        let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
        waiting.or_else(|| state.terminated.as_ref()?.reason.clone())
    };
    let main = status.container_statuses.iter().flatten().find_map(|container| word(container.state.as_ref()));
    let ready =
        status.conditions.iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let deleting = if pod.metadata.deletion_timestamp.is_some() { "deleting" } else { "" };
    format!(
        "{}/{}/{}/{ready}/{deleting}",
        status.phase.as_deref().unwrap(),
        status.reason.as_deref().unwrap_or_default(),
        main.unwrap_or_default()
    )
}

#[test]
fn a_pod_is_always_the_same_and_each_is_another() {
    let crowd = Crowd::new(3_000, 100);
    assert_eq!(pod(&crowd, 17, 3), pod(&crowd.clone(), 17, 3));
    assert_ne!(pod(&crowd, 17, 0), pod(&Crowd { seed: 1, ..crowd }, 17, 0));
    let all: Vec<Pod> = (0..3_000).map(|number| parsed(&crowd, number, 0)).collect();
    let uids: HashSet<_> = all.iter().map(|pod| pod.metadata.uid.clone()).collect();
    let names: HashSet<_> = all.iter().map(|pod| (pod.metadata.namespace.clone(), pod.metadata.name.clone())).collect();
    assert_eq!((uids.len(), names.len()), (3_000, 3_000));
}

#[test]
fn pods_are_as_large_as_those_of_clusters() {
    let crowd = Crowd::new(3_000, 100);
    for change in [0, 2] {
        let sizes: Vec<_> = (0..3_000).map(|number| pod(&crowd, number, change).len()).collect();
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!(*least > 5_000 && *most < 8 << 10, "{least} to {most}, {mean} on average");
    }
}

#[test]
fn pods_are_in_all_kinds_of_states_most_of_them_well() {
    let crowd = Crowd::new(6_000, 200);
    let mut kinds = BTreeMap::<_, usize>::new();
    let mut owners = BTreeMap::<_, usize>::new();
    for number in 0..6_000 {
        let pod = parsed(&crowd, number, 0);
        *kinds.entry(words(&pod)).or_default() += 1;
        let owner = pod.metadata.owner_references.and_then(|owners| Some(owners.first()?.kind.clone()));
        *owners.entry(owner).or_default() += 1;
    }
    for kind in [
        "Running///false/",
        "Pending///false/",
        "Pending//PodInitializing/false/",
        "Pending//ImagePullBackOff/false/",
        "Running//CrashLoopBackOff/false/",
        "Running///true/deleting",
        "Failed/Evicted//false/",
        "Failed//Error/false/",
        "Succeeded//Completed/false/",
    ] {
        assert!(kinds.contains_key(kind), "{kind} is not among {kinds:?}");
    }
    assert!(kinds["Running///true/"] > 5_400, "{kinds:?}");
    assert_eq!(owners.len(), 5, "{owners:?}");
}

#[test]
fn every_other_change_turns_a_pod_over_and_the_last_of_four_back() {
    let crowd = Crowd::new(600, 20);
    let of = |change| {
        let pod = parsed(&crowd, 599, change);
        (words(&pod), pod.metadata.resource_version.unwrap().parse::<u64>().unwrap())
    };
    let (states, versions): (Vec<_>, Vec<_>) = (0..5).map(of).unzip();
    let (well, crashing) = ("Running///true/", "Running//CrashLoopBackOff/false/");
    assert_eq!(states, [well, well, crashing, crashing, well]);
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}

#[test]
fn an_event_is_a_line_and_is_of_the_pod() {
    let crowd = Crowd::new(600, 20);
    let mut line = Vec::new();
    crowd.event(7, 2, &mut line);
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    let event: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!((&event["type"], &event["object"]["kind"]), (&"MODIFIED".into(), &"Pod".into()));
    let pod: serde_json::Value = serde_json::from_slice(&pod(&crowd, 7, 2)).unwrap();
    assert_eq!((&event["object"]["metadata"], &event["object"]["spec"]), (&pod["metadata"], &pod["spec"]));
}

#[test]
fn pods_are_on_nodes_that_there_are() {
    let crowd = Crowd::new(600, 20);
    let nodes: HashSet<_> = (0..20)
        .map(|number| {
            let mut text = Vec::new();
            crowd.node(number, &mut text);
            let node: Node = serde_json::from_slice(&text).unwrap();
            node.metadata.name.unwrap()
        })
        .collect();
    assert_eq!(nodes.len(), 20);
    let of: Vec<_> = (0..600).filter_map(|number| parsed(&crowd, number, 0).spec.unwrap().node_name).collect();
    assert!(of.len() > 580 && of.iter().all(|node| nodes.contains(node)));
}
