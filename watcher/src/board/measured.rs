//! What the board comes to in figures. Pure.

use super::Board;
use super::answers::judged;
use crate::figures::{Cluster, Figures};
use crate::ledger::Scope;
use crate::standing::PodState;

impl Board {
    /// All figures as they are now: as much work as looking at each pod once.
    pub(super) fn figures(&self) -> Figures {
        let (fresh, leads) = (self.vouching.fresh, self.vouching.leads);
        let cluster = self.ledger.is_listed().then(|| self.summed_up());
        Figures { counts: self.counts.clone(), cluster, fresh, leads }
    }

    fn summed_up(&self) -> Cluster {
        let mut cluster = Cluster { pods: self.ledger.tally(), ..Cluster::default() };
        for node in self.roster.nodes() {
            let scope = Scope::Node(node.to_string());
            let verdict = self.ledger.verdict(&scope);
            cluster.nodes.push(judged(&verdict));
            if verdict.tally.worst() > PodState::Updating {
                cluster.troubled.push((node.clone(), verdict.tally));
            }
        }
        cluster.troubled.sort_by(|(a, _), (b, _)| a.cmp(b));
        let sessions = self.sessions.values().flatten();
        cluster.lights.extend(sessions.map(|session| session.seen.condition(self.vouching.leads)));
        cluster
    }
}
