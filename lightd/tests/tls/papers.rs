//! Certificates in a folder, as an owner of lights has them.

use std::fs;
use std::time::{Duration, SystemTime};

use podlight_tls::authority::{Authority, Pair};
use podlight_tls::{EVERY_LIGHT, Files, all_or_none};
use tempfile::TempDir;

pub(crate) const YEAR: Duration = Duration::from_secs(365 * 86_400);
const HOUR: Duration = Duration::from_secs(3_600);

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
pub(crate) fn ago(time: Duration) -> SystemTime {
    SystemTime::now() - time
}

/// A CA, and files of a light and of a caller. Gone when it is dropped.
pub(crate) struct Papers {
    pub(crate) authority: Authority,
    folder: TempDir,
}

impl Papers {
    pub(crate) fn new() -> Self {
        let authority = Authority::new(ago(HOUR), YEAR).unwrap();
        Self::of(authority)
    }

    fn of(authority: Authority) -> Self {
        let papers = Self { authority, folder: TempDir::new().unwrap() };
        papers.write("ca.crt", &papers.authority.certificate());
        papers.write_pair("light", &papers.authority.light(&[EVERY_LIGHT], ago(HOUR), YEAR).unwrap());
        papers.write_pair("caller", &papers.authority.caller("watcher", ago(HOUR), YEAR).unwrap());
        papers
    }

    /// The same CA, with another certificate for its callers.
    pub(crate) fn with_caller(&self, make: impl Fn(&Authority) -> Pair) -> Self {
        let other = self.again();
        other.write_pair("caller", &make(&other.authority));
        other
    }

    /// The same CA, with another certificate for its lights.
    pub(crate) fn with_light(&self, make: impl Fn(&Authority) -> Pair) -> Self {
        let other = self.again();
        other.write_pair("light", &make(&other.authority));
        other
    }

    fn again(&self) -> Self {
        Self::of(Authority::with_key(&self.authority.key(), ago(HOUR), YEAR).unwrap())
    }

    /// The light of this CA becomes one of another.
    pub(crate) fn become_light_of(&self, other: &Self) {
        for name in ["light.crt", "light.key", "ca.crt"] {
            fs::copy(other.folder.path().join(name), self.folder.path().join(name)).unwrap();
        }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn write_pair(&self, name: &str, pair: &Pair) {
        self.write(&format!("{name}.crt"), &pair.certificate);
        self.write(&format!("{name}.key"), &pair.key);
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// What a lightd is told.
    pub(crate) fn light(&self) -> Vec<String> {
        let [cert, key, ca] = ["light.crt", "light.key", "ca.crt"].map(|name| self.path(name));
        ["--tls-cert".to_owned(), cert, "--tls-key".to_owned(), key, "--client-ca".to_owned(), ca].into()
    }

    /// The files of a caller: certificate, key and CA.
    pub(crate) fn caller(&self) -> [String; 3] {
        ["caller.crt", "caller.key", "ca.crt"].map(|name| self.path(name))
    }

    pub(crate) fn caller_files(&self) -> Files {
        let [cert, key, ca] = self.caller().map(|path| Some(path.into()));
        all_or_none(("--cert", cert), ("--key", key), ("--ca", ca)).unwrap().unwrap()
    }
}
