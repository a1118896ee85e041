//! Pure: what the watcher answers, as a person reads it in a terminal.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use podlight_proto::Color;
use podlight_proto::v1::node_light::Condition;
use podlight_proto::v1::{self, LightState};

/// All nodes, as last told, worst first.
#[derive(Debug, Default)]
pub(super) struct Nodes(Vec<v1::Node>);

impl Nodes {
    /// Takes in what is new.
    pub(super) fn take(&mut self, change: v1::WatchNodesResponse) {
        let told =
            |name: &str| change.gone.iter().any(|gone| gone == name) || change.nodes.iter().any(|n| n.name == name);
        self.0.retain(|node| !change.whole && !told(&node.name));
        self.0.extend(change.nodes);
        self.0.sort_by(|a, b| (Reverse(a.verdict), &a.name).cmp(&(Reverse(b.verdict), &b.name)));
    }

    pub(super) fn all(&self) -> &[v1::Node] {
        &self.0
    }
}

/// A row for each node, with a swatch of what its LEDs show where the terminal has `color`.
pub(super) fn table(nodes: &[v1::Node], vouching: &v1::Vouching, color: bool) -> String {
    let rows: Vec<_> = nodes
        .iter()
        .map(|node| [node.name.clone(), verdict(node.verdict()).to_owned(), light(node), why(node)])
        .collect();
    let mut text = String::new();
    if let Some(doubt) = doubt(vouching) {
        text += &doubt;
        text += "\n\n";
    }
    let head = ["NODE", "STATE", "LIGHT", "WHY"].map(str::to_owned);
    let widths = [0, 1, 2].map(|column| {
        let cells = std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    let swatches: Vec<_> = nodes.iter().map(|node| swatch(node, color)).collect();
    let room = swatches.iter().map(|(_, width)| *width).max().unwrap_or_default();
    let none = (String::new(), 0);
    for (row, (swatch, width)) in std::iter::once((&head, &none)).chain(rows.iter().zip(&swatches)) {
        let [a, b, c, d] = row;
        let [x, y, z] = widths;
        let gap = " ".repeat(room - width + usize::from(room > 0));
        // Writing to a string can't fail.
        let _ = writeln!(text, "{swatch}{gap}{a:x$}  {b:y$}  {c:z$}  {d}");
    }
    text
}

/// All about a node.
pub(super) fn explanation(answer: &v1::ExplainNodeResponse, now: SystemTime, color: bool) -> String {
    let Some(node) = &answer.node else { return String::new() };
    let mut rows = vec![("node", format!("{}: {}", node.name, verdict(node.verdict())))];
    rows.push(("why", why(node)));
    if let Some(since) = node.reason.as_ref().and_then(|reason| reason.since) {
        rows.push(("since", since_when(since, now)));
    }
    rows.push(("rule", answer.rule.clone()));
    rows.push(("light", lamp(node, color)));
    rows.push(("pods", counts(node)));
    rows.extend(answer.worst.iter().map(|pod| ("worst", self::pod(pod, now))));
    rows.extend(answer.conditions.iter().map(|condition| ("node says", self::condition(condition, now))));
    if node.cordoned {
        rows.push(("node says", "cordoned: it takes no new pods".to_owned()));
    }
    rows.extend(answer.vouching.as_ref().and_then(doubt).map(|doubt| ("but", doubt)));
    let (mut text, mut last) = (String::new(), "");
    for (name, value) in rows {
        let _ = writeln!(text, "{:<11}{value}", if name == last { "" } else { name });
        last = name;
    }
    text
}

/// What a light shows after a person's wish.
pub(super) fn shows(node: &str, state: &LightState, color: bool) -> String {
    format!("{node} shows {}{}", swatch_of(&state.leds, color).0, layer(state))
}

/// What became of the wish to find a node.
pub(super) fn identified(node: &str, answer: &v1::IdentifyNodeResponse) -> String {
    let mut text =
        format!("{node} flashes{}", answer.light.as_ref().and_then(|l| l.remaining).map(ends).unwrap_or_default());
    match (answer.dimmed, answer.not_dimmed) {
        (0, 0) => {}
        (dimmed, 0) => drop(write!(text, "; {dimmed} others are dimmed")),
        (dimmed, not) => drop(write!(text, "; {dimmed} others are dimmed, {not} couldn't be")),
    }
    text
}

/// Whether somebody sees to a node.
pub(super) fn acknowledged(node: &v1::Node, color: bool) -> String {
    let (swatch, _) = swatch(node, color);
    let gap = if swatch.is_empty() { "" } else { " " };
    format!("{swatch}{gap}{}: {}", node.name, why(node))
}

fn why(node: &v1::Node) -> String {
    node.reason.as_ref().map(|reason| reason.text.clone()).unwrap_or_default()
}

const fn verdict(verdict: v1::Verdict) -> &'static str {
    match verdict {
        v1::Verdict::Unspecified => "?",
        v1::Verdict::Empty => "empty",
        v1::Verdict::Completed => "completed",
        v1::Verdict::Running => "running",
        v1::Verdict::NodeCordoned => "node cordoned",
        v1::Verdict::Updating => "updating",
        v1::Verdict::Unready => "unready",
        v1::Verdict::Pending => "pending",
        v1::Verdict::Deleting => "deleting",
        v1::Verdict::NodePressure => "node under pressure",
        v1::Verdict::Failed => "failed",
        v1::Verdict::NodeUnknown => "node unknown",
        v1::Verdict::NodeNotReady => "node not ready",
    }
}

/// A node's light, in a word or two.
fn light(node: &v1::Node) -> String {
    let Some(light) = &node.light else { return String::new() };
    match light.condition() {
        Condition::Unspecified | Condition::Unknown => "?".to_owned(),
        Condition::None => "none".to_owned(),
        Condition::OutOfReach => "out of reach".to_owned(),
        Condition::Fenced => "another watcher's".to_owned(),
        Condition::Refuses => "refuses".to_owned(),
        Condition::Stale => "stale".to_owned(),
        Condition::NoStick => "no stick".to_owned(),
        Condition::Held => light.state.as_ref().map(layer).unwrap_or_default(),
        Condition::Shows => "shows it".to_owned(),
    }
}

/// A node's light, in a line.
fn lamp(node: &v1::Node, color: bool) -> String {
    let mut text = light(node);
    let Some(light) = &node.light else { return text };
    let _ = if light.problem.is_empty() { Ok(()) } else { write!(text, ": {}", light.problem) };
    if let Some(state) = &light.state {
        let (swatch, _) = swatch_of(&state.leds, color);
        let first =
            state.leds.first().map(|led| format!(" {} {}", led.color, led.effect().as_str_name().to_lowercase()));
        let gap = if swatch.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{swatch}{}", first.unwrap_or_default());
        if let Some(left) = state.watcher.as_ref().and_then(|watcher| watcher.remaining) {
            let _ = write!(text, ", its lease is good for {} s more", whole(left));
        }
    }
    let _ = if light.url.is_empty() { Ok(()) } else { write!(text, ", at {}", light.url) };
    text
}

/// Which layer shows, and for how long.
fn layer(state: &LightState) -> String {
    let mut text = match state.layer() {
        v1::Layer::Manual => "set by hand".to_owned(),
        v1::Layer::Identify => "identify".to_owned(),
        v1::Layer::Unspecified => "?".to_owned(),
        layer @ (v1::Layer::Idle | v1::Layer::Stale | v1::Layer::Watcher) => layer.as_str_name().to_lowercase(),
    };
    if !state.owner.is_empty() {
        let _ = write!(text, " by {}", state.owner);
    }
    if let (v1::Layer::Manual | v1::Layer::Identify, Some(left)) = (state.layer(), state.remaining) {
        text += &ends(left);
    }
    text
}

fn counts(node: &v1::Node) -> String {
    let counts: Vec<_> = node.pods.iter().map(|pods| format!("{} {}", pods.count, verdict(pods.state()))).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

fn pod(pod: &v1::Pod, now: SystemTime) -> String {
    let restarts = if pod.restarts > 0 { format!(" ×{}", pod.restarts) } else { String::new() };
    let since = pod.since.map(|since| format!(", {}", since_when(since, now))).unwrap_or_default();
    format!("{}/{} {}{restarts}{since}", pod.namespace, pod.name, pod.state)
}

fn condition(condition: &v1::NodeCondition, now: SystemTime) -> String {
    let since = condition.since.map(|since| format!(", {}", since_when(since, now))).unwrap_or_default();
    format!("{} {}: {}{since}", condition.r#type, condition.status, condition.reason)
}

/// Why all this is to be doubted.
fn doubt(vouching: &v1::Vouching) -> Option<String> {
    if !vouching.fresh {
        Some("the Kubernetes API is silent: this is how it once was".to_owned())
    } else if vouching.leads {
        None
    } else {
        Some(format!("this watcher stands by, and knows no light; {} leads", vouching.leader))
    }
}

/// What a node's LEDs show, as they say; else what they are to show. And how wide that is.
fn swatch(node: &v1::Node, color: bool) -> (String, usize) {
    match node.light.as_ref().and_then(|light| light.state.as_ref()) {
        Some(state) => swatch_of(&state.leds, color),
        None => (String::new(), 0),
    }
}

/// At most this many LEDs.
const SWATCH: usize = 8;

fn swatch_of(leds: &[v1::LedState], color: bool) -> (String, usize) {
    let colors = leds.iter().filter_map(|led| led.color.parse::<Color>().ok()).take(if color { SWATCH } else { 0 });
    let painted: Vec<_> = colors.map(|color| color.paint("●")).collect();
    (painted.concat(), painted.len())
}

fn since_when(since: prost_types::Timestamp, now: SystemTime) -> String {
    let since = SystemTime::try_from(since).unwrap_or(now);
    let age = now.duration_since(since).unwrap_or_default();
    format!("for {}", rough(age))
}

/// As kubectl: the two largest parts.
fn rough(age: Duration) -> String {
    let text = humantime::format_duration(Duration::from_secs(age.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn ends(left: prost_types::Duration) -> String {
    format!(", {} left", rough(Duration::from_secs(whole(left))))
}

/// Whole seconds, rounded up, so that nothing is left only when it is.
fn whole(duration: prost_types::Duration) -> u64 {
    duration.seconds.saturating_add(i64::from(duration.nanos > 0)).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use podlight_proto::v1::NodeLight;

    use super::*;

    const NOW: i64 = 1_748_779_200;

    fn at(seconds: i64) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds: NOW + seconds, nanos: 0 }
    }

    fn state(layer: v1::Layer) -> LightState {
        let led = |index| v1::LedState {
            index,
            color: "#320000".to_owned(),
            effect: v1::Effect::Solid.into(),
            layer: layer.into(),
        };
        let remaining = Some(prost_types::Duration { seconds: 11, nanos: 1 });
        let watcher = Some(v1::WatcherState { remaining, ..v1::WatcherState::default() });
        LightState { layer: layer.into(), leds: vec![led(0), led(1)], watcher, ..LightState::default() }
    }

    fn node(name: &str, verdict: v1::Verdict, why: &str, light: NodeLight) -> v1::Node {
        let reason = v1::Reason { text: why.to_owned(), since: Some(at(-754)), ..v1::Reason::default() };
        v1::Node {
            name: name.to_owned(),
            verdict: verdict.into(),
            reason: Some(reason),
            light: Some(light),
            ..v1::Node::default()
        }
    }

    fn failed() -> v1::Node {
        let light = NodeLight {
            condition: Condition::Shows.into(),
            url: "http://10.0.0.5:50051".to_owned(),
            state: Some(state(v1::Layer::Watcher)),
            ..NodeLight::default()
        };
        node("pi-1", v1::Verdict::Failed, "shop/cart CrashLoopBackOff ×12", light)
    }

    fn leads() -> v1::Vouching {
        v1::Vouching { fresh: true, leads: true, leader: String::new() }
    }

    #[test]
    fn nodes_are_a_table() {
        let none = NodeLight { condition: Condition::None.into(), ..NodeLight::default() };
        let nodes = [failed(), node("pi-long", v1::Verdict::Running, "3 pods running", none)];
        let want = "\
NODE     STATE    LIGHT     WHY
pi-1     failed   shows it  shop/cart CrashLoopBackOff ×12
pi-long  running  none      3 pods running
";
        assert_eq!(table(&nodes, &leads(), false), want);
        let colored = table(&nodes, &leads(), true);
        assert!(colored.starts_with("   NODE ") && colored.contains("m●\x1b[0m pi-1 "), "{colored:?}");
        let silent = table(&nodes, &v1::Vouching { fresh: false, ..leads() }, false);
        assert!(silent.starts_with("the Kubernetes API is silent") && silent.ends_with(want), "{silent}");
    }

    #[test]
    fn an_explanation_has_a_line_for_each_thing() {
        let pod = v1::Pod {
            namespace: "shop".to_owned(),
            name: "cart".to_owned(),
            state: "CrashLoopBackOff".to_owned(),
            restarts: 12,
            since: Some(at(-3_700)),
            ..v1::Pod::default()
        };
        let count = |state: v1::Verdict, count| v1::PodCount { state: state.into(), count };
        let pods = vec![count(v1::Verdict::Running, 3), count(v1::Verdict::Failed, 1)];
        let answer = v1::ExplainNodeResponse {
            node: Some(v1::Node { pods, cordoned: true, ..failed() }),
            rule: "the worst pod decides".to_owned(),
            worst: vec![pod],
            vouching: Some(leads()),
            ..v1::ExplainNodeResponse::default()
        };
        let want = "\
node       pi-1: failed
why        shop/cart CrashLoopBackOff ×12
since      for 12m 34s
rule       the worst pod decides
light      shows it #320000 solid, its lease is good for 12 s more, at http://10.0.0.5:50051
pods       3 running, 1 failed
worst      shop/cart CrashLoopBackOff ×12, for 1h 1m
node says  cordoned: it takes no new pods
";
        let now = SystemTime::try_from(at(0)).unwrap();
        assert_eq!(explanation(&answer, now, false), want);
    }

    #[test]
    fn whoever_follows_sees_what_is_there() {
        let light = NodeLight::default;
        let named = |name, verdict| node(name, verdict, "", light());
        let mut nodes = Nodes::default();
        let whole = |whole, new: Vec<v1::Node>, gone: &[&str]| v1::WatchNodesResponse {
            whole,
            nodes: new,
            gone: gone.iter().map(|&name| name.to_owned()).collect(),
            vouching: None,
        };
        let names = |nodes: &Nodes| nodes.all().iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        nodes.take(whole(true, vec![named("a", v1::Verdict::Running), named("b", v1::Verdict::Failed)], &[]));
        assert_eq!(names(&nodes), ["b", "a"]);
        nodes.take(whole(false, vec![named("c", v1::Verdict::Pending)], &["b"]));
        assert_eq!(names(&nodes), ["c", "a"]);
        nodes.take(whole(false, vec![named("a", v1::Verdict::NodeNotReady)], &[]));
        assert_eq!(names(&nodes), ["a", "c"]);
        nodes.take(whole(true, vec![named("d", v1::Verdict::Running)], &[]));
        assert_eq!(names(&nodes), ["d"]);
    }

    #[test]
    fn a_wish_is_answered_in_a_line() {
        let mut state = state(v1::Layer::Manual);
        state.owner = "ana".to_owned();
        state.remaining = Some(prost_types::Duration { seconds: 300, nanos: 0 });
        assert_eq!(shows("pi-1", &state, false), "pi-1 shows set by hand by ana, 5m left");
        let light = Some(LightState { layer: v1::Layer::Identify.into(), ..state });
        let answer = v1::IdentifyNodeResponse { light, dimmed: 3, not_dimmed: 1 };
        assert_eq!(identified("pi-1", &answer), "pi-1 flashes, 5m left; 3 others are dimmed, 1 couldn't be");
        assert_eq!(acknowledged(&failed(), false), "pi-1: shop/cart CrashLoopBackOff ×12");
    }
}
