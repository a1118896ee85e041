//! The cluster tier: the API server of `KUBECONFIG` takes each overlay, keeps all that it says, and has nothing of it left
//! once it has been deleted. What an old server doesn't know is left to the parse, by name; no server shows here whether
//! NetworkPolicies and Pod Security are enforced.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, from_slice, json};

use crate::overlay::{ALL, Overlay, say};

const PAUSE: Duration = Duration::from_millis(200);
const TRIES: usize = 600;
const OURS: &str = "--selector=app.kubernetes.io/name=podlight";

/// Runs kubectl with `objects` as its input.
fn kubectl(arguments: &[&str], objects: &[Value]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("kubectl");
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl is installed");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    // One that reads no input may have ended already.
    let _ = child.stdin.take().expect("it is piped").write_all(list.as_bytes());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(output.stdout) } else { Err(format!("kubectl {arguments:?}: {error}")) }
}

/// What this server can be told of `overlay`.
fn known(overlay: &Overlay) -> Vec<Value> {
    let mut objects = overlay.objects();
    objects.retain(|object| {
        let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        let path = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let resources = kubectl(&["get", "--raw", &path], &[]).unwrap_or_default();
        let resources = from_slice::<Value>(&resources).unwrap_or_default();
        let serves = resources["resources"].as_array().is_some_and(|all| all.iter().any(|known| known["kind"] == kind));
        if !serves {
            say(&format!("{}: LEFT TO THE PARSE, for this server doesn't know it: {version} {kind}", overlay.name));
        }
        serves
    });
    objects
}

/// Where `kept` lacks something of `told`. Amounts are kept in another notation.
fn lost(told: &Value, kept: &Value, path: &str) -> Option<String> {
    match (told, kept) {
        (Value::Object(told), Value::Object(_)) => {
            told.iter().find_map(|(key, value)| lost(value, &kept[key], &format!("{path}.{key}")))
        }
        (Value::Array(told), Value::Array(all)) if told.len() == all.len() => {
            told.iter().zip(all).find_map(|(told, kept)| lost(told, kept, &format!("{path}[]")))
        }
        (Value::Array(told), Value::Null) if told.is_empty() => None,
        _ if told == kept => None,
        _ => Some(format!("{path}: {told} became {kept}")),
    }
}

/// Waits until `probe` says nothing any more.
fn until_quiet(what: &str, mut probe: impl FnMut() -> String) {
    let mut said = probe();
    for _ in 1..TRIES {
        if said.is_empty() {
            return;
        }
        sleep(PAUSE);
        said = probe();
    }
    panic!("not in time: {what}; last seen: {said}");
}

#[test]
#[ignore = "needs a cluster: set KUBECONFIG; .ci/run does"]
fn each_overlay_is_taken_kept_and_gone_without_a_trace() {
    say("NOT TRIED, for it takes a node: that NetworkPolicies and Pod Security are enforced");
    for overlay in ALL {
        let objects = known(&overlay);
        let (namespaces, rest): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| object["kind"] == "Namespace");
        let apply = ["apply", "--server-side", "--filename=-"];
        until_quiet("a namespace that lasts", || kubectl(&apply, &namespaces).err().unwrap_or_default());
        kubectl(&[&apply[..], &["--dry-run=server"]].concat(), &rest).unwrap();
        kubectl(&apply, &rest).unwrap();
        let all = [namespaces, rest].concat();
        let list: Value = from_slice(&kubectl(&["get", "--filename=-", "--output=json"], &all).unwrap()).unwrap();
        for (told, kept) in all.iter().zip(list["items"].as_array().unwrap()) {
            assert_eq!(lost(told, kept, &told["kind"].to_string()), None, "{}", overlay.name);
        }
        // Once more changes nothing.
        let diff = kubectl(&["diff", "--server-side", "--filename=-"], &all).unwrap();
        assert_eq!(String::from_utf8_lossy(&diff), "", "{}", overlay.name);
        kubectl(&["delete", "--filename=-", "--timeout=120s"], &all).unwrap();
        let kinds = "namespaces,clusterroles,clusterrolebindings";
        let left = kubectl(&["get", kinds, OURS, "--output=name"], &[]).unwrap();
        assert_eq!(String::from_utf8_lossy(&left), "", "{}", overlay.name);
    }
}
