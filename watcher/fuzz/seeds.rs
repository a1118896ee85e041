//! Writes the seeds of the corpora anew: `cargo run --example seeds` in this folder.

use std::fs;

use jiff::Timestamp;
use podlight_sim::{NodeBuilder, PodBuilder};
use serde_json::{Value, json};
use watcher::policy::Preset;

/// As the model's.
const START: Timestamp = Timestamp::constant(1_748_779_200, 0);

fn main() -> std::io::Result<()> {
    for (name, lines) in watch() {
        write("watch", name, lines.join("\n").as_bytes())?;
    }
    for (name, bytes) in protobuf() {
        write("protobuf", name, &bytes)?;
    }
    // Bytes choose; what they choose, only the target knows.
    for seed in 0..24_u64 {
        let length = 60 + 40 * (seed % 8);
        let bytes: Vec<u8> = (0..length).map(|i| mixed(seed << 32 | i)).collect();
        write("cluster", &format!("choices-{seed:02}"), &bytes)?;
    }
    for (name, text) in SETTINGS {
        write("settings", name, text.as_bytes())?;
    }
    for (name, text) in POLICIES {
        write("policy", name, text.as_bytes())?;
    }
    for (name, preset) in Preset::ALL {
        write("policy", name, preset.policy().to_string().as_bytes())?;
    }
    Ok(())
}

fn write(target: &str, name: &str, content: &[u8]) -> std::io::Result<()> {
    let folder = format!("{}/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(&folder)?;
    fs::write(format!("{folder}/{name}"), content)
}

/// A byte that is like no other, and the same each time.
fn mixed(number: u64) -> u8 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()[0]
}

/// What a server said, and what none would say. The first byte is the target's.
fn protobuf() -> Vec<(&'static str, Vec<u8>)> {
    let pods = include_bytes!("../src/protobuf/recorded/pods.pb");
    let watch = include_bytes!("../src/protobuf/recorded/watch.pb");
    let list = |bytes: &[u8]| [&[20], bytes].concat();
    let stream = |bytes: &[u8]| [&[21], bytes].concat();
    let flipped = |bytes: &[u8], at: usize| {
        bytes.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == at)).collect::<Vec<_>>()
    };
    let mut seeds = vec![
        ("nodes", list(include_bytes!("../src/protobuf/recorded/nodes.pb"))),
        ("refusal", list(include_bytes!("../src/protobuf/recorded/missing.pb"))),
        ("half-a-list", list(&pods[..pods.len() / 2])),
        ("half-an-event", stream(&watch[..1_000])),
        ("a-list-as-a-watch", stream(pods)),
        ("a-watch-as-a-list", list(watch)),
        ("no-object", list(b"k8s")),
        ("magic-alone", list(b"k8s\0")),
        ("endless-event", stream(&[b"\xff\xff\xff\xff", &watch[4..200]].concat())),
        ("empty-event", stream(&[b"\0\0\0\0", &watch[..2_000]].concat())),
        ("another-length", list(&flipped(pods, 60))),
        ("another-field", stream(&flipped(watch, 40))),
    ];
    seeds.extend([("list-in-bytes", [&[2], &pods[..]].concat()), ("watch-in-bytes", [&[3], &watch[..]].concat())]);
    seeds.extend([("list-in-sevens", [&[14], &pods[..]].concat()), ("watch-in-sevens", [&[15], &watch[..]].concat())]);
    seeds
}

fn watch() -> Vec<(&'static str, Vec<String>)> {
    let cart = || PodBuilder::new("shop", "cart").uid("0123abcd-4567-89ef-0000-fedcba987654").on("n1");
    let n1 = || added(NodeBuilder::new("n1"));
    let line = |text: &str| text.to_owned();
    vec![
        ("running", vec![n1(), added(cart().running())]),
        ("pending", vec![added(PodBuilder::new("shop", "cart")), added(cart().pending())]),
        ("unready", vec![n1(), added(cart().running().ready(false))]),
        ("crash-looping", vec![n1(), added(cart().running()), added(cart().crash_looping(12))]),
        ("image-pull", vec![added(cart().image_pull_back_off())]),
        (
            "oom-killed",
            vec![
                added(cart().oom_killed(2)),
                added(cart().oom_killed(2).restarted(3)),
                line("later 60"),
                line("later 120"),
            ],
        ),
        ("completed", vec![added(cart().completed())]),
        ("failed", vec![added(cart().failed())]),
        ("evicted", vec![added(cart().evicted())]),
        ("terminating", vec![added(cart().running().terminating()), deleted(cart().running().terminating())]),
        ("two-containers", vec![added(cart().container("log").crash_looping(1))]),
        (
            "a-light",
            vec![
                added(PodBuilder::lightd("n1", "10.0.0.7", 50051)),
                added(PodBuilder::lightd("n2", "::1", 1)),
                deleted(PodBuilder::lightd("n1", "10.0.0.7", 50051)),
            ],
        ),
        ("ignored", vec![added(cart().running()), added(cart().running().annotation("podlight.dev/ignore", "true"))]),
        (
            "only-some-count",
            vec![
                line("only app in (cart,till),tier!=test"),
                added(cart().failed()),
                added(PodBuilder::new("shop", "till").label("tier", "test").failed()),
            ],
        ),
        (
            "nodes",
            vec![
                n1(),
                added(NodeBuilder::new("n1").ready(false)),
                added(NodeBuilder::new("n2").lost()),
                added(NodeBuilder::new("n3").cordoned()),
                deleted(NodeBuilder::new("n2")),
            ],
        ),
        (
            "a-list",
            vec![
                line("list pods"),
                added(cart().running()),
                line("synced pods"),
                line("list nodes"),
                n1(),
                line("synced nodes"),
            ],
        ),
        (
            "a-list-that-forgets",
            vec![
                added(cart().failed()),
                line("list pods"),
                added(PodBuilder::new("shop", "till").on("n1").running()),
                line("synced pods"),
                line("list nodes"),
                line("synced nodes"),
            ],
        ),
        ("a-list-in-vain", vec![line("list pods"), added(cart().running()), line("list pods"), line("synced pods")]),
        (
            "a-late-deletion",
            vec![added(cart().running()), added(cart().uid("another").pending()), deleted(cart().running())],
        ),
        ("a-move", vec![added(cart().running()), added(cart().on("n2").running())]),
        (
            "no-uid",
            vec![
                line(r#"{"type":"ADDED","object":{"metadata":{"name":"a"}}}"#),
                line(r#"{"type":"DELETED","object":{"metadata":{"name":"a","uid":"/a"}}}"#),
            ],
        ),
        (
            "nulls",
            vec![line(
                r#"{"type":"ADDED","object":{"metadata":{"name":"a","labels":null,"annotations":null,"deletionTimestamp":null},"spec":{"nodeName":null,"containers":null},"status":{"conditions":null,"containerStatuses":null,"podIP":null}}}"#,
            )],
        ),
        (
            "too-many-restarts",
            vec![line(
                r#"{"type":"ADDED","object":{"metadata":{"name":"a"},"status":{"phase":"Running","containerStatuses":[{"name":"a","restartCount":2147483647},{"name":"b","restartCount":2147483647},{"name":"c","restartCount":2147483647}]}}}"#,
            )],
        ),
        (
            "errors",
            vec![
                line(
                    r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old","reason":"Expired","code":410}}"#,
                ),
                line(
                    r#"{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}"#,
                ),
                line(r#"{"type":"ADDED","object":{"metadata":"#),
                line(r#"{"object":{"metadata":{"name":"a"}},"type":"MODIFIED"}"#),
            ],
        ),
    ]
}

fn added(object: impl Into<Value>) -> String {
    event("ADDED", object)
}

fn deleted(object: impl Into<Value>) -> String {
    event("DELETED", object)
}

fn event(kind: &str, object: impl Into<Value>) -> String {
    let mut object = object.into();
    shift(&mut object, Timestamp::now());
    object["kind"] = json!(if object["metadata"]["namespace"].is_null() { "Node" } else { "Pod" });
    json!({ "type": kind, "object": object }).to_string()
}

/// Times count from the model's start, so that the same seeds are made each time.
fn shift(value: &mut Value, now: Timestamp) {
    match value {
        Value::String(text) => {
            if let Ok(time) = text.parse::<Timestamp>() {
                let seconds = time.duration_since(now).as_secs_f64().round() as i64;
                *text = (START + jiff::SignedDuration::from_secs(seconds)).to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| shift(value, now)),
        Value::Object(fields) => fields.values_mut().for_each(|value| shift(value, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

const SETTINGS: [(&str, &str); 20] = [
    ("nothing", ""),
    ("narrowed", "--namespace\nshop,bank\n--exclude-namespace=test\n--selector\napp=cart,tier!=test"),
    ("a-desk-light", "--light\ncluster=http://127.0.0.1:50051\n--layout=split"),
    ("lights-in-a-list", "--light\nn1=http://a:1,node/n2=http://b:2,namespace/shop=http://c:3"),
    ("times", "--lease=1s\n--api-silence\n10m"),
    ("times-beyond-bounds", "--lease\n10m1ns\n--api-silence\n99999999999999999999y"),
    ("a-kubeconfig", "--kubeconfig\n/etc/kubernetes/admin.conf\n--context\nprod"),
    (
        "hosts",
        "n1=http://desk.local:50051\nn1=http://[::1]:50051/\nn1=http://[fe80::1%25eth0]:1\nn1=http://1.2.3.4:65535",
    ),
    (
        "hosts-that-are-none",
        "n1=http://desk\nn1=http://:50051\nn1=http://a@b:1\nn1=http://desk:99999\nn1=https://desk:1",
    ),
    ("urls-with-more", "n1=http://desk:1/light\nn1=http://desk:1?x=y\nn1=http://desk:1#x\nn1=http://desk:1//"),
    (
        "odd-characters",
        "n1=http://désk:1\nn1=http://de%73k:1\nn1=http://de sk:1\nn1=http://de\tsk:1\nn1=http://-:1\nn1=http://.:1",
    ),
    ("ports", "n1=http://a:0\nn1=http://a:00001\nn1=http://a:+1\nn1=http://a:\nn1=http://a:1:2"),
    (
        "names",
        "cluster=http://a:1\nnode/cluster=http://a:1\nnode/=http://a:1\nN1=http://a:1\npod/x=http://a:1\n=http://a:1",
    ),
    ("labels", "app\n!app\napp=shop\napp==shop\napp!=shop\nexample.com/app-x_y=1.0"),
    ("sets", "tier in (web, db)\ntier notin (db,cache),app\ntier in ()\nin in (in)\nnotin notin (notin)"),
    ("no-labels", "app=shop,\n=shop\napp=a b\ntier in (a\ntier within (a)\n!\n)(\n((,))\n,"),
    ("signs", "a!==b\na===b\n!a=b\n!!a\na in (b)=c\na=b in (c)"),
    ("colors", "green\n#002800\nrgb(1,2,3)\nhsl(120deg 100% 20%)\nhwb(90 0% 0%)\ntransparent"),
    ("layouts", "--layout\npods\n--layout\nrows"),
    ("help", "--help"),
];

const POLICIES: [(&str, &str); 17] = [
    ("nothing", ""),
    ("pods", "pods: {namespaces: {only: [shop, bank], except: kube-system}, labels: 'app in (cart,till),tier!=test'}"),
    ("a-namespace-on-both-sides", "pods:\n  namespaces:\n    only: [a, b]\n    except: [c, b]"),
    (
        "colors",
        "states: {running: {color: rebeccapurple}, failed: {color: 'hsl(0 100% 20%)'}, pending: {color: '#ff0'}}",
    ),
    (
        "effects",
        "preset: origin\nstates:\n  failed: {effect: blink, period: 350ms}\n  running: {effect: morph, period: 0s}",
    ),
    ("a-color-that-is-a-comment", "states:\n  running:\n    color: #002800"),
    ("the-look-of-the-unknown", "states: {failed: {color: '#180028', effect: pulse, period: 4s}}"),
    ("patience", "states: {failed: {after: 30s, hold: 1m 30s}, unready: {after: 1day}, pending: {hold: 0s}}"),
    ("nodes", "nodes: {not-ready: {counts: false}, pressure: {counts: true, color: red}, cordoned: {effect: solid}}"),
    (
        "a-night",
        "brightness: 80\nnight: {from: '22:00', to: '06:30', zone: America/St_Johns, brightness: 0%, failures: 60%}",
    ),
    ("a-night-in-spring", "night: {from: '02:15', to: '02:45', zone: Europe/Berlin, brightness: 1}"),
    ("a-zone-that-is-none", "night: {from: '22:00', to: '06:30', zone: Europe/Berlim, brightness: 5}"),
    ("lights", "lights:\n  - cluster=http://127.0.0.1:50051\n  - namespace/shop=http://[::1]:1"),
    ("misspelled", "states: {faild: {colour: red}}"),
    ("twice", "layout: same\nlayout: pods"),
    ("aliases", "states:\n  failed: &red {color: red, after: 1s}\n  pending: *red\n  unready: {<<: *red, hold: 1s}"),
    ("unclosed", "states: {failed: [\"\n---\n\t- !!binary x"),
];
