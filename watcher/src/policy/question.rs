//! `watcher policy …`: what can be asked of policies without a cluster.
//!
//! Pure but for the files that are named: what it says, it gives back as text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use podlight_proto::{Look, v1};
use serde::Deserialize;

use super::{Policy, Preset};
use crate::ledger::{Change, Ledger};
use crate::pod::Pod;
use crate::settings::Misconfigured;
use crate::source::read;
use crate::standing::standing;

/// What is asked.
#[derive(Subcommand, Clone, Debug)]
pub enum Question {
    /// Say whether a policy file is good, and if not, where, what and what would be right
    Check {
        /// The policy file
        file: PathBuf,
    },
    /// Say of pods which state, which color and which rule they get
    Explain {
        /// What `kubectl get pod NAME -o json` prints, or `kubectl get pods -o json`
        #[arg(long, env = "PODLIGHT_POD", value_name = "FILE")]
        pod: PathBuf,
        /// The policy file [default: the default policy]
        #[arg(long, env = "PODLIGHT_POLICY", value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Print a policy with all its keys and what they mean
    Show {
        /// One that comes with podlight
        #[arg(default_value = "default", conflicts_with = "file")]
        preset: Preset,
        /// This file's, with what it doesn't say
        #[arg(long, env = "PODLIGHT_FILE", value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

impl Question {
    /// What the answer is at `now`.
    ///
    /// # Errors
    /// A file can't be read, or is no policy, or holds no pods.
    pub fn answer(&self, now: Timestamp) -> Result<String, Misconfigured> {
        match self {
            Self::Check { file } => {
                policy(file)?;
                Ok(format!("{}: this policy is good\n", file.display()))
            }
            Self::Explain { pod, policy: file } => {
                let policy = file.as_deref().map_or_else(|| Ok(Policy::default()), policy)?;
                let text = read(pod).map_err(|why| refuse(pod, &why))?;
                let pods = Pods::parse(&text).map_err(|why| refuse(pod, &why))?;
                Ok(explain(pods, &policy, now))
            }
            Self::Show { file: Some(file), .. } => Ok(policy(file)?.to_string()),
            Self::Show { preset, file: None } => Ok(preset.policy().to_string()),
        }
    }
}

fn policy(file: &Path) -> Result<Policy, Misconfigured> {
    let text = read(file).map_err(|why| refuse(file, &why))?;
    Policy::parse(&text).map_err(|fault| refuse(file, &fault.to_string()))
}

fn refuse(file: &Path, why: &str) -> Misconfigured {
    Misconfigured::new(format!("{}: {why}", file.display()))
}

/// What kubectl prints: a pod, or a list of them.
struct Pods(Vec<Pod>);

impl Pods {
    fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Object {
            kind: Option<String>,
        }
        #[derive(Deserialize)]
        struct List {
            items: Vec<Pod>,
        }
        const WANT: &str = "give what `kubectl get pod NAME -o json` prints";
        let wrong = |error: serde_json::Error| format!("{error}; {WANT}");
        let Object { kind } = serde_json::from_str(text).map_err(wrong)?;
        match kind.as_deref() {
            Some("Pod") => Ok(Self(vec![serde_json::from_str(text).map_err(wrong)?])),
            Some("List" | "PodList") => serde_json::from_str(text).map(|List { items }| Self(items)).map_err(wrong),
            _ => Err(format!("this is no pod and no list of pods; {WANT}")),
        }
    }
}

/// Each pod in the company of the others: what an owner gets done, its pods tell.
fn explain(Pods(pods): Pods, policy: &Policy, now: Timestamp) -> String {
    let mut ledger = Ledger::new(policy.criteria.clone());
    for pod in &pods {
        ledger.pod(Change::Applied(pod.clone()), now);
    }
    let palette = policy.brightness.palette(&policy.palette, now);
    let mut text = String::new();
    for pod in &pods {
        let standing = standing(pod, now);
        let name = format!("{}/{}", pod.namespace(), pod.name());
        if let Some(why) = policy.criteria.filter.excludes(pod) {
            writeln!(text, "{name}: {}, doesn't count: {why}", standing.word).ok();
            continue;
        }
        let trouble = ledger.trouble(pod);
        let state = trouble.map_or(standing.state, |trouble| trouble.state);
        let rule = trouble.map_or_else(|| format!("pod-{}", state.word()), |trouble| trouble.rule(policy));
        let restarts = if standing.restarts > 0 { format!(" ×{}", standing.restarts) } else { String::new() };
        writeln!(text, "{name}: {}{restarts}", standing.word).ok();
        writeln!(text, "  is     {}", standing.state.word()).ok();
        writeln!(text, "  shows  {}: {}", state.word(), look(palette.of(state))).ok();
        writeln!(text, "  rule   {rule}").ok();
        if let Some(later) = &standing.later {
            writeln!(text, "  later  {} at {}", later.state.word(), later.at).ok();
        }
    }
    text
}

fn look(look: Look) -> String {
    let effect = v1::Effect::from(look.effect).as_str_name().to_lowercase();
    let period = look.effect.period().map(|period| format!(" {}", humantime::format_duration(period)));
    format!("{} {effect}{}", look.color, period.unwrap_or_default())
}

impl ValueEnum for Preset {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Default, Self::Origin, Self::ColorBlindSafe]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let (name, _) = Self::ALL.into_iter().find(|(_, preset)| preset == self)?;
        Some(clap::builder::PossibleValue::new(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::NOW;

    fn ask(question: &Question) -> String {
        question.answer(NOW).unwrap()
    }

    /// A pod of a Deployment's ReplicaSet, with such a condition and such a state of its container.
    fn cart(name: &str, ready: &str, since: &str, state: &Value) -> Value {
        json!({
            "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "shop", "uid": name, "labels": {"pod-template-hash": "7f"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-7f", "uid": "x", "controller": true}],
            },
            "spec": {"nodeName": "n1", "containers": [{"name": "main"}]},
            "status": {
                "phase": if state["waiting"]["reason"] == "ContainerCreating" { "Pending" } else { "Running" },
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
                "containerStatuses": [{"name": "main", "restartCount": 0, "ready": ready == "True", "state": state}],
            },
        })
    }

    #[test]
    fn pods_are_explained_with_state_color_and_rule() {
        let folder = tempfile::tempdir().unwrap();
        let (pod, policy) = (folder.path().join("pods.json"), folder.path().join("policy.yaml"));
        let looping = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let creating = json!({"waiting": {"reason": "ContainerCreating"}});
        let mut ignored = cart("d", "False", "2025-06-01T11:00:00Z", &looping);
        ignored["metadata"]["annotations"] = json!({"podlight.dev/ignore": "true"});
        let list = json!({"kind": "List", "items": [
            cart("a", "True", "2025-06-01T11:59:30Z", &json!({"running": {}})),
            cart("b", "False", "2025-06-01T11:59:40Z", &creating),
            cart("c", "False", "2025-06-01T11:59:50Z", &looping),
            ignored,
        ]});
        std::fs::write(&pod, list.to_string()).unwrap();
        std::fs::write(&policy, "states: {failed: {after: 30s}}").unwrap();
        let answer = ask(&Question::Explain { pod: pod.clone(), policy: Some(policy) });
        let want = "shop/a: Running\n  is     running\n  shows  running: #001900 morph 300ms\n  rule   pod-running\n\
                    shop/b: ContainerCreating\n  is     pending\n  shows  updating: #001900 pulse 3s\n  rule   updating: progress within 2m\n\
                    shop/c: CrashLoopBackOff\n  is     failed\n  shows  unready: #323200 morph 300ms\n  rule   grace: failed after 30s\n\
                    shop/d: CrashLoopBackOff, doesn't count: podlight.dev/ignore\n";
        assert_eq!(answer, want);

        std::fs::write(&pod, list["items"][2].to_string()).unwrap();
        let answer = ask(&Question::Explain { pod, policy: None });
        assert!(answer.ends_with("is     failed\n  shows  failed: #320000 solid\n  rule   pod-failed\n"), "{answer}");
    }

    #[test]
    fn what_holds_no_pod_is_refused_with_what_would() {
        let folder = tempfile::tempdir().unwrap();
        let pod = folder.path().join("pod.json");
        let question = Question::Explain { pod: pod.clone(), policy: None };
        for text in ["", "kind: Pod", "{}", r#"{"kind": "Node", "metadata": {}}"#, r#"{"kind": "Pod"}"#] {
            std::fs::write(&pod, text).unwrap();
            let error = question.answer(NOW).unwrap_err().to_string();
            assert!(error.contains("pod.json: ") && error.contains("give what `kubectl get pod"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_is_good_and_what_is_bad_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        for preset in Preset::value_variants() {
            std::fs::write(&file, ask(&Question::Show { preset: *preset, file: None })).unwrap();
            assert!(ask(&Question::Check { file: file.clone() }).ends_with("this policy is good\n"));
            let whole = ask(&Question::Show { preset: Preset::Default, file: Some(file.clone()) });
            assert_eq!(whole, preset.policy().to_string());
        }
        std::fs::write(&file, "layout:\n  same: 1").unwrap();
        let error = Question::Check { file }.answer(NOW).unwrap_err().to_string();
        assert!(
            error.ends_with("policy.yaml: line 2, column 3: layout: a map is not valid; give same, split, pods"),
            "{error}"
        );
    }
}
