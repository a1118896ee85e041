//! Two watchers and one Lease: one tells the light, the other stands by.

use std::time::Duration;

use podlight_proto::v1;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::rig::{Api, GREEN, Light, PATIENCE, RED, Running};
use crate::{cart, node};

const ELECTION: [&str; 2] = ["--election", "podlight/watcher"];

/// A node's light that is told by the first of two watchers, and the other one. No election takes place in between.
async fn two(flags: &[&str]) -> (Api, Light, Running, Running) {
    let (api, mut light) = node("n1").await;
    api.cluster.apply_pod(cart().running());
    api.cluster.apply_lease(json!({
        "metadata": { "name": "watcher", "namespace": "podlight", "creationTimestamp": "1970-01-01T00:00:00Z" },
        "spec": { "holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 6 },
    }));
    let flags = [&ELECTION, flags].concat();
    let leads = api.watcher(&flags);
    assert_eq!(epoch(&light.shows(&[GREEN; 2]).await), 8);
    let stands_by = api.watcher(&flags);
    until(|| api.cluster.watches() == 4).await;
    (api, light, leads, stands_by)
}

fn epoch(state: &v1::LightState) -> u64 {
    state.watcher.as_ref().unwrap().epoch
}

async fn until(is: impl Fn() -> bool) {
    let is = async {
        while !is() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, is).await.unwrap();
}

#[tokio::test]
async fn a_stand_by_takes_over_from_a_leader_that_dies() {
    let (api, mut light, leads, stands_by) = two(&[]).await;
    leads.kill().await;
    api.cluster.apply_pod(cart().crash_looping(1));
    let state = light.until("other than green", |state| state.leds[0].color != GREEN).await;
    assert_eq!(state.layer(), v1::Layer::Stale);
    assert_eq!(epoch(&light.shows(&[RED; 2]).await), 9);
    stands_by.stop().await;
}

#[tokio::test]
async fn a_stand_by_takes_over_at_once_from_a_leader_that_stops() {
    let (_api, mut light, leads, stands_by) = two(&["--lease", "10m"]).await;
    leads.stop().await;
    light.until("a new leader's", |state| state.layer() == v1::Layer::Watcher && epoch(state) == 9).await;
    stands_by.stop().await;
    light.is_stale().await;
}

#[tokio::test]
async fn a_lease_that_is_deleted_is_made_anew_and_all_goes_on() {
    let (api, mut light, leads, stands_by) = two(&["--lease", "3s"]).await;
    let holder = || api.cluster.lease("podlight", "watcher").map(|lease| lease["spec"]["holderIdentity"].clone());
    let first = holder();
    assert!(api.cluster.delete_lease("podlight", "watcher"));
    let anew = light.until("the new Lease's epoch", |state| {
        assert_eq!((state.layer(), state.leds[0].color.as_str()), (v1::Layer::Watcher, GREEN));
        epoch(state) > 1_700_000_000
    });
    anew.await;
    assert_eq!(holder(), first);
    leads.stop().await;
    stands_by.stop().await;
}

#[tokio::test]
async fn a_leader_that_cannot_renew_tells_nothing_more_and_one_leads_again_after() {
    // The watches alone would be believed for longer.
    let (api, mut light, leads, stands_by) = two(&["--lease", "2s", "--api-silence", "10m"]).await;
    api.cluster.hang(true);
    light.is_stale().await;
    assert!(light.keeps(Duration::from_secs(3), |state| state.layer() == v1::Layer::Stale).await);
    api.cluster.apply_pod(cart().crash_looping(1));
    api.cluster.hang(false);
    light.shows(&[RED; 2]).await;
    leads.stop().await;
    stands_by.stop().await;
}

#[tokio::test]
async fn where_there_never_was_a_lease_one_is_made() {
    let (api, mut light) = node("n1").await;
    let watcher = api.watcher(&ELECTION);
    assert!(epoch(&light.shows(&[GREEN; 2]).await) > 1_700_000_000);
    assert!(api.cluster.lease("podlight", "watcher").is_some());
    watcher.stop().await;
    let lease = api.cluster.lease("podlight", "watcher").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "");
}
