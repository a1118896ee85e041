//! Edge: `watcher certs`, certificates for mutual TLS in a folder. Overwrites nothing, and refuses to know a cluster.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use clap::Args;
use podlight_tls::EVERY_LIGHT;
use podlight_tls::authority::{Authority, Pair};

const DAY: Duration = Duration::from_secs(86_400);
/// Of a CA. What it signed lasts for less, and replacing it takes both ends.
const CA_DAYS: u32 = 3_650;
/// Clocks differ, and a Raspberry Pi may have none that runs while it is off.
const BACKDATED: Duration = DAY;

/// Make a CA, and certificates of it for lightd and the watcher
#[derive(Args, Clone, Debug)]
pub(super) struct Certs {
    /// Where to: a folder that doesn't exist, or is empty
    folder: PathBuf,

    /// Make no CA, but take that of a folder made by this command before
    #[arg(long, env = "PODLIGHT_CA_FROM", value_name = "FOLDER")]
    ca_from: Option<PathBuf>,

    /// For how many days the two certificates are valid; the CA is for ten years
    #[arg(long, env = "PODLIGHT_DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,

    /// A name besides for lightd's certificate: the host of a URL that a light is given by; may be given more than once
    #[arg(long = "name", env = "PODLIGHT_NAME", value_name = "NAME", value_delimiter = ',')]
    names: Vec<String>,
}

impl Certs {
    /// Makes them, and tells what was made and what to do with it.
    ///
    /// # Errors
    /// Something is there already, the CA can't be read, or nothing can be written.
    pub(super) fn make(&self) -> anyhow::Result<String> {
        let folder = &self.folder;
        let is_empty = fs::read_dir(folder).map_or(true, |mut files| files.next().is_none());
        ensure!(
            is_empty,
            "{}: there is something in it; give a folder that is empty or doesn't exist",
            folder.display()
        );
        let from = now() - BACKDATED;
        let lasts = BACKDATED + DAY * self.days;
        let (authority, ca) = self.authority(from)?;
        let names = [EVERY_LIGHT, "localhost", "127.0.0.1", "::1"];
        let names: Vec<_> = names.into_iter().chain(self.names.iter().map(String::as_str)).collect();
        let lightd = authority.light(&names, from, lasts).context("--name")?;
        let watcher = authority.caller("watcher.podlight", from, lasts)?;

        let mut made = Vec::new();
        if self.ca_from.is_none() {
            write(&folder.join("ca/ca.crt"), &ca, 0o644)?;
            write(&folder.join("ca/ca.key"), &authority.key(), 0o600)?;
            made.push(format!(
                "made {}, with its key: keep it where nobody else can read it",
                show(folder, "ca/ca.crt")
            ));
        }
        for (name, Pair { certificate, key }, what) in [
            ("lightd", lightd, format!("for {}", names.join(", "))),
            ("watcher", watcher, "to show to lights".to_owned()),
        ] {
            write(&folder.join(name).join("tls.crt"), &certificate, 0o644)?;
            write(&folder.join(name).join("tls.key"), &key, 0o600)?;
            write(&folder.join(name).join("ca.crt"), &ca, 0o644)?;
            made.push(format!("made {}, {what}, for {} days", show(folder, &format!("{name}/tls.crt")), self.days));
        }
        made.push("\nNext, where the namespace exists:\n".to_owned());
        for name in ["lightd", "watcher"] {
            made.push(format!(
                "kubectl -n podlight create secret generic {name}-tls --from-file={} --dry-run=client -o yaml | kubectl apply -f -",
                show(folder, name)
            ));
        }
        Ok(made.join("\n"))
    }

    /// Who signs, and its certificate in PEM.
    fn authority(&self, from: SystemTime) -> anyhow::Result<(Authority, String)> {
        let lasts = DAY * CA_DAYS;
        let Some(folder) = &self.ca_from else {
            let authority = Authority::new(from, lasts)?;
            let certificate = authority.certificate();
            return Ok((authority, certificate));
        };
        let read = |name| {
            let path = folder.join("ca").join(name);
            fs::read_to_string(&path).with_context(|| format!("--ca-from {}: {}", folder.display(), path.display()))
        };
        let authority = Authority::with_key(&read("ca.key")?, from, lasts)
            .with_context(|| format!("--ca-from {}: ca/ca.key", folder.display()))?;
        Ok((authority, read("ca.crt")?))
    }
}

fn show(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// A new file, in folders that only its owner can look into.
fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
    };
    write().with_context(|| path.display().to_string())
}

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the clock of the wall")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use podlight_tls::{Trust, all_or_none};

    use super::*;

    fn certs(folder: &Path) -> Certs {
        Certs { folder: folder.to_owned(), ca_from: None, days: 365, names: vec!["desk.local".to_owned()] }
    }

    /// What a daemon finds in it.
    fn read(folder: &Path) -> Trust {
        let path = |name| Some(folder.join(name));
        let (cert, key, ca) = (("--tls-cert", path("tls.crt")), ("--tls-key", path("tls.key")), ("ca", path("ca.crt")));
        Trust::read(all_or_none(cert, key, ca).unwrap().unwrap()).unwrap().0
    }

    #[test]
    fn both_daemons_can_use_what_is_made_and_keys_are_their_owners_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("certs");
        let told = certs(&folder).make().unwrap();
        for part in ["for lightd.podlight, localhost, 127.0.0.1, ::1, desk.local", "for 365 days", "create secret"] {
            assert!(told.contains(part), "{told}");
        }
        read(&folder.join("lightd"));
        read(&folder.join("watcher"));
        for key in ["ca/ca.key", "lightd/tls.key", "watcher/tls.key"] {
            assert_eq!(fs::metadata(folder.join(key)).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("certs");
        certs(&folder).make().unwrap();
        let key = fs::read(folder.join("ca/ca.key")).unwrap();
        let error = certs(&folder).make().unwrap_err().to_string();
        assert!(error.contains("there is something in it"), "{error}");
        assert_eq!(fs::read(folder.join("ca/ca.key")).unwrap(), key);
    }

    #[test]
    fn a_ca_signs_again() {
        let root = tempfile::tempdir().unwrap();
        let (first, second) = (root.path().join("first"), root.path().join("second"));
        certs(&first).make().unwrap();
        let again = Certs { ca_from: Some(first.clone()), ..certs(&second) };
        again.make().unwrap();
        assert!(!second.join("ca").exists());
        let both = |name| (fs::read(first.join(name)).unwrap(), fs::read(second.join(name)).unwrap());
        let (ca, ca_again) = both("lightd/ca.crt");
        let (lightd, lightd_again) = both("lightd/tls.crt");
        assert!(ca == ca_again && lightd != lightd_again);
        let error =
            format!("{:#}", Certs { ca_from: Some(second), ..certs(&root.path().join("c")) }.make().unwrap_err());
        assert!(error.contains("ca/ca.key"), "{error}");
    }
}
