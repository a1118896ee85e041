//! The chapters: what goes wrong, when, and how it ends well. Each plans its steps from the cluster as it finds it.

use super::cast::{App, JOB};
use super::{Manner, Node, Pod, PodState, Step, Story};

/// What a chapter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chapter {
    RollOut,
    CrashLoop,
    BadImage,
    Drain,
    Well,
    Job,
    DeadNode,
    EvenOut,
    OutOfMemory,
    Silence,
}

/// The chapters of a round, and the second at which each begins. Those that wait for nobody overlap, so that there is
/// always something to see.
pub(super) fn round(round: u32, rng: &mut fastrand::Rng) -> Vec<(f64, Chapter)> {
    let mut troubles =
        [Chapter::RollOut, Chapter::CrashLoop, Chapter::BadImage, Chapter::Drain, Chapter::Job, Chapter::OutOfMemory];
    if round > 0 {
        rng.shuffle(&mut troubles);
    }
    let starts = [3.0, 10.0, 17.0, 23.0, 36.0, 40.0];
    let ending = [(58.0, Chapter::Well), (61.0, Chapter::DeadNode), (91.0, Chapter::Silence)];
    starts.into_iter().zip(troubles).chain(ending).collect()
}

impl Chapter {
    /// Plans the steps of this chapter, from now.
    pub(super) fn unfold(self, story: &mut Story) {
        match self {
            Self::RollOut => roll_out(story),
            Self::CrashLoop => crash_loop(story),
            Self::BadImage => bad_image(story),
            Self::Drain => drain(story),
            Self::Job => job(story),
            Self::DeadNode => dead_node(story),
            Self::EvenOut => even_out(story),
            Self::OutOfMemory => out_of_memory(story),
            Self::Silence => silence(story),
            Self::Well => say(story, 0.0, "All is well again."),
        }
    }
}

fn roll_out(story: &mut Story) {
    let Some((_, app, _)) = any_pod(story) else { return };
    say(story, 0.0, format!("Roll-out: {} gets a new version, one pod after the other.", title(app)));
    let old: Vec<u32> = story.world.pods().filter(|pod| pod.app == app).map(|pod| pod.id).collect();
    for (at, id) in pace(old.len(), 1.2).zip(old) {
        story.plan(at, Step::Replace(id, Manner::After));
    }
}

fn crash_loop(story: &mut Story) {
    let Some((id, _, name)) = any_pod(story) else { return };
    say(story, 0.0, format!("{name} crashes, and is started again, and crashes…"));
    // The kubelet waits longer each time; then the container runs for a second.
    for (restarts, at) in (1..).zip([0.0, 3.0, 7.0, 12.0, 18.0]) {
        if restarts > 1 {
            story.plan(at - 1.0, Step::Become(id, PodState::Restarted { restarts: restarts - 1, oom: false }));
        }
        story.plan(at, Step::Become(id, PodState::CrashLoop(restarts)));
    }
    say(story, 23.0, format!("Someone found the bug: {name} is replaced."));
    story.plan(23.0, Step::Replace(id, Manner::Before));
}

fn bad_image(story: &mut Story) {
    let Some((_, app, _)) = any_pod(story) else { return };
    say(story, 0.0, format!("A typo in a tag: the new image of {} can't be pulled.", title(app)));
    for at in [0.0, 0.5] {
        let (id, _) = story.launch(at, app, PodState::ImagePull);
        story.leaving.insert(id);
        story.retire(18.0 + at, id);
    }
    say(story, 18.0, format!("The roll-out of {} is undone.", title(app)));
}

fn drain(story: &mut Story) {
    let Some(node) = any_node(story) else { return };
    let name = node.name.clone();
    say(story, 0.0, format!("Maintenance: {name} is drained, its pods move elsewhere."));
    story.plan(0.0, Step::Change(Node { cordoned: true, ..node.clone() }));
    let pods: Vec<_> = story.world.on(&name).map(|pod| pod.id).collect();
    for (at, id) in pace(pods.len(), 0.9).zip(pods) {
        story.plan(at + 0.5, Step::Replace(id, Manner::Before));
    }
    say(story, 15.0, format!("{name} is back in service, and takes its share of pods."));
    story.plan(15.0, Step::Change(node));
    story.plan(16.0, Step::Begin(Chapter::EvenOut));
}

fn job(story: &mut Story) {
    say(story, 0.0, format!("A job runs, and ends as it should: {}.", title(JOB)));
    for at in [0.0, 0.4, 0.8, 1.2] {
        let (id, ready) = story.launch(at, JOB, PodState::Ready);
        story.leaving.insert(id);
        story.plan(ready + 3.0, Step::Become(id, PodState::Completed));
        story.plan(ready + 9.0, Step::Remove(id));
    }
}

fn dead_node(story: &mut Story) {
    let Some(node) = any_node(story) else { return };
    let name = node.name.clone();
    say(story, 0.0, format!("{name} dies: its kubelet reports nothing any more."));
    story.plan(0.0, Step::Change(Node { ready: false, ..node.clone() }));
    say(story, 6.0, format!("The pods of {name} are given up, and started elsewhere."));
    let pods: Vec<_> = story.world.on(&name).map(|pod| pod.id).collect();
    for (at, id) in pace(pods.len(), 0.5).zip(pods) {
        // With nobody there to stop them, they go when the node comes back.
        story.plan(6.0 + at, Step::Replace(id, Manner::Lost(10.5 - at)));
    }
    say(story, 15.0, format!("{name} was only unplugged. It is back."));
    story.plan(15.0, Step::Change(node));
    story.plan(17.0, Step::Begin(Chapter::EvenOut));
}

/// Nodes that have less than their share get it, from those that have most.
fn even_out(story: &mut Story) {
    let nodes = story.world.nodes();
    let (all, sizes) = (story.world.pods().count(), nodes.iter().map(|node| node.size).sum::<usize>().max(1));
    let share = |node: &Node| all * node.size / sizes;
    let missing = nodes.iter().map(|node| share(node).saturating_sub(story.world.load(node))).sum();
    let movable = |pod: &Pod| pod.state == PodState::Ready && !story.leaving.contains(&pod.id);
    let pods = story.world.crowded(missing, movable);
    for (at, id) in pace(pods.len(), 0.7).zip(pods) {
        story.plan(at, Step::Replace(id, Manner::After));
    }
}

fn out_of_memory(story: &mut Story) {
    let Some((id, app, name)) = any_pod(story) else { return };
    say(story, 0.0, format!("{name} wants more memory than it may have."));
    for (restarts, at) in (0..).zip([0.0, 3.0, 7.0]) {
        story.plan(at, Step::Become(id, PodState::OomKilled(restarts)));
        story.plan(at + 0.8, Step::Become(id, PodState::Restarted { restarts: restarts + 1, oom: true }));
    }
    story.plan(10.0, Step::Become(id, PodState::CrashLoop(3)));
    say(story, 13.0, format!("{} gets more memory.", title(app)));
    story.plan(13.0, Step::Replace(id, Manner::Before));
}

fn silence(story: &mut Story) {
    // How long leases live is no part of the story: it goes by the clock, however fast the story is told.
    let healed = 12.0 * story.speed.max(1.0);
    say(story, 0.0, "The API server falls silent. No light may lie: none stays green.");
    story.plan(0.0, Step::Silence(true));
    say(story, healed, "The API server speaks again.");
    story.plan(healed, Step::Silence(false));
    story.plan(healed + 4.0, Step::Begin(Chapter::Well));
}

/// A pod that does well, of an app that has others: its id, app and full name.
fn any_pod(story: &mut Story) -> Option<(u32, App, String)> {
    let well = story.world.pods().filter(|pod| pod.state == PodState::Ready && !pod.terminating && pod.app != JOB);
    let well: Vec<_> = well.map(|pod| (pod.id, pod.app, format!("{}/{}", pod.app.namespace, pod.name))).collect();
    story.rng.choice(well)
}

/// A node that takes pods, and isn't the only one.
fn any_node(story: &mut Story) -> Option<Node> {
    let open: Vec<_> = story.world.nodes().iter().filter(|node| node.ready && !node.cordoned).cloned().collect();
    if open.len() > 1 { story.rng.choice(open) } else { None }
}

/// The seconds at which to take up each of `count` pods: `usual` apart, and none later than 8.
fn pace(count: usize, usual: f64) -> impl Iterator<Item = f64> {
    // A number of pods is far from where a double counts in steps above 1.
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let apart = usual.min(8.0 / count.max(1) as f64);
    (0..count).map(move |index| apart * f64::from(u32::try_from(index).unwrap_or(u32::MAX)))
}

fn title(app: App) -> String {
    format!("{}/{}", app.namespace, app.name)
}

fn say(story: &mut Story, seconds: f64, text: impl Into<String>) {
    story.plan(seconds, Step::Say(text.into()));
}
