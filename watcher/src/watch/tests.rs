//! The watches against an API that is played by the test, in virtual time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use kube::client::Body;
use kube::core::Status;

use super::answer::Failure;
use super::*;
use crate::pod::Pod;

const SILENCE: Duration = Duration::from_secs(30);

/// In place of a status: it says nothing.
const NOTHING: u16 = 0;

/// Answers of an API, in order, and what it was asked. When there are none left, it says nothing.
#[derive(Clone)]
struct Played {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Played {
    fn new(answers: &[(u16, &str)]) -> Self {
        let answers = answers.iter().rev().map(|(code, body)| (*code, (*body).to_owned())).collect();
        Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }

    /// Follows its pods.
    fn follow(&self) -> mpsc::Receiver<Change<Pod>> {
        self.heard().1
    }

    /// Follows its pods, and says what was heard.
    fn heard(&self) -> (watch::Sender<Freshness>, mpsc::Receiver<Change<Pod>>) {
        let (heard, client) = self.client();
        let (changes, received) = mpsc::channel(1);
        tokio::spawn(follow(client, Watch::Pods, SILENCE, heard.clone(), changes));
        (heard, received)
    }

    fn client(&self) -> (watch::Sender<Freshness>, Client) {
        let played = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            played.asked.lock().unwrap().push(request.uri().to_string());
            let answer = played.answers.lock().unwrap().pop();
            async move {
                match answer {
                    Some((code, body)) if code != NOTHING => {
                        let body = Body::from(body.into_bytes());
                        Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
                    }
                    _ => std::future::pending().await,
                }
            }
        });
        let heard = watch::Sender::new(Freshness::new(SILENCE, Instant::now().into_std()));
        let client = ClientBuilder::new(service, "default").with_layer(&Hearing(heard.clone())).build();
        (heard, client)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn pod(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop","uid":"{name}","resourceVersion":"7"}}}}"#)
}

fn list(names: &[&str], next: &str) -> String {
    let pods: Vec<_> = names.iter().map(|name| pod(name)).collect();
    let meta = format!(r#"{{"resourceVersion":"5","continue":"{next}"}}"#);
    format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{meta},"items":[{}]}}"#, pods.join(","))
}

fn event(kind: &str, object: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

async fn next(changes: &mut mpsc::Receiver<Change<Pod>>) -> String {
    // In virtual time: nothing else is due, if nothing comes.
    match tokio::time::timeout(Duration::from_secs(3_600), changes.recv()).await.unwrap().unwrap() {
        Change::Restart => "restart".to_owned(),
        Change::Listed(pod) => format!("listed {}", pod.name()),
        Change::Synced => "synced".to_owned(),
        Change::Applied(pod) => format!("applied {}", pod.name()),
        Change::Deleted(pod) => format!("deleted {}", pod.name()),
    }
}

async fn expect(changes: &mut mpsc::Receiver<Change<Pod>>, want: &[&str]) {
    for want in want {
        assert_eq!(next(changes).await, *want);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_listed_and_then_watched_from_where_they_end() {
    let added = event("ADDED", &pod("c")) + &event("DELETED", &pod("a"));
    let api = Played::new(&[(200, &list(&["a"], "more")), (200, &list(&["b"], "")), (200, &added)]);
    let mut changes = api.follow();
    expect(&mut changes, &["restart", "listed a", "listed b", "synced", "applied c", "deleted a"]).await;
    let asked = api.asked();
    assert!(asked[0].contains("limit=500"), "{}", asked[0]);
    assert!(asked[1].contains("continue=more"), "{}", asked[1]);
    assert!(asked[2].contains("watch=true") && asked[2].contains("resourceVersion=5"), "{}", asked[2]);
    assert!(asked[2].contains("timeoutSeconds=20") && asked[2].contains("allowWatchBookmarks=true"), "{}", asked[2]);
}

#[tokio::test(start_paused = true)]
async fn an_api_out_of_order_is_asked_again_and_again() {
    let mut answers = vec![(500, "{}"); 12];
    let good = list(&["a"], "");
    answers.push((200, &good));
    let mut changes = Played::new(&answers).follow();
    for _ in 0..12 {
        expect(&mut changes, &["restart"]).await;
    }
    expect(&mut changes, &["restart", "listed a", "synced"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_and_one_that_is_gone_is_listed_anew() {
    let gone = event("ERROR", r#"{"kind":"Status","code":410,"reason":"Expired","message":"too old"}"#);
    let api = Played::new(&[
        (200, &list(&["a", "b"], "")),
        (200, ""),
        (200, &event("MODIFIED", &pod("a"))),
        (200, &gone),
        (200, &list(&["b"], "")),
    ]);
    let mut changes = api.follow();
    expect(&mut changes, &["restart", "listed a", "listed b", "synced", "applied a"]).await;
    expect(&mut changes, &["restart", "listed b", "synced"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_on_a_watch_is_listed_anew() {
    let odd = event("MODIFIED", r#"{"metadata":{"name":7}}"#);
    let api = Played::new(&[(200, &list(&["a"], "")), (200, &odd), (200, &list(&["b"], ""))]);
    let mut changes = api.follow();
    expect(&mut changes, &["restart", "listed a", "synced", "restart", "listed b", "synced"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_silent_for_too_long_is_listed_anew_once() {
    let api = Played::new(&[(200, &list(&["a", "b"], "")), (NOTHING, ""), (200, &list(&["b"], ""))]);
    let (heard, mut changes) = api.heard();
    let begins = Instant::now();
    expect(&mut changes, &["restart", "listed a", "listed b", "synced"]).await;
    heard.send_modify(|freshness| freshness.listed(Watch::Pods, Instant::now().into_std()));
    expect(&mut changes, &["restart", "listed b", "synced"]).await;
    assert!(begins.elapsed() > SILENCE * 2 / 3 && begins.elapsed() < SILENCE);
    let asked = api.asked();
    assert!(asked.iter().filter(|asked| !asked.contains("watch=true")).count() == 2, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_watches_say_counts_for_nothing_while_the_store_cannot_be_read() {
    let api = Played::new(&[(200, &list(&[], "")), (500, "{}")]);
    let (heard, client) = api.client();
    let start = Instant::now();
    let until = || heard.borrow().until().map(|until| (until - start.into_std()).as_secs());
    tokio::spawn(probe(client, SILENCE, heard.clone()));
    sleep(Duration::from_secs(9)).await;
    let now = Instant::now().into_std();
    heard.send_modify(|freshness| {
        freshness.awake(now);
        freshness.awake(now);
        freshness.heard(Watch::Pods, now);
        freshness.heard(Watch::Nodes, now);
    });
    sleep(Duration::from_secs(2)).await;
    heard.send_modify(|freshness| freshness.reads(Instant::now().into_std()));
    assert_eq!(until(), Some(30));
}

#[test]
fn a_missing_right_is_told_from_a_missing_api() {
    for (code, want) in [(401, Trouble::Unknown), (403, Trouble::Forbidden), (503, Trouble::Down), (410, Trouble::Down)]
    {
        assert_eq!(Failure::refused(&Status { code, ..Status::default() }).trouble, want);
    }
}

#[test]
fn watches_end_well_within_the_silence_that_is_allowed() {
    for (silence, want) in [(2, 1), (3, 2), (30, 20), (600, 20)] {
        assert_eq!(timeout(Duration::from_secs(silence)), want);
    }
}
