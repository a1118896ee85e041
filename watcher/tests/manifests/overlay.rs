//! The overlays, and one of each component that none of them has: what kubectl renders, and what is committed of it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::PodSpec;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Name of an overlay, and components besides.
pub(crate) struct Overlay {
    pub(crate) name: &'static str,
    base: &'static str,
    components: &'static [&'static str],
}

pub(crate) const KIND: Overlay = Overlay { name: "kind", base: "overlays/kind", components: &[] };
pub(crate) const RASPBERRY_PI: Overlay =
    Overlay { name: "raspberry-pi", base: "overlays/raspberry-pi", components: &[] };
pub(crate) const PRODUCTION: Overlay = Overlay { name: "production", base: "overlays/production", components: &[] };
pub(crate) const STICKS_ONLY: Overlay =
    Overlay { name: "sticks-only", base: "overlays/raspberry-pi", components: &["components/sticks-only"] };
pub(crate) const PRIVILEGED: Overlay =
    Overlay { name: "privileged", base: "overlays/raspberry-pi", components: &["components/privileged"] };
pub(crate) const TLS_CERT_MANAGER: Overlay =
    Overlay { name: "tls-cert-manager", base: "overlays/kind", components: &["components/tls-cert-manager"] };
pub(crate) const POLICY: Overlay =
    Overlay { name: "policy", base: "overlays/kind", components: &["components/policy"] };
pub(crate) const ALL: [Overlay; 7] =
    [KIND, RASPBERRY_PI, PRODUCTION, STICKS_ONLY, PRIVILEGED, TLS_CERT_MANAGER, POLICY];
/// Those with mutual TLS.
pub(crate) const SECURE: [Overlay; 2] = [PRODUCTION, TLS_CERT_MANAGER];

impl Overlay {
    /// What is committed, by document.
    pub(crate) fn objects(&self) -> Vec<Value> {
        serde_saphyr::from_multiple(&self.committed()).unwrap()
    }

    /// The only object of this type and name.
    pub(crate) fn object<K: DeserializeOwned>(&self, kind: &str, name: &str) -> K {
        let mut objects = self.objects();
        objects.retain(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        assert_eq!(objects.len(), 1, "{kind} {name} of {}", self.name);
        serde_json::from_value(objects.remove(0)).unwrap()
    }

    pub(crate) fn watcher(&self) -> PodSpec {
        self.object::<Deployment>("Deployment", "watcher").spec.unwrap().template.spec.unwrap()
    }

    pub(crate) fn lightd(&self) -> PodSpec {
        self.object::<DaemonSet>("DaemonSet", "lightd").spec.unwrap().template.spec.unwrap()
    }

    /// None where there is none.
    pub(crate) fn device_plugin(&self) -> Option<PodSpec> {
        let there = self.objects().iter().any(|object| object["metadata"]["name"] == "device-plugin");
        there.then(|| self.object::<DaemonSet>("DaemonSet", "device-plugin").spec.unwrap().template.spec.unwrap())
    }

    /// Of every pod that there is.
    pub(crate) fn pods(&self) -> Vec<PodSpec> {
        [self.watcher(), self.lightd()].into_iter().chain(self.device_plugin()).collect()
    }

    fn committed(&self) -> String {
        std::fs::read_to_string(deploy().join("rendered").join(format!("{}.yaml", self.name))).unwrap()
    }

    /// What kubectl makes of it today.
    fn rendered(&self) -> String {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("overlay-{}", self.name));
        std::fs::create_dir_all(&folder).unwrap();
        // kustomize takes folders of others by relative paths only.
        let up = "../".repeat(folder.canonicalize().unwrap().components().count() - 1);
        let deploy = format!("{up}{}", deploy().canonicalize().unwrap().strip_prefix("/").unwrap().display());
        let mut text = format!("resources: [{deploy}/{}]\ncomponents:\n", self.base);
        for component in self.components {
            writeln!(text, "  - {deploy}/{component}").unwrap();
        }
        std::fs::write(folder.join("kustomization.yaml"), text).unwrap();
        let output = Command::new("kubectl").arg("kustomize").arg(&folder).output().unwrap();
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && warnings.is_empty(), "kubectl kustomize: {}, {warnings}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// Says something past the capture of what a test prints.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether kubectl is here; where CI is set it must be.
fn kubectl() -> bool {
    let found =
        Command::new("kubectl").args(["version", "--client"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    assert!(found || std::env::var_os("CI").is_none(), "install kubectl");
    found
}

#[test]
fn each_overlay_renders_as_it_is_committed() {
    if !kubectl() {
        return say("each_overlay_renders_as_it_is_committed LEFT OUT: install kubectl");
    }
    for overlay in ALL {
        let rendered = overlay.rendered();
        if rendered != overlay.committed() {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.yaml", overlay.name));
            std::fs::write(&path, rendered).unwrap();
            panic!("deploy/rendered/{}.yaml isn't what is rendered: compare it with {}", overlay.name, path.display());
        }
    }
}
