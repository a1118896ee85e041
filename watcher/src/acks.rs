//! Who sees to which node. Keeps what was wrong when somebody said so; refuses to know what shows for it.
//!
//! An acknowledgement holds until its time is up or what is wrong changes: another pod is the worst, more pods are as bad, or
//! the node itself is. That a pod restarts once more, or that fewer are as bad, is no change.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::standing::PodState;
use crate::verdict::{Cause, Footing, Verdict};

/// What is seen to.
#[derive(Debug, Default)]
pub(crate) struct Acks(HashMap<Arc<str>, Ack>);

/// That somebody sees to it.
#[derive(Debug)]
pub(crate) struct Ack {
    /// Empty where nobody said who.
    pub(crate) owner: String,
    /// Until when.
    pub(crate) until: Timestamp,
    fault: Fault,
}

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    NotReady,
    Unknown,
    Pressure,
    Pods { state: PodState, worst: (Arc<str>, Arc<str>), count: u32 },
}

impl Acks {
    /// `owner` sees to what this verdict of `node` says until then. False where nothing is wrong.
    pub(crate) fn put(&mut self, node: &str, verdict: &Verdict<'_>, owner: String, until: Timestamp) -> bool {
        let Some(fault) = Fault::of(verdict) else { return false };
        self.0.insert(node.into(), Ack { owner, until, fault });
        true
    }

    /// Nobody does any longer. Says whether somebody did.
    pub(crate) fn revoke(&mut self, node: &str) -> bool {
        self.0.remove(node).is_some()
    }

    /// Who sees to this node.
    pub(crate) fn of(&self, node: &str) -> Option<&Ack> {
        self.0.get(node)
    }

    /// Takes in that this is what the node has come to: what is wrong may have changed.
    pub(crate) fn review(&mut self, node: &str, verdict: &Verdict<'_>) {
        let Some(ack) = self.0.get_mut(node) else { return };
        match Fault::of(verdict) {
            Some(fault) if ack.fault.covers(&fault) => ack.fault = fault,
            _ => drop(self.0.remove(node)),
        }
    }

    /// Takes in that it is `now`. The nodes whose time is up.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Vec<Arc<str>> {
        self.0.extract_if(|_, ack| ack.until <= now).map(|(node, _)| node).collect()
    }

    /// When the next one's time is up.
    pub(crate) fn next_settle(&self) -> Option<Timestamp> {
        self.0.values().map(|ack| ack.until).min()
    }
}

impl Fault {
    fn of(verdict: &Verdict<'_>) -> Option<Self> {
        match verdict.cause() {
            Cause::Footing(Footing::NotReady { .. }) => Some(Self::NotReady),
            Cause::Footing(Footing::Unknown { .. }) => Some(Self::Unknown),
            Cause::Footing(Footing::Pressed { .. }) => Some(Self::Pressure),
            Cause::Footing(Footing::Firm { .. } | Footing::Cordoned { .. }) => None,
            Cause::Pod(worst) => Some(Self::Pods {
                state: worst.state,
                worst: (Arc::clone(&worst.namespace), worst.name.clone()),
                count: verdict.tally.count(worst.state),
            }),
        }
    }

    /// Whether `now` is no more than this.
    fn covers(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Pods { state, worst, count }, Self::Pods { state: now, worst: now_worst, count: now_count }) => {
                (state, worst) == (now, now_worst) && now_count <= count
            }
            (this, now) => this == now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, at, node, pod};
    use crate::ledger::{Change, Ledger, Scope};
    use crate::object::Truth;
    use crate::pod::Pod;

    /// A node with these pods, and who sees to it for a minute.
    fn acknowledged(pods: impl IntoIterator<Item = Pod>) -> (Ledger, Acks) {
        let mut ledger = Ledger::default();
        ledger.node(Change::Applied(node("n1")));
        for pod in pods {
            ledger.pod(Change::Applied(pod.on("n1")), NOW);
        }
        let mut acks = Acks::default();
        assert!(acks.put("n1", &ledger.verdict(&n1()), "ana".to_owned(), at(60)));
        (ledger, acks)
    }

    fn n1() -> Scope {
        Scope::Node("n1".to_owned())
    }

    fn holds(acks: &mut Acks, ledger: &Ledger) -> bool {
        acks.review("n1", &ledger.verdict(&n1()));
        acks.of("n1").is_some()
    }

    #[test]
    fn where_nothing_is_wrong_there_is_nothing_to_see_to() {
        let mut ledger = Ledger::default();
        ledger.node(Change::Applied(node("n1")));
        ledger.pod(Change::Applied(pod("a").on("n1")), NOW);
        let mut acks = Acks::default();
        assert!(!acks.put("n1", &ledger.verdict(&n1()), String::new(), at(60)));
        assert!(acks.of("n1").is_none());
    }

    #[test]
    fn it_holds_while_the_same_is_wrong_and_no_more() {
        let (mut ledger, mut acks) = acknowledged([pod("a").crash_looping(), pod("b").crash_looping()]);
        assert!(holds(&mut acks, &ledger));
        ledger.pod(Change::Deleted(pod("b")), NOW);
        assert!(holds(&mut acks, &ledger));
        ledger.pod(Change::Applied(pod("c").pending().on("n1")), NOW);
        assert!(holds(&mut acks, &ledger));
        ledger.pod(Change::Applied(pod("b").crash_looping().on("n1")), NOW);
        assert!(!holds(&mut acks, &ledger));
    }

    #[test]
    fn it_ends_when_another_pod_is_the_worst_or_none_or_the_node_is() {
        type Step = fn(&mut Ledger);
        let steps: [Step; 3] = [
            |ledger| {
                ledger.pod(Change::Applied(pod("a").on("n1")), NOW);
                ledger.pod(Change::Applied(pod("b").crash_looping().on("n1")), NOW);
            },
            |ledger| ledger.pod(Change::Applied(pod("a").on("n1")), NOW),
            |ledger| ledger.node(Change::Applied(node("n1").ready(Truth::False, "no network"))),
        ];
        for step in steps {
            let (mut ledger, mut acks) = acknowledged([pod("a").crash_looping()]);
            step(&mut ledger);
            assert!(!holds(&mut acks, &ledger));
        }
    }

    #[test]
    fn it_ends_when_its_time_is_up_or_it_is_revoked() {
        let (_, mut acks) = acknowledged([pod("a").crash_looping()]);
        assert_eq!(acks.next_settle(), Some(at(60)));
        assert!(acks.settle(at(59)).is_empty());
        assert_eq!(acks.settle(at(60)), ["n1".into()]);
        assert_eq!(acks.next_settle(), None);
        let (_, mut acks) = acknowledged([pod("a").crash_looping()]);
        assert!(acks.revoke("n1") && !acks.revoke("n1"));
    }
}
