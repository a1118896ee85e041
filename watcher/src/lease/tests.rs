//! The Lease at an API that is played by the test, in virtual time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// In virtual time: it passes at once where nothing else is due.
const FOREVER: Duration = Duration::from_secs(3_600);

/// What an API says to what it is asked. Nothing: it never answers.
type Answers = dyn FnMut(&Method, Value) -> Option<(u16, Value)> + Send;

/// A poll under test, and all that it is joined to.
struct Rig {
    term: watch::Receiver<Option<Term>>,
    asked: Arc<Mutex<Vec<String>>>,
    over: oneshot::Sender<()>,
    poll: JoinHandle<()>,
}

fn rig(answers: impl FnMut(&Method, Value) -> Option<(u16, Value)> + Send + 'static) -> Rig {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let answers: Arc<Mutex<Box<Answers>>> = Arc::new(Mutex::new(Box::new(answers)));
    let service = tower::service_fn({
        let asked = asked.clone();
        move |request: Request<Body>| {
            let (asked, answers) = (asked.clone(), answers.clone());
            async move {
                let (head, body) = request.into_parts();
                let path = head.uri.path().trim_end_matches('?').rsplit_once("/v1/").unwrap().1;
                asked.lock().unwrap().push(format!("{} {path}", head.method));
                let body = body.collect().await.unwrap().to_bytes();
                let answer = answers.lock().unwrap()(&head.method, serde_json::from_slice(&body).unwrap_or_default());
                let Some((code, body)) = answer else { return std::future::pending().await };
                let body = Body::from(body.to_string().into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        }
    });
    let (term, terms) = watch::channel(None);
    let (over, ends) = oneshot::channel::<()>();
    let poll = Poll {
        api: Api::namespaced(Client::new(service, "default"), "podlight"),
        namespace: "podlight".to_owned(),
        candidate: Candidate::new("watcher".to_owned(), "a".to_owned()),
        term,
        leader: watch::Sender::default(),
    };
    Rig { term: terms, asked, over, poll: tokio::spawn(poll.stand(async { drop(ends.await) })) }
}

impl Rig {
    async fn until(&mut self, is: impl Fn(&Option<Term>) -> bool) -> Option<Term> {
        *timeout(FOREVER, self.term.wait_for(is)).await.unwrap().unwrap()
    }

    async fn ends(self) -> Vec<String> {
        self.over.send(()).unwrap();
        timeout(FOREVER, self.poll).await.unwrap().unwrap();
        self.asked.lock().unwrap().clone()
    }
}

fn status(code: u16, reason: &str) -> Option<(u16, Value)> {
    Some((code, json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason })))
}

fn released(version: u64) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "watcher", "namespace": "podlight", "uid": "u", "resourceVersion": version.to_string() },
        "spec": { "holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 6 },
    })
}

/// An API of one Lease, that was released.
fn free() -> impl FnMut(&Method, Value) -> Option<(u16, Value)> + Send {
    let mut lease = released(1);
    let mut version = 1;
    move |method, body| {
        if method == Method::PUT {
            if body["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"] {
                return status(409, "Conflict");
            }
            version += 1;
            lease = body;
            lease["metadata"]["resourceVersion"] = json!(version.to_string());
        }
        Some((200, lease.clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_free_lease_is_taken_renewed_and_released_at_the_end() {
    let mut rig = rig(free());
    let first = rig.until(Option::is_some).await.unwrap();
    assert_eq!((first.epoch, first.until), (8, Some(instant() + Duration::from_secs(10))));
    let second = rig.until(|term| *term != Some(first)).await.unwrap();
    assert_eq!((second.epoch, second.until), (8, Some(instant() + Duration::from_secs(10))));
    let term = rig.term.clone();
    let lease = "namespaces/podlight/leases/watcher";
    let asked = rig.ends().await;
    assert_eq!(*term.borrow(), None);
    assert_eq!(asked, ["GET", "PUT", "PUT", "PUT"].map(|verb| format!("{verb} {lease}")));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_there_is_made() {
    let made = Arc::<Mutex<Option<Value>>>::default();
    let mut rig = rig({
        let made = made.clone();
        move |method, body| match *method {
            Method::POST | Method::PUT => {
                let mut lease = body;
                lease["metadata"]["resourceVersion"] = json!("1");
                lease["metadata"]["creationTimestamp"] = json!("2025-06-01T12:00:00Z");
                *made.lock().unwrap() = Some(lease.clone());
                Some((201, lease))
            }
            _ => status(404, "NotFound"),
        }
    });
    assert_eq!(rig.until(Option::is_some).await.unwrap().epoch, 1_748_779_201);
    let made = made.lock().unwrap().clone().unwrap();
    assert_eq!((&made["metadata"]["name"], &made["spec"]["holderIdentity"]), (&json!("watcher"), &json!("a")));
    let asked = rig.asked.lock().unwrap().clone();
    let lease = "namespaces/podlight/leases";
    assert_eq!(asked[asked.len() - 2..], [format!("POST {lease}"), format!("PUT {lease}/watcher")]);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_too_late_looks_again() {
    let mut late = 3;
    let mut answers = free();
    let mut rig = rig(move |method, body| {
        if *method == Method::PUT && late > 0 {
            late -= 1;
            return status(409, "Conflict");
        }
        answers(method, body)
    });
    rig.until(Option::is_some).await;
    let verbs: Vec<_> = rig.asked.lock().unwrap().iter().map(|asked| asked[..3].to_owned()).collect();
    assert_eq!(verbs, ["GET", "PUT", "GET", "PUT", "GET", "PUT", "GET", "PUT"]);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_does_not_answer_is_asked_again_and_prolongs_nothing() {
    let mut asked = 0;
    let mut answers = free();
    let mut rig = rig(move |method, body| {
        asked += 1;
        if (3..8).contains(&asked) { None } else { answers(method, body) }
    });
    let first = rig.until(Option::is_some).await.unwrap();
    let second = rig.until(|term| *term != Some(first)).await.unwrap();
    // It took longer than a term: nobody led meanwhile.
    assert!(second.until.unwrap() > first.until.unwrap() + Duration::from_secs(10));
    assert_eq!(second.epoch, first.epoch);
}

#[tokio::test(start_paused = true)]
async fn without_the_rights_nobody_leads_until_they_are_given() {
    for (verb, denied) in [(Verb::Get, Method::GET), (Verb::Update, Method::PUT)] {
        let trouble = ask::<()>(verb, async {
            let status = serde_json::from_value(status(403, "Forbidden").unwrap().1).unwrap();
            Err(kube::Error::Api(status))
        });
        let Trouble { kind, verb: missing, .. } = trouble.await.unwrap_err();
        assert_eq!((kind, missing), (Kind::Forbidden, verb));

        let mut left = 20;
        let mut answers = free();
        let mut rig = rig(move |method, body| {
            if *method == denied && left > 0 {
                left -= 1;
                return status(403, "Forbidden");
            }
            answers(method, body)
        });
        rig.until(Option::is_some).await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_namespace_is_missing_nobody_hurries() {
    let rig = rig(|_, _| status(404, "NotFound"));
    tokio::time::sleep(FOREVER).await;
    assert!(rig.term.borrow().is_none());
    let asked = rig.asked.lock().unwrap().len();
    assert!(asked < 2 * 3_600, "asked {asked} times in an hour");
}
