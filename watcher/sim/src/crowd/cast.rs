//! Which part a pod plays: whose it is, where it runs, and how it is before anything changes. Refuses to know how that is
//! written.

use super::{Crowd, Dice};

/// What a pod is like.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) app: String,
    pub(super) namespace: String,
    pub(super) owner: Owner,
    /// The owner's number among all of them: what is the same for all its pods follows from it.
    pub(super) work: usize,
    pub(super) name: String,
    /// Nothing where it has none yet.
    pub(super) node: Option<usize>,
    pub(super) containers: usize,
    pub(super) inits: usize,
    pub(super) state: State,
    /// How long ago it was made, in seconds.
    pub(super) age: i64,
}

/// Who makes a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    ReplicaSet,
    DaemonSet,
    StatefulSet,
    Job,
    Nobody,
}

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It runs and is ready, after so many restarts.
    Running(u32),
    Unready,
    Unscheduled,
    Creating,
    ImagePull,
    /// After so many restarts.
    Crashing(u32),
    InitCrashing,
    Terminating,
    Evicted,
    Completed,
    Failed,
}

/// Pods of one owner that aren't one a node.
const REPLICAS: usize = 12;
/// Pods on each node, where there are three times as many.
const DAEMONS: usize = 5;

impl Part {
    pub(super) fn of(crowd: &Crowd, number: usize) -> Self {
        let daemons = DAEMONS.min(crowd.pods / (6 * crowd.nodes)) * crowd.nodes;
        let mut dice = crowd.dice("pod", number);
        if number < daemons {
            let work = number / crowd.nodes;
            let app = ["kube-proxy", "node-exporter", "log-shipper", "cni-agent", "csi-node"][work % DAEMONS];
            let (namespace, name) = ("kube-system".to_owned(), format!("{app}-{}", dice.suffix(5)));
            let state = state(Owner::DaemonSet, &mut dice);
            let age = age(state, &mut dice);
            let (containers, inits) = if work.is_multiple_of(2) { (2, 0) } else { (1, 1) };
            let node = Some(number % crowd.nodes);
            return Self {
                app: app.to_owned(),
                namespace,
                owner: Owner::DaemonSet,
                work,
                name,
                node,
                containers,
                inits,
                state,
                age,
            };
        }
        let (work, replica) = ((number - daemons) / REPLICAS, (number - daemons) % REPLICAS);
        let mut whole = crowd.dice("work", work);
        let app = format!(
            "{}-{}-{}",
            whole.one_of(&[
                "cart", "catalog", "checkout", "invoice", "ledger", "mail", "orders", "search", "session", "stock"
            ]),
            whole.one_of(&["api", "cache", "db", "gateway", "worker", "consumer"]),
            work,
        );
        let team = crowd.dice("team", work / 40).one_of(&["shop", "pay", "data", "search", "media", "logistics"]);
        let owner = match whole.below(100) {
            0..72 => Owner::ReplicaSet,
            72..86 => Owner::StatefulSet,
            86..97 => Owner::Job,
            _ => Owner::Nobody,
        };
        let (containers, inits) = (whole.one_of(&[1, 1, 2, 2]), whole.one_of(&[0, 1, 1]));
        let hash = whole.suffix(10);
        let name = match owner {
            Owner::ReplicaSet => format!("{app}-{hash}-{}", dice.suffix(5)),
            Owner::DaemonSet | Owner::Job => format!("{app}-{}", dice.suffix(5)),
            Owner::StatefulSet | Owner::Nobody => format!("{app}-{replica}"),
        };
        let state = state(owner, &mut dice);
        let node = dice.below(crowd.nodes);
        Self {
            app,
            namespace: format!("{team}-{:03}", work / 40),
            owner,
            work,
            name,
            node: (state != State::Unscheduled).then_some(node),
            containers,
            inits,
            state,
            age: age(state, &mut dice),
        }
    }

    /// How it is after so many changes.
    pub(super) fn state(&self, change: u64) -> State {
        let crashes = change % 4 >= 2;
        let restarts = u32::try_from(change / 4).unwrap_or(u32::MAX).saturating_add(1);
        match self.state {
            State::Running(_) | State::Unready | State::Creating | State::ImagePull if crashes => {
                State::Crashing(restarts)
            }
            State::Running(before) => State::Running(before.max(u32::try_from(change / 4).unwrap_or(u32::MAX))),
            state @ (State::Unready
            | State::Unscheduled
            | State::Creating
            | State::ImagePull
            | State::Crashing(_)
            | State::InitCrashing
            | State::Terminating
            | State::Evicted
            | State::Completed
            | State::Failed) => state,
        }
    }
}

fn state(owner: Owner, dice: &mut Dice) -> State {
    if owner == Owner::Job {
        return match dice.below(100) {
            0..25 => State::Completed,
            25..28 => State::Failed,
            _ => State::Running(0),
        };
    }
    match dice.below(1000) {
        0..5 => State::Unready,
        5..8 if owner != Owner::DaemonSet => State::Unscheduled,
        8..12 => State::Creating,
        12..15 => State::ImagePull,
        15..20 => State::Crashing(u32::try_from(1 + dice.below(60)).unwrap_or(1)),
        20..22 => State::InitCrashing,
        22..26 => State::Terminating,
        26..28 if owner != Owner::Nobody => State::Evicted,
        28..100 => State::Running(u32::try_from(1 + dice.below(4)).unwrap_or(1)),
        _ => State::Running(0),
    }
}

fn age(state: State, dice: &mut Dice) -> i64 {
    let most = match state {
        State::Unscheduled | State::Creating | State::Terminating => 600,
        State::ImagePull | State::Crashing(_) | State::InitCrashing => 86_400,
        State::Running(_) | State::Unready | State::Evicted | State::Completed | State::Failed => 30 * 86_400,
    };
    600 + i64::try_from(dice.below(most)).unwrap_or_default()
}
