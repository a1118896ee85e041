//! The name of the rule that decided what shows: for whoever asks why.

use std::time::Duration;

use super::Policy;
use crate::census::Trouble;
use crate::criteria::Criteria;
use crate::timing::Rule;
use crate::verdict::{Cause, Footing, Verdict};

/// The rule that decided, in short: `pod-failed`, `node-not-ready`, `grace: failed after 30s`, `hold: failed for 1m`,
/// `updating: progress within 2m`, `well` where nothing is wrong, or `no-pods`.
pub fn rule(verdict: &Verdict<'_>, policy: &Policy) -> String {
    match verdict.cause() {
        Cause::Footing(Footing::NotReady { .. }) => "node-not-ready".to_owned(),
        Cause::Footing(Footing::Unknown { .. }) => "node-unknown".to_owned(),
        Cause::Footing(Footing::Pressed { .. }) => "node-pressure".to_owned(),
        Cause::Footing(Footing::Cordoned { .. }) => "node-cordoned".to_owned(),
        Cause::Footing(Footing::Firm { .. }) if verdict.tally.is_empty() => "no-pods".to_owned(),
        Cause::Footing(Footing::Firm { .. }) => "well".to_owned(),
        Cause::Pod(trouble) => trouble.rule(policy),
    }
}

impl Trouble {
    /// The rule that made of this pod's state what shows of it, in short.
    pub fn rule(&self, policy: &Policy) -> String {
        let Policy { criteria: Criteria { timing, .. }, .. } = policy;
        let time = |time: Duration| humantime::format_duration(time).to_string();
        match self.rule {
            Rule::State => format!("pod-{}", self.is.word()),
            Rule::Grace => format!("grace: {} after {}", self.is.word(), time(timing.of(self.is).after)),
            Rule::Hold => format!("hold: {} for {}", self.state.word(), time(timing.of(self.state).hold)),
            Rule::Updating => format!("updating: progress within {}", time(timing.updating)),
        }
    }
}
