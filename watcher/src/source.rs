//! Where the policy comes from: a file that is looked at again and again, and the command line, which beats it.
//!
//! Keeps the last policy that was good. A bad one changes nothing but what is said of it, here and in the log.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::policy::Policy;
use crate::settings::{Misconfigured, Settings};

/// The policy that holds, and what became of those that were to hold.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) policy: Arc<Policy>,
    pub(crate) reloads: Reloads,
}

/// What became of a policy file's changes since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// Changes that were taken.
    pub taken: u64,
    /// Changes that were refused.
    pub refused: u64,
    /// What is wrong with the file as it is now. The policy before it still holds.
    pub fault: Option<String>,
}

/// The file, and what it held last.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    seen: Result<String, String>,
    settings: Settings,
    told: watch::Sender<Current>,
}

/// A kubelet brings a changed `ConfigMap` within a minute or two: this adds little to that.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// As much as a `ConfigMap` can hold.
const LONGEST: u64 = 1024 * 1024;

impl Source {
    /// Reads the policy that these settings name, if they name one. Whoever wants to know of it asks the receiver.
    ///
    /// # Errors
    /// There is no such policy, or a bad one: to begin with, there must be a good one.
    pub(crate) fn open(settings: &Settings) -> Result<(Self, watch::Receiver<Current>), Misconfigured> {
        let file = settings.policy.clone();
        let text = file.as_deref().map(|file| read(file).map_err(|why| refuse(file, &why))).transpose()?;
        let policy = policy(settings, text.as_deref()).map_err(|why| match &file {
            Some(file) => refuse(file, &why),
            None => Misconfigured::new(why),
        })?;
        let (told, current) = watch::channel(Current { policy: Arc::new(policy), reloads: Reloads::default() });
        let seen = Ok(text.unwrap_or_default());
        Ok((Self { file, seen, settings: settings.clone(), told }, current))
    }

    /// Looks at the file for as long as anyone wants to know.
    pub(crate) async fn follow(mut self) {
        let Some(file) = self.file.take() else { return self.told.closed().await };
        while !self.told.is_closed() {
            sleep(BETWEEN_LOOKS).await;
            let path = file.clone();
            let Ok(seen) = spawn_blocking(move || read(&path)).await else { return };
            self.look(seen, &file);
        }
    }

    fn look(&mut self, seen: Result<String, String>, file: &Path) {
        if seen == self.seen {
            return;
        }
        let new = seen.as_deref().map_err(Clone::clone).and_then(|text| policy(&self.settings, Some(text)));
        self.seen = seen;
        self.told.send_modify(|Current { policy, reloads }| match new {
            Ok(new) => {
                *policy = Arc::new(new);
                reloads.taken += 1;
                reloads.fault = None;
                tracing::info!(file = %file.display(), "a new policy holds");
            }
            Err(why) => {
                tracing::warn!(file = %file.display(), why, "the policy file is refused; the last good policy holds");
                reloads.refused += 1;
                reloads.fault = Some(why);
            }
        });
    }
}

/// The text of a policy file, or why there is none.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|open| open.take(LONGEST + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > LONGEST => Err("it is larger than 1 MiB".to_owned()),
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

fn policy(settings: &Settings, text: Option<&str>) -> Result<Policy, String> {
    let policy = text.map_or_else(|| Ok(Policy::default()), Policy::parse).map_err(|fault| fault.to_string())?;
    settings.over(policy).map_err(|misconfigured| misconfigured.to_string())
}

fn refuse(file: &Path, why: &str) -> Misconfigured {
    Misconfigured::new(format!("--policy {}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::policy::Layout;

    fn settings(args: &[&str]) -> Settings {
        Settings::parse_from([&["watcher"], args].concat())
    }

    #[test]
    fn a_bad_file_leaves_the_last_good_policy_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        std::fs::write(&file, "layout: split").unwrap();
        let (mut source, current) = Source::open(&settings(&["--policy", file.to_str().unwrap()])).unwrap();
        let mut look = |seen: Result<&str, &str>| {
            source.look(seen.map(ToOwned::to_owned).map_err(ToOwned::to_owned), &file);
            let Current { policy, reloads } = current.borrow().clone();
            (policy.layout, reloads)
        };
        let taken =
            |taken, refused, fault: Option<&str>| Reloads { taken, refused, fault: fault.map(ToOwned::to_owned) };
        assert_eq!(look(Ok("layout: split")), (Layout::Split, taken(0, 0, None)));
        let fault = "line 1, column 9: layout: \"rods\" is not valid; give pods";
        assert_eq!(look(Ok("layout: rods")), (Layout::Split, taken(0, 1, Some(fault))));
        assert_eq!(look(Ok("layout: rods")), (Layout::Split, taken(0, 1, Some(fault))));
        assert_eq!(look(Err("gone")), (Layout::Split, taken(0, 2, Some("gone"))));
        assert_eq!(look(Ok("layout: pods")), (Layout::Pods, taken(1, 2, None)));
    }

    #[test]
    fn what_is_no_policy_to_begin_with_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        let open = || {
            let Err(error) = Source::open(&settings(&["--policy", file.to_str().unwrap()])) else { panic!("taken") };
            error.to_string()
        };
        let missing = open();
        assert!(missing.contains("--policy") && missing.contains("No such file"), "{missing}");
        std::fs::write(&file, "layouts: same").unwrap();
        assert!(open().contains("policy.yaml: line 1, column 1: layouts: there is no such key; give layout"));
        std::fs::write(&file, vec![b' '; 1024 * 1024 + 1]).unwrap();
        assert!(open().contains("larger than 1 MiB"));
    }

    #[test]
    fn without_a_file_the_default_policy_holds() {
        let (_, current) = Source::open(&settings(&[])).unwrap();
        assert_eq!(*current.borrow().policy, Policy::default());
    }
}
