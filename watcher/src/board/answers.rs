//! What the board says of a node to people. Pure but for the connections that it hands out; `now` is an
//! argument, by both clocks.

use std::cmp::Reverse;
use std::time::Instant;

use jiff::Timestamp;
use podlight_proto::v1::node_light::Condition;
use podlight_proto::v1::{self, ExplainNodeResponse, NodeLight};

use super::{Board, Session};
use crate::acks::Ack;
use crate::ask::{Ask, Nodes, Refusal, Whose};
use crate::connection::Connection;
use crate::ledger::{Cause, Footing, Scope, Trouble, Verdict};
use crate::near::near;
use crate::node::Fact;
use crate::object::Truth;
use crate::policy;
use crate::roster::News;
use crate::standing::PodState;

/// Names that a wrong one may have meant.
const NEAR: usize = 3;

impl Board {
    /// Answers. That nobody waits for it any more is no matter.
    pub(crate) fn answer(&mut self, ask: Ask, now: (Timestamp, Instant)) {
        match ask {
            Ask::Listed(reply) => drop(reply.send(self.listed())),
            Ask::Nodes(since, reply) => drop(reply.send(self.nodes(since, now))),
            Ask::Figures(reply) => drop(reply.send(Ok(Box::new(self.figures())))),
            Ask::Explain(node, pods, reply) => drop(reply.send(self.explain(&node, pods, now))),
            Ask::Reach(node, whose, reply) => drop(reply.send(self.reach(&node, whose))),
            Ask::Acknowledge(node, by, reply) => {
                let by = by.map(|(owner, hold)| (owner, now.0.saturating_add(hold).unwrap_or(Timestamp::MAX)));
                drop(reply.send(self.acknowledge(&node, by, now)));
            }
        }
    }

    fn nodes(&self, since: Option<u64>, now: (Timestamp, Instant)) -> Result<Nodes, Refusal> {
        self.listed()?;
        let News { whole, changed, gone, count } = self.roster.since(since);
        let mut nodes: Vec<_> = changed.iter().map(|name| self.view(name, now)).collect();
        // In place: nodes are large, and no two of one name.
        nodes.sort_unstable_by(|a, b| (Reverse(a.verdict), &a.name).cmp(&(Reverse(b.verdict), &b.name)));
        let gone = gone.iter().map(ToString::to_string).collect();
        Ok(Nodes { whole, nodes, gone, vouching: self.vouching.clone(), count })
    }

    fn explain(&self, node: &str, pods: usize, now: (Timestamp, Instant)) -> Result<ExplainNodeResponse, Refusal> {
        self.known(node)?;
        let verdict = Scope::Node(node.to_owned());
        let verdict = self.ledger.verdict(&verdict);
        Ok(ExplainNodeResponse {
            node: Some(self.view(node, now)),
            rule: policy::rule(&verdict, &self.policy),
            worst: self.ledger.troubles(node).into_iter().take(pods).map(pod).collect(),
            conditions: self.ledger.facts(node).iter().map(condition).collect(),
            vouching: Some(self.vouching.clone()),
        })
    }

    fn reach(&self, node: &str, whose: Whose) -> Result<Vec<Connection>, Refusal> {
        self.known(node)?;
        self.leads()?;
        let its = |scope: &Scope| matches!(scope, Scope::Node(name) if name == node);
        if whose == Whose::Others {
            let others = self.sessions.iter().filter(|(scope, _)| !its(scope)).flat_map(|(_, sessions)| sessions);
            return Ok(others.filter_map(|session| session.connection.clone()).collect());
        }
        let sessions = self.of(node);
        let connections: Vec<_> = sessions.iter().filter_map(|session| session.connection.clone()).collect();
        match (connections.is_empty(), sessions.is_empty()) {
            (false, _) => Ok(connections),
            (true, true) => Err(Refusal::NoLight(node.to_owned())),
            (true, false) => {
                let why = sessions.first().map_or("", |session| session.seen.why()).to_owned();
                Err(Refusal::OutOfReach { node: node.to_owned(), why })
            }
        }
    }

    fn acknowledge(
        &mut self,
        node: &str,
        by: Option<(String, Timestamp)>,
        now: (Timestamp, Instant),
    ) -> Result<v1::Node, Refusal> {
        self.known(node)?;
        self.leads()?;
        match by {
            Some((owner, until)) => {
                let scope = Scope::Node(node.to_owned());
                if !self.acks.put(node, &self.ledger.verdict(&scope), owner, until) {
                    return Err(Refusal::NothingWrong(node.to_owned()));
                }
            }
            None => drop(self.acks.revoke(node)),
        }
        self.look_again(node);
        self.publish();
        Ok(self.view(node, now))
    }

    /// A node, and its light.
    fn view(&self, node: &str, (now, instant): (Timestamp, Instant)) -> v1::Node {
        let scope = Scope::Node(node.to_owned());
        let verdict = self.ledger.verdict(&scope);
        let sessions = self.of(node);
        let leds = sessions.first().and_then(|session| session.seen.leds());
        let (looks, reason) = self.face(&scope, leds);
        let states = PodState::ALL.into_iter().filter(|state| *state != PodState::Absent);
        let count = |state| v1::PodCount { state: of(state).into(), count: verdict.tally.count(state) };
        let light = |session: &Session| session.seen.light(&session.light.url, self.vouching.leads, instant);
        // Of several lights, the one that is worst.
        let light = sessions.iter().map(light).min_by_key(|light| light.condition);
        v1::Node {
            name: node.to_owned(),
            verdict: judged(&verdict).into(),
            reason: Some(reason.into()),
            pods: states.map(count).filter(|count| count.count > 0).collect(),
            cordoned: self.ledger.is_cordoned(node),
            looks: looks.into_iter().map(Into::into).collect(),
            light: Some(light.unwrap_or_else(|| NodeLight { condition: Condition::None.into(), ..Default::default() })),
            acknowledgement: self.acks.of(node).map(|ack| acknowledgement(ack, now)),
        }
    }

    fn of(&self, node: &str) -> &[Session] {
        self.sessions.get(&Scope::Node(node.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn listed(&self) -> Result<(), Refusal> {
        if self.ledger.is_listed() { Ok(()) } else { Err(Refusal::NotListed) }
    }

    fn leads(&self) -> Result<(), Refusal> {
        if self.vouching.leads { Ok(()) } else { Err(Refusal::StandsBy(self.vouching.leader.clone())) }
    }

    fn known(&self, node: &str) -> Result<(), Refusal> {
        self.listed()?;
        if self.roster.has(node) {
            return Ok(());
        }
        let near = near(node, self.roster.nodes().map(AsRef::as_ref))
            .into_iter()
            .take(NEAR)
            .map(|(_, name)| name.to_owned())
            .collect();
        Err(Refusal::NoSuchNode { node: node.to_owned(), near })
    }
}

fn acknowledgement(ack: &Ack, now: Timestamp) -> v1::Acknowledgement {
    let left = std::time::Duration::try_from(ack.until.duration_since(now)).unwrap_or_default();
    v1::Acknowledgement { owner: ack.owner.clone(), remaining: prost_types::Duration::try_from(left).ok() }
}

const fn of(state: PodState) -> v1::Verdict {
    match state {
        PodState::Absent => v1::Verdict::Empty,
        PodState::Completed => v1::Verdict::Completed,
        PodState::Running => v1::Verdict::Running,
        PodState::Updating => v1::Verdict::Updating,
        PodState::Unready => v1::Verdict::Unready,
        PodState::Pending => v1::Verdict::Pending,
        PodState::Deleting => v1::Verdict::Deleting,
        PodState::Failed => v1::Verdict::Failed,
    }
}

/// What a node has come to.
pub(super) fn judged(verdict: &Verdict<'_>) -> v1::Verdict {
    match verdict.cause() {
        Cause::Footing(Footing::NotReady { .. }) => v1::Verdict::NodeNotReady,
        Cause::Footing(Footing::Unknown { .. }) => v1::Verdict::NodeUnknown,
        Cause::Footing(Footing::Pressed { .. }) => v1::Verdict::NodePressure,
        Cause::Footing(Footing::Cordoned { .. }) => v1::Verdict::NodeCordoned,
        Cause::Footing(Footing::Firm { .. }) | Cause::Pod(_) => of(verdict.tally.worst()),
    }
}

fn condition(fact: &Fact) -> v1::NodeCondition {
    let status = match fact.status {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    };
    v1::NodeCondition {
        r#type: fact.kind.word().to_owned(),
        status: status.to_owned(),
        reason: fact.reason.to_string(),
        since: fact.since.map(|since| std::time::SystemTime::from(since).into()),
    }
}

fn pod(trouble: &Trouble) -> v1::Pod {
    v1::Pod {
        namespace: trouble.namespace.to_string(),
        name: trouble.name.to_string(),
        state: trouble.word.to_string(),
        verdict: of(trouble.state).into(),
        restarts: trouble.restarts,
        since: trouble.since.map(|since| std::time::SystemTime::from(since).into()),
    }
}
