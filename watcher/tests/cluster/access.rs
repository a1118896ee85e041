//! The rights that are shipped: all that the watcher needs, and no more.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use podlight_proto::v1::Layer;
use serde_json::json;

use crate::kubelet::Node;
use crate::light::{DARK, Light};
use crate::stage::staged;
use crate::watcher::Watcher;

const NEEDED: [(&str, &str); 4] = [("list", "nodes"), ("list", "pods"), ("watch", "nodes"), ("watch", "pods")];

/// Group, verb, resource, and the only name that it holds for.
type Right = (String, String, String, Option<String>);

fn right(group: &str, verb: &str, resource: &str, name: Option<&str>) -> Right {
    (group.to_owned(), verb.to_owned(), resource.to_owned(), name.map(str::to_owned))
}

/// What whoever asks may do in `namespace`, besides what everyone may: ask who they are and what they may.
async fn rights(reviews: &Api<SelfSubjectRulesReview>, namespace: &str) -> BTreeSet<Right> {
    let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
    let review = SelfSubjectRulesReview { spec, ..Default::default() };
    let status = reviews.create(&PostParams::default(), &review).await.unwrap().status.expect("an answer");
    let mut rights = BTreeSet::new();
    for rule in status.resource_rules {
        let names = rule.resource_names.filter(|names| !names.is_empty());
        let names = names.map_or_else(|| vec![None], |names| names.into_iter().map(Some).collect());
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for verb in &rule.verbs {
                    rights.extend(names.iter().map(|name| right(group, verb, resource, name.as_deref())));
                }
            }
        }
    }
    rights.retain(|(group, ..)| !["authentication.k8s.io", "authorization.k8s.io"].contains(&group.as_str()));
    rights
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn the_watcher_may_list_and_watch_pods_and_nodes_and_at_home_share_a_lease() {
    staged(async |cluster| {
        let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig(None).await).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let reviews: Api<SelfSubjectRulesReview> = Api::all(Client::try_from(config).unwrap());
        let abroad = rights(&reviews, "kube-system").await;
        assert_eq!(abroad, NEEDED.map(|(verb, resource)| right("", verb, resource, None)).into());
        let lease = |verb, name| right("coordination.k8s.io", verb, "leases", name);
        let most = [lease("create", None), lease("get", Some("watcher")), lease("update", Some("watcher"))];
        let at_home = rights(&reviews, &cluster.name).await;
        let more: BTreeSet<_> = at_home.difference(&abroad).cloned().collect();
        assert!(more.is_subset(&most.into()), "{more:?}");
    });
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn a_right_that_is_missing_is_named_and_used_once_it_is_given() {
    staged(async |cluster| {
        let roles: Api<ClusterRole> = Api::all(cluster.client.clone());
        let grant = async |rights: &[(&str, &str)]| {
            let rules: Vec<_> = rights
                .iter()
                .map(|(verb, resource)| PolicyRule {
                    api_groups: Some(vec![String::new()]),
                    resources: Some(vec![(*resource).to_owned()]),
                    verbs: vec![(*verb).to_owned()],
                    ..PolicyRule::default()
                })
                .collect();
            let patch = Patch::Merge(json!({"rules": rules}));
            roles.patch(&cluster.role(), &PatchParams::default(), &patch).await.unwrap();
        };
        let node = Node::join(cluster).await;
        for (verb, resource) in NEEDED {
            let light = Light::start().await;
            let others: Vec<_> = NEEDED.into_iter().filter(|right| *right != (verb, resource)).collect();
            grant(&others).await;
            let watcher = Watcher::start(cluster, &["--api-silence=2s", "--lease=2s", &light.of(&node.name)]).await;
            watcher.until_says(&format!("a ClusterRole must allow to {verb} {resource}")).await;
            if verb == "list" {
                assert_eq!(light.state().await.layer(), Layer::Idle, "half the truth was told");
            } else {
                light.until_stale().await;
            }
            grant(&NEEDED).await;
            light.until_shows(DARK, "no pods").await;
        }
    });
}
