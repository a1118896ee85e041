//! Mutual TLS: both daemons have their Secret, and no plain port is open to others.

use k8s_openapi::api::core::v1::PodSpec;

use crate::overlay::{ALL, SECURE, TLS_CERT_MANAGER};

fn value(spec: &PodSpec, name: &str) -> Option<String> {
    let variables = spec.containers.iter().flat_map(|container| container.env.iter().flatten());
    variables.filter(|variable| variable.name == name).find_map(|variable| variable.value.clone())
}

/// The Secrets that are mounted as whole folders, which follow when they change, with the folders.
fn secrets(spec: &PodSpec) -> Vec<(String, String)> {
    let mounts = spec.containers.iter().flat_map(|container| container.volume_mounts.iter().flatten());
    let whole = mounts.filter(|mount| mount.sub_path.is_none() && mount.read_only == Some(true));
    whole
        .filter_map(|mount| {
            let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mount.name)?;
            let secret = volume.secret.as_ref()?;
            Some((secret.secret_name.clone()?, mount.mount_path.clone()))
        })
        .collect()
}

#[test]
fn both_daemons_have_their_certificate_and_the_ca_of_the_other() {
    for overlay in SECURE {
        let (lightd, watcher) = (overlay.lightd(), overlay.watcher());
        assert_eq!(secrets(&lightd), [("lightd-tls".to_owned(), "/tls".to_owned())]);
        assert_eq!(secrets(&watcher), [("watcher-tls".to_owned(), "/tls".to_owned())]);
        for (spec, ca) in [(lightd, "PODLIGHT_CLIENT_CA"), (watcher, "PODLIGHT_LIGHT_CA")] {
            let files = ["PODLIGHT_TLS_CERT", "PODLIGHT_TLS_KEY", ca].map(|name| value(&spec, name).unwrap());
            assert_eq!(files, ["/tls/tls.crt", "/tls/tls.key", "/tls/ca.crt"]);
            // The user of the container is no owner of the files.
            assert_eq!(spec.security_context.unwrap().fs_group, Some(65_532));
        }
    }
}

#[test]
fn without_tls_lightd_is_told_that_this_is_insecure_and_with_it_that_it_is_not() {
    for overlay in ALL {
        let secure = SECURE.iter().any(|other| other.name == overlay.name);
        let insecure = value(&overlay.lightd(), "PODLIGHT_INSECURE").is_some();
        assert_eq!(insecure, !secure, "{}", overlay.name);
    }
}

#[test]
fn cert_manager_makes_the_secrets_that_are_mounted() {
    let objects = TLS_CERT_MANAGER.objects();
    let certificates = objects.iter().filter(|object| object["kind"] == "Certificate");
    let made: Vec<_> = certificates.map(|certificate| certificate["spec"]["secretName"].as_str().unwrap()).collect();
    assert_eq!(made, ["podlight-ca", "lightd-tls", "watcher-tls"]);
    let lights =
        objects.iter().find(|object| object["kind"] == "Certificate" && object["metadata"]["name"] == "lightd");
    assert_eq!(lights.unwrap()["spec"]["dnsNames"][0], podlight_tls::EVERY_LIGHT);
}
