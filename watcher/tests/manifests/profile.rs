//! What a pod asks for beyond the restricted profile of the Pod Security Standards: each by name, and nothing else.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, Namespace, PodSpec, SecurityContext};

use crate::overlay::{ALL, KIND, Overlay, PRIVILEGED, PRODUCTION, RASPBERRY_PI, STICKS_ONLY, deploy};

/// Where `spec` goes beyond the restricted profile (of 1.35, for Linux), and beyond a root file system that is read-only.
fn beyond_restricted(spec: &PodSpec) -> Vec<String> {
    let mut beyond = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            beyond.push(what.to_owned());
        }
    };
    let host = [spec.host_network, spec.host_pid, spec.host_ipc];
    check(host.iter().all(Option::is_none), "shares the host's namespaces");
    for volume in spec.volumes.iter().flatten() {
        check(volume.host_path.is_none(), &format!("mounts {} from the host", volume.name));
    }
    let of_pod = spec.security_context.as_ref().expect("a pod has a security context");
    let profile = of_pod.seccomp_profile.as_ref().map(|profile| profile.type_.as_str());
    check(profile == Some("RuntimeDefault"), "has no seccomp profile");
    check(of_pod.run_as_non_root == Some(true) && of_pod.run_as_user.is_none_or(|user| user != 0), "is root");
    assert!(spec.init_containers.is_none() && spec.ephemeral_containers.is_none());
    for container in &spec.containers {
        let context = container.security_context.as_ref().expect("a container has a security context");
        check(context.privileged != Some(true), "is privileged");
        check(context.allow_privilege_escalation == Some(false), "may gain privileges");
        check(has_no_capability(context), "has capabilities");
        check(context.read_only_root_filesystem == Some(true), "writes to its root file system");
        check(overrides_nothing(context), "overrides what its pod says");
        check(container.ports.iter().flatten().all(|port| port.host_port.is_none()), "takes a port of the host");
    }
    beyond
}

fn has_no_capability(context: &SecurityContext) -> bool {
    let drops = context.capabilities.as_ref().filter(|capabilities| capabilities.add.is_none());
    drops.and_then(|capabilities| capabilities.drop.as_deref()).is_some_and(|drop| drop == ["ALL"])
}

const fn overrides_nothing(context: &SecurityContext) -> bool {
    context.seccomp_profile.is_none()
        && context.run_as_user.is_none()
        && context.run_as_non_root.is_none()
        && context.proc_mount.is_none()
        && context.app_armor_profile.is_none()
        && context.se_linux_options.is_none()
}

fn enforced(overlay: &Overlay, name: &str) -> String {
    let namespace: Namespace = overlay.object("Namespace", name);
    namespace.metadata.labels.unwrap().remove("pod-security.kubernetes.io/enforce").unwrap()
}

#[test]
fn the_watcher_holds_to_the_restricted_profile_everywhere() {
    for overlay in ALL {
        assert_eq!(beyond_restricted(&overlay.watcher()), Vec::<String>::new(), "{}", overlay.name);
    }
}

#[test]
fn lightd_needs_nothing_beyond_the_restricted_profile() {
    for overlay in ALL.iter().filter(|overlay| overlay.name != PRIVILEGED.name) {
        assert_eq!(beyond_restricted(&overlay.lightd()), Vec::<String>::new(), "{}", overlay.name);
        assert_eq!(enforced(overlay, "podlight"), "restricted", "{}", overlay.name);
    }
}

#[test]
fn a_real_stick_is_asked_for_and_a_virtual_one_is_not() {
    let asked = |overlay: &Overlay| {
        let resources = overlay.lightd().containers.remove(0).resources.and_then(|resources| resources.limits);
        resources.and_then(|mut limits| limits.remove(lightd::device_plugin::RESOURCE)).map(|amount| amount.0)
    };
    for overlay in [RASPBERRY_PI, PRODUCTION, STICKS_ONLY] {
        assert_eq!(asked(&overlay).as_deref(), Some("1"), "{}", overlay.name);
        assert!(overlay.device_plugin().is_some(), "{}", overlay.name);
    }
    for overlay in [KIND, PRIVILEGED] {
        assert_eq!(asked(&overlay), None, "{}", overlay.name);
        assert!(overlay.device_plugin().is_none(), "{}", overlay.name);
        assert!(overlay.objects().iter().all(|object| object["metadata"]["namespace"] != "podlight-device-plugin"));
    }
}

#[test]
fn the_device_plugin_needs_two_folders_root_and_to_make_nodes() {
    for overlay in [RASPBERRY_PI, PRODUCTION, STICKS_ONLY] {
        let plugin = overlay.device_plugin().unwrap();
        let beyond = ["mounts sockets from the host", "mounts nodes from the host", "is root", "has capabilities"];
        assert_eq!(beyond_restricted(&plugin), beyond, "{}", overlay.name);
        let folders = plugin.volumes.into_iter().flatten().map(|volume| volume.host_path.unwrap().path);
        assert_eq!(folders.collect::<Vec<_>>(), ["/var/lib/kubelet/device-plugins", "/var/lib/podlight/usb"]);
        let context = plugin.containers[0].security_context.as_ref().unwrap();
        let capabilities = context.capabilities.as_ref().unwrap();
        assert_eq!(
            [capabilities.drop.as_deref(), capabilities.add.as_deref()],
            [Some(["ALL".to_owned()].as_slice()), Some(["MKNOD".to_owned()].as_slice())]
        );
        assert_eq!(enforced(&overlay, "podlight-device-plugin"), "privileged");
    }
}

/// Whatever is asked for in a way that the types above would miss, too.
#[test]
fn nothing_is_privileged_but_by_the_component_of_that_name() {
    for overlay in ALL {
        let privileged =
            overlay.objects().iter().filter(|object| object.to_string().contains("\"privileged\":true")).count();
        assert_eq!(privileged, usize::from(overlay.name == PRIVILEGED.name), "{}", overlay.name);
    }
    for file in manifests(&deploy()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let asks = text.lines().any(|line| line.split('#').next().unwrap_or(line).contains("privileged: true"));
        let may = ["components/privileged/kustomization.yaml", "rendered/privileged.yaml"];
        assert_eq!(asks, may.iter().any(|name| file.ends_with(name)), "{}", file.display());
    }
}

/// Every YAML file in `folder` and below.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.chain(folders.iter().flat_map(|folder| manifests(folder))).collect()
}

#[test]
fn the_privileged_component_needs_the_usb_folder_root_and_the_hosts_devices() {
    let lightd = beyond_restricted(&PRIVILEGED.lightd());
    assert_eq!(lightd, ["mounts usb from the host", "is root", "is privileged", "may gain privileges"]);
    assert_eq!(enforced(&PRIVILEGED, "podlight"), "privileged");
}

#[test]
fn nobody_but_the_watcher_has_a_token() {
    for lightd in ALL.iter().flat_map(|overlay| [Some(overlay.lightd()), overlay.device_plugin()]).flatten() {
        assert_eq!(lightd.automount_service_account_token, Some(false));
        let secrets = lightd.volumes.iter().flatten().filter_map(|volume| volume.secret.as_ref());
        let names: Vec<_> = secrets.filter_map(|secret| secret.secret_name.as_deref()).collect();
        // Its certificate, where there is one.
        assert!(names.is_empty() || names == ["lightd-tls"], "{names:?}");
        assert!(lightd.volumes.into_iter().flatten().all(|volume| volume.projected.is_none()));
    }
}

#[test]
fn each_container_has_memory_for_what_was_measured_and_no_more() {
    let bounded = |container: &Container| {
        let resources = container.resources.as_ref().expect("a container has resources");
        let has = |amounts: &Option<_>, what| {
            let amounts: &std::collections::BTreeMap<String, _> = amounts.as_ref().expect("amounts");
            amounts.contains_key(what)
        };
        has(&resources.requests, "cpu") && has(&resources.requests, "memory") && has(&resources.limits, "memory")
    };
    for overlay in ALL {
        assert!(overlay.pods().iter().flat_map(|pod| &pod.containers).all(bounded), "{}", overlay.name);
    }
}
